"""How values of well-known packages are shown that are large, or lazy: by what is known of them, and never computed.

What asks a database, waits for a device or prints at great length when it is looked at is shown by its type, its shape,
and what it has loaded already. No package is imported: a type says where it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from asyncsentry.events.foreign import (
    bases,
    exact,
    members_of,
    room,
    show_name,
    type_name,
)
from asyncsentry.events.looks import (
    Entries,
    Look,
    attributes_of,
    named,
    show_attributes,
    show_mapping,
    show_repr,
    show_text,
)

_TEXT_LIMIT: Final = 100
"""Characters of a shape or a type of elements: that of a record names each of its fields."""


def show_loaded(value: object, breadth: int) -> Entries:
    """A row's fields as far as they are loaded: to ask for one that is not would ask the database."""
    loaded = [(name, field) for name, field in attributes_of(value).items() if str(name)[:1] != "_"]
    return named(value, loaded[:breadth], len(loaded))


def _show_fields(value: object, breadth: int) -> Entries:
    """A model's fields but those that are not shown: its own ``repr`` would be of all that is in them."""
    declared = _declared_fields(type(value))
    shown = [(name, field) for name, field in attributes_of(value).items() if _is_shown(declared.get(name))]
    return named(value, shown[:breadth], len(shown))


def _declared_fields(kind: type) -> Mapping[object, Any]:
    for name in ("__pydantic_fields__", "model_fields", "__fields__"):
        for base in bases(kind):
            fields = members_of(base).get(name)
            if type(fields) is dict:
                return fields
    return {}


def _is_shown(declared: Any) -> bool:
    # Before its version 2 the package kept what a program says of a field in a value of its own.
    return getattr(getattr(declared, "field_info", declared), "repr", True) is not False


def _show_row(value: Any, breadth: int) -> Entries:
    return Entries(list(islice(zip(value._fields, value, strict=False), breadth)), len(value))


def _show_query(value: object, _breadth: int) -> str:
    known = attributes_of(value)
    model, loaded = known.get("model"), known.get("_result_cache")
    facts = {
        "model": type_name(model) if issubclass(type(model), type) else None,  # type: ignore[arg-type]  # a class
        "loaded": len(loaded) if type(loaded) is list else None,
    }
    return _described(value, facts)


def _show_lazy_object(value: object, _breadth: int) -> str | Entries:
    """What is in it, if that is there already; a bare object stands for what is not."""
    made = attributes_of(value).get("_wrapped")
    return show_name(value) if type(made) is object else named(value, [("_wrapped", made)], 1)


def _shape_look(package: str, *names: str) -> Look:
    """Shows these attributes as the package defines them: in an heir of the program they may take long to compute."""

    def show_shape(value: object, _breadth: int) -> str:
        return _described(value, {name: _own_attribute(value, package, name) for name in names})

    return show_shape


def _own_attribute(value: object, package: str, name: str) -> object:
    for base in bases(type(value)):
        if name in members_of(base) and room(base).startswith(package):
            member = members_of(base)[name]
            get = getattr(type(member), "__get__", None)
            return member if get is None else get(member, value, type(value))
    return None


def _described(value: object, facts: Mapping[str, object]) -> str:
    shown = [f" {name}={_fact(fact)}" for name, fact in facts.items() if fact is not None]
    return f"<{type_name(type(value))}{''.join(shown)}>"


def _fact(fact: Any) -> str:
    # A shape is often of a type of its own, made from a tuple.
    return exact(str(tuple(fact) if issubclass(type(fact), tuple) else fact), _TEXT_LIMIT)


_SHAPED: Final[Mapping[str, tuple[str, ...]]] = {
    "cupy": ("ndarray",),
    "dask": ("Array",),
    "jax": ("Array", "ArrayImpl"),
    "numpy": ("ndarray", "void"),
    "pandas": ("DataFrame", "ExtensionArray", "Index", "Series"),
    "polars": ("DataFrame", "Series"),
    "pyarrow": ("RecordBatch", "Table", "Tensor"),
    "scipy": ("_spbase", "spmatrix"),
    "tensorflow": ("Tensor", "Variable"),
    "xarray": ("DataArray", "Variable"),
}
"""Types that know their shape. Of others it is not asked: a grouping would compute what it would be."""

PACKAGES: Final[Mapping[str, Look]] = {
    **{
        f"{package}.{name}": _shape_look(package, "shape", "dtype")
        for package, names in _SHAPED.items()
        for name in names
    },
    "torch.Tensor": _shape_look("torch", "shape", "dtype", "device"),
    **dict.fromkeys(("numpy.dtype", "numpy.generic", "polars.DataType", "torch.device", "torch.dtype"), show_repr),
    **dict.fromkeys(("pandas.BaseOffset", "pandas.Interval", "pandas.NAType", "pandas.Period"), show_text),
    # Their own texts are of the whole URL, and of headers, whatever these tell; that of a route may never end.
    **dict.fromkeys(("bottle.BaseRequest", "bottle.BaseResponse", "bottle.Route"), show_name),
    **dict.fromkeys(("falcon.Request", "webob.BaseRequest"), show_name),
    "django.BaseManager": _show_query,
    "django.HttpRequest": show_name,  # its text has the whole query in it
    "django.LazyObject": _show_lazy_object,
    "django.Model": show_loaded,
    "django.Promise": show_attributes,
    "django.QuerySet": _show_query,
    "django.RawQuerySet": _show_query,
    # Their own texts are of the whole URL, whatever it tells; an event shows the request itself.
    **dict.fromkeys(("flask.AppContext", "flask.RequestContext", "werkzeug.Request"), show_name),
    **dict.fromkeys(("quart.AppContext", "quart.RequestContext", "quart.WebsocketContext"), show_name),
    **dict.fromkeys(("tornado.HTTPServerRequest", "twisted.Request"), show_name),
    "pydantic.BaseModel": _show_fields,
    "rest_framework.Request": show_name,
    "sqlalchemy.Row": _show_row,
    "sqlalchemy.RowMapping": show_mapping,
    "starlette.HTTPConnection": show_name,  # a mapping of all that is known of the request
}
"""By package and name."""

BY_NAME_ALONE: Final = tuple(
    f"{place}."
    for place in (
        *("cupy", "dask", "datasets", "django.core.paginator", "django.db.models", "duckdb", "h5py", "ibis", "jax"),
        *("jaxlib", "modin", "mongoengine", "numpy", "pandas", "peewee", "polars", "pony", "pyarrow", "pyspark", "ray"),
        *("rest_framework.fields", "rest_framework.serializers", "scipy", "sqlalchemy", "tensorflow", "torch"),
        *("tortoise", "vaex", "xarray", "zarr"),
    )
)
"""Packages and modules all other values of which are shown by the names of their types."""
