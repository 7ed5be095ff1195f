"""No secret that is planted anywhere gets out."""

from __future__ import annotations

from urllib.parse import quote, quote_plus, unquote_plus

import pytest

from asyncsentry.testing import LocalSentry
from conftest import OpenClient
from privacy.places import PLACES
from privacy.planted import KNOWN, NAMED, Planted, secret_part


@pytest.mark.parametrize("kind", [NAMED, KNOWN], ids=["named", "known"])
@pytest.mark.parametrize("where", PLACES)
def test_no_planted_secret_gets_out(
    where: str, kind: tuple[Planted, ...], open_client: OpenClient, sentry: LocalSentry
) -> None:
    client = open_client(send_default_pii=True, flood_limit=0, max_request_body_size="always", max_breadcrumbs=1)
    for planted in kind:
        with client.isolation_scope():
            PLACES[where](client, planted.name, planted.value)
        assert client.flush()
    told = [str(event) for event in sentry.events]
    assert [planted for planted, event in zip(kind, told, strict=True) if _shows(event, secret_part(planted))] == []
    # On a machine that is very busy, an object that took long to look at is shown by its type alone.
    assert sum("[Filtered]" in event for event in told) > len(kind) / 2


def _shows(event: str, secret: str) -> bool:
    told = event.replace("\\\\n", "\n").replace("\\n", "\n")
    return any(text in told for text in (secret, quote(secret), quote_plus(secret))) or secret in unquote_plus(told)


def test_there_are_enough_of_them() -> None:
    assert len(PLACES) >= 40
    assert len(PLACES) * len(NAMED + KNOWN) >= 300
