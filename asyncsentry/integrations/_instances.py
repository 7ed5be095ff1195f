"""A method replaced on one object alone: for frameworks that offer no other place, and so that it can be put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from asyncsentry.hooks.place import Uninstall

Method: TypeAlias = Callable[..., Any]


def replace(owner: object, name: str, make: Callable[[Method], Method]) -> Uninstall:
    """Let ``make`` say what stands in for a method of ``owner``: it is given the method, and its work is called.

    What is returned puts it back; where somebody else has wrapped it since, it goes on being passed through.
    """
    own = vars(owner)
    before = own.get(name)
    original: Method = getattr(owner, name)
    made: Method | None = make(original)

    def method(*args: Any, **kwargs: Any) -> Any:
        return (made or original)(*args, **kwargs)

    def put_back() -> None:
        nonlocal made
        made = None
        if own.get(name) is method:
            if before is None:
                del own[name]
            else:
                own[name] = before

    own[name] = method
    return put_back
