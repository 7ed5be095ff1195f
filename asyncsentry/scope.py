"""What is known about some work: tags, user, breadcrumbs …"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from asyncsentry.chance import token
from asyncsentry.item import Attachment

if TYPE_CHECKING:
    from asyncsentry.events.work import Describe
    from asyncsentry.types import ScopeData

MAX_BREADCRUMBS: Final = 1000
"""What a scope keeps at most; how many of them an event shows is its client's ``max_breadcrumbs``."""

NAME_LIMIT: Final = 256
"""Characters of an attachment's name and type."""

ATTACHMENT_LIMIT: Final = 20 * 1024 * 1024
"""Bytes of one attachment: https://develop.sentry.dev/sdk/telemetry/attachments/"""

Data: TypeAlias = bytes | bytearray | memoryview

T = TypeVar("T")

logger = logging.getLogger("asyncsentry")


class Scope:
    """Data for events. What is set is copied at the door; it is frozen when an event is made of it.

    Nothing here raises: what cannot be taken is left out, and said in the log.
    """

    __slots__ = (
        "_attachments",
        "_traces",
        "breadcrumbs",
        "contexts",
        "describe",
        "ended",
        "extras",
        "fingerprint",
        "last_event_id",
        "level",
        "tags",
        "transaction",
        "user",
    )

    def __init__(self) -> None:
        self.ended = False
        self.describe: Describe | None = None
        """What an integration knows of the work, and tells when an event is made."""
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
        # Lists, as threads may share a scope: who adds to one takes nothing from another.
        self._traces: list[tuple[str, str]] = []
        self._attachments: list[Attachment] = []
        self.breadcrumbs: deque[dict[str, Any]] = deque(maxlen=MAX_BREADCRUMBS)
        self.last_event_id: str | None = None

    def fork(self) -> Scope:
        """A scope that begins with what this one holds."""
        fork = Scope.__new__(Scope)
        fork.ended = False
        fork.describe = self.describe
        fork.tags = self.tags.copy()
        fork.extras = self.extras.copy()
        fork.contexts = self.contexts.copy()
        fork.user = self.user
        fork.level = self.level
        fork.fingerprint = self.fingerprint
        fork.transaction = self.transaction
        fork._traces = self._traces.copy()
        fork._attachments = self._attachments.copy()
        fork.breadcrumbs = self.breadcrumbs.copy()
        fork.last_event_id = self.last_event_id
        return fork

    def update(self, other: Scope) -> None:
        """Lay ``other`` over this scope: what it says wins, key by key; breadcrumbs follow ours."""
        if other.tags:
            self.tags.update(other.tags)
        if other.extras:
            self.extras.update(other.extras)
        if other.contexts:
            self.contexts.update(other.contexts)
        if other.breadcrumbs:
            self.breadcrumbs.extend(other.breadcrumbs)
        self.user = self.user if other.user is None else other.user
        self.level = self.level if other.level is None else other.level
        self.fingerprint = self.fingerprint if other.fingerprint is None else other.fingerprint
        self.transaction = self.transaction if other.transaction is None else other.transaction
        self._traces = other._traces or self._traces
        self.last_event_id = other.last_event_id or self.last_event_id
        self.describe = self.describe if other.describe is None else other.describe
        self._attachments.extend(other._attachments)

    def add(self, other: Scope) -> None:
        """The same with a scope of which something may be known here already: that is there once."""
        self.update(other)
        self.breadcrumbs = deque(_once(self.breadcrumbs), maxlen=MAX_BREADCRUMBS)
        self._attachments = _once(self._attachments)

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The files that go with each event."""
        return tuple(self._attachments)

    @property
    def trace(self) -> tuple[str, str] | None:
        """What `trace_ids` gives, if it was asked before."""
        return self._traces[0] if self._traces else None

    def leave_trace(self) -> None:
        """Be other work from now on, which is a trace of its own, and of which nothing was captured yet."""
        self._traces, self.last_event_id = [], None

    def trace_ids(self) -> tuple[str, str]:
        """The trace and the span that this work is: one pair for all its events."""
        if not self._traces:
            self._traces.append((token(), token()[:16]))
        return self._traces[0]  # the first, where several threads asked for it at once

    def apply(self, data: ScopeData) -> None:
        """Set several things at once."""
        self.set_tags(data.get("tags", {}))
        self.set_extras(data.get("extras", {}))
        for key, value in _take(dict, data.get("contexts", {})).items():
            self.set_context(key, value)
        if "user" in data:
            self.set_user(data["user"])
        if "level" in data:
            self.set_level(data["level"])
        if "fingerprint" in data:
            self.set_fingerprint(data["fingerprint"])

    def set_tag(self, key: str, value: Any) -> None:
        """Set one tag. Servers index tags; a value is sent as text."""
        self.set_tags(((key, value),))

    def set_tags(self, tags: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Set several tags."""
        self.tags.update(_take(dict, tags))

    def set_extra(self, key: str, value: Any) -> None:
        """Set one value that is shown, not indexed."""
        self.set_extras(((key, value),))

    def set_extras(self, extras: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> None:
        """Set several such values."""
        self.extras.update(_take(dict, extras))

    def set_context(self, key: str, value: Mapping[str, Any]) -> None:
        """Set a named group of values, shown as a section of its own."""
        self.contexts.update(_take(dict, ((key, _take(dict, value)),)))

    def set_user(self, user: Mapping[str, Any] | None) -> None:
        """Say for whom the work is done: ``id``, ``username``, ``email``, ``ip_address`` and whatever else."""
        self.user = None if user is None else _take(dict, user)

    def set_level(self, level: str | None) -> None:
        """Set the level of events: fatal, error, warning, info or debug."""
        self.level = level

    def set_fingerprint(self, fingerprint: Iterable[str] | None) -> None:
        """Group events by this instead of by their stack trace; ``{{ default }}`` stands for the usual grouping."""
        parts = (fingerprint,) if isinstance(fingerprint, str) else fingerprint
        self.fingerprint = None if parts is None else _take(list, parts)

    def set_transaction_name(self, name: str | None) -> None:
        """Name the work: a route, a task."""
        self.transaction = name

    def add_breadcrumb(self, crumb: Mapping[str, Any] | None = None, **fields: Any) -> None:
        """Note what happened, for the events to come; the oldest goes when there are too many."""
        from asyncsentry.events.breadcrumbs import Unscrubbed, breadcrumb
        from asyncsentry.events.rules import Rules

        made = breadcrumb({**_take(dict, () if crumb is None else crumb), **fields}, Rules())
        self.breadcrumbs.append(Unscrubbed(made))

    def add_attachment(self, data: Data, *, filename: str, content_type: str = "application/octet-stream") -> None:
        """Send a file of at most 20 MiB with each event; ``filename`` is shown without its folder."""
        from asyncsentry.events.freezing import cut

        if not (isinstance(data, Data) and isinstance(filename, str) and isinstance(content_type, str)):
            logger.debug("no attachment: it takes bytes, a file's name and a type")
            return
        try:
            size = memoryview(data).nbytes
        except ValueError:
            logger.debug("no attachment: its memory was released")
            return
        if size > ATTACHMENT_LIMIT:
            logger.warning("no attachment: %d bytes are more than the %d that are sent", size, ATTACHMENT_LIMIT)
            return
        name = filename.replace("\\", "/").rpartition("/")[2]
        self._attachments.append(Attachment(bytes(data), cut(name, NAME_LIMIT), cut(content_type, NAME_LIMIT)))


def _once(things: Iterable[T]) -> list[T]:
    return list({id(thing): thing for thing in things}.values())


def _take(copy: Callable[[Any], T], given: object) -> T:
    """What the program gives, copied; nothing, and a word in the log, where it is not what it should be."""
    try:
        return copy(given)
    except Exception:
        logger.debug("what was to be set is not what it should be: nothing is set", exc_info=True)
        return copy(())
