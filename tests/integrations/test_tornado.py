"""What is particular to Tornado: handlers' own methods, streamed bodies, callbacks, its logs, clients that go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any, ClassVar

import pytest
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerRequest
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.iostream import StreamClosedError
from tornado.log import app_log
from tornado.netutil import bind_sockets
from tornado.routing import HostMatches, Matcher, Rule, RuleRouter
from tornado.simple_httpclient import HTTPStreamClosedError
from tornado.web import Application, HTTPError, RequestHandler, stream_request_body
from tornado.websocket import WebSocketHandler, websocket_connect

from asyncsentry import hooks
from asyncsentry.client import Client
from asyncsentry.hooks import Uninstall
from asyncsentry.integrations import _tornado_handler
from asyncsentry.integrations.tornado import setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.programs.shop import Broken
from integrations.serving import PATIENCE, mechanism, outline

HANDLED, UNHANDLED = ("tornado", True), ("tornado", False)

Visit = Callable[[str], Awaitable[None]]
SetUp = Callable[..., Uninstall]


class Fine(RequestHandler):
    def get(self) -> None:
        self.write("fine")


class Fail(RequestHandler):
    def get(self, *_: str) -> None:
        raise Broken("fail")


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


@pytest.fixture
def watch(client: Client[Any]) -> Iterator[SetUp]:
    """`setup`, for the test's client if it says no other; it is taken off again in the end."""
    with ExitStack() as installed:

        def watch(app: Application, *, client: Client[Any] = client, **given: Any) -> Uninstall:
            uninstall = setup(app, client=client, **given)
            installed.callback(uninstall)
            return uninstall

        yield watch


@pytest.fixture
def hooked(client: Client[Any]) -> Iterator[Client[Any]]:
    """A client that hears what is logged, too."""
    uninstall = hooks.logging.install(client)
    yield client
    uninstall()


def serve(app: Application | RuleRouter, visit: Visit) -> None:
    """Run an application on a free port while it is visited."""

    async def main() -> None:
        server = HTTPServer(app)
        (door,) = bind_sockets(0, "127.0.0.1")
        server.add_sockets([door])
        await asyncio.wait_for(visit(f"http://127.0.0.1:{door.getsockname()[1]}"), PATIENCE)
        server.stop()
        await server.close_all_connections()

    asyncio.run(main())


def ask(app: Application | RuleRouter, path: str = "/", **given: Any) -> HTTPResponse:
    """The answer to one request."""
    answers = []

    async def visit(url: str) -> None:
        answers.append(await AsyncHTTPClient().fetch(url + path, raise_error=False, **given))

    serve(app, visit)
    (answer,) = answers
    return answer


def ask_in_vain(app: Application, path: str = "/", **given: Any) -> None:
    """One request in whose midst Tornado closes the connection."""
    with pytest.raises(HTTPStreamClosedError):
        ask(app, path, **given)


def kinds(sentry: LocalSentry) -> list[tuple[str, bool]]:
    return [mechanism(event) for event in sentry.events]


# Set-up


def test_of_a_second_call_the_arguments_count(watch: SetUp, client: Client[Any], open_client: OpenClient) -> None:
    app = Application([("/", Fail)])
    watch(app, client=open_client(dsn=""))
    watch(app, failed_request_status_codes=[599])
    assert ask(app).code == 500
    assert client.stats()["error"].captured == 1


def test_an_application_that_is_watched_no_more_is_what_it_was(
    watch: SetUp, client: Client[Any], sentry: LocalSentry
) -> None:
    app = Application([("/", Fail)])
    before = dict(vars(app))
    filters = list(app_log.filters)
    uninstall = watch(app)
    assert vars(app) != before
    uninstall()
    uninstall()
    assert vars(app) == before
    assert app_log.filters == filters
    answer = ask(app)
    assert (answer.code, answer.headers.get("X-Sentry-ID")) == (500, None)
    assert sentry.events == ()


def test_what_others_have_replaced_is_put_back_or_left(watch: SetUp, client: Client[Any], sentry: LocalSentry) -> None:
    app = Application([("/", Fail)])
    theirs = app.get_handler_delegate
    vars(app)["get_handler_delegate"] = theirs
    uninstall = watch(app)
    ours = app.get_handler_delegate
    uninstall()
    assert vars(app)["get_handler_delegate"] is theirs
    uninstall = watch(app)
    ours = app.get_handler_delegate
    vars(app)["get_handler_delegate"] = lambda *args: ours(*args)
    uninstall()
    assert ask(app).code == 500
    assert sentry.events == ()


def test_a_client_that_captures_nothing_watches_nothing(watch: SetUp, open_client: OpenClient) -> None:
    kinds_seen = []

    class Look(RequestHandler):
        def get(self) -> None:
            kinds_seen.append(type(self))

    app = Application([("/", Look)])
    watch(app, client=open_client(dsn=""))
    assert ask(app).code == 200
    assert kinds_seen == [Look]


def test_what_was_captured_before_is_sent_when_the_application_listens(
    watch: SetUp, sentry: LocalSentry, open_client: OpenClient
) -> None:
    client = open_client(sentry.dsn_for("tornado"))
    app = Application()
    watch(app, client=client)
    client.capture_message("early")

    async def main() -> None:
        server = app.listen(0, "127.0.0.1")
        while not sentry.events:
            await asyncio.sleep(0.01)
        server.stop()

    asyncio.run(main())
    assert [outline(event) for event in sentry.events] == ["early"]


def test_what_was_captured_before_is_sent_from_the_loop_on_which_it_is_set_up(
    watch: SetUp, sentry: LocalSentry, open_client: OpenClient
) -> None:
    client = open_client(sentry.dsn_for("tornado"))
    client.capture_message("early")

    async def main() -> None:
        watch(Application(), client=client)
        while not sentry.events:
            await asyncio.sleep(0.01)

    asyncio.run(main())
    assert [outline(event) for event in sentry.events] == ["early"]


# Handlers


def test_a_class_that_is_laid_over_a_handlers_is_not_seen_by_what_the_application_does_with_those(
    watch: SetUp, client: Client[Any], sentry: LocalSentry
) -> None:
    class Registered(RequestHandler):
        known: ClassVar[list[str]] = []

        def __init_subclass__(cls, *, name: str) -> None:
            cls.known.append(name)

    class Handler(Registered, name="handler"):
        """What fails."""

        def get(self) -> None:
            assert super().get is not None
            raise Broken(f"{type(self).__name__} {type(self).__doc__} {self!r}")

    app = Application([("/", Handler)])
    watch(app)
    assert ask(app).code == 500
    assert Registered.known == ["handler"]
    assert outline(sentry.events[0]).startswith(f"Broken: Handler What fails. <{__name__}.")


def test_a_handler_over_which_nothing_can_be_laid_serves_all_the_same(
    watch: SetUp, client: Client[Any], sentry: LocalSentry
) -> None:
    class Only(type):
        def __new__(cls, name: str, parents: tuple[type, ...], body: dict[str, Any]) -> Only:
            if len(parents) > 1:
                raise TypeError("there can be only one")
            return super().__new__(cls, name, parents, body)

    class Handler(RequestHandler, metaclass=Only):
        def get(self) -> None:
            self.write("served")

    app = Application([("/", Handler)])
    watch(app)
    assert ask(app).body == b"served"
    assert sentry.events == ()


def test_classes_that_an_application_makes_as_it_goes_are_not_kept_for_ever(client: Client[Any]) -> None:
    watch = _tornado_handler.Watch(lambda: client, range(500, 600))
    first = watch.lay_over(Fine)
    assert watch.lay_over(Fine) is first
    for _ in range(_tornado_handler.CLASSES_LIMIT):
        watch.lay_over(type("Handler", (RequestHandler,), {}))
    assert watch.lay_over(Fine) is not first


def test_a_handler_that_cannot_be_made_is_reported_with_the_request(
    watch: SetUp, client: Client[Any], sentry: LocalSentry
) -> None:
    class Handler(RequestHandler):
        def initialize(self) -> None:
            raise Broken("initialize")

    app = Application([("/at/(.*)", Handler)])
    watch(app)
    ask_in_vain(app, "/at/1")
    (event,) = sentry.events
    assert mechanism(event) == UNHANDLED
    assert (event["transaction"], event["request"]["url"][-5:]) == ("/at/(.*)", "/at/1")


def test_the_application_says_which_statuses_are_failures(
    watch: SetUp, client: Client[Any], sentry: LocalSentry
) -> None:
    class Refuse(RequestHandler):
        def get(self, status: str) -> None:
            raise HTTPError(int(status))

    app = Application([("/([0-9]+)", Refuse)])
    watch(app, failed_request_status_codes={403})
    assert ask(app, "/502").code == 502
    assert ask(app, "/403").headers["X-Sentry-ID"] == sentry.events[0]["event_id"]
    assert kinds(sentry) == [HANDLED]


def test_a_handlers_own_error_page_knows_the_event(watch: SetUp, client: Client[Any], sentry: LocalSentry) -> None:
    class Page(Fail):
        def write_error(self, status_code: int, **_: Any) -> None:
            self.write(client.last_event_id() or "")

    app = Application([("/", Page)])
    watch(app)
    answer = ask(app)
    assert answer.body.decode() == answer.headers["X-Sentry-ID"] == sentry.events[0]["event_id"]
    assert kinds(sentry) == [UNHANDLED]


def test_a_handlers_own_error_page_may_fail_as_well(watch: SetUp, hooked: Client[Any], sentry: LocalSentry) -> None:
    class Page(Fail):
        def write_error(self, status_code: int, **_: Any) -> None:
            raise Broken("page")

    app = Application([("/", Page)])
    watch(app)
    answer = ask(app)
    assert [outline(event) for event in sentry.events] == ["Broken: fail", "Broken: page"]
    assert kinds(sentry) == [UNHANDLED, UNHANDLED]
    assert answer.headers["X-Sentry-ID"] == sentry.events[1]["event_id"]


def test_a_handler_that_does_not_log_its_errors_is_watched(
    watch: SetUp, client: Client[Any], sentry: LocalSentry
) -> None:
    class Silent(Fail):
        def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
            """Say nothing."""

    app = Application([("/", Silent)])
    watch(app)
    assert ask(app).code == 500
    assert kinds(sentry) == [UNHANDLED]


def test_a_wait_for_what_is_cancelled_is_no_error(watch: SetUp, sentry: LocalSentry) -> None:
    class Wait(RequestHandler):
        async def get(self) -> None:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.cancel()
            await future

    app = Application([("/", Wait)])
    watch(app)

    async def visit(url: str) -> None:
        with suppress(HTTPClientError):  # older Tornados do not answer
            await AsyncHTTPClient().fetch(url, raise_error=False, request_timeout=0.5)

    serve(app, visit)
    assert [outline(event) for event in sentry.events] == []


# Streamed bodies


@stream_request_body
class Upload(RequestHandler):
    client: Client[Any]

    def prepare(self) -> None:
        self.client.set_tag("known", "before")

    def post(self) -> None:
        self.write("taken")


def test_an_error_in_a_streamed_body_knows_the_request(watch: SetUp, client: Client[Any], sentry: LocalSentry) -> None:
    class Synchronous(Upload):
        def data_received(self, chunk: bytes) -> None:
            if chunk == b"fail":
                raise Broken("synchronous")

    class Asynchronous(Upload):
        async def data_received(self, chunk: bytes) -> None:
            await asyncio.sleep(0)
            client.set_tag("known", "meanwhile")
            if chunk == b"fail":
                raise Broken("asynchronous")

    Upload.client = client
    app = Application([("/synchronous", Synchronous), ("/asynchronous", Asynchronous)])
    watch(app)
    for path in ("/synchronous", "/asynchronous"):
        assert ask(app, path, method="POST", body="fine").body == b"taken"
        ask_in_vain(app, path, method="POST", body="fail")
    first, second = sentry.events
    assert [outline(event) for event in sentry.events] == ["Broken: synchronous", "Broken: asynchronous"]
    assert (first["transaction"], second["transaction"]) == ("/synchronous", "/asynchronous")
    assert (first["tags"], second["tags"]) == ({"known": "before"}, {"known": "meanwhile"})
    assert "data" not in first["request"]


# Callbacks of the loop, and logs


def test_what_fails_in_callbacks_is_reported_with_what_is_known_there(
    watch: SetUp, hooked: Client[Any], sentry: LocalSentry
) -> None:
    async def fail_in_a_coroutine() -> None:
        hooked.set_tag("task", "its own")
        await asyncio.sleep(0)
        raise Broken("coroutine")

    def fail_once() -> None:
        periodic.stop()
        raise Broken("periodic")

    def fail() -> None:
        raise Broken("callback")

    async def visit(_: str) -> None:
        for callback in (fail, fail_in_a_coroutine):
            IOLoop.current().add_callback(callback)
        periodic.start()
        while len(sentry.events) < 3:
            await asyncio.sleep(0.01)

    periodic = PeriodicCallback(fail_once, 1)
    app = Application()
    watch(app)
    serve(app, visit)
    events = sorted(sentry.events, key=outline)
    assert [outline(event) for event in events] == ["Broken: callback", "Broken: coroutine", "Broken: periodic"]
    assert kinds(sentry) == [UNHANDLED] * 3
    assert [event.get("tags") for event in events] == [None, {"task": "its own"}, None]
    assert {event["logger"] for event in events} == {"tornado.application"}
    assert events[0]["logentry"]["formatted"].startswith("Exception in callback")


def test_a_log_that_is_disabled_hides_no_error(watch: SetUp, hooked: Client[Any], sentry: LocalSentry) -> None:
    async def visit(_: str) -> None:
        IOLoop.current().add_callback(lambda: 1 / 0)
        while not sentry.events:
            await asyncio.sleep(0.01)

    watch(Application())
    app_log.disabled = True
    try:
        serve(Application(), visit)
    finally:
        app_log.disabled = False
    assert kinds(sentry) == [UNHANDLED]


def test_what_the_application_logs_itself_is_its_own(watch: SetUp, hooked: Client[Any], sentry: LocalSentry) -> None:
    watch(Application())
    try:
        raise Broken("caught")
    except Broken:
        app_log.exception("sold out")
    app_log.error("no pears")
    logging.getLogger("shop").error("no quinces")
    assert [outline(event) for event in sentry.events] == ["Broken: caught", "no pears", "no quinces"]
    assert mechanism(sentry.events[0]) == ("logging", True)


def test_what_tornado_logs_of_a_request_that_has_failed_is_no_event(
    watch: SetUp, hooked: Client[Any], sentry: LocalSentry
) -> None:
    class Stream(RequestHandler):
        async def get(self) -> None:
            self.set_header("Content-Length", "100")
            self.write("begun")
            await self.flush()
            raise Broken("stream")

    app = Application([("/", Stream), ("/fail", Fail)])
    uninstall = watch(app)
    ask_in_vain(app)
    assert ask(app, "/fail").code == 500
    assert [outline(event) for event in sentry.events] == ["Broken: stream", "Broken: fail"]
    uninstall()
    logging.getLogger("tornado.access").error("500 GET /")
    assert outline(sentry.events[-1]) == "500 GET /"


# Clients that go


def test_that_a_client_goes_is_no_error(watch: SetUp, hooked: Client[Any], sentry: LocalSentry) -> None:
    class Write(RequestHandler):
        async def get(self) -> None:
            began.set()
            try:
                while True:
                    self.write(b"more" * 10000)
                    await self.flush()
                    await asyncio.sleep(0)
            finally:
                ended.set()

    async def visit(url: str) -> None:
        host, port = url[7:].split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
        await began.wait()
        writer.transport.abort()
        await ended.wait()
        await asyncio.sleep(0)

    began, ended = asyncio.Event(), asyncio.Event()
    app = Application([("/", Write)])
    watch(app)
    serve(app, visit)
    assert [outline(event) for event in sentry.events] == []


def test_that_the_client_of_a_websocket_goes_is_no_error(
    watch: SetUp, hooked: Client[Any], sentry: LocalSentry
) -> None:
    class Talk(WebSocketHandler):
        async def on_message(self, message: str | bytes) -> None:
            began.set()
            try:
                while True:
                    await self.write_message("more")
                    await asyncio.sleep(0)
            finally:
                ended.set()

    async def visit(url: str) -> None:
        socket = await websocket_connect(url.replace("http", "ws"))
        await socket.write_message("hello")
        await began.wait()
        socket.close()
        await ended.wait()
        await asyncio.sleep(0)

    began, ended = asyncio.Event(), asyncio.Event()
    app = Application([("/", Talk)])
    watch(app)
    serve(app, visit)
    assert [outline(event) for event in sentry.events] == []


def test_that_somebody_else_goes_is_an_error(watch: SetUp, hooked: Client[Any], sentry: LocalSentry) -> None:
    class Forward(RequestHandler):
        def get(self) -> None:
            raise StreamClosedError

    app = Application([("/", Forward)])
    watch(app)
    assert ask(app).code == 500
    assert kinds(sentry) == [UNHANDLED]


# What is told of a request


class User:
    def __init__(self) -> None:
        self.id = 7
        self.name = "Ada"
        self.password = "sesame"


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ("Ada", {"username": "Ada"}),
        (b"Ada", {"username": "Ada"}),
        (7, {"username": "7"}),
        ("", None),
        ({"id": 7, "email": "ada@example.com", "password": "sesame"}, {"id": "7", "email": "ada@example.com"}),
        (User(), {"id": "7", "name": "Ada"}),
        (None, None),
        (object(), None),
    ],
)
def test_the_user_is_shown_whom_the_handler_knows(
    watch: SetUp, client: Client[Any], sentry: LocalSentry, user: object, shown: object
) -> None:
    class Known(Fail):
        def prepare(self) -> None:
            self.current_user = user

    app = Application([("/", Known)])
    watch(app)
    ask(app)
    assert sentry.events[0].get("user") == shown


def test_a_user_that_nobody_has_asked_for_is_not_found_out(
    watch: SetUp, client: Client[Any], sentry: LocalSentry
) -> None:
    class Unknown(Fail):
        def get_current_user(self) -> str:
            raise LookupError("a database was asked")

    app = Application([("/", Unknown)])
    watch(app)
    ask(app)
    assert outline(sentry.events[0]) == "Broken: fail"
    assert "user" not in sentry.events[0]


def test_the_fields_of_a_form_with_files_are_shown(watch: SetUp, client: Client[Any], sentry: LocalSentry) -> None:
    class Take(RequestHandler):
        def post(self) -> None:
            raise Broken("form")

    parts = [
        b'--x\r\nContent-Disposition: form-data; name="fruit"\r\n\r\npears\r\n',
        b'--x\r\nContent-Disposition: form-data; name="password"\r\n\r\nquince\r\n',
        b'--x\r\nContent-Disposition: form-data; name="list"; filename="list.txt"\r\n\r\na secret list\r\n--x--\r\n',
    ]
    app = Application([("/", Take)])
    watch(app)
    ask(app, method="POST", body=b"".join(parts), headers={"Content-Type": "multipart/form-data; boundary=x"})
    (event,) = sentry.events
    assert event["request"]["data"] == {"fruit": ["pears"], "password": "[Filtered]"}


class Everything(Matcher):
    def match(self, request: HTTPServerRequest) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    ("rules", "path", "name", "source"),
    [
        ([("/at/(.*)", Fail)], "/at/1", "/at/(.*)", "route"),
        ([(HostMatches("127.0.0.1"), [("/other", Fine), ("/at/([0-9]+)", Fail)])], "/at/1", "/at/([0-9]+)", "route"),
        ([Rule(Everything(), Fail)], "/at/1", "Fail.get", "component"),
    ],
)
def test_an_event_is_named_by_what_led_to_the_handler(
    watch: SetUp, client: Client[Any], sentry: LocalSentry, rules: Any, path: str, name: str, source: str
) -> None:
    app = Application(rules)
    watch(app)
    assert ask(app, path).code == 500
    assert (sentry.events[0]["transaction"], sentry.events[0]["transaction_info"]) == (name, {"source": source})


def test_an_application_behind_a_router_is_watched(watch: SetUp, client: Client[Any], sentry: LocalSentry) -> None:
    app = Application([("/at/(.*)", Fail)])
    watch(app)
    assert ask(RuleRouter([Rule(Everything(), app)]), "/at/1").code == 500
    assert sentry.events[0]["transaction"] == "/at/(.*)"


def test_a_request_without_a_port_is_described(watch: SetUp, client: Client[Any], sentry: LocalSentry) -> None:
    app = Application([("/", Fail)])
    watch(app)
    ask(app, headers={"Host": "shop.example.com"})
    request = sentry.events[0]["request"]
    assert request["url"] == "http://shop.example.com/"
    assert request["env"] == {"SERVER_NAME": "shop.example.com", "REMOTE_ADDR": "127.0.0.1"}
