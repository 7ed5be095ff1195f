"""Freezing: a bounded copy of any value as plain data, of which nothing can change any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from math import isfinite
from typing import Any, Final, TypeAlias

from asyncsentry.events import Json
from asyncsentry.events.foreign import exact, show_name, writes_much
from asyncsentry.events.guard import Guard
from asyncsentry.events.looking import HARMLESS, distrust, look_at
from asyncsentry.events.looks import Entries, Items, Shown, show_mapping
from asyncsentry.events.rules import Rules
from asyncsentry.events.scrubbing import ASGI, FILTERED, NAME_LIMIT, WSGI, SecretNames
from asyncsentry.events.seen import LEAST_CARD, SHORTEST, Seen
from asyncsentry.item import Gap

# Any: what is being frozen is anything yet.
_Copy: TypeAlias = "dict[Any, Any] | list[Any]"
_ToDo: TypeAlias = "list[tuple[_Copy, int, tuple[int, ...]]]"
"""Copies whose members are to be frozen, with the number of containers that these are in, and those containers' ids."""

OUTPOURING: Final = 100_000
"""Characters: a type whose text was longer is treated like a slow one, for it will be, in a longer list."""

OMITTED: Final = "..."
"""Stands before the number of members, or of frames, that are not shown."""

REQUEST: Final = "<the request, as the server tells it>"
"""Said of an ASGI scope or a WSGI environment: an event shows of it as ``request`` what may be shown."""

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

    It runs foreign code (a ``__repr__``, a property) under guard: see `Guard`.
    """

    __slots__ = (
        "_breadth",
        "_deepest",
        "_guard",
        "_harmless",
        "_hid",
        "_left",
        "_seen",
        "_short",
        "_weight",
        "ask",
        "frames",
        "gaps",
        "rules",
        "seen",
    )

    def __init__(
        self,
        rules: Rules,
        clock: Callable[[], float] = time.thread_time,
        wall: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.rules = rules
        self.gaps: list[Gap] = []
        """What is missing yet in what was frozen."""
        self.frames = 0
        """How many frames of stacks it shows so far."""
        self.seen = Seen()
        self._hid = False
        self._guard = Guard(clock, wall)
        self.ask = self._guard.ask
        self._left = rules.max_values
        self._deepest = rules.max_depth
        self._breadth = rules.max_breadth
        self._short = min(_SHORT, rules.max_value_length)
        self._weight = 0
        self._harmless = rules.secret_names.harmless
        # Foreign values with what was said of them. They are kept here, for a moment, so that their ids stay theirs.
        self._seen: dict[int, tuple[object, Json]] = {}

    @property
    def interrupted(self) -> bool:
        """Whether a ``KeyboardInterrupt`` was among what foreign code raised, and is still to be raised."""
        return self._guard.interrupted

    @property
    def weight(self) -> int:
        """About how many bytes of memory all that was frozen takes."""
        return (self.rules.max_values - self._left) * _SHORT + self._weight

    def freeze(self, value: object) -> Json:
        """One value."""
        self._left -= 1
        return self._freeze(value, 1)

    def freeze_mapping(self, mapping: Mapping[Any, object]) -> dict[str, Json]:
        """Named values: variables, extra data, a context."""
        most = self.rules.max_names if self._left > 0 else 0
        if type(mapping) is dict:
            frozen = self._copy_harmless(mapping, len(mapping), most) or self._copy_first(mapping, most)
        else:
            shown = self.ask(lambda foreign: show_mapping(foreign, most), mapping)
            frozen = {} if shown is None else self._copy_entries(*shown)
        self._freeze_members(frozen, 1)
        if self._hid:
            self._hid = False
            self.seen.hiding.append(frozen)
        return frozen

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

    def _foreign_text(self, value: object) -> str:
        if self.ask(writes_much, value):
            return str(self._freeze(value, 1))
        shown = self.ask(str, value)
        return show_name(value) if shown is None else exact(shown)

    def _freeze(self, value: Any, depth: int) -> Json:
        holder = [value]
        self._freeze_members(holder, depth)
        return holder[0]  # type: ignore[no-any-return]  # frozen now

    def _freeze_members(self, holder: _Copy, depth: int) -> None:
        """Freeze what is in a copy of a container, and what is in that. The shallow comes first to the budget.

        ``depth`` is the number of containers that the members are in.
        """
        short, note, least, beyond = self._short, self.seen.texts.add, -_EXACT_INT, LEAST_CARD
        todo: _ToDo = [(holder, depth, ())]
        for frozen, depth, above in todo:  # which grows meanwhile
            members: Iterable[tuple[Any, Any]] = frozen.items() if type(frozen) is dict else enumerate(frozen)
            for place, value in members:
                kind = type(value)
                if kind is str:
                    length = len(value)
                    if length > short:
                        frozen[place] = value = self.text(value, None if self._left > 0 else short)
                    if length >= SHORTEST:
                        note(value)
                elif kind is int:
                    if not least <= value < beyond:
                        frozen[place] = self._large_int(value)
                elif kind is dict or kind is list or kind is tuple:
                    frozen[place] = self._open(value, depth, above, todo)
                elif value is not None and kind is not bool and (kind is not float or not isfinite(value)):
                    frozen[place] = self._freeze_foreign(value, depth, above, todo)

    def _large_int(self, value: int) -> Json:
        """The digits of a number that not every reader of JSON keeps exactly, or how many bits it has if very many."""
        if -_EXACT_INT <= value <= _EXACT_INT:
            self.seen.numbers.add(value)
            return value
        bits = value.bit_length()
        if bits > _LARGEST_INT_BITS:
            return f"<int of {bits} bits>"
        self.seen.texts.add(str(value))
        return str(value)

    def _open(self, value: Any, depth: int, above: tuple[int, ...], todo: _ToDo) -> Json:
        """A copy of a container, whose members are to be frozen yet; or what is said instead."""
        total, mark = len(value), id(value)
        if not total or depth >= self._deepest or self._left <= 0 or mark in above:
            return CIRCULAR if mark in above else _name_container(value)
        if depth == 1 and mark in self._seen:
            return self._seen[mark][1]
        copy: _Copy | None
        if type(value) is dict:
            copy = self._copy_harmless(value, total, self._breadth)
            if copy is None:
                if self._is_request(value):
                    return REQUEST
                copy = self._copy_first(value, self._breadth)
        elif total > self._breadth:
            copy = self._note_omitted([*value[: self._breadth]], total)
        else:
            self._left -= total
            is_secret = total == 2 and _is_secret_pair(value, self.rules.secret_names)
            copy = [value[0], self._hide()] if is_secret else [*value]
        todo.append((copy, depth + 1, above + (mark,)))  # noqa: RUF005  # in half the time, for each container
        if depth == 1:
            self._seen[mark] = (value, copy)
        return copy

    def _is_request(self, value: dict[Any, Any]) -> bool:
        """Whether it is one, or nobody can tell: a key with the hash of such a name is asked whether it is the name."""
        try:
            return ASGI in value or WSGI in value
        except BaseException as error:  # whatever that key raises
            self._guard.interrupted |= isinstance(error, KeyboardInterrupt)
            return True

    def _copy_harmless(self, given: dict[Any, Any], total: int, most: int) -> dict[str, Any] | None:
        """All entries, if there are no more than ``most`` and their names are known as harmless; as nearly always."""
        if total > most:
            return None
        copy, harmless = given.copy(), self._harmless
        for name in copy:
            if type(name) is not str or name not in harmless:
                return None
        self._left -= total
        return copy

    def _copy_first(self, given: dict[Any, Any], most: int) -> dict[str, Any]:
        return self._copy_entries(list(islice(given.items(), most)), len(given))

    def _copy_entries(self, pairs: Sequence[tuple[Any, Any]], total: int) -> dict[str, Any]:
        """These entries, their names frozen, and what stands under those of secrets hidden."""
        self._left -= len(pairs)
        secret = self.rules.secret_names
        copy: dict[str, Any] = {}
        for name, value in pairs:
            shown = self._freeze_name(name)
            copy[shown] = self._hide() if shown in secret else value
            if shown not in secret.harmless and shown not in secret.telling:
                self.seen.texts.add(shown)
        if total > len(pairs):
            copy[OMITTED] = f"{total - len(pairs)} more"
        return copy

    def _hide(self) -> str:
        self._hid = True
        return FILTERED

    def _note_omitted(self, copy: list[Any], total: int) -> list[Any]:
        self._left -= len(copy)
        if total > len(copy):
            copy.append(f"{OMITTED} {total - len(copy)} more")
        return copy

    def _freeze_name(self, name: object) -> str:
        """A mapping's key: a text as it is, anything else as the text that it would be frozen to."""
        if type(name) is tuple:
            members = self._freeze(name, self._deepest - 1)
            return cut(str(tuple(members) if type(members) is list else members), NAME_LIMIT)
        return cut(name if type(name) is str else str(self._freeze(name, self._deepest)), NAME_LIMIT)

    def _freeze_foreign(self, value: object, depth: int, above: tuple[int, ...], todo: _ToDo) -> Json:
        mark = id(value)
        if mark in self._seen:
            return self._seen[mark][1]
        if self._left <= 0:
            return show_name(value)
        kind = type(value)
        if kind is float:  # not a finite one
            return repr(value)
        shown = self._look(value) if id(kind) in HARMLESS else self.ask(self._look, value, blame=kind)
        if type(shown) is Entries or type(shown) is Items:
            if depth >= self._deepest or mark in above:
                return show_name(value)
            copy: _Copy = self._copy_entries(*shown) if type(shown) is Entries else self._note_omitted(*shown)
            todo.append((copy, depth + 1, (*above, mark)))
            return copy
        frozen = self._freeze(show_name(value) if shown is None else shown, depth)
        self._seen[mark] = (value, frozen)
        return frozen

    def _look(self, value: object) -> Shown:
        shown = look_at(value, self.rules.max_breadth)
        if type(shown) is str and len(shown) > OUTPOURING:
            distrust(type(value))
        return shown


def _name_container(value: Any) -> Json:
    """What is said of a container that is not looked into; an empty one is whole."""
    kind = type(value)
    return f"<{kind.__name__} of {len(value)}>" if value else {} if kind is dict else []


def _is_plain(value: Any) -> bool:
    """Whether this is a number or the like of the interpreter's own, of no great length: its text costs nothing."""
    kind = type(value)
    if kind is int:
        return bool(value.bit_length() <= _LARGEST_INT_BITS)
    return value is None or kind is bool or kind is float


def _is_secret_pair(pair: Sequence[Any], secret: SecretNames) -> bool:
    """Whether this is a header or the like: ``(b"authorization", b"...")``."""
    if type(pair) is not tuple:
        return False
    name = pair[0]
    if type(name) is bytes:
        name = name[:NAME_LIMIT].decode("latin-1")
    return type(name) is str and name[:NAME_LIMIT] in secret
