"""The life of a web application: what is captured before its loop runs, at its start and at its end."""

from __future__ import annotations

import pytest

from asyncsentry.testing import LocalSentry
from integrations.frameworks import Framework
from integrations.serving import PATIENCE, Program, mechanism, outline


def test_what_is_captured_before_the_start_and_at_the_end_arrives_without_any_request(
    framework: Framework, sentry: LocalSentry
) -> None:
    program = Program(framework, sentry.dsn_for(framework.transport))
    try:
        program.url()
        sentry.wait_for_events(1, PATIENCE)
        assert [outline(event) for event in sentry.events] == ["early"]
    finally:
        status = program.end()
    assert status == 0, program.said
    assert [outline(event) for event in sentry.events] == ["early", "goodbye"]


@pytest.mark.needs("startup")
def test_an_error_at_the_start_is_reported(framework: Framework, sentry: LocalSentry) -> None:
    program = Program(framework, sentry.dsn_for(framework.transport), fail="startup")
    program.wait()
    errors = [event for event in sentry.events if "exception" in event]
    assert [outline(event) for event in errors] == ["Broken: startup"], program.said
    assert mechanism(errors[0]) == (framework.mechanism, False)


@pytest.mark.needs("shutdown")
def test_an_error_at_the_end_is_reported(framework: Framework, sentry: LocalSentry) -> None:
    program = Program(framework, sentry.dsn_for(framework.transport), fail="shutdown")
    program.url()
    program.end()
    errors = [event for event in sentry.events if "exception" in event]
    assert [outline(event) for event in errors] == ["Broken: shutdown"], program.said
    assert mechanism(errors[0]) == (framework.mechanism, False)
