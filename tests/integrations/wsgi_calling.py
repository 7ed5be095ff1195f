"""Calling a WSGI application in process, as a server does."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from wsgiref.util import setup_testing_defaults


@dataclass(frozen=True, slots=True)
class Page:
    """What a server was answered."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def event_id(self) -> str | None:
        """The event that the answer names."""
        return self.headers.get("X-Sentry-ID")


def get(app: Any, path: str, *, method: str = "GET", body: bytes = b"", **environ: Any) -> Page:
    """Ask an application for a page; what it raises is raised."""
    given = {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO(body)}
    asked = {**given, "CONTENT_LENGTH": str(len(body)), **environ}
    setup_testing_defaults(asked)
    asked["wsgi.errors"] = io.StringIO()
    begun: list[tuple[str, dict[str, str]]] = []

    def start(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], None]:
        begun.append((status, dict(headers)))
        return lambda _chunk: None

    chunks = app(asked, start)
    try:
        text = b"".join(chunks).decode()
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    status, headers = begun[-1]
    return Page(int(status[:3]), headers, text)
