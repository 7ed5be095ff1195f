"""The last look at an event before it leaves: what its texts say of secrets is hidden, and what was hidden is remarked.

What stands under the names of secrets was hidden when it was frozen. Here are the texts that it is written in, and the
event's ``_meta``, which tells the reader of everything that he doesn't see:
https://develop.sentry.dev/sdk/foundations/transport/event-payloads/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from asyncsentry.events import Json
from asyncsentry.events.scrubbing import FILTERED, SecretNames
from asyncsentry.events.secrets import Hidden, Secrets, secrets_of
from asyncsentry.events.shapes import CARD, PASSWORD, is_card

# Any: an event's parts are plain data of any shape.
_Container: TypeAlias = "dict[str, Any] | list[Any]"

_OWN: Final = frozenset(
    ("_meta", "debug_meta", "event_id", "level", "modules", "platform", "sdk", "timestamp", "environment", "release")
)
"""Fields that say nothing of the program's data."""

_BY_NAME: Final = Hidden(FILTERED, {"": {"rem": [[PASSWORD, "s", 0, len(FILTERED)]]}})

_LEAST_CARD: Final = 10**12
"""The least number of so many digits as a card's has."""


def hide_secrets(event: Mapping[str, Any], names: SecretNames) -> dict[str, Any]:
    """The event without them; ``names`` are those of secrets. Nothing in it is changed: what is, is another."""
    texts, numbers = _look_through(event)
    replacing = _Replacing(secrets_of(names), texts, numbers)
    shown = dict(event)
    if not replacing.needed:
        return shown
    remarks: dict[str, Json] = {}
    for name in event.keys() - _OWN:
        shown[name], remark = replacing.replace(event[name])
        if remark:
            remarks[name] = remark
    if remarks:
        shown["_meta"] = _joined(event.get("_meta"), remarks)
    return shown


def _look_through(event: Mapping[str, Any]) -> tuple[set[str], set[int]]:
    """All texts, names included, and large numbers. Of a frame its variables alone: the rest is the same in each event,
    and the lines of source are looked through when they are read."""
    texts: list[str] = []
    numbers: set[int] = set()
    todo: list[_Container] = []
    for container in _beginnings(event, todo):
        members: Iterable[Any] = container
        if type(container) is dict:
            texts += container
            members = container.values()
        for member in members:
            kind = type(member)
            if kind is str:
                texts.append(member)
            elif kind is dict or kind is list:
                todo.append(member)
            elif kind is int and member >= _LEAST_CARD:
                numbers.add(member)
    return set(texts), numbers


def _beginnings(event: Mapping[str, Any], todo: list[_Container]) -> Iterator[_Container]:
    """What is to be looked through, and then what was found in it to be looked through, too."""
    own: list[Any] = []
    for name, value in event.items():
        if name == "exception" or name == "threads":
            own += _without_frames(value, todo)
        elif name not in _OWN:
            own.append(value)
    todo.append(own)
    yield from todo  # which grows meanwhile


def _without_frames(holder: object, todo: list[_Container]) -> Iterator[object]:
    """Exceptions or threads, of whose stacks only the frames' variables are ``todo``."""
    values = holder.get("values") if type(holder) is dict else None
    if type(values) is not list:
        yield holder
        return
    for value in values:
        stack = value.get("stacktrace") if type(value) is dict else None
        frames = stack.get("frames") if type(stack) is dict else None
        if type(frames) is not list:
            yield value
            continue
        yield {name: member for name, member in value.items() if name != "stacktrace"}
        todo += [frame["vars"] for frame in frames if type(frame) is dict and type(frame.get("vars")) is dict]


class _Replacing:
    """Puts what is shown in the place of what is secret."""

    def __init__(self, secrets: Secrets, texts: set[str], numbers: set[int]) -> None:
        self._hidden: dict[str | int, Hidden] = dict(secrets.hide_in(texts).items())
        self._options = secrets.options(texts)
        for number in numbers:
            if is_card(str(number)):
                self._hidden[number] = Hidden(FILTERED, {"": {"rem": [[CARD, "s", 0, len(FILTERED)]]}})
        if FILTERED in texts:
            self._hidden[FILTERED] = _BY_NAME

    @property
    def needed(self) -> bool:
        return bool(self._hidden or self._options)

    # Any: plain data of any shape, before and after.
    def replace(self, value: Any) -> tuple[Any, dict[str, Json]]:
        """``value`` without its secrets, and what ``_meta`` says of that."""
        kind = type(value)
        if kind is dict:
            return self._replace_in_dict(value)
        if kind is list:
            return self._replace_in_list(value)
        found = self._hidden.get(value) if kind is str or kind is int else None
        return (value, {}) if found is None else (found.text, found.meta)

    def _replace_in_dict(self, value: dict[str, Any]) -> tuple[Any, dict[str, Json]]:
        copy: dict[str, Any] = {}
        remarks: dict[str, Json] = {}
        for name, member in value.items():
            shown = self._hidden[name].text if name in self._hidden else name
            copy[shown], remark = self.replace(member)
            if remark:
                remarks[shown] = remark
        return copy, remarks

    def _replace_in_list(self, value: list[Any]) -> tuple[Any, dict[str, Json]]:
        copy: list[Any] = []
        remarks: dict[str, Json] = {}
        follows = False
        for index, member in enumerate(value):
            if follows and type(member) is str:
                shown, remark = _BY_NAME
            else:
                shown, remark = self.replace(member)
            follows = type(member) is str and member in self._options
            copy.append(shown)
            if remark:
                remarks[str(index)] = remark
        return copy, remarks


def _joined(before: object, more: dict[str, Json]) -> dict[str, Json]:
    """Remarks that there were before, with more of them."""
    if type(before) is not dict:
        return more
    joined: dict[str, Json] = dict(before)
    for name, remark in more.items():
        known = before.get(name)
        joined[name] = _joined(known, remark) if type(remark) is dict and type(known) is dict and name else remark
    return joined
