"""Which transport a word means.

Bundled names are a table of strings, so the usual set-up reads no package metadata (and works in frozen programs).
Any other name is looked up in the entry-point group ``asyncsentry.transports``: a package that declares
``mine = "package.module:Factory"`` there makes ``mine+https://`` work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeGuard

from asyncsentry.errors import MissingExtraError, SetupError, TransportError, UnknownTransportError
from asyncsentry.transport.protocol import Factory, Transport
from asyncsentry.transport.settings import Settings

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

BUNDLED: Final[Mapping[str, str]] = {
    "auto": "asyncsentry_transports.auto:AutoTransport",
    "urllib": "asyncsentry_transports.urllib:UrllibTransport",
    "threaded": "asyncsentry_transports.threaded:ThreadedTransport",
    "asyncio": "asyncsentry_transports.asyncio:AsyncioTransport",
    "aiohttp": "asyncsentry_transports.aiohttp:AiohttpTransport",
    "requests": "asyncsentry_transports.requests:RequestsTransport",
    "threaded+requests": "asyncsentry_transports.threaded_requests:ThreadedRequestsTransport",
    "twisted": "asyncsentry_transports.twisted:TwistedTransport",
    "httpx": "asyncsentry_transports.httpx:HttpxTransport",
    "tornado": "asyncsentry_transports.tornado:TornadoTransport",
    "trio": "asyncsentry_transports.trio:TrioTransport",
    "gevent": "asyncsentry_transports.gevent:GeventTransport",
    "eventlet": "asyncsentry_transports.eventlet:EventletTransport",
}
ALIASES: Final[Mapping[str, str]] = {"sync": "urllib"}
"""Names that raven had for what is called otherwise here."""
EXTRAS: Final[Mapping[str, str]] = {
    "aiohttp": "aiohttp",
    "eventlet": "eventlet",
    "gevent": "gevent",
    "httpx": "httpx",
    "requests": "requests",
    "threaded+requests": "requests",
    "tornado": "tornado",
    "trio": "trio",
    "twisted": "twisted",
}
"""The extra that installs a bundled transport's library; the others need none."""
DEFAULT: Final = "auto"
GROUP: Final = "asyncsentry.transports"
VERBS: Final = ("later", "send", "wait", "close")
OWN_PACKAGES: Final = ("asyncsentry", "asyncsentry_transports")

# Any: what waiting gives is known only when the transport is chosen, at run time.
AnyFactory: TypeAlias = Factory[Any]
AnyTransport: TypeAlias = Transport[Any]
TransportOption: TypeAlias = AnyFactory | AnyTransport | str
"""What the option ``transport`` takes: a factory (a class, usually), an instance, or a registered name."""


class Chosen(NamedTuple):
    """The transport that was decided on: the name to show, and what makes it, or the instance handed in."""

    name: str
    maker: AnyFactory | AnyTransport


def is_instance(value: object) -> TypeGuard[AnyTransport]:
    """Whether this is a transport already, not something that makes one."""
    return not isinstance(value, type) and all(callable(getattr(value, verb, None)) for verb in VERBS)


def choose(transport: TransportOption | None, prefix: str | None, environ: Mapping[str, str]) -> Chosen:
    """What was handed in, else the DSN's prefix, else ``SENTRY_TRANSPORT``, else `DEFAULT`."""
    if transport is not None and not isinstance(transport, str):
        return Chosen(_name_of(transport), transport)
    for name, said_by in (
        (transport, "the option transport"),
        (prefix, "the DSN"),
        (environ.get("SENTRY_TRANSPORT", "").strip(), "SENTRY_TRANSPORT"),
    ):
        if name:
            return Chosen(_canonical(name), find(name, said_by))
    return Chosen(DEFAULT, find(DEFAULT))


def find(name: str, said_by: str = "the program") -> AnyFactory:
    """The factory that a name stands for, imported now; ``said_by`` goes into an error's text.

    Raises `UnknownTransportError` (listing the names that there are), `MissingExtraError` (naming the ``pip install``),
    or `TransportError` for what cannot be imported and for a name that two distributions claim.
    """
    name = _canonical(name)
    target = BUNDLED.get(name)
    factory: AnyFactory = _bundled(name, target) if target else _registered(name, said_by)
    if not callable(factory):
        raise TransportError(f"the transport {name!r} is registered as something that makes no transport")
    return factory


def make(name: str, factory: AnyFactory, settings: Settings) -> AnyTransport:
    """The transport that a factory makes; raises `SetupError`, a factory's own or one for what is no factory."""
    try:
        transport = factory(settings)
    except SetupError:
        raise
    except Exception as error:  # a stranger's factory may fail in any way
        raise TransportError(f"the transport {name!r} cannot be made from its settings: {error!r}") from error
    if not is_instance(transport):
        verbs = ", ".join(VERBS)
        raise TransportError(f"the transport {name!r} is {transport!r}, which has not the verbs {verbs}")
    return transport


def names() -> tuple[str, ...]:
    """Every name that is registered now, aliases left out."""
    return tuple(sorted({*BUNDLED, *(entry.name.lower() for entry in _entry_points())}))


def shadowed() -> tuple[str, ...]:
    """What other distributions registered under a bundled name, in vain: ``"name (distribution)"``."""
    vain = (entry for entry in _entry_points() if entry.name.lower() in {*BUNDLED, *ALIASES})
    return tuple(sorted(f"{entry.name} ({_distribution(entry)})" for entry in vain if not _is_ours(entry)))


def _canonical(name: str) -> str:
    name = name.strip().lower()
    return ALIASES.get(name, name)


def _name_of(transport: AnyFactory | AnyTransport) -> str:
    """The registered name of a bundled class or an instance of it; of others, the name in the program's text."""
    kind = type(transport) if is_instance(transport) else transport
    target = f"{getattr(kind, '__module__', '')}:{getattr(kind, '__qualname__', '')}"
    for name, bundled in BUNDLED.items():
        if bundled == target:
            return name
    return str(getattr(kind, "__qualname__", type(kind).__qualname__))


def _bundled(name: str, target: str) -> Any:
    module, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name not in EXTRAS or missing.partition(".")[0] in OWN_PACKAGES:
            raise TransportError(f"the transport {name!r} cannot be imported: {error}") from error
        command = f'pip install "asyncsentry[{EXTRAS[name]}]"'
        raise MissingExtraError(f"the transport {name!r} needs the module {missing!r}: {command}") from error
    except Exception as error:  # a library that this Python, or another library, breaks: not our code
        raise TransportError(f"the transport {name!r} cannot be imported: {error!r}") from error


def _registered(name: str, said_by: str) -> Any:
    entries = [entry for entry in _entry_points() if entry.name.lower() == name]
    if not entries:
        raise UnknownTransportError(_unknown(name, said_by))
    if len(entries) > 1:
        claimants = " and ".join(sorted(_distribution(entry) for entry in entries))
        raise TransportError(f"the transport {name!r} is claimed by {claimants}: uninstall one of them")
    try:
        return entries[0].load()
    except Exception as error:  # a stranger's module may raise anything at import
        origin = _distribution(entries[0])
        raise TransportError(f"the transport {name!r} of {origin} cannot be imported: {error!r}") from error


def _unknown(name: str, said_by: str) -> str:
    from difflib import get_close_matches

    if "://" in name:  # not shown, as its key may be a secret one
        return f"no transport is called as {said_by} says: a DSN is no transport's name, and goes into the option dsn"
    registered = names()
    near = get_close_matches(name, [*registered, *ALIASES], n=1)
    hint = f", did you mean {near[0]!r}?" if near else ";"
    return f"no transport is called {name!r}, as {said_by} says{hint} there are {', '.join(registered)}"


def _entry_points() -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unnamed distribution"


def _is_ours(entry: EntryPoint) -> bool:
    return BUNDLED.get(entry.name) == entry.value
