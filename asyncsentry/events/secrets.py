"""Secrets in texts: found by their names and by their looks, and replaced as Relay replaces them.

https://develop.sentry.dev/sdk/foundations/client/data-collection/ says what is sensitive.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple

from asyncsentry.events import Json, shapes
from asyncsentry.events.assignments import Assignments
from asyncsentry.events.scrubbing import FILTERED, HARMLESS_LIMIT, SecretNames
from asyncsentry.events.seen import SHORTEST
from asyncsentry.events.shapes import IN_URL, PASSWORD, Span

SHORT: Final = 160
"""Characters of a text that is remembered as harmless."""

PLAIN: Final = 12
"""Characters: a text with digits in it that is no longer, and has no signs, is no secret by its looks."""

_BORDER: Final = "\0"
"""Between texts that are searched together."""


_ENCODED: Final = r"(?<![\w.~!*()%+-])[\w.~!*()-]*[%+][\w.~!*()%+-]*"

_NAME: Final = r"(?:b')?-{0,2}[A-Za-z][\w.-]{2,39}'?"
"""A name of an option, a header or a field."""

LAYERS: Final = 3
"""How often a text may have been encoded for a URL, so that it is still read."""


class Hidden(NamedTuple):
    """A text without its secrets."""

    text: str
    meta: dict[str, Json]
    """What the event's ``_meta`` says of it: what was replaced, where, and how many characters it had before."""


class Looked(NamedTuple):
    """What was found in many texts."""

    hidden: dict[str, Hidden]
    """Those that hold a secret, with what is shown instead."""
    naming: set[str]
    """Those that are names of secrets themselves, beside which one may stand."""
    commands: set[str]
    """Those that are commands, among whose arguments one may be."""


@lru_cache(maxsize=8)
def secrets_of(names: SecretNames) -> Secrets:
    """What finds them by these names: it takes a millisecond to make."""
    return Secrets(names)


class Secrets:
    """Finds secrets for one client. Takes only so long as a text is: no text of whatever kind makes it slow."""

    def __init__(self, names: SecretNames) -> None:
        self._known: tuple[set[str], set[str], set[str]] = (set(), set(), set())
        """Short texts that were looked at before, and have none: many of an event's are those of the one before. And
        texts that are names of secrets, and commands. They are replaced together, for another thread may use them."""
        self._names = names
        self._assignments = Assignments(names)

    @property
    def harmless(self) -> set[str]:
        """Short texts that are known to have no secret in them: a bounded number."""
        return self._known[0]

    def hide(self, text: str) -> Hidden | None:
        """The text without its secrets; None if it has none. What was hidden is not hidden again."""
        return self._hide(text, named=True, shaped=True)

    def _hide(self, text: str, *, named: bool, shaped: bool) -> Hidden | None:
        """The same, where there may be one that is ``named``, or one that is known by its looks."""
        spans = [*_joined(sorted(self._find(text, named=named, shaped=shaped)))]
        if "%" in text or "+" in text:
            spans = [*_joined(sorted([*spans, *self._find_encoded(text, spans)]))]
        return _replace(text, spans) if spans else None

    def hide_in(self, texts: set[str]) -> dict[str, Hidden]:
        """Those of many texts that hold a secret, with what is shown instead."""
        return self.look_at(texts).hidden

    def unknown(self, texts: set[str]) -> set[str]:
        """Those of them that are not known to be harmless: they have to be searched."""
        return texts - self._known[0]

    def look_at(self, texts: set[str]) -> Looked:
        """The same, and those of the texts near which there may be one."""
        harmless, naming, commands = self._known
        fresh = texts - harmless
        if len(harmless) + len(fresh) > HARMLESS_LIMIT:
            self._known = harmless, naming, commands = set(), naming & texts, commands & texts
        named, shaped = self._suspects(fresh)
        suspects = named | shaped
        outcomes = ((text, self._hide(text, named=text in named, shaped=text in shaped)) for text in suspects)
        hidden = {text: shown for text, shown in outcomes if shown is not None}
        naming.update([text for text in suspects if text not in hidden and self._is_name(text)])
        short = [text for text in fresh if len(text) <= SHORT and text not in hidden]
        commands.update(filter(shapes.is_command, shaped.intersection(short)))
        harmless.update(short)
        return Looked(hidden, naming & texts, commands & texts)

    def hide_in_code(self, line: str) -> str:
        """A line of a program without its secrets. What stands under a name there is one only if it is written out."""
        spans = [*_joined(sorted([*shapes.find(line), *self._assignments.find(line, written_out=True)]))]
        hidden = _replace(line, spans) if spans else None
        return line if hidden is None else hidden.text

    def _find(self, text: str, *, named: bool = True, shaped: bool = True) -> Iterator[Span]:
        if shaped:
            yield from shapes.find(text)
        if named:
            yield from self._assignments.find(text)

    def _find_encoded(self, text: str, known: Sequence[Span]) -> Iterator[Span]:
        """The words that hold a secret as a URL writes it (``%40``, ``+``) beside those that are ``known``."""
        first = 0
        for match in re.finditer(_ENCODED, text):
            start, end = match.span()
            while first < len(known) and known[first].end <= start:
                first += 1
            if self._is_secret_once_read(_rest(text, start, end, known, first)):
                yield Span(start, end, PASSWORD)

    def _is_secret_once_read(self, word: str) -> bool:
        from urllib.parse import unquote_plus

        for _ in range(LAYERS):
            read = unquote_plus(word)
            if read == word:
                return False
            if any(self._find(read)):
                return True
            word = read
        return False

    def _is_name(self, text: str) -> bool:
        return re.fullmatch(_NAME, text) is not None and text in self._names

    def _suspects(self, texts: Collection[str]) -> tuple[set[str], set[str]]:
        """Those that may name one, or be its name, and those that may have one by its looks.

        They are searched all at once, because most events have none at all.
        """
        searched = [text for text in texts if len(text) > PLAIN or (len(text) >= SHORTEST and _says_something(text))]
        whole = _BORDER.join(searched)
        lowered = whole.lower()
        if len(lowered) != len(whole):  # a few letters are two when they are small
            return set(searched), set(searched)
        ends = [*accumulate(len(text) + 1 for text in searched)]

        def with_any_of(*hints: str | re.Pattern[str]) -> set[str]:
            found = {bisect_right(ends, match.start()) for hint in hints for match in re.finditer(hint, lowered)}
            return {searched[index] for index in found}

        return with_any_of(self._assignments.hints), with_any_of(*shapes.HINTS)


def _says_something(text: str) -> bool:
    """Whether a short text may hold a secret, or be a name."""
    return text.isalpha() or not text.isalnum()


def _rest(text: str, start: int, end: int, known: Sequence[Span], first: int) -> str:
    """A part of the text in which what is known, from the span of number ``first`` on, is hidden."""
    pieces: list[str] = []
    while first < len(known) and known[first].start < end:
        pieces += text[start : known[first].start], FILTERED
        start = known[first].end
        first += 1
    return "".join((*pieces, text[start:end]))


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans that overlap as one."""
    open_span: Span | None = None
    for span in spans:
        if open_span is None:
            open_span = span
        elif span.start < open_span.end:
            open_span = open_span._replace(end=max(open_span.end, span.end))
        else:
            yield open_span
            open_span = span
    if open_span is not None:
        yield open_span


def _replace(text: str, spans: Iterable[Span]) -> Hidden | None:
    """Relay counts a remark's place in bytes of the new text, and a length in characters of the old one."""
    pieces: list[str] = []
    remarks: list[Json] = []
    at = place = 0
    for span in spans:
        instead = f"{FILTERED}:{FILTERED}" if span.rule == IN_URL else FILTERED
        if text.startswith(instead, span.start):
            continue
        before = text[at : span.start]
        place += len(before.encode("utf-8", "replace"))  # as lone surrogates are sent
        pieces += before, instead
        remarks.append([span.rule, "s", place, place + len(instead)])
        place += len(instead)
        at = span.end
    if not remarks:
        return None
    pieces.append(text[at:])
    return Hidden("".join(pieces), {"": {"rem": remarks, "len": len(text)}})
