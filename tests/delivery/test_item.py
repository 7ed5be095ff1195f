"""An item is a value."""

from __future__ import annotations

import pytest

from asyncsentry.item import PRIORITIES, PRIORITY, Attachment, Item
from delivery.material import event


def test_nothing_in_an_item_changes() -> None:
    with pytest.raises(AttributeError):
        event().weight = 0  # type: ignore[misc]  # that is the point


def test_what_an_item_carries_is_not_shown() -> None:
    item = Item("event", "error", b"secret", 1, attachments=(Attachment(b"secret", "a"),))
    assert "secret" not in repr(item)


def test_errors_and_check_ins_come_before_all_else() -> None:
    assert {category for category, priority in PRIORITY.items() if priority == 0} == {"error", "attachment", "monitor"}
    assert set(PRIORITY.values()) == set(range(PRIORITIES))
