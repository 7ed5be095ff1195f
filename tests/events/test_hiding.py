"""The last look at an event: its texts, and what its ``_meta`` says of all that is hidden."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from asyncsentry.events.freezing import Freezer
from asyncsentry.events.hiding import hide_secrets
from asyncsentry.events.messages import logentry
from asyncsentry.events.rules import Rules
from asyncsentry.events.scrubbing import USUAL
from asyncsentry.events.seen import Seen

BY_NAME = {"": {"rem": [["@password:filter", "s", 0, 10]]}}
LONG = "Zq9" + "k3Jx" * 400
"""Longer than any value is shown."""

CARD = {"": {"rem": [["@creditcard:filter", "s", 0, 10]]}}


def hide(event: dict[str, Any]) -> dict[str, Any]:
    """The event as it leaves; it is not changed itself."""
    before = deepcopy(event)
    shown = hide_secrets(event, USUAL, Seen(foreign=True))
    assert event == before
    return shown


def test_an_event_without_secrets_is_what_it_was() -> None:
    event = {"event_id": "x", "extra": {"a": [1, "password is required"]}}
    assert hide(event) == event


def test_what_was_hidden_by_its_name_is_remarked_in_its_place() -> None:
    event = {"extra": {"a": [1, {"password": "[Filtered]"}]}, "tags": {"token": "[Filtered]"}}
    meta = {"extra": {"a": {"1": {"password": BY_NAME}}}, "tags": {"token": BY_NAME}}
    assert hide(event) == {**event, "_meta": meta}


def test_texts_in_all_fields_are_looked_through() -> None:
    event = {"logentry": {"formatted": "password=x"}, "transaction": "/?token=y", "fingerprint": ["a", "key=12345x"]}
    shown = hide(event)
    assert shown["logentry"] == {"formatted": "password=[Filtered]"}
    assert (shown["transaction"], shown["fingerprint"]) == ("/?token=[Filtered]", ["a", "key=[Filtered]"])
    remark = {"": {"rem": [["@password:filter", "s", 9, 19]], "len": 10}}
    assert shown["_meta"]["logentry"] == {"formatted": remark}
    assert shown["_meta"]["transaction"] == {"": {"rem": [["@password:filter", "s", 8, 18]], "len": 9}}


def test_what_says_nothing_of_the_program_is_left_alone() -> None:
    event = {"modules": {"password=x": "password=x"}, "release": "password=x", "sdk": {"name": "password=x"}}
    assert hide(event) == event


def test_of_a_frame_only_the_variables_are_looked_through() -> None:
    frame = {"function": "password=x", "context_line": "password='x'", "vars": {"line": "password=x", "n": {"a": 1}}}
    error = {"type": "E", "value": "password=y", "stacktrace": {"frames": [{"function": "f"}, frame]}}
    shown = hide({"exception": {"values": [{"type": "Cause"}, error]}})
    (_, value) = shown["exception"]["values"]
    assert value["value"] == "password=[Filtered]"
    assert value["stacktrace"]["frames"][1]["vars"]["line"] == "password=[Filtered]"
    assert value["stacktrace"]["frames"][1]["context_line"] == "password='x'"
    path = shown["_meta"]["exception"]["values"]["1"]
    assert path.keys() == {"value", "stacktrace"}
    assert path["stacktrace"]["frames"]["1"]["vars"].keys() == {"line"}


def test_what_is_only_called_a_stack_is_looked_through() -> None:
    event = {"extra": {"a": {"stacktrace": {"text": "password=x"}}, "b": {"stacktrace": ["password=x"]}}}
    event["extra"]["c"] = {"stacktrace": "password=x"}
    event["threads"] = {"values": [{"stacktrace": {"frames": ["password=x", {"vars": 5}]}}, "password=x"]}
    assert "password=x" not in str(hide(event)["extra"])
    assert hide(event)["threads"]["values"][1] == "password=[Filtered]"


def test_a_container_in_several_places_is_hidden_in_all_of_them() -> None:
    shared = {"line": "password=x"}
    shown = hide({"extra": {"a": shared, "b": [shared, shared]}})
    hidden = {"line": "password=[Filtered]"}
    assert shown["extra"] == {"a": hidden, "b": [hidden, hidden]}
    assert shown["_meta"]["extra"].keys() == {"a", "b"}


def test_an_id_that_looks_like_the_number_of_a_card_is_left_alone() -> None:
    card, trace = "4111111111111111", "84db8dcb078c42dcb3344c6ef5ffb12d"
    ids: dict[str, Any] = {"trace_id": trace, "span_id": card}
    shown = hide({"contexts": {"trace": {**ids, "said": f"paid with {card}"}, "paid": {"span_id": "5555555555554444"}}})
    assert shown["contexts"] == {
        "trace": {**ids, "said": "paid with [Filtered]"},
        "paid": {"span_id": "[Filtered]"},
    }
    for odd in ({"trace": [ids]}, [ids], {"trace": {"span_id": [card]}}, {"trace": {"span_id": f"{card} "}}):
        assert card not in str(hide({"contexts": odd}))


def test_a_name_may_be_a_secret_itself() -> None:
    nested = {"password=y": {"line": "secret=z"}, "b": 1}
    assert hide({"extra": nested})["extra"] == {"password=[Filtered]": {"line": "secret=[Filtered]"}, "b": 1}


def test_a_name_that_is_a_secret_is_not_told_by_the_remarks_either() -> None:
    inner = {"Bearer abc123": {"Bearer abc123": 1, "password=y": ["secret=z"]}}
    shown = hide({"extra": inner})
    assert "abc123" not in str(shown)
    (remark,) = shown["_meta"]["extra"]["Bearer [Filtered]"]["password=[Filtered]"]["0"][""]["rem"]
    assert remark == ["@password:filter", "s", 7, 17]


def test_what_stands_beside_the_name_of_a_secret_is_hidden() -> None:
    entries = [{"name": "DB_PASSWORD", "value": "x"}, {"Name": "api_key", "Value": 5}, {"name": "theme", "value": "y"}]
    error = {"loc": ["body", "password"], "input": "x", "msg": "too short"}
    shown = hide({"extra": {"env": entries, "headers": [["authorization", "x"], ["accept", "y"]], "errors": [error]}})
    assert shown["extra"] == {
        "env": [{"name": "DB_PASSWORD", "value": "[Filtered]"}, {"Name": "api_key", "Value": "[Filtered]"}, entries[2]],
        "headers": [["authorization", "[Filtered]"], ["accept", "y"]],
        "errors": [{**error, "input": "[Filtered]"}],
    }
    assert shown["_meta"]["extra"]["errors"] == {"0": {"input": BY_NAME}}


def test_what_is_hidden_in_a_message_is_hidden_among_its_parameters() -> None:
    params = ["hunter2", 17, True, ["hunter2", ""], {"a": "ada"}]
    entry = {"message": "password=%s of %s", "formatted": "password=hunter2 of 17 ada", "params": params}
    shown = hide({"logentry": entry, "extra": {"params": ["hunter2"]}})
    assert shown["logentry"]["params"] == ["[Filtered]", 17, True, ["[Filtered]", ""], {"a": "ada"}]
    assert shown["_meta"]["logentry"]["params"] == {"0": BY_NAME, "3": {"0": BY_NAME}}
    assert shown["extra"] == {"params": ["hunter2"]}
    assert hide({"logentry": "password=x"})["logentry"] == "password=[Filtered]"


@pytest.mark.parametrize(
    ("template", "given", "param"),
    [
        ("token=%s", LONG, "[Filtered]"),
        ("password=%r", "hun\\ter2", "[Filtered]"),
        ("password=%r", "it's\nme", "[Filtered]"),
        ("password=%.4s", "hunter2", "[Filtered]"),
        ("password={!a}", "pässword", "[Filtered]"),
        ("password=x of %s", LONG, LONG[:1021] + "..."),
        ("password=x of %r", "it's\nme", "it's\nme"),
        ("password=x of %s", "", ""),
        ("password=x of %.1f", 1.25, 1.25),
    ],
)
def test_so_are_parameters_that_it_tells_in_another_form(template: str, given: object, param: object) -> None:
    entry = logentry(template, (given,), Freezer(Rules()))
    assert hide({"logentry": entry})["logentry"]["params"] == [param]


def test_no_event_takes_long() -> None:
    """Were the time square to the number of secrets, this would not end within the time that a test has."""
    shared = {"token": "[Filtered]"}
    spans = [{"token": "[Filtered]", "text": f"password=x{number}"} for number in range(20_000)]
    shown = hide(
        {"spans": spans, "shared": [shared] * 20_000, "texts": [f"secret=x{number}" for number in range(9_000)]}
    )
    assert shown["spans"][-1] == {"token": "[Filtered]", "text": "password=[Filtered]"}
    assert shown["_meta"]["shared"].keys() == {str(number) for number in range(20_000)}


def test_a_list_of_names_is_no_pair() -> None:
    event = {"extra": {"required": ["password", "email"], "both": {"name": "password", "value": {"a": 1}}}}
    assert hide(event) == event


def test_what_is_a_pair_in_one_place_is_one_in_all() -> None:
    pair = ["token", "password=x and more"]
    shown = hide({"extra": {"a": [pair], "b": pair}})
    assert shown["extra"] == {"a": [["token", "[Filtered]"]], "b": ["token", "[Filtered]"]}


def test_the_numbers_of_cards_are_hidden() -> None:
    shown = hide({"extra": {"card": 4111111111111111, "id": 4111111111111112, "yes": True}})
    assert shown["extra"] == {"card": "[Filtered]", "id": 4111111111111112, "yes": True}
    assert shown["_meta"] == {"extra": {"card": CARD}}


def test_what_follows_a_command_s_option_is_hidden() -> None:
    shown = hide({"extra": {"argv": ["tool", "--token", "abc", "--password", 5, "--verbose"], "--token": "x"}})
    assert shown["extra"]["argv"] == ["tool", "--token", "[Filtered]", "--password", 5, "--verbose"]
    assert shown["_meta"] == {"extra": {"argv": {"2": BY_NAME}}}


@pytest.mark.parametrize(
    ("argv", "place"),
    [
        (["mysqldump", "-u", "root", "-phunter2", "shop"], 3),
        (["sudo", "/usr/bin/mariadb-dump", "-p", "hunter2"], 3),
        (["PosixPath('/usr/bin/mongosh')", "-p", "hunter2"], 2),
        (["mysql", 5, "-e", "select 1\nfrom x", "-phunter2"], 4),
        (["sshpass", "-p", "hunter 2", "ssh", "shop"], 2),
        (["docker", "login", "-u", "ada", "-p", "hunter2"], 5),
        (["podman", "login", "-p", "hunter2"], 3),
        (["redis-cli", "-a", "hunter2"], 2),
        (["valkey-cli", "-a", "hunter2"], 2),
        (["ldapsearch", "-x", "-w", "hunter2"], 3),
        (["openssl", "rsa", "-passin", "pass:hunter2"], 3),
        (["curl", "-u", "ada:hunter2", "http://shop/"], 2),
        (["wget", "--user", "ada:hunter2"], 2),
        (["smbclient", "-U", "ada%hunter2"], 2),
    ],
)
def test_what_is_given_to_a_command_is_hidden(argv: list[Any], place: int) -> None:
    assert hide({"extra": {"argv": argv}})["extra"]["argv"] == [*argv[:place], "[Filtered]", *argv[place + 1 :]]
    seen, remarks = shown(argv=argv)
    assert (seen["argv"][place], remarks) == ("[Filtered]", {"argv": {str(place): BY_NAME}})


def test_a_command_alone_tells_nothing() -> None:
    event = {"extra": {"engines": ["mysql", "-a", "shop"], "engine": "mysql", "mysql": ["-phunter2"]}}
    assert hide(event) == event


def test_remarks_join_those_that_were_there() -> None:
    before = {"request": {"data": {"": {"rem": [["!config", "x"]]}}}, "extra": {"": {"len": 5}}, "tags": 5}
    event = {"_meta": before, "request": {"data": None, "url": "/?token=x"}, "extra": {"a": "password=x"}}
    meta = hide({**event, "tags": {"a": "password=x"}})["_meta"]
    assert meta["request"].keys() == {"data", "url"}
    assert meta["extra"].keys() == {"", "a"}
    assert meta["tags"].keys() == {"a"}
    assert hide({"_meta": None, "extra": {"a": "password=x"}})["_meta"].keys() == {"extra"}


# Of an event that was frozen by us


def frozen(**variables: object) -> tuple[dict[str, Any], Seen]:
    """An event with one frame, and what was seen as it was frozen."""
    freezer = Freezer(Rules())
    frame = {"function": "f", "vars": freezer.freeze_mapping(variables)}
    return {"exception": {"values": [{"type": "E", "stacktrace": {"frames": [frame]}}]}}, freezer.seen


def shown(**variables: object) -> tuple[Any, Any]:
    """Its variables as they leave, and the remarks on them."""
    made, seen = frozen(**variables)
    event = hide_secrets(made, USUAL, seen)
    (frame,) = event["exception"]["values"][0]["stacktrace"]["frames"]
    if "_meta" not in event:
        return frame["vars"], {}
    return frame["vars"], event["_meta"]["exception"]["values"]["0"]["stacktrace"]["frames"]["0"]["vars"]


def test_its_variables_are_not_looked_through_again() -> None:
    event, seen = frozen(text="password=x")
    seen.texts.clear()
    assert hide_secrets(event, USUAL, seen) == event


def test_what_was_seen_in_them_is_hidden() -> None:
    assert shown(text="password=x", long="password=" + "x" * 200)[0] == {
        "text": "password=[Filtered]",
        "long": "password=[Filtered]",
    }
    assert shown(nested=[{"token": "x"}])[1] == {"nested": {"0": {"token": BY_NAME}}}
    assert shown(headers=[("token", "x"), ("b", 1)])[1] == {"headers": {"0": {"1": BY_NAME}}}
    assert shown(card=4111111111111111, n=5) == ({"card": "[Filtered]", "n": 5}, {"card": CARD})
    assert shown(large=4222222222222222224)[0] == {"large": "[Filtered]"}
    assert shown(argv=["--token", "x"])[0] == {"argv": ["--token", "[Filtered]"]}
    assert shown(by={"password=x": 1, "eyJ" + "a" * 20: 2})[0] == {
        "by": {"password=[Filtered]": "[Filtered]", "[Filtered]": 2}
    }
    assert shown(text="abc", n=10**15) == ({"text": "abc", "n": 10**15}, {})
