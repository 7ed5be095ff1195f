"""Behind a proxy: whose word is taken for where a request came from. One framework of each kind speaks for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from integrations.frameworks import FRAMEWORKS
from integrations.serving import Shop

CHAIN = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7, 127.0.0.1"}
"""What a client sent itself, its address as the first proxy has seen it, and that proxy as the second has."""

KINDS = ["asgi_hypercorn", "wsgi_threads"]


def shops(**options: Any) -> Any:
    """A fixture: a shop of each kind, open for the tests of this file."""

    @pytest.fixture(scope="module", params=[pytest.param(kind, marks=pytest.mark.xdist_group(kind)) for kind in KINDS])
    def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
        (framework,) = (each for each in FRAMEWORKS if each.name == request.param)
        shop = Shop(framework, **options)
        yield shop
        shop.close()

    return shop


behind_a_proxy = shops(send_default_pii=True, trusted_proxies=["127.0.0.0/8"])
behind_none = shops(send_default_pii=True, trusted_proxies=["192.0.2.1"])
discreet = shops(trusted_proxies=["127.0.0.0/8"])


def environment(shop: Shop, headers: Mapping[str, str]) -> dict[str, str]:
    shop.forget()
    shop.ask("GET", "/fail", headers=headers)
    (event,) = shop.news(1)
    shown: dict[str, str] = event["request"]["env"]
    return shown


def test_a_trusted_proxy_says_for_whom_it_asks(behind_a_proxy: Shop) -> None:
    assert environment(behind_a_proxy, CHAIN)["REMOTE_ADDR"] == "203.0.113.7"
    forwarded = {"Forwarded": 'for=198.51.100.1, for="[2001:db8::17]:4711";proto=https'}
    assert environment(behind_a_proxy, forwarded)["REMOTE_ADDR"] == "2001:db8::17"
    assert environment(behind_a_proxy, {})["REMOTE_ADDR"] == "127.0.0.1"


def test_nobody_else_says_so(behind_none: Shop) -> None:
    assert environment(behind_none, CHAIN)["REMOTE_ADDR"] == "127.0.0.1"


def test_where_no_address_is_asked_for_none_is_shown(discreet: Shop) -> None:
    assert "REMOTE_ADDR" not in environment(discreet, CHAIN)
