"""What each option may be: a table of checks, and what is said of a value that is none of it.

A check is given a value and what to call it; it returns the value as `Options` keeps it, or raises `OptionError`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from asyncsentry.errors import OptionError
from asyncsentry.item import EVENT_LIMIT

# Any: an argument may be anything until it was checked.
Check = Callable[[Any, str], object]

BODY_SIZES: Final = ("never", "small", "medium", "always")
COMPRESSION: Final = {"gzip": 1, "none": 0, "br": "br", "zstd": "zstd"}


def refusal(called: str, expected: str, value: object) -> OptionError:
    """Shows plain values, of others the type alone: a foreign ``repr`` may be huge, or fail."""
    plain = value is None or type(value) in (str, int, float, bool)
    shown = repr(value)[:80] if plain else f"a value of type {type(value).__qualname__}"
    return OptionError(f"{called} must be {expected}, not {shown}")


def flag(value: Any, called: str) -> bool:
    if isinstance(value, bool):
        return value
    raise refusal(called, "True or False", value)


def text(value: Any, called: str) -> str:
    if isinstance(value, str):
        return value
    raise refusal(called, "a string", value)


def address(value: Any, called: str) -> str:
    """A URL that may hold a password: what it is not is said without showing it."""
    if isinstance(value, str):
        return value
    raise OptionError(f"{called} must be a URL, or an empty string for no proxy")


def number(least: float, most: float) -> Check:
    def check(value: Any, called: str) -> float:
        # The comparison refuses NaN, too.
        if isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most:
            return float(value)
        raise refusal(called, f"a number from {least:g} to {most:g}", value)

    return check


def count(least: int, most: int) -> Check:
    def check(value: Any, called: str) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return int(value)
        raise refusal(called, f"a whole number from {least} to {most}", value)

    return check


def compression(value: Any, called: str) -> int | str:
    """A level of gzip, a word for one, or another encoding, whose package is installed."""
    choice = COMPRESSION.get(value) if isinstance(value, str) else value
    if isinstance(choice, str):
        return _encoding(choice, called)
    if isinstance(choice, int) and not isinstance(choice, bool) and 0 <= choice <= 9:
        return choice
    raise refusal(called, f"one of {', '.join(COMPRESSION)}, or a level of gzip from 0 to 9", value)


def _encoding(name: str, called: str) -> str:
    from asyncsentry.delivery.compression import PACKAGES, compression

    try:
        compression(name)
    except ImportError as error:
        needs = f'{called} {name!r} needs the package {PACKAGES[name]} ({error}): pip install "asyncsentry[{name}]"'
        raise OptionError(needs) from error
    return name


def body_size(value: Any, called: str) -> str:
    if isinstance(value, str) and value in BODY_SIZES:
        return value
    raise refusal(called, f"one of {', '.join(BODY_SIZES)}", value)


def strings(value: Any, called: str) -> tuple[str, ...]:
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)):
        members = tuple(value)
        if all(isinstance(member, str) for member in members):
            return members
    raise refusal(called, "a list of strings", value)


def names(value: Any, called: str) -> tuple[str, ...]:
    members = strings(value, called)
    if all(member.strip() for member in members):
        return members
    raise OptionError(f"{called}: an empty string is in every name; leave it out")


def functions(value: Any, called: str) -> tuple[object, ...]:
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)):
        return tuple(function(member, f"each of {called}") for member in value)
    raise refusal(called, "a list of functions", value)


def settings(value: Any, called: str) -> dict[str, object]:
    """Named settings, as they were given: what each may be is looked at where they are understood."""
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return dict(value)
    raise refusal(called, "a mapping of settings by name", value)


def networks(value: Any, called: str) -> tuple[object, ...]:
    """Addresses and networks, as text or as `ipaddress` has them."""
    from ipaddress import IPv4Network, IPv6Network, ip_network

    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping, IPv4Network, IPv6Network)):
        raise refusal(called, "a list of addresses and networks", value)
    found: list[object] = []
    for member in value:
        if isinstance(member, (IPv4Network, IPv6Network)):
            found.append(member)
            continue
        expected = "addresses and networks such as '10.0.0.1' and '10.0.0.0/8'"
        if not isinstance(member, str):
            raise refusal(f"{called} must hold {expected}: a member", "a string", member)
        try:
            found.append(ip_network(member.strip()))
        except ValueError as error:
            raise OptionError(f"{called} must hold {expected}: {str(error)[:160]}") from None
    return tuple(found)


def ignored_errors(value: Any, called: str) -> tuple[type[BaseException] | str, ...]:
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping, type)):
        members = tuple(value)
        if all(isinstance(member, str) or _is_error_class(member) for member in members):
            return members
    raise refusal(called, "a list of exception classes and names", value)


def _is_error_class(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def function(value: Any, called: str) -> object:
    from inspect import isasyncgenfunction, iscoroutinefunction

    if not callable(value):
        raise refusal(called, "a function", value)
    for called_in_the_end in (value, type(value).__call__):
        if iscoroutinefunction(called_in_the_end) or isasyncgenfunction(called_in_the_end):
            raise OptionError(
                f"{called} must be a plain function, not an async one: "
                "it is called while an error is captured, where nothing can be awaited"
            )
    return value


def path(value: Any, called: str) -> str:
    try:
        name: str | bytes = os.fspath(value)
    except TypeError:
        raise refusal(called, "a path", value) from None
    if isinstance(name, bytes):
        raise refusal(called, "a path of characters", value)
    return os.path.abspath(name)


def existing(value: Any, called: str) -> str:
    name = path(value, called)
    if not os.path.exists(name):
        raise OptionError(f"{called}: there is no file or folder {name!r}")
    return name


def ssl_context(value: Any, called: str) -> object:
    # Whoever holds a context has the module loaded: no need to load it for those who hold none. By what is beneath it:
    # `ssl.SSLContext` is another class once gevent or eventlet has patched the program, and may be made before that.
    ssl = sys.modules.get("_ssl")
    if ssl is None or not isinstance(value, ssl._SSLContext):
        raise refusal(called, "an ssl.SSLContext", value)
    if value.protocol == ssl.PROTOCOL_TLS_SERVER:
        raise OptionError(f"{called} must be a client's, as ssl.create_default_context() makes it, not a server's")
    return value


MEBIBYTE: Final = 1024 * 1024

CHECKS: Final[Mapping[str, Check]] = {
    "release": text,
    "environment": text,
    "dist": text,
    "server_name": text,
    "debug": flag,
    "sample_rate": number(0, 1),
    "error_sampler": function,
    "flood_limit": count(0, 1_000_000),
    "ignore_errors": ignored_errors,
    "processors": functions,
    "before_send": function,
    "before_breadcrumb": function,
    "enable_breadcrumbs": flag,
    "max_breadcrumbs": count(0, 1000),
    "attach_stacktrace": flag,
    "add_full_stack": flag,
    "max_stack_frames": count(1, 1000),
    "include_local_variables": flag,
    "include_source_context": flag,
    "max_value_length": count(16, MEBIBYTE),
    "max_depth": count(1, 50),
    "max_breadth": count(1, 1000),
    "max_event_values": count(100, 20_000),
    "max_event_bytes": count(16 * 1024, EVENT_LIMIT),
    "max_request_body_size": body_size,
    "in_app_include": strings,
    "in_app_exclude": strings,
    "project_root": path,
    "send_default_pii": flag,
    "scrub_keys": names,
    "allow_keys": names,
    "data_collection": settings,
    "trusted_proxies": networks,
    "send_client_reports": flag,
    "raise_send_errors": flag,
    "queue_bytes": count(64 * 1024, 1024 * MEBIBYTE),
    "spool": path,
    "spool_bytes": count(64 * 1024, MEBIBYTE * MEBIBYTE),
    "spool_fsync": flag,
    "report_fatal_errors": flag,
    "max_in_flight": count(1, 100),
    "compress": compression,
    "timeout": number(0.001, 3600),
    "shutdown_timeout": number(0, 3600),
    "flush_on_sigterm": flag,
    "verify_ssl": flag,
    "ca_certs": existing,
    "cert_file": existing,
    "key_file": existing,
    "ssl_context": ssl_context,
    "http_proxy": address,
    "https_proxy": address,
    "install_sys_hook": flag,
    "install_threading_hook": flag,
    "install_unraisable_hook": flag,
    "install_asyncio_hook": flag,
    "install_logging_hook": flag,
}
"""Every option but ``dsn`` and ``transport``, which the DSN and the registry understand."""
