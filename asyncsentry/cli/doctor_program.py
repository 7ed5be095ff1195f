"""What ``asyncsentry doctor`` runs in a process of its own: it imports a program, and writes down what that has."""

from __future__ import annotations

import json
import os
import re
import sys
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType


def main(target: str, result: str) -> None:
    """Import a program as servers do, and write the names of its modules and of its integrations to a file."""
    match = re.fullmatch(r"(.+?)(?::([\w.]+)(\(\))?)?", target)
    assert match is not None, "the command refuses what is empty"
    found: object = _load(match[1])
    for name in filter(None, (match[2] or "").split(".")):
        found = getattr(found, name)
    if match[3] and callable(found):
        found()
    clients = sys.modules.get("asyncsentry.integrations._clients")
    integrations = [] if clients is None else sorted(clients.SET_UP)
    Path(result).write_text(json.dumps({"modules": sorted(sys.modules), "integrations": integrations}))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # or the program's own threads would go on, and what was captured would be sent


def _load(name: str) -> ModuleType:
    if not name.endswith(".py"):
        return import_module(name)
    path = Path(name).resolve()
    sys.path.insert(0, str(path.parent))  # as Python does it for a program
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[path.stem] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
