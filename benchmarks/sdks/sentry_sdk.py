"""sentry-sdk, with its default transport, a thread, or with the one that is new, on asyncio."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any, Final

from sdks import PATIENCE, Mode, Modes, host, until, usual_and

ROOM: Final = 100_000
"""Events that may wait where nothing is to be dropped."""


class Adapter:
    modes: Modes = usual_and("unsampled", "seen", "refused")
    works_uninitialised = True
    knows_again = True
    watches_logging = True

    def __init__(self, style: str = "thread") -> None:
        self._sdk = import_module("sentry_sdk")
        self._on_asyncio = style == "async"
        self._lost = 0
        self.full_after = None if self._on_asyncio else 150  # on asyncio each waits as a task of its own, unbounded
        self.capture = self._sdk.capture_exception
        self.capture_message = self._sdk.capture_message

    def add_breadcrumb(self, text: str) -> None:
        self._sdk.add_breadcrumb(message=text)

    def init(self, url: str, mode: Mode, ignored: type[Exception]) -> None:
        options: dict[str, Any] = {}
        if self._on_asyncio:
            options["_experiments"] = {"transport_async": True}
            options["integrations"] = [import_module("sentry_sdk.integrations.asyncio").AsyncioIntegration()]
        if mode == "roomy":
            options["transport_queue_size"] = ROOM
        self._sdk.init(
            None if mode == "off" else f"http://{'a' * 32}@{host(url)}/1",
            ignore_errors=[ignored] if mode == "ignored" else [],
            sample_rate=0.0 if mode == "unsampled" else 1.0,
            before_send={"seen": lambda event, _: event, "refused": lambda _, __: None}.get(mode),
            **options,
        )
        self._count()

    def _count(self) -> None:
        """Note what it counts: its own counts are gone as soon as it makes a report of them, which may not arrive."""
        transport = self._sdk.get_client().transport
        if transport is None:
            return
        record = transport.record_lost_event

        def noted(reason: str, data_category: str | None = None, item: Any = None, **rest: Any) -> None:
            self._lost += (data_category if item is None else item.data_category) == "error"
            record(reason, data_category, item, **rest)

        transport.record_lost_event = noted

    def counted(self) -> int:
        return self._lost

    async def drain(self, patience: float = PATIENCE) -> None:
        transport = self._sdk.get_client().transport
        if transport is None:
            return
        if self._on_asyncio:
            await asyncio.sleep(0)  # what was captured in this turn of the loop is queued in the next
        await until(lambda: not self._waiting(transport), patience)  # flush() sends a client report besides

    def _waiting(self, transport: Any) -> int:
        queue = transport._worker._queue
        if queue is None:  # nothing was ever sent
            return 0
        waiting: int = queue._unfinished_tasks if self._on_asyncio else queue.unfinished_tasks
        return waiting
