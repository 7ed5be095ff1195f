"""A place where others hook in too: how we take our turn in its chain, and leave it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

_log = logging.getLogger("asyncsentry")

Uninstall = Callable[[], None]
"""Takes a hook off. Calling it twice, or after a newer client has taken the hook over, does nothing."""


class Place:
    """An attribute that somebody calls, like ``sys.excepthook``, where one listener of ours hears each call first."""

    def __init__(self, owner: object, name: str) -> None:
        self._owner = owner
        self._name = name
        self._leave: Uninstall | None = None

    def listen(self, listener: Callable[..., None]) -> Uninstall:
        """Let ``listener`` hear every call from now on, instead of the listener before it."""
        if self._leave is not None:
            self._leave()
        heard: Callable[..., None] | None = listener
        previous: Callable[..., Any] = getattr(self._owner, self._name)

        def hook(*args: object) -> None:
            try:
                if heard is not None:
                    heard(*args)
            except Exception:
                _log.debug("A hook failed", exc_info=True)
            finally:
                previous(*args)

        def leave() -> None:
            nonlocal heard
            heard = None  # Whoever wrapped this hook keeps it; the client behind it must not live on with it.
            if getattr(self._owner, self._name) is hook:
                setattr(self._owner, self._name, previous)

        setattr(self._owner, self._name, hook)
        self._leave = leave
        return leave
