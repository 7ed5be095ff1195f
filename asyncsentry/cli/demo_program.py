"""A small shop that fails in three ways, as programs do.

``asyncsentry demo`` runs this file and shows what arrives. To see it in a server of your own:
``SENTRY_DSN=https://KEY@HOST/PROJECT python demo_program.py``
"""

from __future__ import annotations

import asyncio
import logging

import asyncsentry

log = logging.getLogger("shop")


async def share_bill(cents: int, guests: list[str]) -> float:
    return cents / len(guests)


async def send_receipt(address: str, account: dict[str, str]) -> None:
    raise ConnectionError(f"{account['server']} hung up on the receipt for {address}")


def start_receipt(address: str) -> None:
    account = {"server": "mail.example.org", "password": "open sesame"}
    task = asyncio.create_task(send_receipt(address, account))  # 2. Nobody awaits it, so nobody hears of its error.
    log.info("started %s", task.get_name())


async def close_shop(stock: dict[str, int]) -> None:
    log.info("counting what is left of the tea")
    print(stock["tea"])


async def main() -> None:
    log.info("the shop opens")
    try:
        await share_bill(4200, guests=[])
    except ZeroDivisionError as error:  # 1. An error that the program handles.
        asyncsentry.capture_exception(error)

    start_receipt("ada@example.org")
    await asyncio.sleep(0.01)

    await close_shop(stock={"coffee": 3})  # 3. An error that nobody handles: the program ends.


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncsentry.init(release="shop@1.0")  # The DSN comes from the environment: SENTRY_DSN.
    asyncsentry.set_tag("city", "Lisbon")
    asyncio.run(main())
