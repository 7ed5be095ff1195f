"""Logging: what the program's own handlers write, and what its loggers, records and configurations are."""

from __future__ import annotations

from differential.programs.program import Program

PROGRAMS = [
    Program(
        "records, as handlers see them",
        """
import logging
SEEN = ("name", "msg", "args", "levelname", "filename", "module", "lineno", "funcName", "exc_text", "stack_info")
class Seeing(logging.Handler):
    def emit(self, record):
        print([getattr(record, name) for name in SEEN], sorted(set(vars(record)) - {"taskName"}))
class Adapter(logging.LoggerAdapter):
    def process(self, message, others):
        return f"[{self.extra['order']}] {message}", others
logging.basicConfig(level=logging.DEBUG, handlers=[Seeing()])
log = logging.getLogger("shop.orders")
def inner():
    log.info("in %s", "inner", stacklevel=2)
    log.error("in the caller of %s", "inner", stacklevel=2, stack_info=True)
def outer():
    inner()
    Adapter(log, {"order": 7}).error("adapted", extra={"ours": 1})
    log.log(logging.ERROR, "by %(way)s", {"way": "name"})
    try:
        {}["key"]
    except KeyError:
        log.exception("failed", extra={"more": [1]})
        log.warning("again", exc_info=True)
outer()
log.debug("quiet")
""",
        events=("in the caller of inner", "[7] adapted", "by name", "KeyError"),
        by_all=True,
    ),
    Program(
        "nothing is configured",
        """
import logging
log = logging.getLogger("shop")
log.info("not shown")
log.warning("shown")
log.error("shown, too: %d", 5)
try:
    1 / 0
except ZeroDivisionError:
    log.exception("with its trace")
    logging.exception("and that configures it")
log.critical("formatted")
print(logging.root.handlers, log.handlers, logging.lastResort)
""",
        events=("shown, too: 5", "ZeroDivisionError", "formatted"),
    ),
    Program(
        "handlers that fail",
        """
import logging
class Failing(logging.Handler):
    def emit(self, record):
        try:
            raise OSError("the disk is full")
        except OSError:
            self.handleError(record)
def work(log):
    log.error("%d of %d", "one")
    log.error("said")
    logging.raiseExceptions = False
    log.error("not said: %d", "one")
    logging.raiseExceptions = True
logging.basicConfig(format="%(levelname)s %(message)s")
log = logging.getLogger("shop")
log.addHandler(Failing())
work(log)
""",
        events=("%d of %d", "said", "not said: %d"),
    ),
    Program(
        "a handler that lets its error out",
        """
import logging, traceback
class Failing(logging.Handler):
    def emit(self, record):
        raise OSError("the disk is full")
log = logging.getLogger("shop")
log.addHandler(Failing())
try:
    log.error("said")
except OSError as error:
    print(repr(error.__context__))
    names = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    print(names)
try:
    1 / 0
except ZeroDivisionError:
    try:
        log.exception("said, too")
    except OSError as error:
        print(repr(error.__context__), len(list(traceback.walk_tb(error.__context__.__traceback__))))
""",
        events=("said", "ZeroDivisionError"),
    ),
    Program(
        "filters that fail, and filters that look around",
        """
import logging, traceback
def look(record):
    print([frame.f_code.co_name for frame, _ in traceback.walk_stack(None) if frame.f_code.co_filename == __file__])
    return True
def fail(record):
    raise LookupError("no")
log = logging.getLogger("shop")
log.addFilter(look)
def work():
    log.error("said")
work()
log.addFilter(fail)
try:
    work()
except LookupError as error:
    print(repr(error), repr(error.__context__))
""",
        events=("said",),
    ),
    Program(
        "configurations from before and from later",
        """
import logging, logging.config
early = logging.getLogger("early")
def configure(**more):
    logging.config.dictConfig({
        "version": 1,
        "formatters": {"plain": {"format": "%(name)s:%(levelname)s:%(message)s"}},
        "handlers": {"out": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stdout"}},
        "root": {"handlers": ["out"], "level": "INFO"},
        **more,
    })
configure()
# set-up
middle = logging.getLogger("middle")
early.error("disabled")
middle.error("one")
configure(loggers={"apart": {"propagate": False, "handlers": ["out"]}})
middle.error("disabled now")
logging.getLogger("apart").error("two")
configure(disable_existing_loggers=False)
logging.getLogger("late").error("three")
logging.disable(logging.ERROR)
logging.getLogger("late").error("not at all")
logging.disable(logging.NOTSET)
print(early.disabled, middle.disabled, logging.root.handlers, vars(logging.getLogger("apart"))["propagate"])
""",
        events=("one", "two", "three"),
    ),
    Program(
        "filters, factories and classes of the program's own",
        """
import logging, logging.handlers, queue
class Record(logging.LogRecord):
    def getMessage(self):
        return super().getMessage().upper()
class Logger(logging.Logger):
    def makeRecord(self, *args, **others):
        record = super().makeRecord(*args, **others)
        record.order = 7
        return record
    def callHandlers(self, record):
        print("called for", record.msg)
        super().callHandlers(record)
def spare(record):
    record.msg = record.msg.replace("secret", "***")
    return "drop" not in record.msg
logging.setLogRecordFactory(Record)
logging.setLoggerClass(Logger)
logging.basicConfig(format="%(order)s %(message)s")
# set-up
log = logging.getLogger("shop")
log.addFilter(spare)
lines = queue.SimpleQueue()
log.addHandler(logging.handlers.QueueHandler(lines))
memory = logging.handlers.MemoryHandler(10, target=logging.StreamHandler())
log.addHandler(memory)
log.error("a secret")
log.error("drop it")
memory.flush()
print(lines.get().msg, lines.empty(), logging.getLogRecordFactory() is Record, logging.getLoggerClass() is Logger)
""",
        events=("a ***",),
    ),
    Program(
        "warnings that are logged",
        """
import logging, warnings
logging.basicConfig(format="%(name)s %(levelname)s %(message)s")
logging.captureWarnings(True)
warnings.simplefilter("always")
warnings.warn("old")
capture_message("noted")
logging.captureWarnings(False)
warnings.warn("older")
""",
        events=("noted",),
    ),
]
