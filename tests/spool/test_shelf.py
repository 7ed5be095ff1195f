"""Which files there are, within bounds."""

from __future__ import annotations

from asyncsentry.delivery.spool.names import new_file
from asyncsentry.delivery.spool.shelf import MAX_AGE, MOST_FILES, Shelf
from delivery.material import WALL

ID = "c" * 32


def name(number: int, age: float = 0.0) -> str:
    return new_file(WALL - age, number, ID)


def shelf(*sizes: int, most_bytes: int = 1000) -> Shelf:
    made = Shelf(most_bytes)
    for number, size in enumerate(sizes):
        made.add(name(number), size)
    return made


def excess(of: Shelf) -> list[str]:
    gone = []
    for each in of.excess(WALL):
        of.remove(each)
        gone.append(each)
    return gone


def test_within_bounds_nothing_goes() -> None:
    full = shelf(400, 600)
    assert len(full) == 2
    assert excess(full) == []


def test_the_oldest_go_for_want_of_room() -> None:
    assert excess(shelf(400, 500, 101)) == [name(0)]
    assert excess(shelf(10, 10, 981)) == [name(0)]


def test_the_oldest_go_if_there_are_too_many() -> None:
    assert excess(shelf(*[0] * (MOST_FILES + 2))) == [name(0), name(1)]


def test_the_old_go() -> None:
    made = shelf(10)
    made.add(name(9, MAX_AGE + 1), 10)
    assert excess(made) == [name(9, MAX_AGE + 1)]


def test_what_there_is_room_for_fits_and_what_is_too_old_anyway() -> None:
    made = shelf(400)
    assert made.fits(name(1), 600, WALL)
    assert not made.fits(name(1), 601, WALL)
    assert made.fits(name(1, MAX_AGE + 1), 601, WALL)
    assert not shelf(*[0] * MOST_FILES).fits(name(1), 0, WALL)
    assert made.allows(1000)
    assert not made.allows(1001)


def test_what_waits_is_taken_the_oldest_first() -> None:
    made = shelf(1, 1, 1)
    for number in (2, 0, 1):
        made.wait(name(number))
    made.wait(name(7))  # not here
    made.remove(name(1))
    made.remove(name(7))
    assert made.waits
    assert [made.take(), made.take(), made.take()] == [name(0), name(2), None]
    assert not made.waits


def test_a_file_is_here_once() -> None:
    made = shelf(600)
    made.add(name(0), 600)
    assert len(made) == 1
    assert excess(made) == []
    assert name(0) in made
