"""What an integration knows of the work in hand: a request, a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from asyncsentry.events import attributes
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.http import HttpRequest, show_request

Source: TypeAlias = Literal["route", "url", "view", "component", "task"]
"""What a transaction's name is made from: https://develop.sentry.dev/sdk/data-model/event-payloads/transaction/"""


@dataclass(frozen=True, slots=True)
class Work:
    """Told when an event is made of it. What the application has set itself is shown instead."""

    transaction: str | None = None
    source: Source = "route"
    request: HttpRequest | None = None
    user: Mapping[str, Any] | None = None
    """As the framework knows it: shown where ``send_default_pii`` asks for it."""
    contexts: Mapping[str, Mapping[str, Any]] | None = None
    tags: Mapping[str, Any] | None = None


Describe: TypeAlias = Callable[[], Work]
"""Asked when an event is made, and only then; it may fail, and then nothing is known."""


def show_work(describe: Describe, freezer: Freezer) -> dict[str, Any]:
    """What an event says of the work, as its fields; nothing, where that cannot be told."""
    work = freezer.ask(lambda tell: tell(), describe)
    return {} if work is None else _fields(work, freezer)


def _fields(work: Work, freezer: Freezer) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if work.transaction:
        fields["transaction"] = freezer.text(work.transaction, attributes.TRANSACTION_LIMIT)
        fields["transaction_info"] = {"source": work.source}
    if work.request is not None:
        fields["request"], remarks = show_request(work.request, freezer)
        if remarks:
            fields["_meta"] = {"request": remarks}
    if work.user and freezer.rules.personal:
        fields["user"] = attributes.user(work.user, freezer)
    if work.tags:
        fields["tags"] = attributes.tags(work.tags, freezer)
    if work.contexts:
        fields["contexts"] = {
            name: freezer.freeze_mapping(context, scrub=False) for name, context in work.contexts.items()
        }
    return fields
