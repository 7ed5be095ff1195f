"""sentry-sdk, with its default transport, a thread."""

from __future__ import annotations

from importlib import import_module

from sdks import Mode, Modes, host, until


class Adapter:
    modes: Modes = frozenset({"on", "limited", "off", "ignored", "unsampled"})
    works_uninitialised = True
    watches_logging = True

    def __init__(self) -> None:
        self._sdk = import_module("sentry_sdk")
        self.capture = self._sdk.capture_exception
        self.capture_message = self._sdk.capture_message

    def add_breadcrumb(self, text: str) -> None:
        self._sdk.add_breadcrumb(message=text)

    def init(self, url: str, mode: Mode, ignored: type[Exception]) -> None:
        self._sdk.init(
            None if mode == "off" else f"http://{'a' * 32}@{host(url)}/1",
            ignore_errors=[ignored] if mode == "ignored" else [],
            sample_rate=0.0 if mode == "unsampled" else 1.0,
        )

    async def drain(self) -> None:
        transport = self._sdk.get_client().transport
        if transport is not None:  # flush() would do more than wait: it sends a client report
            queue = transport._worker._queue
            await until(lambda: not queue.unfinished_tasks)
