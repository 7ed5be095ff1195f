"""Which proxy the endpoint is reached through, if any.

An option is an order and beats the environment; ``""`` orders no proxy. Without one, ``HTTPS_PROXY`` or ``HTTP_PROXY``
(by the endpoint's scheme) and ``NO_PROXY`` are read as the standard library's `urllib.request` reads them, and
``NO_PROXY`` may name a network in CIDR form too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from asyncsentry.errors import OptionError
from asyncsentry.transport.settings import Proxy

if TYPE_CHECKING:
    from urllib.parse import SplitResult


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
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        raise OptionError(f"{name} is not a URL: a proxy is written http://HOST:PORT") from None
    if parts.scheme != "http" or not host:
        raise OptionError(f"{name} must be written http://[USER:PASSWORD@]HOST:PORT: no other kind of proxy will do")
    return Proxy(host, port, _authorization(parts))


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
