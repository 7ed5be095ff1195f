"""The option ``data_collection``: settings over a preset, each checked at set-up, and none against another option."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from asyncsentry.errors import OptionError
from asyncsentry.events.collection import ALL, OFF, PERSONAL, QUIET, Behaviour, DataCollection
from asyncsentry.options import Options, resolve
from asyncsentry.testing import LocalSentry
from asyncsentry.types import OptionArguments
from conftest import OpenClient

DENY = Behaviour("denyList", ("mail", "name"))


def given(**arguments: Any) -> Options:
    return resolve("urllib+https://key@host/1", None, cast("OptionArguments", arguments), {})


def collected(asked: Mapping[str, Any], **arguments: Any) -> DataCollection:
    return given(data_collection=asked, **arguments).data_collection


def refusal(asked: Any, **arguments: Any) -> str:
    with pytest.raises(OptionError) as caught:
        collected(asked, **arguments)
    return str(caught.value)


def test_without_settings_it_is_what_send_default_pii_stands_for() -> None:
    assert given().data_collection == given(send_default_pii=False).data_collection == collected({}) == QUIET
    assert given(send_default_pii=True).data_collection == collected({}, send_default_pii=True) == PERSONAL


def test_a_preset_without_the_option_is_the_old_options_own() -> None:
    none = given(include_local_variables=False, include_source_context=False).data_collection
    assert (none.stack_frame_variables, none.frame_context_lines) == (OFF, 0)


@pytest.mark.parametrize(
    ("asked", "field", "value"),
    [
        ({"user_info": True}, "user_info", True),
        ({"cookies": {"mode": "denyList"}}, "cookies", ALL),
        ({"cookies": {"terms": ["Mail", " name "]}}, "cookies", DENY),
        ({"cookies": {"mode": "allowList", "terms": iter(["page"])}}, "cookies", Behaviour("allowList", ("page",))),
        ({"cookies": {"mode": "allowlist", "terms": None}}, "cookies", Behaviour("allowList")),
        ({"url_query_params": {"mode": "off"}}, "url_query_params", OFF),
        ({"url_query_params": {"mode": "OFF", "terms": []}}, "url_query_params", OFF),
        ({"http_headers": {"request": {"mode": "off"}}}, "request_headers", OFF),
        ({"http_bodies": ["incoming_request", "outgoing_response"]}, "incoming_bodies", True),
        ({"graphql": {"document": False}}, "graphql_document", False),
        ({"graphql": {"variables": False}}, "graphql_variables", False),
        ({"database_query_data": True}, "database_query_data", True),
        ({"stack_frame_variables": False}, "stack_frame_variables", OFF),
        ({"stack_frame_variables": {"terms": ["mail", "name"]}}, "stack_frame_variables", DENY),
        ({"frame_context_lines": 0}, "frame_context_lines", 0),
        ({"frame_context_lines": 50}, "frame_context_lines", 50),
    ],
)
def test_each_setting_changes_itself_alone(asked: dict[str, Any], field: str, value: object) -> None:
    changed = collected(asked)
    assert getattr(changed, field) == value
    rest = [each for each in DataCollection._fields if each != field]
    assert [getattr(changed, each) for each in rest] == [getattr(QUIET, each) for each in rest]


def test_settings_take_things_out_of_the_other_preset() -> None:
    less = collected({"http_bodies": [], "user_info": False, "cookies": None}, send_default_pii=True)
    assert less == DataCollection(cookies=ALL)


def test_what_there_is_no_data_for_is_accepted_and_changes_nothing() -> None:
    nothing = {
        "http_headers": {"response": {"mode": "denyList", "terms": ["x"]}},
        "http_bodies": ["outgoing_request", "incoming_response", "outgoing_response"],
        "gen_ai": {"inputs": True, "outputs": False},
        "queues": True,
        "graphql": {},
        "stack_frame_variables": True,
    }
    assert collected(nothing) == QUIET


def test_the_older_options_say_the_same() -> None:
    options = given(data_collection={"stack_frame_variables": False, "frame_context_lines": 0})
    assert not options.include_local_variables
    assert not options.include_source_context
    options = given(data_collection={"stack_frame_variables": {"terms": ["x"]}, "frame_context_lines": 1})
    assert options.include_local_variables
    assert options.include_source_context


A_BEHAVIOUR = "a mapping such as {'mode': 'denyList', 'terms': ['email']}"
WRONG: list[tuple[Any, str]] = [
    (True, "data_collection must be a mapping of settings by name, not True"),
    ("user_info", "data_collection must be a mapping of settings by name, not 'user_info'"),
    ({1: True}, "data_collection must be a mapping of settings by name, not a value of type dict"),
    ({"userInfo": True}, "data_collection has no setting 'userInfo': did you mean 'user_info'?"),
    (
        {"http_headers": {"requests": {}}},
        "data_collection.http_headers has no setting 'requests': did you mean 'request'?",
    ),
    ({"gen_ai": {"x": 1}}, "data_collection.gen_ai has no setting 'x': there are inputs, outputs"),
    ({"user_info": "yes"}, "data_collection.user_info must be True or False, not 'yes'"),
    ({"queues": 1}, "data_collection.queues must be True or False, not 1"),
    ({"gen_ai": False}, "data_collection.gen_ai must be a mapping of settings by name, not False"),
    ({"graphql": {"document": 0}}, "data_collection.graphql.document must be True or False, not 0"),
    ({"cookies": True}, f"data_collection.cookies must be {A_BEHAVIOUR}, not True"),
    ({"cookies": {"mode": "deny"}}, "data_collection.cookies.mode must be one of off, denyList, allowList, not 'deny'"),
    ({"cookies": {"mode": 1}}, "data_collection.cookies.mode must be one of off, denyList, allowList, not 1"),
    ({"cookies": {"terms": "mail"}}, "data_collection.cookies.terms must be a list of strings, not 'mail'"),
    ({"cookies": {"terms": [" "]}}, "data_collection.cookies.terms has an empty term, which every name holds"),
    ({"cookies": {"allow": []}}, "data_collection.cookies has no setting 'allow': there are mode, terms"),
    ({"cookies": {"mode": "off", "terms": ["a"]}}, "data_collection.cookies is off: leave its terms out"),
    (
        {"stack_frame_variables": 1},
        f"data_collection.stack_frame_variables must be True, False or {A_BEHAVIOUR}",
    ),
    ({"http_bodies": True}, "data_collection.http_bodies must be a list of strings, not True"),
    (
        {"http_bodies": ["incomingRequest"]},
        "data_collection.http_bodies knows no 'incomingRequest': did you mean 'inc",
    ),
    ({"frame_context_lines": 51}, "data_collection.frame_context_lines must be a whole number from 0 to 50, not 51"),
    (
        {"frame_context_lines": True},
        "data_collection.frame_context_lines must be a whole number from 0 to 50, not True",
    ),
]


@pytest.mark.parametrize(("asked", "said"), WRONG)
def test_what_cannot_be_is_said_at_set_up_with_what_can(asked: Any, said: str) -> None:
    assert refusal(asked).startswith(said)


CONTRARY: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"stack_frame_variables": True}, {"include_local_variables": False}),
    ({"stack_frame_variables": {"terms": ["a"]}}, {"include_local_variables": False}),
    ({"stack_frame_variables": False}, {"include_local_variables": True}),
    ({"frame_context_lines": 5}, {"include_source_context": False}),
    ({"frame_context_lines": 0}, {"include_source_context": True}),
    ({"http_bodies": ["incoming_request"]}, {"max_request_body_size": "never"}),
]


@pytest.mark.parametrize(("asked", "option"), CONTRARY)
def test_two_options_may_not_say_the_contrary_of_each_other(asked: Any, option: dict[str, Any]) -> None:
    said = refusal(asked, **option)
    assert {*asked, *option} == {word for word in {*asked, *option} if word in said}
    assert said.endswith("leave one out")


@pytest.mark.parametrize(
    ("asked", "option"),
    [
        ({"stack_frame_variables": True}, {"include_local_variables": True}),
        ({"stack_frame_variables": False}, {"include_local_variables": False}),
        ({"frame_context_lines": 0}, {"include_source_context": False}),
        ({"frame_context_lines": 3}, {"include_source_context": True}),
        ({"http_bodies": []}, {"max_request_body_size": "always"}),
        ({"http_bodies": []}, {"max_request_body_size": "never"}),
    ],
)
def test_two_options_may_say_the_same(asked: Any, option: dict[str, Any]) -> None:
    assert collected(asked, **option) == collected(asked)


def test_an_event_shows_what_was_asked_for(open_client: OpenClient, sentry: LocalSentry) -> None:
    asked = {"stack_frame_variables": {"terms": ["mail"]}, "frame_context_lines": 1}
    client = open_client(data_collection=asked)
    my_mail, page = "a@b.c", 2
    try:
        raise ValueError
    except ValueError:
        client.capture_exception()
    frame = sentry.events[0]["exception"]["values"][0]["stacktrace"]["frames"][-1]
    assert (frame["vars"]["my_mail"], frame["vars"]["page"]) == ("[Filtered]", 2)
    assert (len(frame["pre_context"]), len(frame["post_context"])) == (1, 1)
    assert (my_mail, page) == ("a@b.c", 2)


# -- trusted_proxies


def test_trusted_proxies_are_addresses_and_networks() -> None:
    known = given(trusted_proxies=["10.0.0.0/8", " 192.0.2.1 ", "2001:db8::/32"]).trusted_proxies
    assert [*map(str, known)] == ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"]
    assert given(trusted_proxies=iter(known)).trusted_proxies == known
    assert given(trusted_proxies=[]).trusted_proxies == ()


EXPECTED = "trusted_proxies must hold addresses and networks such as '10.0.0.1' and '10.0.0.0/8': "


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("10.0.0.1", "trusted_proxies must be a list of addresses and networks, not '10.0.0.1'"),
        (1, "trusted_proxies must be a list of addresses and networks, not 1"),
        ({"10.0.0.1": 1}, "trusted_proxies must be a list of addresses and networks, not a value of type dict"),
        ([167772161], f"{EXPECTED}a member must be a string, not 167772161"),
        (["10.0.0.1/8"], f"{EXPECTED}10.0.0.1/8 has host bits set"),
        (["proxy.internal"], f"{EXPECTED}'proxy.internal' does not appear to be an IPv4 or IPv6 network"),
        (["10.0.0.0/33"], f"{EXPECTED}'10.0.0.0/33' does not appear to be an IPv4 or IPv6 network"),
        ([""], f"{EXPECTED}'' does not appear to be an IPv4 or IPv6 network"),
    ],
)
def test_other_things_are_an_error_at_set_up(wrong: Any, said: str) -> None:
    with pytest.raises(OptionError) as caught:
        given(trusted_proxies=wrong)
    assert str(caught.value) == said
