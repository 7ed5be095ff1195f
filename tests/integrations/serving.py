"""A shop: a program with a server in it, its own Sentry server, and what the shop has sent there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from asyncsentry.testing import LocalSentry
from integrations.asking import Answer, Connection, WebSocket
from integrations.frameworks import Framework

TESTS: Final = Path(__file__).parents[1]
PATIENCE: Final = 20.0
"""Seconds after which a server that still waits has found a bug."""

OPTIONS: Final[Mapping[str, object]] = {"max_in_flight": 1, "flood_limit": 0}
"""What was captured first arrives first; and the suite breaks the same thing more often than a program may."""

Event = dict[str, Any]


class Program:
    """A shop's program, from its start to its end."""

    def __init__(
        self, framework: Framework, dsn: str, *, fail: str = "", options: Mapping[str, object] = OPTIONS
    ) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SENTRY_")}
        self._process = subprocess.Popen(
            [sys.executable, *framework.flags, "-m", f"integrations.programs.{framework.name}"],
            cwd=TESTS,
            env={**environment, "SENTRY_DSN": dsn, "OPTIONS": json.dumps(options), "FAIL": fail},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._url: Future[str | None] = Future()
        self._said: list[str] = []
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    @property
    def said(self) -> str:
        """All that it has printed."""
        return "".join(self._said)

    def url(self) -> str:
        """Where it listens, once it does."""
        url = self._url.result(PATIENCE)
        assert url is not None, self.said
        return url

    def end(self) -> int:
        """Tell it to end, and wait until it has; gives its status."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait until it has ended by itself; gives its status."""
        try:
            return self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()
            self._listener.join()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self._said.append(line)
                if line.startswith("listening on ") and not self._url.done():
                    self._url.set_result(line.split()[-1])
        if not self._url.done():
            self._url.set_result(None)


class Shop:
    """A shop that is open, and the news of it: the events that no test has been told yet."""

    def __init__(self, framework: Framework, **options: object) -> None:
        self.framework = framework
        self.sentry = LocalSentry()
        self._program = Program(framework, self.sentry.dsn, options={**OPTIONS, **options})
        self._told = 0
        try:
            self.url = self._program.url()
            self.sentry.wait_for_events(1, PATIENCE)  # what was captured before any loop ran
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Tell the program to end; it ends well."""
        with self.sentry:
            assert self._program.end() == 0, self._program.said

    def forget(self) -> None:
        """Let what has arrived so far be no news."""
        self._told = len(self.sentry.events)

    def connect(self) -> Connection:
        """A connection for several requests, one after the other."""
        return Connection(self.url)

    def ask(self, method: str, path: str, **given: Any) -> Answer:
        """One request, on a connection of its own."""
        with self.connect() as connection:
            return connection.ask(method, path, **given)

    def converse(self) -> WebSocket:
        """A new WebSocket."""
        return WebSocket(self.url, "/socket")

    def news(self, count: int) -> list[Event]:
        """What has been captured since this was asked last, which is ``count`` events and not one more.

        What is captured afterwards arrives afterwards: when it is there, nothing else is on its way.
        """
        self._wait_for(count)
        assert self.ask("GET", "/plain").status == 200
        self.sentry.wait_for(lambda: self._end_of_news(count) is not None, PATIENCE, what="what was captured last")
        end = self._end_of_news(count)
        assert end is not None
        news, last = self._new()[:end], self._new()[end]
        self.forget()
        assert len(news) == count, [outline(event) for event in news]
        assert [name for name in ("tags", "user") if name in last] == []  # those of other requests
        return news

    def _end_of_news(self, count: int) -> int | None:
        """Where the event stands that was asked for after ``count`` others."""
        plain = (place for place, event in enumerate(self._new()) if place >= count and outline(event) == "plain")
        return next(plain, None)

    def _new(self) -> list[Event]:
        return list(self.sentry.events[self._told :])

    def _wait_for(self, count: int) -> None:
        self.sentry.wait_for(lambda: len(self._new()) >= count, PATIENCE, what=f"{count} more events")


def outline(event: Mapping[str, Any]) -> str:
    """Its message, or its error."""
    if "exception" not in event:
        return str(event["logentry"]["formatted"])
    error = event["exception"]["values"][-1]
    return f"{error['type']}: {error['value']}"


def mechanism(event: Mapping[str, Any]) -> tuple[str, bool]:
    """By which way the event's error came, and whether somebody handled it."""
    given = event["exception"]["values"][-1]["mechanism"]
    return given["type"], given["handled"]
