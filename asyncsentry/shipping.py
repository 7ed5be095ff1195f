"""One client's way to its server: transport, outbox and last resort, put together from its options."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from typing import Any, cast

from asyncsentry.delivery.dispatcher import Dispatcher
from asyncsentry.delivery.envelope import Packer
from asyncsentry.delivery.last_resort import Channel
from asyncsentry.delivery.losses import Losses
from asyncsentry.delivery.outbox import Outbox
from asyncsentry.facts import Facts
from asyncsentry.options import Options, settings
from asyncsentry.registry import DEFAULT, AnyFactory, find, is_instance
from asyncsentry.transport.protocol import Transport
from asyncsentry.transport.settings import Settings
from asyncsentry.version import SDK, USER_AGENT

logger = logging.getLogger("asyncsentry")

LEASE_GRACE = 5.0
"""Seconds beyond its time-out after which a request that its transport has not settled is given up on."""


def open_dispatcher(options: Options, facts: Facts, *, forked: bool = False) -> Dispatcher:
    """Start afresh: nothing queued, nothing connected. Raises `SetupError` for what the transport cannot honour.

    ``forked``: this is a child, where the parent's transport, with its connections and threads, is of no use.
    """
    assert options.dsn is not None, "without a DSN nothing is sent"
    reach = settings(options, os.environ)
    losses = Losses()
    outbox = Outbox(
        losses,
        queue_bytes=options.queue_bytes,
        max_in_flight=options.max_in_flight,
        patience=options.timeout + LEASE_GRACE,
        wall=time.time,
        send_reports=options.send_client_reports,
    )
    headers = {"X-Sentry-Auth": options.dsn.auth_header, "User-Agent": USER_AGENT}
    return Dispatcher(
        outbox,
        losses,
        _transport(options, reach, forked=forked),
        encode=Packer(reach.url, headers, SDK, facts.fields, _shrink),
        open_channel=lambda: _open_channel(reach),
        readiness=facts,
        timeout=options.timeout,
    )


def _transport(options: Options, reach: Settings, *, forked: bool) -> Transport[Any]:
    made_or_maker = options.transport
    if not is_instance(made_or_maker):
        return cast("AnyFactory", made_or_maker)(reach)
    if not forked:
        return made_or_maker
    logger.warning("a forked process cannot use the transport that was handed in: hand in what makes it, a class")
    return find(DEFAULT)(reach)


def _open_channel(reach: Settings) -> Channel:
    from asyncsentry import post

    return post.Channel(reach)


def _shrink(event: Mapping[str, Any]) -> Mapping[str, Any]:
    from asyncsentry.events.trimming import trim

    return trim(dict(event))
