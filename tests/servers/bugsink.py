"""A real Bugsink on a free loopback port: it checks each event against Sentry's JSON schema and stores it in sqlite."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Final

START_SECONDS: Final = 40.0
STOP_SECONDS: Final = 10.0

SETTINGS: Final = """
DATABASES["default"]["NAME"] = {folder!r} + "/db.sqlite3"
DATABASES["snappea"]["NAME"] = {folder!r} + "/snappea.sqlite3"
ALLOWED_HOSTS = ["*"]
SNAPPEA = {{"TASK_ALWAYS_EAGER": True}}  # an event is stored before its request is answered
BUGSINK.update({{
    "PHONEHOME": False,
    "VALIDATE_ON_DIGEST": "strict",
    "INGEST_STORE_BASE_DIR": {folder!r} + "/ingestion",
    "MAX_EVENTS_PER_PROJECT_PER_5_MINUTES": 1_000_000,
    "MAX_EVENTS_PER_PROJECT_PER_HOUR": 1_000_000,
}})
"""

NEW_PROJECT: Final = """
from projects.models import Project
from teams.models import Team
team, _ = Team.objects.get_or_create(name="tests")
print(Project.objects.create(name="tests", slug="tests", team=team).dsn)
"""


class Bugsink:
    """A context manager: the server runs inside it, and keeps all that it writes in ``folder``.

    ``programs`` is the folder of the environment's programs in which Bugsink is installed.
    """

    dsn: str
    """Of the one project there is."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._log = folder / "server.log"
        # Bound before Bugsink learns its port, and handed on: nobody else can take it in between.
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Bugsink:
        self._configure()
        self._run("bugsink-manage", "migrate", "--verbosity", "0")
        self._run("bugsink-manage", "migrate", "snappea", "--database", "snappea", "--verbosity", "0")
        self.dsn = self._run("bugsink-manage", "shell", "--verbosity", "0", input=NEW_PROJECT).split()[-1]
        self._serve()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._socket.close()
        if self._server is None:
            return
        self._server.terminate()
        try:
            self._server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()

    def event(self, event_id: str) -> dict[str, Any]:
        """The stored event, as it was sent. A 200 does not say that it was stored: it may have been refused after."""
        # Any: whatever JSON the SDK sent.
        rows = self._rows("SELECT data FROM events_event WHERE event_id = ?", event_id)
        if not rows:
            raise LookupError(f"Bugsink has no event {event_id}; its log ends:\n{self.log_tail()}")
        event: dict[str, Any] = json.loads(rows[0]["data"])
        return event

    def title(self, event_id: str) -> tuple[str, str]:
        """The type and the value under which Bugsink shows the event."""
        columns = "calculated_type AS type, calculated_value AS value"
        (row,) = self._rows(f"SELECT {columns} FROM events_event WHERE event_id = ?", event_id)
        return row["type"], row["value"]

    def tags(self, event_id: str) -> dict[str, str]:
        """The event's tags as Bugsink indexed them, those it works out itself included."""
        rows = self._rows(
            "SELECT k.key AS key, v.value AS value FROM tags_eventtag t"
            " JOIN tags_tagvalue v ON v.id = t.value_id JOIN tags_tagkey k ON k.id = v.key_id"
            " JOIN events_event e ON e.id = t.event_id WHERE e.event_id = ?",
            event_id,
        )
        return {row["key"]: row["value"] for row in rows}

    def log_tail(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])

    def _configure(self) -> None:
        settings = self._folder / "bugsink_conf.py"
        self._run("bugsink-create-conf", "--template=local", "--output-file", str(settings))
        with settings.open("a") as file:
            file.write(SETTINGS.format(folder=str(self._folder)))
            file.write(f"BUGSINK['BASE_URL'] = {self._url!r}\n")

    def _serve(self) -> None:
        inherited = self._socket.fileno()
        command = ["gunicorn", "bugsink.wsgi", "--bind", f"fd://{inherited}", "--threads", "6", "--no-control-socket"]
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                [self._programs / command[0], *command[1:]],
                cwd=self._folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[inherited],
            )
        self._wait_until_ready(self._server)

    def _wait_until_ready(self, server: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + START_SECONDS
        while server.poll() is None and time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{self._url}/health/ready", timeout=START_SECONDS):
                    return
            except urllib.error.URLError:
                time.sleep(0.1)
        raise RuntimeError(f"Bugsink did not come up; its log ends:\n{self.log_tail()}")

    def _environment(self) -> dict[str, str]:
        ours = {"PYTHONPATH": str(self._folder), "DJANGO_SETTINGS_MODULE": "bugsink_conf"}
        return {**os.environ, **ours, "PYTHONDONTWRITEBYTECODE": "1"}

    def _run(self, program: str, *arguments: str, input: str = "") -> str:
        done = subprocess.run(
            [self._programs / program, *arguments],
            cwd=self._folder,
            env=self._environment(),
            input=input,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{program} {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _rows(self, query: str, *values: str) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(f"file:{self._folder}/db.sqlite3?mode=ro", uri=True, timeout=5)) as database:
            database.row_factory = sqlite3.Row
            return database.execute(query, values).fetchall()
