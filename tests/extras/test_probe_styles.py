"""``asyncsentry test`` in the styles that need a package: each lives where it has to."""

from __future__ import annotations

import pytest

from asyncsentry.testing import Hang, LocalSentry
from cli.conftest import Command, asyncsentry

__all__ = ["asyncsentry"]

STYLES = ["aiohttp", "gevent", "httpx", "requests", "threaded+requests", "tornado", "trio", "twisted"]


@pytest.mark.parametrize("transport", STYLES)
def test_a_server_that_takes_the_message_is_a_success(
    asyncsentry: Command, sentry: LocalSentry, transport: str
) -> None:
    done = asyncsentry("test", sentry.dsn_for(transport))
    (event,) = sentry.events
    assert (done.returncode, done.stderr) == (0, "")
    assert event["event_id"] in done.stdout


@pytest.mark.parametrize("transport", STYLES)
def test_a_server_that_never_answers_is_no_success(asyncsentry: Command, sentry: LocalSentry, transport: str) -> None:
    sentry.always(Hang())
    done = asyncsentry("test", sentry.dsn_for(transport, timeout=0.2))
    assert done.returncode == 1
    assert "No answer: " in done.stderr
