"""A thread of the system's own, which waits for a disk while a program of greenlets goes on."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable

from asyncsentry import process


def start(work: Callable[[], None], name: str, *, failed: Callable[[], None]) -> None:
    """Have ``work`` done in a daemon thread, or have ``failed`` called: Python is ending. Never waits."""
    try:
        if process.patched():
            process.start_thread(work)
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
