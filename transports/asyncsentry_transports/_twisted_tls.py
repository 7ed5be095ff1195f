"""TLS by the standard library, without any I/O: bytes in, bytes out.

Twisted's own is pyOpenSSL's, which would give the options for certificates another meaning than they have elsewhere.
"""

from __future__ import annotations

import ssl

_READ_SIZE = 64 * 1024


class Cipher:
    """One side of a TLS connection: the client's."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        """``name`` is the server's: what its certificate must be for, if the context checks that."""
        self.ended = False
        """Whether the server has said that nothing more will come."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)

    def shake_hands(self, data: bytes = b"") -> bool:
        """Take what came, if anything did; whether that was the last of it. Raises `ssl.SSLError`."""
        self._incoming.write(data)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def decrypt(self, data: bytes) -> bytes:
        """What the server says, as far as it came. Raises `ssl.SSLError`."""
        self._incoming.write(data)
        plain = []
        try:
            while piece := self._tls.read(_READ_SIZE):
                plain.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        return b"".join(plain)

    def encrypt(self, data: bytes | memoryview) -> bytes:
        """What to send to say this. Raises `ssl.SSLError`."""
        left = memoryview(data)
        while left:
            left = left[self._tls.write(left) :]
        return self.to_send()

    def to_send(self) -> bytes:
        """What has to be sent in any case: of the handshake, an alert."""
        return self._outgoing.read()
