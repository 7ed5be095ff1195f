"""Installed packages, read from what their installers left behind.

`importlib.metadata` reads the same; but it loads fifty modules for that, which take more memory than we do. So it is
asked only for what is in an archive. The form is that of
https://packaging.python.org/en/latest/specifications/recording-installed-packages/ and, before that, of eggs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from asyncsentry.json import decode

if TYPE_CHECKING:
    import importlib.metadata

FILE_BYTES: Final = 1024 * 1024
"""As much as is read of one file."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """One of them. ``read`` gives what is in a file with that name, or nothing; what cannot be read is not known."""

    read: Callable[[str], str]

    @property
    def name(self) -> str:
        return next(self._values("name"), "")

    @property
    def version(self) -> str:
        return next(self._values("version"), "")

    @property
    def requirements(self) -> list[str]:
        """What it needs, each with its conditions; of an egg without them."""
        told = list(self._values("requires-dist"))
        return told or [line for line in self._lines("requires.txt") if line and not line.startswith("[")]

    @property
    def commands(self) -> set[str]:
        """The names of its scripts: https://packaging.python.org/en/latest/specifications/entry-points/"""
        names, section = set[str](), ""
        for line in self._lines("entry_points.txt"):
            if line.startswith("["):
                section = line
            elif section == "[console_scripts]" and "=" in line:
                names.add(line.partition("=")[0].strip())
        return names

    @property
    def url(self) -> str:
        """Where it comes from, if not from an index: https://packaging.python.org/en/latest/specifications/direct-url/"""
        try:
            told: Any = decode(self.read("direct_url.json"))
        except ValueError:
            return ""
        return str(told.get("url", "")) if type(told) is dict else ""

    def _values(self, field: str) -> Iterator[str]:
        """Those of a field: https://packaging.python.org/en/latest/specifications/core-metadata/"""
        text = self.read("METADATA") or self.read("PKG-INFO") or self.read("")  # the last of an egg that is a file
        for line in StringIO(text, newline=None):
            if not line.strip("\n"):  # what follows describes the package
                return
            name, _, value = line.partition(":")
            if name.lower() == field:
                yield value.strip()

    def _lines(self, name: str) -> Iterator[str]:
        return map(str.strip, StringIO(self.read(name), newline=None))


def distributions(path: Iterable[str]) -> Iterator[Distribution]:
    """Those in the folders and archives of ``path``."""
    for place in path:
        try:
            names = os.listdir(place or ".")
        except NotADirectoryError:
            yield from _in_archive(place)
            continue
        except OSError:
            continue
        for name in names:
            if name.lower().endswith((".dist-info", ".egg-info")) or name == "EGG-INFO":
                yield Distribution(partial(_read, Path(place, name)))


def _in_archive(place: str) -> Iterator[Distribution]:
    from importlib.metadata import distributions as in_archive

    for each in in_archive(path=[place]):
        yield Distribution(partial(_read_archived, each))


def _read_archived(distribution: importlib.metadata.Distribution, name: str) -> str:
    return distribution.read_text(name) or ""


def _read(folder: Path, name: str) -> str:
    return text_of(folder / name, FILE_BYTES)


def text_of(path: Path, limit: int) -> str:
    """The first ``limit`` bytes of a file, or nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(limit).decode("utf-8", "replace")
    except OSError:
        return ""
