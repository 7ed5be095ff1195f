"""Errors that were captured, as objects: nothing of them changes, and they live no longer."""

from __future__ import annotations

from differential.programs.program import Program

PROGRAMS = [
    Program(
        "an error is what it was",
        """
import copy, pickle, sys, traceback
class Odd(Exception):
    __slots__ = ("place",)
    def __init__(self, text, place):
        super().__init__(text)
        self.place = place
    def __reduce__(self):
        return Odd, (*self.args, self.place)
def fail(kind, *args):
    local = "seen"
    raise kind(*args)
def look(kind, args):
    try:
        fail(kind, *args)
    except Exception as error:
        before = (error.__traceback__, sys.exc_info(), error.__cause__, error.__context__, sys.getrefcount(error))
        error.note = [kind.__name__]
        capture_exception(error)
        capture_exception()
        after = (error.__traceback__, sys.exc_info(), error.__cause__, error.__context__, sys.getrefcount(error))
        print(before == after, before[-1], [frame.f_lineno for frame, _ in traceback.walk_tb(error.__traceback__)])
        print(str(error), repr(error), error.args, sorted(name for name in dir(error) if "asyncsentry" not in name))
        for twin in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
            print(repr(twin), getattr(twin, "place", None), getattr(twin, "note", None), twin.__traceback__)
        traceback.print_exc()
        print(*traceback.TracebackException.from_exception(error, capture_locals=True).format())
        print(traceback.format_exc(), traceback.format_exception(type(error), error, error.__traceback__))
for kind, args in ((ValueError, ("no",)), (Odd, ("odd", "here")), (OSError, (2, "gone", "file")), (KeyError, ())):
    look(kind, args)
""",
        events=("FileNotFoundError", "KeyError", "Odd", "ValueError"),
        by_all=True,
    ),
    Program(
        "an error with variables of its own",
        """
try:
    1 / 0
except ZeroDivisionError as error:
    error.order = 7
    capture_exception(error)
    variables = vars(error)
    variables.pop("__asyncsentry__", None)  # that it was captured: the one thing that is there besides
    print(variables)
""",
        events=("ZeroDivisionError",),
    ),
    Program(
        "a function that makes names of its own",
        """
def work():
    exec("def helper(): return 7")
    locals()["number"] = 5
    try:
        raise ValueError("no")
    except ValueError as error:
        capture_exception(error)
    for name in ("helper()", "number"):
        try:
            print(eval(name))
        except NameError as error:  # from Python 3.13 on
            print(error)
work()
""",
        events=("ValueError",),
    ),
    Program(
        "what lives how long",
        """
import gc, logging, sys, threading, weakref
class Thing:
    def __init__(self, name):
        self.name = name
    def __del__(self):
        print(self.name, "is gone")
def fail(name):
    thing = Thing(name)
    raise ValueError(name)
gc.disable()
logging.basicConfig(format="%(message)s", stream=sys.stdout)
try:
    fail("captured")
except ValueError as error:
    capture_exception(error)
    print("handled")
print("after the first")
try:
    fail("logged")
except ValueError:
    logging.exception("handled")
print("after the second")
def work():
    fail("of a thread")
threading.excepthook = lambda args: print("in the thread's hook")
thread = threading.Thread(target=work)
thread.start()
thread.join()
print("after the third")
def generate():
    thing = Thing("of a generator")
    try:
        yield 1
    except ValueError as error:
        capture_exception(error)
    yield 2
steps = generate()
next(steps)
steps.throw(ValueError("thrown"))
del steps
print("after the fourth")
fail("the last")
""",
        events=("ValueError", "ValueError", "ValueError", "ValueError"),
        code=1,
        by_all=True,
    ),
    Program(
        "what lives how long in tasks",
        """
import asyncio, gc
class Thing:
    def __del__(self):
        print("gone")
async def fail():
    thing = Thing()
    await asyncio.sleep(0)
    raise ValueError("in a task")
async def main():
    gc.disable()
    try:
        await asyncio.create_task(fail())
    except ValueError as error:
        capture_exception(error)
    print("after the first")
    asyncio.create_task(fail())
    for _ in range(4):
        await asyncio.sleep(0)
    gc.collect()
    print("after the second")
asyncio.run(main())
""",
        events=("ValueError", "ValueError"),
        by_all=True,
    ),
    Program(
        "values with minds of their own",
        """
class Touchy:
    touched = []
    def __bool__(self):
        self.touched.append("bool")
        return True
    def __len__(self):
        self.touched.append("len")
        return 1
    def __eq__(self, other):
        self.touched.append("eq")
        return False
    def __iter__(self):
        self.touched.append("iter")
        return iter(())
    def __getattr__(self, name):
        self.touched.append(name)
        raise AttributeError(name)
def fail(touchy, generator):
    return touchy + 1
generator = (number for number in range(3))
try:
    fail(Touchy(), generator)
except TypeError as error:
    capture_exception(error, extras={"touchy": Touchy()})
flush()
print(Touchy.touched, list(generator))
""",
        events=("TypeError",),
    ),
]
