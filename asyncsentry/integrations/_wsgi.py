"""A request of WSGI, watched while an application serves it: https://peps.python.org/pep-3333/"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Final, TypeAlias

from asyncsentry.client import Client
from asyncsentry.events.exceptions import Mechanism
from asyncsentry.events.http import HttpRequest, declared_size
from asyncsentry.integrations._statuses import EVENT_ID_HEADER, Statuses

# Any: WSGI's own types are a dict of anything, and callables that a server may give more than the standard asks for.
Environ: TypeAlias = dict[str, Any]
ExcInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
StartResponse: TypeAlias = Callable[..., Any]
Application: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

_ADDRESSES: Final = ("SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR")


class Connection:
    """To the client. That it fails, while the application reads or writes, is no error of the application's."""

    def __init__(self, client: Client[Any]) -> None:
        self._client = client

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call what reads from the client of the server, or writes to it."""
        try:
            return function(*args)
        except OSError as error:
            self._client.disregard(error)
            raise


class Body:
    """A request's body as the application reads it: ``wsgi.input``, and what was read, as far as an event may show it.

    A file of the server's has more methods than the standard asks for, and so has this one.
    """

    def __init__(self, stream: Any, connection: Connection, limit: int) -> None:
        self._stream = stream
        self._connection = connection
        self._left = limit + 1 if limit else 0  # one more shows that it is too long
        self._chunks: list[bytes] = []

    def so_far(self) -> bytes:
        return b"".join(self._chunks)

    def read(self, *size: Any) -> Any:
        return self._keep(self._connection.call(self._stream.read, *size))

    def readline(self, *size: Any) -> Any:
        return self._keep(self._connection.call(self._stream.readline, *size))

    def readlines(self, *hint: Any) -> Any:
        lines = self._connection.call(self._stream.readlines, *hint)
        for line in lines:
            self._keep(line)
        return lines

    def __iter__(self) -> Iterator[Any]:
        lines = iter(self._stream)
        while (line := self._connection.call(next, lines, None)) is not None:
            yield self._keep(line)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._stream, name)
        if name == "read1":
            return lambda *size: self._keep(self._connection.call(method, *size))
        return partial(self._read_into, method) if name in ("readinto", "readinto1") else method

    def _read_into(self, read_into: Callable[[Any], int], room: Any) -> int:
        count = self._connection.call(read_into, room)
        self._keep(bytes(memoryview(room)[: min(count or 0, self._left)]))
        return count  # type: ignore[no-any-return]  # whatever the stream says

    def _keep(self, chunk: Any) -> Any:
        if self._left > 0 and chunk:
            self._chunks.append(chunk[: self._left])
            self._left -= len(chunk)
        return chunk


class Answer:
    """``start_response``: reports what is answered with a failed status, and names the event in the answer."""

    def __init__(
        self,
        start: StartResponse,
        client: Client[Any],
        connection: Connection,
        mechanism: Mechanism,
        failed: Statuses,
    ) -> None:
        self._start = start
        self._client = client
        self._connection = connection
        self._mechanism = mechanism
        self._failed = failed
        self._before = sys.exc_info()[1]

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None) -> Any:
        """Stands in for the server's ``start_response``."""
        # Who answers while it handles an error answers for that.
        error = exc_info[1] if exc_info else sys.exc_info()[1]
        if isinstance(error, Exception) and error is not self._before and _number(status) in self._failed:
            self._client.report(error, self._mechanism)
        event_id = self._client.last_event_id()
        if event_id is not None:
            headers = [*headers, (EVENT_ID_HEADER, event_id)]
        write = self._start(status, headers, exc_info) if exc_info else self._start(status, headers)
        return partial(self._connection.call, write)


def request_of(environ: Environ, body: bytes | None) -> HttpRequest:
    """The request that a server tells of in this ``environ``. ``body`` is what was read of it."""
    return HttpRequest(
        method=environ.get("REQUEST_METHOD", ""),
        url=_url(environ),
        query=environ.get("QUERY_STRING", ""),
        headers=list(_headers(environ)),
        env={name: str(environ[name]) for name in _ADDRESSES if environ.get(name)},
        body=body,
        body_size=declared_size(environ.get("CONTENT_LENGTH")),
    )


def path_of(environ: Environ) -> str:
    """The path that was asked for, as text."""
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path.encode("latin-1", "replace").decode("utf-8", "replace") or "/"


def _url(environ: Environ) -> str:
    scheme = environ.get("wsgi.url_scheme", "http")
    host = environ.get("HTTP_HOST")
    if not host:
        host, port = environ.get("SERVER_NAME", "localhost"), str(environ.get("SERVER_PORT", ""))
        host = host if port in ("", "443" if scheme == "https" else "80") else f"{host}:{port}"
    return f"{scheme}://{host}{path_of(environ)}"


def _headers(environ: Environ) -> Iterator[tuple[str, str]]:
    for name, value in environ.items():
        if name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            if value:
                yield name.replace("_", "-").title(), value
        elif name.startswith("HTTP_") and isinstance(value, str):
            yield name[5:].replace("_", "-").title(), value


def _number(status: str) -> int:
    """The number that a status line begins with; 0 for what is none."""
    number = str(status)[:3]
    return int(number) if number.isascii() and number.isdecimal() else 0


def watch_files(environ: Environ) -> Callable[[object], bool]:
    """Tells the files that the server itself sends by ``wsgi.file_wrapper``: only as they are will it know them."""
    wrap = environ.get("wsgi.file_wrapper")
    if wrap is None:
        return lambda _result: False
    if isinstance(wrap, type):
        return lambda result: isinstance(result, wrap)
    wrapped: list[Any] = []

    def wrap_and_note(*args: Any) -> Any:
        wrapped.append(wrap(*args))
        return wrapped[-1]

    environ["wsgi.file_wrapper"] = wrap_and_note
    return lambda result: any(result is each for each in wrapped)
