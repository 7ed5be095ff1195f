"""Each framework's shop is a program of its own, open for all tests of the framework that run in one process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from _pytest.mark import ParameterSet

from integrations.frameworks import FRAMEWORKS, Framework
from integrations.serving import Shop


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(thing): is there only for frameworks that do not lack it")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    needed = {marker.args[0] for marker in metafunc.definition.iter_markers("needs")}
    frameworks = [framework for framework in FRAMEWORKS if not framework.lacks & needed]
    if "where" in metafunc.fixturenames:
        pairs = [(framework, where) for framework in frameworks for where in framework.inside]
        metafunc.parametrize(
            ("framework", "where"), [param(*pair, name=f"{pair[0]}-{pair[1]}") for pair in pairs], scope="session"
        )
    elif "framework" in metafunc.fixturenames:
        metafunc.parametrize("framework", [param(each, name=each.name) for each in frameworks], scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of a framework, one after the other: pytest would open some shops twice."""
    items.sort(key=framework_of)


def framework_of(item: pytest.Item) -> str:
    """The name of the framework that a test is of; none, for what is of none."""
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return ""
    return str(item.callspec.params.get("framework", ""))


def param(framework: Framework, *others: str, name: str) -> ParameterSet:
    return pytest.param(framework, *others, marks=pytest.mark.xdist_group(framework.name), id=name)


@pytest.fixture(scope="session")
def open_shop(framework: Framework) -> Iterator[Shop]:
    shop = Shop(framework)
    yield shop
    shop.close()


@pytest.fixture(scope="session")
def open_personal_shop(framework: Framework) -> Iterator[Shop]:
    shop = Shop(framework, send_default_pii=True, failed_request_status_codes=[403])
    yield shop
    shop.close()


@pytest.fixture
def shop(open_shop: Shop) -> Shop:
    open_shop.forget()
    return open_shop


@pytest.fixture
def personal_shop(open_personal_shop: Shop) -> Shop:
    """A shop that asks for what tells who its users are, and thinks that it has failed when it refuses something."""
    open_personal_shop.forget()
    return open_personal_shop
