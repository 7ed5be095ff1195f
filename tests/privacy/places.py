"""Places of an event where a secret may get into, each a function that captures with one there."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import quote_plus, urlencode

from asyncsentry import hooks
from asyncsentry.client import Client
from asyncsentry.integrations.wsgi import SentryMiddleware

Place: TypeAlias = Callable[[Client[Any], str, str], object]

PLACES: Final[dict[str, Place]] = {}
"""By what they are called."""


def place(function: Place) -> Place:
    PLACES[function.__name__] = function
    return function


class Failed(Exception):
    pass


def fail_with(client: Client[Any], **variables: object) -> None:  # they are what is captured
    try:
        raise Failed
    except Failed as error:
        client.capture_exception(error)


# Local variables


@place
def variable(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, **{name: value})


@place
def nested_variable(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, settings={"a": {"b": {name: value}}})


@place
def list_of_pairs(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, headers=[(name, value), ("accept", "*/*")])


@place
def pairs_of_bytes(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, headers=[(name.encode(), value.encode())])


@dataclass
class Shown:
    fields: Mapping[str, str]


@place
def dataclass_field(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, shown=Shown({name: value}))


@place
def representation(client: Client[Any], name: str, value: str) -> None:
    class Told:  # a new one each time: what took long once is not looked at again
        def __repr__(self) -> str:
            return f"<Told {name}={value!r}>"

    fail_with(client, told=Told())


@place
def json_text(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, body=json.dumps({"a": 1, name: value, "b": [1]}))


@place
def json_in_json(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, body=json.dumps({"body": json.dumps({name: value})}))


@place
def json_bytes(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, body=json.dumps({name: value}).encode())


@place
def query_string(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, query=f"page=2&{name}={value}&size=3")


@place
def url_with_query(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, url=f"http://shop.example/orders?{name}={value}#top")


@place
def assignment(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, line=f"{name} = {value!r}")


@place
def dictionary_text(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, text=str({name: value, "b": 1}))


@place
def header_text(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, head=f"GET / HTTP/1.1\r\nHost: shop\r\n{name}: {value}\r\nAccept: */*\r\n")


@place
def command_line(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, command=f"tool --{name} '{value}' --verbose")


@place
def arguments(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, argv=["tool", f"--{name}", value, "--verbose"])


@place
def argument(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, argv=["tool", f"--{name}={value}"])


@place
def environment(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, environ={name.upper(): value})


@place
def connection_string(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, dsn=f"Server=db;{name}={value};Encrypt=yes")


@place
def element(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, document=f"<order><{name}>{value}</{name}></order>")


@place
def item_assignment(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, line=f"config[{name!r}] = {value!r}")


@place
def statement(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, sql=f"UPDATE users SET `{name}` = N'{value}' WHERE id = 17")


@place
def element_with_attributes(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, document=f"<order><a:{name} kind='b'><![CDATA[{value}]]></a:{name}></order>")


@place
def input_of_a_form(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, page=f'<input type="hidden" name="{name}" id="x" value="{value}">')


@place
def json_in_a_query(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, url="http://shop.example/?" + urlencode({"filter": json.dumps({name: value}), "page": 2}))


@place
def entry_with_a_name(client: Client[Any], name: str, value: str) -> None:
    entry = {"name": name, "value": value}
    fail_with(client, environment=[entry], text=json.dumps(entry))


@place
def list_of_lists(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, headers=[[name, value], ["accept", "*/*"]])


@place
def mistyped(client: Client[Any], name: str, value: str) -> None:
    errors = [{"type": "too_short", "loc": ("body", name), "msg": "too short", "input": value}]
    fail_with(client, errors=errors, text=str(errors))


@place
def mistyped_text(client: Client[Any], name: str, value: str) -> None:
    told = f"1 error for User\n{name}\n  too short [type=too_short, input_value={value!r}, input_type=str]"
    client.capture_exception(Failed(told))


@place
def key_of_a_mapping(client: Client[Any], name: str, value: str) -> None:
    fail_with(client, sessions={f"{name}={value}": 1})


# What the program says


@place
def error_text(client: Client[Any], name: str, value: str) -> None:
    client.capture_exception(Failed(f"refused: {name}={value!r}"))


@place
def cause_text(client: Client[Any], name: str, value: str) -> None:
    error = Failed("refused")
    error.__cause__ = Failed(json.dumps({name: value}))
    client.capture_exception(error)


@place
def note_of_an_error(client: Client[Any], name: str, value: str) -> None:
    error = Failed("refused")
    vars(error)["__notes__"] = [f"{name}={value!r}"]
    client.capture_exception(error)


@place
def message(client: Client[Any], name: str, value: str) -> None:
    client.capture_message(f"refused: {name}={value!r}")


@place
def parameter_of_a_message(client: Client[Any], name: str, value: str) -> None:
    client.report_message("refused: %s", (f"{name}={value!r}",), level="error")


@place
def parameter_under_a_name(client: Client[Any], name: str, value: str) -> None:
    client.report_message(f"refused: {name}=%r", (value,), level="error")


@place
def parameter_with_a_name(client: Client[Any], name: str, value: str) -> None:
    client.report_message(f"refused: %({name})s", {name: value}, level="error")


@place
def line_that_is_no_python(client: Client[Any], name: str, value: str) -> None:
    client.capture_exception(SyntaxError("invalid", ("shop.py", 1, 1, f"config[{name!r}] = {value!r}\n")))


@place
def log_record(client: Client[Any], name: str, value: str) -> None:
    stop = hooks.install(client)
    try:
        logging.getLogger("shop").error("refused: %s", {name: value}, extra={name: value})
    finally:
        stop()


@place
def breadcrumb_text(client: Client[Any], name: str, value: str) -> None:
    client.add_breadcrumb(message=f"{name}={value!r}")
    client.capture_message("refused")


@place
def breadcrumb_data(client: Client[Any], name: str, value: str) -> None:
    client.add_breadcrumb(message="connect", data={name: value, "url": f"http://shop.example/?{name}={value}"})
    client.capture_message("refused")


# What is known of the work in hand


@place
def tag(client: Client[Any], name: str, value: str) -> None:
    client.set_tag(name, value)
    client.capture_message("refused")


@place
def extra(client: Client[Any], name: str, value: str) -> None:
    client.set_extra(name, value)
    client.capture_message("refused")


@place
def extra_text(client: Client[Any], name: str, value: str) -> None:
    client.set_extra("output", traceback.format_exception_only(Failed(f"{name}={value!r}")))
    client.capture_message("refused")


@place
def context(client: Client[Any], name: str, value: str) -> None:
    client.set_context("connection", {name: value, "inner": [{name: value}]})
    client.capture_message("refused")


@place
def user(client: Client[Any], name: str, value: str) -> None:
    client.set_user({"id": "1", name: value, "data": {name: value}})
    client.capture_message("refused")


@place
def transaction(client: Client[Any], name: str, value: str) -> None:
    client.set_transaction_name(f"/orders?{name}={value}")
    client.capture_message("refused")


@place
def event_somebody_made(client: Client[Any], name: str, value: str) -> None:
    frame = {"function": "f", "vars": {name: value}}
    client.capture_event(
        {
            "message": "refused",
            "request": {"headers": [[name, value]], "data": {name: value}, "query_string": f"{name}={value}"},
            "exception": {"values": [{"type": "E", "value": f"{name}={value!r}", "stacktrace": {"frames": [frame]}}]},
            "breadcrumbs": {"values": [{"data": {name: value}}]},
        }
    )


# Requests


def serve(client: Client[Any], **environ: Any) -> None:
    """A request to an application that reads it, and fails."""
    from io import BytesIO

    def application(environ: dict[str, Any], start_response: object) -> list[bytes]:
        environ["wsgi.input"].read()
        client.capture_exception(Failed())
        return []

    body = environ.pop("body", b"")
    asked = {
        "REQUEST_METHOD": "POST",
        "wsgi.url_scheme": "http",
        "SERVER_NAME": "shop.example",
        "SERVER_PORT": "80",
        "PATH_INFO": "/",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        **environ,
    }
    assert list(SentryMiddleware(application, client=client)(asked, lambda *_: bytes)) == []


@place
def request_query(client: Client[Any], name: str, value: str) -> None:
    serve(client, QUERY_STRING=urlencode({"page": "2", name: value}))


@place
def request_header(client: Client[Any], name: str, value: str) -> None:
    serve(client, **{"HTTP_" + name.upper().replace("-", "_"): value})


@place
def request_cookie(client: Client[Any], name: str, value: str) -> None:
    serve(client, HTTP_COOKIE=f"theme=dark; {name}={quote_plus(value)}")


@place
def request_referer(client: Client[Any], name: str, value: str) -> None:
    serve(client, HTTP_REFERER=f"http://shop.example/?{name}={value}")


@place
def request_json(client: Client[Any], name: str, value: str) -> None:
    serve(client, body=json.dumps({"a": [{name: value}]}).encode(), CONTENT_TYPE="application/json")


@place
def request_form(client: Client[Any], name: str, value: str) -> None:
    serve(client, body=urlencode({name: value}).encode(), CONTENT_TYPE="application/x-www-form-urlencoded")


@place
def request_parts(client: Client[Any], name: str, value: str) -> None:
    part = f'--border\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--border--\r\n'
    serve(client, body=part.encode(), CONTENT_TYPE="multipart/form-data; boundary=border")


@place
def request_of_no_known_kind(client: Client[Any], name: str, value: str) -> None:
    serve(client, body=f"{name}={value}".encode(), CONTENT_TYPE="application/octet-stream")
