"""Lines of source, as they are when they are first asked for."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable
from io import TextIOWrapper
from itertools import islice
from typing import Any, Final, NamedTuple, cast

from asyncsentry.events import Json
from asyncsentry.events.freezing import cut
from asyncsentry.events.scrubbing import USUAL, SecretNames

LINE_LIMIT: Final = 256
"""Characters shown of one line."""

LOOKED_AT: Final = 8 * LINE_LIMIT
"""Characters of one line in which secrets are looked for: a file of data may be all one line."""

FILE_LIMIT: Final = 2 * 1024 * 1024
"""Bytes: of a larger file no lines are shown."""

_CODING: Final = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


class Passage:
    """One line of a file and ``around`` lines on each side, without secrets. To read it may mean to wait for a disk.

    ``module`` and ``loader`` are what the code's globals say of where it comes from: of a module that is in no file
    the loader has the source.
    """

    __slots__ = ("_around", "_line", "_loader", "_module", "_path", "_secret", "found")

    def __init__(
        self, path: str, line: int, around: int, module: object, loader: object, secret: SecretNames = USUAL
    ) -> None:
        self.found: dict[str, Json] | None = None
        """The fields of a frame that show it, once it has been read: none if it cannot be had."""
        self._path = path
        self._line = line
        self._around = around
        self._module = module
        self._loader = loader
        self._secret = secret

    def read(self) -> None:
        """Find it, unless it has been. By any thread."""
        loader = self._loader  # another thread forgets it as soon as it has found the lines
        if self.found is None:
            self.found = self._find(loader)
            self._loader = None

    def _find(self, loader: object) -> dict[str, Json]:
        first = max(1, self._line - self._around)
        lines = _lines_of_file(self._path, first, self._line + self._around)
        if lines is None:
            lines = _lines_in_memory(self._path, self._module, loader)[first - 1 : self._line + self._around]
        here = self._line - first
        if here >= len(lines):
            return {}
        from asyncsentry.events.secrets import secrets_of

        hide = secrets_of(self._secret).hide_in_code
        shown = cast("list[Json]", [cut(hide(line[:LOOKED_AT]), LINE_LIMIT) for line in lines])
        return {"context_line": shown[here], "pre_context": shown[:here], "post_context": shown[here + 1 :]}


class MissingLines(NamedTuple):
    """A frame that was made before its lines of source were read."""

    frame: dict[str, Json]
    passage: Passage

    @property
    def find_out(self) -> Callable[[], None]:
        return self.passage.read

    def fill(self) -> bool:
        """Show them, if they are known by now."""
        found = self.passage.found
        if found is not None:
            self.frame.update(found)
        return found is not None


def _lines_of_file(path: str, first: int, last: int) -> list[str] | None:
    """These lines, without their ends, as far as they are there; None if there is no such file.

    Only what is before them is read, and nothing is kept: a frame remembers its lines.
    """
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode) or status.st_size > FILE_LIMIT:  # a pipe would be waited for
        return []
    try:
        with open(path, "rb") as file:
            encoding = _encoding(file.readline(), file.readline())
            file.seek(0)
            # Not str.splitlines: it breaks at form feeds and the like, too, where the compiler does not count a line.
            with TextIOWrapper(file, encoding, "replace") as text:
                return [line.removesuffix("\n") for line in islice(text, first - 1, last)]
    except (OSError, ValueError):
        return []


def _encoding(*beginning: bytes) -> str:
    """What the compiler would decode a file with that begins with these two lines."""
    for line in beginning:
        coding = _CODING.match(line)
        if coding is not None:
            name = coding[1].decode("ascii")
            try:
                "".encode(name)
            except LookupError:  # nothing is called so, or what is makes no text
                break
            return name
    return "utf-8-sig"


def _lines_in_memory(path: str, module: object, loader: Any) -> list[str]:
    """What was typed into a prompt or a notebook, or lies in an archive."""
    known = getattr(sys.modules.get("linecache"), "cache", None)  # it may be in the midst of its import
    entry = known.get(path) if known is not None else None
    if entry is not None and len(entry) == 4:
        return [line.rstrip("\r\n") for line in entry[2]]
    try:
        source = loader.get_source(module)
    except KeyboardInterrupt:
        raise
    except BaseException:  # foreign code: even a SystemExit must not end who only looks for a line
        return []
    if type(source) is not str or len(source) > FILE_LIMIT:
        return []
    return source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
