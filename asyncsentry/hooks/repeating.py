"""A signal that Python did not notice is sent again: in children of `multiprocessing`, which are told to end by one.

Python's handlers are called by the interpreter, some time after the system has told it of a signal. Where the main
thread waits for a lock of `multiprocessing`, that is in the C library; and if a signal comes just as the lock is handed
on, and somebody else gets it, the C library waits on, and the interpreter is not asked. A pool tells its workers to end
by a signal, and holds that very lock then: now and then a worker would never end.
"""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from socket import MSG_DONTWAIT, MSG_PEEK, SHUT_RDWR, socketpair
from typing import Final

from asyncsentry import own, process

PATIENCE: Final = 0.05
"""Seconds after which a signal counts as not noticed."""

AGAIN: Final = 3
"""How often one is sent again at the most: perhaps the main thread cannot be interrupted where it is."""

NOBODY: Final = -1
"""The descriptor of nobody who is told of signals."""

ENOUGH: Final = 4096
"""More signals than come at once."""


class Repeater:
    """Is told of signals where event loops are, at `signal.set_wakeup_fd`, and sends again what nobody has noticed.

    What is in its socket is what nobody has noticed yet.
    """

    def __init__(self, signum: int, wanted: Callable[[], bool]) -> None:
        """``wanted`` tells whether the handler is there that says that it has `noticed`."""
        self._signum = signum
        self._wanted = wanted
        self._asking = _thread.RLock()
        self._left = AGAIN
        self._ear, self._mouth = socketpair()
        self._ear.settimeout(None)  # whatever the program has said of sockets
        self._mouth.setblocking(False)

    def begin(self) -> bool:
        """Listen from now on; False where others do, or where no thread can be started for it."""
        if not _tell(self._mouth.fileno(), instead_of=NOBODY):
            self._close()
            return False
        try:
            threading.Thread(target=self._work, name="asyncsentry-signals", daemon=True).start()
        except RuntimeError:
            self.after_fork()
            return False
        process.settle(self)
        return True

    def noticed(self) -> None:
        """The handler is called. What came before this is not sent again."""
        with self._asking:
            self._left = AGAIN
            self._told()

    def end(self) -> None:
        """Listen no more. In another thread than the main one that cannot be done."""
        if threading.current_thread() is threading.main_thread():
            _tell(NOBODY, instead_of=self._mouth.fileno())
            process.unsettle(self)
            self._mouth.shutdown(SHUT_RDWR)

    def at_exit(self) -> None:
        """The thread ends with the process."""

    def before_fork(self) -> None:
        """Nothing is to be waited for."""

    def after_fork(self) -> None:
        """This is the child, whose signals are not its parent's."""
        self._asking = _thread.RLock()
        _tell(NOBODY, instead_of=self._mouth.fileno())
        self._close()

    def _close(self) -> None:
        self._ear.close()
        self._mouth.close()

    def _work(self) -> None:
        with suppress(OSError):  # somebody has closed all files, as programs do that become daemons
            own.work(self._listen)
            self._close()

    def _listen(self) -> None:
        main = threading.main_thread().ident
        while self._ear.recv(1, MSG_PEEK):
            time.sleep(PATIENCE)
            with self._asking:
                if self._signum in self._told() and self._wanted() and self._left and main is not None:
                    self._left -= 1
                    signal.pthread_kill(main, self._signum)

    def _told(self) -> bytes:
        """The numbers of the signals that came since this was asked last."""
        with suppress(OSError):  # there are none, or it is closed
            return self._ear.recv(ENOUGH, MSG_DONTWAIT)
        return b""


def _tell(descriptor: int, *, instead_of: int) -> bool:
    """Tell one descriptor of signals, and not another; False if a third one is told, or if this is no main thread."""
    try:
        before = signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)
        if before != instead_of:
            signal.set_wakeup_fd(before, warn_on_full_buffer=False)
    except (OSError, ValueError):
        return False
    return before == instead_of
