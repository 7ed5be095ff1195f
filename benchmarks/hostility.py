"""What each SDK does with what is hostile: raven and sentry-sdk beside asyncsentry.

Run by ``nox -s hostile``; ``-- --write`` puts the tables on the documentation's page. The programs are those of
tests/hostile, each a process of its own that sends to a real server. One that is not over within forty seconds hangs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from asyncsentry.testing import Answer, LocalSentry  # noqa: E402  # found only now
from bodies import decoded  # noqa: E402
from hostile.cases import CASES  # noqa: E402
from hostile.page import PAGE, SHOWN, tables  # noqa: E402
from hostile.playing import Server, outcome, play  # noqa: E402

SDKS: Final = ("raven", "sentry-sdk", "asyncsentry")
AT_ONCE: Final = 3


class Store:
    """A server for the requests that raven sends, which a server of today refuses: it takes them, or answers so."""

    def __init__(self, *replies: Any) -> None:
        store, self.events = self, list[dict[str, Any]]()
        self.client_reports: tuple[dict[str, Any], ...] = ()
        answers = list(replies)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = decoded(self.rfile.read(int(self.headers["Content-Length"])))
                answer = answers.pop(0) if answers else Answer()
                if 200 <= answer.status < 300:
                    store.events.append(json.loads(body))
                self.send_response(answer.status)
                content = answer.body or b"{}"
                for name, value in {"Content-Length": str(len(content)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """A program that is killed leaves its connection."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def store(name: str) -> Iterator[Store]:
    server = Store(*CASES[name].replies)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def local_sentry(name: str) -> Iterator[LocalSentry]:
    with LocalSentry() as sentry:
        sentry.answer(*CASES[name].replies)
        yield sentry


def serving(name: str, sdk: str) -> AbstractContextManager[Server]:
    return store(name) if sdk == "raven" else local_sentry(name)


def outcomes(name: str) -> Mapping[str, str]:
    """What came of one case with each SDK."""
    case, said = CASES[name], dict[str, str]()
    with TemporaryDirectory() as folder, local_sentry(name) as sentry:
        alone = play(name, "none", sentry, Path(folder))
    for sdk in SDKS:
        if sdk in case.without:
            said[sdk] = "has none"
            continue
        with TemporaryDirectory() as folder, serving(name, sdk) as server:
            said[sdk] = outcome(case, play(name, sdk, server, Path(folder)), alone)
    print(f"{name}: {', '.join(f'{sdk}: {said[sdk]}' for sdk in SDKS)}", flush=True)
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the tables on the documentation's page, too")
    parser.add_argument("cases", nargs="*", help="the names of some cases alone, to see what comes of them")
    arguments = parser.parse_args()
    names = arguments.cases or list(CASES)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = dict(zip(names, pool.map(outcomes, names), strict=True))
    wrong = [name for name in names if found[name]["asyncsentry"] != CASES[name].outcome]
    if wrong:
        sys.exit(f"asyncsentry does not do what its tests ask for: {', '.join(wrong)}")
    if arguments.write and not arguments.cases:
        columns = {f"{sdk} {version(sdk)}" if sdk != "asyncsentry" else sdk: sdk for sdk in SDKS}
        SHOWN.write(
            "".join(
                f"{line}\n"
                for line in tables(
                    {shown: {name: found[name][sdk] for name in names} for shown, sdk in columns.items()}
                )
            )
        )
        print(f"written to {PAGE}")


if __name__ == "__main__":
    main()
