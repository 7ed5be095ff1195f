"""A bounded copy of anything: what an event shows of a value, and what that may cost."""

from __future__ import annotations

import gc
import json
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from asyncsentry.events.freezing import CIRCULAR, OMITTED, REQUEST, Freezer
from asyncsentry.events.guard import SLOW, STUCK
from asyncsentry.events.rules import Rules
from asyncsentry.events.scrubbing import FILTERED
from asyncsentry.json import encode


def strictly_parsed(value: object) -> object:
    """What a server reads: strict JSON, or a failure."""

    def refuse(constant: str) -> object:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(encode(value).decode("utf-8"), parse_constant=refuse)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("value", [None, True, False, 0, -5, 2**53, 1.5, -0.0, "", "text", "größe", [], {}])
def test_what_json_holds_stays_as_it_is(freezer: Freezer, value: object) -> None:
    frozen = freezer.freeze(value)
    assert frozen == value
    assert type(frozen) is type(value)


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "text", "größe", [], {}])
def test_what_json_holds_stays_as_it_is_in_containers(freezer: Freezer, value: object) -> None:
    assert freezer.freeze([value]) == [value]
    assert freezer.freeze({"a": value}) == {"a": value}


def test_t04_numbers_and_texts_that_json_cannot_hold_become_texts(freezer: Freezer) -> None:
    given = {"a": float("nan"), "b": float("inf"), "c": -float("inf"), "d": "\ud800", "e": [float("nan")]}
    frozen = freezer.freeze_mapping(given)
    assert strictly_parsed(frozen) == {"a": "nan", "b": "inf", "c": "-inf", "d": "?", "e": ["nan"]}


def test_an_integer_that_no_double_holds_exactly_is_shown_by_its_digits(freezer: Freezer) -> None:
    assert freezer.freeze(2**53 + 1) == "9007199254740993"
    assert freezer.freeze([-(2**60)]) == ["-1152921504606846976"]


def test_an_enormous_integer_is_shown_by_its_size(freezer: Freezer) -> None:
    # Its digits would take minutes, or be refused by the interpreter.
    assert freezer.freeze(1 << 10_000_000) == "<int of 10000001 bits>"


def test_a_long_text_is_cut(freezer: Freezer) -> None:
    frozen = freezer.freeze("x" * 100_000_000)
    assert frozen == "x" * 1021 + "..."


def test_a_text_within_its_limit_is_whole(freezer: Freezer) -> None:
    assert freezer.freeze("x" * 1024) == "x" * 1024


def test_a_container_shows_its_first_members_and_how_many_more_there_are(freezer: Freezer) -> None:
    assert freezer.freeze(list(range(1_000_000))) == [*range(10), f"{OMITTED} 999990 more"]
    shown = freezer.freeze(dict.fromkeys(range(12), 0))
    assert shown == {**{str(number): 0 for number in range(10)}, OMITTED: "2 more"}


def test_containers_within_containers_are_named_below_the_depth() -> None:
    nested: list[object] = []
    for _ in range(10_000):
        nested = [nested]
    frozen = Freezer(Rules(max_depth=3)).freeze(nested)
    assert frozen == [["<list of 1>"]]
    assert Freezer(Rules(max_depth=3)).freeze({"a": {"b": {"c": 1}}}) == {"a": {"b": "<dict of 1>"}}
    assert Freezer(Rules(max_depth=3)).freeze([[{}, (), {1}]]) == [[{}, [], "<set>"]]


def test_what_contains_itself_is_shown_once(freezer: Freezer) -> None:
    nested: dict[str, object] = {}
    nested["itself"] = nested
    assert freezer.freeze(nested) == {"itself": CIRCULAR}


def test_what_contains_itself_at_a_distance_is_shown_once(freezer: Freezer) -> None:
    first: list[object] = [1]
    second = {"first": first}
    first.append((second, "in between"))
    assert freezer.freeze_mapping({"a": first, "b": second}) == {
        "a": [1, [{"first": CIRCULAR}, "in between"]],
        "b": {"first": [1, [CIRCULAR, "in between"]]},
    }


def test_the_shallow_comes_first_to_the_budget() -> None:
    nested = {"deep": [[1, 2, 3], [4, 5, 6]], "shallow": [7, 8]}
    frozen = Freezer(Rules(max_values=8)).freeze_mapping({"nested": nested})
    assert frozen == {"nested": {"deep": [[1, 2, 3], "<list of 3>"], "shallow": [7, 8]}}


def test_a_foreign_object_that_contains_itself_is_shown_once(freezer: Freezer) -> None:
    node = SimpleNamespace()
    node.parent = node
    assert freezer.freeze(node) == {"__class__": "types.SimpleNamespace", "parent": "<types.SimpleNamespace>"}


def test_keys_may_be_anything(freezer: Freezer) -> None:
    given: dict[object, str] = {
        1: "a",
        None: "b",
        ("x", 2): "c",
        b"k": "d",
        "é\ud800": "e",
        "k" * 500: "f",
        frozenset(): "g",
        1.5: "h",
    }
    assert freezer.freeze(given) == {
        "1": "a",
        "None": "b",
        "('x', 2)": "c",
        "b'k'": "d",
        "é?": "e",
        "k" * 197 + "...": "f",
        "<frozenset>": "g",
        "1.5": "h",
    }


def test_an_enormous_key_is_cut(freezer: Freezer) -> None:
    (name,) = freezer.freeze_mapping({tuple(range(1_000_000)): 1})
    assert name == "(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, '... 999990 more')"


def test_secrets_are_filtered_by_the_names_they_stand_under_at_any_depth(freezer: Freezer) -> None:
    given = {"password": "x", "nested": [{"Api-Key": "x", "name": "n"}], b"token": 1, "größe": 1, "ä_secret": 1}
    assert freezer.freeze_mapping(given) == {
        "password": FILTERED,
        "nested": [{"Api-Key": FILTERED, "name": "n"}],
        "b'token'": FILTERED,
        "größe": 1,
        "ä_secret": FILTERED,
    }


def test_headers_as_pairs_are_filtered_too(freezer: Freezer) -> None:
    headers = [
        *((b"authorization", b"Bearer x"), ("cookie", "a=b"), (b"accept", b"text")),
        *((1, "x"), ("a", "b", "c"), ["cookie", "a=b"]),
    ]
    assert freezer.freeze(headers) == [
        ["b'authorization'", FILTERED],
        ["cookie", FILTERED],
        ["b'accept'", "b'text'"],
        [1, "x"],
        ["a", "b", "c"],
        ["cookie", "a=b"],
    ]


@pytest.mark.parametrize(
    "request_", [{"asgi": {}, "query_string": b"token=x"}, {"wsgi.input": None, "REMOTE_ADDR": "x"}]
)
def test_a_request_as_servers_tell_it_is_left_to_where_events_show_requests(
    freezer: Freezer, request_: dict[str, object]
) -> None:
    freezer.freeze_mapping(request_)  # so that its names have been met before
    assert freezer.freeze({"scope": request_, "held": [request_]}) == {"scope": REQUEST, "held": [REQUEST]}


@pytest.mark.parametrize("error", [OSError, SystemExit, KeyboardInterrupt])
def test_what_may_be_a_request_is_taken_for_one_if_its_key_will_not_say(
    freezer: Freezer, error: type[BaseException]
) -> None:
    class Silent:
        def __hash__(self) -> int:
            return hash("asgi")

        def __eq__(self, other: object) -> bool:
            raise error

    assert freezer.freeze({"held": {Silent(): 1}}) == {"held": REQUEST}
    assert freezer.interrupted is (error is KeyboardInterrupt)


def test_a_container_that_many_frames_share_is_frozen_once(freezer: Freezer) -> None:
    shared = {"a": [1, 2, 3]}
    first = freezer.freeze_mapping({"shared": shared})
    spent = freezer.weight
    assert freezer.freeze_mapping({"shared": shared}) == first
    assert freezer.weight - spent == 100


def test_a_mapping_shows_a_hundred_names() -> None:
    frozen = Freezer(Rules(max_names=3)).freeze_mapping(dict.fromkeys("abcde", 1))
    assert frozen == {"a": 1, "b": 1, "c": 1, OMITTED: "2 more"}


def test_a_mapping_of_any_type_is_frozen(freezer: Freezer) -> None:
    class Names(Mapping[str, int]):
        def __getitem__(self, name: str) -> int:
            return len(name)

        def __iter__(self) -> Iterator[str]:
            return iter(["a", "token"])

        def __len__(self) -> int:
            return 2

    assert freezer.freeze_mapping(Names()) == {"a": 1, "token": FILTERED}


def test_a_mapping_that_fails_shows_nothing(freezer: Freezer) -> None:
    class Broken(dict[str, int]):
        def items(self) -> Any:
            raise RuntimeError("no")

    assert freezer.freeze_mapping(Broken(a=1)) == {}


def test_once_the_budget_is_spent_containers_are_only_named() -> None:
    frozen = Freezer(Rules(max_values=10)).freeze_mapping({name: [1, 2, 3] for name in "abcd"})
    assert frozen == {"a": [1, 2, 3], "b": [1, 2, 3], "c": "<list of 3>", "d": "<list of 3>"}


def test_texts_are_shorter_where_the_budget_is_spent() -> None:
    texts = {f"a{row}": [f"{row} {number} " + "x" * 300 for number in range(10)] for row in range(10)}
    frozen: dict[str, Any] = Freezer(Rules(max_values=130)).freeze_mapping(texts)
    lengths = [len(text) for row in frozen.values() for text in row]
    assert lengths[:5] == [304] * 5
    assert lengths[-85:] == [100] * 85


def test_once_the_budget_is_spent_foreign_code_does_not_run() -> None:
    asked = []

    class Curious:
        def __repr__(self) -> str:
            asked.append(self)
            return "shown"

    assert Freezer(Rules(max_values=1)).freeze_mapping({"a": Curious()}) == {
        "a": f"<{__name__}.{Curious.__qualname__}>"
    }
    assert asked == []


def test_once_the_budget_is_spent_a_mapping_only_says_its_size() -> None:
    freezer = Freezer(Rules(max_values=5))
    freezer.freeze_mapping(dict.fromkeys("abcde", 1))
    assert freezer.freeze_mapping({"f": 1, "g": 2}) == {OMITTED: "2 more"}


def test_long_texts_cost_more_of_the_budget() -> None:
    freezer = Freezer(Rules(max_values=100))
    freezer.freeze_mapping({"a": "x" * 1000, "b": "y" * 100})
    assert freezer.weight == 100 * (2 + 1 + 10)


def test_what_others_made_counts_too(freezer: Freezer) -> None:
    freezer.spend(7)
    assert freezer.weight == 700
    freezer.weigh(50)
    assert freezer.weight == 750


@pytest.mark.parametrize("limit", [16, 99, 100, 101])
def test_a_limit_for_texts_holds_for_short_ones_too(limit: int) -> None:
    freezer = Freezer(Rules(max_value_length=limit))
    long, short = "x" * (limit + 1), "y" * limit
    cut = "x" * (limit - 3) + "..."
    assert freezer.freeze({"long": long, "list": [long, short], "short": short}) == {
        "long": cut,
        "list": [cut, short],
        "short": short,
    }


def test_a_frozen_value_keeps_none_of_the_program_s_objects_alive() -> None:
    class Thing:
        pass

    thing = Thing()
    gone = weakref.ref(thing)
    frozen = Freezer(Rules()).freeze({"thing": thing, "list": [thing]})
    del thing
    gc.collect()
    assert frozen
    assert gone() is None


def test_nothing_of_a_frozen_value_changes_with_the_original(freezer: Freezer) -> None:
    given: dict[str, Any] = {"list": [1, [2]], "dict": {"a": {}}}
    frozen = freezer.freeze(given)
    given["list"].append(3)
    given["dict"]["a"]["b"] = 1
    assert frozen == {"list": [1, [2]], "dict": {"a": {}}}


def test_a_text_is_made_of_little_of_what_is_endless(freezer: Freezer) -> None:
    endless: Any = ["x"] * 20
    for _ in range(20):
        endless = [endless] * 20
    assert freezer.text(endless, 10_000).startswith("[[[")
    assert freezer.text([1, (2, {3})]) == "[1, (2, {3})]"
    assert len(freezer.text(b"x" * 10**6, 10**6)) < 10_000


def test_a_text_is_made_of_anything(freezer: Freezer) -> None:
    class Text(str):
        __slots__ = ()

        def __str__(self) -> str:
            return self

    assert freezer.text(5) == "5"
    assert freezer.text("abcdef", 5) == "ab..."
    assert freezer.text(Text("sub\ud800")) == "sub?"
    assert type(freezer.text(Text("sub"))) is str


class Raising:
    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.asked = 0

    def __repr__(self) -> str:
        self.asked += 1
        raise self.error


def raising(error: BaseException) -> Raising:
    """An object of a type of its own, for what is learnt of a type is remembered."""
    return type("Stubborn", (Raising,), {"__module__": "shop"})(error)  # type: ignore[no-any-return]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), GeneratorExit(), KeyError("x")])
def test_a_value_that_cannot_be_shown_is_named_and_its_type_is_not_asked_again(
    freezer: Freezer, error: BaseException
) -> None:
    value = raising(error)
    assert freezer.freeze(value) == "<shop.Stubborn>"
    assert Freezer(Rules()).freeze(value) == "<shop.Stubborn>"
    assert value.asked == 1
    assert not freezer.interrupted


@pytest.mark.parametrize("error", [RecursionError(), MemoryError()])
def test_a_type_is_not_blamed_for_a_lack_of_room(freezer: Freezer, error: BaseException) -> None:
    value = raising(error)
    assert freezer.freeze(value) == "<shop.Stubborn>"
    assert Freezer(Rules()).freeze(value) == "<shop.Stubborn>"
    assert value.asked == 2


def test_a_type_is_not_blamed_at_once_for_what_another_thread_may_have_done() -> None:
    """As where it changes a mapping that is being looked through."""
    value = raising(RuntimeError("dictionary changed size during iteration"))
    for asked in (1, 2, 3, 3):
        assert Freezer(Rules()).freeze(value) == "<shop.Stubborn>"
        assert value.asked == asked


def test_an_interrupt_that_arrives_while_a_value_is_shown_is_left_pending(freezer: Freezer) -> None:
    value = raising(KeyboardInterrupt())
    assert freezer.freeze(value) == "<shop.Stubborn>"
    assert freezer.interrupted
    assert freezer.freeze("the rest") == "the rest"


def test_a_str_that_raises_gives_the_type_s_name(freezer: Freezer) -> None:
    class Mute:
        def __str__(self) -> str:
            raise OSError

    assert freezer.text(Mute()) == f"<{__name__}.{Mute.__qualname__}>"


def test_a_metaclass_has_no_say_in_what_is_a_number(freezer: Freezer) -> None:
    class Equal(type):
        __hash__ = type.__hash__

        def __eq__(cls, other: object) -> bool:
            raise OSError

    class Odd(metaclass=Equal):
        def __str__(self) -> str:
            return "odd"

    assert freezer.text(Odd()) == "odd"


def slow(clock: Clock, seconds: float) -> Any:
    def show(self: object) -> str:
        clock.now += seconds
        return "shown"

    return type("Slow", (), {"__repr__": show, "__module__": "shop"})()


def test_a_type_that_took_long_is_named_from_then_on() -> None:
    clock = Clock()
    value = slow(clock, 2 * SLOW)
    assert Freezer(Rules(), clock).freeze(value) == "shown"
    assert Freezer(Rules(), clock).freeze(value) == "<shop.Slow>"


def test_a_type_that_slept_twice_is_named_from_then_on() -> None:
    wall = Clock()
    value = slow(wall, 2 * STUCK)
    for _ in range(2):
        assert Freezer(Rules(), Clock(), wall).freeze([value, bytearray(b"after it")]) == ["shown", "<bytearray>"]
    assert Freezer(Rules(), Clock(), wall).freeze(value) == "<shop.Slow>"


def test_a_machine_that_was_busy_is_no_fault_of_a_type() -> None:
    wall = Clock()
    value = slow(wall, STUCK / 4)
    for _ in range(2):
        assert Freezer(Rules(), Clock(), wall).freeze([value, bytearray(b"after it")]) == [
            "shown",
            "bytearray(b'after it')",
        ]


def test_a_type_that_waited_three_times_is_named_from_then_on() -> None:
    wall = Clock()
    value = slow(wall, STUCK / 4)
    for _ in range(3):
        assert Freezer(Rules(), Clock(), wall).freeze(value) == "shown"
    assert Freezer(Rules(), Clock(), wall).freeze(value) == "<shop.Slow>"


def test_a_type_that_waited_once_for_long_and_once_not_is_asked_once_more() -> None:
    for first, second in ((2 * STUCK, 2 * SLOW), (2 * SLOW, 2 * STUCK)):
        wall = Clock()
        value = slow(wall, first)
        assert Freezer(Rules(), Clock(), wall).freeze(value) == "shown"
        type(value).__repr__ = type(slow(wall, second)).__repr__
        for _ in range(2):
            assert Freezer(Rules(), Clock(), wall).freeze(value) == "shown"
        assert Freezer(Rules(), Clock(), wall).freeze(value) == "<shop.Slow>"


def test_a_look_that_took_no_time_clears_its_type() -> None:
    for seconds, others in ((2 * STUCK, 1), (STUCK / 4, 2)):
        wall = Clock()
        value = slow(wall, seconds)
        for _ in range(3):
            for _ in range(others):
                assert Freezer(Rules(), Clock(), wall).freeze(value) == "shown"
            assert Freezer(Rules(), Clock(), Clock()).freeze(value) == "shown"


def test_a_type_that_was_quick_is_asked_again() -> None:
    clock = Clock()
    value = slow(clock, SLOW / 2)
    assert Freezer(Rules(), clock).freeze(value) == "shown"
    assert Freezer(Rules(), clock).freeze(value) == "shown"


def test_when_foreign_code_took_long_altogether_no_more_of_it_runs_for_this_event() -> None:
    clock = Clock()
    freezer = Freezer(Rules(), clock)
    values = [slow(clock, SLOW / 2) for _ in range(4)]
    assert freezer.freeze(values) == ["shown", "shown", "<shop.Slow>", "<shop.Slow>"]
    assert freezer.text(ValueError("x")) == "<ValueError>"
    assert freezer.freeze_mapping(SimpleMapping()) == {}
    assert [freezer.text(value) for value in (7, 1.5, True, None)] == ["7", "1.5", "True", "None"]


class SimpleMapping(Mapping[str, int]):
    def __getitem__(self, name: str) -> int:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_a_type_that_writes_at_great_length_is_named_from_then_on(freezer: Freezer) -> None:
    value = type("Wordy", (), {"__repr__": lambda _self: "x" * 5_000_000, "__module__": "shop"})()
    assert freezer.freeze(value) == "x" * 1021 + "..."
    assert Freezer(Rules()).freeze(value) == "<shop.Wordy>"


def test_one_object_is_asked_once_for_an_event(freezer: Freezer) -> None:
    asked = []

    class Request:
        def __repr__(self) -> str:
            asked.append(self)
            return "<Request>"

    request = Request()
    assert freezer.freeze([request, request, {"request": request}]) == [
        *("<Request>", "<Request>"),
        {"request": "<Request>"},
    ]
    assert len(asked) == 1


def test_a_hundred_thousand_values_cost_no_more_than_the_budget(freezer: Freezer) -> None:
    tree: dict[str, object] = {f"{number}": number for number in range(10)}
    for _ in range(4):
        tree = {f"{number}": dict(tree) for number in range(10)}
    frozen = freezer.freeze([tree, tree])
    assert len(json.dumps(frozen)) < 1024 * 1024


def test_a_container_that_another_thread_changes_is_still_frozen() -> None:
    shared: dict[int, int] = {}
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            shared[number] = number
            shared.pop(number - 5, None)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(300):
            assert isinstance(Freezer(Rules()).freeze({"shared": shared}), dict)
    finally:
        stop.set()
        changer.join()


def test_freezing_works_where_digits_are_limited() -> None:
    limit: Callable[[], int] | None = getattr(sys, "get_int_max_str_digits", None)
    huge = 10 ** (limit() + 1 if limit else 5000)
    frozen = Freezer(Rules()).freeze({huge: huge})
    assert isinstance(frozen, dict)
    assert all("int of" in str(part) for pair in frozen.items() for part in pair)
