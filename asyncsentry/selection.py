"""Which errors are worth an event: decided before anything of them is read."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from asyncsentry.delivery.losses import Reason
from asyncsentry.options import Options

logger = logging.getLogger("asyncsentry")


class Selection:
    """Ignored types first, then sampling. A sampler that fails is as good as none."""

    def __init__(self, options: Options, uniform: Callable[[], float] = random.random) -> None:
        self._ignored_classes = tuple(each for each in options.ignore_errors if isinstance(each, type))
        self._ignored_names = tuple(each for each in options.ignore_errors if isinstance(each, str))
        self._known: WeakKeyDictionary[type[BaseException], bool] = WeakKeyDictionary()
        self._rate = options.sample_rate
        self._sampler = options.error_sampler
        self._uniform = uniform

    def refusal(self, error: BaseException, hint: Mapping[str, Any]) -> Reason | None:
        """Why this error is not sent, if it is not."""
        if self.ignores(type(error)):
            return "event_processor"
        if self._sampler is None:
            return self.sample()
        try:
            rate = float(self._sampler(error, dict(hint)))
        except Exception:
            logger.exception("error_sampler failed: sample_rate decides")
            rate = self._rate
        return self._sample(rate)

    def sample(self) -> Reason | None:
        """Let by as many as ``sample_rate`` says."""
        return self._sample(self._rate)

    def ignores(self, kind: type[BaseException]) -> bool:
        """Whether ``ignore_errors`` names this type or one of its bases."""
        if not self._ignored_classes and not self._ignored_names:
            return False
        known = self._known.get(kind)
        if known is None:
            known = self._known[kind] = issubclass(kind, self._ignored_classes) or any(map(self._names, kind.__mro__))
        return known

    def _names(self, kind: type) -> bool:
        if not self._ignored_names:
            return False
        from fnmatch import fnmatchcase

        called = (kind.__name__, kind.__qualname__, f"{kind.__module__}.{kind.__qualname__}")
        return any(fnmatchcase(name, pattern) for name in called for pattern in self._ignored_names)

    def _sample(self, rate: float) -> Reason | None:
        return None if rate >= 1 or self._uniform() < rate else "sample_rate"
