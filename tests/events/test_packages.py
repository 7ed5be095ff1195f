"""Values of well-known packages, as types that only say they come from there: nothing of them is evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from asyncsentry.events.freezing import Freezer
from asyncsentry.events.scrubbing import FILTERED


class Size(tuple[int, ...]):
    """As torch has one."""

    __slots__ = ()

    def __str__(self) -> str:
        return "torch.Size(...)"


evaluated: list[object] = []


def evaluate(*given: object) -> Any:
    evaluated.append(given)
    raise AssertionError("evaluated")


@pytest.fixture(autouse=True)
def nothing_is_evaluated() -> Iterator[None]:
    """What fails to be shown is shown by its name, too: that says nothing of whether it was tried."""
    evaluated.clear()
    yield
    assert evaluated == []


def foreign(module: str, name: str, bases: tuple[type, ...] = (), **members: Any) -> Any:
    """A type as another package defines it; whoever evaluates its values fails."""
    given = dict.fromkeys(("__repr__", "__str__", "__len__", "__iter__", "__bool__", "__getattr__"), evaluate)
    return type(name, bases, {**given, "__module__": module, **members})


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (foreign("numpy", "ndarray", shape=(3, 4), dtype="float64"), "<numpy.ndarray shape=(3, 4) dtype=float64>"),
        (foreign("numpy", "void", shape=(), dtype="x" * 200), f"<numpy.void shape=() dtype={'x' * 100}>"),
        (
            foreign("torch", "Tensor", (foreign("torch._C", "TensorBase", shape=Size((3,)), dtype="torch.int8"),)),
            "<torch.Tensor shape=(3,) dtype=torch.int8>",
        ),
        (foreign("torch", "Tensor", shape=(), device="cuda:0"), "<torch.Tensor shape=() device=cuda:0>"),
        (foreign("shop", "Net", (foreign("torch.nn.modules.module", "Module"),), shape=(3,)), "<shop.Net>"),
        (foreign("pandas.core.frame", "DataFrame", shape=(9, 2)), "<pandas.core.frame.DataFrame shape=(9, 2)>"),
        (foreign("pandas.api.typing", "SeriesGroupBy", dtype=property(evaluate)), "<pandas.api.typing.SeriesGroupBy>"),
        (foreign("polars.lazyframe.frame", "LazyFrame"), "<polars.lazyframe.frame.LazyFrame>"),
        (foreign("django.db.models.query", "QuerySet"), "<django.db.models.query.QuerySet>"),
        (foreign("sqlalchemy.orm.query", "Query"), "<sqlalchemy.orm.query.Query>"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_large_or_lazy_is_shown_by_its_type_and_shape_and_never_evaluated(
    freezer: Freezer, kind: type, shown: str
) -> None:
    assert freezer.freeze(kind()) == shown


def test_an_heir_of_what_is_lazy_is_lazy_wherever_it_is_defined(freezer: Freezer) -> None:
    query = foreign("django.db.models.query", "QuerySet")
    assert freezer.freeze(foreign("shop.models", "Orders", (query,))()) == "<shop.models.Orders>"


def test_the_shape_that_an_heir_computes_is_not_asked_for(freezer: Freezer) -> None:
    array = foreign("numpy", "ndarray", shape=(3, 4), dtype=property(lambda _self: "int8"))
    kind = foreign("shop.models", "Grid", (array,), shape=property(evaluate))
    assert freezer.freeze(kind()) == "<shop.models.Grid shape=(3, 4) dtype=int8>"


def test_a_query_tells_its_model_and_how_much_of_it_is_loaded(freezer: Freezer) -> None:
    model = type("Order", (), {"__module__": "shop.models"})
    for name in ("query.QuerySet", "query.RawQuerySet", "manager.BaseManager"):
        module, _, short = f"django.db.models.{name}".rpartition(".")
        query = foreign(module, short, __getattr__=None)()
        assert freezer.freeze([query]) == [f"<{module}.{short}>"]
        query.__dict__.update(model=model, _result_cache=None)
        fresh = Freezer(freezer.rules)
        assert fresh.freeze(query) == f"<{module}.{short} model=shop.models.Order>"
        query.__dict__.update(model=5, _result_cache=[1, 2])
        assert Freezer(freezer.rules).freeze(query) == f"<{module}.{short} loaded=2>"


def test_a_text_that_is_translated_later_is_shown_by_what_it_is_made_from(freezer: Freezer) -> None:
    promise = foreign("django.utils.functional", "Promise", __getattr__=None)
    text = foreign("django.utils.functional", "lazy.<locals>.__proxy__", (promise,))()
    text.__dict__.update(_args=("Hello",), _kw={"token": "x"})
    assert freezer.freeze(text) == {
        "__class__": "django.utils.functional.lazy.<locals>.__proxy__",
        "_args": ["Hello"],
        "_kw": {"token": FILTERED},
    }


def test_an_object_that_is_made_later_is_not_made(freezer: Freezer) -> None:
    lazy = foreign("django.utils.functional", "LazyObject", __getattr__=None)
    kind = foreign("django.utils.functional", "SimpleLazyObject", (lazy,))
    user = kind()
    user.__dict__["_wrapped"] = object()
    assert freezer.freeze([user]) == ["<django.utils.functional.SimpleLazyObject>"]
    user.__dict__["_wrapped"] = {"id": 5}
    assert Freezer(freezer.rules).freeze(user) == {
        "__class__": "django.utils.functional.SimpleLazyObject",
        "_wrapped": {"id": 5},
    }


@pytest.mark.parametrize("where", ["__pydantic_fields__", "model_fields", "__fields__"])
def test_a_model_is_shown_by_its_fields_but_those_that_are_not_to_be_shown(freezer: Freezer, where: str) -> None:
    wrap = (lambda field: SimpleNamespace(field_info=field)) if where == "__fields__" else (lambda field: field)
    base = foreign("pydantic.main", "BaseModel", __getattr__=None)
    fields = {name: wrap(SimpleNamespace(repr=name != "hidden")) for name in ("a", "hidden", "token")}
    model = foreign("shop", "Order", (base,), **{where: fields})()
    model.__dict__.update(a=list(range(1_000_000)), hidden=1, token="x", cached=2)
    shown = [*range(10), "... 999990 more"]
    assert freezer.freeze(model) == {"__class__": "shop.Order", "a": shown, "token": FILTERED, "cached": 2}


def test_a_model_that_declares_nothing_is_shown_by_what_it_holds(freezer: Freezer) -> None:
    model = foreign("pydantic.main", "BaseModel", __getattr__=None)()
    model.__dict__["a"] = 1
    assert freezer.freeze(model) == {"__class__": "pydantic.main.BaseModel", "a": 1}


def test_a_row_of_a_result_is_shown_by_its_columns(freezer: Freezer) -> None:
    members: dict[str, Any] = {
        "_fields": ("id", "token"),
        "__iter__": lambda _self: iter((1, "x")),
        "__len__": lambda _self: 2,
    }
    row = foreign("sqlalchemy.engine.row", "Row", **members)()
    assert freezer.freeze(row) == {"id": 1, "token": FILTERED}


def test_a_package_whose_name_only_begins_like_a_lazy_one_is_not_lazy(freezer: Freezer) -> None:
    kind = type("Thing", (), {"__module__": "numpydoc", "__repr__": lambda _self: "shown"})
    assert freezer.freeze(kind()) == "shown"


def test_a_scalar_of_numpy_is_shown_by_its_value(freezer: Freezer) -> None:
    generic = type("generic", (), {"__module__": "numpy"})
    kind = type("int64", (generic,), {"__module__": "numpy", "__repr__": lambda _self: "np.int64(5)"})
    assert freezer.freeze(kind()) == "np.int64(5)"


def test_a_row_of_a_database_is_shown_by_what_is_loaded(freezer: Freezer) -> None:
    django = foreign("django.db.models.base", "Model", __getattr__=None)
    order = foreign("shop.models", "Order", (django,))()
    order.__dict__.update(_state=object(), id=5, token="x")
    assert freezer.freeze(order) == {"__class__": "shop.models.Order", "id": 5, "token": FILTERED}
    mapped = foreign("shop.tables", "Order", _sa_class_manager=object())()
    mapped.__dict__.update(_sa_instance_state=object(), id=6)
    assert freezer.freeze(mapped) == {"__class__": "shop.tables.Order", "id": 6}
