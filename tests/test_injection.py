"""Nothing that an application or an environment names can become a header, or an item, of its own."""

from __future__ import annotations

from typing import Any

import pytest

from asyncsentry.delivery.envelope import encode_envelope
from asyncsentry.dsn import parse
from asyncsentry.errors import DsnError, OptionError
from asyncsentry.item import Attachment, Item
from asyncsentry.post import Channel
from asyncsentry.testing import LocalSentry
from asyncsentry.testing.envelopes import parse as parse_envelope
from asyncsentry.transport.http1 import Origin, connect_head, post_head
from asyncsentry.transport.protocol import NoResponse, Request
from asyncsentry.transport.proxy import find_proxy
from asyncsentry.transport.settings import Proxy, Settings
from conftest import OpenClient

EVIL = "x\r\nX-Evil: 1\r\n\r\nPOST / HTTP/1.1"
BREAKING = ["\r", "\n", "\r\n", "\0"]
ODD = [*BREAKING, "\v", "\f", "\x1b", "\x7f", "\x85", "\u2028", "é", "€", "\ud800", " ", "\t"]
URL = "http://h:9/api/1/envelope/"
REQUEST = Request(URL, {"X-Sentry-Auth": "Sentry"}, b"body")


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


# -- the DSN


@pytest.mark.parametrize("odd", [*ODD, ","])
@pytest.mark.parametrize("place", ["pub{}lic@host", "public:sec{}ret@host"])
def test_no_key_has_a_character_that_could_end_a_header(odd: str, place: str) -> None:
    for written in (odd, quoted(odd)):
        with pytest.raises(DsnError):
            parse(f"https://{place.format(written)}/1")


@pytest.mark.parametrize("odd", [*ODD, ","])
def test_a_host_is_refused_or_written_in_ascii(odd: str) -> None:
    for written in (odd, quoted(odd)):
        try:
            host = parse(f"https://public@ho{written}st.example/1").host
        except DsnError:
            continue
        assert host.isascii()
        assert host.startswith("xn--")


@pytest.mark.parametrize("odd", ODD)
def test_the_path_of_a_dsn_is_refused_or_escaped(odd: str) -> None:
    try:
        url = parse(f"https://public@host/a{odd}b/1{odd}2").envelope_url
    except DsnError:
        return
    assert url.isascii()
    assert url.isprintable()
    assert " " not in url


@pytest.mark.parametrize("odd", [character for character in map(chr, range(0x21, 0x7F)) if character not in "@:/?#%,"])
def test_what_a_key_may_have_is_visible_and_of_ascii(odd: str) -> None:
    header = parse(f"https://pub{odd}lic:sec{odd}ret@host/1").auth_header
    assert header.isascii()
    assert header.isprintable()
    assert header.count(",") == 3


# -- heads of requests


@pytest.mark.parametrize("breaking", BREAKING)
@pytest.mark.parametrize("place", ["name", "value", "path", "host"])
def test_a_head_that_would_be_two_is_not_made(breaking: str, place: str) -> None:
    broken = f"x{breaking}y"
    made = {
        "name": Request(URL, {broken: "v"}, b""),
        "value": Request(URL, {"X": broken}, b""),
        "path": Request(f"http://h/{broken}", {}, b""),
        "host": Request(f"http://{broken}/api", {}, b""),
    }
    with pytest.raises(ValueError, match="line break"):
        post_head(made[place], None)
    outcome = Channel(Settings(URL)).post(made[place], 1.0)
    assert isinstance(outcome, NoResponse)
    assert not outcome.sent


@pytest.mark.parametrize("breaking", BREAKING)
def test_nor_one_for_a_proxy(breaking: str) -> None:
    for proxy in (Proxy("p", 1, f"Basic{breaking}x"), None):
        server = Origin("h" if proxy else f"h{breaking}", 443, True)
        with pytest.raises(ValueError, match="line break"):
            connect_head(server, proxy or Proxy("p", 1))
    with pytest.raises(ValueError, match="line break"):
        post_head(REQUEST, Proxy("p", 1, f"Basic{breaking}x"))


def test_a_head_holds_no_character_beyond_latin_1() -> None:
    with pytest.raises(UnicodeEncodeError):
        post_head(Request(URL, {"X": "€"}, b""), None)
    assert isinstance(Channel(Settings(URL)).post(Request(URL, {"X": "€"}, b""), 1.0), NoResponse)


@pytest.mark.parametrize("odd", [*ODD[:-2], ":", "@"])
def test_the_credentials_of_a_proxy_are_one_line(odd: str) -> None:
    quotable = odd.encode("utf-8", "replace").decode()
    proxy = find_proxy(URL, f"http://ada{quoted(quotable)}:love{quoted(quotable)}lace@proxy:3128", None, {})
    assert proxy is not None
    (line,) = proxy.headers.values()
    assert line.startswith("Basic ")
    assert line.isascii()
    assert line.isprintable()
    assert connect_head(Origin("h", 443, True), proxy).count(b"\r\n") == 4


@pytest.mark.parametrize("odd", ["%0D%0A", "%00", "a b", "a\\b", "€/€"])
def test_a_proxy_has_the_name_of_a_host(odd: str) -> None:
    with pytest.raises(OptionError):
        find_proxy(URL, f"http://ada:lovelace@pro{odd}xy:3128", None, {})


# -- what is in the body


@pytest.mark.parametrize("odd", ODD)
def test_the_name_of_an_attachment_ends_no_line_of_its_envelope(odd: str) -> None:
    attachment = Attachment(b"data", f'a{odd}"}}\n{{"type":"event"', f"text/{odd}")
    body = encode_envelope({"event_id": "0" * 32}, [Item("event", "error", {"a": 1}, 1, "0" * 32, (attachment,))])
    assert [item.type for item in parse_envelope(body).items] == ["event", "attachment"]


def test_what_an_application_names_makes_no_header(open_client: OpenClient, sentry: LocalSentry) -> None:
    plain = open_client()
    plain.capture_message("plain")
    names: dict[str, Any] = dict.fromkeys(("release", "environment", "dist", "server_name"), EVIL)
    client = open_client(**names)
    with client.isolation_scope() as scope:
        scope.set_tag(EVIL, EVIL)
        scope.set_transaction_name(EVIL)
        scope.add_attachment(b"data", filename=EVIL, content_type=EVIL)
        event_id = client.capture_event({"message": EVIL, "event_id": EVIL, "logger": EVIL, "level": EVIL})
    assert event_id is not None
    assert len(event_id) == 32
    first, second = sentry.requests
    assert first.headers.keys() == second.headers.keys()
    assert not [value for value in second.headers.values() if "Evil" in value]
    assert second.envelope is not None
    assert [item.type for item in second.envelope.items] == ["event", "attachment"]
