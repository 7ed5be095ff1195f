"""Messages: a template, what was put into it, and the outcome."""

from __future__ import annotations

from typing import Any

from asyncsentry.events import Json
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.rules import MESSAGE_LIMIT


def logentry(message: object, params: object, freezer: Freezer) -> dict[str, Json]:
    """The event's ``logentry``. Servers group by ``message``, so nothing is ever filled in there.

    ``params`` are a tuple or list, a dict, or a single value, for the template's ``%`` or ``{}`` places; none if there
    are none. A template that they do not fit is shown as it is.
    """
    template = freezer.text(message, MESSAGE_LIMIT)
    given = _in_order(params, freezer)
    if not given:
        return {"message": template, "formatted": template}
    filled = freezer.ask(lambda values: _fill(template, values), given)
    return {
        "message": template,
        "params": freezer.freeze(params if type(params) is dict else list(given)),
        "formatted": template if filled is None else freezer.text(filled, MESSAGE_LIMIT),
    }


def _in_order(params: object, freezer: Freezer) -> tuple[Any, ...] | dict[Any, Any]:
    """The params, each cut to what a message can show of it: formatting would write out all of it."""
    if params is None:
        return ()
    if type(params) is dict:
        return {name: _bounded(value, freezer) for name, value in params.items()}
    if type(params) is tuple or type(params) is list:
        return tuple(_bounded(value, freezer) for value in params)
    return (_bounded(params, freezer),)


def _bounded(value: Any, freezer: Freezer) -> object:
    kind = type(value)
    if kind is str or kind is bytes:
        return value[:MESSAGE_LIMIT]
    if kind is tuple:
        return tuple(_bounded(member, freezer) for member in value[: freezer.rules.max_breadth])
    if kind is list or kind is dict or (kind is int and value.bit_length() > _LARGEST_INT_BITS):
        return freezer.freeze(value)
    return value


_LARGEST_INT_BITS = 1024


def _fill(template: str, values: tuple[Any, ...] | dict[Any, Any]) -> str | None:
    for fill in (_fill_percent, _fill_braces):
        try:
            filled = fill(template, values)
        except (TypeError, ValueError, LookupError, AttributeError):
            continue  # it is of the other style, or does not fit at all
        if filled != template:
            return filled
    return None


def _fill_percent(template: str, values: tuple[Any, ...] | dict[Any, Any]) -> str:
    return template % values


def _fill_braces(template: str, values: tuple[Any, ...] | dict[Any, Any]) -> str:
    return template.format(**values) if isinstance(values, dict) else template.format(*values)
