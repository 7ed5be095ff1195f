"""Breadcrumbs: one thing that happened before an error, frozen when it happens."""

from __future__ import annotations

import time
from collections.abc import Mapping

from asyncsentry.events import Json
from asyncsentry.events.attributes import level_name, timestamp
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.rules import MESSAGE_LIMIT, Rules

NAME_LIMIT = 128
"""Characters of a breadcrumb's type and category that a server keeps."""


def breadcrumb(crumb: Mapping[str, object], rules: Rules) -> dict[str, Json]:
    """A breadcrumb as an event holds it, from fields that may be anything; unknown fields are left out."""
    freezer = Freezer(rules)
    shown: dict[str, Json] = {
        "timestamp": timestamp(crumb.get("timestamp")) or time.time(),
        "type": freezer.text(crumb.get("type") or "default", NAME_LIMIT),
        "level": level_name(crumb.get("level")) or "info",
    }
    for name, limit in (("category", NAME_LIMIT), ("message", MESSAGE_LIMIT)):
        value = crumb.get(name)
        if value is not None:
            shown[name] = freezer.text(value, limit)
    data = crumb.get("data")
    shown["data"] = freezer.freeze_mapping(data) if isinstance(data, Mapping) else {}
    return shown
