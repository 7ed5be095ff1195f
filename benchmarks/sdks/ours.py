"""asyncsentry, on the transport of that name."""

from __future__ import annotations

from typing import Final

from sdks import PATIENCE, Mode, Modes, host

KEY: Final = "a" * 32


class Adapter:
    modes: Modes = frozenset({"on", "limited", "off", "ignored", "unsampled"})
    works_uninitialised = True
    watches_logging = True

    def __init__(self, transport: str) -> None:
        import asyncsentry

        self._sdk = asyncsentry
        self._transport = transport
        self.capture = asyncsentry.capture_exception
        self.capture_message = asyncsentry.capture_message

    def add_breadcrumb(self, text: str) -> None:
        self._sdk.add_breadcrumb(message=text)

    def init(self, url: str, mode: Mode, ignored: type[Exception]) -> None:
        dsn = "" if mode == "off" else f"{self._transport}+http://{KEY}@{host(url)}/1"
        self._sdk.init(
            dsn,
            ignore_errors=[ignored] if mode == "ignored" else [],
            sample_rate=0.0 if mode == "unsampled" else 1.0,
            flood_limit=0,  # no other SDK has one: all captures are made
        )

    async def drain(self) -> None:
        if not await self._sdk.flush_async(PATIENCE):
            raise TimeoutError("asyncsentry did not send what it has")
