"""What is particular to twisted.web, and to Klein: contexts of requests, failures they hand on, clients that go.

No reactor runs here: a connection is in memory, and what a client says reaches the site at once.
"""

from __future__ import annotations

import base64
import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from klein import Klein
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import Deferred, fail, inlineCallbacks
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from werkzeug.exceptions import BadGateway, NotFound

from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.hooks import Uninstall
from asyncsentry.integrations.twisted_web import setup
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.programs.shop import Broken
from integrations.serving import mechanism, outline

HANDLED, UNHANDLED = ("twisted", True), ("twisted", False)

SetUp = Callable[..., Uninstall]

log = Logger(namespace="shop")


class Page(Resource):
    """What a function answers."""

    isLeaf = True

    def __init__(self, answer: Callable[[Request], Any]) -> None:
        super().__init__()
        self._answer = answer

    def render_GET(self, request: Request) -> Any:
        return self._answer(request)

    render_POST = render_GET


def fail_at_once(_: Request) -> bytes:
    raise Broken("fail")


class Visit:
    """A connection to a site, in memory."""

    def __init__(self, site: Site, *, server: Any = None, client: Any = None) -> None:
        self._transport: Any = StringTransport(
            hostAddress=server or IPv4Address("TCP", "127.0.0.1", 80),
            peerAddress=client or IPv4Address("TCP", "127.0.0.1", 50000),
        )
        self._channel: Any = site.buildProtocol(self._transport.getPeer())
        self._channel.makeConnection(self._transport)

    def say(self, text: bytes) -> bytes:
        """What is answered at once."""
        before = len(self._transport.value())
        self._channel.dataReceived(text)
        answer: bytes = self._transport.value()[before:]
        return answer

    def said(self) -> bytes:
        """All that was answered."""
        said: bytes = self._transport.value()
        return said

    def hang_up(self) -> None:
        self._channel.connectionLost(Failure(ConnectionLost()))


def get(path: str = "/", *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: shop", *headers, "", ""]).encode()


def post(body: bytes, content_type: str) -> bytes:
    head = f"POST / HTTP/1.1\r\nHost: shop\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def site_of(resource: Any, **given: Any) -> Site:
    return Site(resource, reactor=Clock(), **given)


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


@pytest.fixture
def watch(client: Client[Any]) -> Iterator[SetUp]:
    """`setup`, for the test's client if it says no other; it is taken off again in the end."""
    with ExitStack() as installed:

        def watch(site: Site, *, client: Client[Any] = client, **given: Any) -> Uninstall:
            uninstall = setup(site, client=client, **given)
            installed.callback(uninstall)
            return uninstall

        yield watch


def kinds(sentry: LocalSentry) -> list[tuple[str, bool]]:
    return [mechanism(event) for event in sentry.events]


# Set-up


def test_of_a_second_call_the_arguments_count(watch: SetUp, client: Client[Any], open_client: OpenClient) -> None:
    site = site_of(Page(fail_at_once))
    watch(site, client=open_client(dsn=""))
    watch(site)
    assert b"500" in Visit(site).say(get())
    assert client.stats()["error"].captured == 1


@pytest.mark.parametrize("given", [{}, {"requestFactory": type("Own", (Request,), {})}], ids=["Twisted's", "own"])
def test_a_site_that_is_watched_no_more_is_what_it_was(watch: SetUp, sentry: LocalSentry, given: Any) -> None:
    site = site_of(Page(fail_at_once), **given)
    before = dict(vars(site))
    uninstall = watch(site)
    assert site.requestFactory.__name__ == given.get("requestFactory", Request).__name__
    uninstall()
    uninstall()
    assert vars(site) == before
    assert b"x-sentry-id" not in Visit(site).say(get()).lower()
    assert sentry.events == ()


def test_what_others_have_replaced_is_left(watch: SetUp) -> None:
    site = site_of(Page(fail_at_once))
    uninstall = watch(site)
    theirs: Any = type("Theirs", (site.requestFactory,), {})
    site.requestFactory = theirs
    uninstall()
    assert site.requestFactory is theirs


def test_a_site_whose_requests_are_of_no_class_cannot_be_watched(watch: SetUp) -> None:
    with pytest.raises(OptionError, match="requestFactory"):
        watch(site_of(Page(fail_at_once), requestFactory=partial(Request)))


def test_a_client_that_captures_nothing_watches_nothing(watch: SetUp, open_client: OpenClient) -> None:
    site = site_of(Page(fail_at_once))
    watch(site, client=open_client(dsn=""))
    visit = Visit(site)
    assert b"500" in visit.say(get())
    assert b"x-sentry-id" not in visit.said().lower()


# Scopes


def test_a_request_that_is_at_hand_when_another_is_answered_knows_nothing_of_that(
    watch: SetUp, client: Client[Any], sentry: LocalSentry
) -> None:
    def answer(request: Request) -> bytes:
        client.capture_message("asked")
        client.set_tag("path", request.path.decode())
        client.capture_message("known")
        return b""

    site = site_of(Page(answer))
    watch(site)
    Visit(site).say(get("/1") + get("/2") + get("/3"))
    client.capture_message("outside")
    assert [event.get("tags") for event in sentry.events] == [
        *(None, {"path": "/1"}),
        *(None, {"path": "/2"}),
        *(None, {"path": "/3"}),
        None,
    ]


def test_what_goes_on_when_its_request_is_answered_still_knows_it(
    watch: SetUp, client: Client[Any], sentry: LocalSentry
) -> None:
    @inlineCallbacks
    def go_on(request: Request) -> Any:
        client.set_tag("path", request.path.decode())
        yield waiting
        client.capture_message("later")

    def answer(request: Request) -> bytes:
        go_on(request)
        return b"fine"

    waiting: Deferred[None] = Deferred()
    site = site_of(Page(answer))
    watch(site)
    for path in ("/1", "/2"):
        Visit(site).say(get(path))
    waiting.callback(None)
    assert [(event["tags"]["path"], event["request"]["url"]) for event in sentry.events] == [
        ("/1", "http://shop/1"),
        ("/2", "http://shop/2"),
    ]


def test_a_failure_that_a_plain_callback_hands_to_its_request_is_reported_with_it(
    watch: SetUp, client: Client[Any], sentry: LocalSentry
) -> None:
    def answer(request: Request) -> int:
        client.set_tag("path", request.path.decode())
        fired = Deferred[None]().addCallback(lambda _: fail_at_once(request))
        fired.addErrback(request.processingFailed)
        waiting.append(fired)
        return NOT_DONE_YET

    waiting: list[Deferred[Any]] = []
    site = site_of(Page(answer))
    watch(site)
    visits = [Visit(site) for _ in range(2)]
    for number, visit in enumerate(visits):
        visit.say(get(f"/{number}"))
    for each in reversed(waiting):
        each.callback(None)
    waiting.clear()
    gc.collect()
    assert kinds(sentry) == [UNHANDLED, UNHANDLED]
    assert [event["tags"] for event in sentry.events] == [{"path": "/1"}, {"path": "/0"}]
    assert sentry.events[0]["event_id"].encode() in visits[1].said()


def test_two_sites_have_two_clients(watch: SetUp, open_client: OpenClient, sentry: LocalSentry) -> None:
    clients = open_client(), open_client()
    sites = [site_of(Page(fail_at_once)) for _ in clients]
    for site, client in zip(sites, clients, strict=True):
        watch(site, client=client)
        Visit(site).say(get())
    assert [client.stats()["error"].captured for client in clients] == [1, 1]
    Visit(sites[0]).say(get())
    assert [client.stats()["error"].captured for client in clients] == [2, 1]


# Clients that go


def test_that_a_client_goes_is_no_error(watch: SetUp, sentry: LocalSentry) -> None:
    def answer(request: Request) -> int:
        request.notifyFinish()  # nobody listens
        requests.append(request)
        return NOT_DONE_YET

    requests: list[Request] = []
    site = site_of(Page(answer))
    watch(site)
    visit = Visit(site)
    visit.say(get())
    visit.hang_up()
    try:
        requests[0].finish()
    except RuntimeError:
        log.failure("too late")
    gc.collect()
    assert [outline(event) for event in sentry.events] == []


def test_what_goes_wrong_at_the_end_of_a_request_is_an_error(watch: SetUp, sentry: LocalSentry) -> None:
    class Logging(Site):
        def log(self, request: Any) -> None:
            raise RuntimeError("the disk is full")

    site = Logging(Page(lambda _: b"fine"), reactor=Clock())
    watch(site)
    with pytest.raises(RuntimeError):
        Visit(site).say(get())
    assert {outline(event) for event in sentry.events} == {"RuntimeError: the disk is full"}


# What is told of a request


def test_a_form_is_shown_though_the_application_has_not_read_it(watch: SetUp, sentry: LocalSentry) -> None:
    site = site_of(Page(fail_at_once))
    watch(site)
    Visit(site).say(post(b"fruit=pears&password=quince", "application/x-www-form-urlencoded"))
    assert sentry.events[0]["request"]["data"] == {"fruit": "pears", "password": "[Filtered]"}


def test_a_body_is_read_on_after_a_capture(watch: SetUp, client: Client[Any], sentry: LocalSentry) -> None:
    def answer(request: Request) -> bytes:
        assert request.content is not None
        parts = [request.content.read(4)]
        client.capture_message("in the midst of it")
        parts.append(request.content.read())
        return b"|".join(parts)

    site = site_of(Page(answer))
    watch(site)
    assert Visit(site).say(post(b'"pears"', "application/json")).endswith(b'"pea|rs"')
    assert sentry.events[0]["request"]["body_size"] == 7


def test_a_request_whose_body_is_closed_is_described(watch: SetUp, client: Client[Any], sentry: LocalSentry) -> None:
    def answer(request: Request) -> int:
        requests.append(request)
        return NOT_DONE_YET

    requests: list[Request] = []
    site = site_of(Page(answer))
    watch(site)
    visit = Visit(site)
    visit.say(post(b"1", "application/json"))
    visit.hang_up()
    with pytest.raises(RuntimeError):
        requests[0].processingFailed(Failure(Broken("late")))
    (event,) = sentry.events
    assert event["request"]["url"] == "http://shop/"
    assert "data" not in event["request"]


def test_the_user_is_shown_whom_the_application_has_asked_for(watch: SetUp, sentry: LocalSentry) -> None:
    def answer(request: Request) -> bytes:
        if request.path == b"/ask":
            assert request.getUser() == b"Ada"
        raise Broken("fail")

    site = site_of(Page(answer))
    watch(site)
    known = f"Authorization: Basic {base64.b64encode(b'Ada:sesame').decode()}"
    for path in ("/ask", "/do-not"):
        Visit(site).say(get(path, known))
    assert [event.get("user") for event in sentry.events] == [{"username": "Ada"}, None]


def test_a_request_that_does_not_say_to_whom_it_goes_is_described(watch: SetUp, sentry: LocalSentry) -> None:
    site = site_of(Page(fail_at_once))
    watch(site)
    Visit(site).say(b"GET /?page=1 HTTP/1.0\r\n\r\n")
    unix = UNIXAddress(b"/run/shop")
    Visit(site, server=unix, client=unix).say(get("/unix"))
    first, second = (event["request"] for event in sentry.events)
    assert (first["url"], first["query_string"]) == ("http://127.0.0.1/", "page=1")
    assert first["env"] == {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "REMOTE_ADDR": "127.0.0.1"}
    assert (second["url"], second.get("env")) == ("http://shop/unix", None)


def test_an_event_is_named_by_the_class_of_the_resource(watch: SetUp, client: Client[Any], sentry: LocalSentry) -> None:
    class Root(Resource):
        def getChild(self, path: bytes, request: Any) -> Any:
            client.capture_message("looked for")
            return Page(fail_at_once)

    site = site_of(Root())
    watch(site)
    Visit(site).say(get("/pears"))
    assert [(event["transaction"], event["transaction_info"]["source"]) for event in sentry.events] == [
        ("/pears", "url"),
        ("Page.render_GET", "component"),
    ]


# Klein


def shop_of(*, page: int = 500) -> Klein:
    """An application with a page of its own for its errors."""
    app = Klein()

    @app.route("/at/<int:place>")
    def at(request: Request, place: int) -> Any:
        if place == 1:
            raise Broken("at once")
        return fail(Broken("in a deferred"))

    @app.route("/gateway")
    def gateway(request: Request) -> None:
        raise BadGateway

    @app.route("/gone")
    async def gone(request: Request) -> None:
        raise NotFound

    @app.handle_errors(Broken)
    def answer(request: Request, failure: Failure) -> str:
        request.setResponseCode(page)
        return "sorry"

    return app


def test_what_klein_or_the_application_answers_as_a_failure_is_handled(watch: SetUp, sentry: LocalSentry) -> None:
    site = site_of(shop_of().resource())
    watch(site)
    visit = Visit(site)
    for path in ("/at/1", "/at/2", "/gateway", "/gone", "/no-such"):
        visit.say(get(path))
    assert [(event["transaction"], outline(event)) for event in sentry.events] == [
        ("/at/<int:place>", "Broken: at once"),
        ("/at/<int:place>", "Broken: in a deferred"),
        (
            "/gateway",
            "BadGateway: 502 Bad Gateway: The proxy server received an invalid response from an upstream server.",
        ),
    ]
    assert kinds(sentry) == [HANDLED] * 3
    assert visit.said().lower().count(b"x-sentry-id") == 3


def test_what_an_application_of_kleins_answers_well_is_none(watch: SetUp, sentry: LocalSentry) -> None:
    site = site_of(shop_of(page=404).resource())
    watch(site)
    assert b"404" in Visit(site).say(get("/at/1"))
    assert sentry.events == ()


def test_an_application_of_kleins_below_other_resources_is_watched_until_that_ends(
    watch: SetUp, sentry: LocalSentry
) -> None:
    class Shop:
        app = Klein()

        @app.route("/fail")
        def fail(self, request: Request) -> None:
            raise BadGateway

    root = Resource()
    resource: Any = Shop().app.resource()
    root.putChild(b"shop", resource)
    site = site_of(root)
    uninstall = watch(site)
    visit = Visit(site)
    visit.say(get("/shop/fail") + get("/shop/fail"))
    assert [event["transaction"] for event in sentry.events] == ["/fail", "/fail"]
    uninstall()
    assert "execute_endpoint" not in vars(resource._app)


def test_a_route_is_unknown_where_klein_knows_none(watch: SetUp, client: Client[Any], sentry: LocalSentry) -> None:
    app = Klein()

    @app.handle_errors(NotFound)
    def answer(request: Request, failure: Failure) -> str:
        client.capture_message("no such page")
        return "sorry"

    site = site_of(app.resource())
    watch(site)
    assert b"sorry" in Visit(site).say(get("/no-such"))
    assert [event["transaction"] for event in sentry.events] == ["KleinResource.render_GET"]


def test_a_request_of_another_site_is_none_of_ours(watch: SetUp, sentry: LocalSentry) -> None:
    resource = shop_of().resource()
    site, other = site_of(resource), site_of(resource)
    watch(site)
    Visit(site).say(get("/at/1"))
    Visit(other).say(get("/at/1"))
    assert len(sentry.events) == 1
