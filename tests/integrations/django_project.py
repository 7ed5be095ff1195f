"""A small Django project for the tests of what is particular to Django, in the process that runs them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from io import BytesIO
from tempfile import TemporaryDirectory
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.apps import apps
from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path
from django.views.decorators.debug import sensitive_post_parameters

from asyncsentry.client import Client
from asyncsentry.integrations.django.apps import SentryConfig
from integrations.programs.shop import Broken

FOLDER = TemporaryDirectory()
"""Of the database: it is one for all threads."""

MIDDLEWARE = [
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]


def set_up() -> None:
    """Let there be the project, once in a process, with an empty database. Nothing is watched yet."""
    settings.configure(
        ALLOWED_HOSTS=["testserver"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{FOLDER.name}/db"}},
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        INSTALLED_APPS=[
            "asyncsentry.integrations.django",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "rest_framework",
        ],
        LOGGING_CONFIG=None,
        MIDDLEWARE=MIDDLEWARE,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ROOT_URLCONF="integrations.django_project",
        SECRET_KEY="of nothing",
        SENTRY={"client": Client("")},
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "loaders": [
                        (
                            "django.template.loaders.locmem.Loader",
                            {"500.html": "{% load sentry %}Quote {% last_event_id %}."},
                        )
                    ]
                },
            }
        ],
        USE_TZ=True,
    )
    django.setup()
    config().uninstall()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def config() -> SentryConfig:
    """The app."""
    found = apps.get_app_config("asyncsentry")
    assert isinstance(found, SentryConfig)
    return found


@contextmanager
def watched(client: Client[Any], *, middleware: tuple[str, ...] = (), **given: Any) -> Iterator[None]:
    """The project is watched for ``client``; what else is given belongs to the setting ``SENTRY``, or is a setting."""
    own = {name: value for name, value in given.items() if name.islower()}
    others = {name: value for name, value in given.items() if not name.islower()}
    with override_settings(SENTRY={"client": client, **own}, MIDDLEWARE=[*MIDDLEWARE, *middleware], **others):
        config().ready()
        try:
            yield
        finally:
            config().uninstall()


# -- middleware


class ReturnsNothing:
    def __init__(self, get_response: Any) -> None: ...

    def __call__(self, request: HttpRequest) -> None: ...


class FailsToAnswer:
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        raise LookupError("no page")


class Synchronous:
    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)


# -- views

ERRORS = {
    "404": Http404,
    "403": PermissionDenied,
    "400": BadRequest,
    "suspicious": SuspiciousOperation,
    "500": Broken,
}


def fail(_: HttpRequest, how: str) -> HttpResponse:
    raise ERRORS[how]("fail")


async def fail_later(_: HttpRequest, how: str) -> HttpResponse:
    raise ERRORS[how]("fail")


def answer(_: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse(status=status)


def stream(_: HttpRequest, end: str) -> StreamingHttpResponse:
    def chunks() -> Iterator[str]:
        yield "begun"
        if end == "fail":
            raise Broken("stream")

    return StreamingHttpResponse(chunks())


async def stream_later(_: HttpRequest, end: str) -> StreamingHttpResponse:
    async def chunks() -> AsyncIterator[str]:
        yield "begun"
        if end == "fail":
            raise Broken("stream")

    return StreamingHttpResponse(chunks())


def send_file(_: HttpRequest) -> FileResponse:
    return FileResponse(BytesIO(b"file"))


def use_user(request: HttpRequest) -> HttpResponse:
    assert request.user.is_authenticated
    raise Broken("user")


async def use_user_later(request: HttpRequest) -> HttpResponse:
    if hasattr(request, "auser"):
        assert (await request.auser()).is_authenticated
    else:  # before Django 5
        assert await sync_to_async(lambda: request.user.is_authenticated)()
    raise Broken("user")


def use_post(request: HttpRequest) -> HttpResponse:
    assert request.POST
    raise Broken("post")


@sensitive_post_parameters("card")
def hide_post(request: HttpRequest) -> HttpResponse:
    return use_post(request)


@sensitive_post_parameters("card")
def hide_body(request: HttpRequest) -> HttpResponse:
    assert request.body
    raise Broken("body")


@sensitive_post_parameters()
def hide_all_post(request: HttpRequest) -> HttpResponse:
    return use_post(request)


def use_nothing(_: HttpRequest) -> HttpResponse:
    raise Broken("nothing")


def rest(request: HttpRequest, status: int) -> HttpResponse:
    from rest_framework.exceptions import APIException
    from rest_framework.views import APIView

    class View(APIView):
        def post(self, request: Any) -> HttpResponse:
            assert request.data
            return self.get(request)

        def get(self, _: Any) -> HttpResponse:
            if status == 500:
                raise Broken("rest")
            error = APIException("rest")
            error.status_code = status
            raise error

    done: HttpResponse = View.as_view()(request)
    return done


def query(_: HttpRequest) -> HttpResponse:
    from django.contrib.auth.models import User

    assert not User.objects.filter(username="sesame").exists()
    raise Broken("query")


async def query_later(_: HttpRequest) -> HttpResponse:
    from django.contrib.auth.models import User

    assert not await User.objects.filter(username="sesame").aexists()
    raise Broken("query")


urlpatterns = [
    path("", use_nothing),
    path("fail/<how>", fail),
    path("later/<how>", fail_later),
    path("answer/<int:status>", answer),
    path("stream/<end>", stream),
    path("stream-later/<end>", stream_later),
    path("file", send_file),
    path("user", use_user),
    path("user-later", use_user_later),
    path("post", use_post),
    path("hide-post", hide_post),
    path("hide-body", hide_body),
    path("hide-all-post", hide_all_post),
    path("nothing", use_nothing),
    path("rest/<int:status>", rest),
    path("query", query),
    path("query-later", query_later),
]

set_up()
