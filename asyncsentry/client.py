"""The client: one DSN, its own scopes, what is captured for it, and one transport. Two clients share nothing."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar, cast, overload

from asyncsentry import diary, process
from asyncsentry.errors import SendError
from asyncsentry.options import Options, resolve
from asyncsentry.recorder import CAPTURED, Known, Recorder
from asyncsentry.scope import Data, Scope
from asyncsentry.scopes import Scopes, Steps
from asyncsentry.transport.protocol import Factory, Transport, Wait_co

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.delivery.dispatcher import Dispatcher
    from asyncsentry.delivery.ledger import Account
    from asyncsentry.delivery.losses import Reason
    from asyncsentry.delivery.spool.crashes import Crash
    from asyncsentry.events.exceptions import Mechanism
    from asyncsentry.events.work import Describe
    from asyncsentry.item import Category
    from asyncsentry.shipping import Shipping
    from asyncsentry.types import Hint, MessageData, OptionArguments, ScopeData
    from asyncsentry.wrapping import Capturing

logger = logging.getLogger("asyncsentry")

ExcInfo: TypeAlias = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]

Function = TypeVar("Function", bound=Callable[..., Any])

LONGEST_WAIT: Final = 24 * 3600.0
"""Seconds that a flush lasts at most: longer ones are more than some timers can hold."""

CHOSEN: Final = frozenset({"backpressure", "before_send", "event_processor", "sample_rate"})
"""The reasons for which an application itself has events dropped."""


class Client(Generic[Wait_co]):
    """Captures errors and messages and delivers them to the server that ``dsn`` names.

    Without a DSN (None and no ``SENTRY_DSN``, or an empty string) it is inactive: nothing is captured or sent, and
    every method may be called all the same. ``transport`` is a factory such as a transport's class, an instance, or a
    registered name; it beats the DSN's prefix. The options are those of `Options`.

    A client that `init` did not make installs no hooks. It does deliver what is left when the process ends, and
    starts afresh in a forked child. Raises `SetupError` for whatever cannot work; nothing raises later.
    """

    # What makes a transport stands before one that is made: in the other order pyright takes the class itself for an
    # instance, and then for nothing else.
    @overload
    def __init__(
        self: Client[Any],
        dsn: str | None = None,
        *,
        transport: str | None = None,
        **options: Unpack[OptionArguments],
    ) -> None: ...
    @overload
    def __init__(
        self,
        dsn: str | None = None,
        *,
        transport: Factory[Wait_co],
        **options: Unpack[OptionArguments],
    ) -> None: ...
    @overload
    def __init__(
        self,
        dsn: str | None = None,
        *,
        transport: Transport[Wait_co],
        **options: Unpack[OptionArguments],
    ) -> None: ...
    def __init__(
        self,
        dsn: str | None = None,
        *,
        transport: Factory[Any] | Transport[Any] | str | None = None,
        **options: Unpack[OptionArguments],
    ) -> None:
        self._begin(resolve(dsn, transport, options, os.environ), Scopes())

    def _begin(self, options: Options, scopes: Scopes) -> None:
        self.options = options
        self.scopes = scopes
        # Another thread may close this client at any moment: what captures looks at it once.
        self._recorder: Recorder | None = None
        self._shipping: Shipping | None = None
        self._inherited: list[Shipping] = []
        if options.debug:
            diary.show()
        if options.dsn is not None:
            self._open()
            process.settle(self)
            logger.debug("delivering to %s by the transport %s", options.dsn, options.transport_name)

    def _open(self, *, forked: bool = False) -> None:
        self._undelivered = 0
        from asyncsentry.shipping import Shipping  # only now: a program without a DSN delivers nothing

        self._shipping = Shipping(self.options, forked=forked)
        self._recorder = Recorder(self.options, self.scopes, self._shipping)
        if not forked:
            self._shipping.begin(self._report_crash)

    @property
    def active(self) -> bool:
        """Whether what is captured is sent: there is a DSN, and the client is not closed."""
        return self._recorder is not None

    @property
    def transport(self) -> Transport[Wait_co] | None:
        """The transport in use, or that was in use until the client was closed; None if there was no DSN."""
        return self._shipping.transport if self._shipping else None

    @property
    def losses(self) -> Mapping[tuple[Reason, Category], int]:
        """How much has been lost so far, by reason and category, as client reports tell it to the server."""
        dispatcher = self._delivery()
        return dispatcher.losses() if dispatcher else {}

    def stats(self) -> Mapping[Category, Account]:
        """What became of all that was captured so far, by category; nothing before the first capture.

        ``client.stats()["error"]``: so many were captured, delivered, lost for this and that reason, and so on. At any
        time all that was captured is accounted for, once. A forked child begins anew. A signal handler may be told what
        was true when this was called last.
        """
        dispatcher = self._delivery()
        return dispatcher.accounts() if dispatcher else {}

    # -- capturing

    def capture_exception(
        self,
        error: BaseException | ExcInfo | None = None,
        *,
        scope: Scope | None = None,
        **scope_data: Unpack[ScopeData],
    ) -> str | None:
        """Send an exception, an ``exc_info`` tuple, or what is being handled right now; gives the event's id.

        ``scope`` and ``scope_data`` add to what is known for this event alone. None if it is not sent: there is
        nothing to send, it is ignored or sampled out. An exception that was captured before gives its first id.
        """
        if (recorder := self._recorder) is None:
            return None
        if error is None:
            error = sys.exc_info()
        # Any: who calls may hand in anything. `isinstance` would ask an error for its class, and it may fail to say.
        raised: Any = error[1] if type(error) is tuple and len(error) == 3 else error
        if raised is None:
            return None
        return recorder.report(raised, CAPTURED, self._known_with(scope, scope_data))

    def capture_message(
        self,
        message: str,
        level: str | None = None,
        *,
        scope: Scope | None = None,
        **scope_data: Unpack[MessageData],
    ) -> str | None:
        """Send a message; gives the event's id. Its level is ``info``, unless this or a scope says otherwise."""
        event = {"level": level, "logentry": {"formatted": message}}
        return self.capture_event(event, scope=scope, **scope_data)

    def capture_event(
        self,
        event: Mapping[str, Any],
        hint: Hint | None = None,
        *,
        scope: Scope | None = None,
        **scope_data: Unpack[ScopeData],
    ) -> str | None:
        """Send an event in Sentry's form, completed by what is known here; gives the event's id."""
        if (recorder := self._recorder) is None:
            return None
        return recorder.report_event(event, self._known_with(scope, scope_data), hint=hint)

    @overload
    def capture_exceptions(self, *errors: type[BaseException]) -> Capturing: ...
    @overload
    def capture_exceptions(self, function: Function, /) -> Function: ...
    def capture_exceptions(self, *function_or_errors: Any) -> Any:
        """Capture what a block or a function raises, which then goes on: a context manager and a decorator.

        ``with client.capture_exceptions():``, ``@client.capture_exceptions``, and either for some exception classes
        only: ``client.capture_exceptions(ValueError)``. Functions, coroutines, generators and async generators.
        """
        from asyncsentry.wrapping import capturing

        return capturing(self.capture_exception, function_or_errors)

    def report(
        self,
        error: BaseException,
        mechanism: Mechanism,
        *,
        event: Mapping[str, Any] | None = None,
        hint: Hint | None = None,
        scope: Scope | None = None,
    ) -> str | None:
        """What hooks and integrations call: an error, and how it came to them.

        ``event`` has fields of the event to begin with; ``scope`` stands instead of all that is known here.
        """
        if (recorder := self._recorder) is None:
            return None
        known = self.scopes.known if scope is None else lambda: scope
        return recorder.report(error, mechanism, known, event=event, hint=hint)

    def report_message(
        self,
        message: str,
        params: object = None,
        *,
        level: str | None,
        event: Mapping[str, Any] | None = None,
        hint: Hint | None = None,
        stack: bool = False,
    ) -> str | None:
        """What hooks and integrations call: a message's template, and what belongs in it.

        ``stack`` asks for the stack of the call, as the option ``attach_stacktrace`` does for all messages.
        """
        if (recorder := self._recorder) is None:
            return None
        whole = {**(event or {}), "level": level, "logentry": {"message": message, "params": params}}
        return recorder.report_event(whole, self.scopes.known, hint=hint, stack=stack)

    # -- what is known

    def new_scope(self) -> AbstractContextManager[Scope]:
        """Open a scope for a block: what is set on it is on the events of the block."""
        return self.scopes.new_scope()

    def isolation_scope(self) -> AbstractContextManager[Scope]:
        """Open an isolation scope: for a request, a job, and everything that is started for it."""
        return self.scopes.isolation_scope()

    def work_scope(self, describe: Describe) -> AbstractContextManager[Scope]:
        """What integrations open: an isolation scope for work that ``describe`` tells of when an event is made."""
        return self.scopes.isolation_scope(describe)

    def work_in_steps(self, describe: Describe) -> Steps:
        """The same for work that is done in steps, with others at work here in between: an answer that is streamed."""
        return self.scopes.in_steps(describe)

    def disregard(self, error: BaseException) -> None:
        """What integrations call for an error that is none: no hook reports it, wherever it comes up."""
        if (recorder := self._recorder) is not None:
            recorder.disregard(error)

    def get_global_scope(self) -> Scope:
        """What is known of the whole process."""
        return self.scopes.global_scope

    def get_isolation_scope(self) -> Scope:
        """What is known of the request, job, task or thread in hand; the ``set_…`` methods write here."""
        return self.scopes.isolation()

    def get_current_scope(self) -> Scope:
        """What is known inside the innermost ``with client.new_scope():``; outside of any, the isolation scope."""
        return self.scopes.current()

    def last_event_id(self) -> str | None:
        """The id of the event that was captured last in this request, job or task: for an error page."""
        return self.scopes.last_event_id()

    def set_tag(self, key: str, value: Any) -> None:
        """Set one tag. Servers index tags; a value is sent as text."""
        self.scopes.isolation().set_tag(key, value)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set several tags."""
        self.scopes.isolation().set_tags(tags)

    def set_user(self, user: Mapping[str, Any] | None) -> None:
        """Say for whom the work is done: ``id``, ``username``, ``email``, ``ip_address`` and whatever else."""
        self.scopes.isolation().set_user(user)

    def set_context(self, key: str, value: Mapping[str, Any]) -> None:
        """Set a named group of values, shown as a section of its own."""
        self.scopes.isolation().set_context(key, value)

    def set_extra(self, key: str, value: Any) -> None:
        """Set one value that is shown, not indexed."""
        self.scopes.isolation().set_extra(key, value)

    def set_level(self, level: str) -> None:
        """Set the level of the events to come: fatal, error, warning, info or debug."""
        self.scopes.isolation().set_level(level)

    def set_fingerprint(self, fingerprint: Sequence[str]) -> None:
        """Group events by this instead of by their stack trace; ``{{ default }}`` stands for the usual grouping."""
        self.scopes.isolation().set_fingerprint(fingerprint)

    def set_transaction_name(self, name: str) -> None:
        """Name the work in hand: a route, a task."""
        self.scopes.isolation().set_transaction_name(name)

    def add_attachment(self, data: Data, *, filename: str, content_type: str = "application/octet-stream") -> None:
        """Send a file with each event to come."""
        self.scopes.isolation().add_attachment(data, filename=filename, content_type=content_type)

    def global_only(self) -> Scope:
        """What is known of the whole process: for errors that surface in whatever happens to run."""
        return self.scopes.global_scope.fork()

    def known_to_task_of(self, error: BaseException) -> Scope:
        """What was known to the task that ``error`` ended, or else what is known here."""
        return self.scopes.known(error)

    def add_breadcrumb(self, crumb: Mapping[str, Any] | None = None, hint: Hint | None = None, **fields: Any) -> None:
        """Note what happened, for the events to come: ``type``, ``category``, ``message``, ``level``, ``data``."""
        self.report_breadcrumb(fields, hint, crumb)

    def report_breadcrumb(
        self,
        fields: dict[str, Any],
        hint: Hint | None = None,
        crumb: Mapping[str, Any] | None = None,
        *,
        complete: bool = False,
    ) -> None:
        """What hooks and integrations call: a breadcrumb, in a dict that is made for it; ``crumb`` has more fields.

        ``complete``: it is as events hold it, and nothing of it can change.
        """
        if (recorder := self._recorder) is not None:
            recorder.add_breadcrumb(crumb, fields, hint, complete=complete)

    # -- delivery

    def wake(self) -> None:
        """What integrations call where an event loop begins to run: what was captured before is sent from there."""
        if self._shipping is not None and self.active and (dispatcher := self._shipping.open()) is not None:
            dispatcher.wake()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait, blocking, until what was captured is delivered (or lost, and counted); False after ``timeout`` seconds.

        Right in every style, on an event loop's own thread too. The default time-out is ``shutdown_timeout``. With
        ``raise_send_errors`` raises `SendError` if something could not be delivered since the last flush.
        """
        dispatcher = self._delivery()
        if dispatcher is None or not self.active:
            return True
        return self._conclude(dispatcher, dispatcher.flush(self._seconds(timeout)))

    async def flush_async(self, timeout: float | None = None) -> bool:
        """The same, awaited on an asyncio loop, which goes on in the meantime."""
        from asyncsentry.awaiting import flush

        dispatcher = self._delivery()
        if dispatcher is None or not self.active:
            return True
        return self._conclude(dispatcher, await flush(dispatcher, self._seconds(timeout)))

    def wait(self, timeout: float | None = None) -> Wait_co:
        """The same in the transport's own style: what it gives is a ``bool``, an awaitable, a ``Deferred`` …

        A client that never had a DSN has no style: what it gives is true, and may be awaited.
        """
        if self._shipping is None:
            from asyncsentry.awaiting import Nothing

            return cast("Wait_co", Nothing())
        waiting: Wait_co = self._shipping.transport.wait(self._idle(), self._seconds(timeout))
        return waiting

    def close(self, timeout: float | None = None) -> None:
        """Deliver what is left, blocking, for at most ``timeout`` seconds, then stop for good; the rest is counted."""
        dispatcher = self._retire()
        if dispatcher is not None:
            dispatcher.close(self._seconds(timeout))

    async def close_async(self, timeout: float | None = None) -> None:
        """The same, awaited on an asyncio loop."""
        from asyncsentry.awaiting import close

        dispatcher = self._retire()
        if dispatcher is not None:
            await close(dispatcher, self._seconds(timeout))

    def at_sigterm(self) -> bool:
        """Called when the process is told to end: deliver what is left, within what its end may take; whether it is."""
        dispatcher = self._delivery()
        return dispatcher is None or not self.active or dispatcher.hurry(self.options.shutdown_timeout)

    def at_exit(self) -> None:
        """Called at the end of the process: the last resort. What is captured still later is sent at once."""
        if self._shipping is not None and self.active:
            left = self._shipping.exit(self.options.shutdown_timeout)
            if left:
                logger.warning("%d event(s) could not be delivered before the program ended", left)

    def before_fork(self) -> None:
        """Called before a fork."""
        dispatcher = self._delivery()
        if dispatcher is not None and self.active:
            dispatcher.before_fork()

    def after_fork(self) -> None:
        """Called in a forked child: what the parent queued and connected stays the parent's, kept but not touched.

        Closing an inherited TLS connection would talk on the parent's.
        """
        if self._shipping is not None and self.active:
            self._shipping.leave_behind()
            self._inherited.append(self._shipping)
            self._recorder = None
            self._open(forked=True)

    def _idle(self) -> Future[None]:
        """A latch that opens when all that was captured is settled."""
        dispatcher = self._delivery()
        if dispatcher is not None and self.active:
            return dispatcher.hasten()[0]
        idle: Future[None] = Future()
        idle.set_result(None)
        return idle

    def _report_crash(self, crash: Crash) -> bool:
        """Capture what `faulthandler` wrote in a process that is gone; False if nothing is captured any more."""
        if (recorder := self._recorder) is not None:
            recorder.report_crash(crash, self.scopes.global_scope)
        return recorder is not None

    def _retire(self) -> Dispatcher | None:
        """Capture no more; gives what is to be closed, once."""
        recorder, self._recorder = self._recorder, None
        process.unsettle(self)
        return self._shipping.retire() if recorder and self._shipping else None

    def _delivery(self) -> Dispatcher | None:
        """What delivers, if anything was captured yet."""
        return self._shipping.begun() if self._shipping else None

    def _seconds(self, timeout: float | None) -> float:
        """A time-out as it was given, if it is one."""
        if isinstance(timeout, (int, float)) and timeout >= 0:
            return float(min(timeout, LONGEST_WAIT))
        return self.options.shutdown_timeout

    def _conclude(self, dispatcher: Dispatcher, flushed: bool) -> bool:
        """Raise for what was not delivered since the last flush, if that was asked for."""
        if not self.options.raise_send_errors:
            return flushed
        losses = dispatcher.losses()
        undelivered = dispatcher.refused + sum(losses[each] for each in losses if each[0] not in CHOSEN)
        before, self._undelivered = self._undelivered, undelivered
        failure = dispatcher.take_failure()
        if undelivered > before or not flushed:
            raise SendError(failure or "not everything could be delivered in time")
        return flushed

    def _known_with(self, scope: Scope | None, scope_data: ScopeData) -> Known:
        if scope is None and not scope_data:
            return self.scopes.known

        def known() -> Scope:
            whole = self.scopes.known()
            if isinstance(scope, Scope):
                whole.add(scope)
            whole.apply(scope_data)
            return whole

        return known


def begin(options: Options, scopes: Scopes) -> Client[Any]:
    """A client that goes on with scopes in which something may be known already."""
    client: Client[Any] = Client.__new__(Client)
    client._begin(options, scopes)
    return client
