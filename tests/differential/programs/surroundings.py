"""What a process is made of: its settings, signals, descriptors, children and threads."""

from __future__ import annotations

from differential.programs.program import Program

FORKING = ("-W", "ignore:This process:DeprecationWarning")
"""From Python 3.12 on who forks is warned of threads, which most transports have once something was captured."""

PROGRAMS = [
    Program(
        "the settings of the interpreter and the process",
        """
import asyncio, builtins, decimal, gc, json, linecache, locale, logging, os, resource, signal, socket, sys, threading
import time, warnings
LOGGING = (logging.root.handlers, logging.root.level, logging.root.filters, logging.getLoggerClass())
LIMITS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
def settings():
    mask = os.umask(0)
    os.umask(mask)
    return {
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "blocked": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "timer": signal.getitimer(signal.ITIMER_REAL),
        "descriptor of signals": signal.set_wakeup_fd(-1),
        "environment": dict(os.environ),
        "path": list(sys.path),
        "importers": (list(sys.meta_path), list(sys.path_hooks)),
        "warnings": [filter[:3] for filter in warnings.filters],
        "recursion": sys.getrecursionlimit(),
        "switches": sys.getswitchinterval(),
        "tracing": (sys.gettrace(), sys.getprofile(), threading.stack_size()),
        "other hooks": (sys.displayhook, sys.breakpointhook, sys.get_asyncgen_hooks(), sys.__excepthook__),
        "collector": (gc.isenabled(), gc.get_threshold(), gc.callbacks[:], gc.get_debug()),
        "builtins": sorted(vars(builtins)),
        "folder": os.getcwd(),
        "mask": mask,
        "locale": (locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(False)),
        "decimal": repr(decimal.getcontext()),
        "sockets": socket.getdefaulttimeout(),
        "limits": {limit: resource.getrlimit(limit) for limit in LIMITS},
        "logging": repr([LOGGING, logging.getLogRecordFactory(), logging._levelToName, logging.root.manager.disable]),
        "time": (time.tzname, time.timezone),
        "loops": (type(asyncio.get_event_loop_policy()), asyncio._get_running_loop()),
        "json": json.dumps({"a": [1.5, None, "\\u00e9"]}),
        "streams": (sys.stdout.encoding, sys.stdout.errors, sys.stdout.line_buffering, sys.stderr.encoding),
        "lines": sorted(linecache.cache),
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
    }
before = settings()
# set-up
def fail():
    1 / 0
after = settings()
print([name for name in before if before[name] != after[name] and name not in ("warnings", "importers")])
try:
    fail()
except ZeroDivisionError:
    capture_exception()
logging.getLogger("shop").error("said")
flush()
after = settings()
print([name for name in before if before[name] != after[name] and name not in ("warnings", "importers")])
print([name for name in ("warnings", "importers") if before[name] != after[name]])
print({name: value for name, value in after.items() if name not in ("environment", "path", "warnings", "importers")})
""",
        events=("ZeroDivisionError", "said"),
        by_all=True,
    ),
    Program(
        "chance",
        """
import random
random.seed(5)
state = random.getstate()
for number in range(40):
    capture_message(f"message {number % 4}")
flush()
print(random.getstate() == state, random.random())
""",
        events=tuple(f"message {number % 4}" for number in range(40)),
    ),
    Program(
        "threads, and their numbers",
        """
import threading
print([thread.name for thread in threading.enumerate()], threading.active_count())
for _ in range(2):
    capture_message("captured")
    flush()
    thread = threading.Thread(target=print, args=("at work",))
    thread.start()
    thread.join()
    print(thread.name)
print([thread.name for thread in threading.enumerate() if not thread.name.startswith("asyncsentry")])
""",
        events=("captured", "captured"),
        by_all=True,
    ),
    Program(
        "the order of what is done at exit",
        """
import atexit, threading, time
atexit.register(print, "registered first")
# set-up
atexit.register(print, "registered last")
class Thing:
    def __del__(self):
        print("a global is gone")
thing = Thing()
capture_message("captured")
def work():
    time.sleep(0.05)
    print("the thread is done")
threading.Thread(target=work).start()
def ending():
    print("ending")
    raise SystemExit(5)
atexit.register(ending)
print("main is done")
""",
        events=("captured",),
        by_all=True,
    ),
    Program(
        "an end by os._exit",
        """
import os, sys
capture_message("captured")
flush()
print("not flushed")
sys.stderr.write("flushed")
os._exit(6)
""",
        events=("captured",),
        code=6,
    ),
    Program(
        "signals that end the program",
        """
import os, signal, sys
capture_message("captured")
flush()
children = []
for number in (signal.SIGTERM, signal.SIGPIPE, signal.SIGHUP, signal.SIGABRT):
    child = os.fork()
    if not child:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(0)
    children.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(children, flush=True)
os.kill(os.getpid(), signal.SIGTERM)
""",
        events=("captured",),
        flags=FORKING,
        code=-15,
    ),
    Program(
        "signals that the program handles",
        """
import os, signal, threading, time
def handle(number, frame):
    print(number, frame.f_code.co_name)
    capture_message("handled")
    if number == signal.SIGALRM:
        raise TimeoutError("in time")
for number in (signal.SIGUSR1, signal.SIGALRM, signal.SIGTERM):
    signal.signal(number, handle)
def main():
    signal.raise_signal(signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGTERM)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        while True:  # a signal that comes as one sleep begins is seen after it
            time.sleep(0.01)
    except TimeoutError as error:
        capture_exception(error)
        print(repr(error))
main()
""",
        events=("handled", "handled", "handled", "TimeoutError"),
    ),
    Program(
        "forks",
        """
import os, sys, threading
capture_message("before")
def child(end):
    pid = os.fork()
    if not pid:
        end()
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
def fail():
    print("in a child", [thread.name for thread in threading.enumerate()])
    raise ValueError("in a child")
def leave():
    capture_message("leaving")
    flush()
    os._exit(3)
child(leave)
child(fail)
child(lambda: sys.exit("with words"))
""",
        events=("ValueError", "before", "leaving"),
        flags=FORKING,
        by_all=True,
    ),
    Program(
        "what other programs inherit",
        """
import os, subprocess, sys
capture_message("captured")
flush()
code = "import os, signal; print(sorted(os.listdir('/proc/self/fd')), signal.pthread_sigmask(signal.SIG_BLOCK, ()))"
for others in ({}, {"close_fds": False}):
    print(subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, **others).stdout)
sys.stdout.flush()
os.execv(sys.executable, [sys.executable, "-I", "-c", code + "; raise SystemExit(8)"])
""",
        events=("captured",),
        code=8,
        by_all=True,
    ),
    *(
        Program(
            f"children that multiprocessing makes by {method}",
            f"""
import multiprocessing, sys
def work(number):
    if number == 2:
        sys.exit(7)
    if number == 1:
        raise LookupError("in a child")
def square(number):
    return number * number if number < 3 else 1 // 0
if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    children = [context.Process(target=work, args=(number,), name=f"child {{number}}") for number in range(3)]
    for child in children:
        child.start()
        child.join()
        print(child.name, child.exitcode, flush=True)
    with context.Pool(1) as pool:
        print(pool.map(square, range(3)))
        pool.map(square, range(5))
""",
            events=("ZeroDivisionError",),
            code=1,
        )
        for method in ("fork", "spawn", "forkserver")
    ),
    Program(
        "a tracer, a profiler and faulthandler",
        """
import faulthandler, sys
seen = []
def trace(frame, event, argument):
    if frame.f_code.co_filename == __file__:
        seen.append((frame.f_code.co_name, event, frame.f_lineno))
        return trace
def fail():
    1 / 0
def work():
    try:
        fail()
    except ZeroDivisionError:
        capture_exception()
sys.settrace(trace)
work()
print(sys.gettrace() is trace)
sys.settrace(None)
sys.setprofile(trace)
work()
print(sys.getprofile() is trace)
sys.setprofile(None)
print(seen)
faulthandler.dump_traceback(all_threads=False)
flush()
faulthandler.enable()
print(faulthandler.is_enabled())
""",
        events=("ZeroDivisionError", "ZeroDivisionError"),
    ),
]
