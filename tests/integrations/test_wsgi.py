"""What is particular to WSGI: answers in steps, files, `start_response` called late or twice, clients that go."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest
from werkzeug.serving import make_server

from asyncsentry import hooks
from asyncsentry.client import Client
from asyncsentry.errors import OptionError
from asyncsentry.integrations.wsgi import SentryMiddleware
from asyncsentry.scope import Scope
from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from integrations.programs.shop import Broken
from integrations.serving import mechanism, outline

Environ = dict[str, Any]
# Any: what an application may do wrong, it does here.
Start = Any

HANDLED, UNHANDLED = ("wsgi", True), ("wsgi", False)
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def client(open_client: OpenClient) -> Client[Any]:
    return open_client(send_default_pii=True)


class Served:
    """What a server has of one request."""

    def __init__(self, application: Any, client: Client[Any] | None, environ: Mapping[str, Any] | None = None) -> None:
        self.environ: Environ = {**(environ or {})}
        setup_testing_defaults(self.environ)
        self.status = ""
        self.headers: dict[str, str] = {}
        self.written: list[bytes] = []
        self.result: Any = None
        self._application = application if client is None else SentryMiddleware(application, client=client)

    def call(self) -> Any:
        self.result = self._application(self.environ, self.start)
        return self.result

    def serve(self) -> bytes:
        """All of the answer."""
        self.call()
        try:
            return b"".join([*self.written, *self.result])
        finally:
            if hasattr(self.result, "close"):
                self.result.close()

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        self.status, self.headers = status, dict(headers)
        return self.written.append

    @property
    def event_id(self) -> str | None:
        return self.headers.get("X-Sentry-ID")


def outlines(sentry: LocalSentry) -> list[tuple[str, Any]]:
    return [(outline(event), mechanism(event)) for event in sentry.events]


# -- by the letter of the standard


def echo(environ: Environ, start: Start) -> Iterator[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    yield environ["wsgi.input"].read(3)
    yield environ["wsgi.input"].readline(100)
    yield from environ["wsgi.input"].readlines()


def test_the_middleware_keeps_to_the_standard_on_both_of_its_sides(client: Client[Any], sentry: LocalSentry) -> None:
    application = validator(SentryMiddleware(validator(echo), client=client))
    given = {"wsgi.input": io.BytesIO(b"one\ntwo\nthree"), "QUERY_STRING": ""}
    assert Served(application, None, given).serve() == b"one\ntwo\nthree"
    assert not sentry.events


def test_without_a_dsn_nothing_stands_between_server_and_application() -> None:
    seen: list[Any] = []

    def application(environ: Environ, start: Start) -> Any:
        seen.extend((environ["wsgi.input"], start))
        return seen

    served = Served(application, Client(""))
    given = served.environ["wsgi.input"]
    assert served.call() is seen
    assert seen == [given, served.start]


def test_a_mistake_is_an_error_at_set_up(client: Client[Any]) -> None:
    with pytest.raises(OptionError):
        SentryMiddleware(echo, client=client, failed_request_status_codes="500")  # type: ignore[arg-type]


# -- answers that are whole, and files


def test_an_answer_that_is_whole_is_handed_on_as_it_is(client: Client[Any]) -> None:
    for answer in ([b"one"], (b"one", b"two")):
        served = Served(lambda _environ, _start, answer=answer: answer, client)
        assert served.call() is answer


class ServersFile(FileWrapper):
    """A server's own, which it knows again."""


@pytest.mark.parametrize("wrap", [ServersFile, lambda *args: ServersFile(*args)], ids=["a class", "a function"])
def test_a_file_that_the_server_sends_itself_is_handed_on_as_it_is(client: Client[Any], wrap: Any) -> None:
    def application(environ: Environ, start: Start) -> Any:
        start("200 OK", [])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"a file"), 4)

    served = Served(application, client, {"wsgi.file_wrapper": wrap})
    assert type(served.call()) is ServersFile
    assert served.serve() == b"a file"


def test_other_answers_are_not_taken_for_files(client: Client[Any]) -> None:
    def application(environ: Environ, start: Start) -> Any:
        environ["wsgi.file_wrapper"](io.BytesIO())
        start("200 OK", [])
        return iter([b"no file"])

    assert Served(application, client, {"wsgi.file_wrapper": lambda file: file}).serve() == b"no file"


# -- errors


def failing_call(_environ: Environ, _start: Start) -> Any:
    raise Broken("call")


def failing_stream(_environ: Environ, start: Start) -> Iterator[bytes]:
    start("200 OK", [])
    yield b"begun"
    raise Broken("stream")


class Answer:
    """An answer whose parts may fail."""

    def __init__(self, *, begins: bool = True, ends: bool = True) -> None:
        self.begins = begins
        self.ends = ends
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        if not self.begins:
            raise Broken("begin")
        return iter([b"all"])

    def close(self) -> None:
        self.closed += 1
        if not self.ends:
            raise Broken("close")


def failing_beginning(_environ: Environ, _start: Start) -> Any:
    return Answer(begins=False)


def failing_close(_environ: Environ, _start: Start) -> Any:
    return Answer(ends=False)


@pytest.mark.parametrize(
    ("application", "place"),
    [(failing_call, "call"), (failing_stream, "stream"), (failing_beginning, "begin"), (failing_close, "close")],
)
def test_an_error_is_reported_wherever_it_comes_from_and_goes_on(
    client: Client[Any], sentry: LocalSentry, application: Any, place: str
) -> None:
    with pytest.raises(Broken, match=place) as caught:
        Served(application, client).serve()
    assert caught.value.__context__ is None
    assert outlines(sentry) == [(f"Broken: {place}", UNHANDLED)]
    assert client.scopes.isolation().describe is None


def test_an_error_of_several_layers_is_one_event(client: Client[Any], sentry: LocalSentry) -> None:
    with pytest.raises(Broken):
        Served(SentryMiddleware(failing_stream, client=client), client).serve()
    assert len(sentry.events) == 1


def test_what_ends_an_answer_is_no_error(client: Client[Any], sentry: LocalSentry) -> None:
    ended = []

    def application(_environ: Environ, _start: Start) -> Iterator[bytes]:
        try:
            yield b"first"
            yield b"second"
        except GeneratorExit:
            ended.append(True)
            raise

    served = Served(application, client)
    assert next(iter(served.call())) == b"first"
    served.result.close()
    assert ended == [True]
    assert Served(application, client).serve() == b"firstsecond"

    def leave(_environ: Environ, _start: Start) -> Any:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        Served(leave, client).serve()
    assert not sentry.events
    assert client.scopes.isolation().describe is None


def test_an_answer_may_be_closed_by_nobody_or_have_nothing_to_close(client: Client[Any]) -> None:
    answer = Answer()
    served = Served(lambda _environ, _start: answer, client)
    assert list(served.call()) == [b"all"]
    served.result.close()
    served.result.close()
    assert answer.closed == 2
    served = Served(lambda _environ, _start: iter([b"x"]), client)
    assert served.serve() == b"x"


# -- start_response


def answering(status: str, *, tell: bool = True) -> Callable[[Environ, Start], Any]:
    """An application that answers its error itself, and tells the server of it or does not."""

    def application(_environ: Environ, start: Start) -> Any:
        try:
            raise Broken("answered")
        except Broken:
            if tell:
                start(status, [], sys.exc_info())
            else:
                start(status, [])
        return [b""]

    return application


@pytest.mark.parametrize("tell", [True, False])
def test_an_error_that_is_answered_is_reported_if_the_status_says_so(
    client: Client[Any], sentry: LocalSentry, tell: bool
) -> None:
    for status in ("404 Not Found", "nonsense", "\N{ARABIC-INDIC DIGIT FIVE}00 No number", ""):
        served = Served(answering(status, tell=tell), client)
        served.serve()
        assert (served.event_id, len(sentry.events)) == (None, 0)
    served = Served(answering("500 Internal Server Error", tell=tell), client)
    served.serve()
    assert outlines(sentry) == [("Broken: answered", HANDLED)]
    assert served.event_id == sentry.events[0]["event_id"]


def test_which_statuses_are_failures_is_for_the_application_to_say(client: Client[Any], sentry: LocalSentry) -> None:
    for status in ("404 Not Found", "500 Internal Server Error"):
        served = Served(None, None)
        wrapped = SentryMiddleware(answering(status), client=client, failed_request_status_codes={404})
        wrapped(served.environ, served.start)
    assert len(sentry.events) == 1


def test_an_error_that_the_server_was_handling_before_is_not_the_applications(
    client: Client[Any], sentry: LocalSentry
) -> None:
    def application(_environ: Environ, start: Start) -> Any:
        start("500 Internal Server Error", [])
        return [b""]

    try:
        raise Broken("before")
    except Broken:
        Served(application, client).serve()
    assert not sentry.events


def test_an_answer_may_begin_after_the_call(client: Client[Any], sentry: LocalSentry) -> None:
    def application(_environ: Environ, start: Start) -> Iterator[bytes]:
        client.capture_message("captured")
        start("200 OK", [("A", "b")])(b"written")
        yield b" and streamed"

    served = Served(application, client)
    assert served.serve() == b" and streamed"
    assert served.written == [b"written"]
    assert served.headers == {"A": "b", "X-Sentry-ID": sentry.events[0]["event_id"]}


# -- the client


class Gone:
    """A connection that breaks."""

    def read(self, *_: int) -> bytes:
        raise ConnectionResetError

    def readline(self, *_: int) -> bytes:
        raise OSError("not all came")

    __call__ = read

    def __iter__(self) -> Iterator[bytes]:
        yield b"one"
        raise BrokenPipeError


@pytest.mark.parametrize("use", [lambda file: file.read(1), lambda file: file.readline(), lambda file: list(file)])
def test_a_client_that_goes_while_its_body_is_read_is_no_error(
    client: Client[Any], sentry: LocalSentry, use: Callable[[Any], Any]
) -> None:
    def application(environ: Environ, _start: Start) -> Any:
        return [use(environ["wsgi.input"])]

    with pytest.raises(OSError):  # noqa: PT011  # each way has its own
        Served(application, client, {"wsgi.input": Gone()}).serve()
    assert not sentry.events


def test_a_client_that_goes_while_it_is_written_to_is_no_error(client: Client[Any], sentry: LocalSentry) -> None:
    def application(_environ: Environ, start: Start) -> Any:
        start("200 OK", [])(b"x")

    with pytest.raises(ConnectionResetError):
        SentryMiddleware(application, client=client)(Served(None, None).environ, lambda *_: Gone())
    assert not sentry.events


def test_what_else_fails_beside_the_client_is_an_error(client: Client[Any], sentry: LocalSentry) -> None:
    def application(_environ: Environ, _start: Start) -> Any:
        raise ConnectionRefusedError("the database")

    with pytest.raises(ConnectionRefusedError):
        Served(application, client).serve()
    assert outlines(sentry) == [("ConnectionRefusedError: the database", UNHANDLED)]


# -- the request


class Buffered(io.BufferedReader):
    """A body with all methods that a file of bytes has."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))


def into(file: Any, size: int) -> bytes:
    room = bytearray(size)
    return bytes(room[: file.readinto(room)])


READ: Mapping[str, tuple[Callable[[Any], bytes], bytes]] = {
    "read": (lambda file: file.read(), b"a=1\nb=2"),
    "some": (lambda file: file.read(3), b"a=1"),
    "line": (lambda file: file.readline(), b"a=1\n"),
    "lines": (lambda file: b"".join(file.readlines()), b"a=1\nb=2"),
    "each": (lambda file: b"".join(file), b"a=1\nb=2"),
    "once": (lambda file: file.read1(2), b"a="),
    "into": (lambda file: into(file, 100), b"a=1\nb=2"),
    "some into": (lambda file: into(file, 2), b"a="),
    "nothing": (lambda file: b"" if file.readable() and not hasattr(file, "no_such") else b"?", b""),
}


@pytest.mark.parametrize("way", READ)
def test_as_much_of_a_body_is_shown_as_the_application_has_read(
    client: Client[Any], sentry: LocalSentry, way: str
) -> None:
    read, expected = READ[way]

    def application(environ: Environ, _start: Start) -> Any:
        assert read(environ["wsgi.input"]) == expected
        raise Broken("read")

    body = b"a=1\nb=2"
    given = {"CONTENT_TYPE": FORM, "CONTENT_LENGTH": str(len(body)), "REQUEST_METHOD": "POST"}
    with pytest.raises(Broken):
        Served(application, client, {**given, "wsgi.input": Buffered(body)}).serve()
    request = sentry.events[0]["request"]
    assert request.get("data") == ({"a": expected[2:].decode()} if expected else None)
    assert request["body_size"] == len(body)


def test_a_body_beyond_the_limit_is_read_as_ever_and_not_kept(client: Client[Any], sentry: LocalSentry) -> None:
    body = b"a=" + b"x" * 20_000

    def application(environ: Environ, _start: Start) -> Any:
        file = environ["wsgi.input"]
        assert into(file, 15_000) + file.read() == body
        raise Broken("read")

    with pytest.raises(Broken):
        Served(application, client, {"CONTENT_TYPE": FORM, "wsgi.input": Buffered(body)}).serve()
    event = sentry.events[0]
    assert event["request"]["data"] is None
    assert event["_meta"]["request"]["data"] == {"": {"rem": [["!config", "x"]]}}


def test_the_request_is_what_the_server_says_it_is(client: Client[Any], sentry: LocalSentry) -> None:
    given = {
        "REQUEST_METHOD": "PUT",
        "SCRIPT_NAME": "/shop",
        "PATH_INFO": "/gr\xc3\xb6\xc3\x9fe",
        "QUERY_STRING": "a=1&token=x",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "",
        "HTTP_HOST": "shop.example",
        "HTTP_X_THING": "\xff",
        "HTTP_COOKIE": "a=b",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "REMOTE_ADDR": "192.0.2.1",
        "REMOTE_USER": "ada",
    }
    with pytest.raises(Broken):
        Served(failing_call, client, given).serve()
    event = sentry.events[0]
    assert event["request"] == {
        "method": "PUT",
        "url": "http://shop.example/shop/größe",
        "query_string": "a=1&token=[Filtered]",
        "headers": {"Content-Type": "text/plain", "Host": "shop.example", "X-Thing": "\xff"},
        "cookies": {"a": "b"},
        "env": {"SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8080", "REMOTE_ADDR": "192.0.2.1"},
    }
    assert (event["transaction"], event["transaction_info"]) == ("/shop/größe", {"source": "url"})
    assert event["user"] == {"username": "ada"}


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"HTTP_HOST": "", "SERVER_NAME": "h", "SERVER_PORT": "8080"}, "http://h:8080/"),
        ({"HTTP_HOST": "", "SERVER_NAME": "h", "SERVER_PORT": "80"}, "http://h/"),
        ({"HTTP_HOST": "", "SERVER_NAME": "h", "SERVER_PORT": 443, "wsgi.url_scheme": "https"}, "https://h/"),
        ({"HTTP_HOST": "h:1", "PATH_INFO": "/\ud800\u20ac"}, "http://h:1/??"),
    ],
)
def test_a_url_is_put_together_as_the_standard_says(
    client: Client[Any], sentry: LocalSentry, given: Mapping[str, Any], url: str
) -> None:
    with pytest.raises(Broken):
        Served(failing_call, client, given).serve()
    assert sentry.events[0]["request"]["url"] == url


def test_a_server_that_gives_no_body_is_borne_with(client: Client[Any], sentry: LocalSentry) -> None:
    with pytest.raises(Broken):
        SentryMiddleware(failing_call, client=client)({}, Served(None, None).start)
    assert sentry.events[0]["request"] == {"url": "http://localhost/", "headers": {}}


# -- scopes


def streaming(client: Client[Any], name: str) -> Callable[[Environ, Start], Iterable[bytes]]:
    def application(_environ: Environ, _start: Start) -> Iterator[bytes]:
        client.set_tag("name", name)
        with client.new_scope() as scope:
            scope.set_tag(name, 1)
            yield b"first"
            client.capture_message(name)
        yield b"second"
        client.capture_message(f"end of {name}")

    return application


def test_answers_that_are_streamed_in_turns_know_nothing_of_each_other(
    client: Client[Any], sentry: LocalSentry
) -> None:
    answers = [iter(Served(streaming(client, name), client).call()) for name in "ab"]
    for _ in range(2):
        for answer in answers:
            next(answer)
            client.capture_message("between")
    for answer in answers:
        assert list(answer) == []
        answer.close()
    tags = {outline(event): event.get("tags") for event in sentry.events}
    assert tags == {
        "between": None,
        "a": {"name": "a", "a": "1"},
        "b": {"name": "b", "b": "1"},
        "end of a": {"name": "a"},
        "end of b": {"name": "b"},
    }
    assert [event.get("transaction") for event in sentry.events if outline(event) == "between"] == [None] * 4


def test_what_outlives_its_request_has_a_copy_of_what_was_known(client: Client[Any]) -> None:
    scopes: list[Scope] = []

    def application(_environ: Environ, _start: Start) -> Iterator[bytes]:
        client.set_tag("a", 1)
        scopes.extend((client.get_isolation_scope(), client.get_current_scope()))
        yield b""

    Served(application, client).serve()
    assert [scope.ended for scope in scopes] == [True, True]


def test_what_werkzeug_s_server_logs_of_an_error_is_not_reported_beside_it(
    client: Client[Any], sentry: LocalSentry, caplog: pytest.LogCaptureFixture
) -> None:
    uninstall = hooks.install(client)
    server = make_server("127.0.0.1", 0, SentryMiddleware(failing_call, client=client))
    try:
        with ThreadPoolExecutor() as pool:
            served = pool.submit(server.handle_request)
            with pytest.raises(HTTPError, match="500"):
                urlopen(f"http://127.0.0.1:{server.port}/", timeout=10)
            served.result(10)
    finally:
        server.server_close()
        uninstall()
    assert "Error on request" in caplog.text
    assert [mechanism(event) for event in sentry.events] == [UNHANDLED]
