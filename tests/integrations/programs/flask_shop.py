"""The shop as an application of Flask's, whatever server it runs on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from flask import Blueprint, Flask, Response, abort, request, stream_with_context

import asyncsentry
from asyncsentry.integrations.flask import Sentry
from integrations.programs import shop, wsgi_shop

Meet = Callable[[int], None]

pages = Blueprint("pages", __name__)
answered = Blueprint("answered", __name__)


@pages.get("/fine")
def fine() -> str:
    return "fine"


@pages.get("/fail")
def fail() -> str:
    shop.fail("fail")
    return ""


@pages.get("/chained")
def chained() -> str:
    shop.fail_in_a_chain()
    return ""


@pages.get("/handled")
def handled() -> str:
    shop.handle()
    return ""


@pages.get("/refused")
def refused() -> str:
    abort(403)


@pages.get("/unavailable")
def unavailable() -> str:
    abort(503)


@answered.get("/page")
@answered.get("/excused")
def answered_by_an_error_handler() -> str:
    raise shop.Broken(request.path[1:])


@answered.errorhandler(shop.Broken)
def sorry(error: shop.Broken) -> tuple[str, int]:
    if request.path == "/excused":
        return "", 404
    return str(asyncsentry.capture_exception(error)), 500


@pages.before_request
def check() -> None:
    if request.path == "/middleware":
        raise shop.Broken("middleware")


@pages.get("/middleware")
def behind_the_middleware() -> str:
    raise LookupError("it was to stop here")


@pages.get("/stream")
def stream() -> Response:
    def chunks() -> Iterator[str]:
        yield "begun"
        raise shop.Broken(request.path[1:])

    return Response(stream_with_context(chunks()))


@pages.get("/endless")
def endless() -> Response:
    def chunks() -> Iterator[str]:
        try:
            while True:
                yield "more"
                time.sleep(0.001)
        finally:
            asyncsentry.capture_message("gone")

    return Response(chunks())


@pages.get("/background")
def background() -> str:
    wsgi_shop.start_thread(lambda: shop.fail("background"))
    return ""


@pages.post("/echo")
def echo() -> bytes:
    body = request.get_data()
    if "fail" in request.args:
        shop.fail("echo")
    return body


@pages.post("/unread")
def unread() -> str:
    shop.fail("unread")
    return ""


@pages.post("/late")
def late() -> bytes:
    asyncsentry.capture_message("late")
    return request.get_data()


@pages.get("/item/<int:number>")
def item(number: int) -> str:
    shop.fail("item")
    return str(number)


@pages.get("/plain")
def plain() -> str:
    asyncsentry.capture_message("plain")
    return ""


@pages.get("/timeout")
def timeout() -> str:
    wsgi_shop.wait_in_vain()
    return ""


@pages.get("/scopes/<where>")
def scopes(where: str) -> str:
    wsgi_shop.INSIDE[where]()
    raise shop.Broken(f"outside {where}")


def make_app(meet: Meet) -> Flask:
    """The shop, set up."""
    app = Flask("shop")
    Sentry(app, **shop.options())

    @app.get("/user/<number>")
    def user(number: str) -> str:
        shop.serve_user(number)
        meet(int(request.args.get("of", "1")))
        shop.fail_for_user(number)
        return ""

    pages.register_blueprint(answered)
    app.register_blueprint(pages)
    asyncsentry.capture_message("early")
    return app
