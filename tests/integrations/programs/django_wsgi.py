"""The shop as a Django project, in a worker of gunicorn with threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path, re_path

import asyncsentry
from integrations.programs import django_shop, shop, wsgi_shop
from integrations.programs.wsgi_gunicorn import Gunicorn

meet = wsgi_shop.meet_in_threads()


def view(function: Callable[[], object]) -> Callable[[HttpRequest], HttpResponse]:
    """A view that does this, and has nothing to say."""

    def do(_: HttpRequest) -> HttpResponse:
        function()
        return HttpResponse()

    return do


def stream(_: HttpRequest) -> StreamingHttpResponse:
    def answer() -> Iterator[bytes]:
        yield b"begun"
        raise shop.Broken("stream")

    return StreamingHttpResponse(answer())


def endless(_: HttpRequest) -> StreamingHttpResponse:
    def answer() -> Iterator[bytes]:
        try:
            while True:
                yield b"more"
                time.sleep(0.001)
        finally:
            asyncsentry.capture_message("gone")

    return StreamingHttpResponse(answer())


def echo(request: HttpRequest) -> HttpResponse:
    body = request.body
    if "fail" in request.GET:
        shop.fail("echo")
    return HttpResponse(body)


def late(request: HttpRequest) -> HttpResponse:
    asyncsentry.capture_message("late")
    return HttpResponse(request.body)


def item(_: HttpRequest, number: int) -> HttpResponse:
    shop.fail("item")
    return HttpResponse()


def user(request: HttpRequest, number: str) -> HttpResponse:
    shop.serve_user(number)
    meet(int(request.GET.get("of", "1")))
    shop.fail_for_user(number)
    return HttpResponse()


def scopes(_: HttpRequest, where: str) -> HttpResponse:
    wsgi_shop.INSIDE[where]()
    raise shop.Broken(f"outside {where}")


urlpatterns = [
    path("fine", django_shop.fine),
    path("fail", view(lambda: shop.fail("fail"))),
    path("chained", view(shop.fail_in_a_chain)),
    path("handled", view(shop.handle)),
    path("refused", django_shop.refuse),
    path("unavailable", django_shop.unavailable),
    path("page", django_shop.answered_by_the_middleware),
    path("excused", django_shop.answered_by_the_middleware),
    path("stream", stream),
    path("endless", endless),
    path("background", view(lambda: wsgi_shop.start_thread(lambda: shop.fail("background")))),
    path("echo", echo),
    path("unread", view(lambda: shop.fail("unread"))),
    path("late", late),
    path("item/<int:number>", item),
    re_path(r"^user/(?P<number>[0-9]+)$", user),
    path("plain", view(lambda: asyncsentry.capture_message("plain"))),
    path("timeout", view(wsgi_shop.wait_in_vain)),
    path("scopes/view", django_shop.note_in_the_view),
    path("scopes/<str:where>", scopes),
]


class DjangoGunicorn(Gunicorn):
    """gunicorn with the project in it."""

    debug = False

    def load(self) -> Any:
        from django.core.handlers.wsgi import WSGIHandler

        django_shop.configure("integrations.programs.django_wsgi", debug=self.debug)
        asyncsentry.capture_message("early")
        return WSGIHandler()


if __name__ == "__main__":
    DjangoGunicorn(meet, threads=64).run()
