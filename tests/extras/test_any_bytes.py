"""The promises of the targets of fuzzing, for what hypothesis thinks of: it makes what it finds short."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from fuzz.targets import TARGETS, Target


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@settings(deadline=None)
@given(data=st.data())
def test_every_promise_is_kept_for_any_bytes(target: Target, data: st.DataObject) -> None:
    words = st.lists(st.sampled_from(target.words) | st.binary(max_size=4), max_size=40).map(b"".join)
    target.check(data.draw(words | st.binary(max_size=target.longest)))
