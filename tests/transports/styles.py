"""Every style whose library is installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Final

from transports.style import Style

PLACES: Final[dict[str, str | None]] = {
    "blocking": None,
    "loops": None,
    "gevent_hub": "gevent",
    "eventlet_hub": "eventlet",
    "twisted_reactor": "twisted",
    "trio_run": "trio",
}
"""The modules of `transports.places`, and the library without which a module's styles cannot be tried."""

STYLES: Final[list[Style]] = [
    style
    for place, library in PLACES.items()
    if library is None or find_spec(library)
    for style in import_module(f"transports.places.{place}").STYLES
]
