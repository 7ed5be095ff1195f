"""Tests of hubs, for each library of greenlets: they begin late, and end in their own ways, in any thread.

A test module of a library's own imports them, and says as the fixture ``kit`` what they are made with there.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from asyncsentry.testing import Answer, Hang, LocalSentry
from asyncsentry.testing.habitats import Habitat
from asyncsentry.transport.protocol import Cancelled, NoResponse, Response
from asyncsentry.transport.settings import Settings
from transports.style import PATIENCE, AnyTransport, Traffic, done, event_request

T = TypeVar("T")

NOWHERE = Settings("http://127.0.0.1:9/")


# Any: each library has greenlets and hubs of its own kind.
@dataclass(frozen=True)
class Kit:
    """What the tests need of a library."""

    make: Callable[[Settings], AnyTransport]
    habitat: Callable[[], Habitat]
    hub: Callable[[], Any]
    """This thread's, made if it has none."""
    has_hub: Callable[[], bool]
    end_hub: Callable[[], object]
    spawn: Callable[[Callable[[], Any]], Any]
    result: Callable[[Any], Any]
    """What a greenlet gives in the end."""
    kind: type
    """That of greenlets."""
    sleep: Callable[[float], object]
    pool: Callable[[Callable[[], Any]], Any]
    """Call what blocks, in a thread of the library's own."""

    def see(self, sentry: LocalSentry, predicate: Callable[[], object]) -> None:
        """Wait until the server has got what it should; other greenlets go on."""
        self.pool(lambda: sentry.wait_for(predicate, PATIENCE))

    def greenlets(self) -> list[Any]:
        return [each for each in gc.get_objects() if issubclass(type(each), self.kind)]  # whatever it says that it is


@pytest.fixture(autouse=True)
def no_hub_is_left(kit: Kit) -> Iterator[None]:
    """Each test begins in a thread without a hub, as a program does."""
    yield
    kit.hub()
    kit.end_hub()


def in_thread(function: Callable[[], T]) -> T:
    """What a function gives in a thread of its own, which has ended; this one is held up."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(function).result(PATIENCE)


def only(traffic: Traffic) -> NoResponse:
    (outcome,) = traffic.outcomes
    assert isinstance(outcome, NoResponse)
    return outcome


# -- which hub


def test_what_is_captured_before_any_hub_is_there_is_sent_by_the_one_to_come(kit: Kit, sentry: LocalSentry) -> None:
    transport = kit.make(Settings(sentry.url))
    traffic = Traffic(transport, [event_request(sentry)])
    assert transport.later(0.0, traffic.turn)
    assert transport.wait(traffic.settled, PATIENCE)
    assert len(sentry.events) == 1
    assert transport.close(done(), PATIENCE)


def test_a_thread_without_a_hub_has_nowhere_to_run_and_gets_no_hub(kit: Kit) -> None:
    transport = kit.make(NOWHERE)

    def capture() -> None:
        assert not transport.later(0.0, never)
        assert not transport.wait(Future(), 0.01)
        assert not kit.has_hub()

    in_thread(capture)


@pytest.mark.parametrize("pool", [True, False], ids=["pool", "thread"])
def test_another_thread_has_its_turns_run_on_a_hub_that_is_bound(kit: Kit, pool: bool) -> None:
    transport = kit.make(NOWHERE)
    ran: Future[None] = Future()
    homes: list[int] = []

    def turn() -> None:
        homes.append(threading.get_ident())
        ran.set_result(None)

    assert transport.later(0.0, nothing)
    capture = partial(transport.later, 0.0, turn)
    assert kit.pool(capture) if pool else in_thread(capture)
    assert transport.wait(ran, PATIENCE)
    assert homes == [threading.get_ident()]
    assert transport.close(done(), PATIENCE)


def test_each_thread_with_greenlets_has_its_turns_run_on_its_own_hub(kit: Kit, sentry: LocalSentry) -> None:
    transport = kit.make(Settings(sentry.url))
    homes: list[bool] = []

    def live(habitat: Habitat) -> None:
        settled: Future[None] = Future()

        def capture() -> None:
            here = threading.get_ident()

            def turn() -> None:
                homes.append(threading.get_ident() == here)
                transport.send(event_request(sentry), lambda _: settled.set_result(None))

            assert transport.later(0.0, turn)

        habitat.call(capture)
        settled.result(PATIENCE)

    with kit.habitat() as one, kit.habitat() as other:
        for habitat in (one, other, one):
            live(habitat)
        one.call(lambda: transport.close(done(), PATIENCE))
    assert homes == [True] * 3
    sentry.wait_for(lambda: sentry.open_connections == 0)


# -- hubs that end


@pytest.mark.parametrize("ended", [True, False], ids=["before-its-thread", "with-its-thread"])
def test_what_was_on_its_way_on_a_hub_that_ended_is_settled_at_the_next_turn(
    kit: Kit, sentry: LocalSentry, ended: bool
) -> None:
    sentry.answer(Hang())
    transport = kit.make(Settings(sentry.url, timeout=PATIENCE))
    lost = Traffic(transport, [event_request(sentry, "cut off")])

    def live() -> None:
        kit.hub()
        assert transport.later(0.0, lost.turn)
        assert transport.later(10 * PATIENCE, never)
        while not sentry.requests:
            kit.sleep(0.001)
        if ended:
            kit.end_hub()

    in_thread(live)
    assert lost.outcomes == []
    while not lost.outcomes:  # a thread is not quite gone when `join` says so
        assert transport.later(0.0, nothing)
        kit.sleep(0.001)
    assert isinstance(only(lost).error, Cancelled)
    assert only(lost).sent
    kept = Traffic(transport, [event_request(sentry, "next")])
    assert transport.later(0.0, kept.turn)
    assert transport.wait(kept.settled, PATIENCE)
    assert isinstance(kept.outcomes[0], Response)
    kit.see(sentry, lambda: sentry.open_connections == 1)
    assert transport.close(done(), PATIENCE)
    kit.see(sentry, lambda: sentry.open_connections == 0)


def test_a_threads_hub_may_be_replaced_by_another(kit: Kit, sentry: LocalSentry) -> None:
    transport = kit.make(Settings(sentry.url))
    for life in range(3):
        traffic = Traffic(transport, [event_request(sentry, f"life {life}")])
        kit.hub()
        assert transport.later(0.0, traffic.turn)
        assert transport.wait(traffic.settled, PATIENCE)
        kit.end_hub()
    assert transport.close(done(), PATIENCE)
    assert len(sentry.events) == 3
    sentry.wait_for(lambda: sentry.open_connections == 0)


# -- greenlets that are killed


@pytest.mark.parametrize("begun", [True, False])
def test_a_send_whose_greenlet_is_killed_is_nobodys_failure(kit: Kit, sentry: LocalSentry, begun: bool) -> None:
    sentry.answer(Hang())
    transport = kit.make(Settings(sentry.url, timeout=PATIENCE))
    traffic = Traffic(transport, [event_request(sentry)])
    senders: list[Any] = []

    def turn() -> None:
        before = set(kit.greenlets())
        traffic.turn()
        senders.extend(set(kit.greenlets()) - before)
        if not begun:
            senders[0].kill()

    assert transport.later(0.0, turn)
    if begun:
        kit.see(sentry, lambda: sentry.requests)
        senders[0].kill()
    assert transport.wait(traffic.settled, PATIENCE)
    assert isinstance(only(traffic).error, Cancelled)
    assert only(traffic).sent == begun
    assert transport.close(done(), PATIENCE)
    kit.see(sentry, lambda: sentry.open_connections == 0)


# -- waiting and closing


def test_who_waits_holds_up_no_other_greenlet(kit: Kit) -> None:
    transport = kit.make(NOWHERE)
    idle: Future[None] = Future()
    waiting = [kit.spawn(lambda: transport.wait(idle, PATIENCE)) for _ in range(3)]
    kit.sleep(0.01)
    idle.set_result(None)
    assert [kit.result(each) for each in waiting] == [True] * 3


def test_a_thread_may_wait_for_what_is_sent_on_a_hub(kit: Kit, sentry: LocalSentry) -> None:
    transport = kit.make(Settings(sentry.url))
    traffic = Traffic(transport, [event_request(sentry)])

    def wait() -> list[bool]:
        assert transport.later(0.0, traffic.turn)
        waited = [transport.wait(traffic.settled, PATIENCE), transport.wait(Future(), 0.01)]
        return [*waited, transport.close(done(), PATIENCE)]

    assert transport.later(0.0, nothing)
    assert kit.pool(wait) == [True, False, True]
    assert not transport.later(0.0, never)
    kit.see(sentry, lambda: sentry.open_connections == 0)


def test_closing_from_a_thread_settles_what_a_hub_that_is_held_up_cannot(kit: Kit, sentry: LocalSentry) -> None:
    sentry.always(Hang())
    transport = kit.make(Settings(sentry.url, timeout=10 * PATIENCE))
    traffic = Traffic(transport, [event_request(sentry)])
    assert transport.later(0.0, traffic.turn)
    kit.see(sentry, lambda: sentry.requests)
    in_thread(lambda: transport.close(done(), PATIENCE))
    assert isinstance(only(traffic).error, Cancelled)
    sentry.wait_for(lambda: sentry.open_connections == 0)
    assert transport.close(done(), PATIENCE)  # the hub goes on


def test_closing_goes_on_when_the_greenlet_that_waits_is_killed(kit: Kit, sentry: LocalSentry) -> None:
    sentry.answer(Answer(delay=0.2))
    transport = kit.make(Settings(sentry.url))
    traffic = Traffic(transport, [event_request(sentry)])
    assert transport.later(0.0, traffic.turn)
    closing = kit.spawn(lambda: transport.close(traffic.settled, PATIENCE))
    kit.sleep(0.01)
    closing.kill()
    assert transport.wait(traffic.settled, PATIENCE)
    assert isinstance(traffic.outcomes[0], Response)
    kit.see(sentry, lambda: sentry.open_connections == 0)
    assert not transport.later(0.0, never)


def test_closing_leaves_no_file_open(kit: Kit, sentry: LocalSentry) -> None:
    """From the second time on: what the hub itself opens, it keeps."""
    open_before: list[int] = []
    for _ in range(3):
        open_before.append(_open_files())
        transport = kit.make(Settings(sentry.url))
        traffic = Traffic(transport, [event_request(sentry)])
        assert transport.later(0.0, traffic.turn)
        assert transport.close(traffic.settled, PATIENCE)
        kit.see(sentry, lambda: sentry.open_connections == 0)
    assert _open_files() == open_before[-1]


def _open_files() -> int:
    gc.collect()
    return len(list(Path("/dev/fd").iterdir()))


def nothing() -> None:
    pass


def never() -> None:
    raise AssertionError("a turn ran that should not have")
