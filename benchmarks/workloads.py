"""The errors that are captured: made afresh each time, with the frames of the benchmark itself taken off.

``shallow`` is an error in a small script, ``mid`` one in a web handler, ``deep`` one far down in frameworks; ``chain``
and ``group`` are several errors in one event.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final


class OrderError(Exception):
    """What all of the errors are, but for some links of the chain."""


Make = Callable[[], Exception]
Raise = Callable[[], object]

SHALLOW_FRAMES: Final = 3
MID_FRAMES: Final = 10
DEEP_FRAMES: Final = 30


def caught(raises: Raise) -> Exception:
    """What it raises, without this function's own frame."""
    try:
        raises()
    except Exception as error:
        traceback = error.__traceback__
        return error.with_traceback(traceback.tb_next if traceback else None)
    raise AssertionError("nothing was raised")


# -- shallow: three frames with one or two small locals


def take_order() -> None:
    number = 17
    check_order(number)


def check_order(number: int) -> None:
    customer = "ada"
    price_order(number, customer)


def price_order(number: int, customer: str) -> None:
    raise OrderError(f"order {number} of {customer} has no price")


# -- mid and deep: frames with ten locals, nested, of about fifty values in all. Five functions in turns, as the frames
# of real programs are not of one function.


def receive(left: int) -> None:
    method, path, status = "POST", f"/orders/{left}", 200
    headers = {"host": "shop.example", "accept": "application/json", "user-agent": "browser/5.0", "x-turn": str(left)}
    query = {"page": left, "size": 25, "sort": ["date", "price"]}
    user = {"id": 1000 + left, "name": "Ada", "roles": ["admin", "staff"], "address": {"city": "Turin", "zip": "10121"}}
    items = [{"sku": f"A-{left}-{number}", "count": number, "price": 9.5 * number} for number in range(4)]
    totals = (left * 10.5, 0.22, left * 12.81)
    flags = {"paid": False, "gift": True, "express": None}
    authorize(left - 1)
    print(method, path, status, headers, query, user, items, totals, flags)


def authorize(left: int) -> None:
    realm, attempts, granted = "shop", 3, False
    grants = {"orders": ["read", "write"], "stock": ["read"], "users": []}
    claims = {"sub": f"user-{left}", "exp": 1_700_000_000 + left, "aud": ["shop", "stock"], "scope": {"level": left}}
    rules = [{"path": f"/orders/{number}", "methods": ["GET", "PUT"], "allow": True} for number in range(4)]
    seen = [left, left + 1, left + 2, left + 3]
    cache = {"hits": left * 7, "misses": left, "ratio": 0.875, "kind": {"name": "lru", "size": 128}}
    origin = ("10.0.0.1", 40_000 + left)
    load_order(left - 1)
    print(realm, attempts, granted, grants, claims, rules, seen, cache, origin)


def load_order(left: int) -> None:
    table, key, locked = "orders", left * 31, True
    columns = ["id", "customer", "created", "total", "state"]
    row = {"id": left, "customer": {"id": 1000 + left, "name": "Grace"}, "total": 99.5, "state": "open"}
    lines = [{"order": left, "position": number, "article": f"article {number}"} for number in range(5)]
    statement = "SELECT id, customer, created, total, state FROM orders WHERE id = ? AND state <> 'gone'"
    pool = {"size": 10, "idle": 4, "waiting": left, "ages": [0.5, 1.25, 7.75]}
    timing = (0.001 * left, 0.002 * left)
    compute_total(left - 1)
    print(table, key, locked, columns, row, lines, statement, pool, timing)


def compute_total(left: int) -> None:
    currency, digits, rounded = "EUR", 2, True
    prices = [9.5 * number + left for number in range(8)]
    taxes = {"it": {"standard": 0.22, "reduced": 0.1}, "de": {"standard": 0.19, "reduced": 0.07}}
    discounts = [{"code": f"D{left}{number}", "percent": 5 * number, "valid": True} for number in range(4)]
    totals = {"net": left * 100.5, "gross": left * 122.61, "parts": [left, left * 2, left * 3]}
    customer = {"id": 1000 + left, "groups": ["retail", "loyal"], "since": "2019-04-01"}
    limits = (0, 10_000)
    reserve(left - 1)
    print(currency, digits, rounded, prices, taxes, discounts, totals, customer, limits)


def reserve(left: int) -> None:
    warehouse, wanted, partial = "north", left * 3, False
    stock = {f"A-{number}": {"free": number * 2, "held": number} for number in range(5)}
    shelves = [["a1", "a2", "a3"], ["b1", "b2"], ["c1"]]
    holds = [{"sku": f"A-{number}", "count": number, "until": "12:00"} for number in range(4)]
    carrier = {"name": "van", "capacity": 12, "route": ["Turin", "Milan", "Como"]}
    weights = (0.5, 1.25, 2.0, left * 0.1)
    note = "hold the goods until the payment is confirmed, then send them at once"
    if left <= 1:
        raise OrderError(f"{wanted} of {warehouse} cannot be held")
    receive(left - 1)
    print(warehouse, wanted, partial, stock, shelves, holds, carrier, weights, note)


# -- chain: three linked errors with two to four small frames each


def report_order() -> None:
    number = 17
    try:
        store_order(number)
    except OrderError as error:
        raise RuntimeError("the report is not written") from error


def store_order(number: int) -> None:
    try:
        connect("db.example", 5432)
    except OSError:
        convert(str(number))


def connect(host: str, port: int) -> None:
    address = (host, port)
    dial(address)


def dial(address: tuple[str, int]) -> None:
    raise ConnectionRefusedError(f"nobody listens at {address[0]}")


def convert(text: str) -> None:
    kind = "order"
    refuse(kind, text)


def refuse(kind: str, text: str) -> None:
    raise OrderError(f"{kind} {text} is not stored")


def report_in_time() -> None:
    seconds = 5
    report_order()
    print(seconds)


# -- group: five errors and a group of two


def gather_orders() -> None:
    errors: list[Exception] = [caught(take_order) for _ in range(5)]
    nested = _group("of one customer", [caught(take_order) for _ in range(2)])
    raise _group("some orders failed", [*errors, nested])


def _group(message: str, errors: list[Exception]) -> Exception:
    import builtins

    kind: Any = builtins.ExceptionGroup  # type: ignore[attr-defined,unused-ignore]  # from Python 3.11 on
    group: Exception = kind(message, errors)
    return group


WORKLOADS: Final[dict[str, Make]] = {
    "shallow": partial(caught, take_order),
    "mid": partial(caught, partial(receive, MID_FRAMES)),
    "deep": partial(caught, partial(receive, DEEP_FRAMES)),
    "chain": partial(caught, report_in_time),
}
ABSENT: Final[dict[str, str]] = {}
"""Those that this Python cannot raise, with the reason."""
if sys.version_info >= (3, 11):
    WORKLOADS["group"] = partial(caught, gather_orders)
else:
    ABSENT["group"] = "it needs Python 3.11"
