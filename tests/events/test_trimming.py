"""An event that is too large loses what its reader misses least, and says so."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest

from asyncsentry.events.trimming import SHORTENED_NOTED, Trimming, trim
from asyncsentry.item import EVENT_LIMIT
from asyncsentry.json import encode

Event = dict[str, Any]


def frame(number: int, size: int) -> Event:
    lines = ["x" * (size // 10)] * 5
    return {
        "function": f"f{number}",
        "lineno": number + 1,
        "vars": {"a": "x" * size},
        "pre_context": lines,
        "context_line": "x",
        "post_context": lines,
    }


def event(frames: int = 1, size: int = 10, exceptions: int = 1, **more: Any) -> Event:
    stack = {"frames": [frame(number, size) for number in range(frames)]}
    values = [{"type": "E", "value": str(number), "stacktrace": stack} for number in range(exceptions)]
    return {"event_id": "a" * 32, "timestamp": 5.0, "exception": {"values": values}, **more}


def fits(given: Event) -> Event:
    """The trimmed event, which fits, is JSON, and leaves the given one as it was."""
    before = deepcopy(given)
    trimmed = trim(given)
    assert given == before
    assert len(encode(trimmed)) <= EVENT_LIMIT
    return trimmed


def frames_of(trimmed: Event, index: int = 0) -> list[Event]:
    frames: list[Event] = trimmed["exception"]["values"][index]["stacktrace"]["frames"]
    return frames


def test_an_event_that_fits_is_left_alone() -> None:
    given = event()
    assert trim(given) is given


def test_it_can_be_cut_bit_by_bit() -> None:
    given = event(frames=300, size=6000)
    trimming, steps = Trimming(given), 0
    while trimming.step():
        steps += 1
        assert Trimming(given)() == trimming(), "whoever cannot wait gets the same"
    assert steps > 3
    assert trimming() is trimming()
    assert trimming() == trim(given)
    assert not trimming.step()


def test_one_enormous_text_is_cut_and_nothing_else_is_lost() -> None:
    trimmed = fits(event(extra={"large": "x" * 2_000_000, "small": "y"}, breadcrumbs={"values": [{"message": "m"}]}))
    assert len(trimmed["extra"]["large"]) == 16 * 1024
    assert trimmed["extra"]["small"] == "y"
    assert "vars" in frames_of(trimmed)[0]
    assert trimmed["_meta"] == {"extra": {"large": {"": {"rem": [["!limit", "s"]], "len": 2_000_000}}}}


def test_what_is_cut_twice_is_noted_as_it_was_at_first() -> None:
    values = [{"type": "E", "stacktrace": {"frames": [frame(1, 10)]}} for _ in range(60)]
    trimmed = fits({**event(message="x" * 20_000, more=["y" * 3000] * 2000), "exception": {"values": values}})
    assert len(trimmed["message"]) == 128
    assert trimmed["_meta"]["message"] == {"": {"rem": [["!limit", "s"]], "len": 20_000}}
    assert len(trimmed["exception"]["values"]) == 10
    assert trimmed["_meta"]["exception"]["values"][""]["len"] == 60


def test_so_many_texts_that_are_cut_are_not_all_noted() -> None:
    trimmed = fits(event(extra={str(number): "x" * 20_000 for number in range(60)}, message="y" * 20_000))
    assert len(trimmed["_meta"]["extra"]) == 60
    trimmed = fits(event(request={"data": ["x" * 17_000] * 62 + ["y" * 16] * 10}))
    assert len(trimmed["_meta"]["request"]["data"]) == 62
    odd = fits({"event_id": "a" * 32, "mine": ["x" * 1100] * 5000})
    assert len(odd["_meta"]["mine"]) == SHORTENED_NOTED


@pytest.mark.parametrize("name", ["tags", "fingerprint"])
def test_very_many_tags_go_before_anything_of_the_stack(name: str) -> None:
    many = {f"t{number}": "x" * 200 for number in range(6000)}
    trimmed = fits({**event(), name: many if name == "tags" else list(many.values())})
    assert len(trimmed[name]) == (200 if name == "tags" else 50)
    assert trimmed["_meta"][name][""] == {"rem": [["!limit", "x"]], "len": 6000}
    assert "vars" in frames_of(trimmed)[0]


def test_a_few_tags_stay_whatever_else_is_too_many() -> None:
    few = {"table": "7", "city": "Lisbon"}
    trimmed = fits(event(frames=300, size=9000, tags=few, fingerprint=["till"]))
    assert (trimmed["tags"], trimmed["fingerprint"]) == (few, ["till"])
    assert not {"tags", "fingerprint"} & set(trimmed["_meta"])


def test_a_user_goes_at_last() -> None:
    trimmed = fits(event(user={"id": "7", **{str(n): "x" * 20 for n in range(60_000)}}))
    assert "user" not in trimmed
    assert frames_of(trimmed)


def test_the_variables_go_first_from_the_middle_of_the_stack() -> None:
    trimmed = fits(event(frames=100, size=6000))
    frames = frames_of(trimmed)
    assert [number for number, one in enumerate(frames) if "vars" in one] == [*range(25), *range(75, 100)]
    notes = trimmed["_meta"]["exception"]["values"]["0"]["stacktrace"]["frames"]
    assert notes["50"] == {"vars": {"": {"rem": [["!limit", "x"]], "len": 1}}}
    assert set(notes) == {str(number) for number in range(25, 75)}
    assert "pre_context" in frames[50]


def test_then_the_source_in_the_middle_then_all_but_where_it_failed() -> None:
    inner = frames_of(fits(event(frames=100, size=9000)))
    assert "pre_context" not in inner[50]
    assert "pre_context" in inner[0]
    every = frames_of(fits(event(frames=50, size=60_000)))
    for name in ("vars", "pre_context"):
        assert [number for number, one in enumerate(every) if name in one] == [*range(40, 50)]


def test_before_variables_go_their_texts_are_cut_shorter() -> None:
    trimmed = fits(event(frames=50, size=15_000))
    frames = frames_of(trimmed)
    assert {len(one["vars"]["a"]) for one in frames} == {1024}
    assert all(len(one["pre_context"][0]) == 1500 for one in frames)
    notes = trimmed["_meta"]["exception"]["values"]["0"]["stacktrace"]["frames"]
    assert notes["7"] == {"vars": {"a": {"": {"rem": [["!limit", "s"]], "len": 15_000}}}}
    large = event(frames=50, size=10, message="x" * 1000)
    for one in frames_of(large):
        one["vars"] = wide(150_000)
    frames = frames_of(trimmed := fits(large))
    assert [number for number, one in enumerate(frames) if "vars" in one] == [*range(40, 50)]
    assert {len(text) for one in frames[40:] for text in one["vars"].values()} == {256}
    assert trimmed["message"] == "x" * 1000


def test_what_is_hidden_in_a_text_that_is_cut_is_remarked_as_long_as_it_is_there() -> None:
    given = event(frames=50, size=30_000)
    meta: Event = {"rem": [["@password:filter", "s", 9, 19], ["@password:filter", "s", 20_000, 20_010]], "len": 30_100}
    frames = {str(number): {"vars": {"a": {"": meta}}} for number in range(50)}
    given["_meta"] = {"exception": {"values": {"0": {"stacktrace": {"frames": frames}}}}}
    notes = fits(given)["_meta"]["exception"]["values"]["0"]["stacktrace"]["frames"]
    assert notes["49"]["vars"]["a"][""] == {"rem": [["@password:filter", "s", 9, 19], ["!limit", "s"]], "len": 30_100}


@pytest.mark.parametrize("odd", [1, "abcd", ["r", "s", 0, None], ["r", "s", 0, "9"], {"a": 1, "b": 2, "c": 3, "d": 4}])
def test_remarks_of_any_shape_are_no_hindrance(odd: object) -> None:
    given = event(message="x" * (EVENT_LIMIT + 1), _meta={"message": {"": {"rem": [odd]}}})
    assert fits(given)["_meta"]["message"][""]["rem"] == [["!limit", "s"]]


def test_of_many_texts_those_are_noted_that_were_cut_where_it_failed() -> None:
    given = event(frames=30, size=10)
    for one in frames_of(given):
        one["vars"] = {str(number): "x" * 4000 for number in range(10)}
    notes = fits(given)["_meta"]["exception"]["values"]["0"]["stacktrace"]["frames"]
    assert set(notes) == {str(number) for number in range(20, 30)}


def test_the_variables_where_it_failed_go_last() -> None:
    large = event(frames=50, size=10)
    for one in frames_of(large):
        one["vars"] = wide(24_000)
    frames = frames_of(fits(large))
    assert [number for number, one in enumerate(frames) if "vars" in one] == [*range(40, 50)]
    assert all("pre_context" in one for one in frames)
    for one in frames_of(large):
        one["vars"] = wide(500_000)
    frames = frames_of(fits(large))
    assert [number for number, one in enumerate(frames) if "vars" in one] == [47, 48, 49]
    for one in frames:
        one["vars"] = wide(1_500_000)
    frames = frames_of(fits({**large, "exception": {"values": [{"type": "E", "stacktrace": {"frames": frames}}]}}))
    assert [number for number, one in enumerate(frames) if "vars" in one] == [49]


def test_then_all_source_but_the_frames_own_lines() -> None:
    frames = frames_of(fits(event(frames=50, size=200_000, exceptions=3)))
    assert not any("pre_context" in one or "post_context" in one for one in frames)
    assert all("context_line" in one for one in frames)


def wide(size: int) -> Event:
    return {str(number): "x" * 1000 for number in range(size // 1000)}


def test_then_extra_then_breadcrumbs_then_contexts() -> None:
    trimmed = fits(event(extra=wide(EVENT_LIMIT)))
    assert "extra" not in trimmed
    assert trimmed["_meta"]["extra"][""]["len"] > EVENT_LIMIT
    crumbs = [{"message": "x" * 16_000, "category": str(number)} for number in range(100)]
    trimmed = fits(event(breadcrumbs={"values": crumbs}))
    assert [crumb["category"] for crumb in trimmed["breadcrumbs"]["values"]] == [str(n) for n in range(80, 100)]
    assert trimmed["_meta"]["breadcrumbs"]["values"][""]["len"] == 100
    trimmed = fits(event(contexts={"mine": wide(EVENT_LIMIT), "trace": {"trace_id": "b" * 32}}))
    assert trimmed["contexts"] == {"trace": {"trace_id": "b" * 32}}
    assert "" in trimmed["_meta"]["contexts"]["mine"]


@pytest.mark.parametrize("name", ["extra", "breadcrumbs", "contexts", "modules", "request"])
def test_what_alone_is_too_large_takes_nothing_else_with_it(name: str) -> None:
    rest = {"extra": {"a": 1}, "contexts": {"mine": {"a": 1}}, "breadcrumbs": {"values": [{"message": "m"}]}}
    large = {"mine": wide(EVENT_LIMIT), "values": wide(EVENT_LIMIT)}
    trimmed = fits(
        {**event(frames=100, size=3000), **rest, "request": {"url": "u"}, "modules": {"a": "1"}, name: large}
    )
    assert all("vars" in one for one in frames_of(trimmed))
    assert set(trimmed["_meta"]) == {name}
    assert {*rest, "request", "modules"} - trimmed.keys() == ({name} if name != "contexts" else set())


@pytest.mark.parametrize("name", ["breadcrumbs", "modules", "request", "threads"])
def test_then_whatever_else_is_large(name: str) -> None:
    trimmed = fits({**event(), name: {"values": wide(EVENT_LIMIT)}})
    assert name not in trimmed
    assert "exception" in trimmed


def test_the_frames_that_relay_keeps_are_kept() -> None:
    frames = frames_of(fits(event(frames=2000, size=1000)))
    assert [one["lineno"] for one in frames] == [*range(1, 51), *range(1801, 2001)]


def test_the_frames_themselves_go_last() -> None:
    trimmed = fits(event(frames=100, size=20, exceptions=70))
    assert len(trimmed["exception"]["values"]) == 50
    assert trimmed["exception"]["values"][-1]["value"] == "69"
    assert trimmed["_meta"]["exception"]["values"][""]["len"] == 70
    trimmed = fits(event(frames=250, size=10, exceptions=50))
    assert len(trimmed["exception"]["values"]) == 10
    assert len(frames_of(trimmed)) == 250
    large = event(frames=250, exceptions=10)
    for one in frames_of(large):
        one.update(wide(6000))
    assert len(frames_of(fits(large))) == 50


def test_notes_on_what_is_gone_are_gone_too() -> None:
    given = event(frames=260, size=20_000)
    given["_meta"] = {"exception": {"values": {"0": {"stacktrace": {"frames": {"7": {"": {"len": 5}}}}}}}}
    notes = fits(given)["_meta"]["exception"]["values"]["0"]["stacktrace"]["frames"]
    assert notes[""] == {"rem": [["!limit", "x"]], "len": 260}
    without = {name for name, note in notes.items() if "vars" in note and "" in note["vars"]}
    assert without == {str(number) for number in range(240)}


def test_a_stack_of_a_thread_is_cut_too() -> None:
    threads = {"values": [{"id": "1", "stacktrace": {"frames": [frame(number, 15_000) for number in range(100)]}}]}
    trimmed = fits(event(threads=threads))
    assert "vars" not in trimmed["threads"]["values"][0]["stacktrace"]["frames"][50]


@pytest.mark.parametrize(
    "odd",
    [
        {"exception": [1, 2], "threads": {"values": 5}, "contexts": [], "breadcrumbs": "x"},
        {"exception": {"values": [5, {"stacktrace": 5}, {"stacktrace": {"frames": 5}}]}, "threads": 5},
        {"exception": {"values": [{"stacktrace": {"frames": [5, {"vars": None}, {"vars": {}}]}}]}},
    ],
)
def test_an_event_of_an_odd_shape_is_cut_without_harm(odd: Event) -> None:
    assert fits({"event_id": "a" * 32, **odd, "extra": wide(2 * EVENT_LIMIT)})["event_id"] == "a" * 32


def test_what_cannot_be_cut_is_told_of() -> None:
    large = {"level": "error", "release": "r" * 500, **wide(20_000_000)}
    trimmed = fits(event(**large))
    assert trimmed == {
        "event_id": "a" * 32,
        "timestamp": 5.0,
        "level": "error",
        "release": "r" * 125 + "...",
        "exception": {"values": [{"type": "E", "value": "0"}]},
        "logentry": {"formatted": "This event was too large to be sent, and could not be cut to a size that is."},
    }
    assert json.dumps(trimmed)
    assert "exception" not in fits({"event_id": "a" * 32, **wide(20_000_000)})


def test_the_limit_can_be_another() -> None:
    assert len(encode(trim(event(frames=20, size=100), limit=10_000))) <= 10_000


def test_of_a_long_chain_something_is_left_within_the_least_limit_that_can_be_chosen() -> None:
    given = event(frames=100, size=1000, exceptions=50)
    for one in frames_of(given):
        one |= {"filename": "f" * 200, "abs_path": "a" * 200, "function": "f" * 200, "module": "m" * 200}
    trimmed: Event = trim(given, limit=16 * 1024)
    assert len(encode(trimmed)) <= 16 * 1024
    assert [raised["value"] for raised in trimmed["exception"]["values"]] == ["47", "48", "49"]
    assert [one["lineno"] for one in frames_of(trimmed, 2)] == [98, 99, 100]


def test_what_cannot_be_cut_is_told_of_within_the_least_limit_that_can_be_chosen() -> None:
    texts = dict.fromkeys(("platform", "level", "release", "environment", "logger"), "\x00" * 10_000)
    raised: Event = {"values": [{"type": "\x00" * 10_000, "value": "\x00" * 10_000}]}
    trimmed = trim({**event(), **texts, "exception": raised, **wide(20_000_000)}, limit=16 * 1024)
    assert "logentry" in trimmed
    assert len(encode(trimmed)) <= 16 * 1024
