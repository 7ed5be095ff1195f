"""In what the events of asyncsentry differ from those of sentry-sdk for the same error, and why."""

from __future__ import annotations

from typing import Final

MEANT: Final = {
    "_meta": "says what was hidden, and where",
    "breadcrumbs.values": "what is empty is left out",
    "contexts.device": "tells the machine",
    "contexts.os": "tells the system",
    "contexts.trace.parent_span_id": "what is null is left out",
    "contexts.trace.span_id": "of each event its own",
    "contexts.trace.trace_id": "of each event its own",
    "event_id": "of each event its own",
    "exception.values.[].mechanism.exception_id": "a chain is told as a tree, as a group is",
    "exception.values.[].mechanism.parent_id": "a chain is told as a tree, as a group is",
    "exception.values.[].mechanism.source": "a chain is told as a tree, as a group is",
    "exception.values.[].mechanism.type": "a chain is told as a tree, as a group is",
    "exception.values.[].mechanism.handled": "of the error that was captured, not of what it came from",
    "exception.values.[].module": "what is null is left out, as it is for Python's own errors",
    "exception.values.[].thread_id": "tells the thread",
    "extra.sys.argv": "a command line may hold secrets",
    "modules": "names are spelled as package indexes spell them",
    "sdk": "another SDK",
    "threads": "tells the thread",
    "timestamp": "of each event its own; a number of seconds",
    "transaction_info": "what is empty is left out",
}
"""By the field, or what all of its fields begin with."""


def why(field: str) -> str | None:
    """Why this field may differ; None if it should not."""
    for name, reason in MEANT.items():
        if field == name or field.startswith(f"{name}."):
            return reason
    return None
