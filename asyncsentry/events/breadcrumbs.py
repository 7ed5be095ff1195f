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

_TEXT_LIMITS: Final = (("type", 128), ("category", 128), ("message", MESSAGE_LIMIT))
"""Texts of a breadcrumb with the characters that a server keeps of each."""


def breadcrumb(crumb: Mapping[str, object], rules: Rules) -> dict[str, Json]:
    """A breadcrumb as an event holds it, from fields that may be anything; unknown fields are left out.

    It happened now if it does not say when. Its data is always an object: what is none is put into one. Ctrl-C in
    foreign code comes when the breadcrumb is made.
    """
    given, freezer = crumb.get, None  # most breadcrumbs need none
    when, level = given("timestamp"), given("level")
    shown: dict[str, Json] = {
        "timestamp": time.time() if when is None else timestamp(when) or time.time(),
        "type": "default",
        "level": "info" if level is None else level_name(level) or "info",
    }
    for name, limit in _TEXT_LIMITS:
        value = given(name)
        if type(value) is str and len(value) <= limit:
            shown[name] = value
        elif value is not None:
            freezer = freezer or Freezer(rules)
            shown[name] = freezer.text(value, limit)
    data = given("data")
    if data is None:
        shown["data"] = {}
    else:
        freezer = freezer or Freezer(rules)
        frozen = freezer.freeze_mapping(data) if type(data) is dict else freezer.freeze(data)
        shown["data"] = frozen if type(frozen) is dict else {"value": frozen}
    if freezer is not None and freezer.interrupted:
        interrupt_main()
    return shown
