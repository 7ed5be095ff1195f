"""Every program in the README and the documentation runs, and sends what its page says."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from asyncsentry.testing.server import LocalSentry
from docs.programs import OWN_SESSION, PLACEHOLDER, Program, all_programs, programs_in
from extras.serving import STRICT

PROGRAMS = [program for program in all_programs() if program.page not in OWN_SESSION]


# Any: an event is JSON.
def title(event: Mapping[str, Any]) -> str:
    """The type of an event's outermost exception, or its message."""
    errors = event.get("exception", {}).get("values", [])
    return str(errors[-1]["type"] if errors else event["logentry"]["formatted"])


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_a_program_in_the_documentation_sends_what_its_page_says(
    program: Program, sentry: LocalSentry, tmp_path: Path
) -> None:
    for each in (each for each in PROGRAMS if each.page == program.page):  # one may import another of its page
        (tmp_path / each.name).write_text(each.code.replace(PLACEHOLDER, sentry.dsn), encoding="utf-8")
    runner = ("-m", "pytest", "-q") if program.name.startswith("test_") else STRICT
    done = subprocess.run(
        [sys.executable, *runner, program.name],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("SENTRY_")},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == program.exits, done.stdout + done.stderr
    assert sorted(map(title, sentry.events)) == sorted(program.sends), done.stderr


def test_blocks_without_a_name_go_on_with_the_program_before() -> None:
    text = """
```python
# one.py
first = 1
```
<!-- sends: ValueError -->

Then:

```python
second = 2
```
<!-- sends: no, pears; exits: 1 -->

```python
# two.py
```
"""
    one, two = programs_in("page.md", text)
    assert one == Program("page.md", "one.py", "# one.py\nfirst = 1\nsecond = 2\n", ("ValueError", "no", "pears"), 1)
    assert two == Program("page.md", "two.py", "# two.py\n")
