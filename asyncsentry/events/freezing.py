"""Freezing: a bounded copy of any value as plain data, of which nothing can change any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from math import isfinite
from typing import Any, Final, TypeVar

from asyncsentry.events import Json
from asyncsentry.events.foreign import HARMLESS, Entries, Items, Shown, distrust, exact, look_at, show_name, suspect
from asyncsentry.events.rules import Rules
from asyncsentry.events.scrubbing import FILTERED, NAME_LIMIT, is_sensitive, verdicts
from asyncsentry.item import Gap

T = TypeVar("T")
R = TypeVar("R")

SLOW: Final = 0.005
"""Seconds of the processor's time: a type whose look took longer is shown by its name from then on, and so is
everything foreign for the rest of an event whose looks took longer together."""

STUCK: Final = 0.05
"""The same in seconds that went by, if it happens twice: a look may sleep, but a busy machine lets any thread wait."""

OUTPOURING: Final = 100_000
"""Characters: a type whose text was longer is treated like a slow one, for it will be, in a longer list."""

OMITTED: Final = "..."
"""Stands before the number of members, or of frames, that are not shown."""

CIRCULAR: Final = "<circular reference>"

_SHORT: Final = 100
_EXACT_INT: Final = 2**53
_LARGEST_INT_BITS: Final = 1024


def cut(text: str, limit: int) -> str:
    """A text of at most ``limit`` characters that UTF-8 can hold."""
    if len(text) > limit:
        text = text[: limit - 3] + "..."
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


class Freezer:
    """Freezes what one event shows, within one budget; made for it and thrown away with it.

    It runs foreign code (a ``__repr__``, a property) under guard: whatever that raises is gone, but for
    ``interrupted``, which says that a ``KeyboardInterrupt`` was among it and is still to be raised by whoever began
    the capture.
    """

    __slots__ = (
        "_clock",
        "_left",
        "_leisure",
        "_opened",
        "_patience",
        "_scrub",
        "_seen",
        "_short",
        "_wall",
        "_weight",
        "gaps",
        "interrupted",
        "rules",
    )

    def __init__(
        self,
        rules: Rules,
        clock: Callable[[], float] = time.thread_time,
        wall: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.rules = rules
        self.interrupted = False
        self.gaps: list[Gap] = []
        """What is missing yet in what was frozen."""
        self._clock = clock
        self._wall = wall
        self._left = rules.max_values
        self._short = min(_SHORT, rules.max_value_length)
        self._weight = 0
        self._patience = SLOW
        self._leisure = STUCK
        self._scrub = True
        self._opened: list[int] = []
        # Foreign values with what was said of them. They are kept here, for a moment, so that their ids stay theirs.
        self._seen: dict[int, tuple[object, Json]] = {}

    @property
    def weight(self) -> int:
        """About how many bytes of memory all that was frozen takes."""
        return (self.rules.max_values - self._left) * _SHORT + self._weight

    def freeze(self, value: object, *, scrub: bool = True) -> Json:
        """One value. ``scrub=False`` for what the user has set: that is theirs to show."""
        self._scrub = scrub
        self._left -= 1
        return self._freeze(value, 1)

    def freeze_mapping(self, mapping: Mapping[Any, object], *, scrub: bool = True) -> dict[str, Json]:
        """Named values: variables, extra data, a context."""
        self._scrub = scrub
        most = self.rules.max_names if self._left > 0 else 0
        if type(mapping) is dict:
            total = len(mapping)
            pairs = list(mapping.items() if total <= most else islice(mapping.items(), most))
            return self._freeze_entries(pairs, total, 1)
        shown = self.ask(lambda foreign: Entries(list(islice(foreign.items(), most)), len(foreign)), mapping)
        return {} if shown is None else self._freeze_entries(shown.pairs, shown.total, 1)

    def text(self, value: object, limit: int | None = None) -> str:
        """``str(value)`` as an event can hold it; the type's name where ``__str__`` fails."""
        if type(value) is not str:
            value = str(value) if _is_plain(value) else self._foreign_text(value)
        limit = self.rules.max_value_length if limit is None else limit
        self._left -= 1 + min(len(value), limit) // _SHORT
        return cut(value, limit)

    def spend(self, values: int) -> None:
        """Count what was made without the freezer towards the event's budget and weight."""
        self._left -= values

    def weigh(self, weight: int) -> None:
        """Count so many bytes that belong to the event and were bounded elsewhere: they take nothing of its budget."""
        self._weight += weight

    def ask(self, question: Callable[[T], R], value: T, blame: type | None = None) -> R | None:
        """Run foreign code that answers a question about ``value``: None if it fails, or if there is no time left.

        A type to ``blame`` for a failure, or for taking long, is shown by its name from then on.
        """
        if self._patience <= 0 or self._leisure <= 0:
            return None
        answer: R | None = None
        failed = True
        began, started = self._wall(), self._clock()
        try:
            answer = question(value)
            failed = False
        except (RecursionError, MemoryError):
            blame = None  # that there is no room left is not the type's fault
        except KeyboardInterrupt:
            self.interrupted = True
            blame = None
        except BaseException:
            # Even a SystemExit: whoever only looks at a value must not end the program.
            pass
        worked, waited = self._clock() - started, self._wall() - began
        self._patience -= worked
        self._leisure -= waited
        if blame is not None:
            if failed or worked > SLOW:
                distrust(blame)
            elif waited > STUCK:
                suspect(blame)
        return answer

    def _foreign_text(self, value: object) -> str:
        shown = self.ask(str, value)
        return show_name(value) if shown is None else exact(shown)

    def _freeze(self, value: Any, depth: int) -> Json:
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind is dict or kind is list or kind is tuple:
            return self._freeze_builtin(value, kind, depth)
        if value is None or kind is bool:
            return value  # type: ignore[no-any-return]  # known by identity, not by a test that mypy follows
        if kind is int:
            return _freeze_int(value)
        if kind is float:
            return value if isfinite(value) else repr(value)
        return self._freeze_foreign(value, depth)

    def _freeze_builtin(self, value: Any, kind: type, depth: int) -> Json:
        total = len(value)
        if not total:
            return {} if kind is dict else []
        if depth >= self.rules.max_depth or self._left <= 0:
            return f"<{kind.__name__} of {total}>"
        mark, opened = id(value), self._opened
        if mark in opened:
            return CIRCULAR
        outermost = depth == 1 and self._scrub
        if outermost and mark in self._seen:
            return self._seen[mark][1]
        opened.append(mark)
        breadth = self.rules.max_breadth
        if kind is dict:
            pairs = list(value.items() if total <= breadth else islice(value.items(), breadth))
            frozen: Json = self._freeze_entries(pairs, total, depth + 1)
        elif kind is tuple and total == 2 and self._scrub and _is_secret_pair(value):
            frozen = [self._freeze(value[0], depth + 1), FILTERED]
        else:
            frozen = self._freeze_items(value[:breadth], total, depth + 1)
        opened.pop()
        if outermost:
            self._seen[mark] = (value, frozen)
        return frozen

    # The two loops know the commonest values themselves: a call for each would double the cost of freezing.

    def _freeze_entries(self, pairs: Sequence[tuple[Any, Any]], total: int, depth: int) -> dict[str, Json]:
        self._left -= len(pairs)
        scrub, short = self._scrub, self._short
        frozen: dict[str, Json] = {}
        for name, value in pairs:
            hidden = verdicts.get(name) if type(name) is str else None
            if hidden is None:
                name = self._freeze_name(name)
                hidden = is_sensitive(name)
            kind = type(value)
            if hidden and scrub:
                frozen[name] = FILTERED
            elif kind is str:
                frozen[name] = value if len(value) <= short and value.isascii() else self.text(value)
            elif kind is dict or kind is list or kind is tuple:
                frozen[name] = self._freeze_builtin(value, kind, depth)
            elif (
                (kind is int and -_EXACT_INT <= value <= _EXACT_INT)
                or value is None
                or kind is bool
                or (kind is float and isfinite(value))
            ):
                frozen[name] = value
            else:
                frozen[name] = self._freeze(value, depth)
        if total > len(pairs):
            frozen[OMITTED] = f"{total - len(pairs)} more"
        return frozen

    def _freeze_items(self, values: Sequence[Any], total: int, depth: int) -> list[Json]:
        self._left -= len(values)
        short = self._short
        frozen: list[Json] = []
        for value in values:
            kind = type(value)
            if kind is str:
                frozen.append(value if len(value) <= short and value.isascii() else self.text(value))
            elif kind is dict or kind is list or kind is tuple:
                frozen.append(self._freeze_builtin(value, kind, depth))
            elif (
                (kind is int and -_EXACT_INT <= value <= _EXACT_INT)
                or value is None
                or kind is bool
                or (kind is float and isfinite(value))
            ):
                frozen.append(value)
            else:
                frozen.append(self._freeze(value, depth))
        if total > len(values):
            frozen.append(f"{OMITTED} {total - len(values)} more")
        return frozen

    def _freeze_name(self, name: object) -> str:
        """A mapping's key: a text as it is, anything else as the text that it would be frozen to."""
        if type(name) is tuple:
            members = self._freeze_items(name[: self.rules.max_breadth], len(name), self.rules.max_depth)
            return cut(str(tuple(members)), NAME_LIMIT)
        return cut(name if type(name) is str else str(self._freeze(name, self.rules.max_depth)), NAME_LIMIT)

    def _freeze_foreign(self, value: object, depth: int) -> Json:
        seen = self._seen.get(id(value))
        if seen is not None:
            return seen[1]
        if self._left <= 0:
            return show_name(value)
        kind = type(value)
        shown = self._look(value) if id(kind) in HARMLESS else self.ask(self._look, value, blame=kind)
        if type(shown) is Entries or type(shown) is Items:
            return self._freeze_members(value, shown, depth)
        frozen = self._freeze(show_name(value) if shown is None else shown, depth)
        self._seen[id(value)] = (value, frozen)
        return frozen

    def _look(self, value: object) -> Shown:
        shown = look_at(value, self.rules.max_breadth)
        if type(shown) is str and len(shown) > OUTPOURING:
            distrust(type(value))
        return shown

    def _freeze_members(self, value: object, shown: Entries | Items, depth: int) -> Json:
        mark = id(value)
        if depth >= self.rules.max_depth or mark in self._opened:
            return show_name(value)
        self._opened.append(mark)
        frozen: Json
        if isinstance(shown, Entries):
            frozen = self._freeze_entries(shown.pairs, shown.total, depth + 1)
        else:
            frozen = self._freeze_items(shown.values, shown.total, depth + 1)
        self._opened.pop()
        return frozen


def _freeze_int(value: int) -> int | str:
    """A number that every reader of JSON keeps exactly, or its digits, or their number if there are very many."""
    if -_EXACT_INT <= value <= _EXACT_INT:
        return value
    bits = value.bit_length()
    return str(value) if bits <= _LARGEST_INT_BITS else f"<int of {bits} bits>"


def _is_plain(value: Any) -> bool:
    """Whether this is a number or the like of the interpreter's own, of no great length: its text costs nothing."""
    kind = type(value)
    if kind is int:
        return bool(value.bit_length() <= _LARGEST_INT_BITS)
    return value is None or kind is bool or kind is float


def _is_secret_pair(pair: tuple[Any, Any]) -> bool:
    """Whether this is a header or the like: ``(b"authorization", b"...")``."""
    name = pair[0]
    if type(name) is bytes:
        name = name[:NAME_LIMIT].decode("latin-1")
    return type(name) is str and is_sensitive(name[:NAME_LIMIT])
