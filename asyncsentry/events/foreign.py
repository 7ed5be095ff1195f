"""How values of types that are not the interpreter's own are looked at: their type says it, once.

A look runs foreign code, so it may raise anything or take long: `Freezer` guards and times it. Nothing here trusts
``isinstance``, which asks the value for its class, or an attribute of a type, which a metaclass may compute.
"""

from __future__ import annotations

import dataclasses
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from itertools import islice
from types import BuiltinFunctionType, FunctionType, SimpleNamespace
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar
from weakref import ref

T = TypeVar("T")


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


class IdentityCache(Generic[T]):
    """What is known about objects, by their identity and a second key, as long as they live.

    It keeps none of them alive, and a new object in the place of a dead one is not taken for it. When full it forgets
    everything: one dict, no order and no lock to keep.
    """

    __slots__ = ("_known", "_limit")

    def __init__(self, limit: int) -> None:
        self._known: dict[object, tuple[ref[Any], T]] = {}
        self._limit = limit

    def get(self, owner: object, key: object = None) -> T | None:
        known = self._known.get((id(owner), key))
        return known[1] if known is not None and known[0]() is owner else None

    def put(self, owner: object, fact: T, key: object = None) -> None:
        if len(self._known) >= self._limit:
            self._known.clear()
        self._known[id(owner), key] = (ref(owner), fact)

    def __len__(self) -> int:
        return len(self._known)


_qualname_of: Final = type.__dict__["__qualname__"].__get__
_module_of: Final = type.__dict__["__module__"].__get__
_mro_of: Final = type.__dict__["__mro__"].__get__


def bases(kind: type) -> tuple[type, ...]:
    """The type and what it inherits from, whatever its metaclass says."""
    mro: tuple[type, ...] = _mro_of(kind)
    return mro


def module_name(kind: type) -> str:
    """Where a type says it was defined; ``"?"`` if it says no text."""
    try:
        module = _module_of(kind)
    except AttributeError:
        return "?"
    return module if type(module) is str else "?"


def short_name(kind: type) -> str:
    name = _qualname_of(kind)
    return name if type(name) is str else "?"


def type_name(kind: type) -> str:
    """``module.Type``, the module left out if it is ``builtins``."""
    module = module_name(kind)
    return short_name(kind) if module == "builtins" else f"{module}.{short_name(kind)}"


def show_name(value: object, _breadth: int = 0) -> str:
    """The look that runs nothing of the value's own."""
    return f"<{type_name(type(value))}>"


HARMLESS: Final = frozenset(map(id, (FunctionType, BuiltinFunctionType, type, bytes, complex)))
"""Types to look at which runs nobody's code, takes no time and cannot fail. By identity, for a metaclass may say of any
type that it is one of them; these live for ever."""

_looks: IdentityCache[Look] = IdentityCache(limit=2048)
_suspects: IdentityCache[bool] = IdentityCache(limit=2048)


def look_at(value: object, breadth: int) -> Shown:
    """Show a value in the way of its type, which is chosen at the first one of it."""
    kind = type(value)
    look = _looks.get(kind)
    if look is None:
        look = _choose(kind)
        _looks.put(kind, look)
    return look(value, breadth)


def distrust(kind: type) -> None:
    """From now on show values of this type by its name alone: looking at one failed, or took long."""
    _looks.put(kind, show_name)


def suspect(kind: type) -> None:
    """Do so if this comes a second time: a look took long, though perhaps by no fault of the type."""
    if _suspects.get(kind):
        distrust(kind)
    else:
        _suspects.put(kind, True)


def _choose(kind: type) -> Look:
    if issubclass(kind, Enum):
        return _show_repr
    for base, look in _BY_BASE:
        if issubclass(kind, base):
            return _show_named_tuple if base is tuple and defines(kind, "_fields") else look
    if defines(kind, "_sa_class_manager") or _comes_from(kind, "django.db.models.base"):
        return _show_loaded
    if _comes_from(kind, *_LAZY_OR_LARGE):
        return _show_shape
    return _choose_by_fields(kind)


def _choose_by_fields(kind: Any) -> Look:
    if defines(kind, "__dataclass_fields__"):
        return _fields_look([field.name for field in dataclasses.fields(kind) if field.repr])
    if defines(kind, "__attrs_attrs__"):
        return _fields_look([field.name for field in kind.__attrs_attrs__ if field.repr])
    if any(f"{_room(base)}.{short_name(base)}" in _READ_AS_TEXT for base in bases(kind)):
        return _show_text
    if issubclass(kind, Mapping):
        return _show_mapping
    return show_name if kind.__repr__ is object.__repr__ else _show_repr


def defines(kind: type, name: str) -> bool:
    return any(name in _dict_of(base) for base in bases(kind))


def _comes_from(kind: type, *places: str) -> bool:
    return any(f"{module_name(base)}.".startswith(tuple(f"{place}." for place in places)) for base in bases(kind))


def _room(kind: type) -> str:
    """The package a type comes from: ``pathlib`` for what 3.13 defines in ``pathlib._local``."""
    return module_name(kind).partition(".")[0]


_READ_AS_TEXT: Final = frozenset(
    {
        "datetime.date",
        "datetime.time",
        "datetime.timedelta",
        "decimal.Decimal",
        "fractions.Fraction",
        "ipaddress._IPAddressBase",
        "pathlib.PurePath",
        "uuid.UUID",
    }
)
"""Types whose ``str`` says all that their ``repr`` does, and reads better."""

_LAZY_OR_LARGE: Final = (
    *("cupy", "dask", "datasets", "django.db.models", "duckdb", "h5py", "ibis", "jax", "jaxlib", "modin"),
    *("mongoengine", "numpy", "pandas", "peewee", "polars", "pyarrow", "pyspark", "ray", "scipy", "sqlalchemy"),
    *("tensorflow", "torch", "tortoise", "vaex", "xarray", "zarr"),
)
"""Packages and modules whose values ask a database or compute when they are looked at, or print at great length."""

_LONGEST: Final = 1024 * 1024 + 1
"""No text is shown beyond this: what is longer than any limit is as good as all of it."""

_BYTES_LIMIT: Final = 4096

_ADDRESS: Final = r" at 0x[0-9A-Fa-f]+"

_dict_of: Final = type.__dict__["__dict__"].__get__
_args_of: Final = BaseException.__dict__["args"].__get__


def exact(text: str, limit: int = _LONGEST) -> str:
    """A text of the type ``str`` itself from one of any subclass, cut."""
    return str.__getitem__(text, slice(limit))


def _show_repr(value: object, _breadth: int) -> str:
    text = exact(repr(value))
    # An address says nothing to the reader, and would make two events of one error differ.
    return re.sub(_ADDRESS, "", text) if " at 0x" in text else text


def _show_text(value: object, _breadth: int) -> str:
    return exact(str(value))


def _show_string(value: str, _breadth: int) -> str:
    return exact(value)


def _show_bytes(value: bytes, _breadth: int) -> str:
    return repr(bytes.__getitem__(value, slice(_BYTES_LIMIT)))


def _show_bytearray(value: bytearray, _breadth: int) -> str:
    return repr(bytearray.__getitem__(value, slice(_BYTES_LIMIT)))


def _show_dict(value: dict[object, object], breadth: int) -> Entries:
    return Entries(list(islice(dict.items(value), breadth)), dict.__len__(value))


def _show_named_tuple(value: Any, breadth: int) -> Entries:
    members = zip(type(value)._fields, tuple.__iter__(value), strict=False)
    return Entries(list(islice(members, breadth)), tuple.__len__(value))


def _show_mapping(value: Mapping[object, object], breadth: int) -> Entries:
    return Entries(list(islice(value.items(), breadth)), len(value))


def _show_exception(value: BaseException, _breadth: int) -> Entries:
    return Entries([("__class__", type_name(type(value))), ("args", _args_of(value))], 2)


def _show_namespace(value: SimpleNamespace, breadth: int) -> Entries:
    fields: dict[object, object] = object.__getattribute__(value, "__dict__")
    return _named(value, list(islice(fields.items(), breadth)), len(fields))


def _show_loaded(value: Any, breadth: int) -> Entries:
    """A row's fields as far as they are loaded: to ask for one that is not would ask the database."""
    loaded = [(name, field) for name, field in object.__getattribute__(value, "__dict__").items() if name[:1] != "_"]
    return _named(value, loaded[:breadth], len(loaded))


def _show_shape(value: object, breadth: int) -> str:
    kind = type(value)
    if _comes_from(kind, "numpy") and any(short_name(base) == "generic" for base in bases(kind)):
        return _show_repr(value, breadth)
    # The type is asked first: a table of data takes any name for one of its columns.
    known = [f" {name}={exact(str(getattr(value, name)), 100)}" for name in ("shape", "dtype") if defines(kind, name)]
    return f"<{type_name(kind)}{''.join(known)}>"


def _fields_look(names: list[str]) -> Look:
    def show_fields(value: object, breadth: int) -> Entries:
        asked = [(name, getattr(value, name, _ABSENT)) for name in names[:breadth]]
        fields: list[tuple[object, object]] = [(name, field) for name, field in asked if field is not _ABSENT]
        return _named(value, fields, len(names) - len(asked) + len(fields))

    return show_fields


_ABSENT: Final = object()
"""Stands for a field that an object does not have yet: its own ``__init__`` may be what failed."""


def _named(value: object, fields: list[tuple[object, object]], total: int) -> Entries:
    return Entries([("__class__", type_name(type(value))), *fields], total + 1)


def _items_look(iterate: Callable[[Any], Iterator[object]], count: Callable[[Any], int]) -> Look:
    def show_items(value: object, breadth: int) -> Items:
        return Items(list(islice(iterate(value), breadth)), count(value))

    return show_items


_BY_BASE: Final[tuple[tuple[type, Look], ...]] = (
    (str, _show_string),
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
    (SimpleNamespace, _show_namespace),
)
"""What is built on one of the interpreter's types is read with that type's own methods, not with its heir's."""
