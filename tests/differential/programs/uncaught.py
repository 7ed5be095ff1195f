"""Errors that nobody catches: what is printed of them, what hooks are told, how the process ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from differential.programs.program import Program

PROGRAMS = [
    Program(
        "an error with a cause, a context and notes",
        """
def parse(text):
    try:
        return int(text)
    except ValueError as error:
        raise LookupError(text) from error

try:
    parse("forty")
except LookupError as error:
    error.__notes__ = ["asked by nobody", "and for nothing"]
    raise RuntimeError("no order") from None
finally:
    print("bye")
""",
        events=("RuntimeError",),
        code=1,
        by_all=True,
    ),
    Program(
        "an error in the handling of another",
        """
try:
    {}["key"]
except KeyError:
    try:
        1 / 0
    except ZeroDivisionError:
        [].pop()
""",
        events=("IndexError",),
        code=1,
    ),
    Program(
        "an error that was captured, and goes on",
        """
def work():
    try:
        1 / 0
    except ZeroDivisionError as error:
        capture_exception(error)
        raise

try:
    work()
except ZeroDivisionError as error:
    capture_exception()
    raise ValueError("later") from error
""",
        events=("ValueError", "ZeroDivisionError"),
        code=1,
        by_all=True,
    ),
    Program(
        "a syntax error",
        """
compile("def f(:\\n  pass\\n", "given.py", "exec")
""",
        events=("SyntaxError",),
        code=1,
    ),
    Program(
        "an error in a function that calls itself",
        """
import sys
sys.setrecursionlimit(200)
def dig():
    return dig()
dig()
""",
        events=("RecursionError",),
        code=1,
    ),
    Program(
        "an error that cannot say what it is",
        """
class Sullen(Exception):
    def __str__(self):
        raise TypeError("not telling")
    __repr__ = __str__
raise Sullen("x")
""",
        events=("Sullen",),
        code=1,
    ),
    Program("ctrl-c", "raise KeyboardInterrupt('now')", code=-2),
    Program("an exit with a number", "import sys; sys.exit(3)", code=3),
    Program("an exit with a large number", "import sys; sys.exit(2**40 + 7)", code=7),
    Program("an exit with a text", "import sys; sys.exit('that is that')", code=1),
    Program("an exit with nothing", "raise SystemExit"),
    Program("an exit with an object", "raise SystemExit({'no': 'number'})", code=1),
    Program(
        "an exit where an error was captured before",
        """
import sys
try:
    1 / 0
except ZeroDivisionError:
    capture_exception()
    sys.exit(4)
""",
        events=("ZeroDivisionError",),
        code=4,
        by_all=True,
    ),
    Program(
        "an excepthook from before",
        """
import sys, traceback
def hook(kind, error, trace):
    print(kind, repr(error), len(list(traceback.walk_tb(trace))), sys.last_value is error, error.__traceback__ is trace)
sys.excepthook = hook
# set-up
def fail():
    raise ValueError("heard")
fail()
""",
        events=("ValueError",),
        code=1,
    ),
    Program(
        "an excepthook from later, which calls the one before it",
        """
import sys, traceback
before = sys.excepthook
def hook(kind, error, trace):
    print("first", kind.__name__, traceback.extract_tb(trace).format())
    before(kind, error, trace)
sys.excepthook = hook
1 / 0
""",
        events=("ZeroDivisionError",),
        code=1,
    ),
    Program(
        "an excepthook from later, which calls nobody",
        """
import sys
sys.excepthook = lambda *_: print("mine alone")
1 / 0
""",
        code=1,
    ),
    Program(
        "an excepthook that ends the program",
        """
import os, sys
def hook(kind, error, trace):
    flush()
    os._exit(9)
sys.excepthook = hook
# set-up
1 / 0
""",
        events=("ZeroDivisionError",),
        code=9,
    ),
    Program(
        "no standard streams",
        """
import sys
sys.stdout = sys.stderr = sys.__stderr__ = None
1 / 0
""",
        events=("ZeroDivisionError",),
        code=1,
    ),
    Program(
        "nobody reads standard output",
        """
print("for nobody")
capture_message("written")
""",
        events=("BrokenPipeError", "written"),
        code=120,
        closed=True,
    ),
    Program(
        "a thread that ends with an error",
        """
import threading
def work():
    raise LookupError("in a thread")
thread = threading.Thread(target=work, name="worker")
thread.start()
thread.join()
print(thread)
threading.Thread(target=lambda: exit(3)).start()
""",
        events=("LookupError",),
        by_all=True,
    ),
    Program(
        "a hook for threads, from before and from later",
        """
import threading
def hook(args):
    print(args.exc_type, args.exc_value, args.thread.name, args.exc_value.__traceback__ is args.exc_traceback)
threading.excepthook = hook
# set-up
def work():
    raise LookupError("in a thread")
def later(args):
    print("later", args.exc_value)
    before(args)
def start():
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
start()
before, threading.excepthook = threading.excepthook, later
start()
""",
        events=("LookupError", "LookupError"),
    ),
    Program(
        "errors that cannot propagate",
        """
import atexit, sys, weakref
class Thing:
    def __del__(self):
        raise ValueError("in a finalizer")
Thing()
class Other:
    pass
other = Other()
watch = weakref.ref(other, lambda _: 1 / 0)
del other
def last():
    raise OSError("at the end")
atexit.register(last)
left = Thing()
""",
        events=("OSError", "ValueError", "ZeroDivisionError"),  # what is left ends after all that could send something
    ),
    Program(
        "a hook for errors that cannot propagate",
        """
import sys
def hook(args):
    print(args.exc_type, args.exc_value, args.err_msg, args.object.__qualname__)
sys.unraisablehook = hook
# set-up
class Thing:
    def __del__(self):
        raise ValueError("in a finalizer")
Thing()
""",
        events=("ValueError",),
    ),
    Program(
        "warnings that are errors",
        """
import warnings
warnings.simplefilter("error")
try:
    warnings.warn("old", DeprecationWarning)
except DeprecationWarning:
    capture_exception()
warnings.warn("older", FutureWarning, stacklevel=1)
""",
        events=("DeprecationWarning", "FutureWarning"),
        code=1,
    ),
]


def from_3_11() -> Iterator[Program]:
    """Python 3.10 has no groups, and shows our step among those of a hook that fails."""
    yield Program(
        "an excepthook that fails",
        """
import sys
def hook(kind, error, trace):
    raise OSError("nowhere to write")
sys.excepthook = hook
# set-up
1 / 0
""",
        events=("ZeroDivisionError",),
        code=1,
    )
    yield Program(
        "a group of errors",
        """
def fail(kind):
    try:
        raise kind("in the group")
    except kind as error:
        return error
try:
    raise ExceptionGroup("two", [fail(ValueError), ExceptionGroup("one", [fail(OSError)])])
except* OSError as group:
    capture_exception(group)
    print(repr(group), repr(group.__cause__), repr(group.__context__))
""",
        events=("ExceptionGroup", "ExceptionGroup"),
        code=1,
    )


if sys.version_info >= (3, 11):
    PROGRAMS.extend(from_3_11())
