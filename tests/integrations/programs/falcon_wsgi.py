"""The shop on Falcon, for WSGI, in a worker of gunicorn with threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import falcon

import asyncsentry
from asyncsentry.integrations.falcon import setup
from integrations.programs import shop
from integrations.programs.wsgi_gunicorn import Gunicorn, be_alone
from integrations.programs.wsgi_shop import INSIDE, meet_in_threads, say_more, start_thread, wait_in_vain


class Get:
    """A resource that does this when it is asked."""

    def __init__(self, deed: Callable[..., object]) -> None:
        self.deed = deed

    def on_get(self, req: falcon.Request, resp: falcon.Response, **params: str) -> None:
        answer = self.deed(*params.values())
        resp.text = answer if isinstance(answer, str) else ""


class User:
    """A resource that keeps its users waiting, until there are as many as they say."""

    meet = staticmethod(meet_in_threads())

    def on_get(self, req: falcon.Request, resp: falcon.Response, number: str) -> None:
        shop.serve_user(number)
        self.meet(req.get_param_as_int("of", default=1))
        shop.fail_for_user(number)


class Post:
    """A resource that takes a body."""

    def __init__(self, word: str) -> None:
        self.word = word

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        if self.word == "unread":
            shop.fail("unread")
        if self.word == "late":
            asyncsentry.capture_message("late")
        resp.data = req.bounded_stream.read()
        if req.has_param("fail"):
            shop.fail("echo")


class Stream:
    """A resource whose answer is made while it is sent."""

    def __init__(self, chunks: Callable[[], Iterator[bytes]]) -> None:
        self.chunks = chunks

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        resp.stream = self.chunks()


def begin() -> Iterator[bytes]:
    yield b"begun"
    raise shop.Broken("stream")


class Own:
    """The application's own middleware."""

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        if req.path == "/middleware":
            raise shop.Broken("middleware")


def answer(req: falcon.Request, resp: falcon.Response, ex: Exception, params: Any) -> None:
    """The application's own error handler."""
    if isinstance(ex, Excused):
        resp.status = 404
    else:
        resp.status = 500
        resp.text = asyncsentry.capture_exception(ex)


class Excused(Exception):
    """What is no error."""


Paged: type[shop.Broken] = type("Broken", (shop.Broken,), {"__doc__": "What has an error page."})


def break_with(error: Exception) -> None:
    raise error


def tag_inside(where: str) -> None:
    INSIDE[where]()
    raise shop.Broken(f"outside {where}")


RESOURCES: dict[str, object] = {
    "/fine": Get(lambda: "fine"),
    "/fail": Get(lambda: shop.fail("fail")),
    "/chained": Get(shop.fail_in_a_chain),
    "/handled": Get(shop.handle),
    "/refused": Get(lambda: break_with(falcon.HTTPForbidden())),
    "/unavailable": Get(lambda: break_with(falcon.HTTPServiceUnavailable())),
    "/page": Get(lambda: break_with(Paged("page"))),
    "/excused": Get(lambda: break_with(Excused())),
    "/stream": Stream(begin),
    "/endless": Stream(say_more),
    "/background": Get(lambda: start_thread(lambda: shop.fail("background"))),
    "/echo": Post("echo"),
    "/unread": Post("unread"),
    "/late": Post("late"),
    "/item/{number}": Get(lambda number: shop.fail("item")),
    "/user/{number}": User(),
    "/plain": Get(lambda: asyncsentry.capture_message("plain")),
    "/timeout": Get(wait_in_vain),
    "/scopes/{where}": Get(tag_inside),
}


class FalconGunicorn(Gunicorn):
    """gunicorn that serves this shop."""

    def load(self) -> Any:
        app = falcon.App(middleware=[Own()])
        setup(app, **shop.options())
        app.add_error_handler(Paged, answer)
        app.add_error_handler(Excused, answer)
        for pattern, resource in RESOURCES.items():
            app.add_route(pattern, resource)
        asyncsentry.capture_message("early")
        return app


if __name__ == "__main__":
    FalconGunicorn(be_alone, threads=64).run()
