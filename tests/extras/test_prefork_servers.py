"""Servers whose workers are forks: what they capture arrives once, and none hangs, wherever the program begins."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from asyncsentry.testing import Answer, LocalSentry
from delivery.programs import messages
from extras.serving import PATIENCE, serving, status_of

BEGINNING = """
import asyncsentry

asyncsentry.init()
asyncsentry.capture_message("loaded")
"""

WSGI = (
    BEGINNING
    + """
def application(environ, start_response):
    asyncsentry.capture_message(environ["PATH_INFO"])
    if environ["PATH_INFO"] == "/crash":
        raise ZeroDivisionError
    start_response("200 OK", [])
    return [b"hello"]
"""
)

ASGI = (
    BEGINNING
    + """
async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    asyncsentry.capture_message(scope["path"])
    if scope["path"] == "/crash":
        raise ZeroDivisionError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})
"""
)

BY_SIGTERM = WSGI.replace("init()", "init(flush_on_sigterm=True)")

BY_LIFESPAN = ASGI.replace(
    """        return
""",
    """        assert (await receive())["type"] == "lifespan.startup"
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        await asyncsentry.flush_async()
        await send({"type": "lifespan.shutdown.complete"})
        return
""",
)
"""After its lifespan a worker of uvicorn's ends by the signal, whatever is under way."""

WORKERS = {
    "sync": ([], WSGI, "Error handling request GET /crash"),
    "gthread": (["--threads", "2"], BY_SIGTERM, "Error handling request GET /crash"),
    "uvicorn_worker.UvicornWorker": ([], BY_LIFESPAN, "Exception in ASGI application\n"),
}
"""What each kind of worker is told, the application that it runs, and what it logs of a crash."""


def environment(sentry: LocalSentry, folder: Path) -> dict[str, str]:
    return {**os.environ, "SENTRY_DSN": sentry.dsn, "SENTRY_RELEASE": "shop@1", "HOME": str(folder)}


@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["loaded-by-each-worker", "loaded-by-the-master"])
@pytest.mark.parametrize("worker", WORKERS)
def test_all_workers_of_gunicorn_deliver(tmp_path: Path, sentry: LocalSentry, worker: str, preload: list[str]) -> None:
    arguments, application, logged = WORKERS[worker]
    (tmp_path / "shop.py").write_text(application, encoding="utf-8")
    command = [sys.executable, "-m", "gunicorn", "--worker-class", worker, "--workers", "2", *arguments, *preload]
    command += ["--bind", "127.0.0.1:0", "--graceful-timeout", "5", "shop:application"]  # a worker that begins is deaf
    with serving(command, environment=environment(sentry, tmp_path), folder=tmp_path, says=r"Listening at: (\S+)") as (
        url,
        _,
    ):
        assert status_of(f"{url}/crash") == 500
        sentry.wait_for(lambda: messages(sentry)[logged], PATIENCE)
        sentry.wait_for(lambda: messages(sentry)["loaded"] == (1 if preload else 2), PATIENCE)
        sentry.always(Answer(delay=0.2))
        for number in range(3):
            assert status_of(f"{url}/{number}") == 200
    assert messages(sentry) == {"loaded": 1 if preload else 2, "/crash": 1, logged: 1, "/0": 1, "/1": 1, "/2": 1}


UVICORN = """
import uvicorn
from shop import application, asyncsentry
asyncsentry.init(flush_on_sigterm=True, shutdown_timeout=20)
uvicorn.run(application, port=0)
"""


def test_uvicorn_tells_itself_to_end_and_delivers_first(tmp_path: Path, sentry: LocalSentry) -> None:
    (tmp_path / "shop.py").write_text(ASGI, encoding="utf-8")
    (tmp_path / "serve.py").write_text(UVICORN, encoding="utf-8")
    command = [sys.executable, "serve.py"]
    with serving(command, environment=environment(sentry, tmp_path), folder=tmp_path, says=r"running on (\S+)") as (
        url,
        _,
    ):
        sentry.wait_for(lambda: messages(sentry)["loaded"], PATIENCE)
        sentry.always(Answer(delay=0.3))
        for number in range(9):  # more than are under way at once
            assert status_of(f"{url}/{number}") == 200
    assert set(messages(sentry)) == {"loaded", *(f"/{number}" for number in range(9))}
