"""``flush_on_sigterm`` in a child of ``multiprocessing`` that runs trio."""

from __future__ import annotations

from pathlib import Path

from asyncsentry.testing import LocalSentry
from delivery.programs import expected, messages, run


def test_trio_has_nothing_to_warn_of(tmp_path: Path, sentry: LocalSentry) -> None:
    text = """
import multiprocessing
import trio
async def main():
    capture_message("child 0")
    await trio.sleep(0)
def work():
    trio.run(main)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
if __name__ == "__main__":
    asyncsentry.init(shutdown_timeout=20, flush_on_sigterm=True)
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join()
    assert child.exitcode == -15, child.exitcode
"""
    run(tmp_path, sentry, text, transport="threaded")
    assert messages(sentry) == expected(child=1)
