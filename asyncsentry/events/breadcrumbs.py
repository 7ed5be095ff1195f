"""Breadcrumbs: one thing that happened before an error, frozen when it happens."""

from __future__ import annotations

import time
from _thread import interrupt_main
from collections.abc import Mapping
from typing import Final

from asyncsentry.events import Json
from asyncsentry.events.attributes import level_name, timestamp
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.rules import MESSAGE_LIMIT, Rules
from asyncsentry.events.scrubbing import SecretNames, scrub_plain

CATEGORY_LIMIT: Final = 128

_ROOM: Final[Mapping[object, int]] = {"type": CATEGORY_LIMIT, "category": CATEGORY_LIMIT, "message": MESSAGE_LIMIT}
"""Texts of a breadcrumb with the characters that a server keeps of each."""


class Unscrubbed(dict[str, Json]):
    """One that was left where the names are not known that its client takes for those of secrets."""


def scrubbed(crumb: Unscrubbed, names: SecretNames) -> dict[str, Json]:
    """The breadcrumb without what stands under such names."""
    return {**crumb, "data": scrub_plain(crumb["data"], names)}


def breadcrumb(crumb: Mapping[str, object], rules: Rules) -> dict[str, Json]:
    """A breadcrumb as an event holds it, from fields that may be anything; unknown fields are left out.

    It happened now if it does not say when. Its data is always an object: what is none is put into one. Ctrl-C in
    foreign code comes when the breadcrumb is made.
    """
    now, freezer = time.time(), None  # most breadcrumbs need none
    shown: dict[str, Json] = {"timestamp": now, "type": "default", "level": "info", "data": {}}
    for name, value in crumb.items():
        if type(value) is str and len(value) <= _ROOM.get(name, -1):
            shown[name] = value
        elif name == "timestamp":
            shown["timestamp"] = timestamp(value) or now
        elif name == "level":
            shown["level"] = level_name(value) or "info"
        elif value is not None and (name == "data" or name in _ROOM):
            freezer = freezer or Freezer(rules)
            shown[name] = _data(value, freezer) if name == "data" else freezer.text(value, _ROOM[name])
    if freezer is not None and freezer.interrupted:
        interrupt_main()
    return shown


def _data(value: object, freezer: Freezer) -> dict[str, Json]:
    frozen = freezer.freeze_mapping(value) if type(value) is dict else freezer.freeze(value)
    return frozen if type(frozen) is dict else {"value": frozen}
