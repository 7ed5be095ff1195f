"""Lines of source files, as they were when they were first asked for."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, Final, TypeAlias

from asyncsentry.events.freezing import Freezer

FILE_LIMIT: Final = 2 * 1024 * 1024
"""Bytes: of a larger file no lines are shown."""

CACHE_LIMIT: Final = 4 * 1024 * 1024
"""Characters of all files together; when they are more, all are forgotten, for frames remember their own lines."""

_CODING: Final = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


_Stamp: TypeAlias = "tuple[float, int] | None"
_files: dict[str, tuple[_Stamp, list[str]]] = {}
_weight = 0


def lines_of(path: str, names: dict[str, object], freezer: Freezer) -> list[str]:
    """The lines of the file that a frame runs, without their ends; none if they cannot be had.

    ``names`` are the frame's globals: they know the loader of a module that is in no file, which ``freezer`` asks
    under guard. A file is read again only when it was changed since.
    """
    stamp = _stamp(path)
    known = _files.get(path)
    if known is not None and known[0] == stamp:
        return known[1]
    lines = _read(path) if stamp is not None else _lines_in_memory(path, names, freezer)
    _remember(path, stamp, lines)
    return lines


def _stamp(path: str) -> _Stamp:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime, status.st_size


def _remember(path: str, stamp: _Stamp, lines: list[str]) -> None:
    global _weight
    if _weight > CACHE_LIMIT:
        _files.clear()
        _weight = 0
    _files[path] = (stamp, lines)
    _weight += len(path) + sum(map(len, lines))


def _read(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:
            content = file.read(FILE_LIMIT + 1)
    except OSError:
        return []
    return [] if len(content) > FILE_LIMIT else _split(_decode(content))


def _decode(content: bytes) -> str:
    for line in content.split(b"\n", 2)[:2]:
        coding = _CODING.match(line)
        if coding is not None:
            try:
                return content.decode(coding[1].decode("ascii"), "replace")
            except LookupError:
                break
    return content.decode("utf-8-sig", "replace")


def _split(text: str) -> list[str]:
    # str.splitlines() would also break at form feeds and the like, where the compiler does not count a line.
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _lines_in_memory(path: str, names: dict[str, object], freezer: Freezer) -> list[str]:
    """What was typed into a prompt or a notebook, or lies in an archive."""
    linecache = sys.modules.get("linecache")
    entry = linecache.cache.get(path) if linecache is not None else None
    if entry is not None and len(entry) == 4:
        return [line.rstrip("\r\n") for line in entry[2]]
    loader: Any = dict.get(names, "__loader__")
    source = freezer.ask(lambda asked: asked.get_source(names["__name__"]), loader)
    return _split(source) if type(source) is str and len(source) <= FILE_LIMIT else []
