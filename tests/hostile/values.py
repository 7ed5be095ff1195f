"""Hostile values among the variables of a frame."""

from __future__ import annotations

import ctypes
import io
import sqlite3
import sys
import time
import weakref
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hostile.case import BESIDE, MESSAGE, Group, Sdk, show

GROUP: Final = Group("Among the variables: objects", together=True)


def raising(method: str, error: BaseException) -> object:
    """An object whose ``method`` raises, whatever it is called with."""

    def fail(*_: object, **__: object) -> Any:
        raise error

    return type("Hostile", (), {method: fail})()


for method in ("__repr__", "__str__", "__getattribute__", "__eq__", "__hash__", "__len__", "__iter__", "__bool__"):
    GROUP.add(f"{method} raises", f"`{method}` raises `Exception`", show(raising(method, Exception("hostile"))))
for error in (BaseException("hostile"), SystemExit(3), GeneratorExit(), MemoryError(), RecursionError()):
    kind = type(error).__name__
    GROUP.add(f"__repr__ raises {kind}", f"`__repr__` raises `{kind}`", show(raising("__repr__", error)))
GROUP.add(
    "__repr__ raises KeyboardInterrupt",
    "`__repr__` raises `KeyboardInterrupt`: nobody can tell it from Ctrl-C, which is kept for after the capture",
    show(raising("__repr__", KeyboardInterrupt())),
    outcome="**event, raises `KeyboardInterrupt` into the program**",
)
GROUP.add(
    "__getattr__ raises BaseException",
    "`__getattr__` raises `BaseException`",
    show(raising("__getattr__", BaseException("hostile"))),
)
GROUP.add(
    "__getattribute__ raises BaseException",
    "`__getattribute__` raises `BaseException`",
    show(raising("__getattribute__", BaseException("hostile"))),
)


class Exits:
    def __repr__(self) -> str:
        sys.exit(4)


GROUP.add("exits", "`__repr__` calls `sys.exit`", show(Exits()))


class Recurses:
    def __repr__(self) -> str:
        return repr(self)


GROUP.add("recurses", "`__repr__` recurses for ever", show(Recurses()))


class Deep:
    """Each is shown by showing the next, far beyond the stack."""

    def __init__(self, inner: object) -> None:
        self.inner = inner

    def __repr__(self) -> str:
        return f"({self.inner!r})"


def deep() -> object:
    value: object = None
    for _ in range(900):
        value = Deep(value)
    return value


GROUP.add("deep", "`__repr__` calls 900 others, one in the other", show(deep()))


def nested() -> list[object]:
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    return value


@GROUP.case("a list that is nested 100,000 deep", shows=(MESSAGE, BESIDE))
def nested_lists(sdk: Sdk) -> None:
    hostile = nested()
    show(hostile)(sdk)
    while hostile:  # from outside in: the interpreter's own way to free it is not what is asked here
        hostile = hostile.pop()  # type: ignore[assignment]


class Sleeps:
    def __repr__(self) -> str:
        time.sleep(0.2)
        return "slept"


@GROUP.case("fifteen objects, the `__repr__` of each of which sleeps 0.2 s")
def sleeping(sdk: Sdk) -> None:
    hostile = [[Sleeps() for _ in range(5)] for _ in range(3)]
    show(hostile)(sdk)


class Busy:
    def __repr__(self) -> str:
        until = time.perf_counter() + 0.2
        while time.perf_counter() < until:
            pass
        return "was busy"


@GROUP.case("the same, and they work instead of sleeping")
def busy(sdk: Sdk) -> None:
    hostile = [[Busy() for _ in range(5)] for _ in range(3)]
    show(hostile)(sdk)


class Writes:
    def __repr__(self) -> str:
        return "x" * 50_000_000


GROUP.add("writes", "`__repr__` gives 50 MB of text", show(Writes()))


class Allocates:
    def __repr__(self) -> str:
        return str(bytes(1 << 46))


GROUP.add("allocates", "`__repr__` asks for more memory than there is", show(Allocates()))


class Coroutine:
    async def __repr__(self) -> str:  # type: ignore[override]
        return "awaited"


GROUP.add("coroutine", "`__repr__` is a coroutine function", show(Coroutine()))


class Number:
    def __repr__(self) -> str:
        return 5  # type: ignore[return-value]


GROUP.add("number", "`__repr__` returns a number", show(Number()))


class Text(str):
    def _fail(self, *_: object) -> Any:
        raise RuntimeError("hostile")

    __len__ = __getitem__ = __iter__ = __eq__ = __hash__ = encode = replace = __str__ = __contains__ = _fail  # type: ignore[assignment]


class Subclass:
    def __repr__(self) -> str:
        return Text("hostile")


GROUP.add("subclass", "`__repr__` returns a subclass of `str` whose methods raise", show(Subclass()))
GROUP.add("text", "a subclass of `str` whose methods raise", show(Text("hostile")))


class Surrogates:
    def __repr__(self) -> str:
        return "\ud800 \0 \x1b[31m \r\n"


GROUP.add("surrogates", "`__repr__` gives lone surrogates, NULs and control characters", show(Surrogates()))


for name, told, answer in (
    ("liar", "`__class__` says `dict`", lambda _: dict),
    ("unsure", "`__class__` raises", lambda _: 1 // 0),
):
    Liar: Any = type("Liar", (), {"__class__": property(answer)})
    GROUP.add(name, told, show(Liar()))


class Meta(type):
    def __repr__(cls) -> str:
        raise RuntimeError("hostile")

    def __instancecheck__(cls, instance: object) -> bool:
        raise RuntimeError("hostile")

    def __subclasscheck__(cls, subclass: type) -> bool:
        raise RuntimeError("hostile")

    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError("hostile")

    def __eq__(cls, other: object) -> bool:
        raise RuntimeError("hostile")

    def __hash__(cls) -> int:
        raise RuntimeError("hostile")


Cursed: Any = Meta("Cursed", (), {})
GROUP.add("metaclass", "an instance of a class whose metaclass raises for everything", show(Cursed()))
GROUP.add("class", "that class itself", show(Cursed))


Named: Any = type("Named", (type,), {"__name__": property(lambda _: 5), "__module__": property(lambda _: 5)})
GROUP.add("named", "a class whose `__name__` is a number", show(Named("Real", (), {})()))


class Changing(Mapping[str, object]):
    """Never the same twice, and never at its end."""

    def __getitem__(self, name: str) -> object:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        number = 0
        while True:
            number += 1
            yield f"name {number}"

    def __len__(self) -> int:
        return -1


GROUP.add("mapping", "a mapping without end, whose length is negative and whose values are not there", show(Changing()))


@GROUP.case("a dict that grows while it is read")
def growing(sdk: Sdk) -> None:
    hostile: dict[object, object] = {}

    class Grows:
        def __repr__(self) -> str:
            hostile[len(hostile)] = self
            return "grew"

    hostile.update({number: Grows() for number in range(5)})
    show(hostile)(sdk)


@GROUP.case("a list that is emptied while it is read")
def shrinking(sdk: Sdk) -> None:
    class Empties:
        def __repr__(self) -> str:
            hostile.clear()
            return "emptied"

    hostile: list[object] = [Empties() for _ in range(5)]
    show([hostile, hostile])(sdk)


class Key:
    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("hostile")

    def __repr__(self) -> str:
        raise SystemExit(5)


GROUP.add("key", "a dict with a key that cannot be compared nor shown", show({Key(): 1, "name": 2}))
GROUP.add("integer", "a number of 100,000 digits", show(10**100_000))


class Endless:
    def __getattr__(self, name: str) -> Any:
        return Endless()

    def __call__(self, *_: object) -> Any:
        return Endless()


GROUP.add("endless", "an object that has every attribute, each one such an object again", show(Endless()))


# -- half built, closed, gone, running

HALF: Final = Group("Among the variables: what is half built, closed, gone or running", together=True)

HALF.add("wrapper", "a `TextIOWrapper` that was never initialised", show(io.TextIOWrapper.__new__(io.TextIOWrapper)))
HALF.add("buffer", "a `BufferedReader` that was never initialised", show(io.BufferedReader.__new__(io.BufferedReader)))


class Fields:
    def __init__(self) -> None:
        self.name = "built"

    def __repr__(self) -> str:
        return self.name


HALF.add("unbuilt", "an object whose `__init__` never ran", show(Fields.__new__(Fields)))
HALF.add("error", "an `OSError` whose `__init__` never ran", show(OSError.__new__(OSError)))
HALF.add(
    "unicode error",
    "a `UnicodeDecodeError` whose `__init__` never ran",
    show(UnicodeDecodeError.__new__(UnicodeDecodeError)),
)


class Struct(ctypes.Structure):
    _fields_ = [("pointer", ctypes.c_char_p)]

    def __repr__(self) -> str:
        return f"<{self.pointer!r}>"


HALF.add("struct", "a `ctypes` structure that points nowhere", show(Struct()))


@HALF.case("a `memoryview` that was released")
def released(sdk: Sdk) -> None:
    view = memoryview(b"abc")
    view.release()
    show(view)(sdk)


@HALF.case("a closed file, a closed database and its cursor")
def closed(sdk: Sdk) -> None:
    connection = sqlite3.connect(":memory:")
    cursor = connection.cursor()
    connection.close()
    file = io.StringIO()
    file.close()
    show((connection, cursor, file))(sdk)


@HALF.case("a generator that is running")
def running(sdk: Sdk) -> None:
    def generate() -> Iterator[None]:
        show(itself)(sdk)
        yield

    itself = generate()
    next(itself)


@HALF.case("a weak reference's proxy whose object is gone")
def proxy(sdk: Sdk) -> None:
    show(weakref.proxy(Fields()))(sdk)


@HALF.case("a coroutine that nobody awaits, and the loop that it was to run on, closed")
def coroutine_object(sdk: Sdk) -> None:
    import asyncio

    loop = asyncio.new_event_loop()
    sleeping = asyncio.sleep(5)
    loop.close()
    show((sleeping, loop))(sdk)
    sleeping.close()


@HALF.case("a lock that is held, a thread that was never started, a socket that is closed")
def held(sdk: Sdk) -> None:
    import socket
    import threading

    lock = threading.RLock()
    lock.acquire()
    with socket.socket() as closed_socket:
        pass
    show((lock, threading.Thread(), closed_socket))(sdk)
    lock.release()


@HALF.case("a frame, a traceback, and a code object")
def frames(sdk: Sdk) -> None:
    try:
        raise LookupError
    except LookupError as error:
        show((sys._getframe(), error.__traceback__, sys._getframe().f_code))(sdk)
