"""Plain http through a real forward proxy, in every style."""

from __future__ import annotations

import socket

import pytest

from asyncsentry.errors import SetupError
from asyncsentry.testing import LocalSentry
from asyncsentry.transport.protocol import NoResponse, Request, Response
from asyncsentry.transport.proxy import find_proxy
from asyncsentry.transport.settings import Proxy, Settings
from transports.forward_proxy import forward_proxy
from transports.style import Style, event_request


def test_a_style_that_knows_no_proxies_says_so_at_set_up(style: Style) -> None:
    settings = Settings("http://127.0.0.1:9/", proxy=Proxy("127.0.0.1", 9))
    if style.knows_proxies:
        style.make(settings)
    else:
        with pytest.raises(SetupError, match=r"proxy.*pip install"):
            style.make(settings)


def test_a_plain_request_goes_through_the_proxy(proxy_style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        async with proxy_style.transport(Settings(sentry.url, proxy=proxy.settings)) as transport:
            outcomes = await proxy_style.deliver(transport, event_request(sentry), event_request(sentry))
            assert [outcome.status for outcome in outcomes if isinstance(outcome, Response)] == [200, 200]

    with forward_proxy(authorization="Basic bWU6c2VjcmV0") as proxy:
        proxy_style.run(scenario)
        assert proxy.asked == [f"POST {sentry.url} HTTP/1.1"] * 2
    assert len(sentry.events) == 2
    assert all("proxy-authorization" not in request.headers for request in sentry.requests)


def test_the_proxys_name_may_be_written_in_any_letters(proxy_style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        found = find_proxy(sentry.url, f"http://ｌｏｃａｌｈｏｓｔ:{proxy.port}", None, {})
        async with proxy_style.transport(Settings(sentry.url, proxy=found)) as transport:
            (outcome,) = await proxy_style.deliver(transport, event_request(sentry))
            assert isinstance(outcome, Response)

    with forward_proxy() as proxy:
        proxy_style.run(scenario)
        assert proxy.asked == [f"POST {sentry.url} HTTP/1.1"]


def test_a_proxy_that_wants_to_know_who_we_are_answers_so(proxy_style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        async with proxy_style.transport(Settings(sentry.url, proxy=Proxy("127.0.0.1", proxy.port))) as transport:
            (outcome,) = await proxy_style.deliver(transport, event_request(sentry))
            assert isinstance(outcome, Response)
            assert outcome.status == 407

    with forward_proxy(authorization="Basic bWU6c2VjcmV0") as proxy:
        proxy_style.run(scenario)
    assert sentry.requests == ()


def test_nothing_was_sent_where_the_proxy_refuses_to_connect(proxy_style: Style, sentry: LocalSentry) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    async def scenario() -> None:
        async with proxy_style.transport(Settings(sentry.url, proxy=Proxy("127.0.0.1", port))) as transport:
            (outcome,) = await proxy_style.deliver(transport, event_request(sentry))
            assert isinstance(outcome, NoResponse)
            assert not outcome.sent

    proxy_style.run(scenario)
    assert sentry.requests == ()


def test_nothing_was_sent_where_the_proxy_refuses_a_tunnel(proxy_style: Style) -> None:
    url = "https://sentry.invalid/api/1/envelope/"

    async def scenario() -> None:
        async with proxy_style.transport(Settings(url, proxy=proxy.settings)) as transport:
            (outcome,) = await proxy_style.deliver(transport, Request(url, {"X-Secret": "key"}, b"{}"))
            assert isinstance(outcome, NoResponse)
            assert not outcome.sent

    with forward_proxy(tunnel_answer=b"HTTP/1.1 502 No such host\r\nContent-Length: 0\r\n\r\n") as proxy:
        proxy_style.run(scenario)
        assert [line.rpartition(" ")[0] for line in proxy.asked] == ["CONNECT sentry.invalid:443"]


def test_a_proxy_that_hangs_up_instead_of_making_a_tunnel_failed(proxy_style: Style) -> None:
    url = "https://sentry.invalid/api/1/envelope/"

    async def scenario() -> None:
        async with proxy_style.transport(Settings(url, proxy=proxy.settings)) as transport:
            (outcome,) = await proxy_style.deliver(transport, Request(url, {}, b"{}"))
            assert isinstance(outcome, NoResponse)
            assert not outcome.sent

    with forward_proxy(tunnel_answer=b"") as proxy:
        proxy_style.run(scenario)
