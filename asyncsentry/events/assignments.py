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
"""Characters of a value that tell whether it is a secret: if it is, it is hidden to its end."""

_QUOTE: Final = r"\\{0,15}[\"'`]|&(?:quot|apos|#34|#39|#x27);|%2[27]"
"""As it is written in a text that is in a text in one, in HTML, or in a URL."""

_LITERAL: Final = r"(?=[bBuUrRnNeE]{0,2}\\{0,15}[\"'])"

_ANYWHERE: Final = (
    r"(?P<typed>[ \t]{0,4}:[ \t]{0,4}[A-Za-z_][\w.]{0,40}(?:\[[\w., |]{0,40}\])?(?:[ ]\|[ ][\w.]{1,40}){0,4}"
    rf"[ \t]=[ \t]{{1,4}}{_LITERAL})"
    r"|(?P<assigned>\]?(?:\[[^\[\]\s=]{0,40}\]){0,3}\s{0,20}(?:=>|:=|->|<>|!=|={1,3}|:|\uff1a|%3[DdAa])\s{0,20}(?:[|>][+-]?\s{1,20})?)"
    r"|(?P<entry>\s{0,4}(?:\n|\\n)[ -]{0,40}value:[ \t]{1,4})"  # of YAML, under that of a name
    r"|(?P<mistyped>(?:\n|\\n)[ \t]{1,8}[^\n]{0,300}?\binput_value=)"  # pydantic tells what was no good
    rf"|(?P<compared>\s{{1,3}}(?i:like|in)\s{{0,3}}\(?{_LITERAL})"
)
_AFTER_A_QUOTE: Final = (
    rf"(?P<value>\s{{0,4}},\s{{0,20}}(?:{_QUOTE})(?i:value)(?:{_QUOTE})\s{{0,4}}:\s{{0,4}})"
    r"|(?P<input>[^{}]{0,8}?[)\]][^{}]{0,300}?[\"']input\\{0,15}[\"']\s{0,4}:\s{0,4})"
    r"|(?P<pair>,\s{0,4}(?=b?\\{0,15}[\"']))"
    r"|(?P<attribute>[^<>\r\n]{0,200}?\s(?:value|content)\s{0,2}=\s{0,2})"  # an input of a form in HTML
    r"|(?P<part>(?:;[^\r\n]{0,80})?(?:\r?\n|\\r\\n|\\n){2})"  # of a form in MIME
)
_AFTER_A_WORD: Final = (
    r"(?P<element>(?:\s[^<>]{0,300})?>\s{0,40}(?:<!\[CDATA\[)?)"
    rf"|(?P<call>\({_LITERAL})"  # a function of SQL
    r"|(?P<space>\s{1,3})"  # behind a command's option
)
_BETWEEN: Final = rf"(?P<quote>{_QUOTE})?(?:{_ANYWHERE}|(?(quote)(?:{_AFTER_A_QUOTE})|(?:{_AFTER_A_WORD})))"
"""What may stand between a name and its value. Which of them it was is the name of the match's last group."""

_OPENED: Final = rf"[bBuUrRfFnNeE]{{0,2}}(?P<open>\\{{0,15}}(?:\"\"\"|\'\'\')|{_QUOTE})"
_QUOTED: Final = re.compile(_OPENED)
_VALUE: Final = re.compile(
    _OPENED + r"|(?P<scheme>(?i:bearer|basic|token|apikey|negotiate)\s{1,3})?"
    r"(?!\w{1,40}\s{1,3}\[Filtered\])(?P<bare>[^\s&;,\"'<>(){}\[\]\\]+"
    r"(?:(?:[(){}\[\]<\"']{1,8}|\\(?![nrtx\"'\\]))[\w@#$%^*!][^\s&;,\"'<>(){}\[\]\\]*)*)"
    r"|(?P<bracket>[\[{(])"
)
"""What is assigned: a quoted text, a word behind a scheme of authentication if there is one, or a value in brackets."""

_WORDS: Final = frozenset(
    (
        *("auth", "authentication", "authorization", "bearer", "cookie", "csrf", "identity", "jwt", "key", "saml"),
        *("pass", "session", "sid", "sso", "token", "xsrf"),
    )
)
"""Names that are words of any text: what stands behind them is only hidden there if it looks like a secret."""

_INSIDE: Final = re.compile(
    r"author(?!iz)|key(?:board|word|note|stone|pad|hole|frame|less)|monkey|turkey|hockey|donkey|jockey|whiskey"
    r"|(?:in|be|out|re|up|along|ro|sub|dis)sid|tokeniz|sessionmaker|identit(?!y$)|(?:token|key|session|cookie)s"
)
"""Parts of names that are none of secrets, though they hold a term: by chance, or because they count such things."""

_ABOUT: Final = re.compile(
    r"(?:cache|routing|partition|primary|foreign|sort|object|row|range|hash|group|unique|shard|lookup|index)[_-]?keys?$"
    r"|[_-](?:alg|algorithm|at|attempts|backends?|class|count|enabled|error|expir\w{1,6}|field|format|hashers|kind|length"
    r"|lifetime|limit|max|method|min|model|name|path|prefix|required|size|status|timeout|ttl|type|ur[il]|valid|version)$"
    r"|^[_-]*authenticat"
)
"""Names that hold a term and say something about a secret, or are those of other keys than such as open something."""

_NO_NAMES: Final = ("Error", "Exception", "Warning")
"""How names of errors end: a text follows them."""

_BEFORE_NAMES: Final = ("?", "&", "<")
_ELEMENT: Final = re.compile(r"<(?:[^!]|$)|\]\]>")
_END_OF_LINE: Final = re.compile(r"[\r\n]|\\[rn]")
_END_OF_HEADER: Final = re.compile(r"[\r\n\"']|\\[rn]")
_SIGN: Final = re.compile(r"[=:]")
_SPACE: Final = re.compile(r"\s")
_TOKEN: Final = re.compile(rf"{_QUOTE}|[\[{{(\]}})]")
_NAMESPACE: Final = re.compile(r"<\w{1,40}:\Z")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_-]{3,40}")
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")

_NOTHING: Final = re.compile(
    r"(?i:none|null|true|false|yes|no|undefined|nil|nan|\.{3}|\*+|x{3,12})"
    r"|(?i:(?:bearer|basic|token)\s)?(?:%[\d.]*[a-z]|%\(\w+\)[a-z]|\{(?:[A-Za-z_.]*|[0-9])(?:![rsa])?(?::[^{}]*)?\}"
    r"|\$\w*|\$\{\w*\}?)"
)
"""What is no value, or a place for one."""

_SENTENCE: Final = re.compile(
    r"(?i:an?|are|at|cannot|does|enter|field|has|incorrect|invalid|is|missing|may|must|no|not|only|please|required|should"
    r"|th[ei]s?|too|use|wrong|your)\s{1,3}[A-Za-z]"
)
"""What somebody says of a password: that there is none, or how it has to be."""

_LOOKS_SECRET: Final = 6

WORD_LIMIT: Final = 16
"""Characters: a value that is no longer is none of a secret behind a name that is hardly ever one of a secret."""


class Assignments:
    """Finds what stands under the names of secrets."""

    def __init__(self, names: SecretNames) -> None:
        self._names = names
        terms = "|".join(map(re.escape, sorted((*names.terms, "pass"), key=len, reverse=True)))
        # To its end, and no less: what is tried again for each of its letters takes long.
        rest = rf"(?:[\w.\]-]|%5[BbDd]){{0,{NAME}}}(?![\w.\]-])"
        self.hints: Final = re.compile(rf"(?:{terms}){rest}(?:[\\\"'`\s,=:;>&(\[\uff1a\0]|%[23]|\Z)")
        """What a text in small letters has somewhere if it holds such a secret, or is such a name itself."""
        self._form: Final = re.compile(rf"(?P<name>(?i:{terms}){rest}){_BETWEEN}")

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
        if not self._is_secret(match, text, start, name, written_out=written_out):
            return None
        value = _VALUE.match(text, match.end())
        return None if value is None else Span(*_place_of(match, value, text, name), PASSWORD)

    def _is_secret(self, match: re.Match[str], text: str, start: int, name: str, *, written_out: bool) -> bool:
        """Whether a secret stands under the name. Only the value's beginning is looked at, for the time's sake."""
        if written_out:
            name = name.rpartition(".")[2]
        if name not in self._names or name.endswith(_NO_NAMES):
            return False
        is_prose = _is_prose(match, text, start, name, self._names)
        if written_out and not _QUOTED.match(text, match.end()):
            return False
        value = _VALUE.match(text, match.end(), match.end() + WORD)
        if value is None or not _is_assigned(match, value, text, start, name) or (is_prose and value["bracket"]):
            return False
        if not value["open"] and ":" in match[0] and _SENTENCE.match(text, value.start()):
            return False
        shown = text[slice(*_place_of(match, value, text, name))]
        if name.lower() == "key" and (match.lastgroup == "element" or self._is_name(shown)):
            return False  # it says which entry this is, the secret stands under "value"
        if _ABOUT.search(name.lower()) and not (len(shown) >= WORD_LIMIT and shown.isalnum() and _looks_secret(shown)):
            return False
        if not shown or shown.startswith((FILTERED, "//")) or _NOTHING.fullmatch(shown):
            return False
        return not is_prose or bool(value["scheme"]) or _looks_secret(shown) or _is_header(name, shown)

    def _is_name(self, text: str) -> bool:
        return _PLAIN_NAME.fullmatch(text) is not None and text in self._names


def _may_be_name(value: str) -> bool:
    """Whether this is rather the next name: the one before it had no value. Not if it is long, for the time's sake."""
    return len(value) <= NAME and value.endswith((":", "="))


def _start_of_name(match: re.Match[str], text: str) -> int:
    start = match.start()
    while start and match.start() - start < NAME and (text[start - 1].isalnum() or text[start - 1] in "_-.["):
        start -= 1
    return start


def _place_of(match: re.Match[str], value: re.Match[str], text: str, name: str) -> tuple[int, int]:
    """Where in ``text`` the value is, as far as it was looked for."""
    end = value.endpos
    if value["open"]:
        return value.end(), _end_of_quoted(text, value["open"], value.end(), end)
    if value["bracket"]:
        return value.start(), _end_of_brackets(text, value.start(), end)
    if match.lastgroup == "element":
        return _up_to(_ELEMENT, text, value.start(), end)
    if match.lastgroup == "assigned" and not match["quote"]:
        if ":" in match["assigned"] and "cookie" in name.lower():  # there are several
            return _up_to(_END_OF_HEADER, text, value.start(), end)
        if ":" in match["assigned"] and name.lower().endswith("authorization") and not value["scheme"]:
            return _up_to(_END_OF_LINE, text, value.start(), end)
        if _is_variable(match, text, name):
            return _up_to(_SPACE, text, value.start(), end)
        if _is_line(match, text, name):
            start, end = _up_to(_END_OF_LINE, text, value.start(), end)
            if not _SIGN.search(text, start, min(start + WORD, end)):
                return start, max(end, value.end("bare"))
    return value.span("bare")


def _is_variable(match: re.Match[str], text: str, name: str) -> bool:
    """Whether this is a line of those that tell an environment: there any character belongs to the value."""
    start = match.end("name") - len(name)
    begins = start == 0 or text[start - 1] == "\n" or text.endswith("export ", 0, start)
    return begins and match["assigned"] == "=" and _VARIABLE.fullmatch(name) is not None


def _is_line(match: re.Match[str], text: str, name: str) -> bool:
    """Whether this is one of the lines of a file of settings, or a header: there its value has it to itself."""
    first = match.end("name") - len(name)
    earliest = max(0, first - NAME)
    before = text[earliest:first].rstrip(" \t")
    return "\n" in text and (before.endswith("\n") or (not before and not earliest))


def _up_to(last: re.Pattern[str], text: str, start: int, end: int) -> tuple[int, int]:
    found = last.search(text, start, end)
    return start, found.start() if found else end


def _end_of_quoted(text: str, opened: str, at: int, end: int) -> int:
    """Where the quotation ends that begins at ``at``; ``end`` if it does not before.

    In a text that is in a text all quotation marks have backslashes before them, those within it more than twice as
    many; in SQL they are doubled.
    """
    quote = opened.lstrip("\\")
    depth = len(opened) - len(quote)
    while (found := text.find(quote, at, end)) >= 0:
        before = found
        while before > at and text[before - 1] == "\\":
            before -= 1
        slashes = found - before
        at = found + len(quote)
        is_doubled = quote == "'" and not depth and text.startswith("'", at) and text[at + 1 : at + 2].isalnum()
        if is_doubled:
            at += 1
        elif slashes >= depth and (slashes - depth) % (2 * (depth + 1)) == 0:
            return found - depth
    return end


def _end_of_brackets(text: str, start: int, end: int) -> int:
    """Behind the bracket that closes the one at ``start``; ``end`` if none does before."""
    depth, at = 0, start
    while (match := _TOKEN.search(text, at, end)) is not None:
        at = match.end()
        if match[0] not in "[{(]})":
            at = min(_end_of_quoted(text, match[0], at, end) + len(match[0]), end)
            continue
        depth += 1 if match[0] in "[{(" else -1
        if not depth:
            return at
    return end


def _is_assigned(match: re.Match[str], value: re.Match[str], text: str, start: int, name: str) -> bool:
    """Whether what stands between the two is in its place, such as a space behind a command's option."""
    if match.lastgroup == "element":
        return text[start - 1 : start] == "<" or _NAMESPACE.search(text, max(0, start - 42), start) is not None
    if match.lastgroup == "pair":
        before = text[max(0, start - len(match["quote"]) - 2) : start].rstrip("b\"'`\\")
        return (before[-1:] in ("(", "[") or name.startswith("-")) and not _is_key(value, text)
    if match.lastgroup == "call":
        return name.lower().endswith("password")
    if match.lastgroup != "space":
        return True
    if text[start : start + 1] == "-":
        return not value["bracket"] and not (value["bare"] or "").startswith("-")
    return value["open"] is not None and name.lower() == "password"


def _is_key(value: re.Match[str], text: str) -> bool:
    """Whether it is a name itself, of the next entry."""
    most = min(value.end() + WORD, len(text))  # no name is so long
    end = _end_of_quoted(text, value["open"], value.end(), most) + len(value["open"])
    return text[end : end + 2].lstrip().startswith(":")


def _is_prose(match: re.Match[str], text: str, start: int, name: str, names: SecretNames) -> bool:
    """Whether the name may be a word of a sentence, and not the name of what stands behind it."""
    if match["quote"] or text[start : start + 1] == "-" or text[start - 1 : start] in _BEFORE_NAMES:
        return False
    lowered = name.lower().strip("_-.[")
    if "==" in (match["assigned"] or ""):
        lowered = lowered.rpartition(".")[2]
    if lowered in _WORDS or _INSIDE.search(lowered):
        return True
    thing, _, part = lowered.partition(".")  # what a thing has that is called by such a word: ``auth.service``
    return thing in _WORDS and part.isalpha() and part not in names


def _is_header(name: str, value: str) -> bool:
    """Whether this is what such a header says, and not a sentence."""
    lowered = name.lower()
    if lowered.endswith("authorization"):
        return " " in value and any(map(_looks_secret, value.split()))
    return "cookie" in lowered and "=" in value


def _looks_secret(value: str) -> bool:
    """Letters and digits in one, or a word longer than words are."""
    mixed = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return len(value) >= _LOOKS_SECRET and (mixed or len(value) >= 24) and not re.search(r"\s", value)
