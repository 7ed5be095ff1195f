"""What is collected, as a value, and what an event then shows of a request and of variables."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from asyncsentry.events.collection import ALL, OFF, PERSONAL, QUIET, Behaviour, DataCollection
from asyncsentry.events.frames import PlainCall, plain_frames, traceback_frames
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.http import HttpRequest, show_request, show_url
from asyncsentry.events.rules import Rules
from asyncsentry.events.scrubbing import FILTERED

JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
DENY = Behaviour("denyList", ("mail", "name"))
ALLOW = Behaviour("allowList", ("page", "token"))
REQUEST = HttpRequest(
    "POST",
    "https://shop.example/items",
    query="page=2&Email=a%40b.c&token=t&name",
    headers=[
        ("Host", "shop.example"),
        ("X-Page", "7"),
        ("X-E-Mail", "a@b.c"),
        ("X-Forwarded-For", "203.0.113.7"),
        ("Referer", "https://u:p@other.example/?page=1&mail=m#mail=n"),
        ("Cookie", "page=2; mail=a@b.c; token=t"),
        JSON,
    ],
    env={"SERVER_NAME": "shop.example", "REMOTE_ADDR": "10.0.0.1"},
    body=b'{"a": 1}',
)


def show(collection: DataCollection, request: HttpRequest = REQUEST, **rules: Any) -> dict[str, Any]:
    given = Rules(collection=collection, body_limit=10_000, **rules)
    return show_request(request, Freezer(given, float, float))[0]


@pytest.mark.parametrize(
    ("behaviour", "hidden"),
    [
        (ALL, []),
        (DENY, ["EMAIL", "e-mail", "username"]),
        (Behaviour("allowList"), ["page", "EMAIL", "e-mail", "username", "basket"]),
        (Behaviour("allowList", ("page", "basket")), ["EMAIL", "e-mail", "username"]),
    ],
)
def test_a_behaviour_hides_by_parts_of_names_in_any_case(behaviour: Behaviour, hidden: list[str]) -> None:
    names = ["page", "EMAIL", "e-mail", "username", "basket"]
    assert [name for name in names if behaviour.hides(name)] == hidden


# -- requests


def test_each_part_of_a_request_has_its_own_setting() -> None:
    nothing = show(QUIET)
    assert show(QUIET._replace(cookies=ALL))["cookies"] == {"page": "2", "mail": "a@b.c", "token": FILTERED}
    assert show(QUIET._replace(incoming_bodies=True))["data"] == {"a": 1}
    known = show(QUIET._replace(user_info=True))
    assert (known["env"]["REMOTE_ADDR"], known["headers"]["X-Forwarded-For"]) == ("10.0.0.1", "203.0.113.7")
    assert nothing.keys() == {"method", "url", "query_string", "headers", "env"}
    assert "REMOTE_ADDR" not in nothing["env"]
    assert nothing["headers"]["X-Forwarded-For"] == FILTERED
    assert show(PERSONAL).keys() == nothing.keys() | {"cookies", "data", "body_size"}


@pytest.mark.parametrize(
    ("behaviour", "shown"),
    [
        (OFF, None),
        (ALL, f"page=2&Email=a%40b.c&token={FILTERED}&name"),
        (DENY, f"page=2&Email={FILTERED}&token={FILTERED}&name"),
        (ALLOW, f"page=2&Email={FILTERED}&token={FILTERED}&name"),
    ],
)
def test_parameters_of_a_query_are_shown_by_name(behaviour: Behaviour, shown: str | None) -> None:
    assert show(PERSONAL._replace(url_query_params=behaviour)).get("query_string") == shown


@pytest.mark.parametrize(
    ("behaviour", "shown"),
    [
        (OFF, "https://[Filtered]:[Filtered]@other.example/"),
        (ALL, "https://[Filtered]:[Filtered]@other.example/?page=1&mail=m#mail=n"),
        (DENY, f"https://[Filtered]:[Filtered]@other.example/?page=1&mail={FILTERED}"),
        (ALLOW, f"https://[Filtered]:[Filtered]@other.example/?page=1&mail={FILTERED}"),
    ],
)
def test_those_of_other_urls_too(behaviour: Behaviour, shown: str) -> None:
    collection = PERSONAL._replace(url_query_params=behaviour)
    assert show(collection)["headers"]["Referer"] == shown
    assert show_url("https://u:p@other.example/?page=1&mail=m#mail=n", collection) == shown


def test_headers_are_shown_by_name() -> None:
    assert "headers" not in show(PERSONAL._replace(request_headers=OFF))
    shown = show(PERSONAL._replace(request_headers=DENY))["headers"]
    assert (shown["X-Page"], shown["X-E-Mail"], shown["Host"]) == ("7", FILTERED, "shop.example")
    shown = show(PERSONAL._replace(request_headers=Behaviour("allowList", ("page", "referer"))))["headers"]
    assert {name for name, value in shown.items() if value != FILTERED} == {"X-Page", "Referer"}
    assert "p@other" not in shown["Referer"]


def test_a_header_that_tells_the_address_is_hidden_with_it_whatever_is_allowed() -> None:
    allowed = QUIET._replace(request_headers=Behaviour("allowList", ("forwarded",)))
    assert show(allowed)["headers"]["X-Forwarded-For"] == FILTERED
    assert show(allowed._replace(user_info=True))["headers"]["X-Forwarded-For"] == "203.0.113.7"


def test_cookies_are_shown_by_name() -> None:
    assert "cookies" not in show(PERSONAL._replace(cookies=OFF))
    assert show(PERSONAL._replace(cookies=DENY))["cookies"] == {"page": "2", "mail": FILTERED, "token": FILTERED}
    assert show(PERSONAL._replace(cookies=ALLOW))["cookies"] == {"page": "2", "mail": FILTERED, "token": FILTERED}


QUERY = b'{"query": "{ me { name } }", "variables": {"id": 7}, "operationName": "Me"}'


@pytest.mark.parametrize("shown", [(True, True), (False, True), (True, False), (False, False)])
def test_the_parts_of_a_request_to_graphql_have_settings_of_their_own(shown: tuple[bool, bool]) -> None:
    collection = PERSONAL._replace(graphql_document=shown[0], graphql_variables=shown[1])
    document, variables = "{ me { name } }" if shown[0] else FILTERED, {"id": 7} if shown[1] else FILTERED
    whole = {"query": document, "variables": variables, "operationName": "Me"}
    assert show(collection, replace(REQUEST, body=QUERY))["data"] == whole
    assert show(collection, replace(REQUEST, body=b"[%s, 3]" % QUERY))["data"] == [whole, 3]
    parsed = {"query": "{ me { name } }", "variables": {"id": 7}, "operationName": "Me"}
    assert show(collection, replace(REQUEST, body=parsed))["data"] == whole
    in_a_form = replace(REQUEST, headers=[FORM], body=b"query=a&variables=b&page=2")
    hidden = {"query": "a" if shown[0] else FILTERED, "variables": "b" if shown[1] else FILTERED, "page": "2"}
    assert show(collection, in_a_form)["data"] == hidden
    by_url = show(collection, replace(REQUEST, query="query=a&variables=b&page=2"))["query_string"]
    assert by_url == "&".join(f"{name}={value}" for name, value in hidden.items())


def test_a_body_that_is_no_object_has_no_parts() -> None:
    collection = PERSONAL._replace(graphql_document=False)
    assert show(collection, replace(REQUEST, body=b'"query"'))["data"] == "query"
    assert show(collection, replace(REQUEST, body=b'[[{"query": 1}], 2]'))["data"] == [2]


def test_the_address_is_the_one_that_a_trusted_proxy_says() -> None:
    trusted: dict[str, Any] = {"trusted_proxies": (ip_network("10.0.0.0/8"),)}
    assert show(PERSONAL, **trusted)["env"]["REMOTE_ADDR"] == "203.0.113.7"
    assert "REMOTE_ADDR" not in show(QUIET, **trusted)["env"]
    other = replace(REQUEST, env={"REMOTE_ADDR": "192.0.2.1"})
    assert show(PERSONAL, other, **trusted)["env"]["REMOTE_ADDR"] == "192.0.2.1"


# -- variables


def variables(behaviour: Behaviour, **local: object) -> dict[str, Any] | None:
    """What is shown of a frame with these variables, as it is and as it is told by somebody else."""
    rules = Rules(collection=DataCollection(stack_frame_variables=behaviour))
    with pytest.raises(ZeroDivisionError) as caught:
        exec("1 / 0", {"__name__": "m"}, local)
    frame: Any = traceback_frames(caught.value.__traceback__, Freezer(rules, float, float))[-1]
    told: Any = plain_frames([PlainCall("f", "f.py", 1, local)], Freezer(rules, float, float))[0]
    shown: dict[str, Any] | None = frame.get("vars")
    assert told.get("vars") == shown
    return shown


@pytest.mark.parametrize(
    ("behaviour", "shown"),
    [
        (OFF, None),
        (ALL, {"page": 2, "my_mail": "a@b.c", "token": FILTERED}),
        (DENY, {"page": 2, "my_mail": FILTERED, "token": FILTERED}),
        (ALLOW, {"page": 2, "my_mail": FILTERED, "token": FILTERED}),
    ],
)
def test_variables_are_shown_by_name(behaviour: Behaviour, shown: dict[str, Any] | None) -> None:
    assert variables(behaviour, page=2, my_mail="a@b.c", token="t") == shown


def test_what_has_no_name_is_shown_where_not_only_some_are() -> None:
    class Odd:
        def __repr__(self) -> str:
            raise AssertionError

        __str__ = __repr__

    def shown(behaviour: Behaviour) -> list[Any]:
        rules = Rules(collection=DataCollection(stack_frame_variables=behaviour))
        local: Any = {3: "three", Odd: 1}
        frame: Any = plain_frames([PlainCall("f", "f.py", 1, local)], Freezer(rules, float, float))[0]
        return [*frame["vars"].values()]

    assert shown(DENY) == ["three", 1]
    assert shown(ALLOW) == [FILTERED, FILTERED]
