"""Queries: each leaves a breadcrumb, without its parameters unless they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from django.db import connections
from django.db.backends.signals import connection_created

from asyncsentry.integrations._clients import Clients, nobody


class Queries:
    """A wrapper of all connections' queries: https://docs.djangoproject.com/en/stable/topics/db/instrumentation/"""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def watch(self) -> Callable[[], None]:
        """Wrap those of connections that there are, and that there will be; gives what ends that."""
        connection_created.connect(self._wrap, weak=False)
        for connection in connections.all(initialized_only=True):
            self._wrap(connection)
        return self._end

    def _end(self) -> None:
        connection_created.disconnect(self._wrap)
        self._clients = nobody  # connections of other threads keep the wrapper

    def _wrap(self, connection: Any, **_: object) -> None:
        if self.execute not in connection.execute_wrappers:  # one that was closed may be opened again
            connection.execute_wrappers.append(self.execute)

    def execute(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Mapping[str, Any]
    ) -> Any:
        """Django calls it instead of ``execute``."""
        client = self._clients()
        if not client.active:
            return execute(sql, params, many, context)
        began = perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            data = {"alias": context["connection"].alias, "duration_ms": round(1000 * (perf_counter() - began), 3)}
            if params and client.options.data_collection.database_query_data:
                data["params"] = params
            client.add_breadcrumb(
                type="query",
                category="query",
                # Anything else than a text may have values in it.
                message=sql if type(sql) is str else f"<{type(sql).__name__}>",
                data=data,
            )
