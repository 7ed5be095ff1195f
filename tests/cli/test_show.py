"""An event in words: what a person reads of it."""

from __future__ import annotations

from typing import Any

import pytest

from asyncsentry.cli.ink import Ink
from asyncsentry.cli.show import WIDTH, Arrival, show

ID = "0" * 32


PLAIN = Ink()


def lines_of(ink: Ink = PLAIN, **event: Any) -> list[str]:
    arrival = Arrival({"event_id": ID, "timestamp": 100.0, **event}, "threaded", 100.25)
    return list(show(1, arrival, ink))


def error(**fields: Any) -> dict[str, Any]:
    return {"type": "ValueError", "value": "no", "mechanism": {"type": "generic", "handled": True}, **fields}


def test_a_message_has_no_frames() -> None:
    assert lines_of(level="info", logentry={"message": "order %d", "formatted": "order 7"}) == [
        "1  order 7",
        "   level info",
        "",
        f"   event id     {ID}",
        "   transport    threaded, received 250 ms after the capture",
    ]


def test_each_error_of_a_chain_has_its_name_and_its_frames() -> None:
    frames = [{"filename": "shop.py", "lineno": 3, "function": "sell", "in_app": True, "context_line": "    int(tea)"}]
    cause = error(type="KeyError", value="'tea'", mechanism={"type": "chained"}, stacktrace={"frames": frames})
    lines = lines_of(exception={"values": [cause, error()]})
    assert lines[0] == "1  ValueError: no"
    assert lines[1] == "   handled, level error, mechanism generic"
    assert lines[2:7] == ["", "   KeyError: 'tea'", "   shop.py:3 in sell", "     > int(tea)", ""]


def test_of_library_frames_in_a_row_only_the_libraries_are_named() -> None:
    library = [{"module": "asyncio.runners"}, {"module": "asyncio.events"}, {"module": "json.decoder"}]
    (line,) = [line for line in lines_of(exception={"values": [error(stacktrace={"frames": library})]}) if "…" in line]
    assert line == "   … asyncio, json"


def test_the_variables_of_a_module_are_not_shown() -> None:
    frame = {
        "filename": "shop.py",
        "lineno": 3,
        "function": "<module>",
        "in_app": True,
        "vars": {"asyncio": "<module>"},
    }
    text = "\n".join(lines_of(exception={"values": [error(stacktrace={"frames": [frame]})]}))
    assert "shop.py:3 in <module>" in text
    assert "asyncio" not in text


def test_everything_is_on_one_line_that_fits_and_obeys_no_escape_sequence() -> None:
    frame = {"filename": "shop.py", "lineno": 3, "function": "sell", "in_app": True, "vars": {"tea": ["\x1b[31m" * 99]}}
    lines = lines_of(
        exception={"values": [error(value="two\nlines\x1b[2J " * 20, stacktrace={"frames": [frame]})]},
        tags={"long": "x" * 200},
        breadcrumbs={"values": [{"level": "info", "category": "shop", "message": "y" * 200}]},
    )
    assert max(map(len, lines)) <= WIDTH
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(("handled", "colour"), [(True, "\x1b[32mhandled"), (False, "\x1b[31munhandled")])
def test_on_a_terminal_colour_tells_what_is_handled(handled: bool, colour: str) -> None:
    lines = lines_of(Ink(colour=True), exception={"values": [error(mechanism={"type": "generic", "handled": handled})]})
    assert colour in lines[1]
