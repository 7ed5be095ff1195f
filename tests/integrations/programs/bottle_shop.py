"""The shop on Bottle, whatever server it runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bottle import Bottle, HTTPError, HTTPResponse, abort, request, response

import asyncsentry
from asyncsentry.integrations.bottle import setup
from integrations.programs import shop
from integrations.programs.wsgi_shop import INSIDE, say_more, start_thread, wait_in_vain


def excuse(callback: Callable[..., Any]) -> Callable[..., Any]:
    """The application's own plugin, which answers some errors."""

    def answer(*args: Any, **given: Any) -> Any:
        try:
            return callback(*args, **given)
        except shop.Broken as error:
            if error.args == ("excused",):
                return HTTPError(404, exception=error)
            if error.args == ("page",):
                return HTTPResponse(asyncsentry.capture_exception(error), 500)
            raise

    return answer


def make_application(meet: Callable[[int], None]) -> Bottle:
    """The shop, set up."""
    app = Bottle()
    app.install(excuse)
    add_errors(app)
    add_bodies(app)
    add_scopes(app, meet)
    setup(app, **shop.options())
    asyncsentry.capture_message("early")
    return app


def add_errors(app: Bottle) -> None:
    @app.hook("before_request")
    def check() -> None:
        if request.path == "/middleware":
            raise shop.Broken("middleware")

    app.get("/fine", callback=lambda: "fine")
    app.get("/fail", callback=lambda: shop.fail("fail"))
    app.get("/chained", callback=shop.fail_in_a_chain)
    app.get("/handled", callback=shop.handle)
    app.get("/refused", callback=lambda: abort(403))
    app.get("/unavailable", callback=lambda: abort(503))
    app.get("/item/<number>", callback=lambda number: shop.fail("item"))

    @app.get("/excused")
    def excused() -> None:
        raise shop.Broken("excused")

    @app.get("/page")
    def page() -> None:
        raise shop.Broken("page")

    @app.get("/stream")
    def stream() -> Iterator[bytes]:
        response.content_type = "text/plain"
        yield b"begun"
        raise shop.Broken("stream")

    @app.get("/endless")
    def endless() -> Iterator[bytes]:
        return say_more()


def add_bodies(app: Bottle) -> None:
    @app.post("/echo")
    def echo() -> Any:
        body = request.body.read()
        if "fail" in request.query:
            shop.fail("echo")
        return body

    @app.post("/unread")
    def unread() -> None:
        shop.fail("unread")

    @app.post("/late")
    def late() -> Any:
        asyncsentry.capture_message("late")
        return request.body.read()


def add_scopes(app: Bottle, meet: Callable[[int], None]) -> None:
    app.get("/background", callback=lambda: start_thread(lambda: shop.fail("background")))
    app.get("/timeout", callback=wait_in_vain)

    @app.get("/user/<number>")
    def user(number: str) -> None:
        shop.serve_user(number)
        meet(int(request.query.get("of", "1")))
        shop.fail_for_user(number)

    @app.get("/plain")
    def plain() -> None:
        asyncsentry.capture_message("plain")

    @app.get("/scopes/<where>")
    def scopes(where: str) -> None:
        INSIDE[where]()
        raise shop.Broken(f"outside {where}")
