"""Long texts are searched for secrets beside the program, before the turn comes that sends their event."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final
from weakref import ref

from asyncsentry.events.scrubbing import SecretNames
from asyncsentry.process import pause

AT_ONCE: Final = 1024
"""Characters that are searched at a time, which takes a millisecond at the most: nobody else runs meanwhile."""

BREATH: Final = 0.0005
"""Seconds for which others may run then. It takes them some of that to notice."""

MUCH: Final = 4096
"""Characters of an event that are too much for the turn that sends it."""


def searches(texts: Iterable[str], names: SecretNames) -> tuple[Search, ...]:
    """What is to be done for these texts before their event is sent: nothing, if they are not many, or are known."""
    unknown = [text for text in texts if text not in names.searched]
    return (Search(unknown, names),) if sum(map(len, unknown)) > MUCH else ()


class Search:
    """A gap in no place: what it finds out, `Secrets` remembers of each text."""

    __slots__ = ("__weakref__", "_batches", "_names", "_over")

    def __init__(self, texts: Iterable[str], names: SecretNames) -> None:
        self._batches = _batches(texts)
        self._names = names
        self._over = False

    @property
    def find_out(self) -> Callable[[], None]:
        return partial(_search, ref(self))

    def fill(self) -> bool:
        """Whether all has been searched."""
        return self._over

    def step(self) -> bool:
        """Search some of it; False if there is no more. One thread at a time."""
        from asyncsentry.events.secrets import secrets_of

        batch = next(self._batches, None)
        if batch is None:
            self._over = True
            return False
        secrets_of(self._names).look_at(batch)
        return True


def _search(reference: ref[Search]) -> None:
    """Search what is to be searched, unless its event has been sent meanwhile."""
    while (search := reference()) is not None and search.step():
        del search  # it would keep the texts
        pause(BREATH)


def _batches(texts: Iterable[str]) -> Iterator[set[str]]:
    batch, length = set[str](), 0
    for text in texts:
        batch.add(text)
        length += len(text)
        if length >= AT_ONCE:
            yield batch
            batch, length = set(), 0
    if batch:
        yield batch
