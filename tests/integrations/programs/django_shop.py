"""What the shops on Django share: the project, its middleware, and the views that are not asynchronous anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

import asyncsentry
from integrations.programs import shop


def configure(urlconf: str, *, debug: bool = False) -> None:
    """Set the project up; its views are those of the module ``urlconf``."""
    settings.configure(
        DEBUG=debug,
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={},
        INSTALLED_APPS=["asyncsentry.integrations.django", "rest_framework"],
        LOGGING_CONFIG=None,
        MIDDLEWARE=["django.middleware.common.CommonMiddleware", "integrations.programs.django_shop.Own"],
        REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None},
        ROOT_URLCONF=urlconf,
        SECRET_KEY="of nothing",
        SENTRY=shop.options(),
    )
    django.setup()


class Own:
    """A middleware of the application's own."""

    sync_capable = True
    async_capable = True

    def __new__(cls, get_response: Callable[[HttpRequest], Any]) -> Any:
        from asgiref.sync import iscoroutinefunction, markcoroutinefunction

        own = super().__new__(cls)
        if iscoroutinefunction(get_response):
            markcoroutinefunction(own)
        return own

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        if request.path == "/middleware":
            raise shop.Broken("middleware")
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if request.path == "/page":
            asyncsentry.capture_exception(error)  # for its id; the integration would report it later
            return HttpResponse(asyncsentry.last_event_id(), status=500)
        return HttpResponse(status=404) if request.path == "/excused" else None


def fine(_: HttpRequest) -> HttpResponse:
    return HttpResponse("fine")


def refuse(_: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def answered_by_the_middleware(request: HttpRequest) -> HttpResponse:
    raise shop.Broken(request.path[1:])


def note_in_the_view(_: HttpRequest) -> HttpResponse:
    shop.note("view")
    raise shop.Broken("outside view")


def unavailable(request: HttpRequest) -> HttpResponse:
    """By Django REST framework: Django itself has no error for this."""
    from rest_framework.exceptions import APIException
    from rest_framework.views import APIView

    class Unavailable(APIException):
        status_code = 503

    class View(APIView):
        def get(self, _: object) -> HttpResponse:
            raise Unavailable

    answer: HttpResponse = View.as_view()(request)
    return answer
