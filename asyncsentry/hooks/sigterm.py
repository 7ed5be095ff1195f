"""SIGTERM, for ``flush_on_sigterm``: what is left is delivered, and then comes what would have come without us.

A handler runs between two instructions of the main thread, whatever that is doing. Most of what it may interrupt can
be entered again, see `Turnstile`; a signal that comes amid the rest is sent again a moment later. While what is left is
being delivered, the same signal ends that at once.
"""

from __future__ import annotations

import _thread
import logging
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from importlib import _bootstrap
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from asyncsentry import process
from asyncsentry.delivery.turnstile import Turnstile
from asyncsentry.hooks.place import Uninstall

if TYPE_CHECKING:
    from asyncsentry.client import Client
    from asyncsentry.hooks.repeating import Repeater

_log = logging.getLogger("asyncsentry")

MOMENT: Final = 0.01
"""Seconds after which a signal is sent again that came where nothing can be delivered."""

MOMENTS: Final = 100
"""How often that is done at the most, one time after the other."""

WINK: Final = 1e-6
"""Seconds that are short, and more than none: for none, eventlet does not wait."""

NOBODY: Final = 0
"""The number of no thread and no greenlet."""

_STEPS: Final = (Turnstile.do.__code__, Turnstile.ask.__code__)
"""What nobody passes through while it stands still."""

# Any: what a handler gives back is thrown away.
Before: TypeAlias = Callable[[int, "FrameType | None"], Any] | int
"""What was there before: a function, or ``SIG_DFL``."""


def install(client: Client[Any]) -> Uninstall:
    """Deliver at SIGTERM. Where it is ignored, or a handler that is not Python's is there, it is left alone."""
    handler = _handler_for(client)
    if handler is None:
        return lambda: None
    process.in_children(handler.listen)

    def uninstall() -> None:
        if handler.client is client:
            handler.client = None
            process.not_in_children(handler.listen)
            if handler.in_place() and _set(handler.before):
                handler.listen_no_more()

    return uninstall


def _handler_for(client: Client[Any]) -> _Handler | None:
    before = signal.getsignal(signal.SIGTERM)
    if isinstance(before, _Handler):
        before.client = client
        return before
    if before == signal.SIG_IGN:
        return None
    if before is None:
        _log.warning("flush_on_sigterm does nothing here: %s", _FOREIGN)
        return None
    handler = _Handler(client, before)
    if _set(handler):
        return handler
    _log.warning("flush_on_sigterm does nothing here: %s", _ELSEWHERE)
    return None


_FOREIGN: Final = "SIGTERM has a handler that is not Python's. Have what ends the program call asyncsentry.flush()"
_ELSEWHERE: Final = (
    "Python sets signal handlers in the main thread only. Call init() there, "
    "or call asyncsentry.flush() in a handler of your own"
)


def _set(handler: Before) -> bool:
    """Whether that could be done here. A handler of ours that cannot be taken off stays, and only passes on."""
    try:
        signal.signal(signal.SIGTERM, handler)
    except ValueError:
        return False
    return True


class _Enough(BaseException):
    """The signal came again: nobody waits any longer."""


class _Handler:
    """What Python calls. Without a client it only passes the signal on to what was there ``before``."""

    def __init__(self, client: Client[Any], before: Before) -> None:
        self.client: Client[Any] | None = client
        self.before = before
        self._delivering: int | None = None
        """The thread that delivers; in a patched program, the greenlet."""
        self._left = MOMENTS
        self._repeater: Repeater | None = None

    def in_place(self) -> bool:
        """Whether it is what Python calls."""
        now: object = signal.getsignal(signal.SIGTERM)
        return now is self

    def listen(self) -> None:
        """See that Python calls it, wherever the main thread waits; not where threads are greenlets, or on Windows.

        Nor beside trio, which warns of anybody else who is told of signals.
        """
        if process.patched() or "trio" in sys.modules or not hasattr(signal, "pthread_kill"):
            return
        from asyncsentry.hooks.repeating import Repeater

        repeater = Repeater(signal.SIGTERM, self.in_place)
        if repeater.begin():
            self._repeater = repeater

    def listen_no_more(self) -> None:
        if self._repeater is not None:
            self._repeater.end()

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        if self._repeater is not None:
            self._repeater.noticed()
        client = self.client
        if self._delivering == _thread.get_ident():
            raise _Enough
        if client is None or self._delivering is not None:
            self._delivering = None
            self._pass_on(signum, frame)
        elif process.patched():
            self._obey_in_greenlet(client, signum, frame)
        elif not (_amid_delivery(frame) and self._comes_again(signum)):
            self._obey(client, signum, frame)

    def _obey(self, client: Client[Any], signum: int, frame: FrameType | None) -> None:
        self._left = MOMENTS
        self._let_next_end(signum)
        signals = 1
        try:
            signals = self._deliver(client)
        finally:
            for _ in range(signals):
                self._pass_on(signum, frame)

    def _obey_in_greenlet(self, client: Client[Any], signum: int, frame: FrameType | None) -> None:
        """Where the hub was interrupted, nothing can be waited for. Any other greenlet waits, so that this one runs."""
        waits = not _amid_delivery(frame) and _may_wait()

        def deliver() -> None:
            if self._delivering is not None and self._deliver(client) and not waits:
                self._pass_on(signum, frame)

        self._let_next_end(signum)
        self._delivering = NOBODY
        _thread.start_new_thread(deliver, ())
        while waits and self._delivering is not None:
            time.sleep(MOMENT)
        if waits:
            self._pass_on(signum, frame)

    def _deliver(self, client: Client[Any]) -> int:
        """Gives how many signals have come that nobody has passed on."""
        signals = 1
        try:
            self._delivering = _thread.get_ident()
            _flush(client, quiet=callable(self.before))
        except _Enough:
            signals = 2
        finally:
            cut_short, self._delivering = self._delivering is None, None
        return 0 if cut_short else signals

    def _let_next_end(self, signum: int) -> None:
        """Let the next signal end the program, if that is what it does, whatever we wait for."""
        if not callable(self.before):
            signal.signal(signum, self.before)

    def _pass_on(self, signum: int, frame: FrameType | None) -> None:
        if callable(self.before):
            self.before(signum, frame)
        else:
            self._let_next_end(signum)
            os.kill(os.getpid(), signum)

    def _comes_again(self, signum: int) -> bool:
        """Have the signal sent again; False if it was often enough, or no thread can be started any more."""
        self._left -= 1
        try:
            if self._left >= 0:
                _thread.start_new_thread(send_again, (signum,))
        except RuntimeError:
            return False
        return self._left >= 0


def _flush(client: Client[Any], *, quiet: bool) -> None:
    if not client.at_sigterm():
        _log.log(logging.DEBUG if quiet else logging.WARNING, "not all events could be delivered when SIGTERM came")


def send_again(signum: int) -> None:
    """Send this process a signal, a moment from now."""
    time.sleep(MOMENT)
    os.kill(os.getpid(), signum)


def _amid_delivery(frame: FrameType | None) -> bool:
    """Whether the outbox, or an import of ours, was interrupted: neither gets on while a handler runs.

    What another thread imports does.
    """
    importing = False
    while frame is not None:
        if frame.f_code in _STEPS:
            return True
        importing = importing or frame.f_globals is vars(_bootstrap)
        frame = frame.f_back
    return importing and process.importing()


def _may_wait() -> bool:
    """Whether this is no hub: what blocks fails there."""
    try:
        time.sleep(WINK)
    except Exception:
        return False
    return True


def _came_meanwhile(before: Collection[int]) -> bool:
    """Whether the signal came that was not held ``before``: then it is taken, to be sent again. Not by greenlets."""
    if signal.SIGTERM in before or process.patched() or signal.SIGTERM not in signal.sigpending():
        return False
    return bool(signal.sigwait((signal.SIGTERM,)))


def _hold_over_forks() -> None:
    """Have each child get the signal when it can notice it: when it begins, Python forgets which signals have come.

    One that came meanwhile comes a moment later: what a handler raises in the midst of a fork is lost.
    """
    masks: defaultdict[int, list[Collection[int]]] = defaultdict(list)

    def hold() -> None:
        masks[_thread.get_ident()].append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM,))

    def let_go() -> None:
        kept = masks.pop(_thread.get_ident(), None) or [signal.pthread_sigmask(signal.SIG_BLOCK, ())]
        before = kept.pop()
        if kept:  # a signal handler forked in the midst of a fork
            masks[_thread.get_ident()] = kept
        try:
            if _came_meanwhile(before):
                _thread.start_new_thread(send_again, (signal.SIGTERM,))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    register = getattr(os, "register_at_fork", lambda **_: None)  # some systems have no forks
    register(before=hold, after_in_parent=let_go, after_in_child=let_go)


_hold_over_forks()
