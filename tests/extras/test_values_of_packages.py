"""Values of the real packages as an event shows them: nothing is computed, loaded or asked of a database."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from asyncsentry.events.freezing import Freezer
from asyncsentry.events.rules import Rules
from asyncsentry.testing import LocalSentry
from conftest import OpenClient


def shown(value: object) -> Any:
    return Freezer(Rules(), float, float).freeze(value)


def variables_of(sentry: LocalSentry) -> dict[str, Any]:
    variables: dict[str, Any] = sentry.events[-1]["exception"]["values"][-1]["stacktrace"]["frames"][-1]["vars"]
    return variables


def capture_beside(value: object, open_client: OpenClient, sentry: LocalSentry) -> Any:
    """What the event of an error shows of a local variable that holds the value."""
    client = open_client()

    def fail(value: object) -> None:
        raise ValueError

    try:
        fail(value)
    except ValueError as error:
        client.capture_exception(error)
    return variables_of(sentry)["value"]


def test_numpy() -> None:
    numpy: Any = import_module("numpy")

    class Broken:
        def __repr__(self) -> str:
            raise AssertionError("evaluated")

    class Grid(numpy.ndarray):  # type: ignore[misc]  # of which mypy knows nothing
        @property
        def shape(self) -> Any:
            raise AssertionError("computed")

    array = numpy.zeros((3, 4))
    assert shown(array) == "<numpy.ndarray shape=(3, 4) dtype=float64>"
    assert shown(array.view(Grid)) == f"<{__name__}.{Grid.__qualname__} shape=(3, 4) dtype=float64>"
    assert shown(numpy.array([Broken()])) == "<numpy.ndarray shape=(1,) dtype=object>"
    assert shown(numpy.void(b"\0" * 10_000_000)) == "<numpy.void shape=() dtype=|V10000000>"
    assert shown([numpy.float64(1.5), numpy.str_("x")]) == [1.5, "x"]
    assert "5" in shown(numpy.int64(5))
    assert shown(numpy.dtype("float32")) == "dtype('float32')"


def test_pandas() -> None:
    pandas: Any = import_module("pandas")
    frame = pandas.DataFrame({"a": range(1000), "b": range(1000)})
    frames, series = type(frame), type(frame.a)
    assert shown(frame) == f"<{frames.__module__}.DataFrame shape=(1000, 2)>"
    assert shown(frame.a) == f"<{series.__module__}.Series shape=(1000,) dtype=int64>"
    assert shown(frame.a.array).endswith(" shape=(1000,) dtype=int64>")
    assert shown(frame.index).endswith(".RangeIndex shape=(1000,) dtype=int64>")
    assert shown(frame.to_csv) == f"<bound method NDFrame.to_csv of <{frames.__module__}.DataFrame>>"
    grouped = frame.groupby("a")
    assert shown(grouped.b) == f"<{type(grouped.b).__module__}.SeriesGroupBy>"
    assert shown([pandas.Timestamp("2026-01-02"), pandas.NaT, pandas.NA]) == ["2026-01-02 00:00:00", "NaT", "<NA>"]
    assert shown(pandas.Period("2026-01")) == "2026-01"


def test_a_lazy_frame_of_polars_is_not_collected(open_client: OpenClient, sentry: LocalSentry) -> None:
    polars: Any = import_module("polars")
    collected: list[Any] = []

    def collect(frame: Any) -> Any:
        collected.append(frame)
        return frame

    lazy = polars.LazyFrame({"a": [1, 2]}).map_batches(collect)
    assert capture_beside(lazy, open_client, sentry) == "<polars.lazyframe.frame.LazyFrame>"
    assert capture_beside({"later": lazy.collect}, open_client, sentry) == {
        "later": f"<bound method {type(lazy).collect.__qualname__} of <polars.lazyframe.frame.LazyFrame>>"
    }
    assert collected == []
    frame = lazy.collect()
    assert len(collected) == 1  # so it would have been noticed
    assert shown(frame) == "<polars.dataframe.frame.DataFrame shape=(2, 1)>"
    assert shown(frame["a"]) == "<polars.series.series.Series shape=(2,) dtype=Int64>"
    assert shown(polars.Int64) == "<class 'polars.datatypes.classes.Int64'>"


@pytest.fixture(scope="module")
def orders() -> Iterator[Any]:
    """A Django model with a table of three rows."""
    settings: Any = import_module("django.conf").settings
    if not settings.configured:
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
        settings.configure(DATABASES={"default": database}, INSTALLED_APPS=[], USE_TZ=True)
        import_module("django").setup()
    backend: Any = import_module("django.db")
    models: Any = import_module("django.db.models")

    def evaluate(self: Any) -> str:
        return str(type(self).objects.count())

    meta = type("Meta", (), {"app_label": "shop"})
    fields = {"name": models.CharField(max_length=9), "token": models.CharField(max_length=9)}
    members = {"__module__": "shop.models", "__str__": evaluate, "Meta": meta, **fields}
    orders = models.base.ModelBase("Order", (models.Model,), members)
    with backend.connection.schema_editor() as editor:
        editor.create_model(orders)
    for number in range(3):
        orders.objects.create(name=str(number), token="x")
    yield orders
    backend.connections.close_all()


@pytest.fixture
def queries() -> Iterator[list[str]]:
    """What Django asks of its database."""
    asked: list[str] = []

    def note(execute: Any, sql: str, *more: Any) -> Any:
        asked.append(sql)
        return execute(sql, *more)

    with import_module("django.db").connection.execute_wrapper(note):
        yield asked


def test_django_runs_no_query(orders: Any, queries: list[str], open_client: OpenClient, sentry: LocalSentry) -> None:
    lazy = orders.objects.filter(name="1")
    assert capture_beside(lazy, open_client, sentry) == "<django.db.models.query.QuerySet model=shop.models.Order>"
    many = [orders.objects, lazy.first, orders.objects.raw("SELECT 1"), orders]
    assert capture_beside(many, open_client, sentry) == [
        "<django.db.models.manager.Manager model=shop.models.Order>",
        "<bound method QuerySet.first of <django.db.models.query.QuerySet>>",
        "<django.db.models.query.RawQuerySet model=shop.models.Order>",
        "<class 'shop.models.Order'>",
    ]
    pages = import_module("django.core.paginator").Paginator(orders.objects.order_by("id"), 2)
    assert capture_beside(pages, open_client, sentry) == "<django.core.paginator.Paginator>"
    assert queries == []
    page = pages.page(1)
    assert len(queries) == 1  # so they would have been noticed
    assert capture_beside(page, open_client, sentry) == "<django.core.paginator.Page>"
    assert len(queries) == 1
    assert len(lazy) == 1
    assert shown(lazy) == "<django.db.models.query.QuerySet model=shop.models.Order loaded=1>"


def test_an_object_of_django_shows_what_is_loaded(orders: Any, queries: list[str]) -> None:
    order = orders.objects.defer("name").get(id=1)
    (asked,) = queries
    assert shown(order) == {"__class__": "shop.models.Order", "id": 1, "token": "[Filtered]"}
    functional: Any = import_module("django.utils.functional")
    made: list[Any] = []

    def make() -> Any:
        made.append(order)
        return order

    user = functional.SimpleLazyObject(make)
    assert shown(user) == "<django.utils.functional.SimpleLazyObject>"
    assert made == []
    assert user.id == 1
    assert shown(user) == {"__class__": "django.utils.functional.SimpleLazyObject", "_wrapped": shown(order)}
    assert queries == [asked]


def test_a_lazy_text_of_django_is_not_made(orders: Any) -> None:
    functional: Any = import_module("django.utils.functional")
    made: list[str] = []

    def make(text: str) -> str:
        made.append(text)
        return text

    text = functional.lazy(make, str)("Hello")
    assert "Hello" in str(shown(text))
    assert made == []
    assert str(text) == "Hello"
    assert made == ["Hello"]


def test_sqlalchemy_emits_no_sql(open_client: OpenClient, sentry: LocalSentry) -> None:
    sqlalchemy, orm = import_module("sqlalchemy"), import_module("sqlalchemy.orm")
    base = orm.declarative_base()
    columns = {
        "__tablename__": "orders",
        "__module__": "shop.tables",
        "id": sqlalchemy.Column(sqlalchemy.Integer, primary_key=True),
        "token": sqlalchemy.Column(sqlalchemy.String),
    }
    order_class = type(base)("Order", (base,), columns)
    engine = sqlalchemy.create_engine("sqlite://")
    base.metadata.create_all(engine)
    emitted: list[str] = []
    with orm.Session(engine) as session:
        order = order_class(id=1, token="x")
        session.add(order)
        session.commit()
        sqlalchemy.event.listen(engine, "before_cursor_execute", lambda *given: emitted.append(given[2]))
        expired = capture_beside(order, open_client, sentry)
        query, select = session.query(order_class), sqlalchemy.select(order_class)
        many = [query, select, session, query.all, order_class]
        assert capture_beside(many, open_client, sentry) == [
            "<sqlalchemy.orm.query.Query>",
            "<sqlalchemy.sql.selectable.Select>",
            "<sqlalchemy.orm.session.Session>",
            "<bound method Query.all of <sqlalchemy.orm.query.Query>>",
            "<class 'shop.tables.Order'>",
        ]
        assert expired == {"__class__": "shop.tables.Order"}
        assert emitted == []
        assert order.token == "x"
        assert len(emitted) == 1  # so it would have been noticed
        assert shown(order) == {"__class__": "shop.tables.Order", "id": 1, "token": "[Filtered]"}
        result = session.execute(sqlalchemy.select(order_class.id, order_class.token))
        assert shown(result).startswith("<sqlalchemy.engine.")
        row = result.one()
        assert shown([row, row._mapping]) == [{"id": 1, "token": "[Filtered]"}] * 2
    engine.dispose()


def test_models_are_shown_by_their_fields() -> None:
    attrs: Any = import_module("attrs")
    pydantic: Any = import_module("pydantic")
    many, few = list(range(1_000_000)), [*range(10), "... 999990 more"]
    order = pydantic.create_model(
        "Order", numbers=(list, many), token=(str, "x"), hidden=(int, pydantic.Field(5, repr=False))
    )
    assert shown(order()) == {"__class__": f"{order.__module__}.Order", "numbers": few, "token": "[Filtered]"}
    made = attrs.make_class("Made", {"numbers": attrs.field(), "masked": attrs.field(repr=lambda _value: "***")})
    assert shown(made(many, "secret")) == {"__class__": f"{made.__module__}.Made", "numbers": few}
