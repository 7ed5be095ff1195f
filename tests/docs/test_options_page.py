"""The page of the options says what the options are."""

from __future__ import annotations

import ast
import re

from asyncsentry.options import ENVIRONMENT, Options
from docs.programs import ROOT

PAGE = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
NOT_OPTIONS = {"transport_name"}


def test_the_page_has_every_option_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| ", PAGE, re.MULTILINE)
    there_are = {name: default for name, default in Options._field_defaults.items() if name not in NOT_OPTIONS}
    there_are["data_collection"] = None  # where it is not given there is still what is collected then
    assert {name: ast.literal_eval(default) for name, default in rows} == there_are


def test_the_page_has_every_variable_of_the_environment() -> None:
    rows = re.findall(r"^\| `(SENTRY_\w+)` \| `(\w+)`", PAGE, re.MULTILINE)
    assert {option: variable for variable, option in rows} == {
        "dsn": "SENTRY_DSN",
        "transport": "SENTRY_TRANSPORT",
        **ENVIRONMENT,
    }
