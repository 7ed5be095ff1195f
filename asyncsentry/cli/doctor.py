"""``asyncsentry doctor``: which web frameworks a program has imported, and which integrations it has set up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryDirectory
from typing import Final

import asyncsentry.integrations
from asyncsentry.cli.ink import ink_for
from asyncsentry.errors import SetupError

ANY: Final = frozenset({"asgi", "wsgi"})
"""The integrations of no framework."""

MODULES: Final[Mapping[str, str]] = {"aiohttp": "aiohttp.web", "tornado": "tornado.web"}
"""What a program has of a framework that is more than a web framework, where its name alone would not tell."""

BENEATH: Final[Mapping[str, frozenset[str]]] = {
    "flask": frozenset({"quart"}),
    "starlette": frozenset({"fastapi", "litestar"}),
}
"""The frameworks that others import, by themselves: whoever has one of those is not asked for them."""

LINES: Final[Mapping[str, str]] = {
    "django": 'INSTALLED_APPS = [..., "asyncsentry.integrations.django"]',
    "flask": "from asyncsentry.integrations.flask import Sentry; Sentry(app)",
    "gevent": "from asyncsentry.integrations.gevent import setup; setup()",
    "pyramid": 'config.include("asyncsentry.integrations.pyramid")',
    "twisted": "from asyncsentry.integrations.twisted import setup; setup()",
}
"""What to add for those that are set up in another way than most."""

_PROGRAM: Final = "import sys; from asyncsentry.cli import doctor_program; doctor_program.main(*sys.argv[1:])"


def run(target: str) -> int:
    """Print a row for each framework. 0 if each has its integration, 1 if one has none."""
    modules, integrations = _examine(target)
    imported = [name for name in _integrated() if MODULES.get(name, name) in modules]
    frameworks = [name for name in imported if BENEATH.get(name, frozenset()).isdisjoint(imported)]
    if not frameworks:
        print(f"{target} imports no framework that has an integration.")
        return 0
    ink = ink_for(sys.stdout)
    width, missing = max(map(len, frameworks)), 0
    for name in frameworks:
        if _is_set_up(name, integrations):
            print(f"   {name.ljust(width)}  {ink.good('set up')}")
        else:
            missing += 1
            print(f"   {name.ljust(width)}  {ink.bad('missing')}  {_line(name)}")
    return 1 if missing else 0


def _integrated() -> list[str]:
    """The frameworks that have an integration."""
    found = (module.name for module in iter_modules(asyncsentry.integrations.__path__))
    return sorted(name for name in found if not name.startswith("_") and name not in ANY)


def _is_set_up(framework: str, integrations: Collection[str]) -> bool:
    # A framework of several parts has an integration for each, and one for all of them.
    return any(name == framework or name.startswith(f"{framework}_") for name in integrations)


def _line(framework: str) -> str:
    return LINES.get(framework) or f"from asyncsentry.integrations.{framework} import setup; setup(app)"


def _examine(target: str) -> tuple[frozenset[str], frozenset[str]]:
    """The modules and the integrations of a program. What it prints is on standard error."""
    if not target.partition(":")[0] or "://" in target:  # no program is asked for a DSN, and quotes it
        raise SetupError(f"{target!r} names no program: say shop.web, shop/web.py or shop.web:app")
    with TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        command = [sys.executable, "-c", _PROGRAM, target, str(result)]
        ended = subprocess.run(command, stdout=sys.stderr, env=_environment(), check=False)
        if not result.exists():
            raise SetupError(f"{target} cannot be imported: it ended with status {ended.returncode}")
        found = json.loads(result.read_text())
    return frozenset(found["modules"]), frozenset(found["integrations"])


def _environment() -> dict[str, str]:
    """Without a DSN: nobody is to be told of what happens there, unless the program says itself whom it tells."""
    return {**os.environ, "SENTRY_DSN": ""}
