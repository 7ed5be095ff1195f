"""DSNs: https://develop.sentry.dev/sdk/foundations/transport/authentication/"""

from __future__ import annotations

import copy

import pytest

from asyncsentry.dsn import Dsn, parse
from asyncsentry.errors import DsnError
from asyncsentry.version import USER_AGENT


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://key@host/1", "https://host/api/1/envelope/"),
        ("https://key@h:8443/p/q/42", "https://h:8443/p/q/api/42/envelope/"),
        ("http://key@host:80/1", "http://host/api/1/envelope/"),
        ("https://key@host:443/1", "https://host/api/1/envelope/"),
        ("http://key@host:443/1", "http://host:443/api/1/envelope/"),
        ("https://key@host:/1", "https://host/api/1/envelope/"),
        ("HTTPS://key@HOST.example/Case", "https://host.example/api/Case/envelope/"),
        ("https://key@host/1/", "https://host/api/1/envelope/"),
        ("https://key@host//a//1//", "https://host/a/api/1/envelope/"),
        (" \n https://key@host/1 \r\n", "https://host/api/1/envelope/"),
        ("https://key@[::1]:9000/1", "https://[::1]:9000/api/1/envelope/"),
        ("https://key@[2001:DB8::1]/1", "https://[2001:db8::1]/api/1/envelope/"),
        ("https://key@my_host.local/1", "https://my_host.local/api/1/envelope/"),
        ("https://key@h%6Fst/1", "https://host/api/1/envelope/"),
        ("https://key@bücher.example/1", "https://xn--bcher-kva.example/api/1/envelope/"),
        ("https://key@host/a%20b/c d/é", "https://host/a%20b/c%20d/api/%C3%A9/envelope/"),
        ("https://key@host/1?timeout=2#part", "https://host/api/1/envelope/"),
        ("https://key@host/1?ca_certs=/a/b@c", "https://host/api/1/envelope/"),
    ],
)
def test_t13_the_endpoint_is_what_the_dsn_says(text: str, url: str) -> None:
    assert parse(text).envelope_url == url


def test_t13_the_secret_goes_into_the_one_auth_header_and_only_if_there_is_one() -> None:
    start = f"Sentry sentry_version=7, sentry_client={USER_AGENT}, sentry_key="
    assert parse("http://k:s@h/1").auth_header == start + "k, sentry_secret=s"
    assert parse("http://k@h/1").auth_header == start + "k"
    assert parse("http://k:@h/1").auth_header == start + "k"


@pytest.mark.parametrize(
    ("host", "organization"),
    [
        ("o123.ingest.us.sentry.io", "123"),
        ("o123.ingest.sentry.io", "123"),
        ("o123.example.com", None),
        ("oabc.ingest.sentry.io", None),
        ("xo1.ingest.sentry.io", None),
        ("o.ingest.sentry.io", None),
        ("o1.ingest.a.b.sentry.io", None),
        ("o1.ingest.us.sentry.com", None),
        (".ingest.us.sentry.io", None),
        ("localhost", None),
    ],
)
def test_t14_only_a_host_of_sentry_io_names_an_organization(host: str, organization: str | None) -> None:
    assert parse(f"https://key@{host}/1").organization_id == organization


@pytest.mark.parametrize(
    ("prefix", "transport"),
    [
        ("", None),
        ("threaded+", "threaded"),
        ("threaded+requests+", "threaded+requests"),
        ("GEVENT+", "gevent"),
        ("+", None),
    ],
)
def test_the_transport_is_what_stands_before_the_last_plus(prefix: str, transport: str | None) -> None:
    dsn = parse(f"{prefix}https://key@host/1")
    assert dsn.transport == transport
    assert dsn.envelope_url == "https://host/api/1/envelope/"


def test_keys_and_options_are_decoded_and_the_path_is_not() -> None:
    dsn = parse("https://k%40y:s%3At@host/%70/1?ca_certs=%2Fa%26b+c%3D&verify_ssl=0&&flag")
    assert (dsn.public_key, dsn.secret_key) == ("k@y", "s:t")
    assert (dsn.path, dsn.project_id) == ("/%70", "1")
    assert dsn.options == {"ca_certs": "/a&b+c=", "verify_ssl": "0", "flag": ""}


def test_a_key_may_hold_at_signs_and_colons() -> None:
    dsn = parse("https://k:s:t@u@host/1")
    assert (dsn.public_key, dsn.secret_key, dsn.host) == ("k", "s:t@u", "host")


def test_the_parts_can_be_read() -> None:
    dsn = parse("urllib+http://key@[::1]:8080/a/1?timeout=1")
    assert (dsn.scheme, dsn.host, dsn.port, dsn.path, dsn.project_id) == ("http", "::1", 8080, "/a", "1")
    assert dsn.options == {"timeout": "1"}


def test_neither_str_nor_repr_shows_the_secret() -> None:
    dsn = parse("threaded+https://key:hidden@[::1]:99/a/1?timeout=1")
    assert str(dsn) == "threaded+https://key@[::1]:99/a/1"
    assert "key" in repr(dsn)
    assert "hidden" not in repr(dsn)
    assert str(parse("https://key:hidden@host/1")) == "https://key@host/1"


@pytest.mark.parametrize("key", ["a%2Fb", "%40", "a%3Fb%23c", "%25", "k!$&'()*+;=~"])
def test_what_is_shown_of_a_dsn_leads_to_the_same_place(key: str) -> None:
    dsn = parse(f"https://{key}:hidden@host/1")
    assert parse(str(dsn)).public_key == dsn.public_key
    assert parse(str(dsn)).envelope_url == dsn.envelope_url


def test_a_dsn_is_a_value() -> None:
    dsn = parse("https://key@host/1?timeout=1")
    assert dsn == parse("https://key@host:443/1?timeout=1")
    assert len({dsn, parse("https://key@host/1?timeout=1"), parse("https://key@host/2")}) == 2
    assert copy.copy(dsn) == dsn
    with pytest.raises(AttributeError):
        dsn.host = "other"  # type: ignore[misc] # frozen: the point of this test
    with pytest.raises(TypeError):
        dsn.options["timeout"] = "2"  # type: ignore[index] # read-only: the point of this test


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no '://'"),
        ("key:hidden@host/1", "has no '://'"),
        ("ftp://key:hidden@host/1", "is for neither http nor https"),
        ("://key:hidden@host/1", "is for neither http nor https"),
        ("threaded+://key:hidden@host/1", "is for neither http nor https"),
        ("https://host/1", "has no public key"),
        ("https://@host/1", "has no public key"),
        ("https://:hidden@host/1", "has no public key"),
        ("https://key:hid/den@host/1", "has no public key"),
        ("https://key:hidden@/1", "has no host"),
        ("https://key:hidden@:80/1", "has no host"),
        ("https://key:hidden@host", "has no project"),
        ("https://key:hidden@host/", "has no project"),
        ("https://key:hidden@host//?timeout=1", "has no project"),
        ("https://key:hidden@host:http/1", "has a port that is no number"),
        ("https://key:hidden@host:0/1", "has a port that is no number"),
        ("https://key:hidden@host:65536/1", "has a port that is no number"),
        ("https://key:hidden@host:-1/1", "has a port that is no number"),
        ("https://key:hidden@host:²/1", "has a port that is no number"),
        ("https://key:hidden@host:" + "9" * 5000 + "/1", "has a port that is no number"),
        ("https://key:hidden@ho st/1", "has a host that is no host name"),
        ("https://key:hidden@h%2Fst/1", "has a host that is no host name"),
        ("https://key:hidden@ü..example/1", "has a host that is no host name"),
        ("https://key:hidden@::1/1", "has no host"),
        ("https://key:hidden@[::1/1", "has a host that is no host name"),
        ("https://key:hidden@::1]/1", "has a host that is no IPv6 address"),
        ("https://key:hidden@[::1]x/1", "has a host that is no IPv6 address"),
        ("https://key:hidden@[fe80::1%25eth0]/1", "has a host that is no IPv6 address"),
        ("https://key:hidden@[host]/1", "has a host that is no IPv6 address"),
        ("https://key:hidden@[1234]/1", "has a host that is no IPv6 address"),
        ("https://key:hidden@[:21]/1", "has a host that is no IPv6 address"),
        ("https://key:hidden@host/1\r\nX-Evil: 1/2", "holds a line break"),
        ("https://key:hidden\x00@host/1", "holds a line break"),
        ("https://key:hidden\ud800@host/1", "holds a line break"),
        ("https://key:hid%0D%0Aden@host/1", "has a percent escape of a character that cannot be printed"),
        ("https://key:hidden@host/1?ca_certs=%00", "has a percent escape of a character that cannot be printed"),
        ("https://key:hidden%ff@host/1", "has a percent escape that is no UTF-8"),
        ("https://key, sentry_version=6:hidden@host/1", "has a public key with a character"),
        ("https://k%2Cey:hidden@host/1", "has a public key with a character"),
        ("https://key:hid den@host/1", "has a secret key with a character"),
        ("https://key:hiddén@host/1", "has a secret key with a character"),
        ("https://key:hidden@host/1?timeout=1&timeout=2", "says one option twice"),
    ],
)
def test_what_is_wrong_is_said_with_the_shape_and_never_with_the_secret(text: str, reason: str) -> None:
    with pytest.raises(DsnError) as caught:
        parse(text)
    said = str(caught.value)
    assert said.startswith(f"the DSN {reason}")
    assert "http[s]://PUBLIC_KEY@HOST[:PORT][/PREFIX]/PROJECT" in said
    assert "hid" not in said
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_dsn_made_by_hand_says_the_same() -> None:
    dsn = Dsn("urllib", "https", "key", "hidden", "host", 443, "", "1", {})
    assert dsn == parse("urllib+https://key:hidden@host/1")
