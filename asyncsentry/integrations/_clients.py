"""Whose client an integration captures for: one that is handed in, or the default one, which it makes if need be."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from asyncsentry import api
from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.options import BODY_LIMITS
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.types import OptionArguments

SET_UP: Final[set[str]] = set()
"""The integrations that were set up in this process, by their modules' names: ``asyncsentry doctor`` asks for them."""

Clients: TypeAlias = Callable[[], Client[Any]]
"""Gives the client to capture for: asked each time, for the default one may change."""


def choose(
    dsn: str | None = None,
    *,
    client: Client[Any] | None = None,
    transport: TransportOption | None = None,
    **options: Unpack[OptionArguments],
) -> Clients:
    """What every integration's set-up does with what it was given.

    A ``client`` is used as it is. With a DSN, a transport or any option this is `asyncsentry.init`; with none of them,
    too, unless the application has called that already. Raises `SetupError` for what cannot work.
    """
    told = dsn is not None or transport is not None or any(value is not None for value in options.values())
    if client is not None:
        if not isinstance(client, Client):
            raise OptionError(f"client must be a Client, not a value of type {type(client).__qualname__}")
        if told:
            raise OptionError("a client has its DSN and its options already: give them to what makes it")
        _note_caller()
        return lambda: client
    if told or not api._default.begun:
        start: Callable[..., Client[Any]] = api.init  # its overloads know no union of all that a transport may be
        start(dsn, transport=transport, **options)
    _note_caller()
    return api.get_client


def _note_caller() -> None:
    """Note which integration's set-up `choose` was called by."""
    module: str = sys._getframe(2).f_globals["__name__"]
    SET_UP.add(module.removeprefix(f"{__package__}.").partition(".")[0])


def body_limit(client: Client[Any]) -> int:
    """Bytes of a request's body that an event of this client may show; 0 for none."""
    options = client.options
    return BODY_LIMITS[options.max_request_body_size] if options.data_collection.incoming_bodies else 0


@cache
def nobody() -> Client[Any]:
    """The client of an integration that was taken off: it captures nothing."""
    return Client("")
