"""What pytest gets from this package, and what it pays."""

from __future__ import annotations

import subprocess
import sys
import typing

import pytest

import asyncsentry.testing
from asyncsentry.testing import LocalSentry

PLUGIN = ("-p", "no:asyncsentry", "-p", "asyncsentry.testing.plugin")  # the same where it is installed and where not


def test_the_fixture_is_a_running_server(sentry: LocalSentry) -> None:
    assert sentry.connections == 0
    assert sentry.requests == ()


def test_each_test_has_a_server_of_its_own_that_is_stopped(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import socket, threading, urllib.parse

        servers = []

        def test_one(sentry):
            servers.append(sentry)
            socket.create_connection(("127.0.0.1", urllib.parse.urlsplit(sentry.url).port)).close()

        def test_two(sentry):
            assert sentry is not servers[0]
            servers.append(sentry)

        def test_both_are_gone():
            assert threading.active_count() == 1
        """
    )
    others = [part for name in ("asyncio", "randomly", "xdist") for part in ("-p", f"no:{name}")]
    result = pytester.runpytest_subprocess(*PLUGIN, *others, "-W", "error")
    result.assert_outcomes(passed=3)


def test_the_fixture_is_listed_with_what_it_is_for(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(*PLUGIN, "--fixtures")
    result.stdout.re_match_lines(["sentry -- .*plugin.py.*", ".*A `LocalSentry` over http.*"])


def test_loading_the_plugin_imports_no_server() -> None:
    program = "import sys, asyncsentry.testing.plugin; print(*(n for n in sys.modules if 'asyncsentry.testing.' in n))"
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert printed.split() == ["asyncsentry.testing.plugin"]


def test_every_public_name_is_there() -> None:
    for name in asyncsentry.testing.__all__:
        assert getattr(asyncsentry.testing, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        asyncsentry.testing.nonsense  # type: ignore[attr-defined]  # the error is what is looked for


def test_public_classes_have_types_that_can_be_resolved() -> None:
    assert typing.get_type_hints(asyncsentry.testing.Answer)["delay"] is float
