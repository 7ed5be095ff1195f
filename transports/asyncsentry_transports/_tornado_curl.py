"""Sending with Tornado's client that stands on libcurl: it keeps connections, and knows proxies."""

from __future__ import annotations

import asyncio
import os
import ssl
from io import BytesIO
from typing import Any

import pycurl
from tornado.curl_httpclient import CurlAsyncHTTPClient, CurlError
from tornado.httpclient import HTTPRequest

from asyncsentry.transport.protocol import Request, Response
from asyncsentry.transport.settings import Settings
from asyncsentry_transports._flight import Flight
from asyncsentry_transports._tasks import Tasks
from asyncsentry_transports._tornado_answer import Answer

_NOT_OURS = ("Accept", "Content-Type", "Expect", "User-Agent")
"""Headers that libcurl would add."""


class CurlSender:
    """One client on each loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: Settings) -> None:
        self._settings = settings
        self._tasks = Tasks(loop)
        client = CurlAsyncHTTPClient(force_instance=True, max_clients=settings.max_in_flight)
        assert isinstance(client, CurlAsyncHTTPClient)  # its type says less
        self._client = client

    def send(self, request: Request, flight: Flight, /) -> None:
        self._tasks.start(self._post(request, flight), flight)

    async def close(self) -> None:
        await self._tasks.end()
        self._client.close()
        if self._client._timeout is not None:  # set while it closed; it would fail, and log that as the program's error
            self._client.io_loop.remove_timeout(self._client._timeout)

    async def _post(self, request: Request, flight: Flight) -> Response:
        answer = Answer()

        def prepare(curl: Any) -> None:
            _set_up(curl, request, self._settings)
            _listen(curl, request, flight, answer)

        settings = self._settings
        post = HTTPRequest(
            request.url,
            "POST",
            headers=dict(request.headers),
            body=request.body,
            connect_timeout=settings.timeout,
            request_timeout=settings.timeout,
            follow_redirects=False,
            decompress_response=False,
            validate_cert=settings.verify_ssl,
            prepare_curl_callback=prepare,
        )
        try:
            await self._client.fetch(post, raise_error=False)
        except CurlError as error:
            if answer.known() is None:
                raise _reason(error) from None
        if (known := answer.known()) is None:
            raise ConnectionError("the answer is malformed")
        return known


def _listen(curl: Any, request: Request, flight: Flight, answer: Answer) -> None:
    """Have libcurl ask us for the body, and tell us of the answer."""
    body = BytesIO(request.body)

    def give(size: int) -> bytes:
        flight.sent = True  # it asks before, or right after, it sends the head
        return body.read(size)

    def rewind(offset: int, origin: int) -> int:
        body.seek(offset, origin)
        return int(pycurl.SEEKFUNC_OK)

    def hear(line: bytes) -> None:
        if flight.sent:  # else it is the proxy's answer to CONNECT
            answer.line(line.decode("latin-1"))

    def take(piece: bytes) -> int:
        return len(piece) if answer.piece(piece) else 0  # 0 ends the request, and costs the connection

    curl.setopt(pycurl.READFUNCTION, give)
    curl.setopt(pycurl.SEEKFUNCTION, rewind)
    curl.setopt(pycurl.HEADERFUNCTION, hear)
    curl.setopt(pycurl.WRITEFUNCTION, take)


def _set_up(curl: Any, request: Request, settings: Settings) -> None:
    """Have libcurl do what is asked of it and no more: it obeys the environment, and adds headers."""
    named = {name.lower() for name in request.headers}
    headers = [f"{name}: {value}" for name, value in request.headers.items()]
    curl.setopt(pycurl.HTTPHEADER, headers + [f"{name}:" for name in _NOT_OURS if name.lower() not in named])
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.VERBOSE, 0)  # Tornado logs all of a request, secrets too, in a program that logs at DEBUG
    proxy = settings.proxy
    curl.setopt(pycurl.NOPROXY, "")
    curl.setopt(pycurl.PROXY, proxy.url if proxy else "")
    if proxy:
        curl.setopt(pycurl.HEADEROPT, pycurl.HEADER_SEPARATE)
        curl.setopt(pycurl.PROXYHEADER, [*(f"{name}: {value}" for name, value in proxy.headers.items()), "User-Agent:"])
    file, folder = _authorities(settings.ca_certs)
    if file or folder:  # else libcurl knows better
        _name_file(curl, pycurl.CAINFO, file) if file else curl.unsetopt(pycurl.CAINFO)
        _name_file(curl, pycurl.CAPATH, folder) if folder else curl.unsetopt(pycurl.CAPATH)
    if settings.cert_file:
        _name_file(curl, pycurl.SSLCERT, settings.cert_file)
    if settings.key_file:
        _name_file(curl, pycurl.SSLKEY, settings.key_file)


def _name_file(curl: Any, option: int, path: str) -> None:
    curl.setopt(option, os.fsencode(path))  # of text, pycurl takes ASCII alone


def _authorities(ca_certs: str | None) -> tuple[str | None, str | None]:
    """The file and the folder of those to trust. Of the platform's, a libcurl that came in a wheel knows nothing."""
    if ca_certs is None:
        platform = ssl.get_default_verify_paths()
        return platform.cafile, platform.capath
    return (None, ca_certs) if os.path.isdir(ca_certs) else (ca_certs, None)


def _reason(error: CurlError) -> Exception:
    if error.errno == pycurl.E_OPERATION_TIMEDOUT:
        return TimeoutError("no answer in time")
    return ConnectionError(error.message)
