"""The SDK does not report itself: what goes wrong in sending is not logged as an error, which would be captured."""

from __future__ import annotations

import logging

import pytest

from asyncsentry.testing import Hang, LocalSentry, Reset
from asyncsentry.testing.answers import Answer, Reply
from asyncsentry.transport.protocol import Request
from asyncsentry.transport.settings import Settings
from testing.client import AUTH
from transports.style import PATIENCE, Style, Traffic, done, event_request

FAULTS: list[Reply] = [
    Reset("start"),
    Reset("request"),
    Reset("answer"),
    Answer(400, body=b"x" * 1_000_000),
    Answer(200, {"Content-Length": "100"}, b"too short"),
    Answer(200, {"Content-Length": "nonsense"}),
    Hang(),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_no_fault_of_the_servers_is_logged_as_an_error(
    style: Style, sentry: LocalSentry, caplog: pytest.LogCaptureFixture, fault: Reply
) -> None:
    sentry.answer(fault)

    async def scenario() -> None:
        async with style.transport(Settings(sentry.url, timeout=0.3)) as transport:
            await style.deliver(transport, event_request(sentry))
            await style.place.pause(0.05)

    style.run(scenario)
    assert errors(caplog) == []


def test_no_failure_to_connect_is_logged_as_an_error(
    style: Style, sentry: LocalSentry, caplog: pytest.LogCaptureFixture
) -> None:
    secure = sentry.url.replace("http:", "https:")  # it speaks no TLS

    async def scenario() -> None:
        for url in ("http://127.0.0.1:9/", "http://nowhere.invalid/", secure):
            async with style.transport(Settings(url, timeout=PATIENCE)) as transport:
                await style.deliver(transport, Request(url, AUTH, b"{}"))
                await style.place.pause(0.05)

    style.run(scenario)
    assert errors(caplog) == []


def test_closing_in_the_midst_of_requests_is_not_logged_as_an_error(
    loop_style: Style, sentry: LocalSentry, caplog: pytest.LogCaptureFixture
) -> None:
    sentry.always(Hang())

    async def scenario() -> None:
        transport = loop_style.make(Settings(sentry.url, timeout=PATIENCE))
        traffic = Traffic(transport, [event_request(sentry)] * 4, eager=True)
        assert transport.later(0.0, traffic.turn)
        await loop_style.see(sentry, lambda: len(sentry.requests) == 4)
        await loop_style.close(transport, done(), 0.0)
        await loop_style.place.pause(0.05)

    loop_style.run(scenario)
    assert errors(caplog) == []


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
