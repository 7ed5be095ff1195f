"""An HTTP request, and what an event shows of it.

Its secrets are hidden; its body, and what tells who sent it, are shown where ``send_default_pii`` asks for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from asyncsentry.events import Json
from asyncsentry.events.freezing import OMITTED, Freezer, cut
from asyncsentry.events.scrubbing import FILTERED, NAME_LIMIT, scrub_cookies, scrub_headers, scrub_query, scrub_url

URL_LIMIT: Final = 2048
"""Characters of a URL, and of a query string."""

FORM_LIMIT: Final = 1000
"""Fields of a form that are looked at; how many are shown is for the rules to say."""

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
    personal, secret = freezer.rules.personal, freezer.rules.secret_names
    shown: dict[str, Any] = {
        "url": _show_url(request.url, freezer),
        "headers": _show_headers(request.headers, freezer),
    }
    method = freezer.text(request.method)
    if re.fullmatch(_METHOD, method):
        shown["method"] = method
    if request.query:  # cut twice: what stands for a secret may be longer than it
        shown["query_string"] = cut(scrub_query(freezer.text(request.query, URL_LIMIT), secret), URL_LIMIT)
    env = {name: freezer.text(value) for name, value in request.env.items() if personal or name != "REMOTE_ADDR"}
    if env:
        shown["env"] = env
    if not personal:
        return shown, {}
    cookies = "; ".join(value for name, value in request.headers if name.lower() == "cookie")
    if cookies:
        shown["cookies"] = freezer.freeze_mapping(scrub_cookies(cookies, secret))
    return shown, _add_body(shown, request, freezer)


def _show_url(url: str, freezer: Freezer) -> str:
    return cut(scrub_url(freezer.text(url, _ADDRESS_LIMIT), freezer.rules.secret_names), URL_LIMIT)


def _show_headers(headers: Sequence[tuple[str, str]], freezer: Freezer) -> dict[str, str]:
    shown, most = {}, freezer.rules.max_names
    for name, value in scrub_headers(headers[:most], freezer.rules.secret_names).items():
        lowered = name.lower()
        if lowered in _ELSEWHERE:
            continue
        if not freezer.rules.personal and any(part in lowered for part in _TELLING):
            value = FILTERED
        shown[freezer.text(name, NAME_LIMIT)] = (
            _show_url(value, freezer) if lowered == "referer" else freezer.text(value)
        )
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
    shown["data"] = _show_body(body, request.headers, freezer)
    return {}


def _show_body(body: object, headers: Sequence[tuple[str, str]], freezer: Freezer) -> Json:
    """What is understood is shown with its secrets hidden by name; of anything else that cannot be told."""
    if isinstance(body, Mapping):
        return freezer.freeze_mapping(body)
    if not isinstance(body, bytes):
        return FILTERED
    content_type = _content_type(headers).partition(";")[0].strip().lower()
    try:
        if content_type == "application/json" or content_type.endswith("+json"):
            from json import loads

            parsed = loads(body)
            return freezer.freeze_mapping(parsed) if type(parsed) is dict else freezer.freeze(parsed)
        if content_type == "application/x-www-form-urlencoded":
            return _show_form(body.decode(), freezer)
        if content_type == "multipart/form-data":
            return _show_parts(body, headers, freezer)
    except (ValueError, RecursionError):
        pass
    return FILTERED


def _show_form(text: str, freezer: Freezer) -> dict[str, Json]:
    from urllib.parse import parse_qs

    fields = text.split("&", FORM_LIMIT)[:FORM_LIMIT]
    parsed = parse_qs("&".join(fields), keep_blank_values=True)
    return freezer.freeze_mapping({name: values if len(values) > 1 else values[0] for name, values in parsed.items()})


def _show_parts(body: bytes, headers: Sequence[tuple[str, str]], freezer: Freezer) -> Json:
    """A form in parts, each with headers of its own; of a file only how long it is. `ValueError` if it is none."""
    from email.parser import BytesParser

    head = f"Content-Type: {_content_type(headers)}\r\n\r\n".encode("latin-1", "replace")
    form = BytesParser().parsebytes(head + body)
    if not form.is_multipart():
        raise ValueError("there is no boundary")
    fields: dict[str, Any] = {}
    for part in islice(form.walk(), 1, FORM_LIMIT + 1):
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            is_file = part.get_filename() is not None
            name = str(part.get_param("name", "", "content-disposition"))
            fields[name] = f"<file of {len(content)} bytes>" if is_file else content.decode("utf-8", "replace")
    return freezer.freeze_mapping(fields)


def _content_type(headers: Sequence[tuple[str, str]]) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")
