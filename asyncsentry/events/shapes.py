"""Secrets that are known by their looks, wherever they stand: keys that providers mark as theirs, cards, certificates.

Of what providers give, they publish the form, for scanners of secrets. A form that ordinary values have, too, is looked
at more closely: a card's number has a check digit, and what a ``Basic`` header holds is base64 of ``user:password``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple


class Span(NamedTuple):
    """Where a secret stands in a text, and by which of Relay's rules: https://docs.sentry.io/security-legal-pii/scrubbing/"""

    start: int
    end: int
    rule: str


PASSWORD: Final = "@password:filter"
CARD: Final = "@creditcard:filter"
PRIVATE_KEY: Final = "@pemkey:filter"
BEARER: Final = "@bearer:filter"
IN_URL: Final = "@urlauth:filter"

_MARKED: Final = (
    r"(?<![A-Za-z0-9])(?:"
    r"eyJ[\w-]{8,}(?:\.[\w-]*){0,4}"  # a JSON Web Token: each of its parts is base64 of an object
    r"|A(?:KIA|SIA|GPA|ROA|IDA|NPA|NVA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|xox[a-z]-[\w-]{10,}|xapp-[\w-]{10,}"
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{10,}|sk-[\w-]{20,}"
    r"|AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"
    r"|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{20,}|hf_[A-Za-z]{20,}|do[op]_v1_[0-9a-f]{32,}|shp(?:at|ca|pa|ss)_[0-9a-f]{16,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|SK[0-9a-f]{32}(?![A-Za-z0-9])|sntry[su]_[\w+/=-]{20,}"
    r"|[0-9]{8,10}:AA[\w-]{33}(?![\w-])"
    r")"
)

_FORMS: Final = (
    (PASSWORD, _MARKED),
    (PASSWORD, r"hooks\.slack\.com/services/[\w/]{10,}"),
    (PASSWORD, r"(?<=[?&;]sig=)[A-Za-z0-9%+/=_-]{16,}"),
    (
        PRIVATE_KEY,
        r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?s:.*?)(?:-----END [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    ),
)

_CARD: Final = (
    r"(?<![\w.-])[2-6](?:[0-9]{12,18}"
    r"|[0-9]{3}(?P<four>[ +-])[0-9]{4}(?P=four)[0-9]{4}(?P=four)[0-9]{1,7}"
    r"|[0-9]{3}(?P<six>[ +-])[0-9]{6}(?P=six)[0-9]{4,5})"
    r"(?![\w-])"
)
_SCHEME: Final = r"(?i:(?<![\w-])(bearer|basic|digest|negotiate)[ \t]{1,3})([A-Za-z0-9+/=._~-]{6,})"
_USER_IN_URL: Final = r"(?<=://)[^\s/\\\"'<>?#`]{1,512}@"
_COMMAND: Final = (
    r"(?<![\w-])(?:mysql\w*|mariadb[\w-]*|sshpass|mongo\w*)\s[^\n]{0,200}?(?<=\s)-p\s?([^\s\"'-][^\s\"']*)"
)
_CURL: Final = r"(?<![\w-])(?:curl|wget|http)\s[^\n]{0,200}?(?<=\s)(?:-u|-a|--user)[ =]?([^\s:\"']+:[^\s\"']+)"
_IDENTIFIED: Final = r"(?i:identified\s{1,3}by\s{1,3}(?:password\s{1,3})?)\\{0,3}['\"]([^'\"]+)"
_ENCODED: Final = r"(?<![\w.~!*()%+-])[\w.~!*()-]*[%+][\w.~!*()%+-]*"

HINTS: Final = (
    r"(?<![0-9])[2-6][0-9]{3}[ +-]?[0-9]{4,6}[ +-]?[0-9]{3}|[%+]|eyj|a(?:kia|sia|gpa|roa|ida|npa|nva)"
    r"|gh[pousr]_|github_pat|glpat|xox|xapp|[rs]k_|sk-|whsec"
    r"|aiza|ya29|gocspx|npm_|pypi-|hf_|do[op]_v1|shp|sg\.|sk[0-9a-f]{32}|sntry|:aa|hooks\.|sig=|-----begin"
    r"|://[^\s/]{1,512}@"
    r"|bearer|basic|digest|negotiate|mysql|mariadb|sshpass|mongo|curl|wget|http\s|identified"
)
"""What a text, in small letters, has somewhere if there is a secret in it that this module knows."""


def find(text: str) -> Iterator[Span]:
    """All secrets in ``text`` that are known by their looks; what a URL writes as ``%40`` or ``+`` is read."""
    yield from _find(text)
    if "%" not in text and "+" not in text:
        return
    from urllib.parse import unquote_plus

    for match in re.finditer(_ENCODED, text):
        if any(_find(unquote_plus(match[0]))):
            yield Span(*match.span(), PASSWORD)


def _find(text: str) -> Iterator[Span]:
    for rule, form in _FORMS:
        for match in re.finditer(form, text):
            yield Span(*match.span(), rule)
    for match in re.finditer(_CARD, text):
        if is_card(match[0]):
            yield Span(*match.span(), CARD)
    for match in re.finditer(_SCHEME, text):
        if _is_credential(match[1].lower(), match[2]):
            yield Span(*match.span(2), BEARER)
    for match in re.finditer(_USER_IN_URL, text):
        yield Span(match.start(), match.end() - 1, IN_URL)
    for form in (_COMMAND, _CURL, _IDENTIFIED):
        for match in re.finditer(form, text):
            yield Span(*match.span(1), PASSWORD)


def is_card(text: str) -> bool:
    """Whether this is the number of a payment card: of a length and beginning that is given out, its last digit right.

    https://en.wikipedia.org/wiki/Payment_card_number
    """
    digits = [int(digit) for digit in text if digit.isdigit()]
    return _is_given_out(digits) and _passes_luhn(digits)


def _is_given_out(digits: list[int]) -> bool:
    first, two, four, length = digits[0], digits[0] * 10 + digits[1], _number(digits[:4]), len(digits)
    if first == 4:
        return length in (13, 16, 19)
    if 51 <= two <= 55 or 2221 <= four <= 2720:
        return length == 16
    if two in (34, 37):
        return length == 15
    if two in (30, 36, 38, 39):
        return length == 14
    return length >= 16 and (two in (35, 50, 62, 65) or 56 <= two <= 58 or four == 6011 or 644 <= four // 10 <= 649)


def _number(digits: list[int]) -> int:
    return int("".join(map(str, digits)))


def _passes_luhn(digits: list[int]) -> bool:
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_credential(scheme: str, value: str) -> bool:
    """Whether this is what authenticates, and not a word that happens to stand behind another."""
    if scheme == "basic":
        return _is_user_and_password(value)
    return not value.isalpha() or len(value) >= 20


def _is_user_and_password(value: str) -> bool:
    from base64 import b64decode

    whole = value.rstrip("=")
    whole = whole[: len(whole) // 4 * 4]  # it may have been cut
    try:
        return b":" in b64decode(whole, validate=True)
    except ValueError:
        return False
