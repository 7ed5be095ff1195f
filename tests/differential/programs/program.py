"""One program: its text, how it is run, and what the SDK has to report of it."""

from __future__ import annotations

from typing import NamedTuple


class Program(NamedTuple):
    """``# set-up`` in its text is the line at which the SDK is set up, or is not; else it is the first one."""

    name: str
    text: str
    events: tuple[str, ...] = ()
    """What is to arrive: the types of errors, and the texts of messages."""
    flags: tuple[str, ...] = ()
    """The interpreter's."""
    runs_as: tuple[str, ...] = ("program.py",)
    """What the interpreter is told to run: the file, ``-m program``, ``-c …``, or the prompt, which reads it."""
    stdin: bool = False
    """Whether the interpreter reads the text as it is typed."""
    code: int = 0
    """What the process ends with: less than nothing for a signal."""
    by_all: bool = False
    """Whether it is run with each transport, and not the default one alone."""
    closed: bool = False
    """Whether nobody reads what it writes on standard output."""
