"""Secrets that are known by what they stand beside: a name, a command, the message that they are told in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, pairwise
from typing import Any, Final

from asyncsentry.events.freezing import OMITTED
from asyncsentry.events.secrets import Hidden
from asyncsentry.events.shapes import find_told
from asyncsentry.events.sight import Place, Sight, members

_NAMED_ENTRIES: Final = (("name", "value"), ("Name", "Value"), ("key", "value"), ("Key", "Value"), ("header", "value"))
"""How a list of settings, of headers or of variables says the names of its entries, and their values."""

_SCALARS: Final = (str, int, float)


def beside_a_name(place: Place, naming: set[str]) -> Iterator[tuple[Place, str | int]]:
    """Where in this place, or the one around it, a value stands beside the name of a secret, which is a value, too."""
    container, around = place
    if type(container) is dict:
        for name, value in _NAMED_ENTRIES:
            if _is_in(container.get(name), naming) and type(container.get(value)) in _SCALARS:
                yield place, value
    else:
        assert around is not None  # an event is no list
        above = around[0]
        for index, (name, member) in enumerate(pairwise(container), start=1):
            is_pair = len(container) == 2 and type(above) is list  # one of several: a header
            if _is_in(name, naming) and type(member) is str and (name[0] == "-" or is_pair):
                yield place, index
        # What was no good, as pydantic tells it.
        if type(above) is dict and above.get("loc") is container and type(above.get("input")) in _SCALARS:
            yield around, "input"


def among_arguments(places: Iterable[Place], commands: set[str]) -> Iterator[tuple[Place, int]]:
    """Where a secret is given to a command in a list of its arguments."""
    for place in places:
        container = place[0]
        if type(container) is list and any(_is_in(member, commands) for member in container):
            words = [member.replace("\n", " ") if type(member) is str else "" for member in container]
            ends = [*accumulate(len(word) + 1 for word in words)]
            for span in find_told(" ".join(words)):
                yield place, bisect_right(ends, span.start)


def among_parameters(sight: Sight, hidden: Mapping[str | int, Hidden]) -> Iterator[tuple[Place, Any]]:
    """Where the parameters of the event's message stand that are hidden in the message: alone they tell nothing."""
    event: Any = sight.places[0][0]
    entry: Any = event.get("logentry")  # Any: a dict, unless somebody made it something else
    text = entry.get("formatted") if type(entry) is dict else None
    if type(text) is not str or text not in hidden:
        return
    shown = hidden[text].text
    params, inner = entry.get("params"), set[int]()
    for place in sight.places:
        container, above = place
        if above is None or not (id(above) in inner or (above[0] is entry and container is params)):
            continue
        inner.add(id(place))
        for name, member in members(container):
            if type(member) in _SCALARS and _is_hidden(member, text, shown):
                yield place, name


def _is_hidden(param: str | float, text: str, shown: str) -> bool:
    """Whether a parameter is told less often in what is shown of a text than in the text.

    One that is a text counts as hidden, too, if it is found in neither: it was put there in another form.
    """
    if type(param) is not str:
        return text.count(str(param)) > shown.count(str(param))
    told = param.removesuffix(OMITTED)
    if not told:
        return False
    forms = (told, repr(told)[1:-1])
    return any(text.count(form) > shown.count(form) for form in forms) or not any(form in shown for form in forms)


def _is_in(value: object, naming: set[str]) -> bool:
    return type(value) is str and value in naming
