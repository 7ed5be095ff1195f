"""What the spool's folders and files are called."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from hashlib import sha256
from typing import Final

from asyncsentry.dsn import Dsn

LOCK: Final = "lock"
"""The file in a process's folder that it holds while it lives."""

FATAL: Final = "fatal.txt"
"""The file in a process's folder that tells of its crash."""

CRASH: Final = ".crash"
"""The end of the name of such a file where it was taken over; before it is the name of the folder that it was in."""

ASIDE: Final = "aside"
"""The folder of what is no envelope."""

PART: Final = ".part"
"""The end of the name of a file that is not written to its end."""

_ENVELOPE: Final = re.compile(r"(\d{15})-\d{6,}-([0-9a-f]{32})\.envelope")
_FOLDER: Final = re.compile(r"[0-9a-f]{16}-[0-9a-f]{16}")


def destination(dsn: Dsn) -> str:
    """The DSN as an envelope holds it: without its secret key, and without what only concerns this program."""
    return str(replace(dsn, transport=None))


def digest(dsn: Dsn) -> str:
    """The destination, as the names of folders begin with it."""
    return sha256(destination(dsn).encode()).hexdigest()[:16]


def new_folder(digest: str) -> str:
    """A folder's name that nobody else makes."""
    return f"{digest}-{os.urandom(8).hex()}"


def is_folder(name: str, digest: str = "") -> bool:
    """Whether a process's folder is called so, for the destination with this digest."""
    return _FOLDER.fullmatch(name) is not None and name.startswith(digest)


def is_crash(name: str) -> bool:
    """Whether a file that was taken over, and tells of a crash, is called so."""
    return name.endswith(CRASH) and is_folder(name.removesuffix(CRASH))


def origin(name: str) -> str:
    """Of a file that tells of a crash: the name of the folder whose process crashed."""
    return name.removesuffix(CRASH)


def new_file(seconds: float, sequence: int, event_id: str) -> str:
    """An envelope's name: names are in the order of their age. ``seconds`` since the epoch."""
    return f"{int(seconds * 1000):015d}-{sequence:06d}-{event_id}.envelope"


def is_file(name: str) -> bool:
    """Whether an envelope is called so."""
    return _ENVELOPE.fullmatch(name) is not None


def born(name: str) -> float:
    """When an envelope was written, in seconds since the epoch."""
    return int(name[:15]) / 1000


def event_id(name: str) -> str:
    """The id of the event, transaction or check-in in an envelope."""
    return name.removesuffix(".envelope")[-32:]
