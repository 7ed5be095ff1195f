"""Frames: a stack as a list, its oldest call first."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from itertools import chain, islice
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType, TracebackType
from typing import Any, Final, NamedTuple, TypeAlias

from asyncsentry.events import Json
from asyncsentry.events.collection import ALL, Behaviour
from asyncsentry.events.foreign import IdentityCache, bases, short_name
from asyncsentry.events.freezing import OMITTED, Freezer, cut
from asyncsentry.events.rules import Rules
from asyncsentry.events.scrubbing import FILTERED
from asyncsentry.events.source import LINE_LIMIT, MissingLines, Passage

_HIDE: Final = "__traceback_hide__"
_IS_FUNCTION: Final = 0x1  # inspect.CO_OPTIMIZED: its variables are the interpreter's to give, not a mapping's

Call = tuple[FrameType, int, "TracebackType | None"]
"""A frame and the instruction it was at: one frame may be in several tracebacks, and run on meanwhile."""


class PlainCall(NamedTuple):
    """A call of which only this is left."""

    function: str
    path: str
    line: int
    variables: Mapping[str, object]


class _Facts(NamedTuple):
    """What is always true of a place in the code."""

    fields: dict[str, Json]
    may_hide: bool
    unread: Passage | None
    """Its lines of source, until they are among the fields."""
    names: tuple[str, ...]
    """Of its function's variables."""


Secrets: TypeAlias = Callable[[FrameType], "Container[str] | None"]
"""Tells which of a frame's variables are secrets, whatever their names look like; None for none of them."""

_secrets: list[Callable[[], Secrets]] = []

_known: IdentityCache[_Facts] = IdentityCache(limit=4096)

_FRAMES_KEEP_VARIABLES: Final = sys.version_info < (3, 13)
"""Whether a frame that was asked for its variables keeps them, and with them the error that is among them."""

_HELD_BY_FRAME: Final = 3
"""References to what it keeps: its own, that of who has just asked for it, and that of who counts them."""

_FACTS_COST: Final = 8
"""What a frame's file, name and lines take of the event's budget."""

_WHOLE_STACKS: Final = 5
"""After the frames of so many stacks of full length an event shows further stacks in short."""

_IN_SHORT: Final = 10
"""Frames of such a stack."""


def hide_variables(begin: Callable[[], Secrets]) -> Callable[[], None]:
    """Hide these, too, from now on; gives what ends that.

    ``begin`` is asked for each stack who is to tell them of its frames, the newest first: they have callers in common.
    What tells looks at frames, and never at their values.
    """
    _secrets.append(begin)

    def show() -> None:
        if begin in _secrets:
            _secrets.remove(begin)

    return show


def traceback_frames(traceback: TracebackType | None, freezer: Freezer) -> list[dict[str, Json]]:
    """The calls that an exception came through; with ``add_full_stack`` those before it was caught, too."""
    calls = _calls_of_traceback(traceback)
    if freezer.rules.add_full_stack and traceback is not None:
        calls = chain(reversed(list(_calls_of_stack(traceback.tb_frame.f_back))), calls)
    return _freeze_calls(calls, freezer)


def stack_frames(frame: FrameType | None, freezer: Freezer) -> list[dict[str, Json]]:
    """The calls that led to where ``frame`` is now."""
    return _freeze_calls(reversed(list(_calls_of_stack(frame))), freezer)


def plain_frames(calls: Sequence[PlainCall], freezer: Freezer) -> list[dict[str, Json]]:
    """Calls whose frames are gone: the newest, as many as are shown at all."""
    return [_show_plain(call, freezer) for call in calls[-freezer.rules.max_stack_frames :]]


def _show_plain(call: PlainCall, freezer: Freezer) -> dict[str, Json]:
    rules = freezer.rules
    shown: dict[str, Json] = {
        "filename": cut(short_path(call.path, None, rules), LINE_LIMIT),
        "abs_path": cut(call.path, LINE_LIMIT),
        "function": cut(call.function, 2 * LINE_LIMIT),
        "lineno": call.line,
        "in_app": rules.in_app(call.path, None),
    }
    behaviour = rules.collection.stack_frame_variables
    if call.variables and not behaviour.is_off:
        shown["vars"] = freezer.freeze_mapping(_without_names(call.variables, behaviour))
    if rules.collection.frame_context_lines:
        passage = Passage(call.path, call.line, rules.collection.frame_context_lines, None, None, rules.secret_names)
        freezer.gaps.append(MissingLines(shown, passage))
    freezer.spend(_FACTS_COST)
    return shown


def _calls_of_traceback(traceback: TracebackType | None) -> Iterator[Call]:
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lasti, traceback
        traceback = traceback.tb_next


def _calls_of_stack(frame: FrameType | None) -> Iterator[Call]:
    while frame is not None:
        yield frame, frame.f_lasti, None
        frame = frame.f_back


def _freeze_calls(calls: Iterator[Call], freezer: Freezer) -> list[dict[str, Json]]:
    """A stack too long is cut in its middle: its ends say how it began and where it failed."""
    most = _most_frames(freezer)
    kept, omitted = list(islice(calls, most + 1)), 0
    if len(kept) > most:
        kept, omitted = _leave_out_middle(kept, calls, most)
    freezer.frames += len(kept)
    # The newest come first to the event's budget: where it failed is what the reader wants to see.
    tells, forget = [begin() for begin in _secrets], _FRAMES_KEEP_VARIABLES and not _is_traced()
    shown = [_freeze_call(call, freezer, tells, forget=forget) for call in reversed(kept)]
    if omitted:
        _say_omitted(omitted, shown[: most - most // 5])
    shown.reverse()
    return [frame for frame in shown if frame is not None]


def _most_frames(freezer: Freezer) -> int:
    """How many frames the next stack shows: of fifty linked errors, each with its own, nobody reads them all."""
    most = freezer.rules.max_stack_frames
    return most if freezer.frames < _WHOLE_STACKS * most else min(most, _IN_SHORT)


def _leave_out_middle(first: list[Call], more: Iterator[Call], most: int) -> tuple[list[Call], int]:
    """A fifth of ``most`` from the beginning, the others from the end, and how many are not there."""
    oldest, newest = first[: most // 5], deque(first[most // 5 :], maxlen=most - most // 5)
    total = len(first)
    for call in more:
        newest.append(call)
        total += 1
    return [*oldest, *newest], total - most


def _say_omitted(count: int, newest_first: list[dict[str, Json] | None]) -> None:
    """Note the gap among the variables of the frame after it: the one place that every server shows."""
    for frame in reversed(newest_first):
        if frame is not None:
            variables = frame.get("vars")
            known = variables if isinstance(variables, dict) else {}
            said = f"{count} frames before this one are not shown"
            if OMITTED in known:
                said = f"{said}; {known[OMITTED]}"
            frame["vars"] = {OMITTED: said, **{name: value for name, value in known.items() if name != OMITTED}}
            return


def _is_traced() -> bool:
    """Whether calls are traced, as debuggers do: Python then takes what a frame keeps for its variables."""
    return sys.gettrace() is not None or sys.getprofile() is not None


def _freeze_call(call: Call, freezer: Freezer, tells: list[Secrets], *, forget: bool) -> dict[str, Json] | None:
    """One frame, or None if it asks to be hidden. ``forget`` what it keeps of its variables after it was asked."""
    frame, instruction, traceback = call
    rules = freezer.rules
    code = frame.f_code
    facts = _known.get(code, (rules, instruction))
    wanted = facts is None or facts.may_hide or rules.collection.stack_frame_variables.mode != "off"
    kept = _locals_of(frame, freezer) if wanted else {}
    if facts is None:
        line = frame.f_lineno if traceback is None else traceback.tb_lineno
        facts = _learn(frame, kept, line, freezer)
        _known.put(code, facts, (rules, instruction))
    elif facts.unread is not None and facts.unread.found is not None:
        facts = facts._replace(fields=facts.fields | facts.unread.found, unread=None)
        _known.put(code, facts, (rules, instruction))
    if facts.may_hide and _is_hidden(kept, code):
        shown = None
    else:
        shown = _show(kept, frame, facts, freezer, tells)
    # Not what somebody else has, too, who has called `locals()`; nor what the program itself has put there, as `exec`
    # does: only what would live longer than without us.
    outlives = kept if forget and sys.getrefcount(kept) <= _HELD_BY_FRAME else {}
    for name in facts.names:
        outlives.pop(name, None)
    return shown


def _show(
    kept: Mapping[str, object], frame: FrameType, facts: _Facts, freezer: Freezer, tells: list[Secrets]
) -> dict[str, Json]:
    shown = facts.fields.copy()  # its lists of source lines are those of all events, see `own_lines`
    behaviour = freezer.rules.collection.stack_frame_variables
    if behaviour.mode != "off":  # asked here for each frame, as cheaply as can be
        variables = _without_secrets(_variables_of(kept, frame.f_code), frame, tells)
        if behaviour is not ALL:
            variables = _without_names(variables, behaviour)
        frozen = freezer.freeze_mapping(variables)
        if frozen:
            shown["vars"] = frozen
    if facts.unread is not None:  # whoever may wait for a disk will read them
        freezer.gaps.append(MissingLines(shown, facts.unread))
    freezer.spend(_FACTS_COST)
    return shown


def _locals_of(frame: FrameType, freezer: Freezer) -> dict[str, Any]:
    """Its variables; those of a class body in whatever mapping a metaclass chose. To that Python may write some first,
    which then runs foreign code."""
    code = frame.f_code
    if code.co_flags & _IS_FUNCTION or not _FRAMES_KEEP_VARIABLES or not (code.co_cellvars or code.co_freevars):
        return frame.f_locals
    variables = freezer.ask(lambda asked: asked.f_locals, frame)
    return {} if variables is None else variables


def _is_hidden(variables: Mapping[str, object], code: CodeType) -> bool:
    asked = _safe(variables, code).get(_HIDE)
    return asked is not None and asked is not False


def _safe(variables: Mapping[str, object], code: CodeType) -> Mapping[str, object]:
    """The variables, or none if they are in a mapping of a foreign type, as those of a class body may be."""
    return variables if code.co_flags & _IS_FUNCTION or type(variables) is dict else {}


def _variables_of(variables: Mapping[str, object], code: CodeType) -> Mapping[str, object]:
    if code.co_flags & _IS_FUNCTION:
        # A dict, or from 3.13 a window on the frame, which is slow to look through.
        return variables if type(variables) is dict else dict(variables)
    if type(variables) is dict:
        return {name: value for name, value in variables.copy().items() if not _is_furniture(name, value)}
    return variables


def _without_secrets(variables: Mapping[str, object], frame: FrameType, tells: list[Secrets]) -> Mapping[str, object]:
    for tell in tells:
        hidden = tell(frame)
        if hidden is not None:
            known = variables if type(variables) is dict else {}
            variables = {name: FILTERED if name in hidden else value for name, value in known.items()}
    return variables


def _without_names(variables: Mapping[str, object], behaviour: Behaviour) -> Mapping[str, object]:
    if not behaviour.is_particular:
        return variables
    known = variables if type(variables) is dict else {}
    return {
        name: FILTERED if behaviour.hides(name if type(name) is str else "") else value for name, value in known.items()
    }


def _is_furniture(name: object, value: object) -> bool:
    """Whether a module's variable only says what is in its source anyway: imports, functions, ``__builtins__`` …"""
    kind = type(value)
    defined = kind is ModuleType or kind is FunctionType or kind is BuiltinFunctionType or issubclass(kind, type)
    return defined or (type(name) is str and name[:2] == "__")


def _learn(frame: FrameType, variables: Mapping[str, object], line: int | None, freezer: Freezer) -> _Facts:
    rules = freezer.rules
    code = frame.f_code
    path = code.co_filename
    name = dict.get(frame.f_globals, "__name__")
    module = name if type(name) is str else None
    function = getattr(code, "co_qualname", None) or method_name(code, _safe(variables, code))
    fields: dict[str, Json] = {
        "filename": cut(short_path(path, module, rules), LINE_LIMIT),
        "abs_path": cut(path, LINE_LIMIT),
        "function": cut(function, 2 * LINE_LIMIT),
        "in_app": rules.in_app(path, module),
    }
    if module is not None:
        fields["module"] = cut(module, LINE_LIMIT)
    unread = None
    if line is not None and line > 0:
        fields["lineno"] = line
        around = rules.collection.frame_context_lines
        if around:
            loader = dict.get(frame.f_globals, "__loader__")
            unread = Passage(path, line, around, name, loader, rules.secret_names)
    names = (*code.co_varnames, *code.co_cellvars, *code.co_freevars) if code.co_flags & _IS_FUNCTION else ()
    return _Facts(fields, _HIDE in code.co_varnames or _HIDE in code.co_names, unread, names)


def own_lines(stack: object) -> None:
    """Give the frames of a stack lists of source lines of their own: until then other events have the same."""
    frames = stack.get("frames") if type(stack) is dict else None
    for frame in frames if type(frames) is list else ():
        for name in ("pre_context", "post_context"):
            lines = frame.get(name) if type(frame) is dict else None
            if type(lines) is list:
                frame[name] = lines.copy()


def short_path(path: str, module: str | None, rules: Rules) -> str:
    """A file's name that is the same wherever the program is installed."""
    path = path.replace("\\", "/")
    if module is not None and module != "__main__":
        parts = path.split("/")
        depth = module.count(".") + (2 if parts[-1] == "__init__.py" else 1)
        tail = "/".join(parts[-depth:])
        if tail.removesuffix(".py").removesuffix("/__init__") == module.replace(".", "/"):
            return tail
    root = rules.in_app.root
    if root and path.startswith(root):
        return path[len(root) :]
    return path.rpartition("/")[2] or path


def method_name(code: CodeType, variables: Mapping[str, object]) -> str:
    """``Class.method`` where Python (3.10) does not say it: found in the bases of ``self`` or ``cls``."""
    for name in ("self", "cls"):
        # Any: an instance or, of a class method, the class, known by its type and not by what it says it is.
        owner: Any = variables.get(name)
        kind = owner if issubclass(type(owner), type) else type(owner)
        for base in bases(kind):
            member = base.__dict__.get(code.co_name)
            if type(member) is classmethod:
                member = member.__func__
            if type(member) is FunctionType and member.__code__ is code:
                return f"{short_name(base)}.{code.co_name}"
    return code.co_name
