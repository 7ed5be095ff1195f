"""elastic-apm, as far as it captures errors: no instrumentation, no metrics, no configuration from the server.

It sends in batches. Draining makes it send at once what it has. Its hooks see an event only where it is sent.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sdks import PATIENCE, USUAL, Mode, Modes, exc_info


class Adapter:
    modes: Modes = USUAL
    works_uninitialised = False
    knows_again = False
    counted = None
    full_after = None
    watches_logging = True
    add_breadcrumb = None

    def __init__(self) -> None:
        self._sdk = import_module("elasticapm")
        self._client: Any = None
        self._off = False

    def capture(self, error: BaseException) -> None:
        self._client.capture_exception(exc_info=exc_info(error))

    def capture_message(self, text: str) -> None:
        self._client.capture_message(text)

    def init(self, url: str, mode: Mode, ignored: type[Exception]) -> None:
        self._off = mode == "off"
        self._client = self._sdk.Client(
            service_name="bench",
            server_url=url,
            enabled=not self._off,
            central_config=False,
            cloud_provider="none",
            metrics_interval="0s",
            instrument=False,
            filter_exception_types=[f"{ignored.__module__}.{ignored.__qualname__}"] if mode == "ignored" else [],
        )

    async def drain(self, patience: float = PATIENCE) -> None:  # noqa: ARG002  # it takes no time
        if not self._off:
            self._client._transport.flush()
