"""Fuzz one target with atheris, or give it the inputs named: ``python -m fuzz.one TARGET [libFuzzer's arguments]``."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from typing import Any

atheris: Any = import_module("atheris")  # it has no types, and its wheels are for some platforms only


def main(name: str, *arguments: str) -> None:
    logging.disable()
    atheris.enabled_hooks.add("str")
    with atheris.instrument_imports(include=["asyncsentry"]):
        from fuzz.targets import TARGETS

        (target,) = (each for each in TARGETS if each.name == name)
        for path in target.corpus:  # what is imported late is instrumented, too
            target.check(path.read_bytes())
    again = f"{sys.executable} -m fuzz.one {name}"  # how libFuzzer starts itself, to merge
    atheris.Setup([again, *arguments], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
