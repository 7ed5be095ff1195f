"""The names that OpenSSL looks for authorities by, in a folder of them."""

from __future__ import annotations

from hashlib import sha1

import trustme
from cryptography.x509 import Name, NameAttribute, RelativeDistinguishedName, load_pem_x509_certificate


def openssl_name(authority: trustme.CA) -> str:
    """The first four bytes of a hash of the subject, in lower case."""
    subject = load_pem_x509_certificate(authority.cert_pem.bytes()).subject
    # A name is a sequence of these; the sequence's own head, two bytes, is not hashed.
    pieces = b"".join(Name([_in_lower_case(part)]).public_bytes()[2:] for part in subject.rdns)
    return f"{int.from_bytes(sha1(pieces).digest()[:4], 'little'):08x}.0"


def _in_lower_case(part: RelativeDistinguishedName) -> RelativeDistinguishedName:
    return RelativeDistinguishedName([NameAttribute(each.oid, str(each.value).lower()) for each in part])
