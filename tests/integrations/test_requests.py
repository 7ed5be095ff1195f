"""What an event says of the request: who the user is only where that is asked for, and never a secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integrations.serving import Shop, outline

SECRET = "sesame-4711"
JSON = {"Content-Type": "application/json"}
TELLING = {
    "Authorization": f"Bearer {SECRET}",
    "Cookie": f"session={SECRET}; basket=pears",
    "X-Api-Key": SECRET,
    "X-Forwarded-For": "203.0.113.7",
    "User-Agent": "suite/1",
}


def headers(event: dict[str, Any]) -> dict[str, str]:
    return {name.lower(): value for name, value in event["request"]["headers"].items()}


def test_an_event_tells_of_the_request_without_what_is_secret_or_personal(shop: Shop) -> None:
    shop.ask("GET", f"/fail?pears=3&token={SECRET}", headers=TELLING)
    (event,) = shop.news(1)
    request = event["request"]
    assert (request["method"], request["url"]) == ("GET", f"{shop.url}/fail")
    assert request["query_string"] == "pears=3&token=[Filtered]"
    told = headers(event)
    assert told["user-agent"] == "suite/1"
    assert {told[name] for name in ("authorization", "x-api-key", "x-forwarded-for")} == {"[Filtered]"}
    assert "cookie" not in told
    assert set(request) == {"method", "url", "query_string", "headers", "env"}
    assert request["env"] == dict(zip(("SERVER_NAME", "SERVER_PORT"), shop.url[7:].split(":"), strict=True))
    assert SECRET not in json.dumps(event)
    assert "203.0.113.7" not in json.dumps(event)


def test_an_event_tells_who_the_user_is_where_that_is_asked_for_but_no_secret(personal_shop: Shop) -> None:
    body = b'{"fruit": "pears", "password": "quince"}'
    personal_shop.ask("POST", "/echo?fail", headers={**TELLING, **JSON}, body=body)
    (event,) = personal_shop.news(1)
    request = event["request"]
    assert request["method"] == "POST"
    assert request["cookies"] == {"session": "[Filtered]", "basket": "pears"}
    assert request["data"] == {"fruit": "pears", "password": "[Filtered]"}
    assert request["env"]["REMOTE_ADDR"] == "127.0.0.1"
    assert headers(event)["x-forwarded-for"] == "203.0.113.7"
    assert "quince" not in json.dumps(request)
    assert SECRET not in json.dumps(event)


def test_a_body_is_not_shown_where_nobody_asks_for_it(shop: Shop) -> None:
    shop.ask("POST", "/echo?fail", headers=JSON, body=b'{"fruit": "pears"}')
    (event,) = shop.news(1)
    assert outline(event) == "Broken: echo"
    assert "data" not in event["request"]
    assert "pears" not in json.dumps(event["request"])


def test_a_body_that_the_application_has_not_read_is_not_read(personal_shop: Shop) -> None:
    assert personal_shop.ask("POST", "/unread", headers=JSON, body=b'{"fruit": "pears"}').status == 500
    (event,) = personal_shop.news(1)
    assert outline(event) == "Broken: unread"
    assert "data" not in event["request"] or "reading on demand" in personal_shop.framework.lacks


def test_the_application_reads_its_body_after_a_capture(personal_shop: Shop) -> None:
    answer = personal_shop.ask("POST", "/late", headers=JSON, body=b'{"fruit": "pears"}')
    (event,) = personal_shop.news(1)
    assert (answer.status, answer.body) == (200, b'{"fruit": "pears"}')
    assert (outline(event), answer.event_id) == ("late", event["event_id"])
    assert "data" not in event["request"] or "reading on demand" in personal_shop.framework.lacks


@pytest.mark.parametrize("size", [0, 100_000])
def test_the_application_gets_the_whole_body(personal_shop: Shop, size: int) -> None:
    body = bytes(range(256)) * (size // 256)
    answer = personal_shop.ask("POST", "/echo", body=body)
    assert (answer.status, answer.body) == (200, body)
    assert personal_shop.news(0) == []


@pytest.mark.needs("route")
def test_an_event_is_named_by_the_route(shop: Shop) -> None:
    shop.ask("GET", "/item/7")
    (event,) = shop.news(1)
    assert event["transaction"] == shop.framework.item
    assert event["request"]["url"] == f"{shop.url}/item/7"
