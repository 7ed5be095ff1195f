"""The shop on twisted.web, on the reactor that Twisted chooses by itself."""

from __future__ import annotations

import gc
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from twisted.internet import reactor as installed, task
from twisted.internet.defer import Deferred, TimeoutError as DeferredTimeout, gatherResults, inlineCallbacks
from twisted.internet.threads import deferToThread
from twisted.web import pages
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

import asyncsentry
from asyncsentry.integrations.twisted import carry
from asyncsentry.integrations.twisted_web import setup
from integrations.programs import shop

reactor: Any = installed
waiting: list[Deferred[None]] = []


def moment() -> Deferred[None]:
    return task.deferLater(reactor, 0, lambda: None)


async def meet(size: int) -> None:
    """Wait until so many requests are in hand at once."""
    here: Deferred[None] = Deferred()
    waiting.append(here)
    if len(waiting) == size:
        for each in list(waiting):
            waiting.remove(each)
            reactor.callLater(0, each.callback, None)
    await here


async def time_out() -> None:
    lasting: Deferred[None] = Deferred()
    try:
        await lasting.addTimeout(0.01, reactor)
    except DeferredTimeout:
        return
    raise LookupError("nothing timed out")


async def in_a_coroutine(where: str) -> None:
    await moment()
    shop.note(where)


@inlineCallbacks
def in_inline_callbacks(where: str) -> Generator[Deferred[None], Any, None]:
    yield moment()
    shop.note(where)


INSIDE: dict[str, Callable[[str], Deferred[Any]]] = {
    "coroutine": lambda where: Deferred.fromCoroutine(in_a_coroutine(where)),
    "inlineCallbacks": in_inline_callbacks,
    "gather": lambda where: gatherResults([in_inline_callbacks(where), moment()]),
    "callback": lambda where: moment().addCallback(carry(lambda _: shop.note(where))),
    "thread": lambda where: deferToThread(carry(shop.note), where),
}


class Synchronous(Resource):
    """What a function says, or does wrong."""

    isLeaf = True

    def __init__(self, answer: Callable[[Request], object]) -> None:
        super().__init__()
        self._answer = answer

    def render_GET(self, request: Request) -> bytes:
        answer = self._answer(request)
        return answer if isinstance(answer, bytes) else b""

    render_POST = render_GET


class Asynchronous(Resource):
    """What a coroutine says, or does wrong: that is left to the request."""

    isLeaf = True

    def __init__(self, answer: Callable[[Request], Coroutine[Any, Any, None]]) -> None:
        super().__init__()
        self._answer = answer

    def render_GET(self, request: Request) -> int:
        answering = Deferred.fromCoroutine(self._answer(request))
        answering.addCallbacks(lambda _: request.finish(), request.processingFailed)
        return NOT_DONE_YET


class Item(Resource):
    isLeaf = True

    def render_GET(self, request: Request) -> bytes:
        shop.fail("item")
        return b""


class Stream(Resource):
    """Nobody handles what goes wrong; the connection is closed all the same."""

    isLeaf = True

    def render_GET(self, request: Request) -> int:
        request.setHeader("Content-Length", "100")
        request.write(b"begun")
        streaming = moment().addCallback(lambda _: self._go_on())

        def close(result: object) -> object:
            request.loseConnection()
            return result

        streaming.addBoth(close)
        return NOT_DONE_YET

    def _go_on(self) -> None:
        raise shop.Broken("stream")


async def endless(request: Request) -> None:
    lost: list[object] = []
    request.notifyFinish().addErrback(lost.append)
    while not lost:
        request.write(b"more")
        await task.deferLater(reactor, 0.001)
    asyncsentry.capture_message("gone")


def handled(request: Request) -> None:
    shop.handle()


def answered_by_the_application(request: Request) -> bytes:
    try:
        raise shop.Broken("page")
    except shop.Broken as error:
        if request.path == b"/excused":
            request.setResponseCode(404)
            return b""
        asyncsentry.capture_exception(error)
        request.setResponseCode(500)
        return (asyncsentry.last_event_id() or "").encode()


def read(request: Request) -> bytes:
    assert request.content is not None
    body: bytes = request.content.read()
    return body


def echo(request: Request) -> bytes:
    body = read(request)
    if b"fail" in request.uri:
        shop.fail("echo")
    return body


def late(request: Request) -> bytes:
    asyncsentry.capture_message("late")
    return read(request)


async def user(request: Request) -> None:
    number = (request.postpath or [b""])[0].decode()
    shop.serve_user(number)
    await meet(int((request.args or {}).get(b"of", [b"1"])[0]))
    shop.fail_for_user(number)


async def timeout(request: Request) -> None:
    await time_out()


async def scopes(request: Request) -> None:
    where = (request.postpath or [b""])[0].decode()
    await INSIDE[where](where)
    raise shop.Broken(f"outside {where}")


class Root(Resource):
    def getChildWithDefault(self, path: bytes, request: Request) -> Resource:
        if path == b"middleware":
            raise shop.Broken("middleware")
        child: Resource = super().getChildWithDefault(path, request)
        return child


root = Root()
pages_by_name: dict[bytes, Any] = {
    b"fine": Synchronous(lambda _: b"fine"),
    b"fail": Synchronous(lambda _: shop.fail("fail")),
    b"chained": Synchronous(lambda _: shop.fail_in_a_chain()),
    b"handled": Synchronous(handled),
    b"refused": pages.forbidden(),
    b"page": Synchronous(answered_by_the_application),
    b"excused": Synchronous(answered_by_the_application),
    b"stream": Stream(),
    b"endless": Asynchronous(endless),
    b"background": Synchronous(lambda _: reactor.callLater(0, shop.fail, "background")),
    b"echo": Synchronous(echo),
    b"unread": Synchronous(lambda _: shop.fail("unread")),
    b"late": Synchronous(late),
    b"item": Item(),
    b"user": Asynchronous(user),
    b"plain": Synchronous(lambda _: asyncsentry.capture_message("plain")),
    b"timeout": Asynchronous(timeout),
    b"scopes": Asynchronous(scopes),
}
for name, resource in pages_by_name.items():
    root.putChild(name, resource)

site = Site(root)
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
