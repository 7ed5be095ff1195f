"""What was given up is counted, wherever it happens."""

from __future__ import annotations

import threading

from asyncsentry.delivery.losses import FOLD_AT, Counts, Losses, report


def test_losses_are_counted_by_reason_and_category() -> None:
    losses = Losses()
    assert not losses
    losses.add("sample_rate", "error")
    losses.add("sample_rate", "error", 2)
    losses.add("send_error", "session")
    assert losses
    assert losses.total() == {("sample_rate", "error"): 3, ("send_error", "session"): 1}


def test_what_never_became_an_item_is_counted_apart_too() -> None:
    losses = Losses()
    losses.add("sample_rate", "error")
    losses.note("queue_overflow", "attachment", 5)
    assert losses.early() == {("sample_rate", "error"): 1}
    assert losses.take() == losses.total() == {("sample_rate", "error"): 1, ("queue_overflow", "attachment"): 5}


def test_what_was_taken_is_told_once_and_stays_in_the_total() -> None:
    losses = Losses()
    losses.add("before_send", "error")
    assert losses.take() == {("before_send", "error"): 1}
    assert not losses
    assert losses.take() == {}
    assert losses.total() == {("before_send", "error"): 1}


def test_what_comes_back_is_told_again_and_counted_once() -> None:
    losses = Losses()
    losses.add("before_send", "error")
    taken = losses.take()
    losses.add("before_send", "error")
    losses.restore(taken)
    assert losses.take() == {("before_send", "error"): 2}
    assert losses.total() == {("before_send", "error"): 2}


def test_nothing_that_comes_back_is_nothing_to_report() -> None:
    losses = Losses()
    losses.restore(Counts())
    assert not losses


def test_a_storm_of_losses_is_added_up_as_it_goes() -> None:
    losses = Losses()
    for _ in range(FOLD_AT * 3):
        losses.add("sample_rate", "error")
        assert len(losses._notes) <= FOLD_AT
    assert losses.total() == {("sample_rate", "error"): FOLD_AT * 3}


def test_threads_that_lose_while_others_ask_lose_no_loss() -> None:
    losses = Losses()
    told = Counts()
    done = threading.Event()

    def tell() -> None:
        while not done.is_set():
            taken = losses.take()
            if taken.total() % 2:
                losses.restore(taken)
            else:
                told.update(taken)

    def lose() -> None:
        for _ in range(2000):
            losses.add("sample_rate", "error")

    teller = threading.Thread(target=tell)
    losers = [threading.Thread(target=lose) for _ in range(3)]
    for thread in [teller, *losers]:
        thread.start()
    for thread in losers:
        thread.join(20)
    done.set()
    teller.join(20)
    told.update(losses.take())
    assert told == losses.total() == {("sample_rate", "error"): 6000}


def test_a_total_is_given_even_where_somebody_is_inside() -> None:
    losses = Losses()
    losses.add("sample_rate", "error")
    losses.total()
    inside = losses._turnstile.ask(losses.total, None)  # as a signal handler that interrupts the adding up
    assert inside == {("sample_rate", "error"): 1}


def test_a_report_says_what_was_lost() -> None:
    counts: Counts = Counts({("queue_overflow", "error"): 2})
    assert report(counts, 1704067200.0) == {
        "timestamp": 1704067200.0,
        "discarded_events": [{"reason": "queue_overflow", "category": "error", "quantity": 2}],
    }
