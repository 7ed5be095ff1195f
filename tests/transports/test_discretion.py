"""No secret of a request is in what a library says of it, in every style, however much is logged."""

from __future__ import annotations

import logging

import pytest

from asyncsentry.testing import LocalSentry
from asyncsentry.transport.protocol import NoResponse, Request, Response
from asyncsentry.transport.settings import Proxy, Settings
from testing.client import AUTH, event_envelope
from transports.forward_proxy import forward_proxy
from transports.scripted import answer, scripted
from transports.style import Style

SECRET = "quince4711secret"
PROXYS = "Basic quince4711password"


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """All that is logged at all."""
    caplog.set_level(logging.DEBUG)
    return caplog


def deliver(style: Style, settings: Settings) -> Response | NoResponse:
    """What becomes of a request with secrets."""
    headers = {**AUTH, "X-Sentry-Auth": f"{AUTH['X-Sentry-Auth']}, sentry_secret={SECRET}"}
    outcomes: list[Response | NoResponse] = []

    async def scenario() -> None:
        async with style.transport(settings) as transport:
            outcomes.extend(await style.deliver(transport, Request(settings.url, headers, event_envelope("hi"))))

    style.run(scenario)
    return outcomes[0]


def test_what_is_logged_of_a_good_request_holds_no_secret(
    style: Style, sentry: LocalSentry, log: pytest.LogCaptureFixture
) -> None:
    outcome = deliver(style, Settings(sentry.url))
    assert isinstance(outcome, Response)
    assert f"sentry_secret={SECRET}" in sentry.requests[0].headers["x-sentry-auth"]
    assert "quince" not in repr(outcome) + log.text


def test_what_is_said_of_an_answer_that_is_none_holds_no_secret(style: Style, log: pytest.LogCaptureFixture) -> None:
    with scripted(answer(b"HTTP/0.1 what?\r\n\r\n")) as port:
        outcome = deliver(style, Settings(f"http://127.0.0.1:{port}/api/1/envelope/"))
    assert isinstance(outcome, NoResponse)
    assert "quince" not in repr(outcome) + str(outcome.error) + log.text


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_is_said_of_a_proxy_that_refuses_holds_no_secret(
    proxy_style: Style, log: pytest.LogCaptureFixture, scheme: str
) -> None:
    url = f"{scheme}://sentry.invalid/api/1/envelope/"
    with forward_proxy(authorization="Basic another") as proxy:
        outcome = deliver(proxy_style, Settings(url, proxy=Proxy("127.0.0.1", proxy.port, PROXYS)))
    assert len(proxy.asked) == 1
    assert isinstance(outcome, NoResponse if scheme == "https" else Response)
    error = str(outcome.error) if isinstance(outcome, NoResponse) else ""
    assert "quince" not in repr(outcome) + error + log.text
