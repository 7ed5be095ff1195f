"""What an integration knows of the work in hand: a request, a job."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from asyncsentry.events import attributes
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.http import HttpRequest, show_request

logger = logging.getLogger("asyncsentry")

Source: TypeAlias = Literal["route", "url", "view", "component", "task"]
"""What a transaction's name is made from: https://develop.sentry.dev/sdk/data-model/event-payloads/transaction/"""


@dataclass(frozen=True, slots=True)
class Work:
    """Told when an event is made of it. What the application has set itself is shown instead."""

    transaction: str | None = None
    source: Source = "route"
    request: HttpRequest | None = None
    user: Mapping[str, Any] | None = None
    """As the framework knows it: shown where ``send_default_pii`` or ``data_collection`` asks for it."""
    contexts: Mapping[str, Mapping[str, Any]] | None = None
    """Shown without what stands under the names of secrets."""
    tags: Mapping[str, Any] | None = None


Describe: TypeAlias = Callable[[], Work]
"""Asked when an event is made, and only then; it may fail, and then nothing is known. What time it takes is the
event's: if it takes long, less is shown of the program."""


def show_work(describe: Describe, freezer: Freezer) -> dict[str, Any]:
    """What an event says of the work, as its fields; nothing, where that cannot be told."""
    work = freezer.ask(lambda tell: tell(), describe)
    fields: dict[str, Any] = {}
    if work is None or not issubclass(type(work), Work):
        return fields
    for show in _PARTS:
        try:
            fields.update(show(work, freezer))
        except Exception:  # what a framework was told by a client may be anything
            logger.debug("a part of what is known about a request or a job cannot be shown", exc_info=True)
    return fields


def _show_transaction(work: Work, freezer: Freezer) -> dict[str, Any]:
    if not work.transaction:
        return {}
    name = freezer.text(work.transaction, attributes.TRANSACTION_LIMIT)
    return {"transaction": name, "transaction_info": {"source": freezer.text(work.source)}}


def _show_request(work: Work, freezer: Freezer) -> dict[str, Any]:
    if work.request is None:
        return {}
    request, remarks = show_request(work.request, freezer)
    return {"request": request, "_meta": {"request": remarks}} if remarks else {"request": request}


def _show_user(work: Work, freezer: Freezer) -> dict[str, Any]:
    shown = attributes.user(work.user, freezer) if work.user and freezer.rules.collection.user_info else None
    return {"user": shown} if shown else {}


def _show_tags(work: Work, freezer: Freezer) -> dict[str, Any]:
    return {"tags": attributes.tags(work.tags, freezer)} if work.tags else {}


def _show_contexts(work: Work, freezer: Freezer) -> dict[str, Any]:
    given = work.contexts or {}
    return {"contexts": {freezer.text(name): freezer.freeze_mapping(given[name]) for name in given}}


_PARTS: Final = (_show_transaction, _show_request, _show_user, _show_tags, _show_contexts)
"""In the order in which they come to the event's budget; one that fails takes no other with it."""
