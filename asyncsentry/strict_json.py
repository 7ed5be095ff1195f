"""JSON as Relay reads it, which refuses much that Python's own reader lets through.

Relay discards a whole event for one ``NaN``, one lone surrogate or one number beyond a double.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 127
"""How many objects and arrays may lie within one another."""


def decode(data: bytes) -> Any:
    """The value of one JSON document, or a `ValueError` that says what is wrong with it."""
    return _strict(data, _LENIENT_KEYS)


def decode_object(data: bytes) -> dict[str, Any]:
    """`decode` for a document that has to be an object."""
    return _object(decode(data))


def decode_header(line: bytes) -> dict[str, Any]:
    """A header of an envelope: an object on one line, nothing around it, no key twice in it."""
    if not (line.startswith(b"{") and line.endswith(b"}")):
        raise ValueError("not an object alone on its line")
    return _object(_strict(line, _UNIQUE_KEYS))


def _strict(data: bytes, decoder: json.JSONDecoder) -> Any:
    text = data.decode("utf-8")
    try:
        value = decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if "\\ud" in text or "\\uD" in text:
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # refuses surrogates that are not half of a pair
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise ValueError("nested too deeply")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _depth(value: Any) -> int:
    depth = 0
    level = [value]
    while level := [node for node in level if isinstance(node, (dict, list))]:
        depth += 1
        level = [child for node in level for child in (node.values() if isinstance(node, dict) else node)]
    return depth


def _no_constant(token: str) -> NoReturn:
    raise ValueError(f"{token} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number out of range")
    return number


def _whole(digits: str) -> int | float:
    return _finite(digits) if len(digits) > 308 else int(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


_LENIENT_KEYS: Final = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite, parse_int=_whole)
_UNIQUE_KEYS: Final = json.JSONDecoder(
    parse_constant=_no_constant, parse_float=_finite, parse_int=_whole, object_pairs_hook=_unique
)
