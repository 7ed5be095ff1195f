"""Klein's applications: what goes wrong in their endpoints, where they or Klein answer it themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from klein.app import Klein
from klein.resource import KleinResource
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from asyncsentry.hooks.place import Uninstall
from asyncsentry.integrations._instances import Method, replace

Note = Callable[[Any, Failure], None]
"""Takes the request that failed."""


def watch(resource: KleinResource, note: Note) -> Uninstall:
    """Have each failure of an endpoint noted; what an endpoint gives and raises stays as it is."""
    application: Klein = resource._app  # Klein makes a new one each time for one that is a class's attribute

    def watching(execute: Method) -> Method:
        def execute_endpoint(endpoint: str, request: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                result = execute(endpoint, request, *args, **kwargs)
            except Exception:
                note(request, Failure())
                raise
            if isinstance(result, Deferred):
                return result.addErrback(pass_on, request)
            return result

        return execute_endpoint

    def pass_on(failure: Failure, request: Any) -> Failure:
        note(request, failure)
        return failure

    return replace(application, "execute_endpoint", watching)
