"""Programs that hand an SDK what is hostile: they go on as without it, and an event arrives or is counted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from asyncsentry.testing import LocalSentry
from hostile.case import Run
from hostile.cases import ALONE, CASES, TOGETHER
from hostile.playing import Played, outcome, play, play_together


@pytest.mark.parametrize("name", ALONE)
def test_the_program_goes_on_as_without_us_and_an_event_arrives_or_is_counted(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    with LocalSentry() as sentry:
        sentry.answer(*case.replies)
        played = play(name, "asyncsentry", sentry, tmp_path)
    assert outcome(case, played, alone(case.run)) == case.outcome, played.said


@cache
def alone(run: Run) -> Played:
    """What the program does without us; many cases are the same program in other surroundings."""
    name = next(name for name in ALONE if CASES[name].run is run)
    with LocalSentry() as sentry, TemporaryDirectory() as folder:
        return play(name, "none", sentry, Path(folder))


Results = Mapping[str, tuple[Played, Played]]


@pytest.fixture(scope="module", params=TOGETHER)
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What came of each case that leaves nothing behind, with and without the SDK."""
    names = TOGETHER[request.param]
    with LocalSentry() as sentry:
        ours = play_together(names, "asyncsentry", sentry, tmp_path_factory.mktemp("ours"))
        none = play_together(names, "none", sentry, tmp_path_factory.mktemp("none"))
    return {name: (ours[name], none[name]) for name in names}


def test_one_after_the_other_in_one_program_they_do_no_more_harm(results: Results) -> None:
    outcomes = {name: outcome(CASES[name], *played) for name, played in results.items()}
    assert outcomes == {name: CASES[name].outcome for name in results}
