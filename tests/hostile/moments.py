"""Moments at which a capture is not expected."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
import time
import weakref
from types import FrameType
from typing import Any, Final

from hostile.case import BESIDE, MESSAGE, Group, Sdk

GROUP: Final = Group("The moment of the capture", together=True)


def fail(sdk: Sdk) -> None:
    """Raise and capture."""
    nearby = BESIDE
    try:
        raise ValueError(MESSAGE)
    except ValueError as error:
        sdk.capture(error)
    del nearby


def use(sdk: Any) -> None:
    """So that what comes is not the first of all captures."""
    sdk.quietly = True
    sdk.message("used before")
    sdk.quietly = False
    sdk.flush()


class Dying:
    """Captures when it dies."""

    def __init__(self, sdk: Sdk) -> None:
        self.sdk = sdk

    def __del__(self) -> None:
        fail(self.sdk)


@GROUP.case("where no stack is left, in the handler of its `RecursionError`", outcome="counted", shows=(), alone=True)
def no_stack(sdk: Any) -> None:
    """The first call that there is room for captures it, and nobody else."""
    sdk.expect(1)

    def dive() -> None:
        try:
            dive()
        except RecursionError as error:
            sdk.capture_plainly(error)
            raise LookupError from None

    try:
        dive()
    except LookupError:
        print("captured")


@GROUP.case("the same, and where the error is caught in the end once more", shows=(), alone=True)
def little_stack(sdk: Any) -> None:
    sdk.expect(1)

    def dive() -> None:
        try:
            dive()
        except RecursionError as error:
            sdk.capture_plainly(error)
            raise

    try:
        dive()
    except RecursionError as error:
        sdk.capture_plainly(error)


@GROUP.case("after captures at every depth of the stack down to its end", ignores="hardly any", alone=True)
def every_depth(sdk: Any) -> None:
    """What fails for lack of stack leaves nothing behind: the next capture arrives."""
    limit = sys.getrecursionlimit()

    def dive(left: int) -> None:
        if left:
            dive(left - 1)
        else:
            try:
                sdk.capture_plainly(RuntimeError("where hardly any stack is left"))
            except RecursionError:
                pass  # no call has room here

    for depth in range(limit - 150, limit, 1):
        try:
            dive(depth)
        except RecursionError:
            pass
    sdk.flush()
    fail(sdk)


@GROUP.case(
    "while no memory is left, in the handler of the `MemoryError`", outcome="counted", ignores="used before", alone=True
)
def no_memory(sdk: Sdk) -> None:
    import resource

    use(sdk)
    time.sleep(0.5)  # a thread that is about to begin or to end, after that delivery, would give memory back later
    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    hoard: list[bytes] = []
    try:
        resource.setrlimit(resource.RLIMIT_AS, (now + 20_000_000, before[1]))
        for size in (1_000_000, 10_000, 100, 1):
            try:
                while True:
                    hoard.append(bytes(size + 32))
            except MemoryError:
                pass
        raise MemoryError(MESSAGE)
    except MemoryError as error:
        sdk.capture(error)
        hoard.clear()
        resource.setrlimit(resource.RLIMIT_AS, before)


@GROUP.case("in `__del__`")
def finalizer(sdk: Sdk) -> None:
    Dying(sdk)


@GROUP.case("in `__del__`, called by the collector in the midst of another capture", outcome="21 events")
def collected(sdk: Sdk) -> None:
    """Each finalizer's error is of another issue than the next, and than the captures that it interrupts."""
    for _ in range(20):
        cycle = [Dying(sdk)]
        cycle.append(cycle)  # type: ignore[arg-type]
        del cycle
    gc.collect()
    fail(sdk)


@GROUP.case("in a weak reference's callback")
def reference(sdk: Sdk) -> None:
    target = threading.Event()
    kept = weakref.ref(target, lambda _: fail(sdk))
    del target
    del kept


@GROUP.case("in a callback of the garbage collector")
def collector(sdk: Sdk) -> None:
    def callback(phase: str, _details: object) -> None:
        if phase == "stop":
            fail(sdk)

    gc.disable()
    gc.callbacks.append(callback)
    gc.collect()
    gc.callbacks.remove(callback)
    gc.enable()


@GROUP.case("in a signal handler")
def signal_handler(sdk: Sdk) -> None:
    def handler(_number: int, _frame: FrameType | None) -> None:
        fail(sdk)

    signal.signal(signal.SIGUSR1, handler)
    os.kill(os.getpid(), signal.SIGUSR1)


@GROUP.case("after captures in 300 signal handlers in the midst of others", ignores="from ", alone=True)
def signals(sdk: Sdk) -> None:
    """However many of them are captured: none is stuck, and the one after them all arrives."""

    def handler(_number: int, _frame: FrameType | None) -> None:
        inside.message("from a handler")

    inside: Any = sdk
    inside.quietly = True
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    for _ in range(300):
        inside.message("from the program")
    signal.setitimer(signal.ITIMER_REAL, 0)
    inside.quietly = False
    sdk.flush()
    fail(sdk)


@GROUP.case("in a trace function (`sys.settrace`)")
def tracing(sdk: Sdk) -> None:
    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        if frame.f_code.co_name == "traced" and event == "return":
            fail(sdk)
        return trace

    def traced() -> None:
        pass

    sys.settrace(trace)
    traced()
    sys.settrace(None)


@GROUP.case("in a profile function (`sys.setprofile`)")
def profiling(sdk: Sdk) -> None:
    def profile(frame: FrameType, event: str, _argument: object) -> None:
        if frame.f_code.co_name == "profiled" and event == "return":
            fail(sdk)

    def profiled() -> None:
        pass

    sys.setprofile(profile)
    profiled()
    sys.setprofile(None)


@GROUP.case("in a callback of `sys.monitoring`", since=(3, 12))
def monitoring(sdk: Sdk) -> None:
    monitor: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]

    def started(code: Any, _offset: int) -> None:
        if code.co_name == "monitored":
            fail(sdk)

    def monitored() -> None:
        pass

    monitor.use_tool_id(3, "hostile")
    monitor.register_callback(3, monitor.events.PY_START, started)
    monitor.set_events(3, monitor.events.PY_START)
    monitored()
    monitor.set_events(3, 0)
    monitor.free_tool_id(3)


@GROUP.case("in an audit hook")
def audited(sdk: Sdk) -> None:
    def hook(name: str, _arguments: object) -> None:
        if name == "shop.paid":
            fail(sdk)

    sys.addaudithook(hook)
    sys.audit("shop.paid")


@GROUP.case(
    "while an audit hook captures at every connection and every thread that is begun", ignores="audited:", alone=True
)
def audited_always(sdk: Any) -> None:
    busy = threading.local()

    def hook(name: str, _arguments: object) -> None:
        if name in ("socket.connect", "_thread.start_new_thread") and not hasattr(busy, "hooked"):
            busy.hooked, sdk.quietly = True, True
            sdk.message(f"audited: {name}")
            sdk.quietly = False

    sys.addaudithook(hook)
    fail(sdk)


@GROUP.case("while a module is imported, in its body", alone=True)
def importing(sdk: Any) -> None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        Path(folder, "hostile_module.py").write_text("capture()\n", encoding="utf-8")
        import builtins

        def capture() -> None:
            fail(sdk)
            sdk.flush()

        setattr(builtins, "capture", capture)  # noqa: B010  # it has no such name, as types see it
        __import__("hostile_module")


@GROUP.case("in a finder that is asked for each module that is imported", shows=(), alone=True)
def finding(sdk: Sdk) -> None:
    """At the first capture an SDK may import modules itself."""

    class Finder:
        asked = 0

        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if not Finder.asked:
                Finder.asked += 1
                fail(sdk)

    finder: Any = Finder()
    sys.meta_path.insert(0, finder)
    import colorsys

    sys.meta_path.remove(finder)
    del colorsys


@GROUP.case("while another thread holds a module's import lock, and waits for this one", alone=True)
def import_lock(sdk: Any) -> None:
    import tempfile
    from pathlib import Path

    begun, captured = threading.Event(), threading.Event()
    setattr(sys, "hostile_events", (begun, captured))  # noqa: B010  # nor this
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        Path(folder, "hostile_module.py").write_text(
            "import sys\nsys.hostile_events[0].set()\nassert sys.hostile_events[1].wait(10)\n", encoding="utf-8"
        )
        thread = threading.Thread(target=__import__, args=("hostile_module",))
        thread.start()
        begun.wait(10)
        fail(sdk)
        sdk.flush()
        captured.set()
        thread.join()


@GROUP.case("under the lock that its own `logging` handlers take")
def logging_lock(sdk: Sdk) -> None:
    import logging

    vars(logging)["_lock"].acquire()
    fail(sdk)
    vars(logging)["_lock"].release()


@GROUP.case("in a function that `atexit` calls", alone=True)
def at_exit(sdk: Sdk) -> None:
    atexit.register(fail, sdk)


@GROUP.case("in a thread that is left when the main thread has ended", alone=True)
def left_behind(sdk: Sdk) -> None:
    def late() -> None:
        threading.main_thread().join()
        fail(sdk)

    threading.Thread(target=late).start()


@GROUP.case("in a thread that such a thread starts, or at Python's refusal to start it", alone=True, shows=())
def late_thread(sdk: Sdk) -> None:
    def late() -> None:
        threading.main_thread().join()
        try:
            threading.Thread(target=fail, args=(sdk,)).start()
        except RuntimeError as error:  # of Python 3.12
            sdk.capture(error)

    threading.Thread(target=late).start()


@GROUP.case("in a daemon thread, over and over, while the interpreter ends", ignores="on and on", alone=True)
def daemon(sdk: Any) -> None:
    """What it captures after the SDK's end nobody can ask for: the program's end is what matters.

    It takes the time of who would deliver for itself, most of all on Python 3.10; so what is to arrive comes first.
    """
    fail(sdk)
    sdk.quietly = True

    def capture_on_and_on() -> None:
        while True:
            sdk.message("on and on")
            time.sleep(0)

    threading.Thread(target=capture_on_and_on, daemon=True).start()
    time.sleep(0.05)


@GROUP.case(
    "in `__del__` of what a module still holds when the interpreter ends",
    ignores="used before",
    outcome="lost",
    alone=True,
)
def teardown(sdk: Sdk) -> None:
    """Nothing can be imported there any more, and no file opened; and nobody can ask what was counted."""
    use(sdk)
    globals()["kept"] = Dying(sdk)


@GROUP.case("in a forked child that leaves by `os._exit`, after a flush", outcome="2 events", alone=True)
def forked(sdk: Sdk) -> None:
    fail(sdk)
    child = os.fork()
    if not child:
        fail(sdk)
        sdk.flush()
        os._exit(0)
    os.waitpid(child, 0)


@GROUP.case(
    "by `sys.excepthook`, where the error that ends the program raises `SystemExit` when it is shown",
    shows=(),
    alone=True,
)
def last_words(sdk: Sdk) -> None:
    class Hostile(Exception):
        def __str__(self) -> str:
            raise SystemExit(9)

    sdk.expect(1)
    raise Hostile


@GROUP.case("where standard output and error are closed", alone=True)
def closed_streams(sdk: Sdk) -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.close()
    fail(sdk)


@GROUP.case("while no file and no socket can be opened", outcome="counted", alone=True)
def no_files(sdk: Sdk) -> None:
    import resource

    used, before = len(os.listdir("/proc/self/fd")) - 1, resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (used, before[1]))
    fail(sdk)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@GROUP.case("where no thread can be started any more", alone=True)
def no_threads(sdk: Sdk) -> None:
    import _thread

    def refuse(*_: object, **__: object) -> Any:
        raise RuntimeError("can't start new thread")

    for name in ("start_new_thread", "start_joinable_thread"):
        if hasattr(_thread, name):
            setattr(_thread, name, refuse)
            setattr(threading, f"_{name}", refuse)
    fail(sdk)


@GROUP.case("where the working directory is gone", alone=True)
def no_directory(sdk: Sdk) -> None:
    import tempfile

    folder = tempfile.mkdtemp()
    os.chdir(folder)
    os.rmdir(folder)
    fail(sdk)


@GROUP.case("where the clock goes backwards", outcome="2 events", alone=True)
def clock(sdk: Sdk) -> None:
    times = iter(range(1_800_000_000, 0, -1000))
    time.time = lambda: float(next(times))
    fail(sdk)
    fail(sdk)
