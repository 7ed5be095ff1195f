"""Breadcrumbs of the requests that a program makes with aiohttp."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from aiohttp import ClientSession, TraceConfig, TraceRequestEndParams, TraceRequestExceptionParams
from yarl import URL

from asyncsentry import api
from asyncsentry.client import Client
from asyncsentry.events.http import show_url


def trace_config(client: Client[Any] | None = None) -> TraceConfig:
    """For ``ClientSession(trace_configs=[trace_config()])``: each request leaves a breadcrumb of the work in hand.

    It has the method, the URL, the status, or why there is none. ``client`` is the one whose events show it, if not
    the default one. What goes to the server that the client itself sends to leaves none.
    """

    def note(method: str, url: URL, level: str, **data: Any) -> None:
        noting = api.get_client() if client is None else client
        dsn = noting.options.dsn
        if dsn is None or str(url.with_query(None)) == dsn.envelope_url:
            return
        shown = {"method": method, "url": show_url(str(url.with_user(None)), noting.options.data_collection), **data}
        noting.add_breadcrumb(type="http", category="http", level=level, data=shown)

    async def end(_: ClientSession, __: SimpleNamespace, told: TraceRequestEndParams) -> None:
        status = told.response.status
        level = "error" if status >= 500 else "warning" if status >= 400 else "info"
        note(told.method, told.url, level, status_code=status, reason=told.response.reason)

    async def fail(_: ClientSession, __: SimpleNamespace, told: TraceRequestExceptionParams) -> None:
        note(told.method, told.url, "error", error=type(told.exception).__name__)  # its text may hold the URL

    config = TraceConfig()
    config.on_request_end.append(end)
    config.on_request_exception.append(fail)
    return config
