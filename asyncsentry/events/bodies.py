"""The body of a request: what is understood of it is shown, with its secrets hidden by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from asyncsentry.events import Json
from asyncsentry.events.collection import DataCollection
from asyncsentry.events.freezing import Freezer
from asyncsentry.events.scrubbing import FILTERED

FORM_LIMIT: Final = 1000
"""Fields of a form that are looked at; how many are shown is for the rules to say."""


def hidden_graphql(collection: DataCollection) -> tuple[str, ...]:
    """The names under which a GraphQL request has what is not to be shown."""
    shown = (("query", collection.graphql_document), ("variables", collection.graphql_variables))
    return tuple(name for name, is_shown in shown if not is_shown)


def show_body(body: object, headers: Sequence[tuple[str, str]], freezer: Freezer) -> Json:
    """What is understood is shown with its secrets hidden by name; of anything else that cannot be told."""
    hidden = hidden_graphql(freezer.rules.collection)
    if isinstance(body, Mapping):
        return freezer.freeze_mapping(_without(hidden, body))
    if not isinstance(body, bytes):
        return FILTERED
    content_type = _content_type(headers).partition(";")[0].strip().lower()
    try:
        if content_type == "application/json" or content_type.endswith("+json"):
            from json import loads

            parsed = _without(hidden, loads(body))
            return freezer.freeze_mapping(parsed) if type(parsed) is dict else freezer.freeze(parsed)
        if content_type == "application/x-www-form-urlencoded":
            return _show_form(body.decode(), hidden, freezer)
        if content_type == "multipart/form-data":
            return _show_parts(body, headers, freezer)
    except (ValueError, RecursionError):
        pass
    return FILTERED


def _without(hidden: Sequence[str], parsed: Any) -> Any:
    """A GraphQL request, or several in a list, without the values of the hidden names."""
    if not hidden:
        return parsed
    if type(parsed) is list:
        return [_without(hidden, each) for each in parsed[:FORM_LIMIT] if type(each) is not list]
    if isinstance(parsed, Mapping):
        return {**parsed, **{name: FILTERED for name in hidden if name in parsed}}
    return parsed


def _show_form(text: str, hidden: Sequence[str], freezer: Freezer) -> dict[str, Json]:
    from urllib.parse import parse_qs

    fields = text.split("&", FORM_LIMIT)[:FORM_LIMIT]
    parsed = parse_qs("&".join(fields), keep_blank_values=True)
    known = {name: values if len(values) > 1 else values[0] for name, values in parsed.items()}
    return freezer.freeze_mapping(_without(hidden, known))


def _show_parts(body: bytes, headers: Sequence[tuple[str, str]], freezer: Freezer) -> Json:
    """A form in parts, each with headers of its own; of a file only how long it is. `ValueError` if it is none."""
    from email.parser import BytesParser

    head = f"Content-Type: {_content_type(headers)}\r\n\r\n".encode("latin-1", "replace")
    form = BytesParser().parsebytes(head + body)
    if not form.is_multipart():
        raise ValueError("there is no boundary")
    fields: dict[str, Any] = {}
    for part in islice(form.walk(), 1, FORM_LIMIT + 1):
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            is_file = part.get_filename() is not None
            name = str(part.get_param("name", "", "content-disposition"))
            fields[name] = f"<file of {len(content)} bytes>" if is_file else content.decode("utf-8", "replace")
    return freezer.freeze_mapping(fields)


def _content_type(headers: Sequence[tuple[str, str]]) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")
