"""How values of types that are not the interpreter's own are shown, without trusting or evaluating them."""

from __future__ import annotations

import array
import asyncio
import datetime
import decimal
import enum
import fractions
import gc
import ipaddress
import json
import os
import pathlib
import socket
import threading
import uuid
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import pytest

from asyncsentry.events.foreign import IdentityCache, look_at, show_name, type_name
from asyncsentry.events.freezing import OMITTED, Freezer
from asyncsentry.events.rules import Rules
from asyncsentry.events.scrubbing import FILTERED


class Colour(enum.Enum):
    RED = 1


class Size(enum.IntEnum):
    SMALL = 1


class Word(str):
    __slots__ = ()

    def __getitem__(self, key: Any) -> str:
        raise RuntimeError("not even this")


class Number(int):
    def __repr__(self) -> str:
        raise RuntimeError("not even this")


Two = namedtuple("Two", "a b")


class Point(NamedTuple):
    x: int
    token: str


@dataclass
class Order:
    number: int
    password: str = "x"
    secret_note: str = field(default="x", repr=False)
    items: list[int] = field(default_factory=lambda: list(range(1_000_000)))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Colour.RED, "<Colour.RED: 1>"),
        (Size.SMALL, "<Size.SMALL: 1>"),
        (Word("word"), "word"),
        (Number(5), 5),
        (b"bytes\x00", "b'bytes\\x00'"),
        (bytearray(b"bytes"), "bytearray(b'bytes')"),
        (memoryview(b"bytes"), "<memory>"),
        (datetime.datetime(2026, 1, 2, 3, 4), "2026-01-02 03:04:00"),
        (datetime.timedelta(hours=1), "1:00:00"),
        (decimal.Decimal("1e400"), "1E+400"),
        (fractions.Fraction(1, 3), "1/3"),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
        (range(10**12), "range(0, 1000000000000)"),
        (Point(1, "x"), {"x": 1, "token": FILTERED}),
        (Two(1, 2), {"a": 1, "b": 2}),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (UserDict(password="x"), {"password": FILTERED}),
        (ChainMap({"a": 1}, {"b": 2}), {"b": 2, "a": 1}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (deque(range(100)), [*range(10), f"{OMITTED} 90 more"]),
        (frozenset({1}), [1]),
        ({1}, [1]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        ({"a": 1}.items(), [["a", 1]]),
        (SimpleNamespace(a=1), {"__class__": "types.SimpleNamespace", "a": 1}),
        (ValueError("x", 2), {"__class__": "ValueError", "args": ["x", 2]}),
        (object(), "<object>"),
        (json, f"<module 'json' from {json.__file__!r}>"),
        (int, "<class 'int'>"),
        (len, "<built-in function len>"),
        (NotImplemented, "NotImplemented"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_is_shown(freezer: Freezer, value: object, shown: object) -> None:
    assert freezer.freeze(value) == shown


def test_a_float_of_a_foreign_type_is_a_float(freezer: Freezer) -> None:
    class Price(float):
        def __repr__(self) -> str:
            raise RuntimeError("not even this")

    frozen = freezer.freeze([Price(1.5), Price("nan")])
    assert frozen == [1.5, "nan"]
    assert isinstance(frozen, list)
    assert type(frozen[0]) is float


def test_addresses_are_not_shown_for_they_differ_from_run_to_run(freezer: Freezer) -> None:
    def function() -> None: ...

    assert freezer.freeze(function) == f"<function {function.__qualname__}>"


def test_what_is_running_or_held_is_named_and_not_touched(freezer: Freezer) -> None:
    def numbers() -> Any:
        yield 1

    async def work() -> None: ...

    generator, coroutine, lock = numbers(), work(), threading.Lock()
    with socket.socket() as connection:
        frozen = freezer.freeze([generator, coroutine, lock, connection])
    coroutine.close()
    assert isinstance(frozen, list)
    assert frozen[0] == f"<generator object {numbers.__qualname__}>"
    assert frozen[1] == f"<coroutine object {work.__qualname__}>"
    assert frozen[2] == "<unlocked _thread.lock object>"
    assert str(frozen[3]).startswith("<socket.socket fd=")
    assert next(generator) == 1
    assert not lock.locked()


def test_a_future_is_shown_and_not_awaited(freezer: Freezer) -> None:
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    assert "pending" in str(freezer.freeze(future))
    future.cancel()
    loop.close()


def test_the_environment_is_scrubbed_like_any_mapping() -> None:
    os.environ["ASYNCSENTRY_TEST_PASSWORD"] = "x"
    try:
        frozen = Freezer(Rules(max_breadth=100_000)).freeze(os.environ)
    finally:
        del os.environ["ASYNCSENTRY_TEST_PASSWORD"]
    assert isinstance(frozen, dict)
    assert frozen["ASYNCSENTRY_TEST_PASSWORD"] == FILTERED


def test_a_dataclass_is_shown_by_the_fields_of_its_repr_bounded_and_scrubbed(freezer: Freezer) -> None:
    assert freezer.freeze(Order(5)) == {
        "__class__": f"{__name__}.Order",
        "number": 5,
        "password": FILTERED,
        "items": [*range(10), f"{OMITTED} 999990 more"],
    }


def test_a_field_that_is_not_set_yet_is_left_out(freezer: Freezer) -> None:
    order = object.__new__(Order)
    order.number = 1
    # A default that is no factory is found on the class.
    assert freezer.freeze(order) == {"__class__": f"{__name__}.Order", "number": 1, "password": FILTERED}


def test_a_class_of_the_attrs_package_is_shown_by_its_fields(freezer: Freezer) -> None:
    # As attrs leaves it: a class with a tuple of attributes, each of which says whether it is part of the repr.
    fields = (SimpleNamespace(name="a", repr=True), SimpleNamespace(name="hidden", repr=False))
    made: Any = type("Made", (), {"__attrs_attrs__": fields, "__module__": "shop"})()
    made.a, made.hidden = 1, 2
    assert freezer.freeze(made) == {"__class__": "shop.Made", "a": 1}


def foreign(module: str, name: str, bases: tuple[type, ...] = (), **members: Any) -> Any:
    """A type as another package defines it; whoever evaluates its values fails."""

    def evaluate(*_: object) -> Any:
        raise AssertionError("evaluated")

    given = dict.fromkeys(("__repr__", "__str__", "__len__", "__iter__", "__bool__", "__getattr__"), evaluate)
    return type(name, bases, {**given, "__module__": module, **members})


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (foreign("numpy", "ndarray", shape=(3, 4), dtype="float64"), "<numpy.ndarray shape=(3, 4) dtype=float64>"),
        (foreign("torch", "Tensor", shape=(3,), dtype="int8"), "<torch.Tensor shape=(3,) dtype=int8>"),
        (foreign("pandas.core.frame", "DataFrame", shape=(9, 2)), "<pandas.core.frame.DataFrame shape=(9, 2)>"),
        (foreign("polars.lazyframe.frame", "LazyFrame"), "<polars.lazyframe.frame.LazyFrame>"),
        (foreign("django.db.models.query", "QuerySet"), "<django.db.models.query.QuerySet>"),
        (foreign("sqlalchemy.orm.query", "Query"), "<sqlalchemy.orm.query.Query>"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_large_or_lazy_is_shown_by_its_type_and_shape_and_never_evaluated(
    freezer: Freezer, kind: type, shown: str
) -> None:
    assert freezer.freeze(kind()) == shown


def test_an_heir_of_what_is_lazy_is_lazy_wherever_it_is_defined(freezer: Freezer) -> None:
    query = foreign("django.db.models.query", "QuerySet")
    assert freezer.freeze(foreign("shop.models", "Orders", (query,))()) == "<shop.models.Orders>"


def test_a_package_whose_name_only_begins_like_a_lazy_one_is_not_lazy(freezer: Freezer) -> None:
    kind = type("Thing", (), {"__module__": "numpydoc", "__repr__": lambda _self: "shown"})
    assert freezer.freeze(kind()) == "shown"


def test_a_scalar_of_numpy_is_shown_by_its_value(freezer: Freezer) -> None:
    generic = type("generic", (), {"__module__": "numpy"})
    kind = type("int64", (generic,), {"__module__": "numpy", "__repr__": lambda _self: "np.int64(5)"})
    assert freezer.freeze(kind()) == "np.int64(5)"


def test_a_row_of_a_database_is_shown_by_what_is_loaded(freezer: Freezer) -> None:
    django = foreign("django.db.models.base", "Model", __getattr__=None)
    order = foreign("shop.models", "Order", (django,))()
    order.__dict__.update(_state=object(), id=5, token="x")
    assert freezer.freeze(order) == {"__class__": "shop.models.Order", "id": 5, "token": FILTERED}
    mapped = foreign("shop.tables", "Order", _sa_class_manager=object())()
    mapped.__dict__.update(_sa_instance_state=object(), id=6)
    assert freezer.freeze(mapped) == {"__class__": "shop.tables.Order", "id": 6}


def test_a_type_that_lies_about_its_class_is_not_believed(freezer: Freezer) -> None:
    liar: Any = type("Liar", (), {"__class__": property(lambda _self: 1 // 0), "__module__": "shop"})
    assert freezer.freeze(liar()) == "<shop.Liar>"


def test_a_hostile_metaclass_does_no_harm(freezer: Freezer) -> None:
    class Hostile(type):
        def __hash__(cls) -> int:
            raise RuntimeError("hash")

        def __eq__(cls, other: object) -> bool:
            raise RuntimeError("eq")

        def __getattribute__(cls, name: str) -> Any:
            raise RuntimeError(name)

        def __instancecheck__(cls, instance: object) -> bool:
            raise RuntimeError("isinstance")

    kind: Any = Hostile("Thing", (), {"__module__": "shop"})
    assert freezer.freeze(object.__new__(kind)) == "<shop.Thing>"


def test_containers_of_a_foreign_type_are_read_with_the_interpreter_s_own_methods(freezer: Freezer) -> None:
    def refuse(*_: object) -> Any:
        raise AssertionError("run")

    members = dict.fromkeys(("__iter__", "__len__", "__getitem__", "__repr__", "items", "keys"), refuse)
    for base, given, shown in (
        (dict, {"a": 1}, {"a": 1}),
        (list, [1, 2], [1, 2]),
        (tuple, (1, 2), [1, 2]),
        (set, {1}, [1]),
    ):
        kind = type("Own", (base,), {**members, "__module__": "shop"})
        assert freezer.freeze(kind(given)) == shown


def test_a_repr_of_a_foreign_type_of_text_becomes_plain_text(freezer: Freezer) -> None:
    class Shown:
        def __repr__(self) -> str:
            return Word("a word")

    frozen = freezer.freeze(Shown())
    assert frozen == "a word"
    assert type(frozen) is str


@pytest.mark.parametrize(
    ("members", "name"),
    [({"__module__": "shop"}, "shop.Thing"), ({"__module__": 5}, "?.Thing"), ({"__module__": "builtins"}, "Thing")],
)
def test_a_type_is_named_by_its_module(members: dict[str, Any], name: str) -> None:
    assert type_name(type("Thing", (), members)) == name


def test_a_type_without_a_module_is_named() -> None:
    nowhere: dict[str, Any] = {}  # no __name__, as in code that a template engine runs
    exec("class Thing: pass", nowhere)
    assert type_name(nowhere["Thing"]) in ("?.Thing", "Thing")
    exec("Thing = type('Thing', (), {})", nowhere)
    assert type_name(nowhere["Thing"]) == "?.Thing"


def test_a_type_whose_name_is_no_plain_text_is_not_asked() -> None:
    kind = type("Thing", (), {"__module__": "shop"})
    kind.__qualname__ = Word("x")
    assert show_name(kind()) == "<shop.?>"


def test_an_array_is_shown(freezer: Freezer) -> None:
    assert freezer.freeze(array.array("i", [1, 2])) == "array('i', [1, 2])"


def test_a_look_is_chosen_once_for_a_type() -> None:
    assert look_at(Colour.RED, 10) == look_at(Colour.RED, 10) == "<Colour.RED: 1>"


class Owner:
    """Something that facts are known of."""


def test_a_fact_is_found_by_its_owner_and_key() -> None:
    cache: IdentityCache[str] = IdentityCache(limit=10)
    first, second = Owner(), Owner()
    cache.put(first, "one")
    cache.put(first, "two", "key")
    assert cache.get(first) == "one"
    assert cache.get(first, "key") == "two"
    assert cache.get(first, "other") is None
    assert cache.get(second) is None


def test_a_new_object_is_not_taken_for_a_dead_one_in_whose_place_it_is() -> None:
    cache: IdentityCache[int] = IdentityCache(limit=100_000)
    for number in range(1000):
        owner = Owner()
        assert cache.get(owner) is None
        cache.put(owner, number)
        del owner  # the next one will often be in its place
    gc.collect()
    assert cache.get(Owner()) is None


def test_a_cache_keeps_nothing_alive_and_is_bounded() -> None:
    cache: IdentityCache[int] = IdentityCache(limit=3)
    owners = [Owner() for _ in range(4)]
    for number, owner in enumerate(owners):
        cache.put(owner, number)
    assert len(cache) == 1
    assert cache.get(owners[3]) == 3
    assert not any(
        isinstance(referrer, dict) and owners[3] in referrer.values() for referrer in gc.get_referrers(owners)
    )
