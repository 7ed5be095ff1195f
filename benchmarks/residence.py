"""How much memory a process has in use, as Linux tells it (RSS), in megabytes; None on other systems.

Not `resource.getrusage`: its maximum begins with that of the parent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

STATUS: Final = Path("/proc/self/status")


def now() -> float | None:
    return _field("VmRSS")


def peak() -> float | None:
    """The most that it ever was."""
    return _field("VmHWM")


def grown(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _field(name: str) -> float | None:
    if not STATUS.exists():
        return None
    for line in STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return None
