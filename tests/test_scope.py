"""A scope: what is set on it, laid over another, and what it makes of nonsense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from asyncsentry.item import Attachment
from asyncsentry.scope import ATTACHMENT_LIMIT, MAX_BREADCRUMBS, Scope


def full_scope() -> Scope:
    scope = Scope()
    scope.set_tag("a", 1)
    scope.set_extra("b", 2)
    scope.set_context("c", {"d": 3})
    scope.set_user({"id": 4})
    scope.set_level("warning")
    scope.set_fingerprint(["e"])
    scope.set_transaction_name("f")
    scope.add_breadcrumb(message="g")
    scope.add_attachment(b"h", filename="h.txt", content_type="text/plain")
    return scope


def held(scope: Scope) -> dict[str, Any]:
    left_out = {"ended", "breadcrumbs", "describe"}
    values = {name: getattr(scope, name) for name in Scope.__slots__ if name[0] != "_" and name not in left_out}
    lists = {"trace": scope.trace, "attachments": scope.attachments}
    return {**values, **lists, "messages": [crumb["message"] for crumb in scope.breadcrumbs]}


def test_a_scope_holds_what_was_set() -> None:
    assert held(full_scope()) == {
        "tags": {"a": 1},
        "extras": {"b": 2},
        "contexts": {"c": {"d": 3}},
        "user": {"id": 4},
        "level": "warning",
        "fingerprint": ["e"],
        "transaction": "f",
        "trace": None,
        "last_event_id": None,
        "attachments": (Attachment(b"h", "h.txt", "text/plain"),),
        "messages": ["g"],
    }


def test_a_fork_begins_with_the_same_and_goes_its_own_way() -> None:
    scope = full_scope()
    scope.trace_ids()
    fork = scope.fork()
    assert held(fork) == held(scope)
    before = held(scope)
    fork.set_tags({"a": 0, "z": 0})
    fork.set_extras({"b": 0})
    fork.set_context("c", {"d": 0})
    fork.set_user(None)
    fork.add_breadcrumb(message="later")
    fork.add_attachment(b"", filename="empty")
    assert held(scope) == before
    assert fork.tags == {"a": 0, "z": 0}


def test_a_scope_can_forget_everything() -> None:
    scope = full_scope()
    scope.clear()
    assert held(scope) == held(Scope())


def test_what_is_laid_over_a_scope_wins_name_by_name() -> None:
    below, above = full_scope(), Scope()
    above.set_tag("z", 26)
    above.set_tag("a", 10)
    above.set_user({"id": 40})
    above.set_level("fatal")
    above.set_fingerprint(["own"])
    above.set_transaction_name("own")
    above.add_breadcrumb(message="after")
    above.trace_ids()
    below.update(above)
    assert below.tags == {"a": 10, "z": 26}
    assert below.extras == {"b": 2}
    assert (below.user, below.level, below.fingerprint, below.transaction) == ({"id": 40}, "fatal", ["own"], "own")
    assert [crumb["message"] for crumb in below.breadcrumbs] == ["g", "after"]
    assert below.trace == above.trace


def test_an_empty_scope_laid_over_another_changes_nothing() -> None:
    scope = full_scope()
    scope.update(Scope())
    assert held(scope) == held(full_scope())


def test_what_was_given_can_change_afterwards() -> None:
    scope, user, numbers = Scope(), {"id": 1}, ["x"]
    context: dict[str, Any] = {"n": 1}
    scope.set_user(user)
    scope.set_context("c", context)
    scope.set_fingerprint(numbers)
    user["id"] = 2
    context["n"] = 2
    numbers.append("y")
    assert (scope.user, scope.contexts, scope.fingerprint) == ({"id": 1}, {"c": {"n": 1}}, ["x"])


def test_several_things_are_set_at_once() -> None:
    scope = Scope()
    scope.apply(
        {
            "tags": {"a": 1},
            "extras": {"b": 2},
            "contexts": {"c": {"d": 3}},
            "user": {"id": 4},
            "level": "warning",
            "fingerprint": ["e"],
        }
    )
    not_so_set: dict[str, Any] = {"transaction": None, "attachments": (), "messages": []}
    expected = held(full_scope()) | not_so_set
    assert held(scope) == expected
    scope.apply({})
    assert held(scope) == expected


def test_a_trace_has_one_pair_of_ids() -> None:
    scope = Scope()
    trace_id, span_id = scope.trace_ids()
    assert (len(bytes.fromhex(trace_id)), len(bytes.fromhex(span_id))) == (16, 8)
    assert scope.trace_ids() == (trace_id, span_id)
    assert Scope().trace_ids() != (trace_id, span_id)


def test_a_breadcrumb_is_plain_data_at_once() -> None:
    scope, data = Scope(), {"list": [object]}
    scope.add_breadcrumb({"message": "m", "data": data}, category="c")
    data.clear()
    (crumb,) = scope.breadcrumbs
    assert (crumb["message"], crumb["category"], crumb["level"]) == ("m", "c", "info")
    assert isinstance(crumb["timestamp"], float)
    assert crumb["data"]["list"] != []


def test_a_scope_keeps_a_bounded_number_of_breadcrumbs() -> None:
    scope = Scope()
    for number in range(MAX_BREADCRUMBS + 1):
        scope.add_breadcrumb(message=str(number))
    assert len(scope.breadcrumbs) == MAX_BREADCRUMBS
    assert scope.breadcrumbs[0]["message"] == "1"


def test_an_attachment_whose_memory_is_gone_is_none() -> None:
    scope, gone = Scope(), memoryview(b"abc")
    gone.release()
    scope.add_attachment(gone, filename="gone")
    assert scope.attachments == ()


def test_an_attachment_is_a_copy_of_bytes_of_any_kind() -> None:
    scope, changing = Scope(), bytearray(b"ab")
    scope.add_attachment(changing, filename="C:\\logs/last\\a.log")
    scope.add_attachment(memoryview(b"xyz")[::2], filename="b\udc80.bin")
    changing.clear()
    assert [(each.data, each.filename) for each in scope.attachments] == [(b"ab", "a.log"), (b"xz", "b?.bin")]
    assert scope.attachments[0].content_type == "application/octet-stream"


class Hostile:
    """Not hashable, not iterable, neither true nor false."""

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise RuntimeError

    def keys(self) -> Any:
        raise RuntimeError


@pytest.mark.parametrize("nonsense", [5, "text", object(), Hostile(), [1, 2], {"": Hostile()}, None, b"\xff"])
@pytest.mark.parametrize(
    "set_it",
    [
        lambda scope, value: scope.set_tag(value, value),
        lambda scope, value: scope.set_tags(value),
        lambda scope, value: scope.set_extra(value, value),
        lambda scope, value: scope.set_extras(value),
        lambda scope, value: scope.set_context(value, value),
        lambda scope, value: scope.set_user(value),
        lambda scope, value: scope.set_level(value),
        lambda scope, value: scope.set_fingerprint(value),
        lambda scope, value: scope.set_transaction_name(value),
        lambda scope, value: scope.add_breadcrumb(value),
        lambda scope, value: scope.add_breadcrumb(message=value, level=value, data=value, timestamp=value),
        lambda scope, value: scope.add_attachment(value, filename=value),
        lambda scope, value: scope.add_attachment(b"", filename="a", content_type=value),
        lambda scope, value: scope.apply(dict.fromkeys(("tags", "extras", "user", "contexts", "level"), value)),
    ],
)
def test_nonsense_raises_nothing_and_leaves_a_scope_that_works(
    set_it: Callable[[Scope, Any], None], nonsense: Any
) -> None:
    scope = full_scope()
    set_it(scope, nonsense)
    fork = scope.fork()
    fork.set_tag("works", "still")
    assert fork.tags["works"] == "still"


def test_a_fingerprint_given_as_one_text_is_one_part() -> None:
    scope = Scope()
    scope.set_fingerprint("database")
    assert scope.fingerprint == ["database"]
    scope.set_fingerprint(None)
    assert scope.fingerprint is None


def test_an_attachment_that_no_server_takes_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    scope = Scope()
    scope.add_attachment(bytes(ATTACHMENT_LIMIT), filename="large")
    scope.add_attachment(bytes(ATTACHMENT_LIMIT + 1), filename="too large")
    assert [each.filename for each in scope.attachments] == ["large"]
    assert "no attachment" in caplog.text
