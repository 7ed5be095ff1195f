"""Pools of processes: what their workers capture arrives once, however the workers begin and end."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncsentry.testing import Answer, LocalSentry
from delivery.programs import expected, messages, run

METHODS = ["fork", "spawn", "forkserver"]

PROGRAM = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
def begin():
    if not asyncsentry.get_client().active:
        asyncsentry.init(shutdown_timeout=20, flush_on_sigterm={flush_on_sigterm})
def work(number):
    capture_message(f"child {{number}}")
    return number
def stay(ready, first):
    begin()
    for number in range(first, first + 3):
        work(number)
    ready.wait(20)
    time.sleep(60)
if __name__ == "__main__":
    begin()
    capture_message("parent 0")
    context = multiprocessing.get_context({method!r})
    {pool}
    capture_message("parent 1")
"""

POOLS = {
    "multiprocessing": """
    pool = context.Pool(2, begin, maxtasksperchild=2)
    assert pool.map(work, range(6), chunksize=1) == list(range(6))
    pool.close()
    pool.join()
""",
    "concurrent.futures": """
    with ProcessPoolExecutor(2, context, begin) as pool:
        assert list(pool.map(work, range(6))) == list(range(6))
""",
}

TERMINATED = {
    "a pool": """
    with context.Pool(2, begin) as pool:
        assert pool.map(work, range(6), chunksize=1) == list(range(6))
""",
    "processes": """
    ready = context.Barrier(3)
    children = [context.Process(target=stay, args=(ready, first)) for first in (0, 3)]
    for child in children:
        child.start()
    ready.wait(20)
    for child in children:
        child.terminate()
    for child in children:
        child.join()
        assert child.exitcode == -15
""",
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pool", POOLS)
def test_workers_deliver_before_they_end(tmp_path: Path, sentry: LocalSentry, pool: str, method: str) -> None:
    sentry.always(Answer(delay=0.1))
    run(tmp_path, sentry, PROGRAM.format(method=method, pool=POOLS[pool].strip(), flush_on_sigterm=False))
    assert messages(sentry) == expected(parent=2, child=6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("told", TERMINATED)
def test_what_is_told_to_end_delivers_first(tmp_path: Path, sentry: LocalSentry, told: str, method: str) -> None:
    sentry.always(Answer(delay=0.1))
    run(tmp_path, sentry, PROGRAM.format(method=method, pool=TERMINATED[told].strip(), flush_on_sigterm=True))
    assert messages(sentry) == expected(parent=2, child=6)


@pytest.mark.parametrize("method", METHODS)
def test_a_process_that_sets_us_up_as_its_module_is_imported_delivers(
    tmp_path: Path, sentry: LocalSentry, method: str
) -> None:
    sentry.always(Answer(delay=0.1))
    text = """
import multiprocessing
asyncsentry.init(shutdown_timeout=20)
if __name__ == "__main__":
    child = multiprocessing.get_context("METHOD").Process(target=capture_message, args=("child 0",))
    child.start()
    child.join()
    assert child.exitcode == 0
"""
    run(tmp_path, sentry, text.replace("METHOD", method))
    assert messages(sentry) == expected(child=1)
