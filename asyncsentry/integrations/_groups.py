"""The groups in which frameworks put errors, whose tasks and ends they run several of at once."""

from __future__ import annotations

from asyncsentry.events.exceptions import grouped_in


def alone(error: BaseException) -> BaseException:
    """An error without the groups in which it is alone: they say less than it does, and where it was raised nothing."""
    while len(members := grouped_in(error)) == 1:
        error = members[0]
    return error
