"""What is particular to sending with Tornado's clients."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from tornado.httpclient import AsyncHTTPClient
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from asyncsentry.errors import SetupError
from asyncsentry.testing import LocalSentry
from asyncsentry.transport.protocol import Response
from asyncsentry.transport.settings import Proxy, Settings
from asyncsentry_transports.tornado import TornadoTransport
from hooks.programs import run_program
from transports.forward_proxy import forward_proxy
from transports.places.loops import STYLES
from transports.style import PATIENCE, Style, event_request

PROXY = Proxy("127.0.0.1", 9)
SERVER = Path(__file__).parents[2] / "examples" / "tornado_server.py"


@pytest.fixture(params=["tornado", "tornado-curl"])
def style(request: pytest.FixtureRequest) -> Style:
    (style,) = [style for style in STYLES if style.name == request.param]
    return style


@pytest.fixture
def curl_style() -> Style:
    (style,) = [style for style in STYLES if style.name == "tornado-curl"]
    return style


# -- a whole server


@contextmanager
def serving(dsn: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The example's process, and where it serves."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    program = subprocess.Popen(
        [sys.executable, str(SERVER), str(port)],
        env={"SENTRY_DSN": dsn},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield program, f"http://127.0.0.1:{port}"
    finally:
        program.kill()
        program.communicate()


def ask(url: str) -> int:
    """The status; asked again until the server is there."""
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except urllib.error.URLError:
            signal.sigtimedwait([], 0.1)
    raise AssertionError("the server does not begin to serve")


def test_what_happens_in_a_server_is_reported_while_it_serves_and_when_it_stops(sentry: LocalSentry) -> None:
    with serving(sentry.dsn) as (program, url):
        assert ask(f"{url}/Ada") == 200
        (greeted,) = sentry.wait_for_events(1, PATIENCE)
        assert ask(f"{url}/nobody") == 500
        _, crash = sentry.wait_for_events(2, PATIENCE)
        sentry.wait_for(lambda: not sentry.open_connections, PATIENCE)
        # The answer is read over some turns of the loop, and meanwhile Tornado forgets a Ctrl-C.
        assert [ask(f"{url}/not/there") for _ in range(10)] == [404] * 10
        program.send_signal(signal.SIGINT)
        said, _ = program.communicate(timeout=PATIENCE)
    assert program.returncode == 0, said
    assert greeted["logentry"]["formatted"] == "greeted Ada"
    (error,) = crash["exception"]["values"]
    assert (error["type"], error["value"]) == ("LookupError", "there is nobody to greet")
    assert error["mechanism"] == {"type": "tornado", "handled": False}
    _, _, stopped = sentry.events
    assert stopped["logentry"]["formatted"] == "stopped"


# -- the application's own clients


class Counted(SimpleAsyncHTTPClient):
    made = 0

    def __new__(cls, *arguments: object, **options: object) -> Counted:
        cls.made += 1
        made = super().__new__(cls, *arguments, **options)  # type: ignore[arg-type]  # Tornado's own are as untyped
        assert isinstance(made, Counted)
        return made


def test_how_the_application_has_configured_its_client_is_neither_used_nor_changed(
    style: Style, sentry: LocalSentry
) -> None:
    Counted.made = 0
    AsyncHTTPClient.configure(Counted, max_clients=7, defaults={"user_agent": "the application"})

    async def scenario() -> None:
        own = AsyncHTTPClient()
        async with style.transport(Settings(sentry.url)) as transport:
            (outcome,) = await style.deliver(transport, event_request(sentry))
            assert isinstance(outcome, Response)
        assert AsyncHTTPClient() is own
        assert isinstance(own, Counted)
        assert own.max_clients == 7
        await own.fetch(sentry.url, raise_error=False)
        own.close()

    try:
        style.run(scenario)
    finally:
        AsyncHTTPClient.configure(None)
    ours, theirs = sentry.requests
    assert "user-agent" not in ours.headers
    assert theirs.headers["user-agent"] == "the application"


# -- with and without pycurl


@pytest.mark.parametrize("proxy", [PROXY, None], ids=["through-a-proxy", "as-told"])
def test_libcurl_cannot_use_an_ssl_context_which_is_a_mistake(proxy: Proxy | None) -> None:
    settings = Settings("https://127.0.0.1:9/", proxy=proxy, ssl_context=ssl.create_default_context())
    with pytest.raises(SetupError, match="ssl_context"):
        TornadoTransport(settings, curl=proxy is None)


def test_without_pycurl_all_is_well_but_a_proxy_is_a_mistake_that_names_the_package(
    sentry: LocalSentry, tmp_path: Path
) -> None:
    dsn = sentry.dsn_for("tornado")
    program = f"""
import asyncio, sys
sys.modules["pycurl"] = None  # as where it is not installed
import asyncsentry

async def main():
    asyncsentry.capture_message("simply sent")

try:
    asyncsentry.init({dsn!r}, http_proxy="http://127.0.0.1:9")
except asyncsentry.SetupError as error:
    print(error)
asyncsentry.init({dsn!r})
asyncio.run(main())
"""
    done = run_program(program, folder=tmp_path, dsn=dsn, flags=("-W", "error"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("through a proxy Tornado sends with libcurl")
    assert done.stdout.endswith(": pip install pycurl\n")
    (event,) = sentry.events
    assert event["logentry"]["formatted"] == "simply sent"


# -- what libcurl would do by itself


@pytest.mark.parametrize("through_a_proxy", [False, True])
def test_libcurl_does_not_obey_the_environment(
    curl_style: Style, sentry: LocalSentry, monkeypatch: pytest.MonkeyPatch, through_a_proxy: bool
) -> None:
    monkeypatch.setenv("NO_PROXY" if through_a_proxy else "http_proxy", "*" if through_a_proxy else "127.0.0.1:9")

    async def scenario() -> None:
        settings = Settings(sentry.url, proxy=proxy.settings if through_a_proxy else None)
        async with curl_style.transport(settings) as transport:
            (outcome,) = await curl_style.deliver(transport, event_request(sentry))
            assert isinstance(outcome, Response)

    with forward_proxy() as proxy:
        curl_style.run(scenario)
        assert len(proxy.asked) == through_a_proxy


def test_libcurl_trusts_a_folder_of_authorities(curl_style: Style, tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    name = subprocess.run(
        ["openssl", "x509", "-hash", "-noout", "-in", str(tmp_path / "ca.pem")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (tmp_path / f"{name}.0").symlink_to("ca.pem")

    async def scenario() -> None:
        async with curl_style.transport(Settings(sentry.url, ca_certs=str(tmp_path))) as transport:
            (outcome,) = await curl_style.deliver(transport, event_request(sentry))
            assert isinstance(outcome, Response)

    with LocalSentry(ssl_context=context) as sentry:
        curl_style.run(scenario)
    assert len(sentry.events) == 1


def test_libcurl_trusts_the_platforms_authorities(
    curl_style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that Python itself trusts, wherever libcurl was built."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    async def scenario() -> None:
        async with curl_style.transport(Settings(sentry.url)) as transport:
            (outcome,) = await curl_style.deliver(transport, event_request(sentry))
            assert isinstance(outcome, Response)

    with LocalSentry(ssl_context=context) as sentry:
        curl_style.run(scenario)


# -- the simple client's tasks


def test_cancelling_every_task_again_and_again_hangs_no_request(style: Style, sentry: LocalSentry) -> None:
    async def scenario() -> None:
        async with style.transport(Settings(sentry.url)) as transport:
            deliveries = asyncio.ensure_future(style.deliver(transport, *[event_request(sentry)] * 5))
            while not deliveries.done():
                for task in asyncio.all_tasks() - {asyncio.current_task(), deliveries}:
                    task.cancel()
                await asyncio.sleep(0)
            assert all(isinstance(outcome, Response) for outcome in deliveries.result())

    style.run(scenario)
    assert len(sentry.requests) == 5
