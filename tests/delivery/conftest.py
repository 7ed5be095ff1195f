"""What several files of these tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from asyncsentry.testing import LocalSentry
from delivery.delivering import Delivery
from delivery.styles import OnThread


@pytest.fixture
def delivery(sentry: LocalSentry) -> Delivery:
    return Delivery(sentry)


@pytest.fixture
def threaded(delivery: Delivery) -> Iterator[OnThread]:
    transport = OnThread(delivery.post)
    yield transport
    transport.stop()
