"""What an event shows of a request: its secrets never, its body and its sender only where that is asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from asyncsentry.events.bodies import FORM_LIMIT
from asyncsentry.events.collection import PERSONAL
from asyncsentry.events.freezing import OMITTED, Freezer
from asyncsentry.events.http import URL_LIMIT, HttpRequest, declared_size, show_request
from asyncsentry.events.rules import Rules
from asyncsentry.events.scrubbing import FILTERED
from asyncsentry.json import encode

JSON = ("Content-Type", "application/json; charset=utf-8")
FORM = ("content-type", "application/x-www-form-urlencoded")
REQUEST = HttpRequest("GET", "https://shop.example/items")


def show(request: HttpRequest, **rules: Any) -> dict[str, Any]:
    return show_request(request, Freezer(Rules(**rules), float, float))[0]


def show_all(request: HttpRequest, body_limit: int = 10_000, **rules: Any) -> dict[str, Any]:
    """What is shown with ``send_default_pii``."""
    return show(request, collection=PERSONAL, body_limit=body_limit, **rules)


def body(data: Any, *headers: tuple[str, str], **request: Any) -> Any:
    """What is shown of a body."""
    return show_all(HttpRequest("POST", "http://h/", headers=headers, body=data, **request)).get("data")


# -- without a word


def test_what_tells_who_the_user_is_is_not_shown_unasked() -> None:
    request = HttpRequest(
        "POST",
        "https://shop.example/items",
        query="page=2&token=abc",
        headers=[
            ("Accept", "*/*"),
            ("Authorization", "Bearer abc"),
            ("COOKIE", "theme=dark"),
            ("X-Forwarded-For", "192.0.2.1"),
            ("x-real-ip", "192.0.2.1"),
            JSON,
        ],
        env={"SERVER_NAME": "shop.example", "SERVER_PORT": "443", "REMOTE_ADDR": "192.0.2.1"},
        body=b'{"name": "Ada"}',
        body_size=15,
    )
    assert show(request, body_limit=10_000) == {
        "method": "POST",
        "url": "https://shop.example/items",
        "query_string": "page=2&token=[Filtered]",
        "headers": {
            "Accept": "*/*",
            "Authorization": FILTERED,
            "X-Forwarded-For": FILTERED,
            "x-real-ip": FILTERED,
            "Content-Type": "application/json; charset=utf-8",
        },
        "env": {"SERVER_NAME": "shop.example", "SERVER_PORT": "443"},
    }


def test_a_request_of_which_little_is_known() -> None:
    assert show(REQUEST) == {"method": "GET", "url": "https://shop.example/items", "headers": {}}


@pytest.mark.parametrize("method", ["G{T", "", "X" * 33, "GET /", "É", "1"])
def test_what_no_server_takes_for_a_method_is_left_out(method: str) -> None:
    assert "method" not in show(replace(REQUEST, method=method))
    assert show(replace(REQUEST, method="M-Search"))["method"] == "M-Search"


def test_a_url_shows_no_password() -> None:
    url = "https://user:pw@shop.example/items"
    shown = show(replace(REQUEST, url=url, headers=[("Referer", f"{url}?token=abc")]))
    assert shown["url"] == "https://[Filtered]:[Filtered]@shop.example/items"
    assert shown["headers"] == {"Referer": "https://[Filtered]:[Filtered]@shop.example/items?token=[Filtered]"}


def test_what_is_long_is_cut_and_shows_no_secret_for_that() -> None:
    many = "&".join(["sid=abc"] * 20_000)
    shown = show(replace(REQUEST, url=f"http://user:pw@h/{'x' * 20_000}", query=many))
    assert (len(shown["url"]), len(shown["query_string"])) == (URL_LIMIT, URL_LIMIT)
    assert "pw" not in shown["url"]
    assert "abc" not in shown["query_string"]


def test_headers_are_bounded_in_number_and_in_length() -> None:
    headers = [(f"X-{number}", "v" * 5000) for number in range(102)] + [("N" * 5000, "v")]
    shown = show(replace(REQUEST, headers=headers))["headers"]
    assert shown.pop(OMITTED) == "3 more"
    assert {len(value) for value in shown.values()} == {1024}
    assert len(shown) == 100
    assert max(map(len, show(replace(REQUEST, headers=headers[-1:]))["headers"])) == 200


def test_bytes_that_are_no_text_are_characters_that_json_can_hold() -> None:
    shown = show_all(replace(REQUEST, headers=[("X\udcff", "\udcff\x00"), ("Cookie", "a=\xff\ud800")], query="\ud800"))
    assert encode(shown).decode()
    assert shown["headers"] == {"X?": "?\x00"}
    assert shown["cookies"].keys() == {"a"}


# -- asked for


def test_what_tells_who_the_user_is_is_shown_where_it_is_asked_for() -> None:
    headers = [("cookie", "theme=dark; sessionid=abc"), ("Cookie", "page=2;"), ("Via", "proxy"), ("Authorization", "x")]
    env = {"REMOTE_ADDR": "192.0.2.1"}
    shown = show_all(replace(REQUEST, headers=headers, env=env))
    assert shown["headers"] == {"Via": "proxy", "Authorization": FILTERED}
    assert shown["cookies"] == {"theme": "dark", "sessionid": FILTERED, "page": "2"}
    assert shown["env"] == env


def test_the_servers_own_proxy_is_no_header_of_the_request() -> None:
    headers = [("Proxy", "http://ada:secret@proxy.example"), ("Host", "h")]
    assert show_all(replace(REQUEST, headers=headers))["headers"] == {"Host": "h"}


def test_more_cookies_are_shown_than_a_container_has_members() -> None:
    shown = show_all(replace(REQUEST, headers=[("Cookie", "; ".join(f"c{number}=x" for number in range(50)))]))
    assert len(shown["cookies"]) == 50


def test_a_body_is_shown_as_far_as_it_is_understood_and_its_secrets_are_not() -> None:
    assert body(b'{"name": "Ada", "password": "x"}', JSON) == {"name": "Ada", "password": FILTERED}
    assert body(b'[1, {"token": "x"}]', ("CONTENT-TYPE", "application/problem+json")) == [1, {"token": FILTERED}]
    assert body(b"a=1&b=2&b=3&pwd=x&empty=", FORM) == {"a": "1", "b": ["2", "3"], "pwd": FILTERED, "empty": ""}
    assert body({"a": 1, "secret": 2}) == {"a": 1, "secret": FILTERED}


PARTS = ("Content-Type", 'multipart/form-data; boundary="edge"')


def part(name: str, content: bytes, more: str = "") -> bytes:
    return f'--edge\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content + b"\r\n"


def test_of_a_form_in_parts_its_fields_are_shown_and_of_its_files_how_long_they_are() -> None:
    file = part("photo", b"\xff" * 5, '; filename="a.png"\r\nContent-Type: image/png')
    form = part("name", "Zoë".encode()) + part("password", b"x") + file + b"--edge--\r\n"
    assert body(form, PARTS) == {"name": "Zoë", "password": FILTERED, "photo": "<file of 5 bytes>"}


def test_parts_within_a_part_are_fields_like_others() -> None:
    inner = b'--in\r\nContent-Disposition: form-data; name="b"\r\n\r\n2\r\n--in--'
    form = part("a", b"1") + part("more", inner, "\r\nContent-Type: multipart/mixed; boundary=in") + b"--edge--\r\n"
    assert body(form, PARTS) == {"a": "1", "b": "2"}


NOT_UNDERSTOOD = [
    (b"--edge\r\n\r\nx", ("Content-Type", "multipart/form-data")),
    (b"a secret", ("Content-Type", "text/plain")),
    (b"a secret", ("X-Other", "1")),
    (b"{", JSON),
    (b"\xff", JSON),
    (b"[" * 10_000, JSON),
    (b"9" * 5_000, JSON),
    (b"a=\xff", FORM),
    (bytearray(b"a=1"), FORM),
    ("a=1", FORM),
]


@pytest.mark.parametrize(("data", "header"), NOT_UNDERSTOOD)
def test_of_a_body_that_is_not_understood_nothing_is_shown(data: Any, header: tuple[str, str]) -> None:
    assert body(data, header) == FILTERED


@pytest.mark.parametrize("length", [9_999, 10_000])
def test_a_body_up_to_the_limit_is_shown(length: int) -> None:
    data = json.dumps("x" * (length - 2)).encode()
    assert body(data, JSON) == "x" * 1021 + "..."
    assert show_all(HttpRequest("POST", "/", headers=[JSON], body=data))["body_size"] == length


TOO_LONG = [
    (b"x" * 10_001, None, None),  # so much was read, and there may be more
    (b"x" * 10_001, 50_000, 50_000),
    (b"x", 10_001, 10_001),
    ({"a": "x"}, 10_001, 10_001),
]


@pytest.mark.parametrize(("data", "declared", "size"), TOO_LONG)
def test_of_a_body_beyond_the_limit_it_is_said_that_it_was_there(data: Any, declared: int, size: int | None) -> None:
    request = HttpRequest("POST", "/", headers=[JSON], body=data, body_size=declared)
    shown, remarks = show_request(request, Freezer(Rules(collection=PERSONAL, body_limit=10_000)))
    assert shown["data"] is None
    assert shown.get("body_size") == size
    said = {"rem": [["!config", "x"]]} if size is None else {"rem": [["!config", "x"]], "len": size}
    assert remarks == {"data": {"": said}}


@pytest.mark.parametrize(("data", "limit"), [(b"", 10_000), (None, 10_000), (b'{"a": 1}', 0)])
def test_a_body_that_was_not_read_or_is_never_to_be_shown_is_not(data: bytes | None, limit: int) -> None:
    request = HttpRequest("POST", "/", headers=[JSON], body=data, body_size=8)
    shown, remarks = show_request(request, Freezer(Rules(collection=PERSONAL, body_limit=limit)))
    assert ("data" in shown, shown["body_size"], remarks) == (False, 8, {})


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), (" 17 ", 17), (None, None), ("", None), ("-1", None), ("1_0", None), ("٣", None), ("9" * 5000, None)],
)
def test_a_declared_size_is_a_number_of_bytes(text: str | None, size: int | None) -> None:
    assert declared_size(text) == size


@pytest.mark.parametrize("depth", [100, 10_000, 500_000])
def test_a_body_that_is_nested_deep_is_shown_at_its_surface_or_not_at_all(depth: int) -> None:
    request = HttpRequest("POST", "/", headers=[JSON], body=b"[" * depth + b"]" * depth)
    shown = show_all(request, body_limit=2**20)["data"]
    assert shown in (FILTERED, [[[["<list of 1>"]]]])  # how deep a reader of JSON goes is for each Python to say


def test_of_a_large_form_no_more_is_looked_at_than_is_shown() -> None:
    text = b"&".join(b"f%d=" % number for number in range(FORM_LIMIT + 5000))
    shown = show_all(HttpRequest("POST", "/", headers=[FORM], body=text), body_limit=2**20)["data"]
    assert len(shown) == 101
    assert shown[OMITTED] == f"{FORM_LIMIT - 100} more"
