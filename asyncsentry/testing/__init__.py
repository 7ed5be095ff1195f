"""A real Sentry server on loopback, for tests: yours, and our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncsentry.testing.answers import Answer, Hang, Reset
    from asyncsentry.testing.conformance import check_transport
    from asyncsentry.testing.envelopes import Envelope, Item, parse
    from asyncsentry.testing.habitats import AsyncioLoop, CallingThread, Habitat
    from asyncsentry.testing.received import ReceivedRequest
    from asyncsentry.testing.refusals import MalformedEnvelope
    from asyncsentry.testing.server import LocalSentry
else:
    _HOMES = {
        "Answer": "answers",
        "AsyncioLoop": "habitats",
        "CallingThread": "habitats",
        "Envelope": "envelopes",
        "Habitat": "habitats",
        "Hang": "answers",
        "Item": "envelopes",
        "LocalSentry": "server",
        "MalformedEnvelope": "refusals",
        "ReceivedRequest": "received",
        "Reset": "answers",
        "check_transport": "conformance",
        "parse": "envelopes",
    }

    def __getattr__(name):
        """Import a name when it is first used: for the plugin's sake, every run of pytest imports this package."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = [
    "Answer",
    "AsyncioLoop",
    "CallingThread",
    "Envelope",
    "Habitat",
    "Hang",
    "Item",
    "LocalSentry",
    "MalformedEnvelope",
    "ReceivedRequest",
    "Reset",
    "check_transport",
    "parse",
]
