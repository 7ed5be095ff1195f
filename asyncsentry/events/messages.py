"""Messages: a template, what was put into it, and the outcome."""

from __future__ import annotations

from typing import Any, TypeAlias

from asyncsentry.events import Json
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.rules import MESSAGE_LIMIT

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


def _given(params: Any) -> _Params:
    kind = type(params)
    if params is None:
        return ()
    if issubclass(kind, dict):
        return dict(dict.items(params))
    return tuple(params) if kind is tuple or kind is list else (params,)


def _bounded(params: _Params, freezer: Freezer) -> _Params:
    if isinstance(params, dict):
        return {name: _bound(value, freezer) for name, value in params.items()}
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
    return template % values


def _fill_braces(template: str, values: _Params) -> str:
    return template.format(**values) if isinstance(values, dict) else template.format(*values)
