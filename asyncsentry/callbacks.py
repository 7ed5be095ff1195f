"""What the application wants to see first: its callbacks, which may change and drop it, raise, or return anything."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from asyncsentry.diary import Complaints
from asyncsentry.options import Options

if TYPE_CHECKING:
    from asyncsentry.types import Event, Hint

SLOW: Final = 0.05
"""Seconds that went by in a callback: of one that takes longer, the application is told once."""

_Reason: TypeAlias = Literal["before_send", "event_processor"]


class Dropped(NamedTuple):
    """What became of an event that a callback did not want, or failed on."""

    reason: _Reason


class Callbacks:
    """``processors``, ``before_send`` and ``before_breadcrumb``. What comes of one that fails is dropped, and that is
    said; so is what takes long, because a capture waits for it, and whatever else runs on its thread."""

    def __init__(
        self, options: Options, complaints: Complaints, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._of_events: list[tuple[Callable[[Any, Any], Any], str, _Reason]] = [
            (processor, f"the processor {_name(processor)}", "event_processor") for processor in options.processors
        ]
        if options.before_send is not None:
            self._of_events.append((options.before_send, "before_send", "before_send"))
        self._before_breadcrumb = options.before_breadcrumb
        self._complaints = complaints
        self._clock = clock
        self.see_events = bool(self._of_events)
        self.see_breadcrumbs = options.before_breadcrumb is not None

    def pass_event(self, event: Event, hint: Hint) -> Event | Dropped:
        """What the application makes of an event, which is its own to change: each processor in turn, then
        ``before_send``."""
        for callback, name, reason in self._of_events:
            changed = self._pass(callback, event, hint, name, "event")
            if changed is None:
                return Dropped(reason)
            event = changed
        return event

    def pass_breadcrumb(self, crumb: dict[str, Any], hint: Mapping[str, Any]) -> dict[str, Any] | None:
        """What it makes of a breadcrumb."""
        assert self._before_breadcrumb is not None
        return self._pass(self._before_breadcrumb, crumb, dict(hint), "before_breadcrumb", "breadcrumb")

    # Any: what a callback is given is a dict, and what it gives back may be anything.
    def _pass(
        self, callback: Callable[[Any, Any], Any], given: object, hint: object, name: str, what: str
    ) -> dict[str, Any] | None:
        begun = self._clock()
        try:
            changed = callback(given, hint)
        except Exception:
            self._complaints.failed(name, f"the {what} is dropped")
            return None
        taken = self._clock() - begun
        if taken > SLOW:
            self._complaints.wrong(f"{name} is slow", f"a capture waited {taken:.2f} s for it")
        if changed is not None and not isinstance(changed, dict):
            self._complaints.wrong(f"{name} returned neither a dict nor None", f"the {what} is dropped")
            return None
        return changed


def _name(function: object) -> str:
    """What the application calls a function; of an object that can be called, its type."""
    return str(getattr(function, "__qualname__", type(function).__qualname__))
