"""Whatever a hook put into an event, it can be sent, and what was plain is whole."""

from __future__ import annotations

import datetime
import enum
import json
from collections import OrderedDict, namedtuple
from copy import deepcopy
from typing import Any

import pytest

from asyncsentry.events.freezing import CIRCULAR
from asyncsentry.events.packing import keep
from asyncsentry.events.plain import DEPTH_LIMIT, own, plain, unfold

Two = namedtuple("Two", "a b")


def test_what_was_plain_is_not_cut() -> None:
    event = {
        "text": "x" * 100_000,
        "list": list(range(5000)),
        "dict": {str(number): None for number in range(5000)},
        "deep": [[[[[[[[[[[1]]]]]]]]]]],
        "token": "kept",
        "number": 2**62,
        "float": 1.5,
        "größe": True,
    }
    copy = plain(event)
    assert copy == event
    assert copy is not event


def test_t05_what_is_not_plain_is_replaced() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    event: dict[Any, Any] = {
        "bytes": b"x",
        "set": {1},
        "date": datetime.date(2026, 1, 2),
        "broken": Broken(),
        "nan": float("nan"),
        "huge": 2**70,
        "surrogate": "\ud800",
        "tuple": (1, 2),
        5: "five",
    }
    event["itself"] = event
    copy = plain(event)
    assert copy == {
        "bytes": "b'x'",
        "set": [1],
        "date": "2026-01-02",
        "broken": f"<{__name__}.{Broken.__qualname__}>",
        "nan": "nan",
        "huge": str(2**70),
        "surrogate": "?",
        "tuple": [1, 2],
        "5": "five",
        "itself": CIRCULAR,
    }
    assert json.dumps(copy, allow_nan=False)


def test_a_list_that_contains_itself_is_shown_once_but_one_in_two_places_twice() -> None:
    ring: list[Any] = []
    ring.append(ring)
    shared = [1]
    assert plain([ring, shared, shared]) == [[CIRCULAR], [1], [1]]


def test_what_json_takes_for_plain_is_plain() -> None:
    class Level(str, enum.Enum):
        ERROR = "error"

    class Number(enum.IntEnum):
        FIVE = 5

    class Price(float):
        pass

    copy = plain([Level.ERROR, Number.FIVE, Price(1.5), OrderedDict(a=1), Two(1, 2), {Level.ERROR: 1}])
    assert copy == ["error", 5, 1.5, {"a": 1}, [1, 2], {"error": 1}]
    assert json.dumps(copy) == '["error", 5, 1.5, {"a": 1}, [1, 2], {"error": 1}]'


@pytest.mark.parametrize("wrap", [lambda value: [value], lambda value: {"a": value}, lambda value: (value,)])
def test_what_is_nested_deeper_than_servers_read_is_named(wrap: Any) -> None:
    nested: object = 1
    for _ in range(100_000):
        nested = wrap(nested)
    depth = 0
    copy: Any = plain(nested)
    while not isinstance(copy, str):
        copy = copy["a"] if isinstance(copy, dict) else copy[0]
        depth += 1
    assert depth == DEPTH_LIMIT
    assert copy in ("<list>", "<dict>", "<tuple>")


PLAIN: dict[str, Any] = {"text": "größe", "list": [1, -(2**63 - 1), [], {}], "dict": {"a": [None, True, 1.5, 1e300]}}


def test_what_is_plain_is_kept_as_it_was() -> None:
    given = deepcopy(PLAIN)
    kept = keep(given)
    given["list"].append("later")
    assert kept is not None
    assert unfold(kept) == PLAIN


def nested(depth: int) -> dict[str, Any]:
    inner: list[Any] = []
    for _ in range(depth - 2):
        inner = [inner]
    return {"deep": inner}


once: dict[str, Any] = {"list": []}
once["list"].append(once)
twice: list[Any] = []
twice += [twice, twice]


@pytest.mark.parametrize(
    "odd",
    [
        *[{"list": [[member]]} for member in (b"x", (1,), {1}, float("nan"), -float("inf"), 2**63, {5: 1})],
        nested(DEPTH_LIMIT),
        nested(DEPTH_LIMIT + 1),
        once,
        {"twice": twice},
    ],
)
def test_what_json_cannot_hold_is_kept_and_replaced_later(odd: dict[str, Any]) -> None:
    kept = keep(odd)
    assert kept is not None
    assert unfold(kept) == plain(odd)
    assert json.dumps(unfold(kept), allow_nan=False)


class Heir(dict[str, Any]):
    pass


class Level(enum.IntEnum):
    LOW = 1


@pytest.mark.parametrize("member", [Heir(), [Two(1, 2)], Level.LOW, object(), nested(100_000)], ids=type)
def test_what_is_not_the_interpreter_s_own_is_not_kept(member: object) -> None:
    assert keep({"list": [[member]]}) is None


def test_a_copy_is_its_holder_s_own() -> None:
    copy = own(PLAIN)
    assert copy == PLAIN
    copy["list"].append(1)
    copy["dict"]["a"].append(1)
    assert PLAIN["list"] == [1, -(2**63 - 1), [], {}]
    assert PLAIN["dict"] == {"a": [None, True, 1.5, 1e300]}
    assert own({"level": Level.LOW}) == {"level": 1}
