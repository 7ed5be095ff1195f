"""The reader of answers and the writer of heads, without any socket."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from asyncsentry.transport.http1 import (
    DISCARD_LIMIT,
    HEAD_LIMIT,
    HEADER_LIMIT,
    AnswerReader,
    MalformedAnswer,
    Origin,
    connect_head,
    origin,
    post_head,
)
from asyncsentry.transport.protocol import BODY_LIMIT, Request, Response
from asyncsentry.transport.settings import Proxy

EMPTY = b"Content-Length: 0\r\n\r\n"


def read(reader: AnswerReader, *pieces: bytes) -> Response | None:
    """Feed the pieces; the last of them is to complete the answer."""
    for piece in pieces[:-1]:
        assert reader.feed(piece) is None
    return reader.feed(pieces[-1])


def read_whole(data: bytes, *, tunnel: bool = False) -> tuple[Response, bool]:
    """The answer in ``data``, and whether the connection may be used again."""
    reader = AnswerReader(tunnel=tunnel)
    answer = reader.feed(data)
    assert answer is not None
    return answer, reader.reusable


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


# -- answers


def test_an_answer_has_status_headers_and_body() -> None:
    answer, reusable = read_whole(b"HTTP/1.1 429 Too Many\r\nX-A:  one two \r\nContent-Length: 3\r\n\r\nno!")
    assert answer == Response(429, {"x-a": "one two", "content-length": "3"}, b"no!")
    assert reusable


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
        b"HTTP/1.1 200 OK\nContent-Length: 5\nX: y\n\nhello",
        chunked(b"he", b"llo", end=b"0;last=1\r\nTrailer: x\r\n\r\n"),
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ],
    ids=["length", "bare-newlines", "chunks", "interim"],
)
def test_how_the_bytes_are_cut_makes_no_difference(data: bytes) -> None:
    whole = read_whole(data)
    assert whole[0].body == b"hello"
    for cuts in cuttings(len(data)):
        reader = AnswerReader()
        pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        assert (read(reader, *pieces), reader.reusable) == whole


def cuttings(length: int) -> Iterable[list[int]]:
    """Every byte by itself, every single cut, and a hundred others that are the same each time."""
    yield list(range(1, length))
    yield from ([cut] for cut in range(1, length))
    generator = random.Random(2)
    for _ in range(100):
        yield sorted(generator.sample(range(1, length), generator.randrange(2, 8)))


def test_headers_of_one_name_are_joined() -> None:
    answer, _ = read_whole(b"HTTP/1.1 200 OK\r\nX: a\r\nx: b\r\n" + EMPTY)
    assert answer.headers["x"] == "a, b"


def test_values_may_hold_any_text_of_latin_1() -> None:
    answer, _ = read_whole(b"HTTP/1.1 200 OK\r\nX: caf\xe9\r\n" + EMPTY)
    assert answer.headers["x"] == "caf\xe9"


def test_a_status_line_needs_no_reason() -> None:
    assert read_whole(b"HTTP/1.1 200\r\n" + EMPTY)[0].status == 200


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body(status: int) -> None:
    answer, reusable = read_whole(b"HTTP/1.1 %d Nothing\r\nContent-Length: 9\r\n\r\n" % status)
    assert (answer.status, answer.body, reusable) == (status, b"", True)


def test_a_granted_tunnel_has_no_body_and_a_refused_one_may() -> None:
    assert read_whole(b"HTTP/1.1 200 Connected\r\n\r\n", tunnel=True)[0].status == 200
    answer, _ = read_whole(b"HTTP/1.1 407 Who are you\r\nContent-Length: 2\r\n\r\n??", tunnel=True)
    assert answer.body == b"??"


def test_started_says_whether_anything_came() -> None:
    reader = AnswerReader()
    assert not reader.started
    assert reader.feed(b"H") is None
    assert reader.started
    assert reader.known() is None


def test_what_is_known_of_an_unfinished_answer() -> None:
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.1 413 Large\r\nContent-Length: 10\r\n\r\nto") is None
    assert reader.known() == Response(413, {"content-length": "10"}, b"to")
    assert not reader.reusable


# -- whether the connection may be used again


@pytest.mark.parametrize(
    ("head", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: upgrade, close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", True),
    ],
)
def test_the_server_says_whether_the_connection_stays_open(head: bytes, reusable: bool) -> None:
    assert read_whole(head + EMPTY)[1] == reusable


def test_a_connection_with_more_than_one_answer_is_not_used_again() -> None:
    answer, reusable = read_whole(b"HTTP/1.1 200 OK\r\n" + EMPTY + b"HTTP/1.1 500 Surprise\r\n")
    assert answer.status == 200
    assert not reusable


def test_a_connection_with_two_lengths_is_not_used_again() -> None:
    answer, reusable = read_whole(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
    )
    assert answer.body == b"hi"
    assert not reusable


# -- bodies


@pytest.mark.parametrize(
    "header", [b"", b"Content-Length: many\r\n", b"Content-Length: 2, 2\r\n", b"Transfer-Encoding: gzip\r\n"]
)
def test_a_body_without_a_length_ends_with_the_connection(header: bytes) -> None:
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.1 400 Bad\r\n%s\r\nbecause" % header) is None
    known = reader.known()
    assert known is not None
    assert (known.status, known.body) == (400, b"because")


def test_only_the_beginning_of_a_body_is_kept_and_the_rest_is_read() -> None:
    data = b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n%s" % (DISCARD_LIMIT, b"x" * DISCARD_LIMIT)
    for cut in (50, 5000):
        reader = AnswerReader()
        answer = read(reader, data[:cut], data[cut:])
        assert answer is not None
        assert answer.body == b"x" * BODY_LIMIT
        assert reader.reusable


@pytest.mark.parametrize("length", [b"Content-Length: 999999999\r\n", b""])
def test_a_body_that_is_too_long_costs_the_connection_and_no_memory(length: bytes) -> None:
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.1 400 Bad\r\n" + length + b"\r\n") is None
    fed = 0
    answer = None
    while answer is None:
        answer = reader.feed(b"x" * 1000)
        fed += 1000
        assert fed <= DISCARD_LIMIT + 1000
    assert len(answer.body) == BODY_LIMIT
    assert not reader.reusable


def test_chunks_without_an_end_cost_the_connection_too() -> None:
    reader = AnswerReader()
    answer = reader.feed(chunked(*[b"x" * 1000] * 100, end=b""))
    assert answer is not None
    assert len(answer.body) == BODY_LIMIT
    assert not reader.reusable


@pytest.mark.parametrize(
    "end",
    [b"zz\r\n", b"-1\r\n", b"\r\n", b"5\r\nhello!\r\n", b"123456789\r\n", b"1" * (HEAD_LIMIT + 1)],
    ids=["no-number", "negative", "empty", "no-newline-after", "huge", "endless"],
)
def test_chunks_that_make_no_sense_end_the_body(end: bytes) -> None:
    answer, reusable = read_whole(chunked(b"good", end=end))
    assert answer.status == 200
    assert answer.body.startswith(b"good")
    assert not reusable


@pytest.mark.parametrize("trailers", [b"A: b\r\n" * (HEADER_LIMIT + 1), b"A: " + b"b" * HEAD_LIMIT])
def test_endless_trailers_end_the_connection(trailers: bytes) -> None:
    answer, reusable = read_whole(chunked(b"good", end=b"0\r\n" + trailers))
    assert answer.body == b"good"
    assert not reusable


# -- what is no answer


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/2 200 OK\r\n",
        b"HTTP/1.1 999 What\r\n",
        b"HTTP/1.1 20 Short\r\n",
        b"HTTP/1.1  200 OK\r\n",
        b"HTTP/1.1 200 a\x00b\r\n",
        b"\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n",
        b"HTTP/1.1 200 OK\r\n: b\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\rc\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\x00c\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        AnswerReader().feed(data)


def test_the_head_is_bounded_in_bytes_and_in_headers() -> None:
    for data in (
        b"x" * (HEAD_LIMIT + 1),
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * HEAD_LIMIT,
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * HEAD_LIMIT + b"\r\n",
        b"HTTP/1.1 100 Go on\r\n\r\n" * HEAD_LIMIT,
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (HEADER_LIMIT + 1),
    ):
        with pytest.raises(MalformedAnswer):
            AnswerReader().feed(data)
    assert len(read_whole(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (HEADER_LIMIT - 1) + EMPTY)[0].headers) == 2


def test_random_bytes_are_an_answer_or_refused_but_nothing_else() -> None:
    generator = random.Random(3)
    pieces = [
        b"HTTP/1.1 200 OK\r\n",
        b"Content-Length: 5\r\n",
        b"\r\n",
        b"5\r\n",
        b"A:b",
        b"Transfer-Encoding: chunked\r\n",
    ]
    for _ in range(3000):
        reader = AnswerReader()
        answer = None
        while answer is None and generator.random() < 0.95:
            piece = generator.choice([*pieces, generator.randbytes(3)])
            try:
                answer = reader.feed(piece)
            except MalformedAnswer:
                break


# -- requests


def test_a_post_is_in_origin_form() -> None:
    request = Request("https://sentry.example:8443/api/1/envelope/?x=1", {"X-A": "b"}, b"12345")
    assert post_head(request, None).split(b"\r\n") == [
        b"POST /api/1/envelope/?x=1 HTTP/1.1",
        b"Host: sentry.example:8443",
        b"X-A: b",
        b"Content-Length: 5",
        b"",
        b"",
    ]


def test_a_post_through_a_proxy_is_in_absolute_form_if_it_is_plain() -> None:
    proxy = Proxy("proxy", 3128, "Basic c2VjcmV0")
    plain = post_head(Request("http://user@[::1]:9000", {}, b""), proxy)
    assert plain.startswith(b"POST http://[::1]:9000/ HTTP/1.1\r\nHost: [::1]:9000\r\n")
    assert b"\r\nProxy-Authorization: Basic c2VjcmV0\r\n" in plain
    secure = post_head(Request("https://sentry.example/", {}, b""), proxy)
    assert secure.startswith(b"POST / HTTP/1.1\r\nHost: sentry.example\r\n")
    assert b"Proxy-Authorization" not in secure


def test_a_tunnel_is_asked_for_by_host_and_port() -> None:
    assert connect_head(Origin("::1", 443, tls=True), Proxy("proxy", 3128)) == (
        b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"
    )
    assert b"Proxy-Authorization: x" in connect_head(Origin("a", 1, tls=True), Proxy("proxy", 3128, "x"))


@pytest.mark.parametrize("value", ["a\r\nX-Injected: b", "a\nb", "a\rb"])
def test_no_header_can_smuggle_in_another(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        post_head(Request("http://sentry.example/", {"X-A": value}, b""), None)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://sentry.example/api", Origin("sentry.example", 80, tls=False)),
        ("https://sentry.example/api", Origin("sentry.example", 443, tls=True)),
        ("https://[2001:db8::1]:8443/", Origin("2001:db8::1", 8443, tls=True)),
    ],
)
def test_an_url_has_an_origin(url: str, expected: Origin) -> None:
    assert origin(url) == expected
