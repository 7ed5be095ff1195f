"""Whose code a frame runs: the application's, or that of what it uses."""

from __future__ import annotations

import json
import os

import pytest

from asyncsentry.events.rules import InApp, Rules


def test_a_program_s_own_file_is_in_app() -> None:
    assert InApp()("/srv/shop/app.py", "app")


@pytest.mark.parametrize(
    "path",
    ["/srv/shop/venv/lib/python3.12/site-packages/flask/app.py", "/usr/lib/python3/dist-packages/yaml/__init__.py"],
)
def test_an_installed_package_is_not_in_app_even_within_the_project(path: str) -> None:
    assert not InApp(project_root="/srv/shop")(path, "flask.app")
    assert not InApp(project_root="/usr/lib")(path, "flask.app")


def test_the_standard_library_is_not_in_app() -> None:
    assert not InApp()(json.__file__, "json")
    assert not InApp()("<frozen importlib._bootstrap>", "importlib._bootstrap")


def test_a_program_outside_the_project_s_folder_is_in_app_too() -> None:
    # The folder is often only where the program was started from.
    in_app = InApp(project_root="/home/me")
    assert in_app("/srv/shop/app.py", "app")
    assert in_app("<stdin>", "__main__")


def test_a_project_s_folder_that_was_named_bounds_what_is_in_app() -> None:
    in_app = InApp(include=("tools",), project_root="/srv/shop", only_below_root=True)
    assert in_app("/srv/shop/app.py", "app")
    assert not in_app("/srv/shop/venv/lib/python3.13/site-packages/flask/app.py", "flask.app")
    assert not in_app("/srv/shopping/app.py", "app")
    assert not in_app("<stdin>", "__main__")
    assert in_app("/opt/tools.py", "tools")


def test_a_module_s_name_speaks_for_the_modules_beneath_it_and_for_no_other() -> None:
    in_app = InApp(exclude=("shop.vendor",))
    assert not in_app("/srv/shop/vendor/__init__.py", "shop.vendor")
    assert not in_app("/srv/shop/vendor/tree.py", "shop.vendor.tree")
    assert in_app("/srv/shop/vendors.py", "shop.vendors")


def test_what_is_included_is_in_app_although_it_is_installed_and_excluded() -> None:
    in_app = InApp(include=("shop",), exclude=("shop",))
    assert in_app("/venv/lib/site-packages/shop/app.py", "shop.app")


def test_the_sdk_itself_is_not_in_app() -> None:
    assert not InApp()("/srv/asyncsentry/api.py", "asyncsentry.api")


def test_a_frame_without_a_module_is_judged_by_its_file() -> None:
    assert InApp(include=("shop",), exclude=("app",))("/srv/shop/app.py", None)


def test_the_root_of_a_project_ends_with_one_slash() -> None:
    assert InApp(project_root=f"{os.sep}srv{os.sep}shop{os.sep}").root == "/srv/shop/"
    assert InApp().root == ""


def test_two_sets_of_equal_rules_are_two_keys_of_a_cache() -> None:
    assert len({Rules(), Rules()}) == 2
