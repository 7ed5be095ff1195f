"""Who waits for what to be settled."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import Future


class Wish:
    """What a latch waits for: all items up to number ``mark``, then (known only then) all reports up to ``report``."""

    __slots__ = ("mark", "report")

    def __init__(self, mark: int) -> None:
        self.mark = mark
        self.report: int | None = None


class Latches:
    """Latches in the order in which they were asked for, which is that of their marks."""

    def __init__(self) -> None:
        self._wishes: OrderedDict[Future[None], Wish] = OrderedDict()

    def add(self, latch: Future[None], mark: int) -> None:
        self._wishes[latch] = Wish(mark)

    def forget(self, latch: Future[None]) -> None:
        """Nobody waits any more: a server that is away for hours must not fill the memory with latches."""
        self._wishes.pop(latch, None)

    def first(self, settled: int) -> Wish | None:
        """The first wish, if all items up to number ``settled`` are enough for it, or all but the reports."""
        if not self._wishes:  # as nearly always
            return None
        wish = next(iter(self._wishes.values()))
        return wish if wish.mark <= settled else None

    def pop(self) -> Future[None]:
        """The latch of the first wish, to be opened."""
        return self._wishes.popitem(last=False)[0]


def new_latch() -> Future[None]:
    """A latch that nobody who waits for it can cancel."""
    latch: Future[None] = Future()
    latch.set_running_or_notify_cancel()
    return latch
