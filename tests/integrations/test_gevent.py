"""What is particular to gevent: hubs of several threads, what is an error and what is none, contexts of greenlets."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from pathlib import Path
from typing import Any

import gevent
import gevent.monkey
import gevent.pool
import pytest
import trustme
from gevent._hub_local import get_hub_if_exists
from gevent.hub import Hub
from gevent.pywsgi import WSGIServer
from gevent.server import StreamServer
from gevent.socket import create_connection

from asyncsentry import own
from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.integrations import gevent as integration
from asyncsentry.integrations.gevent import setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.frameworks import GEVENT
from integrations.programs.shop import Broken
from integrations.serving import mechanism, outline

UNHANDLED = ("gevent", False)
PATIENCE = 10.0


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


@pytest.fixture
def watched(client: Client[Any]) -> Iterator[Client[Any]]:
    """The client for which gevent is set up, where this thread has its hub: some tests make it do something at once."""
    gevent.get_hub()
    uninstall = setup(client=client)
    yield client
    uninstall()
    assert "handle_error" not in vars(gevent.get_hub())


def fail(error: BaseException) -> None:
    raise error


def die(error: BaseException) -> gevent.Greenlet[..., None]:
    """A greenlet that has died of an error."""
    greenlet = gevent.spawn(fail, error)
    greenlet.join()
    return greenlet


def errors(sentry: LocalSentry) -> list[str]:
    return [outline(event) for event in sentry.events]


def in_a_thread(work: Callable[[], Any]) -> Any:
    """What a function gives in a thread that has a hub of its own, if it needs one."""
    found: list[Any] = []

    def run() -> None:
        found.append(work())
        hub = get_hub_if_exists()
        if hub is not None:
            hub.destroy()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


# -- errors


def test_an_error_that_ends_a_greenlet_is_reported_once_with_what_was_known_there(
    watched: Client[Any], sentry: LocalSentry
) -> None:
    def work() -> None:
        watched.set_tag("a", 1)
        raise Broken("work")

    with pytest.raises(Broken) as caught:
        gevent.spawn(work).get()
    assert watched.capture_exception(caught.value) == sentry.events[0]["event_id"]
    (event,) = sentry.events
    assert (outline(event), mechanism(event)) == ("Broken: work", UNHANDLED)
    assert event["tags"] == {"a": "1"}
    assert event["exception"]["values"][0]["stacktrace"]["frames"][-1]["function"].endswith("work")


def test_what_ends_a_greenlet_on_purpose_is_no_error(watched: Client[Any], sentry: LocalSentry) -> None:
    die(gevent.GreenletExit())
    asleep = gevent.spawn(gevent.sleep, PATIENCE)
    gevent.sleep()
    asleep.kill()
    for error in (SystemExit(3), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            die(error)
    assert not sentry.events


def test_a_timeout_that_nobody_caught_is_an_error(watched: Client[Any], sentry: LocalSentry) -> None:
    die(gevent.Timeout(1))
    assert errors(sentry) == ["Timeout: 1 second"]


def test_what_a_hub_is_told_to_take_for_no_error_is_none(watched: Client[Any], sentry: LocalSentry) -> None:
    hub = gevent.get_hub()
    hub.NOT_ERROR = (*Hub.NOT_ERROR, KeyError)
    try:
        die(KeyError())
    finally:
        del hub.NOT_ERROR
    die(KeyError("now"))
    assert errors(sentry) == ["KeyError: 'now'"]


def test_callbacks_of_loops_and_of_greenlets_are_heard(watched: Client[Any], sentry: LocalSentry) -> None:
    gevent.get_hub().loop.run_callback(fail, Broken("callback"))
    greenlet = gevent.spawn(int)
    greenlet.link(lambda _: fail(Broken("link")))
    greenlet.join()
    gevent.spawn_raw(fail, Broken("raw"))
    gevent.sleep(0.01)
    assert sorted(errors(sentry)) == ["Broken: callback", "Broken: link", "Broken: raw"]


def test_an_error_in_the_pool_is_for_whoever_asked_for_its_result(watched: Client[Any], sentry: LocalSentry) -> None:
    with pytest.raises(Broken):
        gevent.get_hub().threadpool.apply(fail, (Broken("pool"),))
    assert not sentry.events


def test_what_goes_on_in_the_main_greenlet_is_for_whoever_is_there(watched: Client[Any], sentry: LocalSentry) -> None:
    hub = gevent.get_hub()
    with pytest.raises(Broken):
        gevent.spawn(lambda: hub.handle_error(None, Broken, Broken("main"), None)).join()
    assert not sentry.events


def test_an_error_may_be_told_as_what_is_being_handled_or_as_a_text(watched: Client[Any], sentry: LocalSentry) -> None:
    hub = gevent.get_hub()
    try:
        raise Broken("handled")
    except Broken:
        hub.handle_error("here", None, None, None)
    hub.handle_error("here", Broken, "a text", None)  # as Cython does
    assert errors(sentry) == ["Broken: handled"]


def test_the_sdk_s_own_errors_are_not_reported(watched: Client[Any], sentry: LocalSentry) -> None:
    def work() -> None:
        die(Broken("ours"))

    own.work(work)
    assert not sentry.events


def test_each_thread_s_hub_is_watched(watched: Client[Any], sentry: LocalSentry) -> None:
    in_a_thread(lambda: die(Broken("thread")) and None)
    assert errors(sentry) == ["Broken: thread"]


# -- set-up


def test_set_up_twice_it_reports_once_to_whom_it_was_set_up_for_last(
    open_client: OpenClient, sentry: LocalSentry
) -> None:
    first, second = open_client(environment="first"), open_client(environment="second")
    uninstall_first, uninstall_second = setup(client=first), setup(client=second)
    die(Broken("both"))
    uninstall_first()
    die(Broken("second"))
    uninstall_second()
    die(Broken("nobody"))
    assert [(outline(event), event["environment"]) for event in sentry.events] == [
        ("Broken: both", "second"),
        ("Broken: second", "second"),
    ]
    assert "handle_error" not in vars(gevent.get_hub())


def test_of_two_set_ups_for_one_client_the_second_goes_on_when_the_first_is_taken_off(
    client: Client[Any], sentry: LocalSentry
) -> None:
    first, second = setup(client=client), setup(client=client)
    first()
    die(Broken("second"))
    second()
    die(Broken("nobody"))
    assert errors(sentry) == ["Broken: second"]


def test_the_application_s_own_handler_is_called_and_is_there_again(client: Client[Any], sentry: LocalSentry) -> None:
    told: list[object] = []
    hub = gevent.get_hub()
    own_handler = vars(hub)["handle_error"] = lambda *args: told.append(args[2])
    try:
        uninstall = setup(client=client)
        die(error := Broken("both"))
        uninstall()
        assert vars(hub)["handle_error"] is own_handler
    finally:
        del vars(hub)["handle_error"]
    assert told == [error]
    assert errors(sentry) == ["Broken: both"]


def test_a_handler_that_was_set_since_stays(client: Client[Any], sentry: LocalSentry) -> None:
    hub = gevent.get_hub()
    uninstall = setup(client=client)
    ours = vars(hub)["handle_error"]
    theirs = vars(hub)["handle_error"] = lambda *args: ours(*args)
    uninstall()
    try:
        assert vars(hub)["handle_error"] is theirs
        die(Broken("nobody hears"))
    finally:
        del vars(hub)["handle_error"]
    assert not sentry.events


def test_of_a_hub_that_is_gone_nothing_is_left_to_do(watched: Client[Any], sentry: LocalSentry) -> None:
    hub: Any = type("Hub", (), {})()
    watching = integration._hubs
    watching.add(hub)
    handler = vars(hub)["handle_error"]
    del hub
    handler("here", Broken, Broken(), None)
    handler.uninstall()
    assert not sentry.events


def test_it_may_be_set_up_where_no_hub_is_yet(client: Client[Any], sentry: LocalSentry) -> None:
    def work() -> None:
        uninstall = setup(client=client)
        assert get_hub_if_exists() is None
        die(Broken("hub"))
        uninstall()

    in_a_thread(work)
    assert errors(sentry) == ["Broken: hub"]


def test_a_mistake_is_an_error_at_set_up(client: Client[Any]) -> None:
    with pytest.raises(OptionError):
        setup(client=client, failed_request_status_codes=[5])
    assert "handle_error" not in vars(gevent.get_hub())


def test_what_was_captured_before_there_is_a_hub_is_sent_once_there_is_one(sentry: LocalSentry) -> None:
    early: Client[Any] = Client(sentry.dsn_for("gevent"))

    def work() -> None:
        uninstall = setup(client=early)
        early.capture_message("early")
        assert get_hub_if_exists() is None
        gevent.spawn(int).join()
        deadline = time.monotonic() + PATIENCE
        while not sentry.events and time.monotonic() < deadline:
            gevent.sleep(0.001)
        uninstall()

    in_a_thread(work)
    assert errors(sentry) == ["early"]
    early.close()


# -- contexts


def test_a_greenlet_knows_what_was_known_where_it_was_spawned(watched: Client[Any], sentry: LocalSentry) -> None:
    def note(number: int) -> None:
        gevent.sleep()
        watched.set_tag(f"t{number}", number)

    with watched.isolation_scope():
        gevent.joinall([gevent.spawn(note, 0), gevent.spawn_later(0.001, note, 1)])
        gevent.pool.Pool(2).map(note, [2, 3])
        list(gevent.pool.Group().imap_unordered(note, [4]))
        watched.capture_message("request")
    watched.capture_message("after")
    tags = {outline(event): event.get("tags", {}) for event in sentry.events}
    assert tags == {"request": {f"t{number}": str(number) for number in range(5)}, "after": {}}


def test_siblings_stay_apart_where_nobody_opened_a_scope(watched: Client[Any]) -> None:
    def work(name: str) -> Any:
        for _ in range(3):
            watched.set_tag(name, 1)
            gevent.sleep()
        return watched.get_isolation_scope().tags

    def program() -> None:
        watched.set_tag("main", 0)
        found = [greenlet.get() for greenlet in [gevent.spawn(work, name) for name in "ab"]]
        assert found == [{"main": 0, name: 1} for name in "ab"]
        assert watched.get_isolation_scope().tags == {"main": 0}

    Context().run(program)


def test_a_context_that_a_greenlet_was_given_stays_its_own(watched: Client[Any]) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="none")
    greenlet = gevent.Greenlet(variable.get)
    greenlet.gr_context = context = copy_context()
    context.run(variable.set, "given")
    variable.set("spawner's")
    greenlet.start()
    assert greenlet.get() == "given"
    assert gevent.spawn(variable.get).get() == "spawner's"


def test_raw_greenlets_and_the_pool_carry_a_context_where_they_are_given_one(watched: Client[Any]) -> None:
    found: list[Any] = []

    def look() -> None:
        found.append(watched.scopes.known().tags)

    with watched.isolation_scope():
        watched.set_tag("request", 1)
        gevent.spawn_raw(look)
        gevent.spawn_raw(copy_context().run, look)
        gevent.sleep(0.01)
        gevent.get_hub().threadpool.apply(look)
        gevent.get_hub().threadpool.apply(copy_context().run, (look,))
    assert found == [{}, {"request": 1}, {}, {"request": 1}]


# -- servers


def address_of(server: StreamServer) -> tuple[str, int]:
    assert isinstance(server.address, tuple)
    return server.address


def ask(server: StreamServer, path: str = "/", *, times: int = 1) -> list[bytes]:
    """The status lines of the answers to requests on one connection."""
    with create_connection(address_of(server), PATIENCE) as connection, connection.makefile("rwb") as stream:
        answers, length = [], 0
        for _ in range(times):
            stream.write(f"GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n".encode())
            stream.flush()
            answers.append(stream.readline())
            while (line := stream.readline().lower()) not in (b"\r\n", b""):
                length = int(line.split()[1]) if line.startswith(b"content-length") else length
            stream.read(length)
        return answers


def serve(application: Any) -> WSGIServer:
    server = WSGIServer(("127.0.0.1", 0), application, log=None)
    server.start()
    return server


def broken(environ: Any, start: Any) -> Any:
    raise Broken(environ["PATH_INFO"])


def test_an_error_of_a_server_that_nobody_watches_is_reported_with_its_request(
    watched: Client[Any], sentry: LocalSentry
) -> None:
    server = serve(broken)
    assert ask(server, "/item")[0].split()[1] == b"500"
    server.stop()
    (event,) = sentry.events
    assert (outline(event), mechanism(event)) == ("Broken: /item", UNHANDLED)
    assert (event["transaction"], event["request"]["url"]) == ("/item", "http://shop.example/item")


def test_requests_on_one_connection_have_scopes_of_their_own(client: Client[Any], sentry: LocalSentry) -> None:
    def application(environ: Any, start: Any) -> Any:
        client.set_tag(environ["PATH_INFO"].strip("/"), 1)
        gevent.spawn(client.set_tag, "spawned", len(sentry.events)).join()
        client.capture_message("request")
        start("200 OK", [("Content-Length", "0")])
        return []

    server = serve(application)
    uninstall = setup(client=client, server=server)
    assert len(ask(server, "/item", times=2)) == 2
    server.stop()
    uninstall()
    assert [event["tags"] for event in sentry.events] == [{"item": "1", "spawned": str(number)} for number in (0, 1)]


def test_a_server_is_set_up_once_and_is_as_it_was_afterwards(client: Client[Any], sentry: LocalSentry) -> None:
    server = serve(broken)
    first = setup(client=client, server=server)
    once = server.application
    second = setup(client=client, server=server)
    first()
    assert server.application is not once
    ask(server)
    server.stop()
    second()
    assert server.application is broken
    second()
    assert errors(sentry) == ["Broken: /"]


@pytest.fixture
def secure() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_a_client_that_does_not_speak_tls_is_no_error(
    watched: Client[Any], sentry: LocalSentry, secure: ssl.SSLContext
) -> None:
    server = StreamServer(("127.0.0.1", 0), lambda *_: fail(Broken("handler")), ssl_context=secure)
    server.start()
    with create_connection(address_of(server), PATIENCE) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with suppress(ConnectionResetError):
            plain.recv(100)
    assert not sentry.events
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    talk = gevent.get_hub().threadpool.spawn(handshake, context, address_of(server))
    talk.wait(PATIENCE)
    gevent.sleep(0.01)
    server.stop()
    assert errors(sentry) == ["Broken: handler"]


def handshake(context: ssl.SSLContext, address: tuple[str, int]) -> None:
    with socket.create_connection(address, PATIENCE) as plain, context.wrap_socket(plain) as secure:
        secure.recv(1)


# -- a program that is patched

PATCHED = """
from gevent import monkey
monkey.patch_all()
import threading
import asyncsentry
from asyncsentry.integrations.gevent import setup

uninstall = setup()

def work(name):
    asyncsentry.set_tag("name", name)
    raise ValueError(name)

asyncsentry.set_tag("main", 1)
threads = [threading.Thread(target=work, args=name) for name in "ab"]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(asyncsentry.flush(20))
"""


def test_in_a_patched_program_threads_are_greenlets_and_report_once(tmp_path: Path, sentry: LocalSentry) -> None:
    (tmp_path / "program.py").write_text(PATCHED, encoding="utf-8")
    environment = {**os.environ, "SENTRY_DSN": sentry.dsn_for("gevent"), "SENTRY_RELEASE": "shop@1"}
    done = subprocess.run(
        [sys.executable, *GEVENT, "program.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        timeout=50,
        check=True,
    )
    assert done.stdout == b"True\n"
    found = sorted((outline(event), event["tags"]["name"], mechanism(event)[0]) for event in sentry.events)
    assert found == [("ValueError: a", "a", "threading"), ("ValueError: b", "b", "threading")]
