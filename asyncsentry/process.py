"""What happens to the process: its end, and its forks. Clients are told, for as long as they live."""

from __future__ import annotations

import _thread
import atexit
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from types import BuiltinFunctionType
from typing import Any, Final, Protocol
from weakref import ref

IMPORTED_LATE: Final = ("asyncsentry", "encodings", "ssl")
"""What begins the names of the modules that we import while the program runs, in whatever thread needs them first."""

LAST: Final = -100
"""The priority of what `multiprocessing` does at the end of a child: after all that the application asked for."""

logger = logging.getLogger("asyncsentry")


class Resident(Protocol):
    """Something that has to know."""

    def at_exit(self) -> None:
        """The program is done; threads of this process still run, new ones may not start (from Python 3.12 on)."""
        ...

    def before_fork(self) -> None:
        """This thread is about to fork. Nothing but what is safe to lose may be under way in other threads."""
        ...

    def after_fork(self) -> None:
        """This is the child: no thread but this one is here, and what the parent was doing is the parent's to do."""
        ...


loading = _thread.RLock()
"""Held while modules of ours are loaded at the first capture, and over each fork: a child waits for ever for an import
that another thread of its parent had begun. Of `_thread`, as in `Turnstile`."""

HELD_WITHIN: Final = 2.0
"""Seconds for which a fork waits for that at the most."""

_residents: dict[ref[Resident], None] = {}
"""A dict, whose keys can be listed while other threads add to them: a `WeakSet` cannot."""


def settle(resident: Resident) -> None:
    """Tell ``resident`` from now on. It is not kept alive by this."""
    _residents[ref(resident, _forget)] = None
    if _is_child_of_multiprocessing():
        _register_finalizer()
    _look_out_for_children()


def unsettle(resident: Resident) -> None:
    """Tell it no more."""
    _forget(ref(resident))


def _forget(resident: ref[Resident]) -> None:
    _residents.pop(resident, None)


def in_children(begin: Callable[[], None]) -> None:
    """Have each child of `multiprocessing` call this as it begins its work; now, if this is one that has begun."""
    not_in_children(begin)
    _beginnings.append(begin)
    if _is_child_of_multiprocessing():
        begin()
    _look_out_for_children()


def not_in_children(begin: Callable[[], None]) -> None:
    """Have them call it no more."""
    if begin in _beginnings:
        _beginnings.remove(begin)


def patched() -> bool:
    """Whether gevent or eventlet has made greenlets of this program's threads: then other greenlets go on where one
    waits, and where a thread has no hub that runs, nothing that was begun goes on."""
    return not isinstance(_thread.start_new_thread, BuiltinFunctionType)


def start_thread(work: Callable[[], None]) -> None:
    """Have ``work`` done in a thread of the system's own, also in a patched program. `RuntimeError` if Python ends.

    Takes no lock of `threading`, which the code that a signal handler interrupts may hold.
    """
    _unpatched()(work, ())


# Any: two libraries, neither of which need be there.
def _unpatched() -> Any:
    """What `_thread.start_new_thread` was before it was patched; each library has a place to ask for that."""
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    if gevent is not None and gevent.is_module_patched("_thread"):
        return gevent.get_original("_thread", "start_new_thread")
    if patched() and eventlet is not None:
        return eventlet.original("_thread").start_new_thread
    return _thread.start_new_thread  # as it is, or patched by somebody else


def importing() -> bool:
    """Whether some thread is in the middle of an import of ours."""
    return any(True for _ in _unfinished())


def _tell(what: Callable[[Resident], None]) -> None:
    for resident in filter(None, [each() for each in list(_residents)]):
        try:
            what(resident)
        except Exception:
            logger.debug("a client could not follow the process", exc_info=True)


def _tell_exit() -> None:
    _tell(lambda resident: resident.at_exit())


def _tell_before_fork() -> None:
    loading.acquire(timeout=HELD_WITHIN)
    _tell(lambda resident: resident.before_fork())
    _finish_imports()


def _let_go() -> None:
    with suppress(RuntimeError):  # it is another thread's: this one did not get it
        loading.release()


def _finish_imports() -> None:
    """Wait for what other threads import of ours: the child has no such threads, and would wait for it for ever."""
    for name in _unfinished():
        with suppress(Exception):  # what it imports is not our concern here
            import_module(name)


def _unfinished() -> Iterator[str]:
    for name, module in list(sys.modules.items()):
        if name.startswith(IMPORTED_LATE) and getattr(getattr(module, "__spec__", None), "_initializing", False):
            yield name


def _tell_after_fork() -> None:
    global loading
    loading = _thread.RLock()  # the parent's may be held by a thread that is not here
    _tell(lambda resident: resident.after_fork())
    _look_out_for_children()


def _is_child_of_multiprocessing() -> bool:
    """Whether it is one that has begun its work: its main module is imported before."""
    parent_process = getattr(sys.modules.get("multiprocessing.process"), "parent_process", None)
    return parent_process is not None and parent_process() is not None


def _look_out_for_children() -> None:
    """This process, or one that it forks, may be a child of `multiprocessing` that has not begun yet."""
    global _looks_out
    register = getattr(sys.modules.get("multiprocessing.util"), "register_after_fork", None)
    if register is not None and not _looks_out:
        _looks_out = True
        register(_begin_child, lambda begin: begin())


def _begin_child() -> None:
    """Whatever was registered for the end before, it has just been forgotten."""
    for begin in _beginnings:
        begin()


def _register_finalizer() -> None:
    """Children of `multiprocessing` end with ``os._exit``, on some Pythons without what `atexit` knows."""
    from multiprocessing.util import Finalize

    Finalize(None, _tell_exit, exitpriority=LAST)


_beginnings: list[Callable[[], None]] = [_register_finalizer]
_looks_out = False
atexit.register(_tell_exit)
_register_at_fork = getattr(os, "register_at_fork", lambda **_: None)  # some systems have no forks
_register_at_fork(before=_tell_before_fork, after_in_parent=_let_go, after_in_child=_tell_after_fork)
