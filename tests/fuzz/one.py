"""Fuzz one target with atheris, or give it the inputs named: ``python -m fuzz.one TARGET [libFuzzer's arguments]``."""

from __future__ import annotations

import logging
import sys

import atheris


def main(name: str, *arguments: str) -> None:
    logging.disable()
    atheris.enabled_hooks.add("str")
    with atheris.instrument_imports(include=["asyncsentry"]):
        from fuzz.targets import TARGETS

        (target,) = (each for each in TARGETS if each.name == name)
        for path in target.corpus:  # what is imported late is instrumented, too
            target.check(path.read_bytes())
    atheris.Setup([sys.argv[0], *arguments], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
