"""An HTTP request, and what an event shows of it.

Its secrets are hidden. Its body, and what tells who sent it, are shown where ``send_default_pii`` or
``data_collection`` asks for them.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from asyncsentry.events import Json
from asyncsentry.events.bodies import hidden_graphql, show_body
from asyncsentry.events.collection import Behaviour, DataCollection
from asyncsentry.events.freezing import OMITTED, Freezer, cut
from asyncsentry.events.rules import Rules
from asyncsentry.events.scrubbing import (
    FILTERED,
    NAME_LIMIT,
    USUAL,
    SecretNames,
    scrub_cookies,
    scrub_headers,
    scrub_query,
    scrub_url,
)

URL_LIMIT: Final = 2048
"""Characters of a URL, and of a query string."""

_ADDRESS_LIMIT: Final = 8 * URL_LIMIT
"""Characters of a URL that are looked at, so that none takes long."""

_METHOD: Final = r"[A-Za-z_-]{1,32}"
"""What servers take for a method."""

_ELSEWHERE: Final = ("cookie", "proxy")
"""Cookies have a place of their own; the other is the environment's ``HTTP_PROXY``, where a server gives that, too."""

_TELLING: Final = ("forwarded", "-ip", "remote-", "via", "-user")
"""Parts of the names of headers that tell who the user is: https://develop.sentry.dev/sdk/expected-features/data-handling/"""

_TOO_LARGE: Final = "!config"
"""Why a body is not there that an option keeps back, as Relay says it in its remarks."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request, or a WebSocket's opening handshake, as its server knows it; nothing is hidden here yet."""

    method: str
    url: str
    """Without query."""
    query: str = ""
    headers: Sequence[tuple[str, str]] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    """``SERVER_NAME``, ``SERVER_PORT`` and, if known, the client's ``REMOTE_ADDR``."""
    body: bytes | Mapping[str, Any] | None = None
    """As far as it was read (no more than one byte beyond the limit is of use), or the fields of a form that somebody
    has parsed. None: not read at all."""
    body_size: int | None = None
    """Bytes of the whole body, where that is known: more than were read if the program did not read all."""


def declared_size(content_length: str | None) -> int | None:
    """What a ``Content-Length`` says, if it is the number of bytes of something that can be."""
    if content_length is None or not re.fullmatch(r"[0-9]{1,15}", content_length.strip()):
        return None
    return int(content_length)


def show_request(request: HttpRequest, freezer: Freezer) -> tuple[dict[str, Any], dict[str, Any]]:
    """The event's ``request``, and the remarks on it for the event's ``_meta``.

    https://develop.sentry.dev/sdk/data-model/event-payloads/request/
    """
    collection, secret = freezer.rules.collection, freezer.rules.secret_names
    shown: dict[str, Any] = {"url": show_url(freezer.text(request.url, _ADDRESS_LIMIT), collection, secret)}
    method = freezer.text(request.method)
    if re.fullmatch(_METHOD, method):
        shown["method"] = method
    query = show_query(freezer.text(request.query, URL_LIMIT), collection, secret)
    if query:  # cut twice: what stands for a secret may be longer than it
        shown["query_string"] = cut(query, URL_LIMIT)
    if not collection.request_headers.is_off:
        shown["headers"] = _show_headers(request.headers, freezer)
    env = {name: freezer.text(value) for name, value in _environment(request, freezer.rules).items()}
    if env:
        shown["env"] = env
    if not collection.cookies.is_off and (cookies := _show_cookies(request.headers, freezer)):
        shown["cookies"] = cookies
    return shown, _add_body(shown, request, freezer) if collection.incoming_bodies else {}


def show_url(url: str, collection: DataCollection, secret: SecretNames = USUAL) -> str:
    """A URL without its user and password, and of its query what may be shown."""
    shown = scrub_url(url, secret)
    if collection.url_query_params.is_particular:
        shown = shown.partition("#")[0]  # which may look like a query, too
    address, mark, query = shown.partition("?")
    query = show_query(query, collection, secret)
    return cut(f"{address}{mark}{query}" if query else address, URL_LIMIT)


def show_query(query: str, collection: DataCollection, secret: SecretNames = USUAL) -> str:
    """Of a query string what may be shown."""
    behaviour = collection.url_query_params
    if not query or behaviour.is_off:
        return ""
    shown = scrub_query(query, secret)
    graphql = hidden_graphql(collection)
    if not graphql and not behaviour.is_particular:
        return shown
    return "&".join(_hide_parameter(parameter, behaviour, graphql) for parameter in shown.split("&"))


def _hide_parameter(parameter: str, behaviour: Behaviour, hidden: Container[str]) -> str:
    from urllib.parse import unquote_plus

    written, separator, _ = parameter.partition("=")
    name = unquote_plus(written)
    return f"{written}={FILTERED}" if separator and (name in hidden or behaviour.hides(name)) else parameter


def _environment(request: HttpRequest, rules: Rules) -> Mapping[str, str]:
    env = dict(request.env)
    peer = env.pop("REMOTE_ADDR", None)
    if peer is None or not rules.collection.user_info:
        return env
    if rules.trusted_proxies:
        from asyncsentry.events.addresses import address_of

        peer = address_of(peer, request.headers, rules.trusted_proxies)
    return {**env, "REMOTE_ADDR": peer}


def _show_cookies(headers: Sequence[tuple[str, str]], freezer: Freezer) -> dict[str, Json]:
    behaviour = freezer.rules.collection.cookies
    given = "; ".join(value for name, value in headers if name.lower() == "cookie")
    cookies = scrub_cookies(given, freezer.rules.secret_names)
    if behaviour.is_particular:
        cookies = {name: FILTERED if behaviour.hides(name) else value for name, value in cookies.items()}
    return freezer.freeze_mapping(cookies)


def _show_headers(headers: Sequence[tuple[str, str]], freezer: Freezer) -> dict[str, str]:
    shown, most = {}, freezer.rules.max_names
    collection, secret = freezer.rules.collection, freezer.rules.secret_names
    for name, value in scrub_headers(headers[:most], secret).items():
        lowered = name.lower()
        if lowered in _ELSEWHERE:
            continue
        if collection.request_headers.hides(name) or (
            not collection.user_info and any(part in lowered for part in _TELLING)
        ):
            value = FILTERED
        elif lowered == "referer":
            value = show_url(freezer.text(value, _ADDRESS_LIMIT), collection, secret)
        shown[freezer.text(name, NAME_LIMIT)] = value if lowered == "referer" else freezer.text(value)
    if len(headers) > most:
        shown[OMITTED] = f"{len(headers) - most} more"
    return shown


def _add_body(shown: dict[str, Any], request: HttpRequest, freezer: Freezer) -> dict[str, Any]:
    body, limit = request.body, freezer.rules.body_limit
    read = len(body) if isinstance(body, bytes) else 0
    size = read if request.body_size is None and read <= limit else request.body_size
    if size:
        shown["body_size"] = size
    if not body or not limit:
        return {}
    if max(read, size or 0) > limit:
        shown["data"] = None
        return {"data": {"": {"rem": [[_TOO_LARGE, "x"]], **({"len": size} if size else {})}}}
    shown["data"] = show_body(body, request.headers, freezer)
    return {}
