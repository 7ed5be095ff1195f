"""What all tests share: the SDK's own pytest plugin, which pytest finds by itself only where the wheel is installed."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.has_plugin("asyncsentry"):
        config.pluginmanager.import_plugin("asyncsentry.testing.plugin")
