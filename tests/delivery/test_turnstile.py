"""One at a time, whatever comes in between."""

from __future__ import annotations

import threading

import pytest

from asyncsentry.delivery.turnstile import Turnstile


def test_what_is_to_be_done_is_done_at_once() -> None:
    done: list[int] = []
    Turnstile().do(lambda: done.append(1))
    assert done == [1]


def test_an_answer_comes_after_all_that_came_before() -> None:
    turnstile = Turnstile()
    done: list[int] = []

    def interrupted() -> str:
        turnstile.do(lambda: done.append(1))  # as a signal handler, or a finalizer, on this very thread
        assert done == []
        return "answer"

    assert turnstile.ask(interrupted, "none") == "answer"
    assert turnstile.waiting
    assert turnstile.ask(lambda: list(done), None) == [1]
    assert not turnstile.waiting


def test_a_step_that_comes_while_another_runs_is_done_after_it() -> None:
    turnstile = Turnstile()
    done: list[str] = []

    def outer() -> None:
        turnstile.do(lambda: done.append("inner"))
        done.append("outer")

    turnstile.do(outer)
    assert done == ["outer", "inner"]


def test_a_finalizer_in_the_middle_of_a_step_waits_for_nothing() -> None:
    turnstile = Turnstile()
    done: list[str] = []

    class Captures:
        def __del__(self) -> None:
            turnstile.do(lambda: done.append("finalizer"))

    def outer() -> None:
        Captures()
        done.append("step")

    turnstile.do(outer)
    assert done == ["step", "finalizer"]


def test_a_thread_that_is_inside_gets_no_answer_of_itself() -> None:
    turnstile = Turnstile()
    assert turnstile.ask(lambda: turnstile.ask(lambda: "inner", "nobody gets in"), "outer") == "nobody gets in"
    assert turnstile.ask(lambda: "free again", "still taken") == "free again"


class Occupied:
    """A turnstile with another thread inside, as long as this is open."""

    def __init__(self) -> None:
        self.turnstile = Turnstile()
        self._inside, self._go = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: self.turnstile.do(self._stay))

    def _stay(self) -> None:
        self._inside.set()
        self._go.wait(20)

    def __enter__(self) -> Turnstile:
        self._thread.start()
        assert self._inside.wait(20)
        return self.turnstile

    def __exit__(self, *_: object) -> None:
        self._go.set()
        self._thread.join(20)


def test_nobody_waits_for_the_one_inside_who_does_it_all() -> None:
    done: list[str] = []
    threads: list[str] = []
    with Occupied() as turnstile:
        turnstile.do(lambda: threads.append(threading.current_thread().name))
        turnstile.do(lambda: done.append("second"))
        assert turnstile.ask(lambda: "in", "not in") == "not in"
        assert turnstile.ask(lambda: "in", "not in after a while", 0.01) == "not in after a while"
        assert done == []
    assert done == ["second"]
    assert threads != [threading.current_thread().name]


def test_an_error_in_a_step_leaves_the_door_open() -> None:
    turnstile = Turnstile()

    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        turnstile.do(fail)
    assert turnstile.ask(lambda: "free", "taken") == "free"


def test_what_was_cut_off_is_mended_and_done_once_more() -> None:
    done: list[str] = []
    turnstile = Turnstile(lambda: done.append("mended"))

    def fail() -> None:
        done.append("begun")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        turnstile.do(fail)
    with pytest.raises(KeyboardInterrupt):
        turnstile.do(lambda: done.append("later"))
    assert turnstile.ask(lambda: "free", "taken") == "free"
    assert done == ["begun", "mended", "begun", "mended", "later"]


def test_many_threads_lose_no_step() -> None:
    turnstile = Turnstile()
    done: list[int] = []
    count = 0

    def one_more() -> None:
        nonlocal count
        seen = count
        done.append(seen)
        count = seen + 1

    def work() -> None:
        for _ in range(500):
            turnstile.do(one_more)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert turnstile.ask(lambda: count, None) == 2000
    assert done == list(range(2000))
