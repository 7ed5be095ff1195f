"""The arguments of a set-up as a file of settings has them: as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from asyncsentry.errors import OptionError
from asyncsentry.integrations._statuses import statuses
from asyncsentry.reading import read
from asyncsentry.validation import CHECKS, refusal

_STATUSES: Final = "failed_request_status_codes"

_FUNCTIONS: Final = frozenset({"error_sampler", "before_send", "before_breadcrumb"})
"""The options that text can only name."""

_SEVERAL: Final = "processors"
"""The option for which it names as many as it likes."""


def read_settings(settings: Mapping[str, Any], prefix: str, find: Callable[[str], object]) -> dict[str, Any]:
    """The arguments that the settings hold whose names begin with ``prefix``; what is no text is taken as it is.

    ``find`` gives what a dotted name stands for. Raises `OptionError`, which names the setting.
    """
    given = {name.removeprefix(prefix): value for name, value in settings.items() if name.startswith(prefix)}
    return {name: _read(name, value, prefix + name, find) for name, value in given.items() if value is not None}


def _read(name: str, value: object, called: str, find: Callable[[str], object]) -> object:
    if isinstance(value, str):
        value = value.strip()
        if name == _STATUSES:
            return _read_statuses(value, called)
        if name == _SEVERAL:
            return CHECKS[name]([_find(each, called, find) for each in value.replace(",", " ").split()], called)
        if name in CHECKS and name not in _FUNCTIONS:
            return read(name, value, called)
        value = _find(value, called, find) if name in _FUNCTIONS else value
    if name == _STATUSES:
        return statuses(value)
    return CHECKS[name](value, called) if name in CHECKS else value


def _find(dotted: str, called: str, find: Callable[[str], object]) -> object:
    try:
        return find(dotted)
    except (ImportError, ValueError) as error:
        raise OptionError(f"{called}: {dotted!r} cannot be imported ({error})") from error


def _read_statuses(text: str, called: str) -> frozenset[int]:
    """Numbers, and ranges of them, such as ``429 500-599``."""
    found: set[int] = set()
    for part in text.replace(",", " ").split():
        first, _, last = part.partition("-")
        try:
            named = range(int(first), int(last or first) + 1)
            statuses(named)
        except ValueError:
            raise refusal(called, "statuses such as 429 500-599", part) from None
        found.update(named)
    return frozenset(found)
