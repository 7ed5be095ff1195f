"""The shop as a Django project of asynchronous views."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path, re_path

import asyncsentry
from integrations.programs import django_shop, shop

tasks: set[asyncio.Task[None]] = set()


def view(
    function: Callable[[], Awaitable[object] | object],
) -> Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]:
    """A view that does this, and has nothing to say."""

    async def do(_: HttpRequest) -> HttpResponse:
        done = function()
        if isinstance(done, Awaitable):
            await done
        return HttpResponse()

    return do


async def stream(_: HttpRequest) -> StreamingHttpResponse:
    async def answer() -> AsyncIterator[bytes]:
        yield b"begun"
        await asyncio.sleep(0.01)
        raise shop.Broken("stream")

    return StreamingHttpResponse(answer())


async def endless(_: HttpRequest) -> StreamingHttpResponse:
    async def answer() -> AsyncIterator[bytes]:
        try:
            for _ in range(500):  # before version 5 Django does not notice that nobody listens
                yield b"more"
                await asyncio.sleep(0.001)
        finally:
            asyncsentry.capture_message("gone")

    return StreamingHttpResponse(answer())


async def background(_: HttpRequest) -> HttpResponse:
    task = asyncio.create_task(shop.fail_later("background"))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return HttpResponse()


async def echo(request: HttpRequest) -> HttpResponse:
    body = request.body
    if "fail" in request.GET:
        shop.fail("echo")
    return HttpResponse(body)


async def late(request: HttpRequest) -> HttpResponse:
    asyncsentry.capture_message("late")
    return HttpResponse(request.body)


async def item(_: HttpRequest, number: int) -> HttpResponse:
    shop.fail("item")
    return HttpResponse()


async def user(request: HttpRequest, number: str) -> HttpResponse:
    shop.serve_user(number)
    await shop.meet(int(request.GET.get("of", "1")))
    shop.fail_for_user(number)
    return HttpResponse()


async def scopes(_: HttpRequest, where: str) -> HttpResponse:
    await shop.INSIDE[where]()
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
    path("background", background),
    path("echo", echo),
    path("unread", view(lambda: shop.fail("unread"))),
    path("late", late),
    path("item/<int:number>", item),
    re_path(r"^user/(?P<number>[0-9]+)$", user),
    path("plain", view(lambda: asyncsentry.capture_message("plain"))),
    path("timeout", view(shop.time_out)),
    path("scopes/view", django_shop.note_in_the_view),
    path("scopes/<str:where>", scopes),
]


def run(serve: Callable[[Any], None]) -> None:
    """Serve the project until the program is told to end."""
    django_shop.configure("integrations.programs.django_asgi")
    asyncsentry.capture_message("early")
    try:
        serve(ASGIHandler())
    finally:
        asyncsentry.capture_message("goodbye")
