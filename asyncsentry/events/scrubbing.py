"""Which values are secrets, by the names they stand under.

The list of terms is the one of Sentry's data collection specification; a name that holds one anywhere, in any case,
has its value replaced and is itself kept, so that its reader sees that it was there. Cookies are added to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

FILTERED: Final = "[Filtered]"

_TERMS: Final = (
    *("auth", "token", "secret", "password", "passwd", "pwd", "key", "jwt", "bearer", "sso", "saml", "csrf", "xsrf"),
    *("credentials", "session", "sid", "identity", "cookie"),
)

NAME_LIMIT: Final = 200
"""Characters of a name that an event shows."""

COOKIE_LIMIT: Final = 200
"""Cookies that are looked at: browsers keep fewer for one site."""

HARMLESS_LIMIT: Final = 4096
harmless: set[str] = set()
"""Names that were asked about before, and are none of secrets."""


def is_sensitive(name: str) -> bool:
    """Whether what stands under ``name`` is to be hidden."""
    if name in harmless:
        return False
    lowered = name.lower()
    sensitive = any(term in lowered for term in _TERMS)
    if not sensitive and len(name) <= NAME_LIMIT:
        if len(harmless) >= HARMLESS_LIMIT:
            harmless.clear()
        harmless.add(name)
    return sensitive


def scrub_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by name, the values of one name joined by a comma. Cookies are hidden whole; see `scrub_cookies`."""
    shown: dict[str, str] = {}
    for name, value in headers:
        if is_sensitive(name):
            shown[name] = FILTERED
        else:
            shown[name] = f"{shown[name]},{value}" if name in shown else value
    return shown


def scrub_cookies(header: str) -> dict[str, str]:
    """The cookies of a ``Cookie`` header by name. One that has no name is hidden: nobody can tell what it says."""
    cookies: dict[str, str] = {}
    for part in header.split(";", COOKIE_LIMIT)[:COOKIE_LIMIT]:
        name, separator, value = part.strip().partition("=")
        if separator:
            cookies[name] = FILTERED if is_sensitive(name) else value
        elif name:
            cookies[""] = FILTERED
    return cookies


def scrub_query(query: str) -> str:
    """A query string as it was, but for the values of sensitive names."""
    return "&".join(map(_scrub_parameter, query.split("&")))


def _scrub_parameter(parameter: str) -> str:
    from urllib.parse import unquote_plus

    name, separator, _ = parameter.partition("=")
    return f"{name}={FILTERED}" if separator and is_sensitive(unquote_plus(name)) else parameter


def scrub_url(url: str) -> str:
    """A URL without its user and password, and its query and fragment scrubbed like a query string."""
    address, hash_sign, fragment = url.partition("#")
    address, question_mark, query = address.partition("?")
    scheme, slashes, rest = address.partition("//")
    authority, slash, path = rest.partition("/")
    if slashes and "@" in authority:
        authority = f"{FILTERED}:{FILTERED}@{authority.rpartition('@')[2]}"
    return "".join(
        (scheme, slashes, authority, slash, path, question_mark, scrub_query(query), hash_sign, scrub_query(fragment))
    )
