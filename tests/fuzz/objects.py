"""Objects of all kinds, made from bytes: plain ones, shared and circular ones, and such as mean harm."""

from __future__ import annotations

import datetime
import decimal
import enum
import re
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, make_dataclass
from functools import partial
from pathlib import PurePosixPath
from types import MappingProxyType, SimpleNamespace
from typing import Any, Final, NamedTuple, NoReturn

from events.raising import BaseExceptionGroup
from fuzz.feed import Feed

MOST: Final = 2000
"""Objects in one graph, each counted wherever it is."""

DEEPEST: Final = 12

NAMES: Final = ("a", "password", "request", "self", "...", "", "größe", "\ud800", "x" * 300, "__class__", "asgi")


class Odd(BaseException):
    """What hardly anybody catches."""


RAISED: Final = (ValueError, SystemExit, GeneratorExit, MemoryError, RecursionError, StopIteration, Odd, AttributeError)


class Point(NamedTuple):
    x: object
    y: object


class Colour(enum.Enum):
    RED = "red"


class Text(str):
    __slots__ = ()


class Number(int):
    def __repr__(self) -> str:
        raise ValueError


class Pairs(dict[Any, Any]):
    """A dict that does not say what it holds."""

    def __iter__(self) -> Iterator[Any]:
        raise Odd

    def __len__(self) -> int:
        return 2**40

    def items(self) -> Any:
        raise Odd


class Endless(Mapping[Any, Any]):
    """A mapping that never ends."""

    def __getitem__(self, key: object) -> object:
        return self

    def __iter__(self) -> Iterator[Any]:
        while True:
            yield 1

    def __len__(self) -> int:
        return 1


@dataclass(slots=True)
class Slotted:
    a: object
    password: object


class Meta(type):
    """A class that tells nothing of itself."""

    def __getattribute__(cls, name: str) -> object:
        raise Odd


def simple(feed: Feed) -> Callable[[], Any]:
    """What holds nothing else."""
    number = int.from_bytes(feed.take(2), "big")
    return feed.choose(
        (
            lambda: None,
            lambda: number,
            lambda: -(1 << number // 8),
            lambda: feed.real(),
            lambda: feed.text(),
            lambda: feed.text() * 200,
            lambda: feed.chunk(),
            lambda: bytearray(feed.chunk()),
            lambda: memoryview(feed.chunk()),
            lambda: float("nan"),
            lambda: True,
            lambda: complex(0, feed.real()),
            lambda: datetime.datetime(1 + number % 9999, 1, 1),
            lambda: datetime.timedelta(number),
            lambda: decimal.Decimal("sNaN"),
            lambda: uuid.UUID(int=number),
            lambda: PurePosixPath("/", feed.text().replace("\0", "")),
            lambda: Colour.RED,
            lambda: Text(feed.text()),
            lambda: Number(number),
            lambda: re.compile("x"),
            lambda: range(number),
            lambda: lambda: number,
            lambda: len,
            lambda: simple,
            lambda: iter(()),
            lambda: Meta("Mute", (), {}),
            lambda: object(),
            lambda: NotImplemented,
            lambda: Endless(),
            lambda: Pairs({number: 1}),
        )
    )


class Maker:
    """Makes values, each of which may hold one that was made before.

    Together they are of some size: a program whose own ``__repr__`` takes for ever is not what is asked for here.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._made: list[tuple[Any, int]] = []
        self._size = 0

    def value(self, depth: int = 0) -> Any:
        feed, before = self._feed, self._size
        self._size += 1
        if self._size >= MOST or depth >= DEEPEST or not feed:
            return 1
        kind = feed.below(8)
        if kind < 3:
            made = simple(feed)()
        elif kind == 3 and self._made:
            made, size = self._made[feed.below(len(self._made))]
            self._size += size
            return made
        elif kind < 7:
            made = attempt(lambda: self._container(depth + 1))
        else:
            made = attempt(lambda: self._hostile(depth + 1))
        self._made.append((made, self._size - before))
        return made

    def top(self) -> Any:
        """A value that stands where an application gives us one; it may be beyond all measure."""
        return self._feed.choose((self.value, explosion))() if self._feed.below(8) == 1 else self.value()

    def values(self, depth: int = 0, most: int = 16) -> list[Any]:
        return [self.value(depth) for _ in range(self._feed.below(most))]

    def mapping(self, depth: int = 0) -> dict[Any, Any]:
        """A dict whose keys may be anything that a dict takes."""
        value = partial(self.value, depth + 1) if depth else self.top
        made: dict[Any, Any] = {}
        for _ in range(self._feed.below(16)):
            key, member = self._key(depth), value()
            attempt(partial(made.update, {key: member}))
        return made

    def error(self, depth: int = 0) -> BaseException:
        """An exception with all that may hang on it."""
        made: BaseException = attempt(lambda: self._bare_error(depth), ValueError())
        for link in ("__cause__", "__context__"):
            if self._feed.below(4) == 1 and depth < 4:
                other = made if self._feed.below(8) == 1 else self.error(depth + 1)
                attempt(partial(setattr, made, link, other))
        if self._feed.below(4) == 1:
            attempt(lambda: setattr(made, "__notes__", self.value(depth + 1)))
        return made

    def _bare_error(self, depth: int) -> BaseException:
        feed = self._feed
        arguments = self.values(depth + 1, 4)
        kind = feed.below(7)
        if kind == 0:
            return OSError(*arguments)
        if kind == 1:
            raised: type[BaseException] = feed.choose((ValueError, KeyError, SystemExit, StopIteration, Odd))
            return raised(*arguments) if depth else raised(self.top(), *arguments)
        if kind == 2 and depth < 4:
            members = [self.error(depth + 1) for _ in range(1 + feed.below(3))]
            return BaseExceptionGroup(feed.text(), members)  # type: ignore[no-any-return]  # Any, for Python 3.10
        if kind == 3:
            error = SyntaxError(feed.text())
            error.filename, error.lineno, error.offset, error.text = (self.value(depth + 1) for _ in range(4))
            return error
        if kind == 4:
            return UnicodeDecodeError("utf-8", feed.chunk(), 0, 1, feed.text())
        base = feed.choose((Exception, OSError, KeyError, BaseException))
        meta: Any = feed.choose((type, Meta))
        made: BaseException = meta(feed.choose(("Wrong", "größe", "x" * 500)), (base,), self._members(depth))(
            *arguments
        )
        return made

    def _key(self, depth: int) -> Any:
        feed = self._feed
        kinds: tuple[Callable[[], Any], ...] = (
            lambda: feed.choose(NAMES),
            lambda: feed.text(),
            lambda: simple(feed)(),
            lambda: (feed.text(), self.value(depth + 1)),
            lambda: frozenset({feed.text()}),
        )
        key = feed.choose(kinds)()
        return key if hashable(key) else "unhashable"

    def _container(self, depth: int) -> Any:
        feed = self._feed
        kinds: tuple[Callable[[], Any], ...] = (
            lambda: self.mapping(depth),
            lambda: self.values(depth),
            lambda: tuple(self.values(depth)),
            lambda: set(filter(hashable, self.values(depth))),
            lambda: frozenset(filter(hashable, self.values(depth))),
            lambda: deque(self.values(depth), maxlen=5),
            lambda: OrderedDict(self.mapping(depth)),
            lambda: defaultdict(list, self.mapping(depth)),
            lambda: Counter(feed.text()),
            lambda: MappingProxyType(self.mapping(depth)),
            lambda: Point(self.value(depth), self.value(depth)),
            lambda: SimpleNamespace(a=self.value(depth), token=self.value(depth)),
            lambda: Slotted(self.value(depth), self.value(depth)),
            lambda: make_dataclass("Made", ["a", "b"])(self.value(depth), self.value(depth)),
            lambda: self._circle(depth),
            lambda: deep(feed.below(256) * 8),
            lambda: self.values(depth, 64),
            lambda: [1] * 10_000,
            lambda: self.error(depth),
        )
        return feed.choose(kinds)()

    def _circle(self, depth: int) -> Any:
        ring: list[Any] = self.values(depth)
        link: dict[str, Any] = {"back": ring}
        ring.append(link if self._feed.flag() else ring)
        return link

    def _hostile(self, depth: int) -> Any:
        """An object of a class of its own, for what is learnt of a class is kept."""
        base = self._feed.choose((object, dict, list, str, int, float, BaseException, set))
        return type("Hostile", (base,), self._members(depth))()

    def _members(self, depth: int) -> dict[str, Any]:
        """Methods that do what they should not."""
        names = (
            *("__repr__", "__str__", "__len__", "__iter__", "__getattr__", "__class__", "__dict__", "__eq__"),
            *("__bool__", "keys", "items", "__getitem__", "__format__", "errno", "exceptions", "message", "__slots__"),
            *("__getattribute__", "__hash__", "__traceback__", "args", "__notes__", "shape", "__index__", "__float__"),
        )
        return {self._feed.choose(names): self._misdeed(depth) for _ in range(self._feed.below(5))}

    def _misdeed(self, depth: int) -> Any:
        feed = self._feed
        kind = feed.below(5)
        if kind == 0:
            return raising(feed.choose(RAISED))
        if kind == 1:
            return property(raising(feed.choose(RAISED)))
        if kind == 2:
            return recurse
        given = self.value(depth)
        return property(lambda _: given) if kind == 3 else lambda *_: given


def raising(kind: type[BaseException]) -> Callable[..., NoReturn]:
    def fail(*_: object) -> NoReturn:
        raise kind("no")

    return fail


def recurse(*_: object) -> str:
    return again("")


def again(text: str) -> str:
    """With its one argument: Python 3.13.0 lets functions that may have others call themselves without an end."""
    return f"{again(text)}"


def deep(depth: int) -> Any:
    """Lists in lists, without an end in sight."""
    nested: Any = []
    for _ in range(depth):
        nested = [nested]
    return nested


def explosion() -> Any:
    """Little in memory, and endless when it is written out."""
    wide: Any = ["x"] * 20
    for _ in range(20):
        wide = [wide] * 20
    return wide


def hashable(value: object) -> bool:
    return attempt(lambda: bool(hash(value) or True)) is True


def attempt(make: Callable[[], Any], otherwise: Any = None) -> Any:
    """What is made, or something else where that harms itself."""
    try:
        return make()
    except BaseException:
        return otherwise
