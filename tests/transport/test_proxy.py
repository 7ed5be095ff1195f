"""Which proxy an endpoint is reached through."""

from __future__ import annotations

import urllib.request
from base64 import b64encode
from collections.abc import Mapping

import pytest

from asyncsentry.errors import OptionError
from asyncsentry.transport.proxy import find_proxy
from asyncsentry.transport.settings import Proxy

HTTP, HTTPS = "http://sentry.example/api/1/envelope/", "https://sentry.example:8443/api/1/envelope/"


def found(url: str, environ: Mapping[str, str], *, http: str | None = None, https: str | None = None) -> str | None:
    proxy = find_proxy(url, http, https, environ)
    return f"{proxy.host}:{proxy.port}" if proxy else None


def test_there_is_none_unless_somebody_says_so() -> None:
    assert found(HTTP, {}) is None
    assert found(HTTPS, {}) is None


@pytest.mark.parametrize("url", [HTTP, HTTPS])
def test_an_option_that_is_wrong_is_said_also_where_it_is_not_needed(url: str) -> None:
    for wrong in ({"http": "socks5://me:1"}, {"https": "socks5://me:1"}):
        with pytest.raises(OptionError, match=r"a proxy is written http://"):
            found(url, {}, **wrong)


def test_the_variable_goes_by_the_endpoints_scheme() -> None:
    environ = {"HTTP_PROXY": "http://plain:1", "HTTPS_PROXY": "http://secure:2"}
    assert found(HTTP, environ) == "plain:1"
    assert found(HTTPS, environ) == "secure:2"


def test_the_variable_in_lower_case_wins_also_when_it_is_empty() -> None:
    assert found(HTTP, {"HTTP_PROXY": "http://upper:1", "http_proxy": "http://lower:1"}) == "lower:1"
    assert found(HTTP, {"HTTP_PROXY": "http://upper:1", "http_proxy": ""}) is None


def test_a_cgi_program_does_not_believe_its_clients_proxy_header() -> None:
    assert found(HTTP, {"HTTP_PROXY": "http://evil:1", "REQUEST_METHOD": "GET"}) is None
    assert found(HTTP, {"http_proxy": "http://good:1", "REQUEST_METHOD": "GET"}) == "good:1"
    assert found(HTTPS, {"HTTPS_PROXY": "http://good:1", "REQUEST_METHOD": "GET"}) == "good:1"


def test_an_option_beats_the_environment() -> None:
    environ = {"HTTP_PROXY": "http://env:1", "HTTPS_PROXY": "http://env:1", "NO_PROXY": "*"}
    assert found(HTTP, environ, http="http://option:2", https="http://other:3") == "option:2"
    assert found(HTTPS, environ, http="http://other:3", https="http://option:2") == "option:2"


def test_an_empty_option_orders_no_proxy() -> None:
    assert found(HTTP, {"HTTP_PROXY": "http://env:1"}, http="") is None
    assert found(HTTPS, {"HTTPS_PROXY": "http://env:1"}, https="  ") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("http://proxy.example:3128", Proxy("proxy.example", 3128)),
        ("http://proxy.example:3128/", Proxy("proxy.example", 3128)),
        (" proxy.example:3128 ", Proxy("proxy.example", 3128)),
        ("http://proxy.example", Proxy("proxy.example", 80)),
        ("http://proxy.example:/", Proxy("proxy.example", 80)),
        ("http://PRÖXY.example:3128", Proxy("xn--prxy-6qa.example", 3128)),
        ("http://my_proxy.example.:3128", Proxy("my_proxy.example.", 3128)),
        ("http://[::1]:3128", Proxy("::1", 3128)),
        ("http://me:p%40ss@proxy:1", Proxy("proxy", 1, "Basic " + b64encode(b"me:p@ss").decode())),
        ("http://me@proxy:1", Proxy("proxy", 1, "Basic " + b64encode(b"me:").decode())),
    ],
)
def test_how_a_proxy_is_written(value: str, expected: Proxy) -> None:
    assert find_proxy(HTTP, value, None, {}) == expected


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("https://u:secret@proxy:1", "is no plain http proxy"),
        ("socks5://u:secret@proxy:1", "is no plain http proxy"),
        ("//u:secret@proxy:1", "is no plain http proxy"),
        ("http://u:secret@", "is no plain http proxy"),
        ("http://u:secret@proxy:port", "is not a URL"),
        ("http://u:secret@proxy:65536", "is not a URL"),
        ("http://[", "is not a URL"),
        ("http://u:secret@proxy:0", "has the port 0"),
        ("http://u:secret@proxy:1/path", "has more after its host and port"),
        ("http://u:secret@proxy:1?query=1", "has more after its host and port"),
        ("http://u:secret@proxy:1/#part", "has more after its host and port"),
        ("http://u:1/secret@proxy:1", "has more after its host and port"),
        ("http://u:secret@[::1%zone]:1", "has a host that is no host name"),
        ("http://u:secret@pro xy:1", "has a host that is no host name"),
        ("http://u:secret@pro..xy:1", "has a host that is no host name"),
        ("http://u:secret@" + "x" * 64 + ":1", "has a host that is no host name"),
    ],
)
def test_what_cannot_be_used_is_an_error_that_keeps_the_password_to_itself(value: str, what: str) -> None:
    with pytest.raises(OptionError, match=rf"^http_proxy {what}.*: a proxy is written http://") as caught:
        find_proxy(HTTP, value, None, {})
    assert "secret" not in str(caught.value)
    with pytest.raises(OptionError, match=rf"^https_proxy {what}"):
        find_proxy(HTTPS, None, None, {"HTTPS_PROXY": value})


def test_a_proxy_gives_its_url_and_apart_from_it_the_secret() -> None:
    assert (Proxy("proxy", 3128).url, Proxy("proxy", 3128).headers) == ("http://proxy:3128", {})
    told = Proxy("::1", 80, "Basic c2VjcmV0")
    assert (told.url, told.headers) == ("http://[::1]:80", {"Proxy-Authorization": "Basic c2VjcmV0"})


def test_a_proxy_never_shows_its_password() -> None:
    assert "Basic" not in repr(Proxy("proxy", 1, "Basic c2VjcmV0"))


RULES = [
    *("", "*", "a,*", "127.0.0.1", "other.example, sentry.example", "other.example,,", "sentry.example:80"),
    *("sentry.example", "Sentry.Example", ".example", "..example", "example", "ample", "sentry.example:8443"),
    "example:8443",
]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "url", [HTTP, HTTPS, "http://SENTRY.example:80/", "http://127.0.0.1:9/", "http://key@sentry.example/"]
)
def test_no_proxy_is_read_as_the_standard_library_reads_it(url: str, rule: str) -> None:
    environ = {"HTTP_PROXY": "http://proxy:1", "HTTPS_PROXY": "http://proxy:1", "NO_PROXY": rule}
    request = urllib.request.Request(url.replace("key@", ""))
    excluded = bool(urllib.request.proxy_bypass_environment(request.host, {"no": rule}))  # type: ignore[attr-defined]
    assert (found(url, environ) is None) == excluded


@pytest.mark.parametrize(
    ("host", "rule", "excluded"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.1.2.3/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("[2001:db8::5]", "2001:db8::/32", True),
        ("[2001:db8::5]", "10.0.0.0/8", False),
        ("[2001:db8::5]", "2001:db8::5", True),
        ("[2001:db8::5]", "[2001:db8::5]", True),
        ("sentry.example", "10.0.0.0/8", False),
        ("10.1.2.3", "nonsense/8", False),
    ],
)
def test_no_proxy_understands_networks_and_addresses(host: str, rule: str, excluded: bool) -> None:
    environ = {"HTTP_PROXY": "http://proxy:1", "NO_PROXY": rule}
    assert (found(f"http://{host}:9000/", environ) is None) == excluded
