"""What another thread is just importing is there already, and has nothing in it yet: nobody may stumble over that."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncsentry.testing import LocalSentry
from hooks.programs import run_program

PROGRAM = """
import sys
from types import ModuleType

import asyncsentry

asyncsentry.init()
known = sys.modules.pop("{name}", None)
sys.modules["{name}"] = ModuleType("{name}")
try:
    exec(compile("1 / 0", "<typed>", "exec"))
except ZeroDivisionError as error:
    asyncsentry.capture_exception(error)
del sys.modules["{name}"]
if known is not None:
    sys.modules["{name}"] = known
assert asyncsentry.flush(10), "it is not delivered"
"""

LOOKED_AT = ["asyncio", "greenlet", "linecache", "multiprocessing.process", "multiprocessing.util", "trio.lowlevel"]


@pytest.mark.parametrize("transport", ["auto", "threaded"])
@pytest.mark.parametrize("name", LOOKED_AT)
def test_a_module_in_the_midst_of_its_import_costs_no_event(
    sentry: LocalSentry, tmp_path: Path, name: str, transport: str
) -> None:
    ran = run_program(PROGRAM.format(name=name), folder=tmp_path, dsn=sentry.dsn_for(transport))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert [event["exception"]["values"][-1]["type"] for event in sentry.events] == ["ZeroDivisionError"]
