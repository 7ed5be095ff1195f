"""Ids that nobody else gets."""

from __future__ import annotations

import random
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import RFC_4122, UUID

from asyncsentry.chance import AT_ONCE, token, uniform
from asyncsentry.testing import LocalSentry
from delivery.programs import run

MANY = 4 * AT_ONCE


def test_a_token_is_32_digits_and_no_two_are_the_same() -> None:
    tokens = [token() for _ in range(MANY)]
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in tokens)
    assert len(set(tokens)) == MANY


def test_a_token_is_a_random_uuid() -> None:
    assert {(UUID(each).version, UUID(each).variant) for each in (token() for _ in range(MANY))} == {(4, RFC_4122)}


def test_no_two_threads_get_the_same() -> None:
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: token(), range(8 * MANY)))
    assert len(set(tokens)) == 8 * MANY


def test_the_programs_own_numbers_are_what_they_would_be() -> None:
    before = random.getstate()
    numbers = [uniform() for _ in range(MANY)]
    assert random.getstate() == before
    assert 0 <= min(numbers) < 0.25 < 0.75 < max(numbers) < 1


def test_a_forked_child_gets_others(tmp_path: Path, sentry: LocalSentry) -> None:
    text = """
from asyncsentry.chance import AT_ONCE, token
token()
ear, mouth = os.pipe()
child = os.fork()
if not child:
    os.write(mouth, " ".join(token() for _ in range(AT_ONCE)).encode())
    os._exit(0)
os.waitpid(child, 0)
theirs = os.read(ear, 2**16).decode().split()
assert len(theirs) == AT_ONCE
assert not set(theirs) & {token() for _ in range(AT_ONCE)}
"""
    run(tmp_path, sentry, text)
