"""Programs with a spool."""

from __future__ import annotations

from pathlib import Path


def program(root: Path, text: str, **options: object) -> str:
    """A program whose client has a spool; ``spooled`` waits until so many files are on disk."""
    given = "".join(f", {name}={value!r}" for name, value in options.items())
    return f"""
import logging
class Spooled(logging.Handler):
    count = 0
    warnings = []
    def emit(self, record):
        self.count += record.msg.startswith("spooled")
        if record.levelno == logging.WARNING:
            self.warnings.append(record.getMessage())
seen = Spooled()
logging.getLogger("asyncsentry").setLevel(logging.DEBUG)
logging.getLogger("asyncsentry").propagate = False
logging.getLogger("asyncsentry").addHandler(seen)
def spooled(count):
    while seen.count < count:
        time.sleep(0.001)
client = asyncsentry.init(spool={str(root)!r}{given})
{text}
"""
