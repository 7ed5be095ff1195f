"""Which errors are sent: ignored types, the share of the others, and samplers that fail."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from asyncsentry.diary import Complaints
from asyncsentry.options import Options
from asyncsentry.selection import Selection


class Outer:
    class Failure(LookupError):
        pass


def never() -> Any:
    raise AssertionError("this must not be called")


def select(uniform: Callable[[], float] = lambda: 0.5, **options: Any) -> Selection:
    return Selection(Options(**options), Complaints(), uniform)


def ignores(kind: type[BaseException], *named: type[BaseException] | str) -> bool:
    selection = select(ignore_errors=named)
    assert selection.ignores(kind) is selection.ignores(kind), "it is known from the first time on"
    return selection.ignores(kind)


@pytest.mark.parametrize(
    "named",
    [
        [LookupError],
        [ValueError, LookupError],
        ["LookupError"],
        ["Failure"],
        ["Outer.Failure"],
        [f"{__name__}.Outer.Failure"],
        [f"{__name__}.*"],
        ["builtins.Lookup*"],
        ["F?ilure", ValueError],
    ],
)
def test_an_error_is_ignored_by_any_of_its_names_and_those_of_its_bases(
    named: Iterable[type[BaseException] | str],
) -> None:
    assert ignores(Outer.Failure, *named)


@pytest.mark.parametrize("named", [[], [KeyError], ["KeyError"], ["failure"], ["Outer"], ["Lookup"], [KeyError, "x"]])
def test_an_error_that_nobody_names_is_not_ignored(named: Iterable[type[BaseException] | str]) -> None:
    assert not ignores(Outer.Failure, *named)


@pytest.mark.parametrize(("rate", "kept"), [(1.0, True), (0.51, True), (0.5, False), (0.0, False)])
def test_the_rate_is_the_share_that_is_kept(rate: float, kept: bool) -> None:
    assert select(sample_rate=rate).keeps() is kept
    assert select(sample_rate=rate).keeps_error(ValueError(), never) is kept


def test_a_rate_of_one_keeps_all_and_asks_for_no_chance() -> None:
    def no_chance() -> float:
        raise AssertionError

    assert select(no_chance).keeps()


@pytest.mark.parametrize(("rate", "kept"), [(1, True), (True, True), (0.51, True), (0.5, False), (False, False)])
def test_a_sampler_decides_instead_of_the_rate(rate: float, kept: bool) -> None:
    seen: list[object] = []

    def sampler(error: BaseException, hint: Mapping[str, Any]) -> float:
        seen.append((error, hint))
        return rate

    error = ValueError()
    selection = select(error_sampler=sampler, sample_rate=1.0 - kept)
    assert selection.keeps_error(error, lambda: {"exc_info": 1}) is kept
    assert seen == [(error, {"exc_info": 1})]
    assert selection.keeps() is not kept, "a message is no error: the rate decides"


@pytest.mark.parametrize(
    "sampler", [lambda error, hint: None, lambda error, hint: 1 / 0, lambda error, hint: float("nan")]
)
def test_a_sampler_that_fails_is_as_good_as_none_and_said_loudly_once(
    sampler: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    keeping, dropping = (select(error_sampler=sampler, sample_rate=rate) for rate in (1.0, 0.0))
    assert [keeping.keeps_error(ValueError(), dict) for _ in range(3)] == [True] * 3
    assert not dropping.keeps_error(ValueError(), dict)
    loud = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage() for record in loud] == ["error_sampler failed: sample_rate decides"] * 2
