"""What is known about some work: tags, user, breadcrumbs …"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from asyncsentry.item import Attachment

if TYPE_CHECKING:
    from asyncsentry.types import ScopeData

MAX_BREADCRUMBS = 100


class Scope:
    """Data for events. What is set is copied at the door; it is frozen when an event is made of it."""

    __slots__ = (
        "attachments",
        "breadcrumbs",
        "contexts",
        "ended",
        "extras",
        "fingerprint",
        "level",
        "tags",
        "trace",
        "transaction",
        "user",
    )

    def __init__(self, max_breadcrumbs: int = MAX_BREADCRUMBS) -> None:
        self.breadcrumbs: deque[Mapping[str, Any]] = deque(maxlen=max_breadcrumbs)
        self.ended = False
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.tags: dict[str, Any] = {}
        self.extras: dict[str, Any] = {}
        self.contexts: dict[str, dict[str, Any]] = {}
        self.user: dict[str, Any] | None = None
        self.level: str | None = None
        self.fingerprint: list[str] | None = None
        self.transaction: str | None = None
        self.trace: tuple[str, str] | None = None
        self.attachments: tuple[Attachment, ...] = ()
        self.breadcrumbs.clear()

    def fork(self) -> Scope:
        """A scope that begins with what this one holds."""
        fork = Scope(self.breadcrumbs.maxlen or 0)
        fork.update(self)
        return fork

    def update(self, other: Scope) -> None:
        """Lay ``other`` over this scope: what it says wins, key by key; breadcrumbs follow ours."""
        self.tags.update(other.tags)
        self.extras.update(other.extras)
        self.contexts.update(other.contexts)
        self.user = self.user if other.user is None else other.user
        self.level = other.level or self.level
        self.fingerprint = self.fingerprint if other.fingerprint is None else other.fingerprint
        self.transaction = other.transaction or self.transaction
        self.trace = other.trace or self.trace
        self.attachments += other.attachments
        self.breadcrumbs.extend(other.breadcrumbs)

    def trace_ids(self) -> tuple[str, str]:
        """The trace and the span that this work is: one pair for all its events."""
        if self.trace is None:
            self.trace = (os.urandom(16).hex(), os.urandom(8).hex())
        return self.trace

    def apply(self, data: ScopeData) -> None:
        """Set several things at once."""
        self.tags.update(data.get("tags", {}))
        self.extras.update(data.get("extras", {}))
        for key, value in data.get("contexts", {}).items():
            self.set_context(key, value)
        if "user" in data:
            self.set_user(data["user"])
        if "level" in data:
            self.set_level(data["level"])
        if "fingerprint" in data:
            self.set_fingerprint(data["fingerprint"])

    def set_tag(self, key: str, value: Any) -> None:
        """Set one tag. Servers index tags; a value is sent as text."""
        self.tags[key] = value

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set several tags."""
        self.tags.update(tags)

    def set_extra(self, key: str, value: Any) -> None:
        """Set one value that is shown, not indexed."""
        self.extras[key] = value

    def set_extras(self, extras: Mapping[str, Any]) -> None:
        """Set several such values."""
        self.extras.update(extras)

    def set_context(self, key: str, value: Mapping[str, Any]) -> None:
        """Set a named group of values, shown as a section of its own."""
        self.contexts[key] = dict(value)

    def set_user(self, user: Mapping[str, Any] | None) -> None:
        """Say for whom the work is done: ``id``, ``username``, ``email``, ``ip_address`` and whatever else."""
        self.user = None if user is None else dict(user)

    def set_level(self, level: str) -> None:
        """Set the level of events: fatal, error, warning, info or debug."""
        self.level = level

    def set_fingerprint(self, fingerprint: Sequence[str]) -> None:
        """Group events by this instead of by their stack trace; ``{{ default }}`` stands for the usual grouping."""
        self.fingerprint = list(fingerprint)

    def set_transaction_name(self, name: str) -> None:
        """Name the work: a route, a task."""
        self.transaction = name

    def add_breadcrumb(self, crumb: Mapping[str, Any]) -> None:
        """Note what happened, for the events to come; the oldest goes when there are too many."""
        if "timestamp" not in crumb:
            crumb = {**crumb, "timestamp": time.time()}
        self.breadcrumbs.append(crumb)

    def add_attachment(self, data: bytes, *, filename: str, content_type: str = "application/octet-stream") -> None:
        """Send a file with each event; ``filename`` is shown without its folder."""
        name = filename.replace("\\", "/").rpartition("/")[2]
        self.attachments += (Attachment(bytes(data), name, content_type),)
