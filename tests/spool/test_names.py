"""What files and folders are called."""

from __future__ import annotations

import pytest

from asyncsentry.delivery.spool import names
from asyncsentry.dsn import parse

KEY = "a" * 32


def test_a_destination_holds_no_secret_key_and_no_transport() -> None:
    dsn = parse(f"threaded+https://{KEY}:hidden@sentry.example.org/prefix/1?timeout=2")
    assert names.destination(dsn) == f"https://{KEY}@sentry.example.org/prefix/1"


def test_one_destination_has_one_digest_whatever_is_said_of_the_way() -> None:
    one, same, other = (
        f"https://{KEY}@example.org/1",
        f"aiohttp+https://{KEY}:s@example.org/1",
        f"https://{KEY}@example.org/2",
    )
    assert names.digest(parse(one)) == names.digest(parse(same)) != names.digest(parse(other))


def test_folders_are_known_by_their_names() -> None:
    digest = names.digest(parse(f"https://{KEY}@example.org/1"))
    folder = names.new_folder(digest)
    assert folder != names.new_folder(digest)
    assert names.is_folder(folder)
    assert names.is_folder(folder, digest)
    assert not names.is_folder(folder, "0" * 16)
    assert not names.is_folder(names.ASIDE)


def test_files_are_in_the_order_of_their_age() -> None:
    id = "b" * 32
    made = [names.new_file(seconds, number, id) for number, seconds in enumerate([0.5, 999.0, 1_700_000_000.25, 1e11])]
    assert made == sorted(made)
    assert all(map(names.is_file, made))
    assert names.born(made[2]) == 1_700_000_000.25
    assert names.event_id(made[2]) == id


@pytest.mark.parametrize(
    "name", ["lock", "fatal.txt", "readme.txt", "1-2-3.envelope", f"000000000000001-000000-{'b' * 32}.envelope.part"]
)
def test_other_files_are_not_ours(name: str) -> None:
    assert not names.is_file(name)
    assert not names.is_crash(name)


def test_what_tells_of_a_crash_is_called_as_the_folder_that_it_was_in() -> None:
    folder = names.new_folder("0" * 16)
    assert names.is_crash(folder + names.CRASH)
    assert not names.is_file(folder + names.CRASH)
    assert not names.is_folder(folder + names.CRASH)
    assert not names.is_crash("letter" + names.CRASH)
    assert names.origin(folder + names.CRASH) == folder
