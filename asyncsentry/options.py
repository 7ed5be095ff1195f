"""What an application may choose, and what comes of argument, DSN and environment together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asyncsentry.dsn import Dsn, parse
from asyncsentry.errors import DsnError, OptionError
from asyncsentry.events.collection import OFF, PERSONAL, QUIET, DataCollection
from asyncsentry.item import EVENT_LIMIT
from asyncsentry.registry import DEFAULT, AnyFactory, AnyTransport, TransportOption, choose, is_instance
from asyncsentry.transport.settings import Settings

if TYPE_CHECKING:
    from ssl import SSLContext

    from asyncsentry.events.addresses import Network
    from asyncsentry.types import BeforeBreadcrumb, BeforeSend, BodySize, ErrorSampler, OptionArguments

ENVIRONMENT: Final[Mapping[str, str]] = {
    "release": "SENTRY_RELEASE",
    "environment": "SENTRY_ENVIRONMENT",
    "server_name": "SENTRY_SERVER_NAME",
    "sample_rate": "SENTRY_SAMPLE_RATE",
    "debug": "SENTRY_DEBUG",
}
"""Options that the environment may set; ``SENTRY_DSN`` and ``SENTRY_TRANSPORT`` are read beside them."""

PROXIES: Final = frozenset({"http_proxy", "https_proxy"})

CONNECTION: Final = PROXIES | {"ca_certs", "cert_file", "key_file", "ssl_context", "timeout", "verify_ssl"}
"""Options that make a transport: given beside one that is made already, nobody would obey them."""

DSN_OPTIONS: Final = CONNECTION - {"ssl_context"} | {"compress", "max_in_flight"}
"""Options that the DSN's query may set."""


BODY_LIMITS: Final[Mapping[BodySize, int]] = {"never": 0, "small": 1000, "medium": 10_000, "always": EVENT_LIMIT}
"""Bytes: https://develop.sentry.dev/sdk/expected-features/#attaching-request-body-in-server-sdks"""


_UNSHOWN: Final = frozenset({"transport", "ssl_context", *PROXIES})
"""Options whose values say too much, or nothing."""


# A tuple, and no dataclass: to make a dataclass of so many fields is a tenth of `import asyncsentry`.
_NONE_SAYS: Final[Mapping[str, object]] = {"flood_limit": 0}
"""What None says of an option where that is not to leave the option out: that there is no limit."""


class Options(NamedTuple):
    """Every option with its value, checked. The defaults stand here and nowhere else."""

    dsn: Dsn | None = None
    """None: nothing is captured or sent."""
    transport: AnyFactory | AnyTransport | None = None
    """A factory, or the instance that was handed in (`asyncsentry.registry.is_instance`). None only without a DSN."""
    transport_name: str = DEFAULT

    release: str | None = None
    """None: found out later, off the event loop (`asyncsentry.release.detect`). An empty string sends none."""
    environment: str = "production"
    dist: str | None = None
    server_name: str | None = None
    """None: the host's name. An empty string sends none."""
    debug: bool = False
    """Whether what the SDK does is printed on standard error."""

    sample_rate: float = 1.0
    """The share of errors that is sent, from 0 to 1."""
    error_sampler: ErrorSampler | None = None
    """Used instead of ``sample_rate``. It is called before frames are read."""
    flood_limit: int = 100
    """Events of one issue (an error's type and where it was raised, or a message) at once, and in each minute from then
    on; the next one says how many were held back. 0: as many as there are."""
    ignore_errors: tuple[type[BaseException] | str, ...] = ()
    """Classes, names, dotted names, and either with wildcards; an error's base classes count, too."""
    processors: tuple[BeforeSend, ...] = ()
    """Each sees the event that the one before it returned, and the last one's is ``before_send``'s."""
    before_send: BeforeSend | None = None
    before_breadcrumb: BeforeBreadcrumb | None = None
    enable_breadcrumbs: bool = True
    """Whether log records (and later other things) leave breadcrumbs; ``add_breadcrumb`` works in any case."""
    max_breadcrumbs: int = 100

    attach_stacktrace: bool = False
    """Whether messages carry the stack of the call that captured them."""
    add_full_stack: bool = False
    """Whether an error's frames begin with those of the callers of the place that caught it."""
    max_stack_frames: int = 100
    """Frames for each exception; the middle is left out."""
    include_local_variables: bool = True
    include_source_context: bool = True
    max_value_length: int = 1024
    """Characters; longer strings are cut."""
    max_depth: int = 5
    """Containers shown within containers, a frame's variables as a whole included; deeper ones are only named."""
    max_breadth: int = 10
    """Members shown of one container."""
    max_event_values: int = 4000
    """About how many values one event shows of the program, a long string counting for several."""
    max_event_bytes: int = EVENT_LIMIT
    """How large an event may be as JSON; from a larger one is cut what its reader misses least."""
    max_request_body_size: BodySize = "medium"
    """How large a request's body may be to be sent, where bodies are collected: see `BODY_LIMITS`."""
    in_app_include: tuple[str, ...] = ()
    """Modules that are the application's, with what is below them; beats ``in_app_exclude``."""
    in_app_exclude: tuple[str, ...] = ()
    project_root: str | None = None
    """Only code in this folder is the application's, and the release is looked for here. None: all code is that is
    neither installed nor Python's own; the release is looked for in the folder that the program started in."""
    send_default_pii: bool = False
    """Whether what tells who a user is (address, cookies, name) is sent without having been set on purpose."""
    data_collection: DataCollection = QUIET
    """What is collected in the end: what ``send_default_pii`` stands for, with the settings that were given over it."""
    trusted_proxies: tuple[Network, ...] = ()
    """Proxies that are believed when they say which address a request came from."""

    scrub_keys: tuple[str, ...] = ()
    """Parts of names beside those that are known: what stands under a name with one in it is hidden."""
    allow_keys: tuple[str, ...] = ()
    """Whole names, in any case, under which nothing is hidden."""

    send_client_reports: bool = True
    """Whether the server is told how many events were not delivered, and why."""
    raise_send_errors: bool = False
    """Whether ``flush`` raises for what could not be delivered. A capture never does."""
    queue_bytes: int = 16 * 1024 * 1024
    """How much may wait for delivery; beyond it the least important, then the oldest, is dropped and counted."""
    spool: str | None = None
    """A folder that keeps what is not delivered yet, beyond the end of the program. None: memory alone keeps it."""
    spool_bytes: int = 64 * 1024 * 1024
    """How much of one process the spool keeps; beyond it the oldest is dropped and counted."""
    spool_fsync: bool = False
    """Whether what is in the spool also survives a power cut, at the price of a wait for the disk for each event."""
    report_fatal_errors: bool = False
    """Whether a crash of the interpreter itself is captured, at the next start; with ``spool`` only."""
    max_in_flight: int = 16
    """Requests under way at once, at the most: it begins with four, and more go while events wait and the server keeps
    up."""
    compress: int | str = 1
    """The level of gzip, from 1, the cheapest, to 9; 0 sends what it is. ``"gzip"`` stands for 1, ``"none"`` for 0.
    ``"zstd"`` and ``"br"``, for servers that are known to take them, each need the extra of that name."""
    timeout: float = 5.0
    """Seconds for one whole request, connecting included."""
    shutdown_timeout: float = 2.0
    """Seconds that the end of the program, or of an event loop, may take to deliver what is left."""
    flush_on_sigterm: bool = False
    """Whether what is left is delivered at SIGTERM, before the handler that was there."""
    verify_ssl: bool = True
    """Whether the server's certificate and name are checked."""
    ca_certs: str | None = None
    """A PEM file or a folder of authorities, trusted instead of the platform's."""
    cert_file: str | None = None
    """A client certificate (PEM), with ``key_file`` if its key is in a file of its own."""
    key_file: str | None = None
    ssl_context: SSLContext | None = None
    """Used as it is, instead of the four above."""
    http_proxy: str | None = None
    """The proxy for a server reached by http. None: what ``HTTP_PROXY`` says. An empty string: no proxy."""
    https_proxy: str | None = None
    """The proxy for a server reached by https. None: what ``HTTPS_PROXY`` says. An empty string: no proxy."""

    install_sys_hook: bool = True
    """Whether an exception that ends the program is captured."""
    install_threading_hook: bool = True
    """Whether an exception that ends a thread is captured."""
    install_unraisable_hook: bool = True
    """Whether an exception in a finalizer, where it cannot be raised, is captured."""
    install_asyncio_hook: bool = True
    """Whether an exception of a task that nobody awaited is captured."""
    install_logging_hook: bool = True
    """Whether log records become events (from ERROR) and breadcrumbs (from INFO)."""

    def __repr__(self) -> str:
        """What differs from the defaults, without what is secret."""
        chosen = (
            f"{name}={value!r}"
            for name, value in self._asdict().items()
            if name not in _UNSHOWN and value != self._field_defaults[name]
        )
        return f"Options({', '.join(chosen)})"


def resolve(
    dsn: str | None, transport: TransportOption | None, arguments: OptionArguments, environ: Mapping[str, str]
) -> Options:
    """Check everything, at set-up: an argument beats the DSN's query, and both beat the environment.

    Raises `DsnError`, `OptionError` or `TransportError`. A transport is looked up, and its library imported, only if
    there is a DSN.
    """
    if transport is not None and not (isinstance(transport, str) or callable(transport) or is_instance(transport)):
        raise OptionError("transport must be a registered name, a class or function that makes one, or an instance")
    target = _target(dsn, environ)
    from_dsn = _from_dsn(target) if target else {}
    from_arguments = _from_arguments(arguments)
    given = from_dsn | from_arguments
    _refuse_contradictions(given)
    given |= _collected(given)
    if is_instance(transport):
        _refuse_connection_options({*from_dsn, *CONNECTION.intersection(from_arguments)})
    values = _from_environment(environ) | given
    if target is None:
        return Options(**values)
    chosen = choose(transport, target.transport, environ)
    return Options(dsn=target, transport=chosen.maker, transport_name=chosen.name, **values)


def settings(options: Options, environ: Mapping[str, str]) -> Settings:
    """What the transport is made from. Raises `OptionError` for a proxy that cannot be one."""
    from asyncsentry.transport.proxy import find_proxy

    assert options.dsn is not None, "without a DSN no transport is made"
    url = options.dsn.envelope_url
    return Settings(
        url=url,
        timeout=options.timeout,
        verify_ssl=options.verify_ssl,
        ca_certs=options.ca_certs,
        cert_file=options.cert_file,
        key_file=options.key_file,
        ssl_context=options.ssl_context,
        proxy=find_proxy(url, options.http_proxy, options.https_proxy, environ),
        max_in_flight=options.max_in_flight,
        shutdown_timeout=options.shutdown_timeout,
    )


def _target(dsn: str | None, environ: Mapping[str, str]) -> Dsn | None:
    text = environ.get("SENTRY_DSN", "") if dsn is None else dsn
    if not isinstance(text, str):
        raise OptionError(f"dsn must be a string, not a value of type {type(text).__qualname__}")
    try:
        return parse(text) if text.strip() else None
    except DsnError as error:
        if dsn is None:
            raise DsnError(f"SENTRY_DSN: {error}") from None
        raise


# Any: the checks give each option its type, at run time.
def _from_arguments(arguments: OptionArguments) -> dict[str, Any]:
    from asyncsentry.validation import CHECKS

    values = {}
    for name, value in arguments.items():
        if name not in CHECKS:
            _refuse_unknown(name, value, CHECKS)
        elif value is not None:
            values[name] = CHECKS[name](value, name)
        elif name in _NONE_SAYS:
            values[name] = _NONE_SAYS[name]
    return values


def _collected(given: Mapping[str, Any]) -> dict[str, Any]:
    """What is collected, and what that says of the older options for parts of it."""
    preset = PERSONAL if given.get("send_default_pii") else QUIET
    if not given.get("include_local_variables", True):
        preset = preset._replace(stack_frame_variables=OFF)
    if not given.get("include_source_context", True):
        preset = preset._replace(frame_context_lines=0)
    asked = given.get("data_collection")
    if asked is None:
        return {"data_collection": preset}
    from asyncsentry.data_collection import collect

    collected = collect(asked, preset, given)
    return {
        "data_collection": collected,
        "include_local_variables": not collected.stack_frame_variables.is_off,
        "include_source_context": collected.frame_context_lines > 0,
    }


def _refuse_unknown(name: str, value: object, known: Iterable[str]) -> None:
    from asyncsentry.foreign_options import asks_for_nothing, refusal

    if not asks_for_nothing(name, value):
        raise OptionError(refusal(name, [*known, "dsn", "transport"]))


def _from_dsn(dsn: Dsn) -> dict[str, Any]:
    from asyncsentry.reading import read

    unknown = dsn.options.keys() - DSN_OPTIONS
    if unknown:
        # An ampersand in a proxy's password, not escaped, cuts it in two.
        which = "other option" if PROXIES & dsn.options.keys() else f"option {min(unknown)!r}"
        raise OptionError(f"a DSN has no {which}: there are {', '.join(sorted(DSN_OPTIONS))}")
    return {name: read(name, value, f"the DSN's {name}") for name, value in dsn.options.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    from asyncsentry.reading import read

    found = {name: (variable, environ.get(variable, "").strip()) for name, variable in ENVIRONMENT.items()}
    return {name: read(name, value, variable) for name, (variable, value) in found.items() if value}


def _refuse_contradictions(given: Mapping[str, object]) -> None:
    beside = {"verify_ssl", "ca_certs", "cert_file", "key_file"}.intersection(given)
    if "ssl_context" in given and beside:
        raise OptionError(f"ssl_context is used as it is: set {', '.join(sorted(beside))} on it, and leave it out here")
    if given.get("report_fatal_errors") and "spool" not in given:
        raise OptionError("report_fatal_errors needs spool, the folder that the next start finds the error in")
    if "key_file" in given and "cert_file" not in given:
        raise OptionError("key_file needs cert_file, the certificate that it is the key of")


def _refuse_connection_options(names: Collection[str]) -> None:
    if names:
        raise OptionError(f"the transport is made already: give {', '.join(sorted(names))} to what makes it")
