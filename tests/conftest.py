"""What all tests share: the SDK's own pytest plugin, which pytest finds by itself only where the wheel is installed."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from typing import Any

import pytest

from asyncsentry.client import Client
from asyncsentry.testing import LocalSentry

pytest_plugins = ["pytester"]

OpenClient = Callable[..., Client[Any]]


def pytest_configure(config: pytest.Config) -> None:
    # A shell has what it runs in the background ignore Ctrl-C, and so would the programs that the tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not config.pluginmanager.has_plugin("asyncsentry"):
        config.pluginmanager.import_plugin("asyncsentry.testing.plugin")


@pytest.fixture
def sentry(sentry: LocalSentry, request: pytest.FixtureRequest) -> Iterator[LocalSentry]:
    """A server whose events Sentry's own normalizer judges in the end, in the session that has it installed."""
    yield sentry
    if find_spec("sentry_relay") and request.node.get_closest_marker("wrong_on_purpose") is None:
        from relay.judge import errors

        assert [errors(event) for event in sentry.events if errors(event)] == []


@pytest.fixture
def open_client(sentry: LocalSentry) -> Iterator[OpenClient]:
    """Makes clients of ``sentry`` with the options given; what they capture has arrived when the capture returns."""
    with ExitStack() as clients:

        def open_client(dsn: str | None = None, **options: Any) -> Client[Any]:
            client: Client[Any] = Client(sentry.dsn_for("urllib") if dsn is None else dsn, **options)
            clients.callback(client.close, 5.0)
            return client

        yield open_client
