"""The functions an application calls: on the default client, and on the scopes of the work in hand.

They are Sentry's unified API, so that code written for another Sentry SDK reads the same. All of them may be called
before `init`, without a DSN and after the end: then they do nothing, and say so in what they return.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, overload

from asyncsentry.client import Client, ExcInfo, Function, begin
from asyncsentry.options import Options, resolve
from asyncsentry.scope import Data, Scope
from asyncsentry.scopes import Scopes
from asyncsentry.transport.protocol import Factory, Transport, Wait_co

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.types import Hint, MessageData, OptionArguments, ScopeData
    from asyncsentry.wrapping import Capturing


class _Default:
    """The default client, and how its hooks come off."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.client = begin(Options(), Scopes())
        self.uninstall: Callable[[], None] = lambda: None
        self.begun = False
        """Whether `init` has made the client, be it one that captures nothing."""

    def replace(self, client: Client[Any]) -> None:
        """Let ``client`` be the default one from now on; the one before delivers what it has and closes."""
        with self.lock:  # hooks, too: of two threads that set up at once, the later one's must be those that hear
            uninstall_before, self.uninstall = self.uninstall, _hook_in(client)
            before, self.client, self.begun = self.client, client, True
            uninstall_before()
        before.close()


_default = _Default()


@overload
def init(
    dsn: str | None = None, *, transport: str | None = None, **options: Unpack[OptionArguments]
) -> Client[Any]: ...
@overload
def init(
    dsn: str | None = None, *, transport: Factory[Wait_co], **options: Unpack[OptionArguments]
) -> Client[Wait_co]: ...
@overload
def init(
    dsn: str | None = None, *, transport: Transport[Wait_co], **options: Unpack[OptionArguments]
) -> Client[Wait_co]: ...
def init(
    dsn: str | None = None,
    *,
    transport: Factory[Any] | Transport[Any] | str | None = None,
    **options: Unpack[OptionArguments],
) -> Client[Any]:
    """Start: make the default client, and hook it in where uncaught errors come from.

    Without ``dsn`` it is ``SENTRY_DSN``; where there is none, or it is empty, everything stays off. A second call
    flushes and closes the client of the first. Raises `SetupError` for a mistake, and then changes nothing.
    """
    client = begin(resolve(dsn, transport, options, os.environ), _default.client.scopes)
    _default.replace(client)
    return client


def get_client() -> Client[Any]:
    """The default client: an inactive one before `init`."""
    return _default.client


def is_initialized() -> bool:
    """Whether there is a default client that captures."""
    return _default.client.active


def capture_exception(
    error: BaseException | ExcInfo | None = None, *, scope: Scope | None = None, **scope_data: Unpack[ScopeData]
) -> str | None:
    """Send an exception, an ``exc_info`` tuple, or what is being handled right now; gives the event's id.

    ``scope`` and ``scope_data`` add to what is known for this event alone. None if it is not sent: there is nothing
    to send, it is ignored or sampled out. An exception that was captured before gives its first id.
    """
    return _default.client.capture_exception(error, scope=scope, **scope_data)


def capture_message(
    message: str, level: str | None = None, *, scope: Scope | None = None, **scope_data: Unpack[MessageData]
) -> str | None:
    """Send a message; gives the event's id.

    ``level`` is fatal, error, warning, info or debug; without one what a scope says, or info.
    """
    return _default.client.capture_message(message, level, scope=scope, **scope_data)


def capture_event(
    event: Mapping[str, Any],
    hint: Hint | None = None,
    *,
    scope: Scope | None = None,
    **scope_data: Unpack[ScopeData],
) -> str | None:
    """Send an event in Sentry's form, completed by what is known here; gives the event's id."""
    return _default.client.capture_event(event, hint, scope=scope, **scope_data)


@overload
def capture_exceptions(*errors: type[BaseException]) -> Capturing: ...
@overload
def capture_exceptions(function: Function, /) -> Function: ...
def capture_exceptions(*function_or_errors: Any) -> Any:
    """Capture what a block or a function raises, which then goes on: a context manager and a decorator.

    ``with capture_exceptions():``, ``@capture_exceptions``, and either for some exception classes only:
    ``capture_exceptions(ValueError)``. Functions, coroutines, generators and async generators. The client is the
    default one at the time of the capture.
    """
    from asyncsentry.wrapping import capturing

    return capturing(capture_exception, function_or_errors)


def add_breadcrumb(crumb: Mapping[str, Any] | None = None, hint: Hint | None = None, **fields: Any) -> None:
    """Note what happened, for the events to come: ``type``, ``category``, ``message``, ``level``, ``data``."""
    _default.client.report_breadcrumb(fields, hint, crumb)


def set_tag(key: str, value: Any) -> None:
    """Set one tag. Servers index tags; a value is sent as text."""
    _default.client.set_tag(key, value)


def set_tags(tags: Mapping[str, Any]) -> None:
    """Set several tags."""
    _default.client.set_tags(tags)


def set_user(user: Mapping[str, Any] | None) -> None:
    """Say for whom the work is done: ``id``, ``username``, ``email``, ``ip_address`` and whatever else."""
    _default.client.set_user(user)


def set_context(key: str, value: Mapping[str, Any]) -> None:
    """Set a named group of values, shown as a section of its own."""
    _default.client.set_context(key, value)


def set_extra(key: str, value: Any) -> None:
    """Set one value that is shown, not indexed."""
    _default.client.set_extra(key, value)


def set_level(level: str) -> None:
    """Set the level of the events to come: fatal, error, warning, info or debug."""
    _default.client.set_level(level)


def set_fingerprint(fingerprint: Sequence[str]) -> None:
    """Group events by this instead of by their stack trace; ``{{ default }}`` stands for the usual grouping."""
    _default.client.set_fingerprint(fingerprint)


def set_transaction_name(name: str) -> None:
    """Name the work in hand: a route, a task."""
    _default.client.set_transaction_name(name)


def add_attachment(data: Data, *, filename: str, content_type: str = "application/octet-stream") -> None:
    """Send a file with each event to come."""
    _default.client.add_attachment(data, filename=filename, content_type=content_type)


def new_scope() -> AbstractContextManager[Scope]:
    """Open a scope for a block: what is set on it is on the events of the block."""
    return _default.client.new_scope()


def isolation_scope() -> AbstractContextManager[Scope]:
    """Open an isolation scope: for a request, a job, and everything that is started for it."""
    return _default.client.isolation_scope()


def get_global_scope() -> Scope:
    """What is known of the whole process."""
    return _default.client.get_global_scope()


def get_isolation_scope() -> Scope:
    """What is known of the request, job, task or thread in hand; the ``set_…`` functions write here."""
    return _default.client.get_isolation_scope()


def get_current_scope() -> Scope:
    """What is known inside the innermost ``with new_scope():``; outside of any, the isolation scope."""
    return _default.client.get_current_scope()


def last_event_id() -> str | None:
    """The id of the event that was captured last in this request, job or task: for an error page."""
    return _default.client.last_event_id()


def flush(timeout: float | None = None) -> bool:
    """Wait, blocking, until what was captured is delivered (or lost, and counted); False after ``timeout`` seconds.

    Right in every style, on an event loop's own thread too. The default time-out is ``shutdown_timeout``.
    """
    return _default.client.flush(timeout)


async def flush_async(timeout: float | None = None) -> bool:
    """The same, awaited on an asyncio loop, which goes on in the meantime."""
    return await _default.client.flush_async(timeout)


def close(timeout: float | None = None) -> None:
    """Deliver what is left, blocking, for at most ``timeout`` seconds, then stop; the hooks are taken off."""
    client = _default.client
    _default.uninstall()
    client.close(timeout)


async def close_async(timeout: float | None = None) -> None:
    """The same, awaited on an asyncio loop."""
    client = _default.client
    _default.uninstall()
    await client.close_async(timeout)


def _hook_in(client: Client[Any]) -> Callable[[], None]:
    if not client.active:
        return lambda: None
    from asyncsentry import hooks

    return hooks.install(client)
