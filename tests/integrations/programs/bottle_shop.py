"""The shop on Bottle, whatever server it runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import bottle

import asyncsentry
from asyncsentry.integrations.bottle import setup
from integrations.programs import shop
from integrations.programs.wsgi_shop import INSIDE, say_more, start_thread, wait_in_vain

# Any: Bottle has no types, and of its own makes these on the fly.
request: Any = bottle.request
response: Any = bottle.response


def make_application(meet: Callable[[int], None]) -> Any:
    """The shop, set up."""

    def serve_user(number: str) -> None:
        shop.serve_user(number)
        meet(int(request.query.get("of", "1")))
        shop.fail_for_user(number)

    app: Any = bottle.Bottle()
    app.install(answer_some)
    app.add_hook("before_request", check)
    for rule, callback in {**CALLBACKS, "/user/<number>": serve_user}.items():
        app.route(rule, ["GET", "POST"], callback=callback)
    setup(app, **shop.options())
    asyncsentry.capture_message("early")
    return app


def answer_some(callback: Callable[..., Any]) -> Callable[..., Any]:
    """The application's own plugin, which answers some errors."""

    def answer(*args: Any, **given: Any) -> Any:
        try:
            return callback(*args, **given)
        except shop.Broken as error:
            if error.args == ("excused",):
                return bottle.HTTPError(404, exception=error)
            if error.args == ("page",):
                return bottle.HTTPResponse(str(asyncsentry.capture_exception(error)), 500)
            raise

    return answer


def check() -> None:
    """The application's own hook, called before each request."""
    if request.path == "/middleware":
        raise shop.Broken("middleware")


def break_by_name() -> None:
    raise shop.Broken(request.path[1:])


def stream() -> Iterator[bytes]:
    response.content_type = "text/plain"
    yield b"begun"
    raise shop.Broken("stream")


def echo() -> Any:
    body = request.body.read()
    if "fail" in request.query:
        shop.fail("echo")
    return body


def late() -> Any:
    asyncsentry.capture_message("late")
    return request.body.read()


def capture() -> None:
    asyncsentry.capture_message("plain")


def tag_inside(where: str) -> None:
    INSIDE[where]()
    raise shop.Broken(f"outside {where}")


CALLBACKS: dict[str, Callable[..., object]] = {
    "/fine": lambda: "fine",
    "/fail": lambda: shop.fail("fail"),
    "/chained": shop.fail_in_a_chain,
    "/handled": shop.handle,
    "/refused": lambda: bottle.abort(403),
    "/unavailable": lambda: bottle.abort(503),
    "/page": break_by_name,
    "/excused": break_by_name,
    "/stream": stream,
    "/endless": say_more,
    "/background": lambda: start_thread(lambda: shop.fail("background")),
    "/echo": echo,
    "/unread": lambda: shop.fail("unread"),
    "/late": late,
    "/item/<number>": lambda number: shop.fail("item"),
    "/plain": capture,
    "/timeout": wait_in_vain,
    "/scopes/<where>": tag_inside,
}
