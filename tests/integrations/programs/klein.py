"""The shop on Klein, on asyncio's loop as Twisted's reactor."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any

from twisted.internet import asyncioreactor

asyncioreactor.install()  # before anybody asks for a reactor

# ruff: noqa: E402
from klein import Klein
from twisted.internet import reactor as installed, task
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.web.server import Request, Site
from werkzeug.exceptions import Forbidden, ServiceUnavailable

import asyncsentry
from asyncsentry.integrations.twisted_web import setup
from integrations.programs import shop

reactor: Any = installed
app = Klein()


def read(request: Request) -> bytes:
    assert request.content is not None
    body: bytes = request.content.read()
    return body


def awaiting(coroutine: Coroutine[Any, Any, None]) -> Deferred[None]:
    """What asyncio does meanwhile."""
    return Deferred.fromFuture(asyncio.ensure_future(coroutine))


async def inside(where: str) -> None:
    await shop.INSIDE[where]()


@app.handle_errors(shop.Broken)
def answer(request: Request, failure: Failure) -> str | None:
    if request.path == b"/excused":
        request.setResponseCode(404)
        return ""
    if request.path != b"/page":
        failure.raiseException()
    asyncsentry.capture_exception(failure.value)
    request.setResponseCode(500)
    return asyncsentry.last_event_id()


@app.route("/fine")
def fine(request: Request) -> str:
    return "fine"


@app.route("/fail")
def fail(request: Request) -> None:
    shop.fail("fail")


@app.route("/chained")
async def chained(request: Request) -> None:
    shop.fail_in_a_chain()


@app.route("/handled")
def handled(request: Request) -> None:
    shop.handle()


@app.route("/refused")
def refused(request: Request) -> None:
    raise Forbidden


@app.route("/unavailable")
def unavailable(request: Request) -> None:
    raise ServiceUnavailable


@app.route("/page")
@app.route("/excused")
async def answered(request: Request) -> None:
    raise shop.Broken("page")


@app.route("/endless")
async def endless(request: Request) -> None:
    try:
        while True:
            request.write(b"more")
            await task.deferLater(reactor, 0.001)
    finally:
        asyncsentry.capture_message("gone")


@app.route("/background")
def background(request: Request) -> None:
    reactor.callLater(0, shop.fail, "background")


@app.route("/echo", methods=["POST"])
def echo(request: Request) -> bytes:
    body = read(request)
    if b"fail" in request.uri:
        shop.fail("echo")
    return body


@app.route("/unread", methods=["POST"])
def unread(request: Request) -> None:
    shop.fail("unread")


@app.route("/late", methods=["POST"])
def late(request: Request) -> bytes:
    asyncsentry.capture_message("late")
    return read(request)


@app.route("/item/<number>")
def item(request: Request, number: str) -> None:
    shop.fail("item")


@app.route("/user/<number>")
async def user(request: Request, number: str) -> None:
    shop.serve_user(number)
    await awaiting(shop.meet(int((request.args or {}).get(b"of", [b"1"])[0])))
    shop.fail_for_user(number)


@app.route("/plain")
def plain(request: Request) -> None:
    asyncsentry.capture_message("plain")


@app.route("/timeout")
async def timeout(request: Request) -> None:
    await awaiting(shop.time_out())


@app.route("/scopes/<where>")
async def scopes(request: Request, where: str) -> None:
    await awaiting(inside(where))
    raise shop.Broken(f"outside {where}")


class ShopSite(Site):
    """What is in front of the application."""

    def getResourceFor(self, request: Request) -> Any:
        if request.path == b"/middleware":
            raise shop.Broken("middleware")
        return super().getResourceFor(request)


site = ShopSite(app.resource())
setup(site, **shop.options())
asyncsentry.capture_message("early")


def start() -> None:
    try:
        shop.fail_at("startup")
    except shop.Broken:
        reactor.stop()
        raise
    port = reactor.listenTCP(0, site, interface="127.0.0.1")
    # What nobody handles is found when it is collected.
    task.LoopingCall(gc.collect).start(0.2)
    shop.announce(port.getHost().port)


def end() -> None:
    shop.fail_at("shutdown")
    asyncsentry.capture_message("goodbye")


if __name__ == "__main__":
    reactor.callWhenRunning(start)
    reactor.addSystemEventTrigger("before", "shutdown", end)
    reactor.run()
