"""TLS options that cannot be used: in every style an error at set-up."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from asyncsentry.errors import OptionError
from asyncsentry.transport.settings import Settings
from asyncsentry.transport.tls import client_context
from transports.style import Style
from transports.styles import STYLES

NOBODY = r"ca_certs=.* cannot be used: .*openssl rehash"


@pytest.fixture(params=STYLES, ids=lambda style: style.name)
def style(request: pytest.FixtureRequest) -> Style:
    assert isinstance(request.param, Style)
    return request.param


@pytest.fixture
def rubbish(tmp_path: Path) -> str:
    path = tmp_path / "rubbish.pem"
    path.write_text("this is no certificate")
    return str(path)


def test_ca_certs_that_cannot_be_used_are_an_error_at_set_up(style: Style, rubbish: str, tmp_path: Path) -> None:
    for path in (str(tmp_path / "missing.pem"), rubbish):
        with pytest.raises(OptionError, match=r"ca_certs=.*pem"):
            style.make(Settings("https://sentry.invalid/", ca_certs=path))


def test_a_folder_in_which_openssl_would_find_nobody_is_an_error_at_set_up(style: Style, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=NOBODY):
        style.make(Settings("https://sentry.invalid/", ca_certs=str(tmp_path)))


@pytest.mark.parametrize("name", ["ca.pem", "9d66eef0", "9d66eef0.r0", "9d66eef0.pem", "9D66EEF0.0", "9d66eef.0"])
def test_openssl_finds_authorities_by_their_hashes_alone(tmp_path: Path, name: str) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / name))
    with pytest.raises(OptionError, match=NOBODY):
        client_context(Settings("https://sentry.invalid/", ca_certs=str(tmp_path)))


def test_a_client_certificate_that_cannot_be_used_is_an_error_at_set_up(style: Style, rubbish: str) -> None:
    with pytest.raises(OptionError, match="cert_file"):
        style.make(Settings("https://sentry.invalid/", cert_file=rubbish))
    with pytest.raises(OptionError, match="needs a cert_file"):
        style.make(Settings("https://sentry.invalid/", key_file=rubbish))


def test_a_key_with_a_password_is_an_error_and_never_a_question_on_the_terminal(
    tmp_path: Path,
) -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    certificate = trustme.CA().issue_cert("client.example")
    key = load_pem_private_key(certificate.private_key_pem.bytes(), password=None)
    locked = tmp_path / "locked.pem"
    encryption = BestAvailableEncryption(b"secret")
    locked.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption) + certificate.cert_chain_pems[0].bytes()
    )
    with pytest.raises(OptionError, match=r"locked\.pem"):
        client_context(Settings("https://sentry.invalid/", cert_file=str(locked)))
