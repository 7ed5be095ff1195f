"""rollbar, which starts a thread for each event."""

from __future__ import annotations

from importlib import import_module

from sdks import PATIENCE, Mode, Modes, exc_info, until, usual_and


class Adapter:
    modes: Modes = usual_and("seen", "refused")
    works_uninitialised = False
    knows_again = False
    counted = None
    full_after = None
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
        if mode in ("seen", "refused"):
            self._sdk.events.add_payload_handler(lambda payload, **_: payload if mode == "seen" else False)

    async def drain(self, patience: float = PATIENCE) -> None:
        threads = self._sdk._threads
        await until(lambda: not threads.unfinished_tasks, patience)
