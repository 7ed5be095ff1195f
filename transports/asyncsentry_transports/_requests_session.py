"""One session of requests, and one connection of it, kept alive between posts."""

from __future__ import annotations

from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import SKIP_HEADER

from asyncsentry.transport.http1 import DISCARD_LIMIT
from asyncsentry.transport.protocol import BODY_LIMIT, NoResponse, Request, Response
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import TlsContext
from asyncsentry_transports._requests_connection import Watch, watched_pools

_NOT_OURS = ("Accept-Encoding", "User-Agent")
"""Headers that urllib3 would add."""


class _Adapter(HTTPAdapter):
    """Has connections watched, TLS spoken as our settings say, and nothing but that."""

    def __init__(self, settings: Settings, tls: TlsContext, watch: Watch) -> None:
        self._settings = settings
        self._tls = tls
        self._pools = watched_pools(watch)
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    # Any: what these take and give is between requests and urllib3.
    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **options, **self._secured())
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options, **self._secured())
        manager.pool_classes_by_scheme = self._pools
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:  # noqa: ARG002 - there is one
        return self._settings.proxy.headers if self._settings.proxy else {}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """The context verifies, or does not; here requests would add its own authorities to it."""

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        """The same: nothing of how to verify."""
        return super().build_connection_pool_key_attributes(request, verify, cert)[0], {}

    def _secured(self) -> dict[str, Any]:
        return {"ssl_context": self._tls.get()} if self._settings.url.startswith("https:") else {}


class _Unmoved(requests.Session):
    """Follows no redirect, and does not look where it would lead: that reads the whole answer."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002 - none is asked for
        return None


class Session:
    """Posts by one session, for one thread at a time."""

    def __init__(self, settings: Settings, *, tls: TlsContext | None = None) -> None:
        """Opens nothing; raises `SetupError` for TLS files that cannot be used, unless ``tls`` is there already."""
        self._settings = settings
        self._tls = tls or TlsContext(settings)
        self._watch = Watch()
        self._session: requests.Session | None = None

    def post(self, request: Request, timeout: float) -> Response | NoResponse:
        """Send, and give the answer. A kept connection that the server had closed is replaced at once."""
        self._watch.begin(timeout)
        try:
            try:
                return self._exchange(request)
            except requests.ConnectionError as error:
                if self._watch.fresh or self._watch.heard or isinstance(_reason(error), TimeoutError):
                    raise
                return self._exchange(request)
        except Exception as error:  # requests, urllib3, sockets, TLS and certificates each fail in their own way
            self.close()
            return NoResponse(_reason(error), self._watch.sent)

    def abort(self) -> None:
        """End the post that another thread is in."""
        self._watch.abort()

    def close(self) -> None:
        """Close the connection; the next post opens another."""
        session, self._session = self._session, None
        if session is not None:
            session.close()
            self._watch.close()

    def _exchange(self, request: Request) -> Response:
        session = self._session = self._session or self._open()
        headers: dict[str, str] = {**dict.fromkeys(_NOT_OURS, SKIP_HEADER), **request.headers}
        prepared = session.prepare_request(requests.Request("POST", request.url, headers=headers, data=request.body))
        left = self._watch.left()
        with session.send(
            prepared, stream=True, timeout=(left, left), allow_redirects=False, proxies=self._proxies()
        ) as answer:
            named = {name.lower(): value for name, value in answer.headers.items()}
            return Response(answer.status_code, named, self._read(answer))

    def _read(self, answer: requests.Response) -> bytes:
        """The beginning of the body, as far as it comes; one that breaks off or is too long costs the connection."""
        body, read = b"", 0
        try:
            while data := answer.raw.read(BODY_LIMIT, decode_content=False):
                body, read = body + data[: BODY_LIMIT - len(body)], read + len(data)
                if read > DISCARD_LIMIT:
                    self._watch.abort()
                    break
        except Exception:  # the status was heard, and that is what counts
            self._watch.abort()
        return body

    def _open(self) -> requests.Session:
        session = _Unmoved()
        session.trust_env = False
        session.headers.clear()
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        adapter = _Adapter(self._settings, self._tls, self._watch)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session

    def _proxies(self) -> dict[str, str] | None:
        proxy = self._settings.proxy
        return dict.fromkeys(("http", "https"), proxy.url) if proxy else None


def _reason(error: BaseException) -> BaseException:
    """What the system said, beneath what two libraries made of it."""
    reason, inner = error, error.__cause__ or error.__context__
    while inner is not None:
        reason = inner if isinstance(inner, OSError) and not isinstance(inner, requests.RequestException) else reason
        inner = inner.__cause__ or inner.__context__
    return reason
