"""What a server takes, and what it refuses, when a request has been read: project, key, envelope."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from asyncsentry.testing.authentication import public_key
from asyncsentry.testing.envelopes import Envelope, parse
from asyncsentry.testing.http1 import Head
from asyncsentry.testing.refusals import Refusal

_PATH: Final = re.compile(r"/api/([^/]+)/envelope/")


@dataclass(frozen=True, slots=True)
class Ingest:
    """The door of one project, as Relay keeps it."""

    project: str
    public_key: str

    def envelope(self, head: Head, body: bytes) -> Envelope:
        """The envelope in this request, or a `Refusal`. ``body`` is decompressed."""
        self._check_path(head)
        key = public_key(head)
        if key is not None:
            self._check_key(key)
        envelope = parse(body)
        self._check_dsn(envelope.headers.get("dsn"), authenticated=key is not None)
        return envelope

    def _check_path(self, head: Head) -> None:
        found = _PATH.fullmatch(head.path)
        if not found:
            raise Refusal(404, "no such endpoint: an envelope's has a slash at its end")
        if head.method != "POST":
            raise Refusal(405, "only POST", {"Allow": "POST"})
        if found[1] != self.project:
            raise Refusal(403, f"project {found[1]!r} is not the one of this server")

    def _check_key(self, key: str) -> None:
        if len(key) != 32 or not key.isascii():
            raise Refusal(400, "bad sentry DSN public key")
        if key != self.public_key:
            raise Refusal(403, "the public key is not the one of this project")

    def _check_dsn(self, dsn: str | None, *, authenticated: bool) -> None:
        """The DSN in an envelope's header is how to authenticate if the request itself does not."""
        if dsn is None:
            if not authenticated:
                raise Refusal(401, "missing authorization information")
            return
        if _dsn_names(dsn) != (self.public_key, self.project):
            raise Refusal(400, "dsn header mismatch between envelope and request")


def _dsn_names(dsn: str) -> tuple[str | None, str]:
    """The key and the project that a DSN names."""
    try:
        parts = urlsplit(dsn)
    except ValueError as error:
        raise Refusal(400, f"invalid envelope header: dsn: {error}") from error
    return parts.username, parts.path.rpartition("/")[2]
