"""What `faulthandler` wrote becomes events."""

from __future__ import annotations

import uuid
from typing import Any

from asyncsentry.events.fatal import MOST_ERRORS, fatal_events
from asyncsentry.events.rules import InApp, Rules

RULES = Rules(in_app=InApp(project_root="/srv/shop"))
TEXT = """Fatal Python error: Segmentation fault

Thread 0x00007f874f8c66c0 (most recent call first):
  File "/usr/lib/python3.12/site-packages/lib.py", line 953 in run
  File "<string>", line ??? in <module>

Current thread 0x00007f87501edb80 [MainThread] (most recent call first):
  File "/srv/shop/stock.py", line 6 in count
  File "/srv/shop/main.py", line 8 in <module>

Extension modules: _speedups (total: 1)
"""


def only(text: str) -> dict[str, Any]:
    (event,) = fatal_events(text, 1000.0, "a", RULES)
    return event


def test_a_crash_is_an_error_with_the_stack_of_its_thread() -> None:
    event = only(TEXT)
    assert (event["level"], event["timestamp"]) == ("fatal", 1000.0)
    (error,) = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("Fatal Python error", "Segmentation fault")
    assert error["mechanism"] == {"type": "faulthandler", "handled": False}
    main, count = error["stacktrace"]["frames"]
    assert (main["function"], main["lineno"]) == ("<module>", 8)
    assert count == {
        "filename": "stock.py",
        "abs_path": "/srv/shop/stock.py",
        "function": "count",
        "lineno": 6,
        "in_app": True,
    }


def test_the_other_threads_have_their_stacks() -> None:
    event = only(TEXT)
    other, current = event["threads"]["values"]
    assert not other["crashed"]
    unknown, run = other["stacktrace"]["frames"]
    assert "lineno" not in unknown
    assert (run["lineno"], run["in_app"]) == (953, False)
    assert current == {"id": "0x00007f87501edb80", "name": "MainThread", "current": True, "crashed": True}
    assert event["exception"]["values"][0]["thread_id"] == current["id"]


def test_each_crash_of_a_text_is_an_event() -> None:
    events: list[Any] = fatal_events(TEXT + "Windows fatal exception: access violation\n", 1.0, "a", RULES)
    values = [event["exception"]["values"][0]["value"] for event in events]
    assert values == ["Segmentation fault", "access violation"]
    assert len(fatal_events(TEXT * (MOST_ERRORS + 5), 1.0, "a", RULES)) == MOST_ERRORS


def test_who_reads_a_text_again_gives_its_events_the_same_ids() -> None:
    def ids(origin: str) -> list[object]:
        return [event["event_id"] for event in fatal_events(TEXT * 2, 1.0, origin, RULES)]

    assert ids("a") == ids("a")
    assert len({*ids("a"), *ids("b")}) == 4
    assert all(uuid.UUID(str(id)).version == 4 for id in ids("a"))


def test_what_is_no_crash_is_shown_by_its_first_line() -> None:
    event = only("Timeout (0:00:01)!\nThread 0x01 (most recent call first):\n  <no Python frame>\n")
    (error,) = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("Fatal error", "Timeout (0:00:01)!")
    assert "stacktrace" not in error
    assert event["threads"]["values"][0]["stacktrace"] == {"frames": []}
    assert "threads" not in only("?")
