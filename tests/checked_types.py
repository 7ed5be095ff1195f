"""What type checkers find out about clients: they check this file, and nobody runs it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Generator
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred

import asyncsentry
from asyncsentry.client import Client
from asyncsentry.transport.protocol import Transport
from asyncsentry.transport.settings import Settings
from asyncsentry.wrapping import Capturing
from asyncsentry_transports.asyncio import AsyncioTransport
from asyncsentry_transports.gevent import GeventTransport
from asyncsentry_transports.threaded import ThreadedTransport
from asyncsentry_transports.twisted import TwistedTransport
from asyncsentry_transports.urllib import UrllibTransport

if TYPE_CHECKING:
    from typing_extensions import assert_type


def make_threaded(settings: Settings) -> ThreadedTransport:
    return ThreadedTransport(settings)


def a_client_waits_in_the_style_of_its_transport(settings: Settings, instance: Transport[Awaitable[bool]]) -> None:
    assert_type(Client("dsn", transport=UrllibTransport).wait(), bool)
    assert_type(Client("dsn", transport=make_threaded).wait(5.0), bool)
    assert_type(Client("dsn", transport=UrllibTransport(settings)).wait(), bool)
    assert_type(Client("dsn", transport=AsyncioTransport), Client[Awaitable[bool]])
    assert_type(Client("dsn", transport=TwistedTransport), Client[Deferred[bool]])
    assert_type(Client("dsn", transport=GeventTransport), Client[bool])
    assert_type(Client("dsn", transport=instance), Client[Awaitable[bool]])
    assert_type(Client("dsn", transport="threaded").wait(), Any)
    assert_type(Client("dsn"), Client[Any])
    assert_type(Client("dsn", transport=UrllibTransport).transport, Transport[bool] | None)


def init_gives_the_same(dsn: str | None) -> None:
    assert_type(asyncsentry.init(dsn, transport=ThreadedTransport), Client[bool])
    assert_type(asyncsentry.init(dsn, transport=AsyncioTransport, sample_rate=0.5), Client[Awaitable[bool]])
    assert_type(asyncsentry.init(dsn, transport="aiohttp"), Client[Any])
    assert_type(asyncsentry.init(), Client[Any])
    assert_type(asyncsentry.get_client(), Client[Any])


async def what_is_awaited_is_typed(client: Client[Awaitable[bool]]) -> None:
    assert_type(await client.wait(), bool)


async def the_functions_are_typed() -> None:
    assert_type(asyncsentry.capture_exception(level="warning", tags={"a": 1}), str | None)
    assert_type(asyncsentry.capture_message("text", user={"id": 1}), str | None)
    assert_type(asyncsentry.flush(), bool)
    assert_type(await asyncsentry.flush_async(1.0), bool)
    with asyncsentry.new_scope() as scope:
        assert_type(scope, asyncsentry.Scope)


@asyncsentry.capture_exceptions
def function(number: int) -> str:
    return str(number)


@asyncsentry.capture_exceptions(ValueError, KeyError)
async def coroutine(number: int) -> str:
    return str(number)


@asyncsentry.capture_exceptions()
def generator() -> Generator[int, str, bytes]:
    yield 1
    return b""


@asyncsentry.get_client().capture_exceptions
async def async_generator() -> AsyncGenerator[int, str]:
    yield 1


async def what_is_decorated_keeps_its_type() -> None:
    assert_type(function(1), str)
    assert_type(await coroutine(number=1), str)
    assert_type(generator(), Generator[int, str, bytes])
    assert_type(async_generator(), AsyncGenerator[int, str])
    assert_type(asyncsentry.capture_exceptions(), Capturing)
    assert_type(asyncsentry.capture_exceptions(ValueError), Capturing)
