"""What is searched for secrets before the turn comes that sends it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from asyncsentry.client import Client
from asyncsentry.events.scrubbing import Hashes, SecretNames
from asyncsentry.events.searching import AT_ONCE, MUCH, searches
from asyncsentry.testing import LocalSentry

LENGTH = 512


def texts(count: int, word: str = "word") -> list[str]:
    return [f"{number} {word} ".ljust(LENGTH, ".") for number in range(count)]


MANY = texts(MUCH // LENGTH + 1)


def test_a_few_texts_are_left_to_the_turn() -> None:
    assert searches(MANY[:-1], SecretNames()) == ()


def test_many_are_searched_some_at_a_time_and_once() -> None:
    names = SecretNames()
    (search,) = searches(MANY, names)
    search.find_out()
    assert search.fill()
    assert all(text in names.searched for text in MANY)
    assert searches(MANY, names) == ()


def test_a_step_searches_no_more_than_is_to_be_searched_at_once() -> None:
    names = SecretNames()
    (search,) = searches(MANY, names)
    while not search.fill():
        known = sum(text in names.searched for text in MANY)
        search.step()
        assert sum(text in names.searched for text in MANY) <= known + AT_ONCE // LENGTH


def test_what_holds_a_secret_is_not_remembered() -> None:
    names = SecretNames()
    secret = texts(1, "password=hunter2")
    (search,) = searches(MANY + secret, names)
    search.find_out()
    assert secret[0] not in names.searched


def test_no_texts_are_kept_for_an_event_that_has_been_sent() -> None:
    names = SecretNames()
    searching = [search.find_out for search in searches(MANY, names)]
    gc.collect()
    for find_out in searching:
        find_out()
    assert not any(text in names.searched for text in MANY)


def test_only_so_many_are_remembered() -> None:
    known = Hashes(4)
    known.update(["a", "b", "c"])
    known.update(["d"])
    assert all(text in known for text in "abcd")
    known.update(["e"])
    assert [text for text in "abcde" if text in known] == ["e"]


@pytest.fixture(params=["asyncio", "urllib", "threaded"])
def client(request: pytest.FixtureRequest, sentry: LocalSentry) -> Iterator[Client[Any]]:
    client: Client[Any] = Client(sentry.dsn_for(request.param), flood_limit=0)
    yield client
    client.close()


SECRET = "".join(("hun", "ter2"))  # no line of this program's source holds it


def test_secrets_in_long_texts_are_hidden_wherever_they_are(client: Client[Any], sentry: LocalSentry) -> None:
    client.add_breadcrumb(message=texts(1, f"token={SECRET}")[0], data={"said": texts(1, f"token={SECRET}")[0]})
    for word in texts(2 * MUCH // LENGTH):
        client.add_breadcrumb(message=word)
    client.set_extra("said", texts(9, f"token={SECRET}"))
    for number in range(3):
        said = texts(9, f"number {number}, password={SECRET}")
        try:
            raise ValueError(said[0])
        except ValueError as error:
            client.capture_exception(error)
    assert client.flush(10)
    assert len(sentry.events) == 3
    for event in sentry.events:
        assert str(event).count("[Filtered]") == 2 + 9 + 9 + 2  # in breadcrumbs, extra data, ``said`` and the error
        assert SECRET not in str(event)
