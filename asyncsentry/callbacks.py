"""What the application wants to see first: its callbacks, which may change and drop it, raise, or return anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from asyncsentry.diary import Complaints
from asyncsentry.options import Options

if TYPE_CHECKING:
    from asyncsentry.types import Event, Hint


class Callbacks:
    """``before_send`` and ``before_breadcrumb``. What comes of one that fails is dropped, and that is said."""

    def __init__(self, options: Options, complaints: Complaints) -> None:
        self._before_send = options.before_send
        self._before_breadcrumb = options.before_breadcrumb
        self._complaints = complaints
        self.see_events = options.before_send is not None
        self.see_breadcrumbs = options.before_breadcrumb is not None

    def pass_event(self, event: Event, hint: Hint) -> Event | None:
        """What the application makes of an event, which is its own to change; None if it is to be dropped."""
        assert self._before_send is not None
        return self._pass(self._before_send, event, hint, "before_send", "event")

    def pass_breadcrumb(self, crumb: dict[str, Any], hint: Mapping[str, Any]) -> dict[str, Any] | None:
        """What it makes of a breadcrumb."""
        assert self._before_breadcrumb is not None
        return self._pass(self._before_breadcrumb, crumb, dict(hint), "before_breadcrumb", "breadcrumb")

    # Any: what a callback is given is a dict, and what it gives back may be anything.
    def _pass(
        self, callback: Callable[[Any, Any], Any], given: object, hint: object, name: str, what: str
    ) -> dict[str, Any] | None:
        try:
            changed = callback(given, hint)
        except Exception:
            self._complaints.failed(name, f"the {what} is dropped")
            return None
        if changed is not None and not isinstance(changed, dict):
            self._complaints.wrong(f"{name} returned neither a dict nor None", f"the {what} is dropped")
            return None
        return changed
