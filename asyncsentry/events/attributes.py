"""What an event says beside its exception: level, tags, user, times, and what a server accepts of each."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

from asyncsentry.chance import as_uuids, token
from asyncsentry.events import Json
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.scrubbing import FILTERED

Level: TypeAlias = Literal["debug", "info", "warning", "error", "fatal"]

_LEVELS: Final[Mapping[object, Level]] = {
    "debug": "debug",
    "info": "info",
    "log": "info",
    "warning": "warning",
    "warn": "warning",
    "error": "error",
    "exception": "error",
    "fatal": "fatal",
    "critical": "fatal",
}

TAG_LIMIT: Final = 200

MOST_TAGS: Final = 200
"""More of them would take from what an event may show of anything else."""

TRANSACTION_LIMIT: Final = 200
"""Characters of a transaction's name that a server keeps."""

_NOT_IN_TAG_KEYS: Final = r"[^a-zA-Z0-9_.:-]"  # compiled when it is first used, not while the program starts


def level_name(value: object) -> Level | None:
    """Sentry's name of a level, from that name, from one of ``logging`` or from its number; None if it is neither."""
    if value is None:
        return None
    if type(value) is str:
        return _LEVELS.get(value) or _LEVELS.get(value.lower())
    if type(value) is not int:
        return None
    for least, name in _NUMBERS:
        if value >= least:
            return name
    return "debug"


_NUMBERS: Final[tuple[tuple[int, Level], ...]] = ((50, "fatal"), (40, "error"), (30, "warning"), (20, "info"))


def one_line(text: str) -> str:
    """A text without the ends of lines, which servers refuse in names."""
    return " ".join(text.splitlines())


def tags(given: Mapping[str, object], freezer: Freezer) -> dict[str, str]:
    """Tags as servers take them: all text, of one line, in names of letters, digits and ``_.:-``; the first ones."""
    shown: dict[str, str] = {}
    for name, value in islice(given.items(), MOST_TAGS):
        key = re.sub(_NOT_IN_TAG_KEYS, "_", freezer.text(name, TAG_LIMIT).replace(" ", "-"))
        text = "" if value is None else " ".join(freezer.text(value, TAG_LIMIT).split())
        if key and text:
            shown[key] = FILTERED if key in freezer.rules.secret_names else text
    return shown


def user(given: Mapping[str, object], freezer: Freezer) -> dict[str, Json]:
    """The user as it was set, but for its id, which is text."""
    shown = freezer.freeze_mapping(given)
    for name in {"id", "username", "email", "name"} & shown.keys():
        if shown[name] is not None:
            shown[name] = str(shown[name])
    address = shown.get("ip_address")
    if address is not None and not _is_address(address):
        del shown["ip_address"]  # a server would note an error, and show nothing
    return {name: value for name, value in shown.items() if value is not None}


def _is_address(text: Json) -> bool:
    from ipaddress import ip_address

    try:
        return type(text) is str and (text == "{{auto}}" or bool(ip_address(text)))
    except ValueError:
        return False


def fingerprint(given: Iterable[object], freezer: Freezer) -> list[str]:
    return [freezer.text(part) for part in given]


def release_problem(release: str) -> str | None:
    """Why a server would refuse this release, or None."""
    return _name_problem(release, 200, (".", "..", "latest"))


def environment_problem(environment: str) -> str | None:
    """Why a server would refuse this environment, or None."""
    return _name_problem(environment, 64, (".", "..", "none"))


def dist_problem(dist: str) -> str | None:
    """Why a server would refuse this distribution name, or None."""
    if re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", dist.strip()) is None:
        return "it must be 1 to 64 letters, digits or any of _ . -"
    return None


def _name_problem(name: str, limit: int, reserved: tuple[str, ...]) -> str | None:
    name = name.strip()
    if not name:
        return "it is empty"
    if len(name.encode("utf-8", "replace")) > limit:
        return f"it is longer than {limit} bytes"
    if name.lower() in reserved:
        return f"the name {name!r} is reserved"
    if re.search(r"[/\\\r\n\t\f]", name):
        return "it has a slash, a backslash, a tab or a line's end in it"
    return None


def timestamp(value: object) -> float | str | None:
    """A time as servers read it, in seconds; None if it is none. A datetime without a zone is taken for UTC.

    What happened before 1970 did not happen then: a server throws away what says so.
    """
    if value is None:
        return None
    if type(value) is float or type(value) is int:
        return float(value) if 0 <= value < _FIRST_MILLISECONDS else None
    if type(value) is str:
        return value if _is_moment(value) else None
    datetime: Any = sys.modules.get("datetime")  # whoever holds a datetime has loaded it
    if not hasattr(datetime, "datetime") or not issubclass(type(value), datetime.datetime):
        return None
    moment: Any = value
    if datetime.datetime.utcoffset(moment) is None:
        moment = datetime.datetime.replace(moment, tzinfo=datetime.timezone.utc)
    return timestamp(float(datetime.datetime.timestamp(moment)))


def _is_moment(text: str) -> bool:
    """Whether there is such a day, such an hour of it, and such an offset."""
    from datetime import datetime

    if re.fullmatch(_RFC3339, text, re.ASCII) is None or text < _SECOND_DAY:
        return False
    try:
        return bool(datetime.fromisoformat(text[: len("2026-01-02T03:04:05")]))
    except ValueError:
        return False


_FIRST_MILLISECONDS: Final = 100_000_000_000
"""A larger number of seconds would be in the year 5138: it counts milliseconds, and says another time than it means."""

_RFC3339: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?"

_SECOND_DAY: Final = "1970-01-02"
"""From here on no offset makes a time one of before 1970."""


def new_event_id() -> str:
    """A random UUID (version 4) as 32 hexadecimal digits."""
    return token()


def event_id_from(origin: str) -> str:
    """The same id whenever it is asked for the same origin, in the form of a random one."""
    from hashlib import sha256

    return as_uuids(sha256(origin.encode()).digest()[:16])


def event_id(value: object) -> str | None:
    """An event's id as servers know it, 32 lower-case hexadecimal digits, from any way to write a UUID."""
    if type(value) is not str:
        return None
    digits = value.replace("-", "").lower()
    return digits if re.fullmatch("[0-9a-f]{32}", digits) else None
