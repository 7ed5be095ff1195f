"""The SDKs, each behind what a case does with one; and none at all, to see what the program does by itself."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

KEY: Final = "a" * 32


class Watched:
    """Notes in a file what comes out of an SDK's calls, and what became of what was captured: a line for each."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._began = time.perf_counter
        self.quietly = False
        """While many captures are made, of which nothing is noted."""

    def note(self, **fields: object) -> None:
        if self.quietly and not fields.get("raised"):
            return
        os.write(self._file, json.dumps(fields).encode() + b"\n")

    def watch(self, call: Callable[[], object], *, waits: bool = False) -> None:
        """``waits``: that is what it is called for."""
        began = self._began()
        raised = None
        try:
            call()
        except BaseException as error:
            raised = type(error).__name__
        # What is still to come (Ctrl-C) comes here.
        try:
            seconds = self._began() - began
        except BaseException as error:
            seconds, raised = self._began() - began, type(error).__name__
        self.note(seconds=0.0 if waits else seconds, raised=raised)

    def expect(self, captures: int) -> None:
        self.note(captured=captures)

    def counted(self) -> int:
        """How many errors the SDK itself says were lost, or may have been."""
        return 0

    def begin(self, name: str) -> None:
        """Have the events to come say of which case they are."""


class Nothing(Watched):
    """No SDK."""

    def init(self, dsn: str, options: Mapping[str, Any]) -> None:
        pass

    def capture(self, error: BaseException) -> None:
        self.expect(1)

    def capture_plainly(self, error: BaseException) -> None:
        pass

    def message(self, text: Any) -> None:
        self.expect(1)

    def breadcrumb(self, text: Any, **data: Any) -> None:
        pass

    def tag(self, name: Any, value: Any) -> None:
        pass

    def extra(self, name: Any, value: Any) -> None:
        pass

    def flush(self) -> None:
        pass


class Unified(Watched):
    """Those that have the names of Sentry's unified API."""

    module = ""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._sdk = import_module(self.module)

    def init(self, dsn: str, options: Mapping[str, Any]) -> None:
        self._sdk.init(dsn, **options)

    def capture(self, error: BaseException) -> None:
        self.expect(1)
        self.watch(lambda: self._sdk.capture_exception(error))

    def capture_plainly(self, error: BaseException) -> None:
        self._sdk.capture_exception(error)

    def message(self, text: Any) -> None:
        self.expect(1)
        self.watch(lambda: self._sdk.capture_message(text))

    def breadcrumb(self, text: Any, **data: Any) -> None:
        self.watch(lambda: self._sdk.add_breadcrumb(message=text, data=data))

    def tag(self, name: Any, value: Any) -> None:
        self.watch(lambda: self._sdk.set_tag(name, value))

    def extra(self, name: Any, value: Any) -> None:
        self.watch(lambda: self._sdk.set_extra(name, value))

    def flush(self) -> None:
        self.watch(lambda: self._sdk.flush(timeout=5), waits=True)


class Asyncsentry(Unified):
    module = "asyncsentry"

    def counted(self) -> int:
        account = self._sdk.get_client().stats().get("error")
        return account.limited + sum(account.lost.values()) + account.unknown if account else 0

    def begin(self, name: str) -> None:
        self._sdk.get_global_scope().set_tag("case", name)


class SentrySdk(Unified):
    """What it counts the server is told."""

    module = "sentry_sdk"


class Raven(Watched):
    """raven, with its handler for log records and its hook for what ends the program."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._sdk = import_module("raven")
        self._record = import_module("raven.breadcrumbs").record
        self._client: Any = None

    def init(self, dsn: str, options: Mapping[str, Any]) -> None:
        global process
        given = dict(options)
        process = given.pop("before_send", None)
        if process is not None:
            given["processors"] = [f"{__name__}.Processor"]
        if "server_name" in given:
            given["name"] = given.pop("server_name")
        server = dsn.partition("@")[2]
        self._client = self._sdk.Client(f"http://{KEY}:{KEY}@{server}", install_logging_hook=True, **given)
        handler = import_module("raven.handlers.logging").SentryHandler(self._client, level=logging.ERROR)
        import_module("raven.conf").setup_logging(handler)

    def capture(self, error: BaseException) -> None:
        self.expect(1)
        self.watch(lambda: self.capture_plainly(error))

    def capture_plainly(self, error: BaseException) -> None:
        """What is being handled, as its users do it."""
        handled = sys.exc_info()
        self._client.captureException(exc_info=handled if handled[1] is error else (type(error), error, None))

    def message(self, text: Any) -> None:
        self.expect(1)
        self.watch(lambda: self._client.captureMessage(text))

    def breadcrumb(self, text: Any, **data: Any) -> None:
        self.watch(lambda: self._record(message=text, data=data))

    def tag(self, name: Any, value: Any) -> None:
        self.watch(lambda: self._client.tags_context({name: value}))

    def extra(self, name: Any, value: Any) -> None:
        self.watch(lambda: self._client.extra_context({name: value}))

    def flush(self) -> None:
        worker = self._client.remote.get_transport().get_worker()
        self.watch(worker.main_thread_terminated, waits=True)


process: Callable[[Any, Any], Any] | None = None
"""What raven's processor calls."""


class Processor:
    """raven's nearest to ``before_send``."""

    def __init__(self, client: Any) -> None:
        pass

    def process(self, data: Any, **_: Any) -> Any:
        assert process is not None
        return process(data, {})


SDKS: Final[Mapping[str, type[Asyncsentry] | type[SentrySdk] | type[Raven] | type[Nothing]]] = {
    "asyncsentry": Asyncsentry,
    "sentry-sdk": SentrySdk,
    "raven": Raven,
    "none": Nothing,
}
