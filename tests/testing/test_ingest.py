"""What the server takes and refuses over HTTP: authentication, paths, encodings.

The sources are https://develop.sentry.dev/sdk/foundations/transport/authentication/, the page on compression beside
it, and Relay.
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib

import pytest

from asyncsentry.testing import LocalSentry
from asyncsentry.testing.encodings import decompress
from asyncsentry.testing.refusals import Refusal
from testing.client import AUTH, EVENT_ID, HEADERS, KEY, PATH, event_envelope, post

X_SENTRY_AUTH = AUTH["X-Sentry-Auth"]


def basic(user: str) -> str:
    return "Basic " + base64.b64encode(user.encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        AUTH,
        {"X-Sentry-Auth": f"sentry sentry_key = {KEY} , unheard_of=1,sentry_secret=s"},
        {"Authorization": X_SENTRY_AUTH},
        {"Authorization": basic(f"{KEY}:")},
        AUTH | {"Authorization": "Bearer somebody-else's"},
    ],
)
def test_each_way_to_authenticate_is_taken(sentry: LocalSentry, headers: dict[str, str]) -> None:
    assert post(sentry, headers=headers).status == 200
    assert sentry.requests[0].error is None


def test_the_query_may_authenticate(sentry: LocalSentry) -> None:
    path = f"{PATH}?sentry_version=7&sentry_key={KEY}"
    assert post(sentry, path=path, headers={}).status == 200
    assert sentry.requests[0].path == path


def test_the_envelopes_dsn_may_authenticate(sentry: LocalSentry) -> None:
    body = json.dumps({"event_id": EVENT_ID, "dsn": sentry.dsn}).encode() + b'\n{"type":"event"}\n{}\n'
    assert post(sentry, body, headers={}).status == 200
    assert post(sentry, body, headers=AUTH).status == 200


@pytest.mark.parametrize(
    ("status", "headers", "path", "reason"),
    [
        (401, {}, PATH, "missing authorization"),
        (401, {"Authorization": "Bearer x"}, PATH, "missing authorization"),
        (401, AUTH | {"Authorization": X_SENTRY_AUTH}, PATH, "multiple authorization"),
        (401, AUTH, f"{PATH}?sentry_key={KEY}", "multiple authorization"),
        (401, AUTH, f"{PATH}?sentry_version=7", "multiple authorization"),
        (401, {"X-Sentry-Auth": f"sentry_key={KEY}"}, PATH, "does not begin with Sentry"),
        (401, {"X-Sentry-Auth": "Sentry sentry_version=7"}, PATH, "no sentry_key"),
        (401, {"Authorization": "Basic ?"}, PATH, "bad authorization"),
        (400, {"X-Sentry-Auth": f"Sentry sentry_version=8, sentry_key={KEY}"}, PATH, "version '8'"),
        (400, {"X-Sentry-Auth": f"Sentry sentry_version=x, sentry_key={KEY}"}, PATH, "version 'x'"),
        (400, {"X-Sentry-Auth": "Sentry sentry_key=short"}, PATH, "bad sentry DSN public key"),
        (403, {"X-Sentry-Auth": f"Sentry sentry_key={'b' * 32}"}, PATH, "not the one of this project"),
        (403, AUTH, "/api/2/envelope/", "project '2'"),
        (404, AUTH, "/api/1/envelope", "no such endpoint"),
        (404, AUTH, "/api/1/store/", "no such endpoint"),
        (404, AUTH, "/", "no such endpoint"),
        (400, AUTH, "//[/", "Invalid IPv6 URL"),
    ],
)
def test_whom_the_server_does_not_know_it_refuses(
    sentry: LocalSentry, status: int, headers: dict[str, str], path: str, reason: str
) -> None:
    said = post(sentry, path=path, headers=headers)
    assert said.status == status
    assert reason in said.detail
    assert sentry.events == ()
    assert sentry.requests[0].error == said.detail


def test_only_post_is_taken(sentry: LocalSentry) -> None:
    said = post(sentry, method="GET")
    assert said.status == 405
    assert said.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("dsn", "reason"),
    [
        (f"http://{'b' * 32}@127.0.0.1/1", "dsn header mismatch"),
        (f"http://{KEY}@127.0.0.1/2", "dsn header mismatch"),
        ("http://nobody", "dsn header mismatch"),
        (f"http://{KEY}@[::1/1", "Invalid IPv6 URL"),
    ],
)
@pytest.mark.parametrize("headers", [{}, AUTH])
def test_another_dsn_in_the_envelope_is_refused(
    sentry: LocalSentry, dsn: str, reason: str, headers: dict[str, str]
) -> None:
    said = post(sentry, json.dumps({"dsn": dsn}).encode(), headers=headers)
    assert said.status == 400
    assert reason in said.detail


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_bodies_are_read(sentry: LocalSentry, encoding: str, compress: type[bytes]) -> None:
    body = compress(event_envelope())
    assert post(sentry, body, headers=AUTH | {"Content-Encoding": encoding}).status == 200
    (request,) = sentry.requests
    assert request.body == event_envelope()
    assert request.raw_body == body
    assert sentry.events == ({"message": "hi"},)


@pytest.mark.parametrize("encoding", ["", "identity", "UTF-8"])
def test_encodings_that_change_nothing_are_ignored(sentry: LocalSentry, encoding: str) -> None:
    assert post(sentry, headers=AUTH | {"Content-Encoding": encoding}).status == 200


@pytest.mark.parametrize("encoding", ["GZIP", "gzip, deflate", "zst", "x-gzip"])
def test_an_encoding_by_another_name_is_a_415_that_names_those_there_are(sentry: LocalSentry, encoding: str) -> None:
    said = post(sentry, gzip.compress(event_envelope()), headers=AUTH | {"Content-Encoding": encoding})
    assert said.status == 415
    assert said.headers["accept-encoding"] == "gzip, deflate, br, zstd"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", event_envelope()),
        ("gzip", gzip.compress(event_envelope())[:-1]),
        ("gzip", gzip.compress(event_envelope()) + b"more"),
        ("gzip", b""),
        ("deflate", zlib.compress(event_envelope())[2:-4]),
    ],
)
def test_a_body_that_is_not_what_its_encoding_says_is_refused(sentry: LocalSentry, encoding: str, body: bytes) -> None:
    said = post(sentry, body, headers=AUTH | {"Content-Encoding": encoding})
    assert said.status == 400
    assert encoding in said.detail
    assert sentry.requests[0].body == body


def test_a_body_that_inflates_beyond_the_limit_is_a_413() -> None:
    assert decompress(zlib.compress(b"x" * 1000), "deflate", limit=1000) == b"x" * 1000
    with pytest.raises(Refusal, match="more than 999 bytes") as caught:
        decompress(zlib.compress(b"x" * 1000), "deflate", limit=999)
    assert caught.value.status == 413


def test_the_answer_is_the_id_of_the_event(sentry: LocalSentry) -> None:
    dashed = b'{"event_id":"9EC79C33-EC99-42AB-8353-589FCB2E04DC"}'
    assert json.loads(post(sentry).body) == {"id": EVENT_ID}
    assert json.loads(post(sentry, dashed).body) == {"id": EVENT_ID}
    assert json.loads(post(sentry, b"{}").body) == {}


def test_a_malformed_envelope_is_answered_with_its_reason(sentry: LocalSentry) -> None:
    said = post(sentry, HEADERS + b"\n\n")
    assert said.status == 400
    assert "unexpected end of file" in said.detail


def test_two_events_in_one_envelope_are_a_413(sentry: LocalSentry) -> None:
    said = post(sentry, HEADERS + b'\n{"type":"event"}\n{}\n{"type":"event"}\n{}\n')
    assert said.status == 413
    assert sentry.events == ()


def test_project_and_key_are_the_servers_own() -> None:
    with LocalSentry(project="42", public_key="c" * 32) as sentry:
        headers = {"X-Sentry-Auth": f"Sentry sentry_key={'c' * 32}"}
        assert post(sentry, path="/api/42/envelope/", headers=headers).status == 200
        assert post(sentry, headers=AUTH).status == 403
