"""honeybadger, which starts a thread for each event, and by default collects no locals."""

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
    add_breadcrumb = None

    def __init__(self) -> None:
        self._client = import_module("honeybadger").honeybadger
        self._threads = 0

    def capture(self, error: BaseException) -> None:
        self._client.notify(exception=error, exc_traceback=error.__traceback__)

    def capture_message(self, text: str) -> None:
        self._client.notify(error_class="Message", error_message=text)

    def init(self, url: str, mode: Mode, ignored: type[Exception]) -> None:
        self._client.configure(
            api_key="a" * 32,
            endpoint=url,
            environment="development" if mode == "off" else "production",
            excluded_exceptions=[ignored.__name__] if mode == "ignored" else [],
            before_notify=lambda notice: None if mode == "refused" else notice,
        )
        self._threads = threading.active_count()

    async def drain(self, patience: float = PATIENCE) -> None:
        await until(lambda: threading.active_count() <= self._threads, patience)
