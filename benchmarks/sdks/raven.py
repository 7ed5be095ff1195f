"""raven, with its default transport, a thread."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sdks import PATIENCE, Mode, Modes, exc_info, host, until, usual_and


class Adapter:
    modes: Modes = usual_and("unsampled")
    works_uninitialised = False
    knows_again = True
    counted = None
    full_after = None
    watches_logging = True

    def __init__(self) -> None:
        self._sdk = import_module("raven")
        self._record = import_module("raven.breadcrumbs").record
        self._client: Any = None

    def capture(self, error: BaseException) -> None:
        self._client.captureException(exc_info=exc_info(error))

    def capture_message(self, text: str) -> None:
        self._client.captureMessage(text)

    def add_breadcrumb(self, text: str) -> None:
        self._record(message=text)

    def init(self, url: str, mode: Mode, ignored: type[Exception]) -> None:
        self._client = self._sdk.Client(
            "" if mode == "off" else f"http://{'a' * 32}:{'b' * 32}@{host(url)}/1",
            ignore_exceptions=[ignored] if mode == "ignored" else [],
            sample_rate=0 if mode == "unsampled" else 1,
        )

    async def drain(self, patience: float = PATIENCE) -> None:
        transport = self._client.remote.get_transport()
        if transport is not None:
            queue = transport.get_worker()._queue
            await until(lambda: not queue.unfinished_tasks, patience)
