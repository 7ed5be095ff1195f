"""How an event is made: pure functions from what happened to plain, bounded data that JSON can hold."""

from __future__ import annotations

from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""What an event is made of. By construction its floats are finite and its texts have no lone surrogates."""

Event: TypeAlias = dict[str, Json]
