"""asyncsentry, on the transport of that name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sdks import PATIENCE, Mode, Modes, host, usual_and

if TYPE_CHECKING:
    from asyncsentry.types import OptionArguments

KEY: Final = "a" * 32
ROOM: Final = 2**30
"""Bytes that may wait where nothing is to be dropped."""


class Adapter:
    modes: Modes = usual_and("unsampled", "flooded", "seen", "refused")
    works_uninitialised = True
    knows_again = True
    watches_logging = True
    full_after = 1500
    """Many: 16 MB of errors that weigh some twenty kilobytes."""

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
        hooks = {"seen": lambda event, _: event, "refused": lambda _, __: None}
        options: OptionArguments = {
            "ignore_errors": [ignored] if mode == "ignored" else [],
            "sample_rate": 0.0 if mode == "unsampled" else 1.0,
            "before_send": hooks.get(mode),
            "queue_bytes": ROOM if mode == "roomy" else None,
        }
        if mode != "default":  # no other SDK controls floods: all captures are made
            options["flood_limit"] = 1 if mode == "flooded" else None
        self._sdk.init(dsn, **options)

    async def drain(self, patience: float = PATIENCE) -> None:
        if not await self._sdk.flush_async(patience):
            raise TimeoutError("asyncsentry did not send what it has")

    def counted(self) -> int:
        account = self._sdk.get_client().stats()["error"]
        return sum(account.lost.values()) + account.limited + account.unknown
