"""Ways to run a program: modules, texts, prompts, flags of the interpreter, runners of tests."""

from __future__ import annotations

import sys

from differential.programs.program import Program

_FAILS = """
import sys
def fail():
    try:
        [].pop()
    except IndexError:
        capture_exception()
        raise
print(__name__, __debug__, sys.flags.dev_mode, sys.flags.optimize)
assert fail is None or not __debug__, "an assertion"
fail()
"""

_COUNTS = """
import asyncio, logging
async def main():
    asyncio.get_running_loop().slow_callback_duration = 60  # a machine may have more to do
    for number in range(3):
        logging.error("number %d", number)
        await asyncio.sleep(0.01)
asyncio.run(main())
logging.error("after")
"""

PROGRAMS = [
    Program("as a module", _FAILS, ("AssertionError",), runs_as=("-m", "program"), code=1),
    Program("as a text", _FAILS, ("AssertionError",), runs_as=("-c", "import program"), code=1),
    Program("as standard input", _FAILS, ("AssertionError",), runs_as=("-",), stdin=True, code=1),
    Program("without assertions", _FAILS, ("IndexError",), flags=("-O",), code=1),
    Program("without docstrings", _FAILS, ("IndexError",), flags=("-OO",), code=1),
    Program("in isolation", _FAILS, ("AssertionError",), flags=("-I",), code=1),
    Program("without the module site", _FAILS, ("AssertionError",), flags=("-S",), code=1),
    Program(
        "in development mode, where warnings are errors",
        _FAILS,
        ("AssertionError",),
        flags=("-X", "dev", "-W", "error"),
        code=1,
        by_all=True,
    ),
    Program(
        "a loop in development mode, where warnings are errors",
        _COUNTS,
        ("number 0", "number 1", "number 2", "after"),
        flags=("-X", "dev", "-W", "error"),
        by_all=True,
    ),
    Program(
        "at the prompt",
        """
1 / 0
print(capture_message("typed"), "typed")[1:]
def fail():
    raise KeyError("typed")

fail()
import sys; sys.exit(4)
""".replace('print(capture_message("typed"), "typed")[1:]', '_ = capture_message("typed")'),
        ("typed",),
        flags=("-i", "-q"),
        runs_as=("-",),
        stdin=True,
        code=4,
    ),
    Program(
        "a doctest",
        '''
import doctest
def halve(number):
    """
    >>> halve(4)
    2.0
    >>> halve("x")
    Traceback (most recent call last):
    TypeError: unsupported operand type(s) for /: 'str' and 'int'
    >>> halve(0)
    1
    """
    try:
        return number / 2
    except TypeError:
        capture_exception()
        raise
print(doctest.testmod(verbose=True))
''',
        ("TypeError",),
    ),
    Program(
        "tests of unittest",
        """
import logging, unittest
class Tests(unittest.TestCase):
    def test_error(self):
        try:
            1 / 0
        except ZeroDivisionError:
            capture_exception()
            raise
    def test_failure(self):
        self.assertEqual([1, 2], [1, 3])
    def test_logs(self):
        with self.assertLogs("shop") as logs:
            logging.getLogger("shop").error("said")
        print(logs.output, logs.records[0].lineno, logs.records[0].funcName)
    def test_warns(self):
        with self.assertWarns(UserWarning), self.assertRaises(LookupError) as caught:
            import warnings
            warnings.warn("old")
            try:
                {}[1]
            finally:
                capture_message("here")
        print(repr(caught.exception))
class Output:
    def write(self, text):
        print("|", text.strip().replace(unit, "TIME"), end="")
    flush = print
import re, sys
class Result(unittest.TextTestResult):
    pass
runner = unittest.TextTestRunner(stream=sys.stdout, resultclass=Result, verbosity=2)
runner.run = lambda suite, run=runner.run: run(suite)
unittest.main(testRunner=runner)
""",
        ("ZeroDivisionError", "here", "said"),
        code=1,
    ),
    Program(
        "a module that is run by another",
        """
import runpy, sys
if len(sys.argv) == 1:
    sys.argv.append("again")
    try:
        runpy.run_path(__file__, run_name="other")
    except LookupError as error:
        capture_exception(error)
        raise
else:
    print(__name__)
    raise LookupError("in the other")
""",
        ("LookupError",),
        code=1,
    ),
]

if sys.version_info >= (3, 13):  # before, a console shows its own frames wherever there is an excepthook of anybody's
    PROGRAMS.append(
        Program(
            "at a console of its own",
            """
import code
def read(prompt):
    print(prompt, end="")
    if not lines:
        raise EOFError
    return lines.pop(0)
lines = ["x = 1 / 0", "def f(:", "print(7)", "raise SystemExit"]
try:
    code.interact("welcome", read, {}, "bye")
except SystemExit:
    print("left")
capture_message("after")
""",
            ("after",),
        )
    )
