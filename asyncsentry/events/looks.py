"""How values of the interpreter's types and of the standard library's are shown: a look for each."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from types import FunctionType, MethodType, SimpleNamespace
from typing import Any, Final, NamedTuple, TypeAlias

from asyncsentry.events.foreign import exact, show_name, type_name


class Entries(NamedTuple):
    """The first names and values of a mapping, or of an object's fields, and how many there are."""

    pairs: list[tuple[object, object]]
    total: int


class Items(NamedTuple):
    """The first members of a collection, and how many there are."""

    values: list[object]
    total: int


Shown: TypeAlias = "str | int | float | Entries | Items"

# Any: a look is made for one type and is only given values of it.
Look: TypeAlias = Callable[[Any, int], Shown]
"""Shows a value; of a container, that many members."""

_BYTES_LIMIT: Final = 4096

_FOUND_LIMIT: Final = 200
"""Characters or bytes of what a regular expression found."""

_ADDRESS: Final = r" at 0x[0-9A-Fa-f]+"

_args_of: Final = BaseException.__dict__["args"].__get__


def show_repr(value: object, _breadth: int) -> str:
    text = exact(repr(value))
    # An address says nothing to the reader, and would make two events of one error differ.
    return re.sub(_ADDRESS, "", text) if " at 0x" in text else text


def show_text(value: object, _breadth: int) -> str:
    return exact(str(value))


def show_named_tuple(value: Any, breadth: int) -> Entries:
    members = zip(type(value)._fields, tuple.__iter__(value), strict=False)
    return Entries(list(islice(members, breadth)), tuple.__len__(value))


def show_mapping(value: Mapping[object, object], breadth: int) -> Entries:
    return Entries(list(islice(value.items(), breadth)), len(value))


def show_attributes(value: object, breadth: int) -> Entries:
    """What an object holds under a name of its own."""
    fields = attributes_of(value)
    return named(value, list(islice(fields.items(), breadth)), len(fields))


def fields_look(names: list[str]) -> Look:
    """Shows these attributes."""

    def show_fields(value: object, breadth: int) -> Entries:
        asked = [(name, getattr(value, name, _ABSENT)) for name in names[:breadth]]
        fields: list[tuple[object, object]] = [(name, field) for name, field in asked if field is not _ABSENT]
        return named(value, fields, len(names) - len(asked) + len(fields))

    return show_fields


_ABSENT: Final = object()
"""Stands for a field that an object does not have yet: its own ``__init__`` may be what failed."""


def attributes_of(value: object) -> dict[object, object]:
    """An object's ``__dict__``, whatever it says of itself."""
    attributes: dict[object, object] = object.__getattribute__(value, "__dict__")
    return attributes


def named(value: object, fields: list[tuple[object, object]], total: int) -> Entries:
    """An object's first fields, ``total`` in all, with the name of its type."""
    return Entries([("__class__", type_name(type(value))), *fields], total + 1)


def show_string(value: str, _breadth: int) -> str:
    return exact(value)


def _show_bytes(value: bytes, _breadth: int) -> str:
    return repr(bytes.__getitem__(value, slice(_BYTES_LIMIT)))


def _show_bytearray(value: bytearray, _breadth: int) -> str:
    return repr(bytearray.__getitem__(value, slice(_BYTES_LIMIT)))


def _show_dict(value: dict[object, object], breadth: int) -> Entries:
    return Entries(list(islice(dict.items(value), breadth)), dict.__len__(value))


def _show_exception(value: BaseException, _breadth: int) -> Entries:
    return Entries([("__class__", type_name(type(value))), ("args", _args_of(value))], 2)


def _show_method(value: MethodType, _breadth: int) -> str:
    """By its name: its own ``repr`` is made of that of the object, which may be anything."""
    function: object = value.__func__
    owner: Any = value.__self__
    name = function.__qualname__ if type(function) is FunctionType else type_name(type(function))
    return f"<bound method {name} of {type.__repr__(owner) if issubclass(type(owner), type) else show_name(owner)}>"


def _show_partial(value: partial[object], _breadth: int) -> Entries:
    return named(value, [("func", value.func), ("args", value.args), ("kwargs", value.keywords)], 3)


def _show_match(value: re.Match[Any], _breadth: int) -> Entries:
    """With the beginning of what was found."""
    start, end = value.span()
    found = value.string[start : min(end, start + _FOUND_LIMIT)]
    return named(value, [("pattern", value.re.pattern), ("span", (start, end)), ("match", found)], 3)


def _items_look(iterate: Callable[[Any], Iterator[object]], count: Callable[[Any], int]) -> Look:
    def show_items(value: object, breadth: int) -> Items:
        return Items(list(islice(iterate(value), breadth)), count(value))

    return show_items


BY_BASE: Final[tuple[tuple[type, Look], ...]] = (
    (str, show_string),
    (int, lambda value, _breadth: int.__int__(value)),
    (float, lambda value, _breadth: float.__float__(value)),
    (bytes, _show_bytes),
    (bytearray, _show_bytearray),
    (dict, _show_dict),
    (list, _items_look(list.__iter__, list.__len__)),
    (tuple, _items_look(tuple.__iter__, tuple.__len__)),
    (set, _items_look(set.__iter__, set.__len__)),
    (frozenset, _items_look(frozenset.__iter__, frozenset.__len__)),
    (deque, _items_look(deque.__iter__, deque.__len__)),
    (type({}.keys()), _items_look(iter, len)),
    (type({}.values()), _items_look(iter, len)),
    (type({}.items()), _items_look(iter, len)),
    (BaseException, _show_exception),
    (SimpleNamespace, show_attributes),
    (MethodType, _show_method),
    (partial, _show_partial),
    (type, lambda value, _breadth: type.__repr__(value)),
)
"""What is built on one of the interpreter's types is read with that type's own methods, not with its heir's."""

STANDARD_LIBRARY: Final[Mapping[str, Look]] = {
    **dict.fromkeys(("datetime.date", "datetime.time", "datetime.timedelta", "decimal.Decimal"), show_text),
    **dict.fromkeys(("fractions.Fraction", "ipaddress._IPAddressBase", "pathlib.PurePath", "uuid.UUID"), show_text),
    "_contextvars.ContextVar": lambda value, _breadth: f"<ContextVar {value.name!r}>",
    "_contextvars.Token": lambda value, _breadth: named(value, [("var", value.var)], 1),
    "argparse.Namespace": show_attributes,
    "array.array": _items_look(iter, len),
    "collections.ChainMap": lambda value, _breadth: named(value, [("maps", value.maps)], 1),
    "collections.MappingView": _items_look(iter, len),
    "collections.UserList": lambda value, breadth: Items(value.data[:breadth], len(value.data)),
    "itertools.repeat": show_name,
    "logging.LogRecord": show_attributes,
    "re.Match": _show_match,
    "shelve.Shelf": show_name,  # it is a file
    "subprocess.CompletedProcess": show_attributes,
}
"""The looks at other types of the standard library, which the program may have loaded, by package and name. The first
are those whose ``str`` says all that their ``repr`` does, and reads better."""
