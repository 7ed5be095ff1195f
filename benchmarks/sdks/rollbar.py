"""rollbar, which starts a thread for each event."""

from __future__ import annotations

from importlib import import_module

from sdks import Mode, Modes, exc_info, until


class Adapter:
    modes: Modes = frozenset({"on", "limited", "off", "ignored"})
    works_uninitialised = False
    watches_logging = False
    add_breadcrumb = None

    def __init__(self) -> None:
        self._sdk = import_module("rollbar")

    def capture(self, error: BaseException) -> None:
        self._sdk.report_exc_info(exc_info(error))

    def capture_message(self, text: str) -> None:
        self._sdk.report_message(text)

    def init(self, url: str, mode: Mode, ignored: type[Exception]) -> None:
        self._sdk.init(
            "a" * 32,
            environment="production",
            endpoint=f"{url}/api/1/",
            handler="thread",
            enabled=mode != "off",
            exception_level_filters=[(ignored, "ignored")] if mode == "ignored" else [],
        )

    async def drain(self) -> None:
        threads = self._sdk._threads
        await until(lambda: not threads.unfinished_tasks)
