"""Which values are secrets, by the names they stand under.

The list of terms is the one of Sentry's data collection specification; a name that holds one anywhere, in any case,
has its value replaced and is itself kept, so that its reader sees that it was there. Cookies are added to it,
and what else passwords are called.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from asyncsentry.events import shapes

FILTERED: Final = "[Filtered]"

_TERMS: Final = (
    *("auth", "token", "secret", "password", "passwd", "pwd", "key", "jwt", "bearer", "sso", "saml", "csrf", "xsrf"),
    *("credential", "session", "sid", "identity", "cookie", "passphrase", "passcode"),
)
_PASS: Final = "pass"
_ENDS: Final = ("_pass", "-pass", ".pass")
"""What a name may be, or end with, but not hold: "passed" and "bypass" are words."""

NAME_LIMIT: Final = 200
"""Characters of a name that an event shows."""

COOKIE_LIMIT: Final = 200
"""Cookies that are looked at: browsers keep fewer for one site."""

_WORD: Final = 16
"""Characters: what has no more, and looks like a name in a program, is no secret."""

HARMLESS_LIMIT: Final = 4096
"""Names that are remembered as harmless."""

ASGI, WSGI = "asgi", "wsgi.input"
"""Names by which a request is known, as the server hands it on. They are never harmless, for it is not to be shown."""


class SecretNames:
    """Tells which names are those of secrets, for one client.

    ``more`` are terms beside the usual ones, each of which counts wherever a name holds it, in any case; ``shown`` are
    whole names that are none of secrets, whatever terms are in them.
    """

    __slots__ = ("_shown", "harmless", "telling", "terms")

    def __init__(self, more: Iterable[str] = (), shown: Iterable[str] = ()) -> None:
        self.terms = (*_TERMS, *(term.lower() for term in more))
        self.harmless: set[str] = set()
        """Names that were asked about before, and neither are those of secrets nor secrets themselves: a bounded number
        of short ones."""
        self.telling: set[str] = set()
        """The same of names that are those of secrets, and tell nothing else."""
        self._shown = frozenset(name.lower() for name in shown)

    def __contains__(self, name: str) -> bool:
        """Whether what stands under ``name`` is to be hidden."""
        if name in self.harmless or name in self.telling:
            return name in self.telling
        lowered = name.lower()
        secret = lowered not in self._shown and (
            any(term in lowered for term in self.terms) or lowered == _PASS or lowered.endswith(_ENDS)
        )
        memorable = len(name) <= NAME_LIMIT and name not in (ASGI, WSGI)
        if memorable and (_is_word(name) or not _may_hide(name, secret=secret)):
            known = self.telling if secret else self.harmless
            if len(known) >= HARMLESS_LIMIT:
                known.clear()
            known.add(name)
        return secret


def _is_word(name: str) -> bool:
    """Whether it is too short a name to be a secret itself."""
    return len(name) <= _WORD and name.isidentifier()


def _may_hide(name: str, *, secret: bool) -> bool:
    """Whether it may be a secret itself: by its looks or, of a name of secrets, because it says more than a name."""
    says_more = secret and not name.replace("-", "_").replace(".", "_").isidentifier()
    return says_more or "%" in name or "+" in name or any(shapes.find(name))


USUAL: Final = SecretNames()
"""What is a secret if nobody says otherwise."""


def scrub_headers(headers: Iterable[tuple[str, str]], secret: SecretNames = USUAL) -> dict[str, str]:
    """Headers by name, the values of one name joined by a comma. Cookies are hidden whole; see `scrub_cookies`."""
    shown: dict[str, str] = {}
    for name, value in headers:
        if name in secret:
            shown[name] = FILTERED
        else:
            shown[name] = f"{shown[name]},{value}" if name in shown else value
    return shown


def scrub_cookies(header: str, secret: SecretNames = USUAL) -> dict[str, str]:
    """The cookies of a ``Cookie`` header by name. One that has no name is hidden: nobody can tell what it says."""
    cookies: dict[str, str] = {}
    for part in header.split(";", COOKIE_LIMIT)[:COOKIE_LIMIT]:
        name, separator, value = part.strip().partition("=")
        if separator:
            cookies[name] = FILTERED if name in secret else value
        elif name:
            cookies[""] = FILTERED
    return cookies


def scrub_query(query: str, secret: SecretNames = USUAL) -> str:
    """A query string as it was, but for the values of sensitive names."""
    return "&".join(_scrub_parameter(parameter, secret) for parameter in query.split("&"))


def _scrub_parameter(parameter: str, secret: SecretNames) -> str:
    from urllib.parse import unquote_plus

    name, separator, _ = parameter.partition("=")
    return f"{name}={FILTERED}" if separator and unquote_plus(name) in secret else parameter


def scrub_url(url: str, secret: SecretNames = USUAL) -> str:
    """A URL without its user and password, and its query and fragment scrubbed like a query string."""
    address, hash_sign, fragment = url.partition("#")
    address, question_mark, query = address.partition("?")
    scheme, slashes, rest = address.partition("//")
    authority, slash, path = rest.partition("/")
    if slashes and "@" in authority:
        authority = f"{FILTERED}:{FILTERED}@{authority.rpartition('@')[2]}"
    return "".join(
        (
            *(scheme, slashes, authority, slash, path),
            *(question_mark, scrub_query(query, secret), hash_sign, scrub_query(fragment, secret)),
        )
    )


# Any: plain data of any shape, before and after.
def scrub_plain(value: Any, secret: SecretNames) -> Any:
    """Plain data, nested as it is, but for what stands under the names of secrets."""
    if type(value) is dict:
        return {name: FILTERED if name in secret else scrub_plain(member, secret) for name, member in value.items()}
    if type(value) is not list:
        return value
    if len(value) == 2 and type(value[0]) is str and type(value[1]) is str and value[0] in secret:
        return [value[0], FILTERED]
    return [scrub_plain(member, secret) for member in value]


def scrub_request(request: Any, secret: SecretNames) -> Any:
    """An event's ``request`` that somebody else put together: its URL, query string and cookies may be texts."""
    if type(request) is not dict:
        return request
    cookies, query, url = request.get("cookies"), request.get("query_string"), request.get("url")
    shown = scrub_plain({name: value for name, value in request.items() if name != "cookies"}, secret)
    if cookies is not None:
        shown["cookies"] = scrub_cookies(cookies, secret) if type(cookies) is str else scrub_plain(cookies, secret)
    if type(query) is str:
        shown["query_string"] = scrub_query(query, secret)
    if type(url) is str:
        shown["url"] = scrub_url(url, secret)
    return shown
