"""Messages: a template, what was put into it, and the outcome."""

from __future__ import annotations

import re
from _thread import interrupt_main
from collections.abc import Callable
from string import Formatter
from typing import Any, Final, TypeAlias

from asyncsentry.events import Json
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.rules import MESSAGE_LIMIT, Rules
from asyncsentry.events.scrubbing import FILTERED

WIDEST: Final = 9999
"""Characters to which a template may pad one value: it is filled in no more, if it asks for more."""

_WIDE: Final = r"[%)#0\-+ .]\d{5}"
_STAR: Final = r"[%)#0\-+ .]\*"
"""What asks for a width, or a precision, of that many digits, or of one that is among the values."""

MOST_TEMPLATES: Final = 512
"""Templates of which is known whether they are modest."""

_modest: Final[dict[str, bool]] = {}

_NONE: Final = ()
_LARGE: Final = 2**64

# Any: what is put into a message may be anything.
_Params: TypeAlias = "tuple[Any, ...] | dict[Any, Any]"


def logentry(message: object, params: object, freezer: Freezer) -> dict[str, Json]:
    """The event's ``logentry``. Servers group by ``message``, so nothing is ever filled in there.

    ``params`` are a tuple or list, a dict, or a single value, for the template's ``%`` or ``{}`` places; None if there
    are none. A template that they do not fit is shown as it is.
    """
    template = freezer.text(message, MESSAGE_LIMIT)
    given = _given(params)
    if not given:
        return {"message": template, "formatted": template}
    filled = freezer.ask(lambda values: _fill(template, values), _bounded(given, freezer))
    shown = freezer.freeze(given if type(given) is dict else list(given))
    return {
        "message": template,
        **({"params": shown} if type(shown) is dict or type(shown) is list else {}),  # no server takes a name instead
        "formatted": template if filled is None else freezer.text(filled, MESSAGE_LIMIT),
    }


def formatted(message: object, params: object) -> str:
    """The outcome alone, bounded. Ctrl-C in foreign code comes when it is made."""
    if type(message) is str and len(message) <= MESSAGE_LIMIT:
        if params is None or params is _NONE:
            return message
        if type(params) is tuple and _is_modest(message) and all(map(_is_plain, params)):
            try:
                return message % params
            except (TypeError, ValueError):
                pass  # it is of the other style, or does not fit at all
    return guarded(lambda freezer: str(logentry(message, params, freezer)["formatted"]))


def guarded(make: Callable[[Freezer], str]) -> str:
    """A text that foreign code makes, for which there is no event yet."""
    freezer = Freezer(Rules())
    text = make(freezer)
    if freezer.interrupted:
        interrupt_main()
    return text


def _is_plain(value: Any) -> bool:
    """Whether a value is written out by the interpreter itself, at no great length."""
    kind = type(value)
    if kind is str:
        return len(value) <= MESSAGE_LIMIT
    return value is None or kind is float or kind is bool or (kind is int and -_LARGE < value < _LARGE)


def _given(params: Any) -> _Params:
    kind = type(params)
    if params is None:
        return ()
    if issubclass(kind, dict):
        return dict(dict.items(params))
    return tuple(params) if kind is tuple or kind is list else (params,)


def _bounded(params: _Params, freezer: Freezer) -> _Params:
    if isinstance(params, dict):
        secret = freezer.rules.secret_names
        return {
            name: FILTERED if type(name) is str and name in secret else _bound(value, freezer)
            for name, value in params.items()
        }
    return tuple(_bound(value, freezer) for value in params)


def _bound(value: Any, freezer: Freezer) -> object:
    """A value of which formatting writes out no more than a message can show."""
    kind = type(value)
    if kind is str or kind is bytes:
        return value[:MESSAGE_LIMIT]
    if kind is tuple:
        return tuple(_bound(member, freezer) for member in value[: freezer.rules.max_breadth])
    if kind is list or kind is dict or kind is set or kind is int:
        return freezer.freeze(value)
    return value


def _fill(template: str, values: _Params) -> str | None:
    for fill in (_fill_percent, _fill_braces):
        try:
            filled = fill(template, values)
        except (TypeError, ValueError, LookupError, AttributeError):
            continue  # it is of the other style, or does not fit at all
        if filled != template:
            return filled
    return None


def _fill_percent(template: str, values: _Params) -> str:
    if not _is_modest(template) and (re.search(_WIDE, template) or any(map(_is_large, values))):
        raise ValueError("this would be very long")
    return template % values


def _is_modest(template: str) -> bool:
    """Whether a template asks for no width that might be great; known of those that are used again and again."""
    modest = _modest.get(template)
    if modest is None:
        if len(_modest) >= MOST_TEMPLATES:
            _modest.clear()
        modest = _modest[template] = not re.search(_WIDE, template) and not re.search(_STAR, template)
    return modest


def _is_large(value: object) -> bool:
    return issubclass(type(value), int) and not -WIDEST <= int.__int__(value) <= WIDEST  # type: ignore[arg-type]


def _fill_braces(template: str, values: _Params) -> str:
    """Nothing of what is hidden in the values is shown, and what says how they are shown is no value."""
    for _, field, spec, _ in Formatter().parse(template):
        if "__" in (field or "") or "{" in (spec or "") or re.search(r"\d{5}", spec or ""):
            raise ValueError("this would be very long, or tell too much")
    return template.format(**values) if isinstance(values, dict) else template.format(*values)
