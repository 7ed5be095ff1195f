"""``asyncsentry test``: one message, sent as the DSN says, and what the server thinks of it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from http import HTTPStatus
from inspect import isawaitable
from typing import Any, Final, TypeAlias
from uuid import uuid4

from asyncsentry import json
from asyncsentry.cli.ink import ink_for
from asyncsentry.cli.show import cut
from asyncsentry.delivery.envelope import CONTENT_TYPE, encode_envelope, format_time
from asyncsentry.dsn import Dsn, parse
from asyncsentry.item import Item
from asyncsentry.options import Options, resolve, settings
from asyncsentry.registry import find
from asyncsentry.transport.protocol import NoResponse, Request, Response
from asyncsentry.version import SDK_NAME, USER_AGENT, __version__

Post: TypeAlias = Coroutine[Any, Any, "Response | NoResponse"]

_GRACE: Final = 1.0
"""Seconds beyond the time-out: the transport itself ends a send that takes too long."""

_SAID: Final = 300
"""Characters of what the server says."""

_ADVICE: Final = {
    401: "Is the public key right?",
    403: "Do the public key and the project belong together?",
    404: "Is the host right, and the path before the project?",
    413: "A proxy in front of the server allows too little.",
    429: "The project is over its quota: it takes nothing for a while.",
}


def run(dsn: str) -> int:
    """Send, and print what came of it. 0 if the server took the message."""
    target = parse(dsn)
    options = resolve(dsn, None, {}, {})
    event_id = uuid4().hex
    print(f"One message to {target}, by the transport {options.transport_name}.")
    started = time.monotonic()
    live = _LIVES.get(options.transport_name, asyncio.run)
    outcome = live(_post(options, _request(target, event_id)))
    milliseconds = 1000 * (time.monotonic() - started)
    if isinstance(outcome, Response) and 200 <= outcome.status < 300:
        good = ink_for(sys.stdout).good("The server took it")
        print(f"{good}: {_status(outcome)} after {milliseconds:.0f} ms, event {event_id}.")
        return 0
    print(ink_for(sys.stderr).bad(_reason(outcome)), file=sys.stderr)
    return 1


def _request(dsn: Dsn, event_id: str) -> Request:
    now = time.time()
    sdk = {"name": SDK_NAME, "version": __version__}
    event = {
        "event_id": event_id,
        "timestamp": now,
        "platform": "python",
        "level": "info",
        "logentry": {"formatted": "A test message of the command `asyncsentry test`"},
        "sdk": sdk,
    }
    head = {"event_id": event_id, "sent_at": format_time(now), "sdk": sdk}
    body = encode_envelope(head, [Item("event", "error", event, 0, event_id)])
    headers = {"X-Sentry-Auth": dsn.auth_header, "User-Agent": USER_AGENT, "Content-Type": CONTENT_TYPE}
    return Request(dsn.envelope_url, headers, body)


async def _post(options: Options, request: Request) -> Response | NoResponse:
    """Send once, by the transport itself: the first answer is the one that counts, so nothing is sent again."""
    transport = find(options.transport_name)(settings(options, os.environ))
    idle: Future[None] = Future()
    outcomes: list[Response | NoResponse] = [NoResponse(TimeoutError("no answer in time"), sent=True)]

    def settle(outcome: Response | NoResponse) -> None:
        outcomes.append(outcome)
        idle.set_result(None)

    transport.later(0, lambda: transport.send(request, settle))
    waiting = transport.close(idle, options.timeout + _GRACE)
    if isawaitable(waiting):
        await waiting
    return outcomes[-1]


# Both are installed where there is the transport that lives on them.


def _live_in_trio(post: Post) -> Response | NoResponse:
    import trio

    async def main() -> Response | NoResponse:
        return await post

    return trio.run(main)


def _live_on_reactor(post: Post) -> Response | NoResponse:
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred

    running: Any = reactor  # Any: for checkers it is a module
    outcomes: list[Response | NoResponse] = []

    def begin() -> Deferred[None]:
        return Deferred.fromCoroutine(post).addCallback(outcomes.append).addBoth(lambda _: running.stop())

    running.callWhenRunning(begin)
    running.run()
    return outcomes[0]


_LIVES: Final[Mapping[str, Callable[[Post], Response | NoResponse]]] = {
    "trio": _live_in_trio,
    "twisted": _live_on_reactor,
}
"""Where transports live that do so neither on asyncio nor in a thread, nor wherever they are called."""


def _reason(outcome: Response | NoResponse) -> str:
    if isinstance(outcome, NoResponse):
        return f"No answer: {': '.join(filter(None, [type(outcome.error).__name__, cut(str(outcome.error), _SAID)]))}"
    said = cut(outcome.headers.get("x-sentry-error") or _detail(outcome.body), _SAID)
    sentence = f"The server refused it: {_status(outcome)}" + (f", “{said}”." if said else ".")
    return " ".join(filter(None, [sentence, _ADVICE.get(outcome.status)]))


def _detail(body: bytes) -> str:
    """What the answer's body says, if it says it as Sentry does: ``{"detail": …}``."""
    try:
        answer = json.decode(body)
    except ValueError:
        return ""
    return str(answer.get("detail", "")) if isinstance(answer, dict) else ""


def _status(response: Response) -> str:
    try:
        return f"{response.status} {HTTPStatus(response.status).phrase}"
    except ValueError:
        return str(response.status)
