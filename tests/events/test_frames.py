"""Frames: which are shown, in which order, and what of each."""

from __future__ import annotations

import gc
import sys
import types
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asyncsentry.events import frames as room
from asyncsentry.events.collection import OFF, DataCollection
from asyncsentry.events.frames import method_name, own_lines, short_path, stack_frames, traceback_frames
from asyncsentry.events.freezing import OMITTED, Freezer
from asyncsentry.events.rules import InApp, Rules
from asyncsentry.events.scrubbing import FILTERED
from asyncsentry.events.source import LINE_LIMIT
from events import raising
from events.raising import Branch, Shop, caught, fail

Frame = dict[str, Any]


def frames_of(function: Any, *arguments: Any, **rules: Any) -> list[Frame]:
    return whole_frames(caught(function, *arguments), Rules(**rules))


def whole_frames(error: BaseException, rules: Rules) -> list[Frame]:
    """The frames as they are sent."""
    freezer = Freezer(rules)
    frames = traceback_frames(error.__traceback__, freezer)
    for gap in freezer.gaps:
        gap.find_out()
        assert gap.fill()
    return frames


def line_of(text: str) -> int:
    lines = Path(raising.__file__).read_text(encoding="utf-8").split("\n")
    return lines.index(text) + 1


def test_the_oldest_call_comes_first_and_the_raising_one_last() -> None:
    frames = frames_of(Shop().sell)
    assert [frame["function"].rpartition(".")[2] for frame in frames] == ["sell", "fail"]


def test_a_frame_says_where_it_is() -> None:
    (frame,) = frames_of(fail)
    line = line_of("    raise ValueError(message)")
    lines = Path(raising.__file__).read_text(encoding="utf-8").split("\n")
    assert frame == {
        "filename": "events/raising.py",
        "abs_path": raising.__file__,
        "module": "events.raising",
        "function": "fail",
        "lineno": line,
        "in_app": True,
        "pre_context": lines[line - 6 : line - 1],
        "context_line": "    raise ValueError(message)",
        "post_context": lines[line : line + 5],
        "vars": {"message": "boom"},
    }


def test_nobody_reads_a_file_to_make_a_frame_and_each_line_is_read_once() -> None:
    """Whoever may wait for a disk reads it, and fills the frames in."""
    error, rules = caught(fail), Rules()
    freezers = [Freezer(rules) for _ in range(3)]
    early, late = (traceback_frames(error.__traceback__, freezer)[0] for freezer in freezers[:2])
    gaps = [gap for freezer in freezers for gap in freezer.gaps]
    assert len(gaps) == 2
    assert not gaps[0].fill()
    assert "context_line" not in early
    gaps[1].find_out()
    assert "context_line" not in late
    assert all(gap.fill() for gap in gaps)
    (known,) = traceback_frames(error.__traceback__, freezers[2])
    assert freezers[2].gaps == []
    assert early == late == known
    assert early["pre_context"] is known["pre_context"]


def test_variables_are_frozen_and_scrubbed() -> None:
    (frame,) = frames_of(raising.with_variables)
    assert frame["vars"] == {"number": 5, "password": "[Filtered]"}


def test_variables_may_be_hidden_by_whoever_knows_that_they_are_secrets() -> None:
    shown = frames_of(fail, "sesame")[-1]["vars"]
    named = room.hide_variables(lambda: lambda frame: {"message"} if frame.f_code is fail.__code__ else None)
    assert frames_of(fail, "sesame")[-1]["vars"] == {**shown, "message": FILTERED}
    named()
    named()
    assert frames_of(fail, "sesame")[-1]["vars"] == shown


def test_variables_and_source_can_be_left_out() -> None:
    (frame,) = frames_of(fail, collection=DataCollection(stack_frame_variables=OFF, frame_context_lines=0))
    assert set(frame) == {"filename", "abs_path", "module", "function", "lineno", "in_app"}


def test_the_number_of_lines_around_can_be_set() -> None:
    (frame,) = frames_of(fail, collection=DataCollection(frame_context_lines=1))
    assert len(frame["pre_context"]) == len(frame["post_context"]) == 1


def test_methods_have_their_class_in_their_name() -> None:
    for method in (Shop().sell, Branch().sell, Shop.open, Branch.open):
        assert frames_of(method)[0]["function"] in ("Shop.sell", "Shop.open")


def test_python_3_10_finds_a_method_s_class_among_the_bases_of_its_owner() -> None:
    sell, opens, close = Shop.sell.__code__, Shop.open.__func__.__code__, Shop.close.__code__  # type: ignore[attr-defined]
    assert method_name(sell, {"self": Branch()}) == "Shop.sell"
    assert method_name(opens, {"cls": Branch}) == "Shop.open"
    assert method_name(close, {}) == "close"
    assert method_name(sell, {"self": object()}) == "sell"
    assert method_name(sell, {"self": Shop}) == "Shop.sell"


def test_a_stack_begins_with_the_program_and_ends_where_it_is_now() -> None:
    frame = raising.frame_here(sys._getframe)
    frames = stack_frames(frame, Freezer(Rules(max_stack_frames=1000)))
    assert frames[-1]["function"] == "frame_here"
    assert frames[-2]["function"] == "test_a_stack_begins_with_the_program_and_ends_where_it_is_now"
    assert frames[0]["filename"] != "events/raising.py"


def test_no_traceback_has_no_frames() -> None:
    assert traceback_frames(None, Freezer(Rules(add_full_stack=True))) == []
    assert stack_frames(None, Freezer(Rules())) == []


def test_the_full_stack_has_the_callers_of_who_caught_it_too() -> None:
    def catch() -> list[Frame]:
        try:
            fail()
        except ValueError as error:
            return traceback_frames(error.__traceback__, Freezer(Rules(add_full_stack=True, max_stack_frames=1000)))
        raise AssertionError

    names = [frame["function"].rpartition(".")[2] for frame in catch()]
    assert names[-3:] == ["test_the_full_stack_has_the_callers_of_who_caught_it_too", "catch", "fail"]


def test_t30_a_long_stack_is_cut_in_its_middle_and_says_so() -> None:
    frames = frames_of(Shop().count, 300, max_stack_frames=50)
    assert len(frames) == 50
    depths = [frame["vars"]["remaining"] for frame in frames]
    assert depths == [*range(300, 290, -1), *range(39, -1, -1)]
    assert frames[10]["vars"][OMITTED] == "251 frames before this one are not shown"
    assert [number for number, frame in enumerate(frames) if OMITTED in frame["vars"]] == [10]


def test_t30_a_cut_is_told_where_variables_are_not_shown() -> None:
    frames = frames_of(Shop().count, 20, max_stack_frames=5, collection=DataCollection(stack_frame_variables=OFF))
    assert [frame.get("vars") for frame in frames] == [
        None,
        {OMITTED: "16 frames before this one are not shown"},
        None,
        None,
        None,
    ]


def test_a_stack_that_just_fits_is_whole() -> None:
    frames = frames_of(Shop().count, 4, max_stack_frames=5)
    assert len(frames) == 5
    assert not any(OMITTED in frame["vars"] for frame in frames)


def test_frames_that_ask_to_be_hidden_are() -> None:
    assert [frame["function"] for frame in frames_of(raising.hidden)] == ["fail"]
    assert [frame["function"] for frame in frames_of(raising.not_hidden)] == ["not_hidden", "fail"]
    assert [
        frame["function"] for frame in frames_of(raising.hidden, collection=DataCollection(stack_frame_variables=OFF))
    ] == ["fail"]


def test_a_stack_of_hidden_frames_alone_is_empty_even_if_it_was_cut() -> None:
    code = compile(
        "__traceback_hide__ = True\nif depth:\n    exec(code, {**globals(), 'depth': depth - 1})\n1 / 0", "x", "exec"
    )
    frames = frames_of(eval, code, {"depth": 10, "code": code}, max_stack_frames=2)
    assert [frame["function"] for frame in frames] == []


def run(source: str, names: dict[str, Any], variables: Any = None, path: str = "made.py") -> None:
    exec(compile(source, path, "exec"), names, variables)


def test_a_module_s_frame_shows_its_data_and_not_what_it_imports_and_defines() -> None:
    source = "import os\nfrom math import sin\nclass A: pass\ndef f(): pass\nnumber = 5\n1 / 0"
    frame = frames_of(run, source, {"__name__": "made", "__secret__": 1})[-1]
    assert frame["vars"] == {"number": 5}
    assert frame["function"] == "<module>"
    assert frame["filename"] == "made.py"


def test_a_frame_whose_module_does_not_say_its_name_has_none() -> None:
    frame = frames_of(run, "1 / 0", {})[-1]
    assert "module" not in frame or frame["module"] == "builtins"
    frame = frames_of(run, "1 / 0", {"__name__": 5})[-1]
    assert "module" not in frame


class Namespace(dict[str, Any]):
    """Variables of a class body, as a metaclass may choose them."""

    def __getitem__(self, name: str) -> Any:
        if name == "missing":
            raise KeyError(name)
        return super().__getitem__(name)

    def get(self, name: str, default: object = None) -> Any:
        raise AssertionError("run without guard")


def test_variables_may_be_in_a_mapping_of_any_type() -> None:
    frame = frames_of(run, "__traceback_hide__ = 1\nx = 1\n1 / 0", {"__name__": "made"}, Namespace())[-1]
    assert frame["vars"] == {"__traceback_hide__": 1, "x": 1}


class Hoard(dict[str, Any]):
    """The same, of which nothing can be taken away."""

    def __delitem__(self, name: str) -> None:
        raise OSError


class Hoarding(type):
    @classmethod
    def __prepare__(cls, name: str, bases: tuple[type, ...], /, **options: Any) -> Hoard:
        return Hoard()


def define() -> None:
    class Careless(metaclass=Hoarding):
        x = 1

        def show(self) -> Any:
            return super().__repr__  # so that the body has a cell, which is empty yet

        raise LookupError


@pytest.mark.parametrize("collection", [DataCollection(), DataCollection(stack_frame_variables=OFF)])
def test_a_mapping_may_refuse_what_python_changes_in_it(collection: DataCollection) -> None:
    names = [frame["function"].rpartition(".")[2] for frame in frames_of(define, collection=collection)]
    assert names == ["define", "Careless"]


def test_globals_may_be_a_dict_of_any_type() -> None:
    frame = frames_of(run, "1 / 0", Namespace(__name__="made"), {})[-1]
    assert frame["module"] == "made"


def test_a_frame_without_a_line_has_no_source() -> None:
    error = caught(fail)
    assert error.__traceback__ is not None
    odd = types.TracebackType(None, error.__traceback__.tb_frame, error.__traceback__.tb_lasti, 0)
    (frame,) = whole_frames(error.with_traceback(odd), Rules())
    assert "lineno" not in frame
    assert "context_line" not in frame


def test_a_frame_whose_file_is_shorter_than_it_was_has_no_source(tmp_path: Path) -> None:
    file = tmp_path / "short.py"
    file.write_text("x = 1")
    frame = frames_of(run, "\n" * 50 + "1 / 0", {"__name__": "short"}, None, str(file))[-1]
    assert frame["lineno"] == 51
    assert "context_line" not in frame
    assert "pre_context" not in frame


def test_the_first_line_of_a_file_has_none_before_it(tmp_path: Path) -> None:
    file = tmp_path / "short.py"
    file.write_text("1 / 0  " + "#" * 1000)
    frame = frames_of(run, file.read_text(), {"__name__": "short"}, None, str(file))[-1]
    assert frame["pre_context"] == frame["post_context"] == []
    assert len(frame["context_line"]) == LINE_LIMIT


def test_frames_are_in_app_by_the_rules_of_their_client() -> None:
    error = caught(fail)
    mine, others = Rules(), Rules(in_app=InApp(exclude=("events",)))
    for rules, in_app in ((mine, True), (others, False), (mine, True)):
        (frame,) = traceback_frames(error.__traceback__, Freezer(rules))
        assert frame["in_app"] is in_app


def test_what_a_hook_does_to_a_frame_is_not_seen_in_the_next() -> None:
    error, rules = caught(fail), Rules()
    (first,) = whole_frames(error, rules)
    expected = {name: list(value) if isinstance(value, list) else value for name, value in first.items()}
    own_lines({"frames": [first, None]})
    own_lines({"frames": None})
    own_lines(None)
    spoilt: Any = first
    spoilt["pre_context"].clear()
    spoilt["post_context"].append("x")
    spoilt["function"] = "x"
    (second,) = traceback_frames(error.__traceback__, Freezer(rules))
    assert second == expected


def test_one_function_that_fails_in_two_places_is_shown_in_both() -> None:
    def fails(early: bool) -> None:
        if early:
            raise ValueError
        raise KeyError

    rules = Rules()
    lines = []
    for early in (True, False, True):
        (frame,) = traceback_frames(caught(fails, early).__traceback__, Freezer(rules))
        lines.append(frame["lineno"])
    assert lines == [lines[0], lines[0] + 1, lines[0]]  # type: ignore[operator]


def test_code_that_comes_and_goes_is_never_taken_for_other_code() -> None:
    rules = Rules()
    for number in range(300):
        names: dict[str, Any] = {"__name__": f"made{number}"}
        exec(compile(f"def made{number}():\n    1 / 0", f"made{number}.py", "exec"), names)
        (frame,) = traceback_frames(caught(names.pop(f"made{number}")).__traceback__, Freezer(rules))
        assert (frame["function"], frame["module"]) == (f"made{number}", f"made{number}")


def test_equal_code_in_two_files_is_told_apart() -> None:
    rules = Rules()
    for path in ("one.py", "two.py", "one.py"):
        names: dict[str, Any] = {"__name__": path[:3]}
        exec(compile("def made():\n    1 / 0", path, "exec"), names)
        (frame,) = traceback_frames(caught(names["made"]).__traceback__, Freezer(rules))
        assert frame["abs_path"] == path


def test_code_is_not_kept_alive_by_what_is_known_of_it() -> None:
    names: dict[str, Any] = {"__name__": "made"}
    exec("def made():\n    1 / 0", names)
    code = weakref.ref(names["made"].__code__)
    traceback_frames(caught(names["made"]).__traceback__, Freezer(Rules()))
    names.clear()
    gc.collect()
    assert code() is None


def test_the_frames_themselves_are_not_kept_alive() -> None:
    class Thing:
        pass

    def fails() -> None:
        thing = Thing()
        gone.append(weakref.ref(thing))
        raise ValueError

    gone: list[Any] = []
    frames = frames_of(fails)
    gc.collect()
    assert frames
    assert gone[0]() is None


def test_the_newest_frames_come_first_to_the_budget() -> None:
    frames = frames_of(Shop().count, 30, max_values=100)
    assert frames[-1]["vars"]["remaining"] == 0
    assert frames[0]["vars"] == {OMITTED: "2 more"}


def test_a_generator_s_frames_are_shown() -> None:
    def numbers() -> Iterator[int]:
        yield 1 // 0

    def use() -> None:
        sum(number for number in numbers())

    names = [frame["function"].rpartition(".")[2] for frame in frames_of(use)]
    assert names == ["use", "<genexpr>", "numbers"]


@pytest.mark.parametrize(
    ("path", "module", "root", "short"),
    [
        ("/venv/lib/site-packages/flask/app.py", "flask.app", None, "flask/app.py"),
        ("/venv/lib/site-packages/flask/__init__.py", "flask", None, "flask/__init__.py"),
        ("C:\\venv\\Lib\\site-packages\\flask\\app.py", "flask.app", None, "flask/app.py"),
        ("/srv/shop/app.py", "app", None, "app.py"),
        ("/srv/shop/scripts/run.py", "__main__", "/srv/shop", "scripts/run.py"),
        ("/srv/shop/scripts/run.py", "__main__", None, "run.py"),
        ("/srv/shop/__main__.py", "__main__", None, "__main__.py"),
        ("/elsewhere/run.py", None, "/srv/shop", "run.py"),
        ("/srv/shop/made.py", "other.name", "/srv", "shop/made.py"),
        ("<stdin>", "__main__", None, "<stdin>"),
        ("", None, None, ""),
        ("folder/", None, None, "folder/"),
    ],
)
def test_a_file_is_named_the_same_wherever_it_is_installed(
    path: str, module: str | None, root: str | None, short: str
) -> None:
    assert short_path(path, module, Rules(in_app=InApp(project_root=root))) == short


def test_what_is_known_of_code_is_bounded() -> None:
    assert len(room._known) <= 4096
