"""A small shop that fails in three ways, as programs do.

``asyncsentry demo`` runs this file and shows what arrives. To see it in a server of your own:
``SENTRY_DSN=https://KEY@HOST/PROJECT python demo_program.py``
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import sys
from typing import Any

import asyncsentry

log = logging.getLogger("shop")


async def share_bill(cents: int, guests: list[str]) -> float:
    return cents / len(guests)


async def send_receipt(address: str, account: dict[str, str]) -> None:
    raise ConnectionError(f"{account['server']} hung up on the receipt for {address}")


def start_receipt(address: str) -> None:
    account = {"server": "mail.example.org", "password": "open sesame"}
    task = asyncio.create_task(send_receipt(address, account))
    log.info("started %s", task.get_name())


async def close_shop(stock: dict[str, int]) -> None:
    log.info("counting what is left of the tea")
    print(stock["tea"])


async def main() -> None:
    log.info("the shop opens")
    asyncsentry.set_tag("table", 7)

    # 1. An error that the program handles.
    try:
        await share_bill(4200, guests=[])
    except ZeroDivisionError:
        asyncsentry.capture_exception()

    # 2. A task that nobody awaits, so nobody would hear of its error.
    start_receipt("ada@example.org")
    await asyncio.sleep(0.01)

    # 3. An error that nobody handles: the program ends.
    await close_shop(stock={"coffee": 3})


def before_send(event: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any]:
    """See each event before it is sent. It may be changed here, or dropped by giving None."""
    print("captured", event["event_id"])
    return event


def wait() -> None:
    """Wait for the delivery, to tell of it. For the delivery itself there is no need to."""
    done = asyncsentry.flush(timeout=10) and not asyncsentry.get_client().losses
    print("delivered" if done else "not delivered")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncsentry.init(release="shop@1.0", before_send=before_send)  # The DSN is in the environment, as SENTRY_DSN.
    asyncsentry.get_global_scope().set_tag("city", "Lisbon")
    if "--wait" in sys.argv:
        atexit.register(wait)
    asyncio.run(main())
