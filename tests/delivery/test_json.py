"""Strict JSON, with orjson and without it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from asyncsentry.json import decode, encode

WITHOUT_ORJSON = """
import sys
sys.modules["orjson"] = None
from asyncsentry.json import encode
circle = []
circle.append(circle)
for value in ({"a": "é"}, ["\\ud800"], {1: 2}, 2**70, float("nan"), {1, 2}, circle):
    try:
        sys.stdout.buffer.write(encode(value) + b"\\n")
    except (TypeError, ValueError, RecursionError) as error:
        sys.stdout.buffer.write(type(error).__name__.encode() + b"\\n")
"""


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ({"a": [1, 2.5, None, True, "b"]}, b'{"a":[1,2.5,null,true,"b"]}'),
        ("é\n\u2028", b'"\xc3\xa9\\n\xe2\x80\xa8"'),
        (["\ud800", "a\udfffb"], b'["?","a?b"]'),
        ({1: 2}, b'{"1":2}'),
        (2**70, b"1180591620717411303424"),
    ],
)
def test_values_become_compact_utf_8(value: object, encoded: bytes) -> None:
    assert encode(value) == encoded
    assert b"\n" not in encode(value)


def test_what_goes_out_can_be_read_again() -> None:
    value = {"text": "é\u0000\U0001f600", "numbers": [0, -1, 1e100, 2**53], "deep": [[[[{}]]]]}
    assert decode(encode(value)) == value


@pytest.mark.parametrize("value", [{"a": object()}, [{1, 2}], {(1, 2): 3}])
def test_what_is_no_json_is_an_error(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode(value)


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_no_number_goes_out_that_json_does_not_know(number: str) -> None:
    try:
        encoded = encode([float(number)])
    except ValueError:
        return
    assert json.loads(encoded, parse_constant=pytest.fail) == [None]


def test_what_is_no_json_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        decode(b"{")


def test_the_standard_library_alone_does_it_too() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_ORJSON], capture_output=True, timeout=50, check=True)
    assert done.stdout.splitlines() == [
        b'{"a":"\xc3\xa9"}',
        b'["?"]',
        b'{"1":2}',
        b"1180591620717411303424",
        b"ValueError",
        b"TypeError",
        b"RecursionError",
    ]
