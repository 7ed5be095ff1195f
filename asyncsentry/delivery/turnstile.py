"""A lock for code that a signal handler or a finalizer may enter again, on the thread that is already in it."""

from __future__ import annotations

from threading import Lock, get_ident


class Turnstile:
    """Lets one thread in. ``with turnstile as inside:`` gives False, at once, to the thread that is in already.

    That thread would else wait for itself for ever. It is noted before the lock is taken and forgotten after it is
    given back, so there is no moment at which an interruption of it goes unrecognised.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._depths: dict[int, int] = {}

    def __enter__(self) -> bool:
        thread = get_ident()
        depth = self._depths.get(thread, 0)
        self._depths[thread] = depth + 1
        if depth:
            return False
        self._lock.acquire()
        return True

    def __exit__(self, *_: object) -> None:
        thread = get_ident()
        depth = self._depths[thread] - 1
        if depth:
            self._depths[thread] = depth
            return
        self._lock.release()
        del self._depths[thread]
