"""Secrets of many kinds: those that a name tells of, and those that are known by their looks.

None of them is anybody's; they are put together here so that no scanner of repositories takes them for somebody's.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Final, NamedTuple


class Planted(NamedTuple):
    """A secret, and the name that it stands under."""

    name: str
    value: str


def _jwt() -> str:
    parts = (b'{"alg":"HS256"}', b'{"sub":"1234567890"}', b"0123456789abcdef0123456789abcdef")
    return ".".join(b64encode(part).decode().rstrip("=") for part in parts)


def _private_key(kind: str) -> str:
    return f"-----BEGIN {kind}-----\n{'MIIEpAIBAAKCAQEA' * 8}\n-----END {kind}-----"


_LETTERS: Final = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC2eF4hJ6"

NAMED: Final = tuple(
    Planted(name, f"correct-horse-{number}-battery")
    for number, name in enumerate(
        (
            *("password", "Passwd", "db_password", "PGPASSWORD", "user_pwd", "secret", "client_secret", "SECRET_KEY"),
            *("api_key", "apiKey", "X-Api-Key", "private_key", "access_token", "refreshToken", "csrf_token", "xsrf"),
            *("authorization", "auth_header", "session_id", "PHPSESSION", "connect.sid", "identity_number"),
            *("saml_response", "sso_ticket", "jwt_cookie", "aws_credentials", "bearer_value"),
        )
    )
)
"""What only its name tells of: a value like any other."""

KNOWN: Final = tuple(
    Planted("note", value)
    for value in (
        "4111111111111111",
        "4111 1111 1111 1111",
        "5500-0000-0000-0004",
        "378282246310005",
        "3782 822463 10005",
        "6011111111111117",
        "30569309025904",
        "3530111333300000",
        "4222222222222",
        _jwt(),
        "Bearer " + _LETTERS,
        "Basic " + b64encode(b"ada:hunter2!").decode(),
        _private_key("RSA PRIVATE KEY"),
        _private_key("OPENSSH PRIVATE KEY"),
        _private_key("PGP PRIVATE KEY BLOCK"),
        "AK" + "IAIOSFODNN7EXAMPLE",
        "AS" + "IAIOSFODNN7EXAMPLE",
        "gh" + "p_" + _LETTERS,
        "gh" + "s_" + _LETTERS,
        "github" + "_pat_" + _LETTERS,
        "gl" + "pat-" + _LETTERS[:20],
        "xo" + "xb-123456789012-" + _LETTERS,
        "xa" + "pp-1-A0-" + _LETTERS,
        "sk" + "_live_" + _LETTERS,
        "rk" + "_test_" + _LETTERS,
        "wh" + "sec_" + _LETTERS,
        "sk" + "-proj-" + _LETTERS,
        "AI" + "za" + _LETTERS[:35],
        "ya" + "29." + _LETTERS,
        "np" + "m_" + _LETTERS,
        "py" + "pi-" + _LETTERS,
        "S" + "G." + _LETTERS[:22] + "." + _LETTERS,
        "S" + "K" + "0123456789abcdef" * 2,
        "shp" + "at_" + "0123456789abcdef" * 2,
        "sn" + "trys_" + _LETTERS,
        "123456789:" + "AA" + _LETTERS[:33],
        "https://hooks." + "slack.com/services/T0/B0/" + _LETTERS,
        "postgres://ada:hunter2-in-url@db/shop",
        "redis://:hunter2-in-url@cache:6379/0",
        "https://0123456789abcdef0123456789abcdef@sentry.example/1",
        "mysql -u root -phunter2-typed shop",
        "curl -u ada:hunter2-typed https://example.com",
        "CREATE USER ada IDENTIFIED BY 'hunter2-typed'",
    )
)
"""What is known wherever it stands."""


def secret_part(planted: Planted) -> str:
    """What of it must be in no event."""
    for part in ("hunter2-in-url", "hunter2-typed", "0123456789abcdef0123456789abcdef@"):
        if part in planted.value:
            return part
    return planted.value.removeprefix("Bearer ").removeprefix("Basic ").removeprefix("https://hooks.")
