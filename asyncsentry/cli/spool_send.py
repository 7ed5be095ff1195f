"""``asyncsentry spool send``: what programs have left on disk, sent from here."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from asyncsentry.cli import quantities
from asyncsentry.cli.ink import ink_for
from asyncsentry.cli.progress import Progress
from asyncsentry.cli.show import cut
from asyncsentry.delivery.compression import compression
from asyncsentry.delivery.envelope import CONTENT_TYPE, encode_envelope, format_time
from asyncsentry.delivery.limits import Limits
from asyncsentry.delivery.retry import RETRY_STATUSES
from asyncsentry.delivery.spool.envelopes import Stored
from asyncsentry.delivery.spool.visit import Found, Visit, visit
from asyncsentry.dsn import parse
from asyncsentry.errors import SetupError
from asyncsentry.item import Item
from asyncsentry.options import resolve, settings
from asyncsentry.post import Channel
from asyncsentry.transport.protocol import NoResponse, Request, Response
from asyncsentry.version import SDK, USER_AGENT

WRONG_PLACE: Final = frozenset({401, 403, 404, 405})
"""What a server answers to whoever does not belong there: nothing is wrong with the envelope itself."""


@dataclass
class Tally:
    """What came of it all. ``reasons`` are why something was refused or is left, each once."""

    sent: int = 0
    refused: int = 0
    left: int = 0
    reasons: dict[str, None] = field(default_factory=dict)

    def refuse(self, reason: str) -> None:
        self.refused += 1
        self.reasons[reason] = None

    def leave(self, reason: str, count: int = 1) -> None:
        self.left += count
        self.reasons[reason] = None


def run(path: str, dsn: str | None) -> int:
    """Send, the oldest first. 0 if all is sent, 1 if something is left or was refused; Ctrl-C is told, and raised."""
    if dsn is not None:
        parse(dsn)
    tally = Tally()
    with visit(path) as visitor:
        files = visitor.files()
        mine = [each for each in files if not each.held]
        try:
            _send_all(visitor, mine, dsn, tally)
        except KeyboardInterrupt:
            tally.leave("interrupted", len(mine) - tally.sent - tally.refused - tally.left)
            _tell(tally, len(files) - len(mine))
            raise
    _tell(tally, len(files) - len(mine))
    return 1 if tally.refused or tally.left else 0


class Sender:
    """Sends to one server, until that does not answer, or says that this is no place for it."""

    def __init__(self, dsn: str) -> None:
        """Raises `SetupError`."""
        self._dsn = parse(dsn)
        options = resolve(dsn, "threaded", {}, {})
        self._timeout = options.timeout
        self._channel = Channel(settings(options, os.environ))
        self._compression = compression(options.compress)
        self._limits = Limits()
        self._over: str | None = None

    def send(self, visitor: Visit, found: Found, item: Item, tally: Tally) -> None:
        """Send one, unless there is something against it."""
        now = time.monotonic()
        if self._over is not None:
            tally.leave(self._over)
        elif self._limits.limited(item.category, now) or (item.attachments and self._limits.limited("attachment", now)):
            tally.leave("the server takes no more of them for a while")
        else:
            outcome = self._channel.post(self._request(item), self._timeout)
            self._settle(visitor, found, outcome, tally)

    def close(self) -> None:
        self._channel.close()

    def _settle(self, visitor: Visit, found: Found, outcome: Response | NoResponse, tally: Tally) -> None:
        if isinstance(outcome, NoResponse):
            self._over = f"no answer: {outcome.error!r}"
            tally.leave(self._over)
            return
        self._limits.update(outcome.status, outcome.headers, time.monotonic(), time.time())
        said = outcome.headers.get("x-sentry-error") or outcome.body.decode("utf-8", "replace")
        reason = f"status {outcome.status}: {said}"
        if outcome.status < 300:
            tally.sent += 1
            found.remove()
        elif outcome.status in RETRY_STATUSES | WRONG_PLACE or outcome.status < 400:
            self._over = reason
            tally.leave(reason)
        elif outcome.status == 429:
            tally.refuse(reason)
            found.remove()
        else:
            tally.refuse(f"{reason} (now {visitor.set_aside(found)})")

    def _request(self, item: Item) -> Request:
        head = {"event_id": item.id, "sent_at": format_time(time.time()), "sdk": SDK, "trace": item.trace}
        body = encode_envelope(head, [item])
        headers = {"X-Sentry-Auth": self._dsn.auth_header, "User-Agent": USER_AGENT, "Content-Type": CONTENT_TYPE}
        if self._compression is not None:
            encoding, compress = self._compression
            headers["Content-Encoding"], body = encoding, compress(body)
        return Request(self._dsn.envelope_url, headers, body)


def _send_all(visitor: Visit, mine: Sequence[Found], dsn: str | None, tally: Tally) -> None:
    progress = Progress(len(mine), sys.stderr)
    senders: dict[str, Sender | None] = {}
    try:
        for found in mine:
            try:
                _send(visitor, found, dsn, senders, tally)
            except OSError as error:
                tally.leave(str(error))
            progress.step()
    finally:
        progress.end()
        _close(senders.values())


def _send(visitor: Visit, found: Found, dsn: str | None, senders: dict[str, Sender | None], tally: Tally) -> None:
    stored = found.read()
    if stored is None:
        tally.refuse(f"no envelope of ours (now {visitor.set_aside(found)})")
        return
    sender = _sender_for(stored, dsn, senders, tally)
    if sender is None:
        tally.leave("some do not say where they go: give --dsn")
    else:
        sender.send(visitor, found, stored.item, tally)


def _sender_for(stored: Stored, dsn: str | None, senders: dict[str, Sender | None], tally: Tally) -> Sender | None:
    target = dsn or stored.dsn
    if target not in senders:
        try:
            senders[target] = Sender(target)
        except SetupError as error:
            if dsn is not None:
                raise
            senders[target] = None
            tally.reasons[str(error)] = None
    return senders[target]


def _close(senders: Iterable[Sender | None]) -> None:
    for sender in senders:
        if sender is not None:
            sender.close()


def _tell(tally: Tally, held: int) -> None:
    print(f"{ink_for(sys.stdout).good('Sent')}: {quantities.envelopes(tally.sent)}.")
    if held:
        print(f"Left to the running programs that hold them: {quantities.envelopes(held)}.")
    paint = ink_for(sys.stderr).bad
    if tally.refused:
        print(f"{paint('Refused')}: {quantities.envelopes(tally.refused)}.", file=sys.stderr)
    if tally.left:
        print(f"{paint('Left')}: {quantities.envelopes(tally.left)}.", file=sys.stderr)
    for reason in tally.reasons:
        print(f"   {cut(reason, 300)}", file=sys.stderr)
