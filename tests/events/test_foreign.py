"""What is known of types that nobody asked: their names, and facts that are kept as long as they live."""

from __future__ import annotations

import gc
from collections import deque
from typing import Any, NamedTuple

import pytest

from asyncsentry.events.foreign import IdentityCache, show_name, type_name, writes_much


class Word(str):
    __slots__ = ()


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


def a_tree(depth: int) -> Any:
    """Little in memory, and endless when it is written out."""
    wide: Any = {"a": "x"}
    for _ in range(depth):
        wide = (wide, [wide], {"a": wide}, frozenset(), deque([wide]))
    return wide


class Named(NamedTuple):
    members: object


@pytest.mark.parametrize(
    ("value", "much"),
    [
        *((5, False), ([], False), ([1] * 900, False), ([1] * 2000, True), ("x" * 10**6, True), (b"x" * 10**6, True)),
        *((a_tree(2), False), (a_tree(20), True), (Named(a_tree(20)), True), ({1: {2: {3: {4: 5}}}}, False)),
    ],
)
def test_what_would_write_out_very_much_of_itself_is_known_before(value: object, much: bool) -> None:
    assert writes_much(value) is much


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
