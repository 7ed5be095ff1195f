"""Looking at a value that is not plain: in the way of its type, which is chosen at the first one of it.

A look runs foreign code, so it may raise anything or take long: `Freezer` guards and times it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from types import BuiltinFunctionType, FunctionType
from typing import Any, Final

from asyncsentry.events.asyncio_looks import ASYNCIO
from asyncsentry.events.foreign import IdentityCache, bases, defines, module_name, room, short_name, show_name
from asyncsentry.events.looks import (
    BY_BASE,
    STANDARD_LIBRARY,
    Look,
    Shown,
    fields_look,
    show_mapping,
    show_named_tuple,
    show_repr,
    show_string,
)
from asyncsentry.events.packages import BY_NAME_ALONE, PACKAGES, show_loaded

_BY_NAME: Final[Mapping[str, Look]] = {**STANDARD_LIBRARY, **ASYNCIO, **PACKAGES}
"""By package and name. The first that a type inherits from says how its values are shown."""

HARMLESS: Final = frozenset(map(id, (FunctionType, BuiltinFunctionType, type, bytes, complex)))
"""Types to look at which runs nobody's code, takes no time and cannot fail. By identity, for a metaclass may say of any
type that it is one of them; these live for ever."""

_looks: IdentityCache[Look] = IdentityCache(limit=2048)
_doubts: IdentityCache[int] = IdentityCache(limit=2048)

ENOUGH: Final = 6
"""So much doubt about a type, without a look in between that raised none, that it is shown by its name from then on."""


def look_at(value: object, breadth: int) -> Shown:
    """Show a value, of a container that many members."""
    kind = type(value)
    look = _looks.get(kind)
    if look is None:
        look = _choose(kind)
        _looks.put(kind, look)
    return look(value, breadth)


def distrust(kind: type) -> None:
    """From now on show values of this type by its name alone: looking at one failed, took long, or said very much.

    That one text is long is no fault of its type: texts are cut before they are copied.
    """
    if _looks.get(kind) is not show_string:
        _looks.put(kind, show_name)


def doubt(kind: type, weight: int) -> None:
    """A look took long, though perhaps by no fault of the type: `distrust` it once that has been enough."""
    doubts = (_doubts.get(kind) or 0) + weight
    _doubts.put(kind, doubts)
    if doubts >= ENOUGH:
        distrust(kind)


def acquit(kind: type) -> None:
    """A look took no time: those before were no fault of the type."""
    if _doubts.get(kind):
        _doubts.put(kind, 0)


def _choose(kind: type) -> Look:
    if issubclass(kind, Enum):
        return show_repr
    for base, look in BY_BASE:
        if issubclass(kind, base):
            return show_named_tuple if base is tuple and defines(kind, "_fields") else look
    return _choose_by_name(kind) or _choose_by_fields(kind)


def _choose_by_name(kind: type) -> Look | None:
    if defines(kind, "_sa_class_manager"):  # its class may come from anywhere: sqlalchemy has put this there
        return show_loaded
    for base in bases(kind):
        look = _BY_NAME.get(f"{room(base)}.{short_name(base)}")
        if look is not None:
            return look
    modules = [f"{module_name(base)}." for base in bases(kind)]
    return show_name if any(module.startswith(BY_NAME_ALONE) for module in modules) else None


def _choose_by_fields(kind: Any) -> Look:
    if defines(kind, "__dataclass_fields__"):
        return fields_look([field.name for field in dataclasses.fields(kind) if field.repr])
    if defines(kind, "__attrs_attrs__"):
        # A field's own way to be shown is there to hide something of it.
        return fields_look([field.name for field in kind.__attrs_attrs__ if field.repr is True])
    if defines(kind, "__struct_fields__"):
        return fields_look(list(kind.__struct_fields__))
    if issubclass(kind, Mapping):
        return show_mapping
    return show_name if kind.__repr__ is object.__repr__ else show_repr
