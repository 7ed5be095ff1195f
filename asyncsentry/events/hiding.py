"""The last look at an event before it leaves: what its texts say of secrets is hidden, and what was hidden is remarked.

What stands under the names of secrets was hidden when it was frozen. Here are the texts that it is written in, and the
event's ``_meta``, which tells the reader of everything that he doesn't see:
https://develop.sentry.dev/sdk/foundations/transport/event-payloads/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, cast

from asyncsentry.events import Json
from asyncsentry.events.beside import among_arguments, among_parameters, beside_a_name
from asyncsentry.events.scrubbing import FILTERED, SecretNames
from asyncsentry.events.secrets import Hidden, secrets_of
from asyncsentry.events.seen import LEAST_CARD, Seen
from asyncsentry.events.shapes import CARD, PASSWORD, is_card
from asyncsentry.events.sight import Parts, Place, Sight, look_through, members

_OWN: Final = frozenset(
    ("_meta", "debug_meta", "event_id", "level", "modules", "platform", "sdk", "timestamp", "environment", "release")
)
"""Fields that say nothing of the program's data."""

_ID: Final = re.compile("[0-9a-f]{16}|[0-9a-f]{32}")
"""Of a span, or a trace."""

AT_ONCE: Final = 1024
"""Characters of texts that are searched in one go: of most that takes a tenth of a millisecond, of some a whole one."""


def hide_secrets(event: Mapping[str, Any], names: SecretNames, seen: Seen) -> dict[str, Any]:
    """The event without them; ``names`` are those of secrets. Nothing in it is changed: what is, is another.

    What was ``seen`` in the variables of its frames is not looked for again: most events have nothing to hide there.
    """
    return Hiding(event, names, seen).finish()


class _Found(NamedTuple):
    """What is shown instead of which value; names that a secret may stand beside; commands that it may be given to."""

    hidden: dict[str | int, Hidden]
    naming: set[str]
    commands: set[str]


class Hiding:
    """What `hide_secrets` does, bit by bit: `finish` does what is left to do after some steps.

    By any thread, and by several.
    """

    def __init__(self, event: Mapping[str, Any], names: SecretNames, seen: Seen) -> None:
        self._event = event
        self._seen = seen
        self._secrets = secrets_of(names)
        self._fields = {name: value for name, value in event.items() if name not in _OWN}
        hiding = None if seen.foreign else {id(variables) for variables in seen.hiding}
        self._sight = look_through(self._fields, hiding)
        self._values = (self._sight.values() | seen.texts | seen.numbers) - _ids_of_trace(event)
        self._texts = {value for value in self._values if type(value) is str}
        self._found: dict[str | int, Hidden] = {}
        self._naming: set[str] = set()
        self._commands: set[str] = set()
        # Noted last: one thread may finish while another is in the midst of a step, whose texts it has to search, too.
        self._searched: set[str] = set()
        unknown = self._secrets.unknown(self._texts)
        self._batches = _batches(unknown) if sum(map(len, unknown)) > AT_ONCE else []

    def step(self) -> bool:
        """Search some of the texts that are not known to be harmless; False if there were none left, or only few."""
        try:
            batch = self._batches.pop()
        except IndexError:  # also if another thread was quicker
            return False
        found = self._secrets.look_at(batch)
        self._naming |= found.naming
        self._commands |= found.commands
        self._found.update(found.hidden.items())
        self._searched.update(batch)
        return True

    def finish(self) -> dict[str, Any]:
        """The event without secrets."""
        event, seen, sight = self._event, self._seen, self._sight
        shown = dict(event)
        found = self._instead()
        if not any(found):
            return shown
        if (found.hidden.keys() | found.naming | found.commands) & (seen.texts | seen.numbers) - {FILTERED}:
            sight = look_through(self._fields, None)
        rewriting = _Rewriting(sight, found)
        shown.update(rewriting.event)
        if rewriting.remarks:
            shown["_meta"] = _joined(event.get("_meta"), rewriting.remarks)
        return shown

    def _instead(self) -> _Found:
        """What is shown instead of which value, and near which of them a secret may stand.

        What was hidden by its name stays as it is, and is remarked.
        """
        left = self._texts - self._searched  # first: what is noted as searched is among what was found by then
        found = self._secrets.look_at(left)
        hidden = self._found.copy()
        hidden.update(found.hidden.items())
        hidden.update((value, _whole(CARD)) for value in self._values if type(value) is int and _is_card(value))
        if FILTERED in self._texts:
            hidden[FILTERED] = _whole(PASSWORD)
        return _Found(hidden, found.naming | self._naming, found.commands | self._commands)


def _ids_of_trace(event: Mapping[str, Any]) -> set[str]:
    """No secrets, though one in forty thousand looks like the number of a card, and would be hidden."""
    contexts = event.get("contexts")
    trace = contexts.get("trace") if type(contexts) is dict else None
    ids = [trace.get(name) for name in ("trace_id", "span_id", "parent_span_id")] if type(trace) is dict else []
    return {id for id in ids if type(id) is str and _ID.fullmatch(id)}


def _batches(texts: Iterable[str]) -> list[set[str]]:
    batches: list[set[str]] = []
    room = 0
    for text in texts:
        if len(text) > room or not batches:  # an empty text needs no room
            batches.append(set())
            room = AT_ONCE
        batches[-1].add(text)
        room -= len(text)
    return batches


def _is_card(number: int) -> bool:
    return number >= LEAST_CARD and is_card(str(number))


def _whole(rule: str) -> Hidden:
    return Hidden(FILTERED, {"": {"rem": [[rule, "s", 0, len(FILTERED)]]}})


class _Rewriting:
    """Puts what is shown in the place of what is secret, in copies of the containers that it stands in."""

    def __init__(self, sight: Sight, found: _Found) -> None:
        hidden, naming, commands = found
        self.remarks: dict[str, Json] = {}
        """What ``_meta`` is to say."""
        self._copies: dict[int, Parts] = {}
        # By the place above, and the container in it: one may stand there many times.
        self._remarks: dict[tuple[int, int], dict[str, Any]] = {}
        self._linked: set[tuple[int, int]] = set()
        self._names: dict[int, dict[int, list[Any]]] = {}
        self._hidden = hidden
        places = sight.holders({*hidden, *naming, *commands})
        for place in places:
            self._rewrite(place)
        for place in places if naming else ():  # afterwards: a container may be in other places, too
            for where, name in beside_a_name(place, naming):
                self._put(where, name, _whole(PASSWORD))
        for where, name in (*among_arguments(places if commands else (), commands), *among_parameters(sight, hidden)):
            self._put(where, name, _whole(PASSWORD))
        named = [place for place in places if type(place[0]) is dict and not hidden.keys().isdisjoint(place[0])]
        self.event: dict[str, Any] = self._copy(sight.places[0])
        for place in named:
            self._copy(place)
        for place in named:  # last, for until now all that is in them was found by its name
            self._rename(place)

    def _rewrite(self, place: Place) -> None:
        container = place[0]
        for name, member in list(members(container)):
            if (type(member) is str or type(member) is int) and member in self._hidden:
                self._put(place, name, self._hidden[member])

    def _put(self, place: Place, name: Any, instead: Hidden) -> None:
        if place[0][name] != instead.text:
            self._copy(place)[name] = instead.text
        self._remarks_on(place)[str(name)] = instead.meta

    def _rename(self, place: Place) -> None:
        """Show names that are secrets themselves otherwise, where they say what is remarked as well."""
        container, above = place
        remarks = self.remarks if above is None else self._remarks.get((id(above), id(container)), {})
        for mapping in (cast("dict[str, Any]", self._copies[id(container)]), remarks):
            members = [(self._hidden[name].text if name in self._hidden else name, mapping[name]) for name in mapping]
            mapping.clear()
            mapping.update(members)

    def _copy(self, place: Place) -> Any:
        """The container that is shown in this place; one that is in several is in all of them the same again."""
        container, above = place
        copy = self._copies.get(id(container))
        if copy is None:
            copy = self._copies[id(container)] = container.copy()
        if above is not None and (link := (id(above), id(container))) not in self._linked:
            self._linked.add(link)
            copy_above = self._copy(above)
            for name in self._names_in(above[0], container):
                copy_above[name] = copy
        return copy

    def _remarks_on(self, place: Place) -> dict[str, Any]:
        """Where the remarks on what is in this place belong. It has been copied."""
        container, above = place
        if above is None:
            return self.remarks
        link = (id(above), id(container))
        remarks = self._remarks.get(link)
        if remarks is None:
            first, *others = map(str, self._names_in(above[0], container))
            around = self._remarks_on(above)
            remarks = self._remarks[link] = around.setdefault(first, {})
            around.update(dict.fromkeys(others, remarks))
        return remarks

    def _names_in(self, above: Parts, container: Parts) -> list[Any]:
        """The names or numbers under which it stands there."""
        names = self._names.get(id(above))
        if names is None:
            names = self._names[id(above)] = {}
            for name, member in members(above):
                if type(member) is dict or type(member) is list:
                    names.setdefault(id(member), []).append(name)
        return names[id(container)]


def _joined(before: object, more: dict[str, Json]) -> dict[str, Json]:
    """Remarks that there were before, with more of them."""
    if type(before) is not dict:
        return more
    joined: dict[str, Json] = dict(before)
    for name, remark in more.items():
        known = before.get(name)
        joined[name] = _joined(known, remark) if type(remark) is dict and type(known) is dict and name else remark
    return joined
