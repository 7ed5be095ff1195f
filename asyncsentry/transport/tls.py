"""How TLS is spoken with the server: one context for one transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncsentry.errors import OptionError

if TYPE_CHECKING:
    from ssl import SSLContext

    from asyncsentry.transport.settings import Settings


class TlsContext:
    """The context for these settings: made at once where an option could be wrong, else at its first use.

    Reading the platform's authorities takes some 20 ms, which set-up should not cost a program that may never send.
    """

    def __init__(self, settings: Settings) -> None:
        """Raises `OptionError` for a file that cannot be used."""
        self._settings = settings
        self.made: SSLContext | None = None
        """The context if it is there already."""
        if settings.ssl_context or settings.ca_certs or settings.cert_file or settings.key_file:
            self.get()

    def get(self) -> SSLContext:
        """The context. Two threads that ask at once for the first time may make two; that does no harm."""
        if self.made is None:
            self.made = client_context(self._settings)
        return self.made


def client_context(settings: Settings) -> SSLContext:
    """Make the context: chain and name are verified unless ``verify_ssl`` is off; raises `OptionError`."""
    if settings.ssl_context is not None:
        return settings.ssl_context
    import ssl

    context = ssl.create_default_context() if settings.ca_certs is None else _trusting(settings.ca_certs)
    if not settings.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    _identify(context, settings.cert_file, settings.key_file)
    return context


def _trusting(ca_certs: str) -> SSLContext:
    import os
    import ssl

    folder = os.path.isdir(ca_certs)
    try:
        if folder and not any(map(_is_hash, os.listdir(ca_certs))):
            raise OptionError(
                f"ca_certs={ca_certs!r} cannot be used: in a folder OpenSSL looks for authorities by names like "
                "9d66eef0.0, as `openssl rehash` gives them, and there are none"
            )
        return ssl.create_default_context(cafile=None if folder else ca_certs, capath=ca_certs if folder else None)
    except OSError as error:
        raise OptionError(f"ca_certs={ca_certs!r} cannot be used: {error}") from error


def _is_hash(name: str) -> bool:
    """Whether a file's name is what OpenSSL looks an authority up by: the hash of its subject, and a serial number."""
    subject, _, serial = name.partition(".")
    return len(subject) == 8 and set(subject) <= set("0123456789abcdef") and serial.isdecimal()


def _identify(context: SSLContext, cert_file: str | None, key_file: str | None) -> None:
    """Load the client's certificate."""
    if cert_file is None:
        if key_file is not None:
            raise OptionError(f"key_file={key_file!r} needs a cert_file")
        return
    try:
        # With a password given, even a wrong one, OpenSSL does not stop to ask for one on the terminal.
        context.load_cert_chain(cert_file, key_file, password="")
    except (OSError, ValueError) as error:
        raise OptionError(f"cert_file={cert_file!r}, key_file={key_file!r} cannot be used: {error}") from error
