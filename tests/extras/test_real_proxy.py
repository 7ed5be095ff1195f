"""Through a forward proxy that others wrote, a process of its own, as users have it sent through one.

What a real one cannot be made to do is in `tests/transports/forward_proxy.py`.
"""

from __future__ import annotations

import gc
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest
import trustme

from asyncsentry.client import Client
from asyncsentry.testing import LocalSentry
from transports.style import PATIENCE, Style
from transports.styles import STYLES

USER: Final = "me:s3cret"


@dataclass
class RealProxy:
    """A running proxy."""

    address: str
    """With the user, if it wants to know one."""
    log: Path
    since: int = 0
    """How much of the log is older than the test, whose server may have a port that another one had before."""

    def now(self) -> RealProxy:
        return replace(self, since=len(self.log.read_text(encoding="utf-8")))

    def requests_for(self, server: LocalSentry) -> list[str]:
        """The methods with which the server was asked for. Each stands in the log when its connection is closed."""
        host = re.escape(server.url.split("/")[2])
        return re.findall(rf" - (\w+) (?:http://)?{host}", self.log.read_text(encoding="utf-8")[self.since :])


@contextmanager
def running(folder: Path, user: str = "") -> Iterator[RealProxy]:
    port_file, log = folder / "port", folder / "log"
    processes = ("--num-workers", "1", "--num-acceptors", "1")
    files = ("--port-file", str(port_file), "--log-file", str(log), "--data-dir", str(folder))
    command = [sys.executable, "-m", "proxy", "--hostname", "127.0.0.1", "--port", "0", *processes, *files]
    # A process group, so that none of its own processes can be left behind.
    with subprocess.Popen(
        [*command, *(("--basic-auth", user) if user else ())],
        env={name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            wait_until(lambda: port_file.is_file() and port_file.read_text(encoding="ascii").strip())
            port = int(port_file.read_text(encoding="ascii"))
            yield RealProxy(f"http://{user}{'@' if user else ''}127.0.0.1:{port}", log)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(PATIENCE)
            finally:
                kill_group(process.pid)


def kill_group(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def wait_until(condition: Callable[[], object]) -> None:
    patience = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < patience, "it did not come about"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def running_open_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProxy]:
    with running(tmp_path_factory.mktemp("open")) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def running_private_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealProxy]:
    with running(tmp_path_factory.mktemp("private"), USER) as proxy:
        yield proxy


@pytest.fixture
def open_proxy(running_open_proxy: RealProxy) -> RealProxy:
    return running_open_proxy.now()


@pytest.fixture
def private_proxy(running_private_proxy: RealProxy) -> RealProxy:
    return running_private_proxy.now()


@pytest.fixture(params=[style for style in STYLES if style.knows_proxies], ids=lambda style: style.name)
def style(request: pytest.FixtureRequest) -> Iterator[Style]:
    assert isinstance(request.param, Style)
    yield request.param
    gc.collect()  # so that nothing complains in another test


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(params=["http", "https"])
def server(request: pytest.FixtureRequest, authority: trustme.CA) -> Iterator[LocalSentry]:
    context = None
    if request.param == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
    with LocalSentry(ssl_context=context) as server:
        yield server


@pytest.fixture
def ca_certs(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(autouse=True)
def no_proxy_but_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def capture(style: Style, server: LocalSentry, ca_certs: str, **options: Any) -> None:
    """Capture twice, as a program in this style does, and close."""
    if server.url.startswith("https:"):
        options["ca_certs"] = ca_certs
    client: Client[Any] = Client(server.dsn, transport=style.make, **options)
    with style.habitat() as habitat:
        for count in (1, 2):
            habitat.call(lambda count=count: client.capture_message(f"number {count}"))  # type: ignore[misc]
            server.wait_for_events(count, PATIENCE)
        habitat.outcome(lambda: client.wait(PATIENCE))
        habitat.call(lambda: client.close(0.0))
    assert [event["logentry"]["formatted"] for event in server.events] == ["number 1", "number 2"]
    assert client.losses == {}


def methods(server: LocalSentry) -> set[str]:
    return {"CONNECT" if server.url.startswith("https:") else "POST"}


def test_the_environment_names_the_proxy(
    style: Style, server: LocalSentry, ca_certs: str, open_proxy: RealProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", open_proxy.address)
    monkeypatch.setenv("HTTPS_PROXY", open_proxy.address)
    capture(style, server, ca_certs)
    wait_until(lambda: set(open_proxy.requests_for(server)) == methods(server))


def test_an_option_names_the_proxy_which_is_told_who_we_are(
    style: Style, server: LocalSentry, ca_certs: str, private_proxy: RealProxy
) -> None:
    capture(style, server, ca_certs, http_proxy=private_proxy.address, https_proxy=private_proxy.address)
    wait_until(lambda: set(private_proxy.requests_for(server)) == methods(server))
    # Of plain requests, this proxy passes all but the first of a connection on as they are, with what was meant for it.
    assert "proxy-authorization" not in server.requests[0].headers
    assert server.url.startswith("http:") or "proxy-authorization" not in server.requests[1].headers


def test_where_no_proxy_matches_there_is_none(
    style: Style, server: LocalSentry, ca_certs: str, open_proxy: RealProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", open_proxy.address)
    monkeypatch.setenv("HTTPS_PROXY", open_proxy.address)
    monkeypatch.setenv("NO_PROXY", "intranet.example,127.0.0.0/8")
    capture(style, server, ca_certs)
    assert open_proxy.requests_for(server) == []
    assert all("via" not in request.headers for request in server.requests)
