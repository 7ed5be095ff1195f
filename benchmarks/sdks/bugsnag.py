"""bugsnag, which starts a thread for each event, and collects no locals. It has no messages."""

from __future__ import annotations

import threading
from importlib import import_module

from sdks import PATIENCE, Mode, Modes, until, usual_and


class Adapter:
    modes: Modes = usual_and("seen", "refused")
    works_uninitialised = False
    knows_again = False
    counted = None
    full_after = None
    watches_logging = False
    capture_message = None

    def __init__(self) -> None:
        self._sdk = import_module("bugsnag")
        self._threads = 0
        self.capture = self._sdk.notify
        self.add_breadcrumb = self._sdk.leave_breadcrumb

    def init(self, url: str, mode: Mode, ignored: type[Exception]) -> None:
        self._sdk.configure(
            api_key="a" * 32,
            endpoint=url,
            session_endpoint=url,
            auto_capture_sessions=False,
            release_stage="production",
            notify_release_stages=["elsewhere"] if mode == "off" else None,
            ignore_classes=[f"{ignored.__module__}.{ignored.__qualname__}"] if mode == "ignored" else [],
        )
        if mode in ("seen", "refused"):
            self._sdk.before_notify(lambda event: mode == "seen")  # noqa: ARG005  # it wants one
        self._threads = threading.active_count()

    async def drain(self, patience: float = PATIENCE) -> None:
        await until(lambda: threading.active_count() <= self._threads, patience)
