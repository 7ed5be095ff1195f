"""TLS in every style, with certificates of our own making."""

from __future__ import annotations

import gc
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest
import trustme

from asyncsentry.errors import OptionError
from asyncsentry.testing import LocalSentry
from asyncsentry.transport.protocol import Cancelled, NoResponse, Request, Response
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import client_context
from extras.openssl_names import openssl_name
from testing.client import AUTH
from transports.forward_proxy import forward_proxy
from transports.scripted import scripted
from transports.style import PATIENCE, Style, Traffic, event_request
from transports.styles import STYLES


@pytest.fixture(params=STYLES, ids=lambda style: style.name)
def style(request: pytest.FixtureRequest) -> Style:
    assert isinstance(request.param, Style)
    return request.param


@pytest.fixture(params=[style for style in STYLES if style.knows_proxies], ids=lambda style: style.name)
def proxy_style(request: pytest.FixtureRequest) -> Style:
    assert isinstance(request.param, Style)
    return request.param


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_certs(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tls") / "Autorität.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


class Servers:
    """Servers with the certificates that a test wants."""

    def __init__(self, authority: trustme.CA, stack: ExitStack) -> None:
        self._authority = authority
        self._stack = stack

    def __call__(
        self,
        name: str = "127.0.0.1",
        *,
        clients: trustme.CA | None = None,
        expired: bool = False,
        asked_for: list[str | None] | None = None,
    ) -> LocalSentry:
        """``clients``: who has to vouch for them. ``asked_for``: gets the name that each names in its first words."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ended = datetime.now(timezone.utc) - timedelta(days=1) if expired else None
        self._authority.issue_cert(name, not_after=ended).configure_cert(context)
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            clients.configure_trust(context)
        if asked_for is not None:
            context.sni_callback = lambda _, asked, __: asked_for.append(asked)
        return self._stack.enter_context(LocalSentry(ssl_context=context))


@pytest.fixture
def serve(authority: trustme.CA) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(authority, stack)
    gc.collect()  # so that nothing complains in another test


def outcome_of(style: Style, settings: Settings, server: LocalSentry) -> Response | NoResponse:
    outcomes: list[Response | NoResponse] = []

    async def scenario() -> None:
        async with style.transport(settings) as transport:
            outcomes.extend(await style.deliver(transport, event_request(server)))

    style.run(scenario)
    return outcomes[0]


def test_a_trusted_server_gets_it_over_one_connection(style: Style, serve: Servers, ca_certs: str) -> None:
    sentry = serve()

    async def scenario() -> None:
        async with style.transport(Settings(sentry.url, ca_certs=ca_certs)) as transport:
            outcomes = await style.deliver(transport, *[event_request(sentry, "secret " * 50_000)] * 3)
            assert all(isinstance(outcome, Response) for outcome in outcomes)

    style.run(scenario)
    assert len(sentry.events) == 3
    assert sentry.connections == (1 if style.keeps_connections else 3)


def test_an_idle_connection_that_the_server_closed_costs_no_request(
    style: Style, serve: Servers, ca_certs: str
) -> None:
    sentry = serve()

    async def scenario() -> None:
        async with style.transport(Settings(sentry.url, ca_certs=ca_certs)) as transport:
            for _ in range(3):
                (outcome,) = await style.deliver(transport, event_request(sentry))
                assert isinstance(outcome, Response)
                sentry.drop_connections()

    style.run(scenario)
    assert len(sentry.events) == 3


def test_closing_leaves_no_connection_behind(style: Style, serve: Servers, ca_certs: str) -> None:
    sentry = serve()
    assert isinstance(outcome_of(style, Settings(sentry.url, ca_certs=ca_certs), sentry), Response)
    sentry.wait_for(lambda: sentry.open_connections == 0)


def test_a_close_in_the_midst_of_a_handshake_leaves_nothing(style: Style) -> None:
    """The server says nothing."""
    reached, gone = Future[None](), Future[None]()
    outcomes: list[Response | NoResponse] = []

    def silence(connected: socket.socket) -> None:
        connected.recv(1)
        reached.set_result(None)
        with suppress(ConnectionResetError):
            while connected.recv(65536):
                pass
        gone.set_result(None)

    async def scenario() -> None:
        threads = set(threading.enumerate())
        transport = style.make(Settings(url, timeout=PATIENCE, verify_ssl=False))
        traffic = Traffic(transport, [Request(url, AUTH, b"{}")])
        if style.in_place:
            threading.Thread(target=transport.later, args=(0.0, traffic.turn)).start()
        else:
            assert transport.later(0.0, traffic.turn)
        await style.until(reached)
        assert not await style.close(transport, Future(), 0.0)
        await style.until(traffic.settled)
        outcomes.extend(traffic.outcomes)
        assert style.place.others() == []
        await style.until(gone)
        ours = [thread for thread in set(threading.enumerate()) - threads if thread.name.startswith("asyncsentry")]
        for thread in ours:
            await style.place.aside(partial(thread.join, PATIENCE / 2))
        assert not any(thread.is_alive() for thread in ours)

    with scripted(silence) as port:
        url = f"https://127.0.0.1:{port}/api/1/envelope/"
        style.run(scenario)
    (outcome,) = outcomes
    assert isinstance(outcome, NoResponse)
    assert isinstance(outcome.error, Cancelled)
    assert not outcome.sent


def test_a_server_of_another_name_gets_nothing(style: Style, serve: Servers, ca_certs: str) -> None:
    sentry = serve("elsewhere.example")
    refused = outcome_of(style, Settings(sentry.url, ca_certs=ca_certs), sentry)
    assert isinstance(refused, NoResponse)
    assert "certificate" in str(refused.error).lower()
    assert not refused.sent
    assert sentry.requests == ()


def test_a_server_of_an_unknown_authority_gets_nothing(style: Style, serve: Servers) -> None:
    sentry = serve()
    refused = outcome_of(style, Settings(sentry.url), sentry)
    assert isinstance(refused, NoResponse)
    assert "certificate" in str(refused.error).lower()
    assert not refused.sent
    assert sentry.requests == ()


def test_a_server_whose_certificate_has_expired_gets_nothing(style: Style, serve: Servers, ca_certs: str) -> None:
    sentry = serve(expired=True)
    refused = outcome_of(style, Settings(sentry.url, ca_certs=ca_certs), sentry)
    assert isinstance(refused, NoResponse)
    assert "expired" in str(refused.error).lower()
    assert not refused.sent
    assert sentry.requests == ()


def test_the_server_is_told_by_which_name_it_is_wanted(style: Style, serve: Servers, ca_certs: str) -> None:
    asked_for: list[str | None] = []
    sentry = serve("localhost", asked_for=asked_for)
    url = sentry.url.replace("127.0.0.1", "localhost")
    outcomes: list[Response | NoResponse] = []

    async def scenario() -> None:
        async with style.transport(Settings(url, ca_certs=ca_certs)) as transport:
            outcomes.extend(await style.deliver(transport, replace(event_request(sentry), url=url)))

    style.run(scenario)
    assert isinstance(outcomes[0], Response), outcomes
    assert asked_for == ["localhost"]


def test_a_server_that_speaks_no_tls_gets_nothing(style: Style, sentry: LocalSentry, ca_certs: str) -> None:
    url = sentry.url.replace("http:", "https:")
    with LocalSentry() as named:
        request_goes_to = replace(Settings(url), ca_certs=ca_certs)
        outcomes: list[Response | NoResponse] = []

        async def scenario() -> None:
            async with style.transport(request_goes_to) as transport:
                request = replace(event_request(named), url=url)
                outcomes.extend(await style.deliver(transport, request))

        style.run(scenario)
    (refused,) = outcomes
    assert isinstance(refused, NoResponse)
    assert not refused.sent
    assert sentry.events == ()


def test_verification_may_be_turned_off(style: Style, serve: Servers) -> None:
    sentry = serve("elsewhere.example")
    assert isinstance(outcome_of(style, Settings(sentry.url, verify_ssl=False), sentry), Response)


@pytest.mark.parametrize(
    ("name", "verify", "check_hostname"),
    [
        ("127.0.0.1", ssl.CERT_REQUIRED, True),
        ("elsewhere.example", ssl.CERT_REQUIRED, False),
        ("elsewhere.example", ssl.CERT_NONE, False),
    ],
    ids=["strict", "any-name", "lax"],
)
def test_a_context_of_the_users_is_used_as_it_is(
    style: Style, serve: Servers, authority: trustme.CA, name: str, verify: ssl.VerifyMode, check_hostname: bool
) -> None:
    sentry = serve(name)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = check_hostname, verify
    if verify == ssl.CERT_REQUIRED:
        authority.configure_trust(context)
    settings = Settings(sentry.url, ssl_context=context)
    if style.takes_contexts:
        assert isinstance(outcome_of(style, settings, sentry), Response)
        assert (context.check_hostname, context.verify_mode) == (check_hostname, verify)
    else:
        with pytest.raises(OptionError, match="ssl_context"):
            style.make(settings)


@pytest.mark.parametrize("key_apart", [False, True], ids=["one-file", "two-files"])
def test_a_client_certificate_is_shown(
    style: Style, serve: Servers, authority: trustme.CA, ca_certs: str, tmp_path: Path, key_apart: bool
) -> None:
    sentry = serve(clients=authority)
    certificate = authority.issue_cert("client.example")
    chain, key = str(tmp_path / "Zeugnis für uns.pem"), str(tmp_path / "Schlüssel.pem")
    if key_apart:
        certificate.cert_chain_pems[0].write_to_path(chain)
        certificate.private_key_pem.write_to_path(key)
    else:
        certificate.private_key_and_cert_chain_pem.write_to_path(chain)
    settings = Settings(sentry.url, ca_certs=ca_certs, cert_file=chain, key_file=key if key_apart else None)
    assert isinstance(outcome_of(style, settings, sentry), Response)
    assert isinstance(outcome_of(style, Settings(sentry.url, ca_certs=ca_certs), sentry), NoResponse)
    assert len(sentry.events) == 1


def test_a_tunnel_through_a_proxy_carries_tls(proxy_style: Style, serve: Servers, ca_certs: str) -> None:
    sentry = serve()
    with forward_proxy(authorization="Basic bWU6c2VjcmV0") as proxy:
        settings = Settings(sentry.url, ca_certs=ca_certs, proxy=proxy.settings)
        assert isinstance(outcome_of(proxy_style, settings, sentry), Response)
        authority = sentry.url.split("/")[2]
        assert [line.rpartition(" ")[0] for line in proxy.asked] == [f"CONNECT {authority}"]
    assert len(sentry.events) == 1
    assert "proxy-authorization" not in sentry.requests[0].headers


def test_a_proxy_that_wants_to_know_who_we_are_makes_no_tunnel(
    proxy_style: Style, serve: Servers, ca_certs: str
) -> None:
    sentry = serve()
    with forward_proxy(authorization="Basic bWU6c2VjcmV0") as proxy:
        settings = Settings(sentry.url, ca_certs=ca_certs, proxy=replace(proxy.settings, authorization=None))
        refused = outcome_of(proxy_style, settings, sentry)
    assert isinstance(refused, NoResponse)
    assert "407" in str(refused.error)
    assert not refused.sent
    assert sentry.connections == 0


def test_authorities_may_be_a_folder(style: Style, serve: Servers, authority: trustme.CA, tmp_path: Path) -> None:
    sentry = serve()
    settings = Settings(sentry.url, ca_certs=str(tmp_path))
    authority.cert_pem.write_to_path(str(tmp_path / openssl_name(authority)))
    assert isinstance(outcome_of(style, settings, sentry), Response)
    stranger = trustme.CA()
    (tmp_path / openssl_name(authority)).rename(tmp_path / openssl_name(stranger))
    assert isinstance(outcome_of(style, settings, sentry), NoResponse)
    assert len(sentry.events) == 1


def test_the_platforms_authorities_are_trusted_by_default() -> None:
    context = client_context(Settings("https://sentry.invalid/"))
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_every_style_is_among_those_that_were_tested() -> None:
    names = {style.name for style in STYLES}
    assert names >= {"urllib", "threaded", "asyncio", "asyncio-uvloop", "aiohttp", "aiohttp-uvloop", "auto", "twisted"}
    assert names >= {"httpx", "httpx-http1", "httpx-uvloop", "tornado", "tornado-curl", "gevent", "trio", "trio-guest"}
