"""The page of the documentation says of asyncsentry what the tests show."""

from __future__ import annotations

from hostile.cases import ALL
from hostile.page import PAGE, last_column


def test_the_page_in_the_documentation_says_what_the_tests_show() -> None:
    """``nox -s hostile -- --write`` writes it."""
    if PAGE.exists():  # a wheel is tested without its documentation
        assert last_column() == [(case.told, case.outcome) for case in ALL.values()]
