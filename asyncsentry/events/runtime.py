"""What the program runs on, and in which thread. Imported late: with the first event."""

from __future__ import annotations

import os
import sys
import threading
from functools import cache

from asyncsentry.events import Json


def contexts() -> dict[str, Json]:
    """The contexts ``runtime``, ``os`` and ``device``, to be added to; each of them is that of all events."""
    return _known().copy()


@cache
def _known() -> dict[str, Json]:
    implementation = sys.implementation
    names = {"cpython": "CPython", "pypy": "PyPy"}
    system = _system()
    return {
        "runtime": {
            "name": names.get(implementation.name, implementation.name),
            "version": ".".join(map(str, implementation.version[:3])),
            "build": sys.version,
        },
        "os": {name: system[name] for name in ("name", "version", "kernel_version") if name in system},
        "device": {name: system[name] for name in ("arch",) if name in system},
    }


def host_name() -> str:
    """The machine's name in its network, for ``server_name``."""
    return _system()["host"]


def _system() -> dict[str, str]:
    """Asked of ``os`` and ``sys``: the platform module takes long to load, and may start a program."""
    if sys.platform == "win32":  # pragma: no cover - the tests run where there is os.uname
        version = sys.getwindowsversion()
        known = {"name": "Windows", "version": f"{version.major}.{version.minor}.{version.build}"}
        environ = os.environ
        return known | {"arch": environ.get("PROCESSOR_ARCHITECTURE", ""), "host": environ.get("COMPUTERNAME", "")}
    system = os.uname()
    return {
        "name": "macOS" if system.sysname == "Darwin" else system.sysname,
        "version": system.release,
        "kernel_version": system.version,
        "arch": system.machine,
        "host": system.nodename,
    }


def current_thread(*, crashed: bool, frames: list[Json] | None = None) -> dict[str, Json]:
    """The member of an event's ``threads`` for the thread that asks. Its exception refers to it by ``id``."""
    thread = threading.current_thread()
    shown: dict[str, Json] = {
        "id": str(threading.get_ident()),
        "name": str(thread.name),
        "current": True,
        "crashed": crashed,
        "main": thread is threading.main_thread(),
    }
    if frames:
        shown["stacktrace"] = {"frames": frames}
    return shown
