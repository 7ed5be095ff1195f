"""asyncio: errors that nobody awaits, cancellation, time-outs, the ends of loops."""

from __future__ import annotations

import sys

from differential.programs.program import Program

PROGRAMS = [
    Program(
        "a task that nobody awaits",
        """
import asyncio, gc
async def work():
    raise LookupError("unawaited")
async def main():
    asyncio.create_task(work())
    await asyncio.sleep(0.01)
    gc.collect()
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.01)
    print("on")
asyncio.run(main())
""",
        events=("LookupError", "ZeroDivisionError"),
        by_all=True,
    ),
    Program(
        "a loop's own exception handler",
        """
import asyncio, gc
def handle(loop, context):
    print(context["message"], sorted(context), repr(context["exception"]))
def pass_on(loop, context):
    print("passed on")
    loop.default_exception_handler(context)
async def work(kind):
    raise kind("unawaited")
async def main():
    loop = asyncio.get_running_loop()
    for handler, kind in ((handle, LookupError), (pass_on, ValueError)):
        loop.set_exception_handler(handler)
        asyncio.create_task(work(kind))
        await asyncio.sleep(0.01)
        gc.collect()
    print(loop.get_exception_handler() is pass_on)
asyncio.run(main())
""",
        events=("ValueError",),
    ),
    Program(
        "a logger of asyncio's that is one of the program's classes",
        """
import logging
class Logger(logging.Logger):
    def error(self, message, *args, **others):
        print("an error:", message.splitlines()[0])
        super().error(message, *args, **others)
logging.setLoggerClass(Logger)
import asyncio
logging.setLoggerClass(logging.Logger)
# set-up
logging.basicConfig(format="%(name)s %(levelname)s %(filename)s %(funcName)s %(message)s")
async def main():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.01)
asyncio.run(main())
""",
        events=("ZeroDivisionError",),
    ),
    Program(
        "tasks that are cancelled",
        """
import asyncio
async def work():
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError as error:
        capture_exception(error)
        print("cancelled", error.args)
        raise
async def stubborn():
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        capture_message("refused")
    return "done"
async def main():
    tasks = [asyncio.create_task(work(), name="work"), asyncio.create_task(stubborn(), name="stubborn")]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel("enough")
    print(await asyncio.gather(*tasks, return_exceptions=True))
    print([task.cancelled() for task in tasks], [getattr(task, "cancelling", int)() for task in tasks])
    inner = asyncio.create_task(work())
    outer = asyncio.create_task(asyncio.wait_for(asyncio.shield(inner), 0.01))
    try:
        await outer
    except asyncio.TimeoutError as error:
        print(repr(error), repr(error.__cause__), repr(error.__context__), inner.done())
    asyncio.current_task().cancel()
    try:
        await asyncio.sleep(0)
    finally:
        print("no more")
asyncio.run(main())
""",
        events=("CancelledError", "CancelledError", "CancelledError", "refused"),
        code=1,
        by_all=True,
    ),
    Program(
        "the numbers of tasks",
        """
import asyncio
async def main():
    for _ in range(3):
        capture_message("one")
        await asyncio.sleep(0.05)
        print(asyncio.create_task(asyncio.sleep(0)).get_name())
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
    print("all done")
asyncio.run(main())
""",
        events=("one", "one", "one"),
        by_all=True,
    ),
    Program(
        "ctrl-c in a loop",
        """
import asyncio, signal
async def main():
    try:
        capture_message("before")
        asyncio.get_running_loop().call_later(0.02, signal.raise_signal, signal.SIGINT)
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        print("cancelled")
        raise
    finally:
        print("cleaned up")
signal.signal(signal.SIGINT, signal.default_int_handler)
asyncio.run(main())
""",
        events=("before",),
        code=-2,
    ),
    Program(
        "a loop in debug mode",
        """
import asyncio, gc
async def fail():
    raise ValueError("unawaited")
async def main():
    asyncio.get_running_loop().slow_callback_duration = 60
    asyncio.create_task(fail())
    await asyncio.sleep(0.01)
    gc.collect()
    fail()
    gc.collect()
    try:
        1 / 0
    except ZeroDivisionError:
        capture_exception()
    await asyncio.sleep(0.05)
asyncio.run(main(), debug=True)
""",
        events=("ValueError", "ZeroDivisionError"),
        flags=("-X", "dev"),
    ),
    Program(
        "asynchronous generators, and the order in which things end",
        """
import asyncio, atexit, sys
atexit.register(print, "at exit")
async def numbers(name):
    try:
        for number in range(9):
            yield number
    finally:
        await asyncio.sleep(0)
        print(name, "is closed")
async def work():
    try:
        await asyncio.sleep(60)
    finally:
        print("the task is done")
async def main():
    hooks = sys.get_asyncgen_hooks()
    tasks = [asyncio.create_task(work())]
    kept = [numbers("the generator")]
    print([await generator.__anext__() for generator in kept])
    capture_message("in between")
    await asyncio.sleep(0.02)
    print(sys.get_asyncgen_hooks() == hooks)
    return kept
kept = asyncio.run(main())
print("main is done")
""",
        events=("in between",),
        by_all=True,
    ),
    Program(
        "a loop that is left as it is",
        """
import asyncio
async def work():
    capture_message("captured")
    await asyncio.sleep(0.02)
    return 5
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
print(loop.run_until_complete(work()))
pending = loop.create_task(asyncio.sleep(60), name="pending")
loop.run_until_complete(asyncio.sleep(0))
print(loop.run_until_complete(work()))
pending.cancel()
loop.run_until_complete(asyncio.wait([pending]))
loop.close()
print(loop, type(asyncio.get_event_loop_policy()).__name__)
""",
        events=("captured", "captured"),
        by_all=True,
    ),
    Program(
        "variables of the program's contexts",
        """
import asyncio, contextvars, decimal
user = contextvars.ContextVar("user", default="nobody")
async def work(name):
    user.set(name)
    set_tag("user", name)
    add_breadcrumb(message=name)
    await asyncio.sleep(0)
    capture_message(name)
    return user.get(), {var.name: value for var, value in contextvars.copy_context().items() if var is user}
async def main():
    print(await asyncio.gather(work("ann"), work("bob")), user.get())
asyncio.run(main())
context = contextvars.Context()
print(context.run(lambda: (capture_message("inside"), user.get())[1]), user in context, user.get())
decimal.getcontext().prec = 7
capture_message("counted")
print(decimal.Decimal(1) / 7)
""",
        events=("ann", "bob", "inside", "counted"),
    ),
    Program(
        "errors in threads that a loop waits for",
        """
import asyncio, threading
from concurrent.futures import ThreadPoolExecutor
def work():
    print(threading.current_thread().name)
    raise LookupError("in a thread")
async def main():
    loop = asyncio.get_running_loop()
    capture_message("first")
    await asyncio.sleep(0.05)
    with ThreadPoolExecutor(1, "pool") as pool:
        try:
            await loop.run_in_executor(pool, work)
        except LookupError as error:
            capture_exception(error)
            print(repr(error))
    await asyncio.to_thread(work)
asyncio.run(main())
""",
        events=("first", "LookupError", "LookupError"),
        code=1,
    ),
]

if sys.version_info >= (3, 11):
    PROGRAMS += [
        Program(
            "a group of tasks",
            """
import asyncio
async def fail(kind):
    await asyncio.sleep(0.01)
    raise kind("in the group")
async def work():
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        print("a sibling is cancelled", asyncio.current_task().cancelling())
        raise
async def main():
    async with asyncio.TaskGroup() as group:
        group.create_task(fail(ValueError))
        group.create_task(fail(OSError))
        group.create_task(work())
asyncio.run(main())
""",
            events=("ExceptionGroup",),
            code=1,
            by_all=True,
        ),
        Program(
            "time-outs, and cancellations that are taken back",
            """
import asyncio
async def main():
    task = asyncio.current_task()
    try:
        async with asyncio.timeout(0.01) as scope:
            await asyncio.sleep(60)
    except TimeoutError as error:
        capture_exception(error)
        print(repr(error), repr(error.__cause__), scope, task.cancelling())
    task.cancel()
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        capture_message("taken back")
        print(task.cancelling(), task.uncancel())
    async with asyncio.timeout(60):
        await asyncio.sleep(0)
    print(task.cancelling())
with asyncio.Runner() as runner:
    runner.run(main())
""",
            events=("TimeoutError", "taken back"),
        ),
    ]
