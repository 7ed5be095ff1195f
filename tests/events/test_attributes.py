"""Levels, tags, the user, names, times and ids, as servers take them."""

from __future__ import annotations

import datetime
import logging
import uuid
from typing import Any

import pytest

from asyncsentry.events.attributes import (
    MOST_TAGS,
    dist_problem,
    environment_problem,
    event_id,
    fingerprint,
    level_name,
    new_event_id,
    one_line,
    release_problem,
    tags,
    timestamp,
    user,
)
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.scrubbing import FILTERED


@pytest.mark.parametrize(
    ("given", "name"),
    [
        *((name, name) for name in ("debug", "info", "warning", "error", "fatal")),
        ("WARNING", "warning"),
        ("warn", "warning"),
        ("Critical", "fatal"),
        ("exception", "error"),
        ("log", "info"),
        (logging.CRITICAL, "fatal"),
        (logging.ERROR, "error"),
        (logging.WARNING, "warning"),
        (35, "warning"),
        (logging.INFO, "info"),
        (logging.DEBUG, "debug"),
        (5, "debug"),
        ("nonsense", None),
        (None, None),
        (True, None),
        ([], None),
    ],
)
def test_t11_a_level_is_one_of_sentry_s_five(given: object, name: str | None) -> None:
    assert level_name(given) == name


def test_of_very_many_tags_the_first_are_shown(freezer: Freezer) -> None:
    shown = tags({f"tag{number}": number for number in range(100_000)}, freezer)
    assert list(shown.values()) == [str(number) for number in range(MOST_TAGS)]


def test_t31_tags_are_texts_under_names_that_servers_take(freezer: Freezer) -> None:
    given: dict[Any, object] = {
        "a b": 1,
        "ok": True,
        "n": None,
        "f": 1.5,
        "größe/x": "big",
        "lines": "one\ntwo\r\n",
        "empty": "",
        "blank": " \n",
        "": "nameless",
        5: "five",
        "long": "x" * 1000,
        "l" * 1000: "y",
        "odd": "\ud800",
    }
    assert tags(given, freezer) == {
        "a-b": "1",
        "ok": "True",
        "f": "1.5",
        "gr__e_x": "big",
        "lines": "one two",
        "5": "five",
        "long": "x" * 197 + "...",
        "l" * 197 + "...": "y",
        "odd": "?",
    }


def test_a_tag_that_cannot_be_written_is_named(freezer: Freezer) -> None:
    class Mute:
        def __str__(self) -> str:
            raise RuntimeError

    assert tags({"a": Mute()}, freezer) == {"a": f"<{__name__}.{Mute.__qualname__}>"}


def test_t38_the_user_is_as_it_was_set_but_its_ids_are_texts_and_its_secrets_hidden(freezer: Freezer) -> None:
    given = {"id": 5, "username": None, "email": "a@b.c", "ip_address": "10.0.0.1", "token": "x", "more": {"key": 1}}
    assert user(given, freezer) == {
        "id": "5",
        "email": "a@b.c",
        "ip_address": "10.0.0.1",
        "token": FILTERED,
        "more": {"key": FILTERED},
    }


def test_a_name_is_of_one_line() -> None:
    assert one_line("shop\r\norders\u2028x") == "shop orders x"
    assert one_line("shop") == "shop"


@pytest.mark.parametrize(
    ("address", "kept"),
    [("10.0.0.1", True), ("::1", True), ("{{auto}}", True), ("somewhere", False), (5, False), (["10.0.0.1"], False)],
)
def test_an_address_that_is_none_is_left_out(freezer: Freezer, address: object, kept: bool) -> None:
    assert ("ip_address" in user({"ip_address": address}, freezer)) is kept


def test_a_fingerprint_is_a_list_of_texts(freezer: Freezer) -> None:
    assert fingerprint(["{{ default }}", 5, None], freezer) == ["{{ default }}", "5", "None"]


@pytest.mark.parametrize("release", ["shop@1.2.3", "1" * 200, "a b", " padded ", "latestone"])
def test_t32_a_release_that_servers_take(release: str) -> None:
    assert release_problem(release) is None


@pytest.mark.parametrize(
    ("release", "reason"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("feature/x", "slash"),
        ("a\\b", "backslash"),
        ("a\tb", "tab"),
        ("latest", "reserved"),
        ("LATEST", "reserved"),
        ("..", "reserved"),
        ("1" * 201, "200 bytes"),
        ("é" * 101, "200 bytes"),
    ],
)
def test_t32_a_release_that_servers_refuse(release: str, reason: str) -> None:
    assert reason in str(release_problem(release))


@pytest.mark.parametrize(("environment", "taken"), [("production", True), ("none", False), ("e" * 65, False)])
def test_t32_environments(environment: str, taken: bool) -> None:
    assert (environment_problem(environment) is None) is taken


@pytest.mark.parametrize(("dist", "taken"), [("1.2-a_B", True), ("1 2", False), ("", False), ("d" * 65, False)])
def test_t32_dists(dist: str, taken: bool) -> None:
    assert (dist_problem(dist) is None) is taken


NOW = 1_767_323_045.25


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (NOW, NOW),
        (5, 5.0),
        (NOW * 1000, None),
        (-1, None),
        (float("nan"), None),
        (True, None),
        (None, None),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.123+02:00", "2026-01-02T03:04:05.123+02:00"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05"),
        ("2026-01-02 03:04:05", None),
        ("1767323045", None),
        ("2026-02-30T03:04:05Z", None),
        ("2026-01-02T24:04:05Z", None),
        ("2026-01-02T03:04:05+24:00", None),
        ("٢٠٢٦-01-02T03:04:05Z", None),
        ("1970-01-01T00:00:00+01:00", None),
        ("1970-01-02T00:00:00+23:59", "1970-01-02T00:00:00+23:59"),
        (datetime.datetime(1969, 12, 31, 23), None),
        (datetime.datetime(1970, 1, 2, tzinfo=datetime.timezone.utc), 86400.0),
        (datetime.datetime(1970, 1, 2), 86400.0),
        (datetime.datetime(1970, 1, 2, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=2))), 86400.0),
        (datetime.date(1970, 1, 2), None),
        ([], None),
    ],
)
def test_t33_times_are_seconds_or_rfc_3339(given: object, seconds: object) -> None:
    assert timestamp(given) == seconds


def test_t07_a_new_id_is_a_random_uuid_in_32_lower_case_digits() -> None:
    ids = {new_event_id() for _ in range(1000)}
    assert len(ids) == 1000
    for digits in ids:
        made = uuid.UUID(digits)
        assert made.hex == digits
        assert (made.version, made.variant) == (4, uuid.RFC_4122)


@pytest.mark.parametrize(
    ("given", "digits"),
    [
        ("AB" * 16, "ab" * 16),
        ("abababab-abab-abab-abab-abababababab", "ab" * 16),
        ("ab" * 15, None),
        ("xy" * 16, None),
        (None, None),
        (5, None),
    ],
)
def test_t07_an_id_that_a_hook_set_is_written_as_servers_know_it(given: object, digits: str | None) -> None:
    assert event_id(given) == digits
