"""Hostile exceptions."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from hostile.case import BESIDE, MESSAGE, Group, Run, Sdk

GROUP: Final = Group("The exception itself", together=True)

NAMED: Final = (BESIDE,)
"""What is shown of an error that does not tell its message."""


def capturing(make: Callable[[], BaseException]) -> Run:
    """A program that raises what ``make`` makes, and captures it."""

    def run(sdk: Sdk) -> None:
        nearby = BESIDE
        try:
            raise make()
        except BaseException as error:
            sdk.capture(error)
        del nearby

    return run


def fail(*_: object, **__: object) -> Any:
    raise RuntimeError("hostile")


for name in ("__cause__", "__context__", "__traceback__", "__suppress_context__", "__notes__", "args", "__dict__"):
    Spoilt = type("Hostile", (Exception,), {name: property(fail)})
    GROUP.add(f"{name} raises", f"`{name}` is a property that raises", capturing(partial(Spoilt, MESSAGE)))
for name in ("__str__", "__repr__", "__eq__", "__hash__", "__bool__", "__len__", "__getattribute__", "__setattr__"):
    Spoilt = type("Hostile", (Exception,), {name: fail})
    shows = NAMED if name == "__str__" else (MESSAGE, BESIDE)
    GROUP.add(f"error {name} raises", f"`{name}` raises", capturing(partial(Spoilt, MESSAGE)), shows=shows)
for stop in (SystemExit(6), MemoryError(), BaseException("hostile")):

    def stopping(*_: object, stop: BaseException = stop) -> Any:
        raise stop

    Spoilt = type("Hostile", (Exception,), {"__str__": stopping})
    told = f"`__str__` raises `{type(stop).__name__}`"
    GROUP.add(
        f"error __str__ raises {type(stop).__name__}",
        told,
        capturing(partial(Spoilt, MESSAGE)),
        shows=NAMED,
    )


@GROUP.case("`__str__` captures a message", outcome="1 of 2 events, the rest counted", shows=NAMED)
def captures(sdk: Sdk) -> None:
    class Captures(Exception):
        def __str__(self) -> str:
            sdk.message("from a text")
            return "captured"

    capturing(Captures)(sdk)


@GROUP.case("`__str__` captures an error like it, and so on", outcome="1 of 2 events, the rest counted", shows=NAMED)
def captures_again(sdk: Sdk) -> None:
    class Captures(Exception):
        def __str__(self) -> str:
            sdk.capture(Captures())
            return "captured"

    capturing(Captures)(sdk)


class Odd(Exception):
    """Nothing of it is of the type that it should be."""

    __module__ = 7  # type: ignore[assignment]

    def __str__(self) -> str:
        return None  # type: ignore[return-value]


setattr(Odd, "__notes__", 5)  # noqa: B010  # from Python 3.11 on it has a type


GROUP.add("odd", "`__str__` gives None, `__notes__` a number, `__module__` a number", capturing(Odd), shows=NAMED)


class Forged(Exception):
    __cause__ = __context__ = __traceback__ = "hostile"  # type: ignore[assignment]


GROUP.add("forged", "`__cause__`, `__context__` and `__traceback__` are texts", capturing(lambda: Forged(MESSAGE)))


Claims: Any = type("Claims", (Exception,), {"__class__": property(lambda _: int)})
GROUP.add("claims", "`__class__` says `int`", capturing(lambda: Claims(MESSAGE)))


class Demanding(Exception):
    def __init__(self, a: object, b: object) -> None:
        self.a, self.b = a, b

    def __str__(self) -> str:
        return f"{self.a} {self.b}"


GROUP.add("never initialised", "its `__init__` never ran", capturing(lambda: Demanding.__new__(Demanding)), shows=NAMED)


class Proud(type):
    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError("hostile")

    def __repr__(cls) -> str:
        raise RuntimeError("hostile")

    __eq__ = fail

    def __hash__(cls) -> int:
        raise RuntimeError("hostile")


Prouder: Any = Proud("Prouder", (Exception,), {})
GROUP.add("error metaclass", "its class's metaclass raises for everything", capturing(lambda: Prouder(MESSAGE)))
GROUP.add("enormous", "its message is a text of 20 MB", capturing(lambda: ValueError(MESSAGE + "x" * 20_000_000)))
GROUP.add(
    "arguments", "its argument is a list of a million numbers", capturing(lambda: ValueError(MESSAGE, [*range(10**6)]))
)


@GROUP.case("it is its own cause and context")
def own_cause(sdk: Sdk) -> None:
    error = ValueError(MESSAGE)
    error.__cause__ = error.__context__ = error
    capturing(lambda: error)(sdk)


@GROUP.case("three of them cause one another")
def circle(sdk: Sdk) -> None:
    first, second, third = (ValueError(MESSAGE) for _ in range(3))
    first.__cause__, second.__cause__, third.__cause__ = second, third, first
    capturing(lambda: first)(sdk)


@GROUP.case("it has 10,000 causes, one behind the other")
def causes(sdk: Sdk) -> None:
    error = ValueError(MESSAGE)
    last: BaseException = error
    for number in range(10_000):
        last.__cause__ = KeyError(number)
        last = last.__cause__
    capturing(lambda: error)(sdk)


@GROUP.case("a group in which 1,000 groups are, one in the other", since=(3, 11))
def nested_groups(sdk: Sdk) -> None:
    group: Any = vars(builtins)["ExceptionGroup"]
    error: BaseException = ValueError("the innermost")
    for _ in range(1000):
        error = group(MESSAGE, [error])
    capturing(lambda: error)(sdk)


@GROUP.case("a group of 100,000 errors", since=(3, 11))
def crowd(sdk: Sdk) -> None:
    group: Any = vars(builtins)["ExceptionGroup"]
    capturing(lambda: group(MESSAGE, [ValueError() for _ in range(100_000)]))(sdk)


@GROUP.case("its stack has 100,000 calls", shows=(MESSAGE,))
def deep_stack(sdk: Sdk) -> None:
    error = ValueError(MESSAGE)
    for _ in range(100_000):
        try:
            raise error
        except ValueError:
            pass
    sdk.capture(error)


@GROUP.case("not an exception but a text", outcome="counted")
def no_error(sdk: Sdk) -> None:
    sdk.capture("hostile")  # type: ignore[arg-type]


@GROUP.case("an exception's class", outcome="counted")
def error_class(sdk: Sdk) -> None:
    sdk.capture(ValueError)  # type: ignore[arg-type]


@GROUP.case("its frame's globals have no `__name__`, and a `__loader__` that raises")
def nameless(sdk: Sdk) -> None:
    class Loader:
        def get_source(self, name: object) -> str:
            raise SystemExit(7)

        __getattr__ = fail

    code = compile(f"def fail(error):\n  nearby = {BESIDE!r}\n  raise error\n", "nowhere.py", "exec")
    names: dict[str, Any] = {"__name__": 5, "__loader__": Loader()}
    exec(code, names)
    try:
        names["fail"](ValueError(MESSAGE))
    except ValueError as error:
        sdk.capture(error)


@GROUP.case("its source file is a device that never ends", shows=(MESSAGE, BESIDE))
def endless_source(sdk: Sdk) -> None:
    names: dict[str, Any] = {"__name__": "hostile_source"}
    exec(compile(f"def fail(error):\n  nearby = {BESIDE!r}\n  raise error\n", "/dev/zero", "exec"), names)
    try:
        names["fail"](ValueError(MESSAGE))
    except ValueError as error:
        sdk.capture(error)


@GROUP.case("its source file is a pipe that nobody writes to")
def pipe_source(sdk: Sdk) -> None:
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pipe.py")
        os.mkfifo(path)
        names: dict[str, Any] = {"__name__": "hostile_source"}
        exec(compile(f"def fail(error):\n  nearby = {BESIDE!r}\n  raise error\n", path, "exec"), names)
        try:
            names["fail"](ValueError(MESSAGE))
        except ValueError as error:
            sdk.capture(error)
        sdk.flush()


@GROUP.case("raised in the body of a class whose namespace raises", shows=(MESSAGE,))
def namespace(sdk: Sdk) -> None:
    class Namespace(dict[str, Any]):
        def __iter__(self) -> Any:
            raise SystemExit(8)

        items = keys = values = copy = __len__ = __iter__

    class Meta(type):
        @classmethod
        def __prepare__(cls, name: str, bases: Any, /, **_: Any) -> Any:
            return Namespace()

    try:

        class Body(metaclass=Meta):
            raise ValueError(MESSAGE)

    except ValueError as error:
        sdk.capture(error)
