"""Secrets that are known by their looks, wherever they stand: keys that providers mark as theirs, cards, certificates.

Of what providers give, they publish the form, for scanners of secrets. A form that ordinary values have, too, is looked
at more closely: a card's number has a check digit, and what a ``Basic`` header holds is base64 of ``user:password``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|gl(?:pat|rt|dt|cbt|ptt|ft|soat)-[\w-]{16,}"
    r"|xox[a-z]-[\w-]{10,}|xapp-[\w-]{10,}"
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{10,}|sk-(?=[\w-]{0,100}[0-9])[\w-]{20,}"
    r"|AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"
    r"|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{20,}|hf_[A-Za-z]{20,}|do[op]_v1_[0-9a-f]{32,}|shp(?:at|ca|pa|ss)_[0-9a-f]{16,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|SK[0-9a-f]{32}(?![A-Za-z0-9])|sntry[su]_[\w+/=-]{20,}"
    r"|hv[sbr]\.[\w-]{20,}|dp\.(?:pt|st|ct)\.[\w.]{20,}|lin_api_[A-Za-z0-9]{20,}|pscale_\w{2,8}_[\w.-]{20,}"
    r"|dapi[0-9a-f]{32}|NRAK-[A-Z0-9]{20,}|sq0[a-z]{3}-[\w-]{20,}|xkeysib-[\w-]{20,}|rubygems_[0-9a-f]{32,}"
    r"|dckr_pat_[\w-]{20,}|glsa_\w{20,}|ATATT3x[\w=-]{20,}|sbp_[0-9a-f]{32,}|AGE-SECRET-KEY-1[A-Z0-9]{20,}"
    r"|key-[0-9a-f]{32}(?![A-Za-z0-9])"
    r"|[0-9]{8,10}:AA[\w-]{33}(?![\w-])"
    r")"
)

# Such as begin often in a text may not run over each other's beginnings, or a text of nothing else would take long.
_FORMS: Final = (
    # User and password of a URL.
    (IN_URL, r"(?<=://)(?!git@)[^\s/\\\"'<>?#`]+(?=@)"),
    (  # Drivers of databases also take what ought to be escaped there.
        IN_URL,
        r"(?<![^\s@\\\"<>])(?=[^\s@\\\"<>]+@)[^\s@\\\"<>]*?://(?<!http://)(?<!https://)(?<!ws://)(?<!wss://)"
        r"([^\s:/@\\\"'<>]*:(?![0-9]{1,5}[/?#])[^\s@\\\"<>]+)",
    ),
    (  # Cut before its end.
        IN_URL,
        r"(?<=://)[^\s:/@\\\"'<>]*:(?![0-9]{1,5}(?![0-9]))[^\s/@\\\"'<>]+(?=\.{3}\Z)",
    ),
    (PASSWORD, _MARKED),
    (PASSWORD, r"hooks\.slack\.com/services/[\w/]{10,}"),
    (PASSWORD, r"discord(?:app)?\.com/api/webhooks/[\w/-]{20,}|webhook\.office\.com/webhookb2/[\w/@-]{20,}"),
    (PASSWORD, r"(?<=[?&;]sig=)[A-Za-z0-9%+/=_-]{16,}"),
    (
        PRIVATE_KEY,
        r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
        r"(?s:.*?)(?:-{4,5} ?END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}|\Z)",
    ),
)

_CARD: Final = (
    r"(?<![\w.-])[2-6](?:[0-9]{12,18}"
    r"|[0-9]{3}(?P<four>[ \t\xa0+-])[0-9]{4}(?P=four)[0-9]{4}(?P=four)[0-9]{1,7}"
    r"|[0-9]{3}(?P<six>[ \t\xa0+-])[0-9]{6}(?P=six)[0-9]{4,5})"
    r"(?![\w-])"
)
_SCHEME: Final = r"(?i:(?<![\w-])(bearer|basic|digest|negotiate)[ \t]{1,3})([A-Za-z0-9+/=._~-]{6,})"
_COMMANDS: Final = (
    (r"mysql\w*|mariadb[\w-]*|sshpass|mongo\w*|(?:docker|podman)[\s'\",]{1,4}login(?![^\n]{0,200}\s(?:&&|;)\s)", "-p"),
    (r"(?:redis|valkey)-cli", "-a"),
    (r"ldap[a-z]{3,8}", "-w"),
    (r"openssl", r"(?:-\w{1,10}[\s=])?pass:"),
)
_TOLD: Final = (
    *(
        rf"(?<![\w-])(?:{command})[\s'\",][^\n]{{0,200}}?(?<=[\s'\"]){option}[\s'\",]{{0,4}}([^\s\"'-][^\s\"']*)"
        for command, option in _COMMANDS
    ),
    r"(?<![\w-])(?:curl|wget|http)[\s'\",][^\n]{0,200}?(?<=[\s'\"])(?:-u|-a|--user)[\s'\",=]{0,4}([^\s:\"']+:[^\s\"']+)",
    r"(?<![\w-])smbclient\s[^\n]{0,200}?(?<=\s)-U\s?[\"']?[^\s%\"']+%([^\s\"']+)",
    r"(?i:identified\s{1,3}(?:with\s{1,3}\S{1,40}\s{1,3})?by\s{1,3}(?:password\s{1,3})?)\\{0,3}['\"]([^'\"]+)",
    r"(?i:(?:machine\s{1,8}\S{1,200}|default)\s{1,8}login\s{1,8}\S{1,80}\s{1,8}password\s{1,8})(\S+)",  # .netrc
    r"(?i:[?&;](?:X-(?:Amz|Goog)-)?Signature=)([\w%+/=~-]{16,})",
    r"jdbc:oracle:\w{1,10}:([^\s/@]{1,80}/[^\s@]{1,200})@",
)
"""What a command, or a statement, tells of: the first group is the secret."""

_COMMAND: Final = re.compile(
    r"(?:.{0,200}[\s/\\'])?(?:curl|docker|ldap[a-z]{3,8}|mariadb[\w-]*|mongo\w*|mysql\w*|openssl|podman"
    r"|(?:redis|valkey)-cli|smbclient|sshpass|wget)(?:'\))?"
)
"""Such a command alone, also by its path. ``http`` is none of them here: that word is among the variables of every
request, and each of their events would take longer."""

_SIGNS: Final = (
    *("%", r"\+", ":aa", r"://(?:[^\s\0]{1,512}@|[^\s\0]{513})", r"://[^\s\0/]+\.{3}(?:\0|\Z)"),
    *("a(?:kia|sia|gpa|roa|ida|npa|nva)", "age-secret", "aiza", "atatt3x", "basic", "bearer", "curl"),
    *("dapi", "dckr", "digest", "do[op]_v1", "docker", r"dp\.[psc]t\.", "eyj"),
    *("gh[pousr]_", "github_pat", "gl(?:pat|rt|dt|cbt|ptt|ft|soat|sa)[-_]", "gocspx"),
    *("hf_", "hooks", r"http[\s'\",]", r"hv[sbr]\.", "identified", "jdbc:oracle", "key-[0-9a-f]{32}"),
    *("ldap[a-z]{3}", "lin_api", r"login\s", "mariadb", "mongo", "mysql", "negotiate", "npm_", "nrak"),
    *("openssl", "podman", "private key", "pscale", "pypi-", "redis-cli", "rk_", "rubygems"),
    *("sbp_", r"sg\.", "shp", "sig=", "signature=", "sk-", "sk[0-9a-f]{32}", "sk_", "smbclient", "sntry", "sq0"),
    *("sshpass", "valkey-cli", "webhook", "wget", "whsec", "xapp", "xkeysib", "xox", "ya29"),
)


def _by_first_letter(forms: Iterable[str]) -> str:
    """One form of many. Sorted by what they begin with, they are looked for in a quarter of the time."""
    ends: dict[str, list[str]] = {}
    for form in forms:
        length = 1 + form.startswith("\\")
        ends.setdefault(form[:length], []).append(form[length:])
    return "|".join(f"{begin}(?:{'|'.join(those)})" for begin, those in ends.items())


HINTS: Final = (
    r"[2-6](?<![0-9].)[0-9]{3}[ \t\xa0+-]?[0-9]{4,6}[ \t\xa0+-]?[0-9]{3}",
    _by_first_letter(_SIGNS),
)
"""What a text, in small letters, has somewhere if there is a secret in it that this module knows."""


def find(text: str) -> Iterator[Span]:
    """All secrets in ``text`` that are known by their looks."""
    for rule, form in _FORMS:
        for match in re.finditer(form, text):
            yield Span(*match.span(match.lastindex or 0), rule)
    for match in re.finditer(_CARD, text):
        if is_card(match[0]):
            yield Span(*match.span(), CARD)
    for match in re.finditer(_SCHEME, text):
        if _is_credential(match[1].lower(), match[2]):
            yield Span(*match.span(2), BEARER)
    yield from find_told(text)


def find_told(text: str) -> Iterator[Span]:
    """Those among them that commands, or statements, tell of."""
    for form in _TOLD:
        for match in re.finditer(form, text):
            yield Span(*match.span(1), PASSWORD)


def is_command(text: str) -> bool:
    """Whether a secret may be among what is given to it in the texts that follow."""
    return _COMMAND.fullmatch(text) is not None


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
