"""What an event's texts say of secrets is hidden when it leaves: bit by bit, if they are long."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from asyncsentry.client import Client
from asyncsentry.events.hiding import AT_ONCE, hide_secrets
from asyncsentry.events.leaving import Leaving
from asyncsentry.events.packing import pack
from asyncsentry.events.scrubbing import SecretNames
from asyncsentry.events.seen import Seen
from asyncsentry.testing import LocalSentry

SECRET = "".join(("hun", "ter2"))  # no line of this program's source holds it
LENGTH = 400
PER_STEP = AT_ONCE // LENGTH
COUNT = 10 * PER_STEP


def text(number: int) -> str:
    word = f"password={SECRET}" if number % 3 == 0 else "no secret"
    return f"{number} {word} ".ljust(LENGTH, ".")


def event(count: int = COUNT) -> dict[str, Any]:
    return {"message": "words", "extra": {"said": [text(number) for number in range(count)]}, "platform": "python"}


def plain(given: dict[str, Any]) -> Leaving:
    return Leaving((given, Seen()), SecretNames())


def packed(given: dict[str, Any]) -> Leaving:
    kept = pack(given, Seen())
    assert kept is not None
    return Leaving(kept, SecretNames())


@pytest.fixture(params=[plain, packed])
def leaving(request: pytest.FixtureRequest) -> Callable[[dict[str, Any]], Leaving]:
    chosen: Callable[[dict[str, Any]], Leaving] = request.param
    return chosen


def steps_of(leaving: Leaving) -> int:
    steps = 0
    while leaving.step():
        steps += 1
    return steps


def test_an_event_with_few_long_texts_leaves_as_soon_as_they_are_known(
    leaving: Callable[[dict[str, Any]], Leaving],
) -> None:
    given = event(PER_STEP)
    assert steps_of(leaving(given)) == 1
    assert leaving(given)() == hide_secrets(given, SecretNames(), Seen())


def test_many_texts_are_searched_some_at_a_time(leaving: Callable[[dict[str, Any]], Leaving]) -> None:
    assert COUNT / PER_STEP <= steps_of(leaving(event())) <= COUNT


def test_also_many_short_ones_are_and_what_is_known_is_not_searched_again() -> None:
    names = SecretNames()
    given: dict[str, Any] = {"extra": {"said": [f"{number} of many things that are said" for number in range(300)]}}
    begun = Leaving((given, Seen()), names)
    assert steps_of(begun) >= 300 * 30 // AT_ONCE
    assert begun() == given
    assert steps_of(Leaving((given, Seen()), names)) == 1, "to find out that all are known"


def test_a_name_of_secrets_is_known_in_the_end_in_whichever_step_it_was_found() -> None:
    filler = [f"{number} of many things that are said" for number in range(300)]
    given = {"extra": {"pairs": [{"name": "password", "value": SECRET}], "said": filler}}
    begun = plain(given)
    steps_of(begun)
    shown: dict[str, Any] = begun()
    assert shown["extra"]["pairs"] == [{"name": "password", "value": "[Filtered]"}]


def test_an_empty_text_is_searched_like_any_other() -> None:
    for count in range(60, 120):  # in each set of texts it has another place
        given: dict[str, Any] = {"extra": {"x" * number: "" for number in range(count)}}
        begun = plain(given)
        steps_of(begun)
        assert begun() == given


@pytest.mark.parametrize("steps", [0, 1, 5, 10])
def test_what_is_left_after_some_steps_is_done_when_it_leaves(
    leaving: Callable[[dict[str, Any]], Leaving], steps: int
) -> None:
    given = event()
    begun = leaving(given)
    for _ in range(steps):
        assert begun.step()
    shown = begun()
    assert shown == hide_secrets(given, SecretNames(), Seen())
    assert SECRET not in str(shown)
    assert str(shown).count("[Filtered]") == len([number for number in range(COUNT) if number % 3 == 0])


def test_a_text_longer_than_is_searched_in_one_go_has_a_step_of_its_own() -> None:
    begun = plain({"extra": {"long": "x" * (3 * AT_ONCE), "longer": "y" * (4 * AT_ONCE), "short": "z" * 170}})
    assert steps_of(begun) >= 3


def test_several_threads_may_have_a_hand_in_it() -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(20):
            given = event()
            begun = plain(given)
            with ThreadPoolExecutor(4) as threads:
                stepping = [threads.submit(steps_of, begun) for _ in range(2)]
                shown = [threads.submit(begun) for _ in range(2)]
            assert all(SECRET not in str(each.result()) for each in shown)
            # Who steps may begin at first, and again after each of the two that are done; these, once each.
            assert sum(each.result() for each in stepping) <= (2 * 3 + 2) * COUNT / PER_STEP
    finally:
        sys.setswitchinterval(interval)


@pytest.fixture(params=["asyncio", "urllib", "threaded"])
def client(request: pytest.FixtureRequest, sentry: LocalSentry) -> Iterator[Client[Any]]:
    client: Client[Any] = Client(sentry.dsn_for(request.param), flood_limit=0)
    yield client
    client.close()


def test_secrets_in_long_texts_are_hidden_wherever_they_are(client: Client[Any], sentry: LocalSentry) -> None:
    client.add_breadcrumb(message=text(0), data={"said": text(3)})
    client.set_extra("said", [text(number) for number in range(9)])
    for number in range(3):
        said = [text(1000 * number + 3 * each) for each in range(20)]
        try:
            raise ValueError(said[1])
        except ValueError as error:
            client.capture_exception(error)
    assert client.flush(10)
    assert len(sentry.events) == 3
    for event in sentry.events:
        assert SECRET not in str(event)
        assert event["extra"]["said"][0].startswith("0 password=[Filtered] ")
        assert event["extra"]["said"][1] == text(1)


def test_the_first_error_at_a_place_shows_its_lines_also_where_a_secret_is_hidden(
    client: Client[Any], sentry: LocalSentry, tmp_path: Path
) -> None:
    source = "def fail(said):\n    raise ValueError\n"
    program = tmp_path / "program.py"
    program.write_text(source, encoding="utf-8")
    names: dict[str, Any] = {}
    exec(compile(source, program, "exec"), names)
    try:
        names["fail"](text(0))
    except ValueError as error:
        client.capture_exception(error)
    assert client.flush(10)
    (event,) = sentry.events
    frame = event["exception"]["values"][0]["stacktrace"]["frames"][-1]
    assert frame["context_line"] == "    raise ValueError"
    assert frame["vars"]["said"].startswith("0 password=[Filtered] ")
