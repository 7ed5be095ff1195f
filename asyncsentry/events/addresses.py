"""Which address a request came from, where proxies that are trusted say for whom they ask.

https://www.rfc-editor.org/rfc/rfc7239 and, older and without a standard, ``X-Forwarded-For``. Whoever asks may send
such headers, too: each address is believed only of the one to its right, which a trusted proxy has added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

HOPS: Final = 50
"""Addresses of a chain that are looked at, from its end."""

FORWARDED_LIMIT: Final = 8192
"""Characters of a ``Forwarded`` header, which is read whole or not at all: what is quoted may look like more of it."""

_LONGEST: Final = 100
"""Characters of an address, with all that may stand around it."""

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PAIR: Final = rf'({_TOKEN})=({_TOKEN}|"(?:[^"\\]|\\.)*")'
_SEPARATOR: Final = r"[ \t]*([;,])[ \t]*"


def address_of(peer: str, headers: Sequence[tuple[str, str]], trusted: Sequence[Network]) -> str:
    """The address that a request came from: that of the ``peer``, unless this is a trusted proxy and says another.

    Of the chain that proxies tell it is the last one that is not trusted itself. Where they cannot be understood, it is
    the last one that was.
    """
    known = _parse(peer)
    if known is None or not _is_among(known, trusted):
        return peer
    chains = (_forwarded_for(headers), _forwarded(headers))
    told = {_walk(chain, known, trusted) for chain in chains if chain is not None}
    # Two ways to say it that say different things: one of them is what the client has sent.
    return str(told.pop()) if len(told) == 1 else peer


def _walk(chain: Iterator[str], known: Address, trusted: Sequence[Network]) -> Address:
    """Go from the end of the chain as far as it is told by somebody who is trusted."""
    for hop in chain:
        address = _parse(hop)
        if address is None:
            break
        known = address
        if not _is_among(address, trusted):
            break
    return known


def _forwarded_for(headers: Sequence[tuple[str, str]]) -> Iterator[str] | None:
    joined = _joined("x-forwarded-for", headers)
    return None if joined is None else reversed(joined.rsplit(",", HOPS)[-HOPS:])


def _forwarded(headers: Sequence[tuple[str, str]]) -> Iterator[str] | None:
    """The ``for`` of each hop, the last first; one that is not understood for a header that is not well-formed."""
    joined = _joined("forwarded", headers)
    return None if joined is None else reversed(_read_forwarded(joined)[-HOPS:])


def _read_forwarded(text: str) -> list[str]:
    hops, place, separator = [""], 0, ","
    pair, between = re.compile(_PAIR), re.compile(_SEPARATOR)
    while separator and len(text) <= FORWARDED_LIMIT and (found := pair.match(text, place)):
        name, value = found.groups()
        if name.lower() == "for":
            hops[-1] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value[0] == '"' else value
        if found.end() == len(text):
            return hops
        after = between.match(text, found.end())
        if after is None:
            break
        separator, place = after[1], after.end()
        if separator == ",":
            hops.append("")
    return [""]


def _joined(name: str, headers: Sequence[tuple[str, str]]) -> str | None:
    values = [value for given, value in headers if given.lower() == name]
    return ",".join(values).strip() if values else None


def _parse(text: str) -> Address | None:
    """An address, with or without a port and brackets; an IPv4 address is one however it is written."""
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::[0-9]{1,5})?", text)
    if bracketed:
        text = bracketed[1]
    elif text.count(":") == 1:
        text = re.sub(r":[0-9]{1,5}$", "", text)
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_among(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
