"""Plain data as one piece of bytes: a copy, made by `marshal` far sooner than Python code could make one.

So an event waits that is one of many. The garbage collector looks through all containers that are alive, the program's
among them, each time that some hundreds have been made: two thousand events of some hundreds each would have it do so
for longer than it took to make them. Bytes it passes over; and they are smaller.
"""

from __future__ import annotations

from collections.abc import Mapping
from marshal import dumps, loads  # in memory: nothing that it reads comes from elsewhere
from typing import Any, Final, NamedTuple

from asyncsentry.events.seen import Seen

SHARED: Final = ("breadcrumbs", "contexts", "modules", "sdk")
"""Fields of an event in which there is what others have, too, and what is alive anyway."""


def keep(value: Any) -> bytes | None:  # Any: `marshal` itself says what it cannot take
    """``value`` as it is now, if all that is in it is of builtin types.

    None if something is of another type, or nested very deep.
    """
    try:
        return dumps(value)
    except ValueError:
        return None


def recall(kept: bytes) -> Any:
    """What was kept. What was one and the same in it, in several places, is so again."""
    return loads(kept)


class Packed(NamedTuple):
    """An event, with what there was to be seen in its variables."""

    data: bytes
    shared: dict[str, Any]


def pack(event: Mapping[str, Any], seen: Seen) -> Packed | None:
    """The event for later; None if it cannot be kept."""
    shared = {name: event[name] for name in SHARED if name in event}
    own = {name: value for name, value in event.items() if name not in shared}
    data = keep((own, seen.texts, seen.numbers, seen.hiding, seen.foreign))
    return None if data is None else Packed(data, shared)


def unpack(packed: Packed) -> tuple[dict[str, Any], Seen]:
    """The event, and what there was to be seen in it."""
    seen = Seen()
    own, seen.texts, seen.numbers, seen.hiding, seen.foreign = recall(packed.data)
    return {**own, **packed.shared}, seen
