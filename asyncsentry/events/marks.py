"""Marks on exceptions: which clients have captured one, and as which event, so that none is captured twice."""

from __future__ import annotations

from typing import Final, TypeAlias

from asyncsentry.events.exceptions import COUNT_LIMIT, grouped_in

MARK: Final = "__asyncsentry__"
"""The key in an exception's ``__dict__`` under which the clients that have captured it are noted, with the event's id.

It is the only thing about an application's exception that we ever change.
"""

Marks: TypeAlias = "dict[str, object]"
"""The clients that have captured an error, by their tokens, each with the event's id; what is no text if no event was
made, or none yet."""

# Past whatever a subclass puts in its place.
_dict_of: Final = BaseException.__dict__["__dict__"].__get__


def marks_of(error: BaseException) -> Marks:
    """The marks of an error, to be added to. One that somebody has spoilt bears none, and keeps none."""
    marks = dict.setdefault(_dict_of(error), MARK, {})
    return marks if type(marks) is dict else {}


def ids_of_members(group: BaseException, token: str) -> list[str | None]:
    """What this client has noted for each error in a group, if for all of them: then the group says nothing new."""
    errors = [*grouped_in(group)]
    noted: list[str | None] = []
    for error in errors:  # which grow meanwhile
        marks = dict.get(_dict_of(error), MARK, {})
        members = () if token in marks else grouped_in(error)
        if (token not in marks and not members) or len(noted) > COUNT_LIMIT:
            return []
        errors += members
        known = marks.get(token)
        noted.append(known if type(known) is str else None)
    return noted
