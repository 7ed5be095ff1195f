"""A place where others hook in too: how we take our turn in its chain, and leave it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeAlias

_log = logging.getLogger("asyncsentry")

Uninstall = Callable[[], None]
"""Takes a hook off. Calling it twice, or after a newer client has taken the hook over, does nothing."""

Listeners: TypeAlias = list[Callable[..., None]]
"""The one that hears; none, after it has left."""

# Any: what a place is called with, and gives, is its own.
Hook: TypeAlias = Callable[..., Any]


def tell(listeners: Listeners, *args: object) -> None:
    """Let them hear a call."""
    try:
        for listener in listeners:
            listener(*args)
    except Exception:
        _log.debug("A hook failed", exc_info=True)


def step_out(error: BaseException) -> None:
    """Take the step that is about to raise an error once more out of its traceback, at which others look.

    Python 3.10 puts it in again.
    """
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next


def before(previous: Hook, listeners: Listeners) -> Hook:
    """What calls the listener, and then what was there before, whatever happens."""

    def hook(*args: object) -> None:
        try:
            tell(listeners, *args)
        finally:
            try:
                previous(*args)
            except BaseException as error:
                step_out(error)
                raise

    return hook


class Place:
    """An attribute that somebody calls, like ``sys.excepthook``, where one listener of ours hears the calls.

    ``chain`` makes what stands there of what stood there before: by default, a listener that hears each call first.
    """

    def __init__(self, owner: object, name: str, chain: Callable[[Hook, Listeners], Hook] = before) -> None:
        self._owner = owner
        self._name = name
        self._chain = chain
        self._leave: Uninstall | None = None

    def listen(self, listener: Callable[..., None]) -> Uninstall:
        """Let ``listener`` hear every call from now on, instead of the listener before it."""
        if self._leave is not None:
            self._leave()
        listeners = [listener]
        inherited = self._name not in vars(self._owner)
        previous: Hook = getattr(self._owner, self._name)
        hook = self._chain(previous, listeners)

        def leave() -> None:
            listeners.clear()  # Whoever wrapped this hook keeps it; the client behind it must not live on with it.
            if vars(self._owner).get(self._name) is not hook:
                return
            if inherited:
                delattr(self._owner, self._name)
            else:
                setattr(self._owner, self._name, previous)

        setattr(self._owner, self._name, hook)
        self._leave = leave
        return leave
