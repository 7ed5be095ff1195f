"""A program that sends one event, with all that it can tell besides: ``python -m programs.telling SDK URL EVENT``.

Before, it leaves breadcrumbs of each kind and describes its work, by the calls that asyncsentry and sentry-sdk share.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Final

from sdks import load
from workloads import WORKLOADS, Make, OrderError

LOGGER: Final = logging.getLogger("shop")
MESSAGE: Final = "order 17 has no price"


def leave_breadcrumbs(sdk: Any) -> None:
    sdk.add_breadcrumb(message="pears were asked for")
    sdk.add_breadcrumb(category="order", message="the price is old", level="warning")
    sdk.add_breadcrumb(
        type="query", category="stock", message="SELECT price", data={"rows": 3, "cached": False, "password": "pears"}
    )
    LOGGER.info("order %s of %s", 17, "ada")
    LOGGER.warning("the stock is late", extra={"seconds": 0.5})


def describe_work(sdk: Any) -> None:
    sdk.set_user({"id": 17, "username": "ada", "email": "ada@shop.example", "staff": True})
    sdk.set_tag("shop", "north")
    sdk.set_tag("attempt", 2)
    sdk.set_context("order", {"number": 17, "paid": False, "lines": [{"pears": 2}, {"plums": 1.5}], "coupon": None})
    sdk.set_extra("cart", {"pears": 2, "sizes": (1, 2)})
    sdk.set_extra("note", "leave it at the door")
    sdk.set_transaction_name("take an order")


def capture_error(make: Make, sdk: Any) -> None:
    sdk.capture_exception(make())


def capture_message(sdk: Any) -> None:
    sdk.capture_message(MESSAGE, level="warning")


def log_error(sdk: Any) -> None:  # noqa: ARG001  # it looks at log records by itself
    LOGGER.error("order %s failed", 17, exc_info=WORKLOADS["shallow"](), extra={"customer": "ada"})


def log_record(sdk: Any) -> None:  # noqa: ARG001  # it looks at log records by itself
    LOGGER.error("order %s of %s failed", 17, "ada")


EVENTS: Final[dict[str, Callable[[Any], None]]] = {
    **{name: partial(capture_error, make) for name, make in WORKLOADS.items()},
    "message": capture_message,
    "logged error": log_error,
    "log record": log_record,
}


async def main() -> None:
    name, url, event = sys.argv[1:]
    adapter = load(name)
    adapter.init(url, "on", OrderError)
    sdk = import_module(name.replace("-", "_"))
    leave_breadcrumbs(sdk)
    describe_work(sdk)
    EVENTS[event](sdk)
    await adapter.drain()


if __name__ == "__main__":
    logging.getLogger().addHandler(logging.NullHandler())
    LOGGER.setLevel(logging.INFO)
    asyncio.run(main())
