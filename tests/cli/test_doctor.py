"""``asyncsentry doctor``: on programs that import what looks like frameworks, and set some of them up."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from cli.conftest import Command

Examined = Callable[..., "CompletedProcess[str]"]

BOTTLE = """\
class HTTPError(Exception):
    pass

class Bottle:
    def __init__(self):
        self.error_handler, self.wsgi = {}, None
"""
"""As much of it as its integration asks for."""

SET_UP = """\
import bottle
from asyncsentry.integrations.bottle import setup

def make_app():
    setup(bottle.Bottle())
"""


@pytest.fixture
def examine(asyncsentry: Command, tmp_path: Path) -> Examined:
    """Run ``asyncsentry doctor`` on a program that stands beside these modules."""

    def examine(target: str, program: str, **modules: str) -> CompletedProcess[str]:
        for name, text in {**modules, "shop": program}.items():
            (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
        return asyncsentry("doctor", target, PYTHONPATH=path)

    return examine


def test_a_framework_without_its_integration_is_named_with_the_line_to_add(examine: Examined) -> None:
    done = examine("shop", "import bottle, pyramid", bottle="", pyramid="")
    assert done.stdout.splitlines() == [
        "   bottle   missing  from asyncsentry.integrations.bottle import setup; setup(app)",
        '   pyramid  missing  config.include("asyncsentry.integrations.pyramid")',
    ]
    assert (done.returncode, done.stderr) == (1, "")


def test_nothing_is_missing_where_each_has_its_integration(examine: Examined) -> None:
    done = examine("shop", SET_UP + "make_app()", bottle=BOTTLE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "   bottle  set up\n", "")


@pytest.mark.parametrize(
    ("target", "status"), [("shop", 1), ("shop:make_app", 1), ("shop:make_app()", 0), ("shop:Shop.make_app()", 0)]
)
def test_what_makes_the_application_is_called_if_that_is_said(examine: Examined, target: str, status: int) -> None:
    program = SET_UP + "class Shop:\n    make_app = make_app\n"
    assert examine(target, program, bottle=BOTTLE).returncode == status


def test_a_program_may_be_a_file_and_is_not_run_as_one(examine: Examined, tmp_path: Path) -> None:
    program = SET_UP + "import beside\napp = None\nif __name__ == '__main__':\n    make_app()"
    done = examine(f"{tmp_path / 'shop.py'}:app", program, bottle=BOTTLE, beside="")
    assert (done.returncode, done.stderr) == (1, "")


def test_who_has_a_framework_is_not_asked_for_the_one_that_it_is_made_with(examine: Examined) -> None:
    assert "starlette" in examine("shop", "import starlette", starlette="").stdout
    done = examine("shop", "import fastapi", fastapi="import starlette", starlette="")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["fastapi"]


def test_a_program_without_frameworks_lacks_nothing(examine: Examined) -> None:
    done = examine("shop", "import asyncsentry.integrations.wsgi")
    assert (done.returncode, done.stdout) == (0, "shop imports no framework that has an integration.\n")


def test_what_a_program_prints_and_begins_stands_in_nobodys_way(examine: Examined) -> None:
    program = "import threading\nprint('hello')\nthreading.Thread(target=threading.Event().wait).start()\nimport bottle"
    done = examine("shop", program, bottle="")
    assert (done.returncode, done.stderr) == (1, "hello\n")


@pytest.mark.parametrize(
    ("target", "program", "said"),
    [
        ("shop", "raise LookupError('no pears')", "LookupError: no pears"),
        ("shop", "raise SystemExit(3)", "shop cannot be imported: it ended with status 3"),
        ("shop:none", "", "shop:none cannot be imported: it ended with status 1"),
        (":app", "", "':app' names no program"),
    ],
)
def test_a_program_that_cannot_be_imported_is_a_mistake_in_the_call(
    examine: Examined, target: str, program: str, said: str
) -> None:
    done = examine(target, program)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
