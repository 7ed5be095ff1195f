"""How a request says whose it is: in a header of Sentry's, in ``Authorization``, or in its query."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from asyncsentry.testing.http1 import Head
from asyncsentry.testing.refusals import Refusal

PROTOCOL_VERSION: Final = 7


def public_key(head: Head) -> str | None:
    """The key that a request authenticates with, None if it doesn't, or a `Refusal`. It may do so in one form only."""
    found = [values for values in _credentials(head) if values is not None]
    if not found:
        return None
    if len(found) > 1:
        raise Refusal(401, "multiple authorization payloads detected")
    (values,) = found
    version = values.get("sentry_version", str(PROTOCOL_VERSION))
    if not version.isdecimal() or int(version) > PROTOCOL_VERSION:
        raise Refusal(400, f"unsupported protocol version {version!r}")
    if "sentry_key" not in values:
        raise Refusal(401, "bad authorization: no sentry_key")
    return values["sentry_key"]


def _credentials(head: Head) -> tuple[Mapping[str, str] | None, ...]:
    return (
        _sentry_auth(head.headers.get("x-sentry-auth")),
        _authorization(head.headers.get("authorization")),
        dict(parse_qsl(head.query)) if "sentry_" in head.query else None,
    )


def _authorization(value: str | None) -> Mapping[str, str] | None:
    scheme, _, text = (value or "").partition(" ")
    if scheme.lower() == "basic":
        return {"sentry_key": _user(text)}
    return _sentry_auth(value) if scheme.lower() == "sentry" else None


def _user(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode().partition(":")[0]
    except ValueError as error:
        raise Refusal(401, f"bad authorization: {error}") from error


def _sentry_auth(value: str | None) -> Mapping[str, str] | None:
    if value is None:
        return None
    scheme, _, text = value.strip().partition(" ")
    if scheme.lower() != "sentry":
        raise Refusal(401, "bad authorization: it does not begin with Sentry")
    pairs = (pair.partition("=") for pair in text.split(","))
    return {name.strip(): content.strip() for name, _, content in pairs}
