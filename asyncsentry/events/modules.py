"""Which packages are installed. Imported late: scanning takes milliseconds, and belongs on no event loop."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

MODULES_LIMIT: Final = 1000

_METADATA: Final = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(?:-py[^-]*)?\.(?:dist|egg)-info")


def installed_modules(folders: Iterable[str] | None = None) -> dict[str, str]:
    """Names and versions of what is installed, told by the names of its metadata folders alone: no file is read.

    The first of two of one name counts, as it does for an import. ``folders`` are those of ``sys.path`` if not given.
    """
    found: dict[str, str] = {}
    for name, version in islice(_scan(sys.path if folders is None else folders), MODULES_LIMIT):
        found.setdefault(name.lower().replace("_", "-"), version)
    return dict(sorted(found.items()))


def _scan(folders: Iterable[str]) -> Iterator[tuple[str, str]]:
    for folder in folders:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue  # an archive, or a folder that is gone
        for name in names:
            metadata = _METADATA.fullmatch(name)
            if metadata is not None:
                yield metadata["name"], metadata["version"]
