"""How long an end is waited for, in seconds; the same in every style."""

from __future__ import annotations

SOON = 0.05
"""A loop, run or reactor that is ending still waits for turns with a shorter delay."""

PATIENCE = 1.0
"""What a transport's close gives a loop, run, hub, reactor or thread to end what is ours there."""
