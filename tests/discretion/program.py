"""A program that says all it can, in all that can go wrong: what it prints holds no secret, and it never listens.

``TRANSPORT KEY PORT CLOSED BABBLING``: by which transport, the public key of a server and its port, where there is no
proxy and no TLS, a port where nobody listens, and one where nothing is said that makes sense. The secrets are in the
environment: a traceback shows lines of source.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import traceback
from typing import Any

import asyncsentry
from asyncsentry import Client
from asyncsentry.errors import SendError, SetupError
from discretion.sockets import listening

TRANSPORT, KEY, PORT, CLOSED, BABBLING = sys.argv[1:]
SECRET, PASSWORD = os.environ["SECRET"], os.environ["PASSWORD"]
BY_PROXY, BY_NOBODY = (f"http://ada:{PASSWORD}@127.0.0.1:{port}" for port in (PORT, CLOSED))

SITUATIONS: list[tuple[str, str, dict[str, Any]]] = [
    (f"http://{KEY}:{SECRET}@127.0.0.1:{PORT}/1", "", {}),
    (f"http://{KEY}:{SECRET}@127.0.0.1:{PORT}/2", "", {}),
    (f"http://{KEY}:{SECRET}@127.0.0.1:{CLOSED}/1", "", {}),
    (f"http://{KEY}:{SECRET}@127.0.0.1:{BABBLING}/1", "", {}),
    (f"https://{KEY}:{SECRET}@127.0.0.1:{PORT}/1", "", {}),
    (f"http://{KEY}:{SECRET}@sentry.invalid/1", "", {"http_proxy": BY_PROXY}),
    (f"https://{KEY}:{SECRET}@sentry.invalid/1", f"?https_proxy={BY_PROXY}", {}),
    (f"http://{KEY}:{SECRET}@sentry.invalid/1", f"?http_proxy={BY_NOBODY}", {}),
]

MISTAKES: list[tuple[str, dict[str, Any]]] = [
    (f"https://{KEY}:{SECRET}@host", {}),
    (f"public:{SECRET}@host/1", {}),
    (f"https://{KEY}:{SECRET}@ho st/1", {}),
    (f"https://{KEY}:{SECRET}@host:port/1", {}),
    (f"nobody+https://{KEY}:{SECRET}@host/1", {}),
    (f"https://{KEY}:{SECRET}@host/1?{PASSWORD}=1&http_proxy=http://ada:x&y@proxy", {}),
    (f"http://{KEY}:{SECRET}@host/1?http_proxy=http://ada:{PASSWORD}@proxy:port", {}),
    (f"http://{KEY}:{SECRET}@host/1?http_proxy=socks5://ada:{PASSWORD}@proxy:1", {}),
    (f"http://{KEY}:{SECRET}@host/1", {"http_proxy": f"http://ada:{PASSWORD}@pro xy:1"}),
    (f"http://{KEY}:{SECRET}@host/1", {"http_proxy": f"http://ada:{PASSWORD}@[proxy"}),
    (f"http://{KEY}:{SECRET}@host/1", {"http_proxy": f"http://ada:{PASSWORD}@proxy:1".encode()}),
    (f"http://{KEY}:{SECRET}@host/1", {"transport": f"https://{KEY}:{SECRET}@host/1"}),
]


async def try_all() -> None:
    for dsn, query, options in SITUATIONS:
        try:
            client = Client(f"{TRANSPORT}+{dsn}{query}", raise_send_errors=True, timeout=2.0, **options)
        except SetupError:
            traceback.print_exc()
            continue
        print(client, client.options, client.options.dsn, client.transport, client.stats())
        client.capture_message("a message")
        try:
            await client.flush_async(0.5)
        except SendError:
            traceback.print_exc()
        print("listens", listening())
        client.close(0.1)


def mistake(dsn: str, options: dict[str, Any]) -> None:
    try:
        Client(dsn, **options).close()
    except SetupError:
        traceback.print_exc()


if __name__ == "__main__":
    logging.basicConfig(level=logging.DEBUG)
    asyncsentry.init("", debug=True)
    asyncio.run(try_all())
    for number, (dsn, options) in enumerate(MISTAKES):
        print("mistake", number)
        mistake(dsn, options)
    asyncsentry.init(MISTAKES[0][0])
