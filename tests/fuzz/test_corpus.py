"""The inputs that fuzzing has left: each is another way through the code, or once found something."""

from __future__ import annotations

import pytest

from fuzz.targets import TARGETS, Target


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_promise_is_kept_for_all_that_fuzzing_has_left(target: Target) -> None:
    assert target.corpus
    for path in target.corpus:
        target.check(path.read_bytes())
