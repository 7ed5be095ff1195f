"""A thread of the system's own, which waits for a disk while a program of greenlets goes on."""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Callable
from typing import Any

from asyncsentry import process


def start(work: Callable[[], None], name: str, *, failed: Callable[[], None]) -> None:
    """Have ``work`` done in a daemon thread, or have ``failed`` called: Python is ending. Never waits."""
    try:
        if process.patched():
            _start_unpatched(work, ())
        else:
            # Not Thread.start: it takes locks of `threading`, which the code that a handler interrupts may hold.
            thread = threading.Thread(target=work, name=name, daemon=True)
            _thread.start_new_thread(_launch, (thread, failed))
    except RuntimeError:
        failed()


def _launch(thread: threading.Thread, failed: Callable[[], None]) -> None:
    try:
        thread.start()
    except RuntimeError:  # Python began to end in between
        failed()


# Any: two libraries, neither of which need be there.
def _start_unpatched(*arguments: Any) -> None:
    """What `_thread.start_new_thread` was before it was patched; each library has a place to ask for that."""
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    if gevent is not None and gevent.is_module_patched("_thread"):
        gevent.get_original("_thread", "start_new_thread")(*arguments)
    elif eventlet is not None:
        eventlet.original("_thread").start_new_thread(*arguments)
    else:  # patched by somebody else
        _thread.start_new_thread(*arguments)
