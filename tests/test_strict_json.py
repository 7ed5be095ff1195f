"""JSON is read as Relay reads it."""

from __future__ import annotations

import pytest

from asyncsentry.strict_json import MAX_DEPTH, decode, decode_header, decode_object


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}),
        (b' {"a":1}\n', {"a": 1}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'"\\u0000"', "\0"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\\uD83D\\uDE00"', "\U0001f600"),
        (b'"\\\\ud800"', "\\ud800"),
        (b"18446744073709551617", 2**64 + 1),
        (b"1e308", 1e308),
        (b"1" + b"0" * 308, 1e308),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        (b'"' + b"[" * 200 + b'"', "[" * 200),
    ],
)
def test_what_relay_reads_is_read(data: bytes, value: object) -> None:
    found = decode(data)
    assert value is None or found == value


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"NaN", "NaN is not JSON"),
        (b"Infinity", "Infinity is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"1e400", "out of range"),
        (b"-1e400", "out of range"),
        (b"1" + b"0" * 309, "out of range"),
        (b"1" + b"0" * 5000, "out of range"),
        (b'"\\ud800"', "surrogates not allowed"),
        (b'"\\uDC00"', "surrogates not allowed"),
        (b'{"\\ude00\\ud83d": 1}', "surrogates not allowed"),
        (b'"\xff"', "invalid start byte"),
        (b'"\xed\xa0\x80"', "invalid continuation byte"),
        (b"\xef\xbb\xbf{}", "Expecting value"),
        (b"{} {}", "Extra data"),
        (b"{'a': 1}", "double quotes"),
        (b'"a\nb"', "Invalid control character"),
        (b"[1,]", "Expecting value|trailing comma"),
        (b"", "Expecting value"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "nested too deeply"),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "nested too deeply"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
    ],
)
def test_what_relay_refuses_is_a_value_error(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode(data)


@pytest.mark.parametrize("data", [b"[]", b'"{}"', b"null", b"1"])
def test_an_object_is_asked_for(data: bytes) -> None:
    with pytest.raises(ValueError, match="not an object"):
        decode_object(data)


def test_a_header_is_an_object_alone_on_its_line() -> None:
    assert decode_header(b'{"type":"event"}') == {"type": "event"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "alone on its line"),
        (b" {}", "alone on its line"),
        (b"{} ", "alone on its line"),
        (b"{}\r", "alone on its line"),
        (b"[]", "alone on its line"),
        (b"{]}", "double quotes"),
        (b'{"a":1,"a":1}', "twice"),
        (b'{"trace":{"a":1,"a":1}}', "twice"),
    ],
)
def test_a_header_is_nothing_else(line: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode_header(line)
