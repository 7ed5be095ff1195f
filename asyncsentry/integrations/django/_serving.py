"""The serving of a request, from the first middleware to the end of the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from asyncsentry.client import Client
from asyncsentry.integrations._errors import Errors
from asyncsentry.integrations._statuses import EVENT_ID_HEADER
from asyncsentry.integrations.django._requests import describe
from asyncsentry.integrations.wsgi import Streamed, _Work

if TYPE_CHECKING:
    from typing_extensions import Self

_RAISED: Final = "_asyncsentry_error"
"""The attribute of a request that has what its view raised, until it is answered."""


def note_error(request: HttpRequest, error: Exception) -> None:
    """Remember what a view has raised: somebody may answer it, and with which status is not known yet."""
    vars(request)[_RAISED] = error


def take_error(request: HttpRequest) -> Exception | None:
    """What is remembered, once."""
    error: Exception | None = vars(request).pop(_RAISED, None)
    return error


class Serving:
    """A request that is served within a scope of its own: ``with serving:``, and in there `finish` it."""

    def __init__(self, client: Client[Any], errors: Errors, request: HttpRequest) -> None:
        self._client = client
        self._errors = errors
        self._request = request
        self._steps = client.work_in_steps(partial(describe, request))
        self._streams = False

    def __enter__(self) -> Self:
        self._steps.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._steps.__exit__()
        if not self._streams:
            self._steps.end()

    def finish(self, response: Any) -> Any:
        """Report what the answer says is wrong, name the event in it, and follow it while it is streamed."""
        error = take_error(self._request)
        if not isinstance(response, HttpResponseBase):
            return response  # Django will say what it thinks of that
        if error is not None:
            self._errors.answered(error, response.status_code, self._client)
        event_id = self._client.last_event_id()
        if event_id is not None:
            response.headers[EVENT_ID_HEADER] = event_id
        # A file is the server's to send, and it knows it only as it is.
        if response.streaming and getattr(response, "file_to_stream", None) is None:
            self._follow(response)
        return response

    def _follow(self, response: Any) -> None:
        self._streams = True
        chunks = response.streaming_content
        response.streaming_content = self._later(chunks) if response.is_async else self._now(chunks)

    def _now(self, chunks: Iterable[bytes]) -> Streamed:
        return Streamed(chunks, _Work(self._client, self._errors.unhandled, self._steps))

    def _later(self, chunks: AsyncIterator[bytes]) -> _StreamedLater:
        return _StreamedLater(chunks, self._client, self._errors, self._steps)


class _StreamedLater:
    """An answer that the application makes, asynchronously, while the server sends it."""

    def __init__(self, chunks: AsyncIterator[bytes], client: Client[Any], errors: Errors, steps: Any) -> None:
        self._chunks = chunks
        self._client = client
        self._errors = errors
        self._steps = steps

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        with self._steps:
            try:
                return await self._chunks.__anext__()
            except StopAsyncIteration:
                raise
            except Exception as error:
                self._errors.raised(error, self._client)
                raise

    def close(self) -> None:
        """Called by Django when the answer is sent, or the client gone."""
        self._steps.end()
