"""Installed packages, read from what their installers left behind.

`importlib.metadata` reads the same, and more; but it loads fifty modules for that, which take more memory than we do.
The form is that of https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asyncsentry.json import decode

FILE_BYTES: Final = 1024 * 1024
"""As much as is read of one file."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """One of them, by the folder with what is known of it. What cannot be read is not known."""

    folder: Path

    @property
    def name(self) -> str:
        return next(self._values("name"), "")

    @property
    def version(self) -> str:
        return next(self._values("version"), "")

    @property
    def requirements(self) -> list[str]:
        """What it needs, each with its conditions."""
        return list(self._values("requires-dist"))

    @property
    def commands(self) -> set[str]:
        """The names of its scripts: https://packaging.python.org/en/latest/specifications/entry-points/"""
        names, section = set[str](), ""
        for line in map(str.strip, self._text("entry_points.txt").splitlines()):
            if line.startswith("["):
                section = line
            elif section == "[console_scripts]" and "=" in line:
                names.add(line.partition("=")[0].strip())
        return names

    @property
    def url(self) -> str:
        """Where it comes from, if not from an index: https://packaging.python.org/en/latest/specifications/direct-url/"""
        try:
            told: Any = decode(self._text("direct_url.json"))
        except ValueError:
            return ""
        return str(told.get("url", "")) if type(told) is dict else ""

    def _values(self, field: str) -> Iterator[str]:
        """Those of a field: https://packaging.python.org/en/latest/specifications/core-metadata/"""
        metadata = self._text("METADATA") or self._text("PKG-INFO")  # of an egg
        for line in metadata.splitlines():
            if not line:  # what follows describes the package
                return
            name, _, value = line.partition(":")
            if name.lower() == field:
                yield value.strip()

    def _text(self, name: str) -> str:
        return text_of(self.folder / name, FILE_BYTES)


def distributions(path: Iterable[str]) -> Iterator[Distribution]:
    """Those in the folders of ``path``; what is in an archive is not known."""
    for folder in path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                yield Distribution(Path(folder, name))


def text_of(path: Path, limit: int) -> str:
    """The first ``limit`` bytes of a file, or nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(limit).decode("utf-8", "replace")
    except OSError:
        return ""
