"""An HTTP request, and what an event shows of it.

Its secrets are hidden; its body, and what tells who sent it, are shown where ``send_default_pii`` asks for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from asyncsentry.events import Json
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.scrubbing import FILTERED, scrub_cookies, scrub_headers, scrub_query, scrub_url

URL_LIMIT: Final = 2048
"""Characters of a URL, and of a query string."""

_TELLING: Final = ("forwarded", "-ip", "remote-", "via", "-user")
"""Parts of the names of headers that tell who the user is: https://develop.sentry.dev/sdk/expected-features/data-handling/"""

_TOO_LARGE: Final = "!config"
"""What servers show instead of a body that an option keeps back."""


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
    """As far as it was read, or a form's fields, for those that were parsed. None: not read at all."""
    body_size: int | None = None
    """Bytes of the whole body, where that is known: more than were read if the program did not read all."""


def show_request(request: HttpRequest, freezer: Freezer) -> tuple[dict[str, Any], dict[str, Any]]:
    """The event's ``request``, and the remarks on it for the event's ``_meta``.

    https://develop.sentry.dev/sdk/data-model/event-payloads/request/
    """
    personal = freezer.rules.personal
    shown: dict[str, Any] = {
        "method": freezer.text(request.method),
        "url": freezer.text(scrub_url(request.url), URL_LIMIT),
        "headers": _show_headers(request.headers, freezer),
    }
    if request.query:
        shown["query_string"] = freezer.text(scrub_query(request.query), URL_LIMIT)
    env = {name: freezer.text(value) for name, value in request.env.items() if personal or name != "REMOTE_ADDR"}
    if env:
        shown["env"] = env
    if not personal:
        return shown, {}
    cookies = "; ".join(value for name, value in request.headers if name.lower() == "cookie")
    if cookies:
        shown["cookies"] = freezer.freeze(scrub_cookies(cookies), scrub=False)
    return shown, _add_body(shown, request, freezer)


def _show_headers(headers: Sequence[tuple[str, str]], freezer: Freezer) -> dict[str, str]:
    shown = {}
    for name, value in scrub_headers(headers).items():
        lowered = name.lower()
        if lowered == "cookie":
            continue  # they have a place of their own
        hidden = not freezer.rules.personal and any(part in lowered for part in _TELLING)
        shown[freezer.text(name)] = FILTERED if hidden else freezer.text(value)
    return shown


def _add_body(shown: dict[str, Any], request: HttpRequest, freezer: Freezer) -> dict[str, Any]:
    body, limit = request.body, freezer.rules.body_limit
    size = len(body) if request.body_size is None and type(body) is bytes else request.body_size
    if size:
        shown["body_size"] = size
    if not body or not limit:
        return {}
    if (size or 0) > limit or (type(body) is bytes and len(body) > limit):
        return {"data": {"": {"rem": [[_TOO_LARGE, "x"]], "len": size}}}
    shown["data"] = _show_body(body, request.headers, freezer)
    return {}


def _show_body(body: bytes | Mapping[str, Any], headers: Sequence[tuple[str, str]], freezer: Freezer) -> Json:
    """What is understood is shown with its secrets hidden by name; of anything else that cannot be told."""
    parsed = _parse(body, _content_type(headers)) if type(body) is bytes else body
    if parsed is None:
        return FILTERED
    return freezer.freeze_mapping(parsed) if isinstance(parsed, Mapping) else freezer.freeze(parsed)


def _parse(body: bytes, content_type: str) -> Any:
    try:
        if content_type == "application/json" or content_type.endswith("+json"):
            from json import loads

            return loads(body)
        if content_type == "application/x-www-form-urlencoded":
            from urllib.parse import parse_qs

            fields = parse_qs(body.decode(), keep_blank_values=True)
            return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}
    except (ValueError, RecursionError):
        return None
    return None


def _content_type(headers: Sequence[tuple[str, str]]) -> str:
    given = next((value for name, value in headers if name.lower() == "content-type"), "")
    return given.partition(";")[0].strip().lower()
