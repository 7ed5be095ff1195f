"""honeybadger, which starts a thread for each event, and by default collects no locals."""

from __future__ import annotations

import threading
from importlib import import_module

from sdks import Mode, Modes, until


class Adapter:
    modes: Modes = frozenset({"on", "limited", "off", "ignored"})
    works_uninitialised = False
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
        )
        self._threads = threading.active_count()

    async def drain(self) -> None:
        await until(lambda: threading.active_count() <= self._threads)
