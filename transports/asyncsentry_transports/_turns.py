"""Running the core's turns: whatever goes wrong in one, what runs it goes on."""

from __future__ import annotations

import logging

from asyncsentry.transport.protocol import Turn

_logger = logging.getLogger("asyncsentry")


def run(turn: Turn) -> None:
    """Run the turn; an exception out of it is a mistake of the core's, and must not end a loop or a thread."""
    try:
        turn()
    except Exception:
        _logger.debug("a turn failed", exc_info=True)
