"""Options that come as text, from the environment, a DSN or a file of settings: read, then checked like arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from asyncsentry.validation import CHECKS, flag, refusal

TRUE_WORDS: Final = ("1", "true", "yes", "on")
FALSE_WORDS: Final = ("0", "false", "no", "off")


def _flag_word(value: str, called: str) -> bool:
    word = value.lower()
    if word in TRUE_WORDS + FALSE_WORDS:
        return word in TRUE_WORDS
    raise refusal(called, f"one of {', '.join(TRUE_WORDS + FALSE_WORDS)}", value)


def _number_or_text(value: str, called: str) -> object:  # noqa: ARG001 - has the shape of its siblings
    try:
        return float(value)
    except ValueError:
        return value


def _count_or_text(value: str, called: str) -> object:  # noqa: ARG001 - has the shape of its siblings
    try:
        return int(value)
    except ValueError:
        return value


def _words(value: str, called: str) -> object:  # noqa: ARG001 - has the shape of its siblings
    return value.replace(",", " ").split()


_LISTS: Final = ("ignore_errors", "in_app_include", "in_app_exclude", "scrub_keys", "allow_keys", "trusted_proxies")

READERS: Final[Mapping[str, Callable[[str, str], object]]] = {
    **{name: _flag_word for name, check in CHECKS.items() if check is flag},
    **dict.fromkeys(("sample_rate", "timeout", "shutdown_timeout"), _number_or_text),
    **dict.fromkeys(_LISTS, _words),
    "flood_limit": _count_or_text,
    "max_breadcrumbs": _count_or_text,
    "max_stack_frames": _count_or_text,
    "max_value_length": _count_or_text,
    "max_depth": _count_or_text,
    "max_breadth": _count_or_text,
    "max_event_values": _count_or_text,
    "max_event_bytes": _count_or_text,
    "queue_bytes": _count_or_text,
    "spool_bytes": _count_or_text,
    "max_in_flight": _count_or_text,
    "compress": _count_or_text,
}
"""How text becomes a value, for the options that are no text. What is no number is left for its check to refuse."""


def read(name: str, value: str, called: str) -> object:
    """An option's value from text (the environment, a DSN, a file of settings), checked."""
    reader = READERS.get(name)
    return CHECKS[name](reader(value, called) if reader else value, called)
