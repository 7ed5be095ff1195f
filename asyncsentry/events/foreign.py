"""What types are called, what they inherit and define, and what is known of them: they themselves are not asked.

Nothing here trusts ``isinstance``, which asks the value for its class, or an attribute of a type, which a metaclass may
compute.
"""

from __future__ import annotations

from typing import Any, Final, Generic, TypeVar
from weakref import ref

T = TypeVar("T")


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

# Any: what stands in a class is whatever its author put there.
members_of: Final = type.__dict__["__dict__"].__get__
"""What a type itself defines, by name."""


def bases(kind: type) -> tuple[type, ...]:
    """The type and what it inherits from, whatever its metaclass says."""
    mro: tuple[type, ...] = _mro_of(kind)
    return mro


def defines(kind: type, name: str) -> bool:
    """Whether the type or one that it inherits from has a member of that name."""
    return any(name in members_of(base) for base in bases(kind))


def member(kind: type, name: str) -> object:
    """What the type, or the first that it inherits from, has under a name that all objects have."""
    return next(members_of(base)[name] for base in bases(kind) if name in members_of(base))


def module_name(kind: type) -> str:
    """Where a type says it was defined; ``"?"`` if it says no text."""
    try:
        module = _module_of(kind)
    except AttributeError:
        return "?"
    return module if type(module) is str else "?"


def room(kind: type) -> str:
    """The package a type comes from: ``pathlib`` for what 3.13 defines in ``pathlib._local``."""
    return module_name(kind).partition(".")[0]


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


_LONGEST: Final = 1024 * 1024 + 1
"""No text is shown beyond this: what is longer than any limit is as good as all of it."""


def exact(text: str, limit: int = _LONGEST) -> str:
    """A text of the type ``str`` itself from one of any subclass, cut."""
    return str.__getitem__(text, slice(limit))
