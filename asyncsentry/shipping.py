"""One client's way to its server: the transport, and behind it all that delivers, put together from its options."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from asyncsentry import process
from asyncsentry.events.scrubbing import SecretNames
from asyncsentry.facts import GLANCE, Facts, load_needed
from asyncsentry.options import Options, settings
from asyncsentry.registry import DEFAULT, AnyFactory, AnyTransport, find, is_instance, make
from asyncsentry.version import SDK, USER_AGENT

if TYPE_CHECKING:
    from asyncsentry.delivery.dispatcher import Dispatcher
    from asyncsentry.delivery.envelope import Packer
    from asyncsentry.delivery.last_resort import Channel
    from asyncsentry.delivery.losses import Reason
    from asyncsentry.delivery.outbox import Outbox
    from asyncsentry.delivery.spool.crashes import Report
    from asyncsentry.delivery.spool.spool import Spool
    from asyncsentry.dsn import Dsn
    from asyncsentry.item import Category, Gap, Item, Stepwise

logger = logging.getLogger("asyncsentry")

FILLED_WITHIN: Final = 0.1
"""Seconds for which the spool waits for what an item lacks, before it files what there is."""

LEASE_GRACE: Final = 5.0
"""Seconds beyond its time-out after which a request that its transport has not settled is given up on."""

_inside: list[bool] = []
"""Whether the thread that holds `process.loading` is loading already."""


class Shipping:
    """Starts afresh: nothing queued, nothing connected. Raises `SetupError` for what the transport cannot honour.

    The transport is made at once, so that a mistake shows at set-up; what delivers is loaded at the first capture, or
    at once if there is a spool, from which something may have to be sent.
    ``forked``: this is a child, where the parent's transport, with its connections and threads, is of no use.
    """

    def __init__(self, options: Options, *, forked: bool = False) -> None:
        self.facts = Facts(options.release, options.project_root or os.getcwd(), os.environ)
        self.secret_names = SecretNames(options.scrub_keys, options.allow_keys)
        self._options = options
        self._reach = settings(options, os.environ)
        self.transport = self._make_transport(forked=forked)
        self.dispatcher: Dispatcher | None = None
        """What delivers; None before the first capture."""
        self._early: deque[tuple[Reason, Category]] = deque()
        self._ending: Callable[[Dispatcher], object] = bool
        """How all this was ended before the first capture was through: what delivers ends as soon as it is there."""
        self._crashed: Report | None = None
        if options.spool is not None and not forked:
            from asyncsentry.delivery.spool.folder import prepare

            prepare(options.spool)

    def open(self) -> Dispatcher | None:
        """What delivers, loaded if it is not yet.

        None inside of just that (a signal handler came in between), and where it cannot be loaded: no file can be
        opened any more, or the interpreter ends.
        """
        if self.dispatcher is not None:
            return self.dispatcher
        with process.loading:
            if _inside:  # modules that are loaded halfway are of no use to who interrupts that
                return None
            _inside.append(True)
            try:
                if self.dispatcher is None:
                    self.dispatcher = self._load()
                    self._ending(self.dispatcher)
            except Exception:
                logger.debug("what delivers could not be loaded", exc_info=True)
                return None
            finally:
                _inside.clear()
        with suppress(IndexError):  # another thread may take the last of them
            while self._early:
                self.dispatcher.lose(*self._early.popleft())
        return self.dispatcher

    def begun(self) -> Dispatcher | None:
        """What delivers, if anything was captured yet: it is loaded now, where it could not be at that time."""
        return self.open() if self._early else self.dispatcher

    def lose(self, reason: Reason, category: Category) -> None:
        """Count what was given up."""
        dispatcher = self.dispatcher or self.open()
        if dispatcher is None:
            self._early.append((reason, category))
        else:
            dispatcher.lose(reason, category)

    def exit(self, timeout: float) -> int:
        """Deliver what is left at the end of the process; gives how many items had to be given up.

        Where nothing was captured yet, nothing is loaded for it: the first capture may still come, or none.
        """
        self._ending = lambda dispatcher: dispatcher.exit(timeout)
        if self.dispatcher is None:
            return 0
        left = self.dispatcher.exit(timeout)
        self.dispatcher.end(0.0)
        return left

    def retire(self) -> Dispatcher | None:
        """What is to be closed, if anything was captured yet; a capture that is under way makes nothing that lasts."""
        begun = self.begun()
        self._ending = lambda dispatcher: dispatcher.close(0.0)
        return begun or self.dispatcher

    def begin(self, crashed: Report) -> None:
        """Bring back what is in the spool, if there is one. ``crashed`` is told what is found of crashed processes."""
        if self._options.spool is not None:
            self._crashed = crashed if self._options.report_fatal_errors else None
            self.open()

    def leave_behind(self) -> None:
        """This is a forked child: what was queued and begun is the parent's to do."""
        if self.dispatcher is not None:
            self.dispatcher.leave_behind()

    def _load(self) -> Dispatcher:
        from asyncsentry.delivery.dispatcher import Dispatcher
        from asyncsentry.delivery.losses import Losses
        from asyncsentry.delivery.outbox import Outbox

        if process.patched():
            load_needed()  # while no other thread may: of those that import one thing at once, some wait for ever
        options, dsn, losses = self._options, self._options.dsn, Losses()
        assert dsn is not None, "without a DSN nothing is sent"
        outbox = Outbox(
            losses,
            queue_bytes=options.queue_bytes,
            max_in_flight=options.max_in_flight,
            patience=options.timeout + LEASE_GRACE,
            wall=time.time,
            send_reports=options.send_client_reports,
            spooling=options.spool is not None,
        )
        pack = self._make_packer(dsn)
        return Dispatcher(
            outbox,
            losses,
            self.transport,
            encode=pack,
            stages=(pack.complete, pack.encode),
            squeeze=pack.squeeze,
            open_channel=self._open_channel,
            readiness=self.facts,
            timeout=options.timeout,
            spool=None if options.spool is None else self._make_spool(options.spool, dsn, outbox, pack),
        )

    def _make_packer(self, dsn: Dsn) -> Packer:
        from asyncsentry.delivery.compression import compression
        from asyncsentry.delivery.envelope import Packer

        limit = self._options.max_event_bytes

        def shrink(event: Mapping[str, object]) -> Stepwise:
            from asyncsentry.events.trimming import Trimming

            return Trimming(event, limit)

        headers = {"X-Sentry-Auth": dsn.auth_header, "User-Agent": USER_AGENT}
        return Packer(
            self._reach.url,
            headers,
            SDK,
            self.facts.fields,
            shrink,
            compression(self._options.compress),
            event_limit=limit,
        )

    def _make_spool(self, path: str, dsn: Dsn, outbox: Outbox, pack: Packer) -> Spool:
        from asyncsentry.delivery.spool import names
        from asyncsentry.delivery.spool.fatal import FatalErrors
        from asyncsentry.delivery.spool.folder import Folder
        from asyncsentry.delivery.spool.keeper import Keeper
        from asyncsentry.delivery.spool.shelf import Shelf
        from asyncsentry.delivery.spool.spool import Spool

        def finish(item: Item) -> tuple[Item, bool]:
            complete = _filled(item.gaps) and (self.facts.known or not item.late)
            return pack.finish(item), complete

        folder = Folder(path, names.digest(dsn), durable=self._options.spool_fsync)
        shelf = Shelf(self._options.spool_bytes)
        keeper = Keeper(outbox.files, finish, names.destination(dsn), folder, shelf)
        if self._crashed is None:
            return Spool(keeper, folder)
        return Spool(keeper, folder, fatal=FatalErrors(folder), crashed=self._crashed)

    def _make_transport(self, *, forked: bool) -> AnyTransport:
        made_or_maker = self._options.transport
        if not is_instance(made_or_maker):
            return make(self._options.transport_name, cast("AnyFactory", made_or_maker), self._reach)
        if not forked:
            return made_or_maker
        logger.warning("a forked process cannot use the transport that was handed in: hand in what makes it, a class")
        return find(DEFAULT)(self._reach)

    def _open_channel(self) -> Channel:
        from asyncsentry import post

        return post.Channel(self._reach)


def _filled(gaps: Sequence[Gap]) -> bool:
    """Wait a moment until no gap is left, so that what is on disk has all that is sent; whether none is."""
    deadline = time.monotonic() + FILLED_WITHIN
    while not all(gap.fill() for gap in gaps):
        if time.monotonic() > deadline:
            return False
        time.sleep(GLANCE)
    return True
