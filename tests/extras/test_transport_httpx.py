"""What is particular to sending with httpx."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest
import trustme

from asyncsentry.testing import Answer, LocalSentry
from asyncsentry.transport.protocol import NoResponse, Request, Response
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.httpx import HttpxTransport
from extras.http2 import Http2Server, http2_server
from testing.client import AUTH
from transports.forward_proxy import forward_proxy
from transports.places.loops import STYLES
from transports.style import Style, Traffic, event_request

(STYLE,) = [style for style in STYLES if style.name == "httpx"]


@pytest.fixture(params=["httpx", "httpx-uvloop"])
def style(request: pytest.FixtureRequest) -> Style:
    (style,) = [style for style in STYLES if style.name == request.param]
    return style


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_certs(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def server(authority: trustme.CA) -> Iterator[Http2Server]:
    with http2_server(server_context(authority)) as server:
        yield server


def post(server: Http2Server, body: bytes = b"{}") -> Request:
    return Request(server.url, AUTH, body)


# -- HTTP/2


def test_a_server_that_speaks_http2_is_spoken_to_in_it(style: Style, server: Http2Server, ca_certs: str) -> None:
    body = b"large " * 100_000

    async def scenario() -> None:
        async with style.transport(Settings(server.url, ca_certs=ca_certs)) as transport:
            outcomes = await style.deliver(transport, post(server, body), post(server))
            assert outcomes == [Response(200, {"x-two": "a, b"}, b"{}")] * 2

    style.run(scenario)
    first, second = server.requests
    assert (first.body, second.body) == (body, b"{}")
    assert (first.connection, second.connection) == (1, 1)
    pseudo = {
        ":method": "POST",
        ":scheme": "https",
        ":path": "/api/1/envelope/",
        ":authority": server.url.split("/")[2],
    }
    named = {name.lower(): value for name, value in AUTH.items()}
    assert second.headers == {**pseudo, **named, "content-length": "2"}


def test_requests_that_are_under_way_share_the_connection(style: Style, server: Http2Server, ca_certs: str) -> None:
    async def scenario() -> None:
        async with style.transport(Settings(server.url, ca_certs=ca_certs)) as transport:
            traffic = Traffic(transport, [post(server)] * 4, eager=True)
            assert transport.later(0.0, traffic.turn)
            await style.until(traffic.settled)
            assert all(isinstance(outcome, Response) for outcome in traffic.outcomes)

    style.run(scenario)
    assert [request.connection for request in server.requests] == [1, 1, 1, 1]


def test_an_http2_connection_that_the_server_ended_costs_no_request(
    style: Style, server: Http2Server, ca_certs: str
) -> None:
    server.hangs_up = True

    async def scenario() -> None:
        async with style.transport(Settings(server.url, ca_certs=ca_certs)) as transport:
            for _ in range(3):
                (outcome,) = await style.deliver(transport, post(server))
                assert isinstance(outcome, Response)

    style.run(scenario)
    assert [request.connection for request in server.requests] == [1, 2, 3]


def test_an_http2_connection_that_fell_silent_is_not_used_again(
    style: Style, server: Http2Server, ca_certs: str
) -> None:
    async def scenario() -> None:
        async with style.transport(Settings(server.url, ca_certs=ca_certs, timeout=0.5)) as transport:
            (answered,) = await style.deliver(transport, post(server))
            assert isinstance(answered, Response)
            server.silent_on = 1
            (unanswered,) = await style.deliver(transport, post(server))
            assert isinstance(unanswered, NoResponse)
            assert isinstance(unanswered.error, TimeoutError)
            assert unanswered.sent
            (answered,) = await style.deliver(transport, post(server))
            assert isinstance(answered, Response)

    style.run(scenario)
    assert [request.connection for request in server.requests] == [1, 1, 2]


def test_http2_goes_through_a_tunnel(style: Style, server: Http2Server, ca_certs: str) -> None:
    async def scenario() -> None:
        async with style.transport(Settings(server.url, ca_certs=ca_certs, proxy=proxy.settings)) as transport:
            (outcome,) = await style.deliver(transport, post(server))
            assert isinstance(outcome, Response)

    with forward_proxy(authorization="Basic bWU6c2VjcmV0") as proxy:
        style.run(scenario)
    (request,) = server.requests
    assert "proxy-authorization" not in request.headers


@pytest.mark.parametrize("own_context", [False, True], ids=["http2=False", "ssl_context"])
def test_without_http2_or_with_a_context_of_the_users_it_is_not_offered(
    authority: trustme.CA, ca_certs: str, own_context: bool
) -> None:
    context = ssl.create_default_context(cafile=ca_certs)
    make = HttpxTransport if own_context else partial(HttpxTransport, http2=False)
    style = Style("httpx", make, STYLE.place, STYLE.habitat)
    with ExitStack() as stack:
        offering = server_context(authority)
        offering.set_alpn_protocols(["h2", "http/1.1"])
        sentry = stack.enter_context(LocalSentry(ssl_context=offering))
        settings = Settings(sentry.url, ca_certs=ca_certs, ssl_context=context if own_context else None)

        async def scenario() -> None:
            async with style.transport(settings) as transport:
                (outcome,) = await style.deliver(transport, event_request(sentry))
                assert isinstance(outcome, Response)

        style.run(scenario)
        assert len(sentry.events) == 1


# -- what httpx would do by itself


def test_the_environment_and_cookies_are_none_of_its_business(
    style: Style, sentry: LocalSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    sentry.always(Answer(200, {"Set-Cookie": "a=b; Path=/"}))

    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            outcomes = await style.deliver(transport, event_request(sentry), event_request(sentry))
            assert [outcome.status for outcome in outcomes if isinstance(outcome, Response)] == [200, 200]

    style.run(scenario)
    assert [request.headers.get("cookie") for request in sentry.requests] == [None, None]


def test_tunnels_that_shake_no_hands_do_not_use_up_the_pool(style: Style, authority: trustme.CA, ca_certs: str) -> None:
    with ExitStack() as stack:
        sentry = stack.enter_context(LocalSentry(ssl_context=server_context(authority)))
        stranger = stack.enter_context(LocalSentry(ssl_context=server_context(trustme.CA())))
        proxy = stack.enter_context(forward_proxy())

        async def scenario() -> None:
            settings = Settings(sentry.url, ca_certs=ca_certs, proxy=proxy.settings, max_in_flight=2)
            async with style.transport(settings) as transport:
                for _ in range(5):
                    (outcome,) = await style.deliver(transport, event_request(stranger))
                    assert isinstance(outcome, NoResponse)
                    assert "certificate" in str(outcome.error)
                    assert not outcome.sent
                (outcome,) = await style.deliver(transport, event_request(sentry))
                assert isinstance(outcome, Response)

        style.run(scenario)
        assert len(sentry.events) == 1


def test_a_failure_of_one_request_leaves_another_that_is_under_way_alone(style: Style, sentry: LocalSentry) -> None:
    sentry.answer(Answer(delay=0.4))
    nowhere = Request("http://127.0.0.1:9/", AUTH, b"{}")

    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            slow, failing = Traffic(transport, [event_request(sentry)]), Traffic(transport, [nowhere])
            assert transport.later(0.0, slow.turn)
            await style.see(sentry, lambda: sentry.requests)
            assert transport.later(0.0, failing.turn)
            await style.until(failing.settled)
            await style.until(slow.settled)
            assert isinstance(failing.outcomes[0], NoResponse)
            assert isinstance(slow.outcomes[0], Response)
            await style.see(sentry, lambda: sentry.open_connections == 0)  # nobody uses that pool any more

    style.run(scenario)
