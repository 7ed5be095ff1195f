"""How an SDK comes to see the errors of a web application."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from sdks import SDKS

OURS: Final = "asyncsentry"


def watched_by_itself(sdk: str, framework: str, app: Any) -> bool:
    """Have an SDK that has an integration look after the application; False if it has none."""
    if sdk.split()[0] == OURS:
        import_module(f"asyncsentry.integrations.{framework}").setup(app)
    return SDKS[sdk].integrated
