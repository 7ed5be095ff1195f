"""A program that reports one of each kind with the DSN in ``SENTRY_DSN``, and prints their event ids as JSON."""

from __future__ import annotations

import asyncio
import builtins
import json
import logging
import sys
from collections.abc import Callable

import asyncsentry


def fail() -> None:
    prices = {"apple": 3}
    print(prices["pear"])


def fail_in_a_chain() -> None:
    try:
        fail()
    except KeyError as error:
        raise LookupError("no price") from error


def fail_in_a_group() -> None:
    if sys.version_info < (3, 11):
        raise RuntimeError("exception groups need Python 3.11")
    raise builtins.ExceptionGroup("two orders failed", [ValueError("no pears"), TypeError("no plums")])


def caught(function: Callable[[], None]) -> str | None:
    try:
        function()
    except Exception:
        return asyncsentry.capture_exception()
    return None


def logged() -> str | None:
    logging.getLogger("shop").error("no %s left", "pears", extra={"shelf": 7})
    return asyncsentry.last_event_id()


async def main() -> None:
    asyncsentry.set_tag("city", "Lisbon")
    asyncsentry.set_user({"id": "7", "username": "ada"})
    asyncsentry.add_breadcrumb(category="order", message="asked for pears", level="info")
    ids = {
        "exception": caught(fail),
        "chain": caught(fail_in_a_chain),
        "group": caught(fail_in_a_group),
        "message": asyncsentry.capture_message("the shop is closed", "warning"),
        "log": logged(),
    }
    print(json.dumps(ids))


if __name__ == "__main__":
    asyncsentry.init(release="shop@1.0", environment="staging", shutdown_timeout=20)
    asyncio.run(main())
