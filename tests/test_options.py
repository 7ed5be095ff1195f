"""What an application may choose: every option, what it may be, and where it may come from."""

from __future__ import annotations

import functools
import os
import ssl
import typing
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import asyncsentry.types
from asyncsentry.errors import DsnError, OptionError, TransportError, UnknownTransportError
from asyncsentry.foreign_options import ABSENT, INSTEAD
from asyncsentry.options import CONNECTION, DSN_OPTIONS, ENVIRONMENT, Options, resolve, settings
from asyncsentry.transport.settings import Proxy, Settings
from asyncsentry.types import OptionArguments
from asyncsentry.validation import CHECKS
from asyncsentry_transports.threaded import ThreadedTransport
from asyncsentry_transports.urllib import UrllibTransport

DSN = "urllib+https://key@host/1"


def given(**arguments: Any) -> Options:
    return resolve(DSN, None, typing.cast("OptionArguments", arguments), {})


def environment(**variables: str) -> Options:
    return resolve(None, None, {}, {"SENTRY_DSN": DSN, **variables})


def refused(call: Callable[[], object], error: type[Exception] = OptionError) -> str:
    with pytest.raises(error) as caught:
        call()
    return str(caught.value)


def refusal(**arguments: Any) -> str:
    return refused(lambda: given(**arguments))


def test_without_arguments_everything_has_its_default() -> None:
    assert given() is not given()
    for name, default in Options._field_defaults.items():
        if name not in ("dsn", "transport", "transport_name"):
            assert getattr(given(), name) == default


def test_every_option_has_a_type_for_callers_and_a_check() -> None:
    fields = {*Options._fields} - {"transport_name"}
    assert set(CHECKS) == set(OptionArguments.__annotations__) == fields - {"dsn", "transport"}
    assert set(CHECKS) >= {*ENVIRONMENT, *DSN_OPTIONS, *CONNECTION}


def test_the_types_can_be_read_at_run_time() -> None:
    hints = typing.get_type_hints(OptionArguments)
    assert hints["before_send"] == asyncsentry.types.BeforeSend | None


def test_what_other_sdks_call_otherwise_is_no_option_of_ours() -> None:
    assert not {*INSTEAD, *ABSENT} & set(CHECKS)
    assert not set(INSTEAD) & set(ABSENT)


VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "release": (["app@1", ""], [1, b"app"]),
    "environment": (["staging"], [True]),
    "dist": (["17"], [17]),
    "server_name": (["web-1", ""], [3]),
    "sample_rate": ([0, 1, 0.25], [-0.1, 1.1, float("nan"), float("inf"), True, "0.5", Fraction(1, 2)]),
    "max_breadcrumbs": ([0, 1000], [-1, 1001, 1.0, True, "5"]),
    "max_stack_frames": ([1, 1000], [0]),
    "max_value_length": ([16], [15, 10**9]),
    "max_depth": ([1, 50], [0, 51, 2.5]),
    "max_breadth": ([1, 1000], [0, 1001]),
    "max_event_values": ([100, 20_000], [99, 20_001, "4000"]),
    "max_event_bytes": ([16_384, 1_048_576], [16_383, 1_048_577, 1e6, True]),
    "max_request_body_size": (["never", "small", "medium", "always"], ["large", 3, ["small"]]),
    "queue_bytes": ([65536], [1000]),
    "spool_bytes": ([65536], [1000]),
    "max_in_flight": ([1, 100], [0, 101]),
    "compress": ([0, 1, 9], [-1, 10, True, 1.0, "zip", b"gzip"]),
    "timeout": ([0.5, 30], [0, -1, float("inf")]),
    "shutdown_timeout": ([0, 2.5], [-1, float("nan")]),
    "http_proxy": (["http://proxy:3128", ""], [3]),
    "https_proxy": (["http://proxy:3128", ""], [("proxy", 3128)]),
}
FLAGS = sorted(name for name, check in CHECKS.items() if check.__name__ == "flag")


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (good, _) in VALUES.items() for value in good])
def test_what_an_option_may_be(name: str, value: object) -> None:
    assert getattr(given(**{name: value}), name) == value


def test_no_limit_of_floods_is_none() -> None:
    assert (given(flood_limit=None).flood_limit, given().flood_limit) == (0, 100)


def test_compression_has_words_too() -> None:
    assert [given(compress=word).compress for word in ("gzip", "none")] == [1, 0]
    expected = "compress must be one of gzip, none, br, zstd, or a level of gzip from 0 to 9, not 'brotli'"
    assert refusal(compress="brotli") == expected


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (_, bad) in VALUES.items() for value in bad])
def test_what_an_option_may_not_be(name: str, value: object) -> None:
    assert refusal(**{name: value}).startswith(f"{name} must be ")


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_is_true_or_false_and_nothing_like_it(name: str) -> None:
    assert getattr(given(**{"spool": "here", name: True}), name) is True  # what one of them needs
    assert getattr(given(**{name: False}), name) is False
    assert refusal(**{name: 1}) == f"{name} must be True or False, not 1"


@pytest.mark.parametrize("name", sorted(CHECKS.keys() - {"flood_limit"}))
def test_none_is_the_same_as_left_out(name: str) -> None:
    assert getattr(given(**{name: None}), name) == getattr(given(), name)


def test_a_refusal_shows_plain_values_and_of_others_the_type() -> None:
    class Hostile:
        def __repr__(self) -> str:
            raise AssertionError

    assert refusal(sample_rate="x" * 999).endswith("not '" + "x" * 79)
    assert refusal(debug=Hostile()).endswith("not a value of type " + Hostile.__qualname__)


def test_a_proxys_password_is_never_shown() -> None:
    assert "hidden" not in refusal(https_proxy=b"http://user:hidden@proxy")
    assert "hidden" not in repr(given(https_proxy="http://user:hidden@proxy", http_proxy="http://u:hidden@proxy"))
    in_the_dsn = resolve(f"{DSN}?https_proxy=http://user:hidden@proxy", None, {}, {})
    assert "hidden" not in repr(in_the_dsn) + str(in_the_dsn.dsn)


def test_what_was_chosen_is_shown() -> None:
    assert repr(Options()) == "Options()"
    assert repr(Options(release="shop@1", debug=True)) == "Options(release='shop@1', debug=True)"


@pytest.mark.parametrize("name", ["in_app_include", "in_app_exclude"])
def test_a_list_of_names_is_no_single_string(name: str) -> None:
    assert getattr(given(**{name: iter(["a", "b"])}), name) == ("a", "b")
    for wrong in ("app", b"app", {"app": 1}, [1], 3):
        assert refusal(**{name: wrong}).startswith(f"{name} must be a list of strings")


def test_ignored_errors_are_classes_and_names() -> None:
    assert given(ignore_errors=[KeyError, "asyncio.*"]).ignore_errors == (KeyError, "asyncio.*")
    for wrong in (KeyError, "KeyError", [KeyError()], [int], 3, {KeyError: 1}):
        said = refusal(ignore_errors=wrong)
        assert said.startswith("ignore_errors must be a list of exception classes and names")


def plain(*arguments: object) -> None:
    return None


async def coroutine(*arguments: object) -> None:
    return None


async def generator(*arguments: object) -> AsyncIterator[None]:
    yield None


class PlainObject:
    def __call__(self, *arguments: object) -> None:
        return None


class AsyncObject:
    async def __call__(self, *arguments: object) -> None:
        return None

    async def method(self, *arguments: object) -> None:
        return None


def test_names_of_secrets_are_parts_of_names() -> None:
    assert given(scrub_keys=["pin"], allow_keys={"sort_key"}).scrub_keys == ("pin",)
    assert refusal(scrub_keys="pin").startswith("scrub_keys must be a list of strings")
    assert refusal(allow_keys=["a", " "]) == "allow_keys: an empty string is in every name; leave it out"


def test_processors_are_functions() -> None:
    assert [*given(processors=[len, print]).processors] == [len, print]
    assert refusal(processors=len).startswith("processors must be a list of functions")
    assert refusal(processors="raven.processors.Processor").startswith("processors must be a list of functions")
    assert refusal(processors=[len, "raven.processors.Processor"]).startswith("each of processors must be a function")


CALLBACKS = ["before_send", "before_breadcrumb", "error_sampler"]


@pytest.mark.parametrize("name", CALLBACKS)
@pytest.mark.parametrize("value", [plain, PlainObject(), PlainObject().__call__, functools.partial(plain, 1), print])
def test_a_callback_is_anything_that_can_be_called(name: str, value: object) -> None:
    assert getattr(given(**{name: value}), name) == value


@pytest.mark.parametrize("name", CALLBACKS)
@pytest.mark.parametrize(
    "value", [coroutine, generator, AsyncObject(), AsyncObject().method, functools.partial(coroutine, 1)]
)
def test_an_async_callback_is_refused_with_the_reason(name: str, value: object) -> None:
    said = refusal(**{name: value})
    assert said.startswith(f"{name} must be a plain function, not an async one: ")
    assert "nothing can be awaited" in said


@pytest.mark.parametrize("name", CALLBACKS)
def test_what_cannot_be_called_is_no_callback(name: str) -> None:
    assert refusal(**{name: 3}) == f"{name} must be a function, not 3"


def test_paths_become_absolute_strings(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.touch()
    options = given(project_root=tmp_path, ca_certs=file, cert_file=str(file), key_file=os.path.relpath(file))
    assert options.project_root == str(tmp_path)
    assert options.ca_certs == options.cert_file == options.key_file == str(file)
    assert given(ca_certs=tmp_path).ca_certs == str(tmp_path)


@pytest.mark.parametrize("name", ["ca_certs", "cert_file", "key_file", "project_root", "spool"])
def test_what_is_no_path_is_refused(name: str) -> None:
    assert refusal(**{name: 3}) == f"{name} must be a path, not 3"
    assert refusal(**{name: b"a"}).startswith(f"{name} must be a path of characters")


@pytest.mark.parametrize("name", ["ca_certs", "cert_file", "key_file"])
def test_a_file_that_is_not_there_is_an_error_at_once(name: str, tmp_path: Path) -> None:
    gone = tmp_path / "gone.pem"
    assert refusal(**{name: gone}) == f"{name}: there is no file or folder {str(gone)!r}"


def test_an_ssl_context_is_one_of_the_standard_library() -> None:
    context = ssl.create_default_context()
    assert given(ssl_context=context).ssl_context is context
    assert refusal(ssl_context="context").startswith("ssl_context must be an ssl.SSLContext")


def test_a_servers_context_is_no_clients() -> None:
    said = refusal(ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    assert said == "ssl_context must be a client's, as ssl.create_default_context() makes it, not a server's"
    for context in (ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)):
        assert given(ssl_context=context).ssl_context is context


def test_an_ssl_context_leaves_nothing_else_to_say_about_tls(tmp_path: Path) -> None:
    file = tmp_path / "a.pem"
    file.touch()
    context = ssl.create_default_context()
    for name, value in {"verify_ssl": True, "ca_certs": file, "cert_file": file, "key_file": file}.items():
        said = refusal(ssl_context=context, **{name: value})
        assert said.startswith(f"ssl_context is used as it is: set {name} on it")
    said = refused(lambda: resolve(DSN + "?verify_ssl=0", None, {"ssl_context": context}, {}))
    assert "verify_ssl" in said


def test_a_key_needs_its_certificate(tmp_path: Path) -> None:
    assert refusal(key_file=tmp_path).startswith("key_file needs cert_file")


def test_an_unknown_option_gets_the_nearest_or_the_list() -> None:
    assert refusal(relase="1") == "there is no option 'relase': did you mean 'release'?"
    said = refusal(zzzzzz=1)
    assert said.startswith("there is no option 'zzzzzz'; there are add_full_stack, ")
    assert "dsn" in said
    assert "transport" in said


def test_an_unknown_option_is_refused_even_if_its_value_asks_for_nothing() -> None:
    assert refusal(relase=None).startswith("there is no option 'relase'")


@pytest.mark.parametrize("name", sorted(INSTEAD))
def test_an_option_that_is_called_otherwise_here_says_how(name: str) -> None:
    for value in (None, False, 1):
        said = refusal(**{name: value})
        assert said == f"there is no option {name!r} here: {INSTEAD[name]}"


@pytest.mark.parametrize("name", sorted(ABSENT))
def test_an_option_that_is_not_here_yet_is_accepted_if_it_asks_for_nothing(name: str) -> None:
    nothings: tuple[Any, ...] = (None, False, 0, 0.0, [], {})
    for nothing in nothings:
        assert given(**{name: nothing}).sample_rate == 1.0
    assert ABSENT[name] in refusal(**{name: 1})


def test_the_environment_says_what_no_argument_says() -> None:
    options = environment(
        SENTRY_RELEASE=" app@1 ",
        SENTRY_ENVIRONMENT="staging",
        SENTRY_SERVER_NAME="web-1",
        SENTRY_SAMPLE_RATE="0.25",
        SENTRY_DEBUG="yes",
        SENTRY_TRANSPORT="threaded",
    )
    assert (options.release, options.environment, options.server_name) == ("app@1", "staging", "web-1")
    assert (options.sample_rate, options.debug) == (0.25, True)
    assert options.transport is UrllibTransport  # the DSN's prefix beats SENTRY_TRANSPORT


def test_an_argument_beats_the_environment() -> None:
    environ = {"SENTRY_DSN": DSN, "SENTRY_RELEASE": "theirs", "SENTRY_TRANSPORT": "threaded", "SENTRY_DEBUG": "1"}
    options = resolve("https://mine@host/2", None, {"release": "mine", "debug": False}, environ)
    assert options.dsn is not None
    assert (options.dsn.public_key, options.release, options.debug) == ("mine", "mine", False)
    assert (options.transport, options.transport_name) == (ThreadedTransport, "threaded")
    assert resolve("https://mine@host/2", "urllib", {}, environ).transport is UrllibTransport


@pytest.mark.parametrize("variable", [*ENVIRONMENT.values(), "SENTRY_DSN", "SENTRY_TRANSPORT"])
def test_an_empty_variable_says_nothing(variable: str) -> None:
    options = resolve("urllib+https://key@host/1", None, {}, {variable: " "})
    assert (options.release, options.sample_rate, options.environment) == (None, 1.0, "production")


@pytest.mark.parametrize("word", ["1", "true", "Yes", "ON", "0", "false", "No", "off"])
def test_a_flag_may_be_one_of_many_words(word: str) -> None:
    expected = word.lower() in ("1", "true", "yes", "on")
    assert environment(SENTRY_DEBUG=word).debug is expected
    assert resolve(f"{DSN}?verify_ssl={word}", None, {}, {}).verify_ssl is expected


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SENTRY_DEBUG", "maybe", "SENTRY_DEBUG must be one of 1, true, yes, on, 0, false, no, off, not 'maybe'"),
        ("SENTRY_SAMPLE_RATE", "half", "SENTRY_SAMPLE_RATE must be a number from 0 to 1, not 'half'"),
        ("SENTRY_SAMPLE_RATE", "2", "SENTRY_SAMPLE_RATE must be a number from 0 to 1, not 2.0"),
    ],
)
def test_a_bad_variable_is_an_error_that_names_it(variable: str, value: str, said: str) -> None:
    assert refused(lambda: environment(**{variable: value})) == said


def test_a_bad_dsn_says_whether_it_came_from_the_environment() -> None:
    bad = "https://key:hidden@host"
    assert refused(lambda: resolve(bad, None, {}, {}), DsnError).startswith("the DSN has no project")
    said = refused(lambda: resolve(None, None, {}, {"SENTRY_DSN": bad}), DsnError)
    assert said.startswith("SENTRY_DSN: the DSN has no project")
    assert "hidden" not in said


def test_a_dsn_is_a_string() -> None:
    said = refused(lambda: resolve(3, None, {}, {}))  # type: ignore[arg-type] # the point of this test
    assert said == "dsn must be a string, not a value of type int"


@pytest.mark.parametrize(
    ("dsn", "environ"), [(None, {}), ("", {"SENTRY_DSN": DSN}), ("  ", {}), (None, {"SENTRY_DSN": "  "})]
)
def test_without_a_dsn_the_options_are_checked_and_no_transport_is_looked_up(
    dsn: str | None, environ: Mapping[str, str]
) -> None:
    options = resolve(dsn, "no such transport", {"release": "1"}, environ)
    assert (options.dsn, options.transport, options.release) == (None, None, "1")
    assert refused(lambda: resolve(dsn, None, {"sample_rate": 2}, environ)).startswith("sample_rate")


def test_the_dsns_options_hold_unless_an_argument_says_otherwise(tmp_path: Path) -> None:
    dsn = f"{DSN}?timeout=2.5&verify_ssl=0&ca_certs={tmp_path}&max_in_flight=2&compress=none"
    dsn += f"&cert_file={tmp_path}&key_file={tmp_path}&http_proxy=&https_proxy=http://me:a%2526b@proxy:3128"
    options = resolve(dsn, None, {}, {})
    assert (options.timeout, options.verify_ssl, options.max_in_flight, options.compress) == (2.5, False, 2, 0)
    assert options.ca_certs == options.cert_file == options.key_file == str(tmp_path)
    assert (options.http_proxy, options.https_proxy) == ("", "http://me:a%26b@proxy:3128")
    assert settings(options, {}).proxy == Proxy("proxy", 3128, "Basic " + b64encode(b"me:a&b").decode())
    assert resolve(dsn, None, {"timeout": 1, "verify_ssl": True}, {}).timeout == 1
    assert resolve(dsn, None, {"timeout": 1, "verify_ssl": True}, {}).verify_ssl is True
    assert options.dsn is not None
    assert options.dsn.envelope_url == "https://host/api/1/envelope/"


IN_A_DSN = (
    "ca_certs, cert_file, compress, http_proxy, https_proxy, key_file, max_in_flight, timeout, verify_ssl"  # in order
)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("timeout=soon", "the DSN's timeout must be a number from 0.001 to 3600, not 'soon'"),
        ("timeout=0", "the DSN's timeout must be a number from 0.001 to 3600, not 0.0"),
        ("verify_ssl", "the DSN's verify_ssl must be one of 1, true, yes, on, 0, false, no, off, not ''"),
        ("max_in_flight=1.5", "the DSN's max_in_flight must be a whole number from 1 to 100, not '1.5'"),
        ("ca_certs=/no/such/file", "the DSN's ca_certs: there is no file or folder '/no/such/file'"),
        ("cert_file=/no/such/file", "the DSN's cert_file: there is no file or folder '/no/such/file'"),
        ("key_file=/", "key_file needs cert_file, the certificate that it is the key of"),
        ("time=1", f"a DSN has no option 'time': there are {IN_A_DSN}"),
        ("release=1", f"a DSN has no option 'release': there are {IN_A_DSN}"),
        ("http_proxy=http://me:my&secret@proxy:1", f"a DSN has no other option: there are {IN_A_DSN}"),
    ],
)
def test_a_bad_option_in_the_dsn_is_an_error_at_set_up(query: str, said: str) -> None:
    assert refused(lambda: resolve(f"{DSN}?{query}", None, {}, {})) == said


INSTANCE = UrllibTransport(Settings(url="http://127.0.0.1:9/api/1/envelope/"))


def test_a_transport_may_be_a_class_a_function_an_instance_or_a_name() -> None:
    def make(settings: Settings) -> UrllibTransport:
        return UrllibTransport(settings)

    for transport in (UrllibTransport, make, INSTANCE):
        assert resolve("threaded+https://key@host/1", transport, {}, {}).transport is transport
    assert resolve("https://key@host/1", "urllib", {}, {}).transport is UrllibTransport
    refused(lambda: resolve("https://key@host/1", "no such", {}, {}), UnknownTransportError)
    refused(lambda: resolve("nosuch+https://key@host/1", None, {}, {}), TransportError)


def test_what_makes_no_transport_is_refused_at_set_up() -> None:
    said = refused(lambda: resolve(DSN, 3, {}, {}))  # type: ignore[arg-type] # the point of this test
    assert said == "transport must be a registered name, a class or function that makes one, or an instance"


@pytest.mark.parametrize("query", ["timeout=1", "verify_ssl=1", "max_in_flight=2", "ca_certs=/", "https_proxy="])
def test_the_dsns_options_cannot_reach_a_transport_that_is_made_already(query: str) -> None:
    said = refused(lambda: resolve(f"{DSN}?{query}", INSTANCE, {}, {}))
    assert said == f"the transport is made already: give {query.partition('=')[0]} to what makes it"


@pytest.mark.parametrize("arguments", [{"timeout": 1}, {"https_proxy": ""}, {"verify_ssl": True}])
def test_nor_can_arguments_that_are_about_its_connections(arguments: OptionArguments) -> None:
    assert "is made already" in refused(lambda: resolve(DSN, INSTANCE, arguments, {}))


def test_a_transport_that_is_made_already_goes_with_all_other_options() -> None:
    options = resolve(DSN, INSTANCE, {"max_in_flight": 2, "shutdown_timeout": 1, "release": "1"}, {})
    assert options.transport is INSTANCE
    assert options.transport_name == "urllib"


def test_settings_are_the_options_that_a_transport_is_made_from(tmp_path: Path) -> None:
    file = tmp_path / "a.pem"
    file.touch()
    arguments: OptionArguments = {
        "timeout": 1,
        "verify_ssl": False,
        "ca_certs": file,
        "cert_file": file,
        "key_file": file,
        "https_proxy": "http://proxy:3128",
        "max_in_flight": 2,
        "shutdown_timeout": 3,
    }
    assert settings(resolve(DSN, None, arguments, {}), {}) == Settings(
        url="https://host/api/1/envelope/",
        timeout=1,
        verify_ssl=False,
        ca_certs=str(file),
        cert_file=str(file),
        key_file=str(file),
        proxy=Proxy("proxy", 3128),
        max_in_flight=2,
        shutdown_timeout=3,
    )


def test_settings_have_the_context_and_the_proxy_that_the_environment_names() -> None:
    context = ssl.create_default_context()
    made = settings(given(ssl_context=context), {"HTTPS_PROXY": "http://proxy:3128"})
    assert made.ssl_context is context
    assert made.proxy == Proxy("proxy", 3128)


def test_defaults_of_settings_and_options_agree() -> None:
    assert settings(given(), {}) == Settings(url="https://host/api/1/envelope/")


def test_no_settings_without_a_dsn() -> None:
    with pytest.raises(AssertionError):
        settings(Options(), {})


def test_nobody_changes_the_options_afterwards() -> None:
    names = ["a"]
    options = given(in_app_include=names)
    names.append("b")
    assert options.in_app_include == ("a",)
    with pytest.raises(AttributeError):
        options.release = "2"  # type: ignore[misc] # frozen: the point of this test
