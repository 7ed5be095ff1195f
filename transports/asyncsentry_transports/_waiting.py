"""What the asynchronous styles give to wait on."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any


class Waiting:
    """An awaitable that may be left alone: nothing starts, and nothing warns, before it is awaited."""

    def __init__(self, start: Callable[[], Coroutine[Any, Any, bool]]) -> None:
        self._start = start

    def __await__(self) -> Generator[Any, None, bool]:
        return self._start().__await__()
