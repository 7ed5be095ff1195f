"""Which proxy the endpoint is reached through, if any.

An option is an order and beats the environment; ``""`` orders no proxy. Without one, ``HTTPS_PROXY`` or ``HTTP_PROXY``
(by the endpoint's scheme) and ``NO_PROXY`` are read as the standard library's `urllib.request` reads them, and
``NO_PROXY`` may name a network in CIDR form too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from asyncsentry.dsn import NAME_CHARACTERS, is_ipv6_address
from asyncsentry.errors import OptionError
from asyncsentry.transport.settings import Proxy

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_SHAPE = "a proxy is written http://[USER:PASSWORD@]HOST:PORT"


def find_proxy(url: str, http_proxy: str | None, https_proxy: str | None, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy for ``url``; raises `OptionError` for a proxy's URL that cannot be used."""
    options = {"http_proxy": http_proxy, "https_proxy": https_proxy}
    ordered = {name: _parse(name, option) for name, option in options.items() if option is not None}
    name = "https_proxy" if url.startswith("https:") else "http_proxy"
    if name in ordered:
        return ordered[name]
    proxy = _parse(name, _variable(environ, name))
    return None if proxy is None or _excluded(url, _variable(environ, "no_proxy")) else proxy


def _variable(environ: Mapping[str, str], name: str) -> str:
    """The variable, lower case first; a CGI program's ``HTTP_PROXY`` is its client's ``Proxy:`` header, so not ours."""
    if name in environ:
        return environ[name]
    if name == "http_proxy" and "REQUEST_METHOD" in environ:
        return ""
    return environ.get(name.upper(), "")


def _parse(name: str, value: str) -> Proxy | None:
    """Read a proxy's URL. No error repeats it: it may hold a password."""
    value = value.strip()
    if not value:
        return None
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, 80 if parts.port is None else parts.port
    except ValueError:
        raise OptionError(f"{name} is not a URL: {_SHAPE}") from None
    if parts.scheme != "http" or not host:
        raise OptionError(f"{name} is no plain http proxy, and no other kind will do: {_SHAPE}")
    if port == 0:
        raise OptionError(f"{name} has the port 0, where nothing can be reached: {_SHAPE}")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise OptionError(f"{name} has more after its host and port, which no proxy would get to see: {_SHAPE}")
    return Proxy(_host(name, host), port, _authorization(parts))


def _host(name: str, host: str) -> str:
    """The host in ASCII."""
    if ":" in host and is_ipv6_address(host):
        return host
    try:
        ascii_host = host.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_host = ""
    if not ascii_host or not NAME_CHARACTERS.issuperset(ascii_host):
        raise OptionError(f"{name} has a host that is no host name: {_SHAPE}")
    return ascii_host


def _authorization(parts: SplitResult) -> str | None:
    if parts.username is None:
        return None
    from base64 import b64encode
    from urllib.parse import unquote

    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _excluded(url: str, no_proxy: str) -> bool:
    """Whether ``NO_PROXY`` is ``*``, or names the server or its domain (a port may follow) or its network."""
    if no_proxy.strip() == "*":
        return True
    from urllib.parse import urlsplit

    server = urlsplit(url)
    host = server.hostname or ""
    names = (host, f"[{host}]", server.netloc.rpartition("@")[2].lower())
    for name in no_proxy.lower().split(","):
        entry = name.strip().lstrip(".")
        if entry and any(name == entry or name.endswith(f".{entry}") for name in names):
            return True
        if "/" in entry and _in_network(host, entry):
            return True
    return False


def _in_network(host: str, network: str) -> bool:
    from ipaddress import ip_address, ip_network

    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:  # the server has a name, or the entry is no network
        return False
