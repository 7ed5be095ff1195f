"""No SDK: errors are raised, and captured by nobody."""

from __future__ import annotations

from sdks import PATIENCE, Mode, Modes


class Adapter:
    modes: Modes = frozenset({"default", "roomy"})
    works_uninitialised = False
    knows_again = False
    watches_logging = False
    capture_message = None
    add_breadcrumb = None
    counted = None
    full_after = None

    def capture(self, error: BaseException) -> None:
        pass

    def init(self, url: str, mode: Mode, ignored: type[Exception]) -> None:
        pass

    async def drain(self, patience: float = PATIENCE) -> None:
        pass
