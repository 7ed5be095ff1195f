"""Lines of source files, as they were when they were first asked for."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import Final, NamedTuple

FILE_LIMIT: Final = 2 * 1024 * 1024
"""Bytes: of a larger file no lines are shown."""

CACHE_LIMIT: Final = 4 * 1024 * 1024
"""Characters of all files together; when they are more, all are forgotten, for frames remember their own lines."""

_CODING: Final = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


class _File(NamedTuple):
    stamp: tuple[float, int] | None
    lines: list[str]


_files: dict[str, _File] = {}
_weight = 0


def lines_of(path: str, names: Mapping[str, object]) -> list[str]:
    """The lines of the file that a frame runs, without their ends; none if they cannot be had.

    ``names`` are the frame's globals: they know the loader of a module that is in no file. A file is read again only
    when it was changed since.
    """
    stamp = _stamp(path)
    known = _files.get(path)
    if known is not None and known.stamp == stamp:
        return known.lines
    lines = _read(path) if stamp is not None else _ask_interpreter(path, names)
    _remember(path, _File(stamp, lines))
    return lines


def _stamp(path: str) -> tuple[float, int] | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime, status.st_size


def _remember(path: str, file: _File) -> None:
    global _weight
    if _weight > CACHE_LIMIT:
        _files.clear()
        _weight = 0
    _files[path] = file
    _weight += sum(map(len, file.lines)) + len(path)


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


def _ask_interpreter(path: str, names: Mapping[str, object]) -> list[str]:
    """What was typed into a prompt or a notebook, or lies in an archive."""
    linecache = sys.modules.get("linecache")
    entry = linecache.cache.get(path) if linecache is not None else None
    if entry is not None and len(entry) == 4:
        return [line.rstrip("\r\n") for line in entry[2]]
    loader = names.get("__loader__")
    get_source = getattr(loader, "get_source", None)
    try:
        source = get_source(names.get("__name__")) if get_source is not None else None
    except Exception:  # a loader may raise anything, besides the ImportError it should
        return []
    return _split(source) if isinstance(source, str) and len(source) <= FILE_LIMIT else []
