"""Errors that nobody caught, as the interpreter announces them: in the program, in a thread, in a finalizer."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, TypeGuard

from asyncsentry.events.exceptions import Mechanism
from asyncsentry.hooks.place import Place, Uninstall

if TYPE_CHECKING:
    from types import TracebackType

    from asyncsentry.client import Client

_PROGRAM = Place(sys, "excepthook")
_THREAD = Place(threading, "excepthook")
_FINALIZER = Place(sys, "unraisablehook")


def install_sys_hook(client: Client[Any]) -> Uninstall:
    """Report what ends the program, as ``fatal``. A mistake at the interactive prompt ends nothing."""
    mechanism = Mechanism("excepthook", handled=False)

    def listener(_kind: type[BaseException], error: BaseException | None, _trace: TracebackType | None, /) -> None:
        if _is_failure(error) and not hasattr(sys, "ps1"):
            client.report(error, mechanism, event={"level": "fatal"}, scope=client.known_to_task_of(error))

    return _PROGRAM.listen(listener)


def install_threading_hook(client: Client[Any]) -> Uninstall:
    """Report what ends a thread."""
    mechanism = Mechanism("threading", handled=False)

    def listener(args: threading.ExceptHookArgs, /) -> None:
        if _is_failure(args.exc_value):
            client.report(args.exc_value, mechanism, scope=client.known_to_task_of(args.exc_value))

    return _THREAD.listen(listener)


def install_unraisable_hook(client: Client[Any]) -> Uninstall:
    """Report what was raised where it cannot propagate: in ``__del__``, a weak reference's callback, at exit."""

    def listener(args: sys.UnraisableHookArgs, /) -> None:
        if _is_failure(args.exc_value):
            data = {"message": args.err_msg} if args.err_msg else None
            client.report(args.exc_value, Mechanism("unraisable", handled=False, data=data))

    return _FINALIZER.listen(listener)


def _is_failure(error: BaseException | None) -> TypeGuard[BaseException]:
    """Whether there is an error, and not somebody's wish to end the program."""
    return error is not None and not issubclass(type(error), (KeyboardInterrupt, SystemExit))
