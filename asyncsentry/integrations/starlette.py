"""Starlette: ``setup(app, dsn="…")``, where the application is made.

What nobody handles is reported, in endpoints, middleware, background tasks and streams, in WebSockets and
in the lifespan; and an error that is answered with a failed status, such as ``HTTPException(503)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette

from asyncsentry.client import Client
from asyncsentry.integrations._clients import choose
from asyncsentry.integrations._starlette import Stack
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses
from asyncsentry.registry import TransportOption

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from asyncsentry.types import OptionArguments

__all__ = ["setup"]


def setup(
    app: Starlette,
    dsn: str | None = None,
    *,
    client: Client[Any] | None = None,
    transport: TransportOption | None = None,
    failed_request_status_codes: Statuses = FAILED,
    **options: Unpack[OptionArguments],
) -> Callable[[], None]:
    """Watch an application; gives a function that ends it.

    The options are those of `asyncsentry.init`, which is called if any is given, or if nobody has called it yet;
    ``client`` has it capture for that one. An error that the application answers is reported if the status is among
    ``failed_request_status_codes``, as handled. Of two calls the later counts. Raises `SetupError`.
    """
    failed = statuses(failed_request_status_codes)
    stack = Stack.of(app, "starlette")
    return stack.install(choose(dsn, client=client, transport=transport, **options), failed)
