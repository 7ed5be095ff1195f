"""The same with the libraries of others, which have their own ideas of what is worth saying."""

from __future__ import annotations

import pytest

from asyncsentry.dsn import parse
from asyncsentry.testing import LocalSentry
from discretion.running import SECRET, command, run_discreetly, told


@pytest.mark.parametrize("transport", ["aiohttp", "httpx", "tornado", "threaded+requests"])
def test_a_program_that_says_all_it_can_tells_no_secret(sentry: LocalSentry, transport: str) -> None:
    output = run_discreetly(sentry, transport)
    assert told(output) == []
    assert output.count("listens []") == output.count("listens ") >= 4
    assert "no answer" in output


@pytest.mark.parametrize("transport", ["gevent", "trio", "twisted"])
def test_nor_does_a_command_that_sends_by_one_that_has_no_asyncio_loop(sentry: LocalSentry, transport: str) -> None:
    key, port = parse(sentry.dsn).public_key, sentry.port
    taken = command("test", f"{transport}+http://{key}:{SECRET}@127.0.0.1:{port}/1")
    refused = command("test", f"{transport}+https://{key}:{SECRET}@127.0.0.1:{port}/1")
    assert "The server took it" in taken
    assert "No answer" in refused
    assert told(taken + refused) == []
