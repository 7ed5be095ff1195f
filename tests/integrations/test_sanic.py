"""What is particular to Sanic."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from sanic import Sanic

from asyncsentry.errors import OptionError
from asyncsentry.integrations.sanic import setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations import asgi_connections
from integrations.asking import Connection, WebSocket
from integrations.frameworks import Framework
from integrations.serving import PATIENCE, Program, Shop, mechanism, outline

MORE = Framework("sanic_more", "sanic")


@pytest.fixture(scope="module")
def open_shop() -> Iterator[Shop]:
    shop = Shop(MORE)
    yield shop
    shop.close()


@pytest.fixture
def shop(open_shop: Shop) -> Shop:
    open_shop.forget()
    return open_shop


def say(shop: Shop, said: bytes) -> bytes:
    """What is answered first to something that need not be a request."""
    host, _, port = urlsplit(shop.url).netloc.partition(":")
    with socket.create_connection((host, int(port)), PATIENCE) as line:
        line.sendall(said)
        return line.recv(1000)


def test_what_is_no_request_is_no_error(shop: Shop) -> None:
    assert b" 400 " in say(shop, b"nonsense\r\n\r\n")
    assert b" 417 " in say(shop, b"POST /echo HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\nExpect: tea\r\n\r\n")
    assert shop.news(0) == []


def test_that_a_client_leaves_is_no_error(shop: Shop) -> None:
    host, _, port = urlsplit(shop.url).netloc.partition(":")
    with socket.create_connection((host, int(port)), PATIENCE) as line:
        line.sendall(b"GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n")
    assert shop.news(0) == []


def test_an_error_handler_of_the_applications_own_answers_whatever_it_likes(shop: Shop) -> None:
    with shop.connect() as connection:  # on one connection, and so in one task
        assert connection.ask("GET", "/fail").status == 500
        assert connection.ask("GET", "/excused").status == 404
        assert connection.ask("GET", "/refused").status == 403
    (event,) = shop.news(1)
    assert (outline(event), mechanism(event)) == ("Broken: fail", ("sanic", True))


def test_what_is_refused_after_the_answer_has_begun_is_an_error(shop: Shop) -> None:
    assert shop.ask("GET", "/late-answer").status == 200
    (event,) = shop.news(1)
    assert (outline(event), mechanism(event)) == ("SanicException: after the start", ("sanic", False))


def test_what_ends_a_websocket_is_reported_if_it_says_so(shop: Shop) -> None:
    for what in ("closed", "refused", "broken"):
        with WebSocket(shop.url, f"/sockets/{what}") as line:
            assert line.hear() is None
    (event,) = shop.news(1)
    assert (outline(event), mechanism(event)) == ("KeyError: 'broken'", ("sanic", False))
    assert event["transaction"] == "/sockets/<what:str>"


def test_what_a_signal_objects_to_is_answered_like_what_a_handler_raises(shop: Shop) -> None:
    assert shop.ask("GET", "/fine?object").status == 409
    assert shop.news(0) == []


def test_a_task_that_is_cancelled_is_no_error(shop: Shop) -> None:
    assert shop.ask("GET", "/tasks").status == 200
    assert shop.news(0) == []


def test_what_happens_in_any_of_several_processes_arrives(sentry: LocalSentry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKERS", "2")
    program = Program(MORE, sentry.dsn)
    try:
        sentry.wait_for(lambda: len(found(sentry, "open")) == 2, PATIENCE, what="two workers")
        with Connection(program.url()) as connection:
            answers = [connection.ask("GET", "/item/7").status for _ in range(4)]
            assert [*answers, connection.ask("GET", "/background").status] == [500] * 4 + [200]
            connection.ask("GET", "/stop")  # a signal may come before Sanic knows that its workers are there
    finally:
        status = program.wait()
    assert status == 0, program.said
    assert found(sentry, "Broken") == ["Broken: background", *["Broken: item"] * 4]
    assert found(sentry, "goodbye") == ["goodbye"] * 2


def test_a_worker_that_does_not_start_says_why_before_it_is_killed(
    sentry: LocalSentry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKERS", "1")
    program = Program(MORE, sentry.dsn, fail="startup")
    assert program.wait() != 0
    assert found(sentry, "Broken") == ["Broken: startup"], program.said


def found(sentry: LocalSentry, beginning: str) -> list[str]:
    return sorted(said for said in map(outline, sentry.events) if said.startswith(beginning))


def test_of_two_set_ups_the_second_counts_until_it_is_taken_off(open_client: OpenClient, sentry: LocalSentry) -> None:
    app = Sanic[Any, Any]("twice")
    app.config.MOTD = False

    @app.get("/fail")
    async def fail(_: object) -> None:
        raise LookupError("nothing there")

    setup(app, client=open_client(environment="first"))
    uninstall = setup(app, client=open_client(environment="second"))
    with pytest.raises(OptionError):
        setup(app, client=open_client(), failed_request_status_codes={5000})

    async def serve(*answers: asgi_connections.Connection) -> None:
        """As a server of ASGI does, which Sanic runs on as well."""
        told = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive() -> dict[str, str]:
            kind = next(told)
            if kind == "lifespan.shutdown":
                for answer in answers:
                    await answer.serve(app, "/fail")
                    uninstall()
            return {"type": kind}

        async def send(message: dict[str, str]) -> None:
            assert message["type"].endswith(".complete")

        await app({"type": "lifespan"}, receive, send)

    reported, unseen = asgi_connections.Connection(), asgi_connections.Connection()
    asyncio.run(serve(reported, unseen))
    assert (reported.status, unseen.status) == (500, 500)
    (event,) = sentry.events
    assert event["environment"] == "second"
    assert reported.headers[b"x-sentry-id"].decode() == event["event_id"]
