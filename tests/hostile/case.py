"""What a hostile input is to these tests: a small program, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from asyncsentry.testing.answers import Reply

MESSAGE: Final = "what was raised"
BESIDE: Final = "what stood beside it"
"""Texts of the error that is captured, and of a variable next to the hostile one: the event is to show them both."""


class Sdk(Protocol):
    """What a case does with an SDK. Whatever comes out of a call is noted, and goes no further."""

    def capture(self, error: BaseException) -> None: ...
    def message(self, text: Any) -> None: ...
    def breadcrumb(self, text: Any, **data: Any) -> None: ...
    def tag(self, name: Any, value: Any) -> None: ...
    def extra(self, name: Any, value: Any) -> None: ...
    def watch(self, call: Callable[[], object]) -> None:
        """Call what may come to the SDK in another way: a log record, a hook."""

    def expect(self, captures: int) -> None:
        """So many captures are made that no call of these shows."""

    def flush(self) -> None: ...


Run = Callable[[Sdk], None]
Function = TypeVar("Function", bound=Run)


def _nothing(_sdk: Sdk) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Case:
    """A program, given to each SDK in a process of its own.

    ``outcome`` is what asyncsentry makes of it, in the documentation's words. ``shows`` has to be in the event.
    ``options`` and ``environment`` are what the SDK is set up with, ``replies`` the server's first.
    """

    told: str
    """The input, in the documentation's words."""
    run: Run
    outcome: str = "event"
    shows: tuple[str, ...] = (MESSAGE, BESIDE)
    ignores: str = ""
    """An event with this text in it is not looked at."""
    options: Callable[[Sdk], Mapping[str, Any]] = _nothing
    environment: Mapping[str, str] = field(default_factory=dict)
    replies: tuple[Reply, ...] = ()
    since: tuple[int, int] = (3, 10)
    """The Python that has what it needs."""
    alone: bool = False
    """Whether it leaves something behind, in a group whose other cases do not."""
    without: tuple[str, ...] = ()
    """The SDKs that have nothing of the kind."""


class Group:
    """The cases of one kind, under a heading of the documentation's.

    ``together``: they leave nothing behind, so that one program may do all of them, one after the other.
    """

    def __init__(self, heading: str, *, together: bool = False) -> None:
        self.heading = heading
        self.together = together
        self.cases: dict[str, Case] = {}

    def case(self, told: str, **rest: Any) -> Callable[[Function], Function]:
        """Make a case of a function, which names it."""

        def note(run: Function) -> Function:
            self.cases[run.__name__] = Case(told, run, **rest)
            return run

        return note

    def add(self, name: str, told: str, run: Run, **rest: Any) -> None:
        """A case of which there are many alike."""
        self.cases[name] = Case(told, run, **rest)


def show(value: object) -> Run:
    """A program that captures an error where ``value`` is among the variables."""

    def run(sdk: Sdk) -> None:
        hostile, nearby = value, BESIDE
        try:
            raise ValueError(MESSAGE)
        except ValueError as error:
            sdk.capture(error)
        del hostile, nearby

    return run
