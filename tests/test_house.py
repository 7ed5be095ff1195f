"""The house: which module may import which, and that nothing goes in circles."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {
    "asyncsentry": ROOT / "asyncsentry",
    "asyncsentry_transports": ROOT / "transports" / "asyncsentry_transports",
}

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"chance", "diary", "errors", "dsn", "json", "item", "own", "strict_json", "types", "version"}),
    frozenset({"transport"}),
    frozenset({"post", "process", "events", "delivery"}),
    frozenset(
        {
            "scope",
            "scopes",
            "registry",
            "distributions",
            "release",
            "options",
            "data_collection",
            "validation",
            "reading",
            "foreign_options",
            "facts",
        }
    ),
    frozenset(
        {
            "client",
            "recorder",
            "selection",
            "callbacks",
            "assembly",
            "laying",
            "inside",
            "shipping",
            "awaiting",
            "wrapping",
        }
    ),
    frozenset({"hooks"}),
    frozenset({"api", ""}),  # "": the public names, in ``asyncsentry`` itself
    frozenset({"integrations", "testing"}),
    frozenset({"cli", "__main__"}),
)
"""The rooms of ``asyncsentry``, from the ground up. A room imports its own layer and those below it."""

STRANGERS = [("events", "delivery"), ("delivery", "events"), ("integrations", "testing"), ("testing", "integrations")]
"""Rooms of one layer that know nothing of each other."""

TRANSPORTS_MAY_IMPORT = ("asyncsentry_transports", "asyncsentry.transport", "asyncsentry.errors", "asyncsentry.post")


@dataclass(frozen=True, slots=True)
class Import:
    """One import of one of our modules by another. ``typing_only``: under ``if TYPE_CHECKING:``."""

    importer: str
    imported: str
    line: int
    typing_only: bool

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def module_names() -> dict[str, Path]:
    """Every module of ours, by its dotted name."""
    modules = {}
    for package, folder in SOURCES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = (package, *path.relative_to(folder).with_suffix("").parts)
            modules[".".join(parts).removesuffix(".__init__")] = path
    return modules


MODULES = module_names()


def imported_names(node: ast.stmt) -> Iterator[str]:
    """The modules of ours that one import statement reaches: ``from package import module`` reaches the module."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        return
    for name in names:
        if name.partition(".")[0] in SOURCES:
            yield name if name in MODULES else name.rpartition(".")[0]


def statements(body: list[ast.stmt], typing_only: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """All statements at any depth, functions' bodies too, and whether each is only for type checkers."""
    for node in body:
        yield node, typing_only
        guarded = isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for name in ("body", "orelse", "finalbody"):
            yield from statements(getattr(node, name, []), typing_only or (guarded and name == "body"))
        for branch in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
            yield from statements(branch.body, typing_only)


def imports() -> Iterator[Import]:
    for importer, path in MODULES.items():
        for node, typing_only in statements(ast.parse(path.read_text(encoding="utf-8")).body):
            for imported in imported_names(node):
                yield Import(importer, imported, getattr(node, "lineno", 0), typing_only)


IMPORTS = tuple(imports())


def room(module: str) -> str:
    """The first word after the package: ``events`` for ``asyncsentry.events.frames``."""
    return module.split(".")[1] if "." in module else ""


def layer(module: str) -> int:
    return next((level for level, rooms in enumerate(LAYERS) if room(module) in rooms), len(LAYERS))


def inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def cycle(graph: Mapping[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def test_every_module_has_a_place_in_the_layers() -> None:
    known = frozenset().union(*LAYERS)
    assert sorted(name for name in MODULES if inside(name, "asyncsentry") and room(name) not in known) == []


def test_imports_point_down_the_layers() -> None:
    core = [one for one in IMPORTS if inside(one.importer, "asyncsentry") and inside(one.imported, "asyncsentry")]
    assert [str(one) for one in core if layer(one.imported) > layer(one.importer)] == []


@pytest.mark.parametrize(("one", "other"), STRANGERS)
def test_strangers_of_one_layer_do_not_import_each_other(one: str, other: str) -> None:
    wrong = [each for each in IMPORTS if (room(each.importer), room(each.imported)) == (one, other)]
    assert list(map(str, wrong)) == []


@pytest.mark.parametrize("typing_only", [False, True], ids=["at run time", "with those for type checkers"])
def test_no_module_imports_itself_through_others(typing_only: bool) -> None:
    graph: dict[str, set[str]] = {name: set() for name in MODULES}
    for one in IMPORTS:
        if typing_only or not one.typing_only:
            graph[one.importer].add(one.imported)
    assert cycle(graph) == []


def test_transports_import_the_protocol_the_errors_and_the_blocking_sender_alone() -> None:
    theirs = [one for one in IMPORTS if inside(one.importer, "asyncsentry_transports")]
    wrong = [one for one in theirs if not any(inside(one.imported, allowed) for allowed in TRANSPORTS_MAY_IMPORT)]
    assert list(map(str, wrong)) == []


def test_the_core_reaches_transports_by_name_alone() -> None:
    core = [one for one in IMPORTS if inside(one.importer, "asyncsentry")]
    assert [str(one) for one in core if inside(one.imported, "asyncsentry_transports")] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import asyncsentry.errors", [("asyncsentry.errors", False)]),
        ("from asyncsentry.errors import SetupError", [("asyncsentry.errors", False)]),
        ("from asyncsentry import errors", [("asyncsentry.errors", False)]),
        ("def late():\n    from asyncsentry import item", [("asyncsentry.item", False)]),
        ("try:\n    pass\nexcept OSError:\n    import asyncsentry.item", [("asyncsentry.item", False)]),
        ("if TYPE_CHECKING:\n    import asyncsentry.item", [("asyncsentry.item", True)]),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import asyncsentry.item", [("asyncsentry.item", False)]),
        ("import json", []),
    ],
)
def test_this_test_sees_imports_wherever_they_stand(source: str, expected: list[tuple[str, bool]]) -> None:
    found = [(name, late) for node, late in statements(ast.parse(source).body) for name in imported_names(node)]
    assert found == expected


def test_this_test_sees_a_circle() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
    assert cycle({"a": {"b"}, "b": {"c"}, "c": set()}) == []
