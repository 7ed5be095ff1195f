"""What is said of the project in one place is what another place says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from asyncsentry.registry import BUNDLED, EXTRAS
from asyncsentry.version import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_registrys_table_equals_the_entry_points() -> None:
    assert PROJECT["entry-points"]["asyncsentry.transports"] == BUNDLED


def test_every_extra_that_a_transport_names_exists() -> None:
    assert set(EXTRAS.values()) <= set(PROJECT["optional-dependencies"])


def test_all_means_every_other_extra_that_goes_with_the_others() -> None:
    """eventlet does not: it cannot be imported beside trio and httpx on Python 3.10. A framework an application has."""
    (everything,) = PROJECT["optional-dependencies"]["all"]
    named = re.fullmatch(r"asyncsentry\[(.*)\]", everything)
    assert named
    integrations = {path.stem for path in (ROOT / "asyncsentry" / "integrations").iterdir()}
    frameworks = integrations - set(EXTRAS.values())
    assert set(named[1].split(",")) == set(PROJECT["optional-dependencies"]) - {"all", "eventlet"} - frameworks


def test_the_core_needs_no_package() -> None:
    assert PROJECT["dependencies"] == []


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_transport_has_its_word_everywhere(name: str) -> None:
    words = name.split("+")
    module = "_".join(words)
    assert BUNDLED[name] == f"asyncsentry_transports.{module}:{''.join(map(str.capitalize, words))}Transport"
    page = (ROOT / "docs" / "transports" / f"{module}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {name}\n")


@pytest.mark.parametrize("package", ["asyncsentry", "transports/asyncsentry_transports"])
def test_both_packages_say_that_they_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").read_text() == ""


def test_the_changelog_knows_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)[0]
    assert newest in ("Unreleased", __version__)


def test_ci_runs_the_command_that_the_readme_shows() -> None:
    (command,) = re.findall(r"^python3 -m pip .* -m nox$", README, re.MULTILINE)
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_every_link_of_the_readme_leads_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []
