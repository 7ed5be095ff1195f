"""Where events go: what a DSN says, taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from asyncsentry.errors import DsnError
from asyncsentry.version import USER_AGENT

SHAPE: Final = "[TRANSPORT+]http[s]://PUBLIC_KEY@HOST[:PORT][/PREFIX]/PROJECT[?OPTION=VALUE&...]"
PROTOCOL_VERSION: Final = 7
DEFAULT_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}

# Sets, not patterns: compiling six patterns is a tenth of what `import asyncsentry` may take.
_VISIBLE = frozenset(map(chr, range(0x21, 0x7F)))
_KEY = _VISIBLE - {","}
"""A key travels in a header whose pairs are split on commas: anything else could end the pair, or the header, early."""
NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._~-")
_KEY_UNESCAPED = "!$&'()*+;=~"
_PATH = _VISIBLE - frozenset('"<>\\^`{}')


@dataclass(frozen=True, slots=True)
class Dsn:
    """A DSN's parts. Neither ``str()`` nor ``repr()`` shows the secret key, or the options.

    Keys and options are decoded; ``path`` (the server's prefix, ``""`` or ``"/a/b"``) and ``project_id`` stay
    percent-encoded, as the URL has them. ``host`` is in lower case, an IPv6 address without its brackets.
    """

    transport: str | None
    scheme: str
    public_key: str
    secret_key: str | None = field(repr=False)
    host: str
    port: int
    path: str
    project_id: str
    options: Mapping[str, str] = field(hash=False, repr=False)
    """One may be a proxy, with its password."""

    @property
    def envelope_url(self) -> str:
        """The endpoint for envelopes: Sentry's servers require the trailing slash."""
        return f"{self.scheme}://{self.network_location}{self.path}/api/{self.project_id}/envelope/"

    @property
    def auth_header(self) -> str:
        """The value of ``X-Sentry-Auth``, the only place where the secret key goes."""
        pairs = [
            f"sentry_version={PROTOCOL_VERSION}",
            f"sentry_client={USER_AGENT}",
            f"sentry_key={self.public_key}",
        ]
        if self.secret_key is not None:
            pairs.append(f"sentry_secret={self.secret_key}")
        return "Sentry " + ", ".join(pairs)

    @property
    def network_location(self) -> str:
        """Host and port as a URL has them: IPv6 in brackets, no port if it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def organization_id(self) -> str | None:
        """The organization that a host of sentry.io names; other hosts name none."""
        label, *rest = self.host.split(".")
        is_sentry = len(rest) in (3, 4) and rest[0] == "ingest" and rest[-2:] == ["sentry", "io"]
        number = label[1:]
        return number if is_sentry and label.startswith("o") and number.isdigit() else None

    def __str__(self) -> str:
        prefix = f"{self.transport}+" if self.transport else ""
        key = _escaped(self.public_key, _KEY_UNESCAPED)
        return f"{prefix}{self.scheme}://{key}@{self.network_location}{self.path}/{self.project_id}"


def parse(text: str) -> Dsn:
    """Take a DSN apart, or raise `DsnError`. White space around it and a trailing slash do no harm."""
    text = text.strip()
    if not text.isprintable():
        raise _refusal("holds a line break or another character that cannot be printed")
    schemes, separator, rest = text.partition("://")
    if not separator:
        raise _refusal("has no '://'")
    transport, _, scheme = schemes.lower().rpartition("+")
    if scheme not in DEFAULT_PORTS:
        raise _refusal("is for neither http nor https")
    rest, _, query = rest.partition("#")[0].partition("?")
    authority, _, path = rest.partition("/")
    keys, _, location = authority.rpartition("@")
    public_key, secret_key = _keys(keys)
    host, port = _host_and_port(location, scheme)
    prefix, project_id = _prefix_and_project(path)
    options = MappingProxyType(_options(query))
    return Dsn(transport or None, scheme, public_key, secret_key, host, port, prefix, project_id, options)


def _refusal(what: str) -> DsnError:
    """Never quotes the DSN: what was misunderstood may be its secret key."""
    return DsnError(f"the DSN {what}; a DSN looks like {SHAPE}")


def _keys(text: str) -> tuple[str, str | None]:
    public_key, _, secret_key = text.partition(":")
    if not public_key:
        raise _refusal("has no public key (the part before '@')")
    return _key(public_key, "public"), _key(secret_key, "secret") if secret_key else None


def _key(text: str, which: str) -> str:
    key = _decoded(text)
    if not _KEY.issuperset(key):
        raise _refusal(f"has a {which} key with a character that no key can have")
    return key


def _host_and_port(location: str, scheme: str) -> tuple[str, int]:
    bracket = location.rfind("]")  # an IPv6 address is full of colons: the port's comes after its bracket
    name, _, port = location[bracket + 1 :].partition(":")
    if bracket < 0:
        return _host_name(name), _port(port, scheme)
    address = location[1:bracket].lower()
    if name or not location.startswith("[") or not is_ipv6_address(address):
        raise _refusal("has a host that is no IPv6 address in brackets")
    return address, _port(port, scheme)


def is_ipv6_address(text: str) -> bool:
    """Whether this is one, without a zone: that would be another machine's business."""
    from ipaddress import IPv6Address

    try:
        return "%" not in text and bool(IPv6Address(text))
    except ValueError:
        return False


def _host_name(text: str) -> str:
    if not text:
        raise _refusal("has no host (the part after '@')")
    name = _decoded(text).lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            raise _refusal("has a host that is no host name") from None
    if not NAME_CHARACTERS.issuperset(name):
        raise _refusal("has a host that is no host name")
    return name


def _port(text: str, scheme: str) -> int:
    if not text:
        return DEFAULT_PORTS[scheme]
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
        raise _refusal("has a port that is no number from 1 to 65535")
    return int(text)


def _prefix_and_project(path: str) -> tuple[str, str]:
    segments = [_encoded(segment) for segment in path.split("/") if segment]
    if not segments:
        raise _refusal("has no project (the last part of its path)")
    *prefix, project_id = segments
    return "".join(f"/{segment}" for segment in prefix), project_id


def _options(query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        name = _decoded(name)
        if name in options:
            raise _refusal("says one option twice")
        options[name] = _decoded(value)
    return options


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise _refusal("has a percent escape that is no UTF-8") from None
    if not plain.isprintable():
        raise _refusal("has a percent escape of a character that cannot be printed")
    return plain


def _encoded(segment: str) -> str:
    """What was left unescaped, escaped: a space or an umlaut in a request's first line would break it."""
    return segment if _PATH.issuperset(segment) else _escaped(segment, "%!$&'()*+,;=:@~")


def _escaped(text: str, safe: str) -> str:
    if text.isalnum() and text.isascii():
        return text
    from urllib.parse import quote

    return quote(text, safe)
