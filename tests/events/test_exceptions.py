"""Exceptions: chains, groups, and whatever else may be raised.

The rules are those of https://develop.sentry.dev/sdk/telemetry/errors/ and of Sentry's RFC 79 on exception groups.
"""

from __future__ import annotations

import errno
import gc
import weakref
from typing import Any

import pytest

from asyncsentry.events.collection import OFF, DataCollection
from asyncsentry.events.exceptions import ARGUMENTS_LIMIT, COUNT_LIMIT, NOTES_LIMIT, Exceptions, Mechanism
from asyncsentry.events.frames import PlainCall
from asyncsentry.events.freezing import OMITTED, Freezer
from asyncsentry.events.rules import MESSAGE_LIMIT, Rules
from events.raising import BaseExceptionGroup, ExceptionGroup, Shop, caught, fail

Value = dict[str, Any]


def values_of(error: BaseException, mechanism: Mechanism | None = None, **rules: Any) -> list[Value]:
    freezer = Freezer(Rules(**rules), float, float)  # on a busy machine time goes by for nothing
    values = Exceptions(error, mechanism or Mechanism(), freezer).with_stacks()
    for gap in freezer.gaps:
        gap.find_out()
        gap.fill()
    return values


def value_of(error: BaseException, **rules: Any) -> Value:
    (value,) = values_of(error, **rules)
    return value


def raise_chain(length: int) -> None:
    """The last of so many exceptions, each raised while the one before it was handled."""
    try:
        if length > 1:
            raise_chain(length - 1)
    finally:
        raise ValueError(length)


def links_of(values: list[Value]) -> list[tuple[object, ...]]:
    """What is said of each: its text, number, parent and source."""
    return [
        (
            value.get("value", value["type"]),
            value["mechanism"].get("exception_id"),
            value["mechanism"].get("parent_id"),
            value["mechanism"].get("source"),
        )
        for value in values
    ]


class Silent(type):
    """A class that tells nothing of itself."""

    def __getattribute__(cls, name: str) -> Any:
        raise SystemExit(name)


def test_the_class_of_an_exception_is_not_asked() -> None:
    kind: Any = Silent("Wrong", (ValueError,), {})
    value = value_of(kind("boom"))
    assert (value["type"], value["value"]) == ("Wrong", "boom")


def test_a_key_that_was_not_found_is_shown_within_bounds() -> None:
    wide: Any = ["x"] * 20
    for _ in range(20):
        wide = [wide] * 20
    assert value_of(KeyError("a"))["value"] == "'a'"
    assert value_of(KeyError((1, 2)))["value"] == str(KeyError((1, 2)))
    assert len(value_of(KeyError(wide))["value"]) <= MESSAGE_LIMIT


def test_one_exception_says_what_where_and_how() -> None:
    value = value_of(caught(fail))
    frames = value.pop("stacktrace")["frames"]
    assert value == {"type": "ValueError", "value": "boom", "mechanism": {"type": "generic", "handled": True}}
    assert frames[-1]["function"] == "fail"


def test_t26_a_chain_has_its_oldest_cause_first_and_all_are_numbered_from_the_last() -> None:
    def chain() -> None:
        try:
            try:
                raise ValueError("A")
            except ValueError as a:
                raise KeyError("B") from a
        except KeyError as b:
            raise RuntimeError("C") from b

    values = values_of(caught(chain))
    assert links_of(values) == [
        ("A", 2, 1, "__cause__"),
        ("'B'", 1, 0, "__cause__"),
        ("C", 0, None, None),
    ]
    assert [value["mechanism"]["type"] for value in values] == ["chained", "chained", "generic"]
    assert ["handled" in value["mechanism"] for value in values] == [False, False, True]
    assert all(value["stacktrace"]["frames"] for value in values)


def test_what_was_being_handled_is_the_context() -> None:
    assert links_of(values_of(caught(raise_chain, 2))) == [("1", 1, 0, "__context__"), ("2", 0, None, None)]


def test_a_suppressed_context_is_not_shown() -> None:
    def suppress() -> None:
        try:
            fail("hidden")
        except ValueError:
            raise KeyError("shown") from None

    assert links_of(values_of(caught(suppress))) == [("'shown'", None, None, None)]


def test_t28_a_hook_s_mechanism_is_that_of_the_last_alone() -> None:
    mechanism = Mechanism("excepthook", handled=False, data={"thread": "main", "count": 2})
    values = values_of(caught(raise_chain, 2), mechanism)
    assert values[0]["mechanism"]["type"] == "chained"
    assert values[1]["mechanism"] == {
        "type": "excepthook",
        "handled": False,
        "data": {"thread": "main", "count": 2},
        "exception_id": 0,
    }


def test_a_mechanism_may_say_more() -> None:
    mechanism = Mechanism(synthetic=True, description="why", help_link="https://example.com")
    (value,) = values_of(ValueError("x"), mechanism)
    assert value["mechanism"] == {
        "type": "generic",
        "handled": True,
        "synthetic": True,
        "description": "why",
        "help_link": "https://example.com",
    }


def test_t27_an_exception_group_is_numbered_as_rfc_79_prints_it() -> None:
    def grouped() -> None:
        try:
            raise RuntimeError("something")
        except RuntimeError:
            raise ExceptionGroup(  # noqa: B904  # the context is what is looked at
                "nested",
                [
                    ValueError(654),
                    ExceptionGroup("imports", [ImportError("no_such_module"), ModuleNotFoundError("another_module")]),
                    TypeError("int"),
                ],
            )

    values = values_of(caught(grouped))
    assert links_of(values) == [
        ("int", 6, 0, "exceptions[2]"),
        ("another_module", 5, 3, "exceptions[1]"),
        ("no_such_module", 4, 3, "exceptions[0]"),
        ("imports", 3, 0, "exceptions[1]"),
        ("654", 2, 0, "exceptions[0]"),
        ("something", 1, 0, "__context__"),
        ("nested", 0, None, None),
    ]
    groups = [value["mechanism"].get("is_exception_group") for value in values]
    assert groups == [None, None, None, True, None, None, True]
    assert ["stacktrace" in value for value in values] == [False, False, False, False, False, True, True]


def test_a_group_may_be_the_cause_and_its_members_have_causes() -> None:
    def cause() -> None:
        member = ValueError("member")
        member.__cause__ = KeyError("root")
        raise RuntimeError("outer") from BaseExceptionGroup("group", [member, KeyboardInterrupt()])

    assert links_of(values_of(caught(cause))) == [
        ("KeyboardInterrupt", 4, 1, "exceptions[1]"),
        ("'root'", 3, 2, "__cause__"),
        ("member", 2, 1, "exceptions[0]"),
        ("group", 1, 0, "__cause__"),
        ("outer", 0, None, None),
    ]


def test_a_member_from_which_its_group_was_raised_is_shown_as_a_member() -> None:
    def gather() -> None:
        try:
            fail("member")
        except ValueError as member:
            raise ExceptionGroup("group", [member])  # noqa: B904  # the context is what is looked at

    assert links_of(values_of(caught(gather))) == [("member", 1, 0, "exceptions[0]"), ("group", 0, None, None)]


def test_t27_exceptions_in_a_circle_are_shown_once_each() -> None:
    first, second = ValueError("first"), KeyError("second")
    first.__context__, second.__context__ = second, first
    assert links_of(values_of(first)) == [("'second'", 1, 0, "__context__"), ("first", 0, None, None)]
    group = ExceptionGroup("group", [first])
    first.__cause__ = group
    assert [link[0] for link in links_of(values_of(group))] == ["first", "group"]


def test_a_group_that_contradicts_itself_is_shown_without_members() -> None:
    broken = property(lambda _self: 1 // 0)
    odd: Any = type("Odd", (ExceptionGroup,), {"exceptions": property(lambda _self: [ValueError()])})
    cracked: Any = type("Broken", (ExceptionGroup,), {"exceptions": broken, "message": broken})
    assert value_of(odd("odd", [ValueError()]))["value"] == "odd"
    assert value_of(cracked("broken", [ValueError()]))["value"].endswith("Broken>")


def test_a_long_chain_is_cut_at_its_oldest_end_and_says_so() -> None:
    values = values_of(caught(raise_chain, 30), max_exceptions=10)
    assert [value["value"] for value in values] == [str(number) for number in range(21, 31)]
    assert values[-1]["mechanism"]["data"] == {"exceptions_not_shown": 20}


def test_of_many_long_stacks_the_last_are_shown_in_short() -> None:
    group = ExceptionGroup("many", [caught(Shop().count, 49) for _ in range(20)])
    stacks = [value["stacktrace"]["frames"] for value in reversed(values_of(group)) if "stacktrace" in value]
    assert [len(frames) for frames in stacks] == [50] * 10 + [10] * 10
    assert stacks[-1][2]["vars"][OMITTED] == "40 frames before this one are not shown; 2 more"
    group = ExceptionGroup("few are wanted", [caught(Shop().count, 49) for _ in range(20)])
    stacks = [value["stacktrace"]["frames"] for value in values_of(group, max_stack_frames=3) if "stacktrace" in value]
    assert [len(frames) for frames in stacks] == [3] * 20


def test_an_endless_crowd_is_not_counted_to_its_end() -> None:
    group = ExceptionGroup("many", [ValueError(number) for number in range(3 * COUNT_LIMIT)])
    values = values_of(group, max_exceptions=3)
    assert [value["value"] for value in values] == ["1", "0", "many"]
    assert values[-1]["mechanism"]["data"] == {"exceptions_not_shown": f"{COUNT_LIMIT} or more"}


def test_notes_are_lines_of_the_value() -> None:
    error: Any = ValueError("boom")
    error.__notes__ = ["first", "second", 5]
    assert value_of(error)["value"] == "boom\nfirst\nsecond\n5"
    error.__notes__ = [str(number) for number in range(1000)]
    assert value_of(error)["value"].count("\n") == NOTES_LIMIT


def test_notes_of_a_wrong_type_are_left_out() -> None:
    def fail(_: object) -> list[str]:
        raise RuntimeError

    odd: Any = type("Odd", (ValueError,), {"__notes__": property(fail)})
    error: Any = ValueError("boom")
    error.__notes__ = "no list"
    assert value_of(error)["value"] == "boom"
    assert value_of(odd("boom"))["value"] == "boom"


def test_a_module_is_told_unless_it_is_that_of_the_builtins() -> None:
    class Local(Exception):
        class Inner(Exception): ...

    assert "module" not in value_of(ValueError())
    assert (value_of(Local())["module"], value_of(Local())["type"]) == (__name__, "Local")
    assert value_of(Local.Inner())["type"] == "Local.Inner"


def test_an_empty_value_is_left_out() -> None:
    assert "value" not in value_of(ValueError())
    assert "value" not in value_of(ValueError(""))


def test_t29_an_exception_that_was_never_raised_has_no_stack() -> None:
    assert "stacktrace" not in value_of(ValueError("x"))


def test_an_error_of_the_system_has_its_number() -> None:
    value = value_of(caught(open, "/no/such/file"))
    assert value["mechanism"]["meta"] == {"errno": {"number": errno.ENOENT, "name": "ENOENT"}}
    for odd in (OSError("text"), OSError(123456, "what"), OSError("x", "y")):
        assert "meta" not in value_of(odd)["mechanism"]


def test_the_line_that_is_no_python_is_the_last_frame() -> None:
    value = value_of(caught(compile, "x = 1\nx = = 2\n", "/srv/shop/config.py", "exec"))
    assert value["stacktrace"]["frames"] == [
        {
            "filename": "config.py",
            "abs_path": "/srv/shop/config.py",
            "lineno": 2,
            "colno": 5,
            "context_line": "x = = 2",
            "in_app": True,
        }
    ]


@pytest.mark.parametrize("details", [(None, 1, 1, "x"), ("f.py", "1", 1, "x"), ("f.py", 0, 1, "x")])
def test_a_syntax_error_that_does_not_say_where_has_no_frame(details: tuple[Any, ...]) -> None:
    assert "stacktrace" not in value_of(SyntaxError("invalid", details))


def test_a_syntax_error_that_does_not_say_all_shows_what_it_does() -> None:
    for rules in ({"collection": DataCollection(frame_context_lines=0)}, {}):
        text = "x" if rules else None
        (frame,) = value_of(SyntaxError("invalid", ("f.py", 1, None, text)), **rules)["stacktrace"]["frames"]
        assert set(frame) == {"filename", "abs_path", "lineno", "in_app"}


def test_a_recursion_without_end_is_cut() -> None:
    def again() -> None:
        again()

    value = value_of(caught(again))
    assert value["type"] == "RecursionError"
    assert len(value["stacktrace"]["frames"]) == 100


class Hostile(Exception):
    """Does everything wrong that it can."""

    @property
    def __cause__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("cause")

    @property
    def __context__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("context")

    @property
    def __traceback__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("traceback")

    @property
    def args(self) -> Any:  # type: ignore[override]
        raise RuntimeError("args")

    def __str__(self) -> str:
        raise SystemExit(3)

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    def __hash__(self) -> int:
        raise RuntimeError("hash")


def test_t29_a_hostile_exception_is_shown_as_far_as_it_can_be() -> None:
    liar: Any = type("Liar", (Hostile,), {"__class__": property(lambda _self: 1 // 0), "__module__": "shop"})
    try:
        raise liar
    except Hostile as error:
        values = values_of(error)
    (value,) = values
    assert (value["type"], value["module"], value["value"]) == ("Liar", "shop", "<shop.Liar>")
    assert value["stacktrace"]["frames"][-1]["context_line"] == "        raise liar"


def test_a_metaclass_that_raises_for_everything_is_not_asked() -> None:
    class Meta(type):
        def __getattribute__(cls, name: str) -> Any:
            raise RuntimeError(name)

    kind: Any = Meta("Kind", (Exception,), {"__module__": "shop"})
    (value,) = values_of(kind("text"))
    assert (value["type"], value["module"], value["value"]) == ("Kind", "shop", "text")


@pytest.mark.parametrize(
    "arguments", [("x" * 100_000_000,), (1, "x" * 100_000_000), (1, ["x" * 100_000_000] * 100), (b"x" * 50_000_000, 1)]
)
def test_t29_an_enormous_message_is_cut(arguments: tuple[object, ...]) -> None:
    value = value_of(ValueError(*arguments))["value"]
    assert len(value) <= MESSAGE_LIMIT
    assert "xxx" in value


def test_several_arguments_are_shown_as_python_shows_them() -> None:
    assert value_of(ValueError("a", 1, None, [2], {"k": "v"}))["value"] == "('a', 1, None, [2], {'k': 'v'})"
    assert value_of(ValueError("a", object()))["value"] == "('a', <object>)"


def test_messages_are_not_lost_to_what_variables_take() -> None:
    class Slow:
        def __repr__(self) -> str:
            for _ in range(2_000_000):
                pass
            return "slow"

    def fails() -> None:
        slow = [Slow() for _ in range(3)]
        try:
            raise KeyError("cause")
        except KeyError:
            raise ValueError("said", slow) from None

    def outer() -> None:
        try:
            fails()
        except ValueError as error:
            raise RuntimeError("last") from error

    values = values_of(caught(outer))
    assert values[-1]["value"] == "last"


def test_nothing_of_the_program_is_kept() -> None:
    class Thing:
        pass

    def fails() -> None:
        thing = Thing()
        gone.append(weakref.ref(thing))
        raise ValueError(thing)

    gone: list[Any] = []
    values = values_of(caught(fails))
    gc.collect()
    assert values
    assert gone[0]() is None


def test_t30_an_enormous_variable_is_cut() -> None:
    def fails() -> None:
        large = "x" * 100_000_000
        raise ValueError(len(large))

    (frame,) = value_of(caught(fails))["stacktrace"]["frames"]
    assert len(frame["vars"]["large"]) == 1024


def test_what_a_builtin_exception_holds_is_not_written_out_in_full() -> None:
    assert value_of(ValueError(*range(10**6)))["value"] == f"({', '.join(map(str, range(ARGUMENTS_LIMIT)))}, ...)"
    assert value_of(ValueError({"rows": list(range(10**6))}))["value"].startswith("{'rows': [0, 1, 2, 3,")
    assert len(value_of(ValueError({"rows": list(range(10**6))}))["value"]) < 200
    assert value_of(ValueError(["a", 1]))["value"] == "['a', 1]"


# Calls of which only their places are left


def called_from(line: int = 1, **variables: object) -> PlainCall:
    return PlainCall("sell", __file__, line, variables)


def mechanism_of(*calls: PlainCall) -> Mechanism:
    return Mechanism("generic", calls=calls)


def test_an_exception_without_a_traceback_is_shown_with_the_calls_that_are_known() -> None:
    calls = mechanism_of(called_from(1), called_from(3, fruit="pears", password="quince"))
    (value,) = values_of(ValueError("cleaned"), calls)
    first, second = value["stacktrace"]["frames"]
    assert (first["function"], first["lineno"], first["abs_path"]) == ("sell", 1, __file__)
    assert first["context_line"] == '"""Exceptions: chains, groups, and whatever else may be raised.'
    assert first["in_app"] is True
    assert "vars" not in first
    assert second["vars"] == {"fruit": "pears", "password": "[Filtered]"}


def test_a_traceback_tells_more_than_such_calls() -> None:
    (value,) = values_of(caught(fail), mechanism_of(called_from()))
    assert value["stacktrace"]["frames"][-1]["function"] == "fail"


def test_such_calls_are_those_of_the_exception_itself_and_not_of_its_cause() -> None:
    error = ValueError("cleaned")
    error.__cause__ = KeyError("cause")
    cause, value = values_of(error, mechanism_of(called_from()))
    assert "stacktrace" not in cause
    assert len(value["stacktrace"]["frames"]) == 1


def test_no_more_of_such_calls_are_shown_than_of_others_and_no_more_of_each() -> None:
    calls = mechanism_of(*map(called_from, range(1, 5)))
    rules = {"max_stack_frames": 2, "collection": DataCollection(stack_frame_variables=OFF, frame_context_lines=0)}
    (value,) = values_of(ValueError("cleaned"), calls, **rules)
    frames = value["stacktrace"]["frames"]
    assert [frame["lineno"] for frame in frames] == [3, 4]
    assert set(frames[0]) == {"abs_path", "filename", "function", "in_app", "lineno"}
