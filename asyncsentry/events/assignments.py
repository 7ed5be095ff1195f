"""Secrets that a text names: ``password=x``, ``"api_key": "x"``, ``Authorization: x``, ``--token x``.

In JSON, a query string or the arguments of a command a name tells as much as one that is a key: whatever stands under
it is hidden. In prose, words such as "key" or "session" stand before many a colon; so after a word that is no more than
such a one, only what looks like a secret is taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from asyncsentry.events.scrubbing import FILTERED, SecretNames
from asyncsentry.events.shapes import PASSWORD, Span

NAME: Final = 40
"""Characters of a name on each side of what makes it one of a secret."""

WORD: Final = 512
"""Characters that are looked at behind a word of prose."""

_BETWEEN: Final = (
    r"(?P<quote>\\{0,3}[\"'])?"
    r"(?P<sign>\s{0,4}(?:=>|:=|==?|:|%3[DdAa])\s{0,4}"  # an assignment, an entry, a header
    r"|,\s{0,4}(?=\\{0,3}b?\\{0,3}[\"'])"  # a pair
    r"|\s{1,3}value\s{0,2}=\s{0,2}"  # an input of a form in HTML
    r"|(?:;[^\r\n]{0,80})?(?:\r?\n|\\r\\n|\\n){2}"  # a part of a form in MIME
    r"|>|\s{1,3})"  # an element, a command's option
)

_VALUE: Final = re.compile(
    r"[bBuUrR]{0,2}(?P<open>\\{0,3}[\"'])(?P<quoted>(?:(?!(?P=open))(?:\\.|[^\\]))*)"
    r"|(?P<scheme>(?i:bearer|basic|digest|token|apikey|negotiate|aws4-hmac-sha256)\s{1,3})?"
    r"(?!\w+\s{1,3}\[Filtered\])(?P<bare>[^\s&;,\"'<>(){}\[\]\\]+)"
    r"|(?P<bracket>[\[{(])",
    re.DOTALL,
)
"""What is assigned: a quoted text, a word behind a scheme of authentication if there is one, or a value in brackets."""

_WORDS: Final = frozenset(
    (
        *("auth", "authentication", "authorization", "bearer", "cookie", "csrf", "identity", "jwt", "key", "saml"),
        *("session", "sid", "sso", "token", "xsrf"),
    )
)
"""Names that are words of any text: what stands behind them is only hidden there if it looks like a secret."""

_INSIDE: Final = re.compile(
    r"author(?!iz)|key(?:board|word|note|stone|pad|hole|frame|less)|monkey|turkey|hockey|donkey|jockey|whiskey"
    r"|(?:in|be|out|re|up|along|ro|sub|dis)sid|tokeniz|sessionmaker|identit(?!y$)|(?:token|key|session|cookie)s"
)
"""Parts of names that are none of secrets, though they hold a term: by chance, or because they count such things."""

_NO_NAMES: Final = ("Error", "Exception", "Warning")
"""How names of errors end: a text follows them."""

_BEFORE_NAMES: Final = ("?", "&", "<")
_ELEMENT: Final = re.compile(r"<")
_END_OF_LINE: Final = re.compile(r"[\r\n\"']|\\[rn]")
_BRACKET: Final = re.compile(r"[\[{(\]})]")

_NOTHING: Final = re.compile(
    r"(?i:none|null|true|false|undefined|nil|nan|\.{3}|\*+|x{3,12})"
    r"|%[\d.]*[a-z]|%\(\w+\)[a-z]|\{[\w.!:]*\}|\$\w*"
)
"""What is no value, or a place for one."""

_LOOKS_SECRET: Final = 6


class Assignments:
    """Finds what stands under the names of secrets."""

    def __init__(self, names: SecretNames) -> None:
        self._names = names
        terms = "|".join(map(re.escape, sorted(names.terms, key=len, reverse=True)))
        name = rf"(?:{terms})[\w.\]-]{{0,{NAME}}}"
        self.hints: Final = re.compile(rf"{name}(?:[\\\"'\s,=:;>]|%3)")
        """What a text in small letters has somewhere if there is such a secret in it."""
        self._form: Final = re.compile(rf"(?P<name>(?i:{terms})[\w.\]-]{{0,{NAME}}}){_BETWEEN}")

    def find(self, text: str, *, written_out: bool = False) -> Iterator[Span]:
        """All of them in ``text``, or those alone that are ``written_out`` in quotation marks."""
        at = 0
        while (match := self._form.search(text, at)) is not None:
            span = self._span(match, text, written_out=written_out)
            at = match.end("name")
            if span is not None:
                yield span
                at = at if _may_be_name(text[span.start : span.end]) else max(at, span.end)

    def _span(self, match: re.Match[str], text: str, *, written_out: bool) -> Span | None:
        start = _start_of_name(match, text)
        name = text[start : match.end("name")]
        if name not in self._names or name.endswith(_NO_NAMES):
            return None
        is_prose = _is_prose(match, text, start, name)
        value = _VALUE.match(text, match.end(), match.end() + WORD if is_prose else len(text))
        if value is None or not _is_assigned(match, value, text, start):
            return None
        if written_out and value["quoted"] is None:
            return None
        begin, end = _place_of(match, value, text, name)
        shown = text[begin:end]
        if not shown or shown.startswith((FILTERED, "//")) or _NOTHING.fullmatch(shown):
            return None
        if is_prose and not value["scheme"] and not _looks_secret(shown) and not _are_cookies(name, shown):
            return None
        return Span(begin, end, PASSWORD)


def _may_be_name(value: str) -> bool:
    """Whether this is rather the next name: the one before it had no value. Not if it is long, for the time's sake."""
    return len(value) <= NAME and value.endswith((":", "="))


def _start_of_name(match: re.Match[str], text: str) -> int:
    start = match.start()
    while start and match.start() - start < NAME and (text[start - 1].isalnum() or text[start - 1] in "_-.["):
        start -= 1
    return start


def _place_of(match: re.Match[str], value: re.Match[str], text: str, name: str) -> tuple[int, int]:
    """Where in ``text`` the value is."""
    if value["quoted"] is not None:
        return value.span("quoted")
    if value["bracket"]:
        return value.start(), _end_of_brackets(text, value.start())
    sign = match["sign"]
    if sign == ">":
        return _up_to(_ELEMENT, text, value.start())
    if ":" in sign and "cookie" in name.lower():  # a header: there are several
        return _up_to(_END_OF_LINE, text, value.start())
    return value.span("bare")


def _up_to(end: re.Pattern[str], text: str, start: int) -> tuple[int, int]:
    found = end.search(text, start)
    return start, found.start() if found else len(text)


def _end_of_brackets(text: str, start: int) -> int:
    """Behind the bracket that closes the one at ``start``; the end of a text that was cut before that."""
    depth = 0
    for match in _BRACKET.finditer(text, start):
        depth += 1 if match[0] in "[{(" else -1
        if not depth:
            return match.end()
    return len(text)


def _is_assigned(match: re.Match[str], value: re.Match[str], text: str, start: int) -> bool:
    """Whether the sign between the two is one in its place, such as a space behind a command's option."""
    sign = match["sign"]
    if sign == ">":
        return text[start - 1 : start] == "<"
    if sign.isspace() and not sign.strip(" \t"):
        is_option = text[start : start + 1] == "-" and not match["quote"]
        return is_option and not value["bracket"] and not (value["bare"] or "").startswith("-")
    if sign.strip()[:1] in ("=", ":", "%"):
        return True
    return match["quote"] is not None  # a pair, an input, a part


def _is_prose(match: re.Match[str], text: str, start: int, name: str) -> bool:
    """Whether the name may be a word of a sentence, and not the name of what stands behind it."""
    if match["quote"] or text[start : start + 1] == "-" or text[start - 1 : start] in _BEFORE_NAMES:
        return False
    lowered = name.lower().strip("_-.[")
    return lowered in _WORDS or _INSIDE.search(lowered) is not None


def _are_cookies(name: str, value: str) -> bool:
    return "cookie" in name.lower() and "=" in value


def _looks_secret(value: str) -> bool:
    """Letters and digits in one, or a word longer than words are."""
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return len(value) >= _LOOKS_SECRET and (mixed or len(value) >= 24) and not re.search(r"\s", value)
