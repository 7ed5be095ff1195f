"""How to reach the server: one value with one meaning for every transport."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ssl import SSLContext

LOOP_SHARE: Final = 0.75
"""Of `Settings.shutdown_timeout`: for so long the end of a loop waits at most. The rest is left to the end of the
program, which may come next, for a last try."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A forward proxy: plain ``http`` to the proxy itself, a ``CONNECT`` tunnel for an https server."""

    host: str
    """In ASCII; an IPv6 address without its brackets."""
    port: int
    authorization: str | None = field(default=None, repr=False)
    """The whole value of ``Proxy-Authorization``, if the proxy's URL had a user."""

    @property
    def url(self) -> str:
        """Where it is, without the secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """What tells it who we are, and nobody else may see."""
        return {} if self.authorization is None else {"Proxy-Authorization": self.authorization}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a transport is made from. What it cannot honour is a `SetupError`, never accepted and ignored."""

    url: str
    """Where every request goes: the endpoint's full URL."""
    timeout: float = 5.0
    """Seconds for one whole request, connecting included."""
    verify_ssl: bool = True
    """Whether the server's certificate and name are checked."""
    ca_certs: str | None = None
    """A PEM file, or a folder of them, of authorities to trust instead of the platform's."""
    cert_file: str | None = None
    """A client certificate (PEM), with ``key_file`` if its key is in a file of its own."""
    key_file: str | None = None
    ssl_context: SSLContext | None = field(default=None, repr=False)
    """Used as it is, instead of the four above."""
    proxy: Proxy | None = None
    """The proxy for this endpoint, ``NO_PROXY`` already obeyed."""
    max_in_flight: int = 16
    """How many requests the core leaves unsettled at once: as many connections are enough."""
    shutdown_timeout: float = 2.0
    """Seconds that the end of the program may take to deliver what is left."""

    @property
    def loop_timeout(self) -> float:
        """Seconds that a transport whose loop is ending may hold it to deliver what is left."""
        return self.shutdown_timeout * LOOP_SHARE
