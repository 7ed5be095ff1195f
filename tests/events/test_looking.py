"""How values of types that are not the interpreter's own are shown, without trusting or evaluating them."""

from __future__ import annotations

import argparse
import array
import datetime
import decimal
import enum
import fractions
import functools
import ipaddress
import itertools
import json
import logging
import os
import pathlib
import re
import shelve
import socket
import subprocess
import threading
import uuid
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque, namedtuple
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType, MethodType, SimpleNamespace
from typing import Any, ClassVar, NamedTuple

import pytest

from asyncsentry.events.freezing import OMITTED, Freezer
from asyncsentry.events.looking import look_at
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
        (UserDict(password="x").items(), [["password", FILTERED]]),
        (UserList(range(100)), [*range(10), f"{OMITTED} 90 more"]),
        (array.array("i", range(100)), [*range(10), f"{OMITTED} 90 more"]),
        (argparse.Namespace(password="x"), {"__class__": "argparse.Namespace", "password": FILTERED}),
        (ChainMap({"a": 1}, {"b": 2}), {"__class__": "collections.ChainMap", "maps": [{"a": 1}, {"b": 2}]}),
        (
            re.search("b+", "abc"),
            {"__class__": "re.Match", "pattern": "b+", "span": [1, 2], "match": "b"},
        ),
        (
            re.match(b"(?s).*", b"x" * 1_000_000),
            {"__class__": "re.Match", "pattern": "b'(?s).*'", "span": [0, 1_000_000], "match": repr(b"x" * 200)},
        ),
        (
            subprocess.CompletedProcess(["a"], 1, stdout="x"),
            {"__class__": "subprocess.CompletedProcess", "args": ["a"], "returncode": 1, "stdout": "x", "stderr": None},
        ),
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
        (Colour, f"<class '{__name__}.Colour'>"),
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


class Query:
    """Asks a database when it is looked at."""

    asked: ClassVar[list[Any]] = []

    def __repr__(self) -> str:
        self.asked.append(self)
        return "evaluated"

    def first(self) -> None: ...

    @classmethod
    def all(cls) -> None: ...


def test_a_method_is_shown_without_the_repr_of_its_object(freezer: Freezer) -> None:
    assert freezer.freeze(Query().first) == f"<bound method Query.first of <{__name__}.Query>>"
    assert freezer.freeze(Query().all) == f"<bound method Query.all of <class '{__name__}.Query'>>"
    assert freezer.freeze(MethodType(len, Query())) == (
        f"<bound method builtin_function_or_method of <{__name__}.Query>>"
    )
    assert Query.asked == []


def test_a_partial_shows_its_arguments_like_any_other_value(freezer: Freezer) -> None:
    assert freezer.freeze(functools.partial(dict, {"password": "x"}, file=Query)) == {
        "__class__": "functools.partial",
        "func": "<class 'dict'>",
        "args": [{"password": FILTERED}],
        "kwargs": {"file": f"<class '{__name__}.Query'>"},
    }


def test_what_holds_a_value_is_shown_without_the_repr_of_it(freezer: Freezer) -> None:
    variable: ContextVar[object] = ContextVar("request", default=Query())  # noqa: B039 - as some do
    record = logging.LogRecord("shop", logging.INFO, "shop.py", 1, {"password": "x"}, (), None)
    assert freezer.freeze([variable, variable.set(Query()), itertools.repeat(Query())]) == [
        "<ContextVar 'request'>",
        {"__class__": "_contextvars.Token", "var": "<ContextVar 'request'>"},
        "<itertools.repeat>",
    ]
    assert Query.asked == []
    shown = freezer.freeze(record)
    assert isinstance(shown, dict)
    assert shown["msg"] == {"password": FILTERED}


def test_a_shelf_is_not_read(freezer: Freezer, tmp_path: pathlib.Path) -> None:
    with shelve.open(str(tmp_path / "shelf")) as kept:
        kept["a"] = 1
        assert freezer.freeze(kept) == "<shelve.DbfilenameShelf>"


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
    names = {"a": True, "hidden": False, "masked": lambda _value: "***"}
    fields = tuple(SimpleNamespace(name=name, repr=shown) for name, shown in names.items())
    made: Any = type("Made", (), {"__attrs_attrs__": fields, "__module__": "shop"})()
    made.a, made.hidden, made.masked = 1, 2, "secret"
    assert freezer.freeze(made) == {"__class__": "shop.Made", "a": 1}


def test_a_struct_of_the_msgspec_package_is_shown_by_its_fields(freezer: Freezer) -> None:
    made: Any = type("Made", (), {"__struct_fields__": ("a", "token"), "__module__": "shop"})()
    made.a, made.token = list(range(1_000_000)), "x"
    shown = [*range(10), f"{OMITTED} 999990 more"]
    assert freezer.freeze(made) == {"__class__": "shop.Made", "a": shown, "token": FILTERED}


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


def test_that_a_text_is_long_is_no_fault_of_its_type(freezer: Freezer) -> None:
    class Safe(str):
        __slots__ = ()

    assert freezer.freeze(Safe("x" * 20_000_000)) == "x" * 1021 + "..."
    assert freezer.freeze(Safe("short")) == "short"


def test_a_repr_of_a_foreign_type_of_text_becomes_plain_text(freezer: Freezer) -> None:
    class Shown:
        def __repr__(self) -> str:
            return Word("a word")

    frozen = freezer.freeze(Shown())
    assert frozen == "a word"
    assert type(frozen) is str


def test_a_look_is_chosen_once_for_a_type() -> None:
    assert look_at(Colour.RED, 10) == look_at(Colour.RED, 10) == "<Colour.RED: 1>"
