"""How we take our turn in a chain of hooks that others are in, too."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Callable

import pytest

from asyncsentry.hooks.place import Place


class Owner:
    """Something with an attribute that it calls, as `sys` has ``excepthook``."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.hook: Callable[[str], None] = self.original

    def original(self, word: str) -> None:
        self.calls.append(f"original {word}")

    def listener(self, name: str) -> Callable[[str], None]:
        return lambda word: self.calls.append(f"{name} {word}")

    def wrap(self) -> None:
        """What another library does that hooks in after us."""
        wrapped = self.hook

        def wrapper(word: str) -> None:
            self.calls.append(f"wrapper {word}")
            wrapped(word)

        self.hook = wrapper


def fail(word: str) -> None:
    raise ZeroDivisionError(word)


def test_a_listener_hears_each_call_before_what_was_there() -> None:
    owner = Owner()
    Place(owner, "hook").listen(owner.listener("ours"))
    owner.hook("crash")
    assert owner.calls == ["ours crash", "original crash"]


def test_what_was_there_is_called_also_when_the_listener_fails() -> None:
    owner = Owner()
    Place(owner, "hook").listen(fail)
    owner.hook("crash")
    assert owner.calls == ["original crash"]


def test_a_ctrl_c_in_the_listener_goes_on_after_what_was_there_was_called() -> None:
    def interrupted(word: str) -> None:
        raise KeyboardInterrupt

    owner = Owner()
    Place(owner, "hook").listen(interrupted)
    with pytest.raises(KeyboardInterrupt):
        owner.hook("crash")
    assert owner.calls == ["original crash"]


def test_an_error_of_what_was_there_is_not_swallowed() -> None:
    owner = Owner()
    owner.hook = fail
    Place(owner, "hook").listen(owner.listener("ours"))
    with pytest.raises(ZeroDivisionError) as caught:
        owner.hook("crash")
    ours = [] if sys.version_info >= (3, 11) else ["hook"]
    assert [entry.name for entry in caught.traceback[1:]] == [*ours, "fail"]


def test_leaving_puts_back_what_was_there() -> None:
    owner = Owner()
    before = owner.hook
    leave = Place(owner, "hook").listen(owner.listener("ours"))
    leave()
    leave()
    assert owner.hook is before


def test_leaving_what_was_inherited_leaves_nothing() -> None:
    class Heir(Owner):
        original = Owner.original

    class Elder(Owner):
        pass

    for kind, members in ((Heir, {"original"}), (Elder, set[str]())):
        before = kind.original
        leave = Place(kind, "original").listen(lambda *_: None)
        assert kind.original is not before
        leave()
        assert kind.original is before
        assert members == {"original"} & set(vars(kind))


def test_leaving_under_another_hook_keeps_that_hook_and_falls_silent() -> None:
    owner = Owner()
    leave = Place(owner, "hook").listen(owner.listener("ours"))
    owner.wrap()
    leave()
    owner.hook("crash")
    assert owner.calls == ["wrapper crash", "original crash"]


def test_the_newest_listener_takes_the_place_of_the_one_before() -> None:
    owner = Owner()
    place = Place(owner, "hook")
    leave_old = place.listen(owner.listener("old"))
    leave_new = place.listen(owner.listener("new"))
    leave_old()
    owner.hook("crash")
    assert owner.calls == ["new crash", "original crash"]
    leave_new()
    assert owner.hook == owner.original


def test_the_newest_listener_alone_hears_also_when_the_one_before_was_wrapped() -> None:
    owner = Owner()
    place = Place(owner, "hook")
    place.listen(owner.listener("old"))
    owner.wrap()
    place.listen(owner.listener("new"))
    owner.hook("crash")
    assert owner.calls == ["new crash", "wrapper crash", "original crash"]


def test_a_hook_that_somebody_wrapped_does_not_keep_its_listener_alive() -> None:
    owner = Owner()
    listener = owner.listener("ours")
    alive = weakref.ref(listener)
    leave = Place(owner, "hook").listen(listener)
    owner.wrap()
    leave()
    del listener
    gc.collect()
    assert alive() is None
