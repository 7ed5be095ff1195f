"""Which errors are worth an event: decided before anything of them is read."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

from asyncsentry.chance import uniform as any_number
from asyncsentry.diary import Complaints
from asyncsentry.options import Options


class Selection:
    """Ignored types and sampling. A sampler that fails is as good as none."""

    def __init__(self, options: Options, complaints: Complaints, uniform: Callable[[], float] = any_number) -> None:
        self._ignored_classes = tuple(each for each in options.ignore_errors if isinstance(each, type))
        self._ignored_names = tuple(each for each in options.ignore_errors if isinstance(each, str))
        self._ignored: WeakKeyDictionary[type[BaseException], bool] = WeakKeyDictionary()
        self._rate = options.sample_rate
        self._sampler = options.error_sampler
        self._complaints = complaints
        self._uniform = uniform
        if self._ignored_names:
            import_module("fnmatch")

    def ignores(self, kind: type[BaseException]) -> bool:
        """Whether ``ignore_errors`` names this type or one of its bases."""
        if not self._ignored_classes and not self._ignored_names:
            return False
        ignored = self._ignored.get(kind)
        if ignored is None:
            ignored = issubclass(kind, self._ignored_classes) or any(map(self._names, kind.__mro__))
            self._ignored[kind] = ignored
        return ignored

    def keeps_error(self, error: BaseException, hint: Callable[[], dict[str, Any]]) -> bool:
        """Whether this error is among those that are sent. ``hint`` gives what a sampler is told of it."""
        if self._sampler is None:
            return self.keeps()
        try:
            rate = float(self._sampler(error, hint()))
            if rate != rate:
                raise ValueError("the sampler gave no number")
        except Exception:
            self._complaints.failed("error_sampler", "sample_rate decides")
            return self.keeps()
        return rate >= 1 or self._uniform() < rate

    def keeps(self) -> bool:
        """Whether the next one is among as many as ``sample_rate`` says."""
        return self._rate >= 1 or self._uniform() < self._rate

    def _names(self, kind: type) -> bool:
        if not self._ignored_names:
            return False
        from fnmatch import fnmatchcase

        called = (kind.__name__, kind.__qualname__, f"{kind.__module__}.{kind.__qualname__}")
        return any(fnmatchcase(name, pattern) for name in called for pattern in self._ignored_names)
