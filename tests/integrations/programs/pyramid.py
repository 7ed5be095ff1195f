"""The shop on Pyramid and waitress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden, HTTPServiceUnavailable
from pyramid.response import Response

import asyncsentry
from integrations.programs import shop
from integrations.programs.waitress_serving import serve
from integrations.programs.wsgi_shop import INSIDE, meet_in_threads, say_more, start_thread, wait_in_vain

View = Callable[[Any], Any]

meet = meet_in_threads()


def refuse(_: Any) -> Response:
    raise HTTPForbidden


def be_unavailable(_: Any) -> Response:
    raise HTTPServiceUnavailable


def break_by_name(request: Any) -> Response:
    raise shop.Broken(request.path[1:])


def stream(_: Any) -> Response:
    def chunks() -> Iterator[bytes]:
        yield b"begun"
        raise shop.Broken("stream")

    return Response(app_iter=chunks(), content_type="text/plain", charset="utf-8")


def endless(_: Any) -> Response:
    return Response(app_iter=say_more())


def echo(request: Any) -> Response:
    body = request.body
    if "fail" in request.GET:
        shop.fail("echo")
    return Response(body)


def late(request: Any) -> Response:
    asyncsentry.capture_message("late")
    return Response(request.body)


def serve_user(request: Any) -> None:
    number = request.matchdict["number"]
    shop.serve_user(number)
    meet(int(request.GET.get("of", "1")))
    shop.fail_for_user(number)


def tag_inside(request: Any) -> None:
    where = request.matchdict["where"]
    INSIDE[where]()
    raise shop.Broken(f"outside {where}")


def answering(deed: Callable[[], object]) -> View:
    """A view that does this."""

    def view(_: Any) -> Response:
        deed()
        return Response()

    return view


VIEWS: dict[str, View] = {
    "fine": lambda _: Response("fine"),
    "fail": answering(lambda: shop.fail("fail")),
    "chained": answering(shop.fail_in_a_chain),
    "handled": answering(shop.handle),
    "refused": refuse,
    "unavailable": be_unavailable,
    "page": break_by_name,
    "excused": break_by_name,
    "middleware": break_by_name,
    "stream": stream,
    "endless": endless,
    "background": answering(lambda: start_thread(lambda: shop.fail("background"))),
    "echo": echo,
    "unread": answering(lambda: shop.fail("unread")),
    "late": late,
    "item/{number}": answering(lambda: shop.fail("item")),
    "user/{number}": serve_user,
    "plain": answering(lambda: asyncsentry.capture_message("plain")),
    "timeout": answering(wait_in_vain),
    "scopes/{where}": tag_inside,
}


def own(handler: View, _registry: Any) -> View:
    """The application's own tween."""

    def tween(request: Any) -> Any:
        if request.path == "/middleware":
            raise shop.Broken("middleware")
        return handler(request)

    return tween


def show(error: Exception, request: Any) -> Any:
    """The application's own exception view."""
    if request.path == "/page":
        return Response(asyncsentry.capture_exception(error), status=500)
    if request.path == "/excused":
        return Response(status=404)
    raise error


def make_application() -> Any:
    with Configurator(settings={f"sentry.{name}": value for name, value in shop.options().items()}) as config:
        config.include("asyncsentry.integrations.pyramid")
        config.add_tween(f"{__name__}.own")
        config.add_exception_view(show, context=shop.Broken)
        for pattern, view in VIEWS.items():
            config.add_route(pattern, f"/{pattern}")
            config.add_view(view, route_name=pattern)
        asyncsentry.capture_message("early")
        return config.make_wsgi_app()


if __name__ == "__main__":
    serve(make_application())
