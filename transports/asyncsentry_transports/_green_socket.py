"""A socket for greenlets: the standard library's, which leaves waiting to the hub.

Not the socket that the greenlets' library brings. That one belongs to its hub: once the hub is gone, as with the
thread that it ran in, it cannot even be closed.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from asyncsentry.transport.protocol import Cancelled

if TYPE_CHECKING:
    from typing_extensions import Buffer

Pause: TypeAlias = Callable[[int, bool, float], None]
"""Let other greenlets run until a file descriptor is ready: it, whether to be written, and within how many seconds."""

_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK)


class GreenSocket:
    """What waits here is the calling greenlet alone.

    Greenlets outlive a fork, in the child too, but what they send is the parent's, and so is what comes. So nothing is
    connected, said or heard in another process than the one with the number ``process``.
    """

    def __init__(self, plain: socket.socket, pause: Pause, process: int) -> None:
        plain.setblocking(False)
        self._plain = plain
        self._pause = pause
        self._seconds = 0.0
        self._process = process

    def settimeout(self, seconds: float, /) -> None:
        self._seconds = seconds

    # Any: what an address looks like depends on its family.
    def connect(self, address: Any, /) -> None:
        self._check()
        error = self._plain.connect_ex(address)
        if error in _UNDER_WAY:
            self._wait(writing=True)
            error = self._plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))

    def send(self, data: Buffer, /) -> int:
        self._check()
        while True:
            try:
                return self._plain.send(data)
            except BlockingIOError:
                self._wait(writing=True)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        while True:
            try:
                return self._plain.recv(size, flags)
            except BlockingIOError:
                if not self._seconds:
                    raise
                self._wait(writing=False)

    def setsockopt(self, level: int, name: int, value: int, /) -> None:
        self._plain.setsockopt(level, name, value)

    def shutdown(self, how: int, /) -> None:
        self._plain.shutdown(how)

    def close(self) -> None:
        self._plain.close()

    def _wait(self, *, writing: bool) -> None:
        self._pause(self._plain.fileno(), writing, self._seconds)
        self._check()

    def _check(self) -> None:
        if os.getpid() != self._process:
            raise Cancelled("the process was forked")
