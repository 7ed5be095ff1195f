"""An event while it waits: one piece of bytes, and not the hundreds of containers that it is made of.

The garbage collector looks through all containers that are alive, the program's among them, each time that some
hundreds have been made. Two thousand events that wait would have it do so for longer than it took to make them; bytes
it passes over. They are smaller, too, and what is in them cannot change.
"""

from __future__ import annotations

from collections.abc import Mapping
from marshal import dumps, loads  # to copy in memory: nothing that it reads comes from elsewhere
from typing import Any, Final, NamedTuple

from asyncsentry.events.seen import Seen

SHARED: Final = ("breadcrumbs", "contexts", "modules", "sdk")
"""Fields that many events have in common, and that are alive anyway."""


class Packed(NamedTuple):
    """An event, with what there was to be seen in its variables."""

    data: bytes
    shared: dict[str, Any]


def pack(event: Mapping[str, Any], seen: Seen) -> Packed | None:
    """None if not all that is in it is of builtin types, or it is nested very deep."""
    shared = {name: event[name] for name in SHARED if name in event}
    own = {name: value for name, value in event.items() if name not in shared}
    try:  # one and the same mapping stays that: ``seen`` knows some of the event's
        data = dumps((own, seen.texts, seen.numbers, seen.hiding, seen.foreign))
    except ValueError:
        return None
    return Packed(data, shared)


def unpack(packed: Packed) -> tuple[dict[str, Any], Seen]:
    """What was packed."""
    own, *seen = loads(packed.data)
    return {**own, **packed.shared}, Seen(*seen)
