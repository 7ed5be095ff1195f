"""Which transport a word means: bundled names, entry points of installed packages, and what is said of the others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from asyncsentry.client import Client
from asyncsentry.dsn import parse
from asyncsentry.errors import MissingExtraError, OptionError, TransportError, UnknownTransportError
from asyncsentry.registry import (
    ALIASES,
    BUNDLED,
    DEFAULT,
    EXTRAS,
    Chosen,
    choose,
    find,
    is_instance,
    make,
    names,
    shadowed,
)
from asyncsentry.transport.settings import Settings
from asyncsentry_transports.threaded import ThreadedTransport
from asyncsentry_transports.urllib import UrllibTransport

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
SETTINGS = Settings(url="http://127.0.0.1:9/api/1/envelope/")

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts a distribution where the interpreter looks for packages, as an installer would."""
    monkeypatch.syspath_prepend(tmp_path)

    def unpack(distribution: str, entry_points: Mapping[str, str], module: str = "", code: str = "") -> Path:
        folder = tmp_path / f"{distribution}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        lines = [f"{name} = {target}" for name, target in entry_points.items()]
        (folder / "entry_points.txt").write_text("\n".join(["[asyncsentry.transports]", *lines]))
        if module:
            (tmp_path / f"{module}.py").write_text(dedent(code))
        return tmp_path

    return unpack


def section(title: str) -> dict[str, str]:
    """A table of pyproject.toml; Python 3.10 has no reader for TOML."""
    _, _, rest = PROJECT.read_text(encoding="utf-8").partition(f"[{title}]\n")
    lines = rest.partition("\n[")[0].splitlines()
    pairs = (line.partition(" = ") for line in lines if " = " in line)
    return {name.strip('"'): value.strip('"') for name, _, value in pairs}


def test_the_bundled_names_are_the_entry_points_that_we_declare() -> None:
    assert section('project.entry-points."asyncsentry.transports"') == BUNDLED


def test_every_extra_that_we_name_is_one_that_we_declare() -> None:
    assert set(EXTRAS) <= set(BUNDLED)
    assert set(EXTRAS.values()) <= set(section("project.optional-dependencies"))


def test_every_alias_leads_to_a_bundled_name() -> None:
    assert set(ALIASES.values()) <= set(BUNDLED)
    assert not set(ALIASES) & set(BUNDLED)


@pytest.mark.parametrize("name", sorted(set(BUNDLED) - set(EXTRAS)))
def test_a_bundled_transport_is_found_by_its_name(name: str) -> None:
    module, _, attribute = BUNDLED[name].partition(":")
    factory = find(name)
    assert (factory.__module__, getattr(factory, "__name__", "")) == (module, attribute)
    assert is_instance(factory(SETTINGS))


def test_case_and_space_do_not_matter_and_raven_names_work() -> None:
    assert find(" URLLIB ") is UrllibTransport
    assert find("sync") is UrllibTransport


def test_a_strangers_transport_is_found_by_its_entry_point(install: Install) -> None:
    code = "def make(settings): return 'mine'"
    install("stranger", {"threaded+mine": "stranger_one:make"}, "stranger_one", code)
    assert find("Threaded+Mine").__module__ == "stranger_one"
    assert "threaded+mine" in names()
    assert set(BUNDLED) <= set(names())


def test_an_unknown_name_lists_the_names_and_the_nearest(install: Install) -> None:
    install("stranger", {"mine": "stranger_two:make"})
    with pytest.raises(UnknownTransportError) as caught:
        find("therade", "the DSN")
    said = str(caught.value)
    assert "no transport is called 'therade', as the DSN says, did you mean 'threaded'?" in said
    assert f"there are {', '.join(sorted([*BUNDLED, 'mine']))}" in said


def test_a_name_like_no_other_gets_the_list_alone() -> None:
    with pytest.raises(UnknownTransportError, match=r"'zzzzzz', as the program says; there are aiohttp, "):
        find("zzzzzz")


def test_two_distributions_that_claim_one_name_are_both_named(install: Install) -> None:
    install("second", {"contested": "a:b"})
    install("first", {"contested": "c:d"})
    with pytest.raises(TransportError, match=r"'contested' is claimed by first 1\.0 and second 1\.0"):
        find("contested")


def test_a_bundled_name_wins_and_the_other_can_be_told(install: Install) -> None:
    install("thief", {"urllib": "thief:make", "sync": "thief:make", "own": "thief:make"})
    assert find("urllib") is UrllibTransport
    assert find("sync") is UrllibTransport
    assert shadowed() == ("sync (thief 1.0)", "urllib (thief 1.0)")


def test_our_own_entry_points_shadow_nothing(install: Install) -> None:
    install("ours", BUNDLED)
    assert shadowed() == ()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
        ("raise RuntimeError('no')", "RuntimeError('no')"),
        ("", "has no attribute 'make'"),
    ],
    ids=["missing module", "raises", "no such attribute"],
)
def test_a_stranger_that_cannot_be_imported_is_named(install: Install, code: str, reason: str) -> None:
    module = f"broken_{len(code)}"
    install("stranger", {module: f"{module}:make"}, module, code)
    with pytest.raises(TransportError) as caught:
        find(module)
    assert not isinstance(caught.value, MissingExtraError)
    assert f"the transport '{module}' of stranger 1.0 cannot be imported" in str(caught.value)
    assert reason in str(caught.value)


def test_what_makes_no_transport_is_refused(install: Install) -> None:
    install("stranger", {"number": "stranger_three:make"}, "stranger_three", "make = 3")
    with pytest.raises(TransportError, match="'number' is registered as something that makes no transport"):
        find("number")


def python(code: str, **environment: str) -> str:
    search = os.pathsep.join(filter(None, sys.path))
    completed = subprocess.run(
        [sys.executable, "-c", dedent(code)],
        env={**os.environ, "PYTHONPATH": search, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return completed.stdout.strip()


def test_a_missing_library_names_the_extra_that_installs_it() -> None:
    said = python("""
        import sys
        sys.modules["aiohttp"] = None  # as if it was not installed
        from asyncsentry.errors import MissingExtraError
        from asyncsentry.registry import find
        try:
            find("aiohttp")
        except MissingExtraError as error:
            print(error)
    """)
    assert said == """the transport 'aiohttp' needs the module 'aiohttp': pip install "asyncsentry[aiohttp]\""""


@pytest.mark.parametrize(
    ("missing", "name", "reason"),
    [
        ("asyncsentry_transports.aiohttp", "aiohttp", "asyncsentry_transports.aiohttp"),
        ("asyncsentry.post", "urllib", "asyncsentry.post"),
    ],
)
def test_a_missing_module_of_our_own_asks_for_no_extra(missing: str, name: str, reason: str) -> None:
    said = python(f"""
        import sys
        sys.modules["{missing}"] = None  # as if the installation was damaged
        from asyncsentry.errors import MissingExtraError, TransportError
        from asyncsentry.registry import find
        try:
            find("{name}")
        except TransportError as error:
            print(isinstance(error, MissingExtraError), error)
    """)
    assert said.startswith(f"False the transport '{name}' cannot be imported")
    assert reason in said


def test_a_library_that_fails_at_import_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "aiohttp.py").write_text("raise AttributeError('this Python is too new')")
    said = python(f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from asyncsentry.errors import TransportError
        from asyncsentry.registry import find
        try:
            find("aiohttp")
        except TransportError as error:
            print(type(error).__name__, error)
    """)
    assert said == (
        "TransportError the transport 'aiohttp' cannot be imported: AttributeError('this Python is too new')"
    )


def test_a_bundled_name_reads_no_package_metadata() -> None:
    said = python("""
        import sys
        from asyncsentry.registry import find
        find("urllib")
        print("importlib.metadata" in sys.modules)
    """)
    assert said == "False"


def test_explicit_beats_prefix_beats_environment_beats_auto() -> None:
    environ = {"SENTRY_TRANSPORT": " Threaded "}
    assert choose("urllib", "threaded", environ) == Chosen("urllib", UrllibTransport)
    assert choose(None, "urllib", environ) == Chosen("urllib", UrllibTransport)
    assert choose(None, None, environ) == Chosen("threaded", ThreadedTransport)
    assert choose("", "", {"SENTRY_TRANSPORT": " "}) == choose(None, None, {}) == Chosen(DEFAULT, find(DEFAULT))
    assert choose("sync", None, environ) == Chosen("urllib", UrllibTransport)


@pytest.mark.parametrize(
    ("transport", "prefix", "environ", "said_by"),
    [
        ("nobody", "urllib", {}, "the option transport"),
        (None, "nobody", {}, "the DSN"),
        (None, None, {"SENTRY_TRANSPORT": "nobody"}, "SENTRY_TRANSPORT"),
    ],
)
def test_an_unknown_name_says_where_it_came_from(
    transport: str | None, prefix: str | None, environ: Mapping[str, str], said_by: str
) -> None:
    with pytest.raises(UnknownTransportError, match=f"'nobody', as {said_by} says"):
        choose(transport, prefix, environ)


class OwnTransport(UrllibTransport):
    pass


def test_what_was_handed_in_is_taken_as_it_is_and_has_a_name_to_show() -> None:
    def factory(settings: Settings) -> UrllibTransport:
        return UrllibTransport(settings)

    instance = UrllibTransport(SETTINGS)
    own = OwnTransport(SETTINGS)
    assert choose(factory, "threaded", {}).maker is factory
    assert choose(factory, None, {}).name.endswith("factory")
    assert choose(UrllibTransport, None, {}) == Chosen("urllib", UrllibTransport)
    assert choose(instance, None, {}) == Chosen("urllib", instance)
    assert choose(OwnTransport, None, {}) == Chosen("OwnTransport", OwnTransport)
    assert choose(own, None, {}) == Chosen("OwnTransport", own)


def test_an_instance_is_told_from_what_makes_one() -> None:
    assert is_instance(UrllibTransport(SETTINGS))
    assert not is_instance(UrllibTransport)
    assert not is_instance(lambda settings: UrllibTransport(settings))
    assert not is_instance("urllib")
    assert not is_instance(None)


def fail(_: Settings) -> UrllibTransport:
    raise OSError("no modem")


def refuse(_: Settings) -> UrllibTransport:
    raise OptionError("no proxies")


@pytest.mark.parametrize(
    ("factory", "expected", "said"),
    [
        (lambda _: None, TransportError, "is None, which has not the verbs later, send, wait, close"),
        (lambda: None, TransportError, "cannot be made from its settings: TypeError"),
        (lambda _: UrllibTransport, TransportError, "which has not the verbs"),
        (fail, TransportError, "no modem"),
        (refuse, OptionError, "^no proxies$"),
    ],
)
def test_a_factory_that_makes_no_transport_is_an_error_at_set_up(
    factory: Any, expected: type[Exception], said: str
) -> None:
    with pytest.raises(expected, match=said):
        make("mine", factory, SETTINGS)
    with pytest.raises(expected, match=said):
        Client("https://key@sentry.example.com/1", transport=factory)


def test_what_a_factory_makes_is_given() -> None:
    assert isinstance(make("threaded", ThreadedTransport, SETTINGS), ThreadedTransport)


RAVEN_NAMES = {
    "sync": "urllib",
    "threaded": "threaded",
    "requests": "requests",
    "threaded+requests": "threaded+requests",
    "gevent": "gevent",
    "eventlet": "eventlet",
    "tornado": "tornado",
    "twisted": "twisted",
    "aiohttp": "aiohttp",
}


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("word", RAVEN_NAMES)
def test_every_prefix_of_ravens_is_understood(word: str, scheme: str) -> None:
    dsn = parse(f"{word}+{scheme}://key@sentry.example.com/1")
    assert (dsn.transport, dsn.scheme) == (word, scheme)
    if word in EXTRAS and not find_spec(EXTRAS[word]):
        with pytest.raises(MissingExtraError, match=EXTRAS[word]):
            choose(None, dsn.transport, {})
    else:
        assert choose(None, dsn.transport, {}).name == RAVEN_NAMES[word]
