"""A real Sentry server on loopback, for tests: yours, and our own."""

from __future__ import annotations

from asyncsentry.testing.answers import Answer, Hang, Reset
from asyncsentry.testing.envelopes import Envelope, Item, parse
from asyncsentry.testing.recording import ReceivedRequest
from asyncsentry.testing.refusals import MalformedEnvelope
from asyncsentry.testing.server import LocalSentry

__all__ = [
    "Answer",
    "Envelope",
    "Hang",
    "Item",
    "LocalSentry",
    "MalformedEnvelope",
    "ReceivedRequest",
    "Reset",
    "parse",
]
