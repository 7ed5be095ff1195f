"""The middleware. All but `SentryNotFoundMiddleware` comes by itself where the app is installed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from asyncsentry.integrations.django._serving import Serving, note_error

# Any: an answer, or one to be awaited. Whatever a project's middleware gives goes on as it is.
GetResponse: TypeAlias = Callable[[HttpRequest], Any]


class SentryMiddleware:
    """Opens a scope for each request, reports what its answer says is wrong, and names the event in it.

    It is the first of all, unless the setting ``MIDDLEWARE`` has it elsewhere.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response
        self._config = installed()
        self._is_async = _take_colour(self, get_response)
        self._awake = False

    def __call__(self, request: HttpRequest) -> Any:
        """Serve one request."""
        client = self._config.clients()
        if not client.active:
            return self._get_response(request)
        serving = Serving(client, self._config.errors, request)
        if self._is_async:
            return self._serve(serving, request)
        with serving:
            return serving.finish(self._get_response(request))

    async def _serve(self, serving: Serving, request: HttpRequest) -> Any:
        if not self._awake:  # Django has no place where the loop begins to run
            self._awake = True
            self._config.clients().wake()
        with serving:
            return serving.finish(await self._get_response(request))


class ViewErrors:
    """Is told what a view raises, as the last of all, and so before any middleware that may answer it."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response
        _take_colour(self, get_response)

    def __call__(self, request: HttpRequest) -> Any:
        """Serve one request."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        """Django calls it."""
        note_error(request, error)


class SentryNotFoundMiddleware:
    """Reports each page that is not there, as a message, but those that ``IGNORABLE_404_URLS`` names."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response
        self._config = installed()
        self._is_async = _take_colour(self, get_response)

    def __call__(self, request: HttpRequest) -> Any:
        """Serve one request."""
        answer = self._get_response(request)
        return self._see_later(request, answer) if self._is_async else self._see(request, answer)

    async def _see_later(self, request: HttpRequest, answer: Awaitable[Any]) -> Any:
        return self._see(request, await answer)

    def _see(self, request: HttpRequest, response: Any) -> Any:
        if response.status_code == 404 and not _is_ignorable(request.get_full_path()):
            message = {"formatted": f"Page Not Found: {request.path}"}
            self._config.clients().capture_event({"level": "info", "logger": "http404", "logentry": message})
        return response


def _is_ignorable(path: str) -> bool:
    return any(pattern.search(path) for pattern in settings.IGNORABLE_404_URLS)


def _take_colour(middleware: GetResponse, get_response: GetResponse) -> bool:
    """Let a middleware be asynchronous where what it calls is; whether it is."""
    is_async = iscoroutinefunction(get_response)
    if is_async:
        markcoroutinefunction(middleware)
    return is_async


def installed() -> Any:
    """The app, as the project has it. Raises ``ImproperlyConfigured`` if it has not."""
    try:
        return apps.get_app_config("asyncsentry")
    except LookupError:
        raise ImproperlyConfigured(
            'the middleware of asyncsentry needs "asyncsentry.integrations.django" in INSTALLED_APPS'
        ) from None
