"""The option ``data_collection``: its settings, checked, laid over those that ``send_default_pii`` stands for.

https://develop.sentry.dev/sdk/foundations/client/data-collection/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from asyncsentry.errors import OptionError
from asyncsentry.events.collection import ALL, OFF, Behaviour, DataCollection, Mode
from asyncsentry.validation import count, flag, refusal, settings, strings

# Any: a setting may be anything until it was checked.
Check = Callable[[Any, str], Any]

MODES: Final[Mapping[str, Mode]] = {"off": "off", "denylist": "denyList", "allowlist": "allowList"}
"""By how sentry-sdk writes them."""

BODIES: Final = ("incoming_request", "outgoing_request", "incoming_response", "outgoing_response")

MOST_LINES: Final = 50


def collect(asked: Mapping[str, Any], preset: DataCollection, given: Mapping[str, Any]) -> DataCollection:
    """What is collected where this was asked for; ``given`` are all options.

    Raises `OptionError` for what cannot be, and for what another option says the contrary of.
    """
    checked = _SETTINGS(asked, "data_collection")
    _refuse_contradictions(checked, given)
    fields = {name: checked[name] for name in _AS_THEY_ARE if name in checked}
    if "request" in checked.get("http_headers", {}):
        fields["request_headers"] = checked["http_headers"]["request"]
    if "http_bodies" in checked:
        fields["incoming_bodies"] = "incoming_request" in checked["http_bodies"]
    fields |= {f"graphql_{part}": shown for part, shown in checked.get("graphql", {}).items()}
    return preset._replace(**fields)


_AS_THEY_ARE: Final = (
    "user_info",
    "cookies",
    "url_query_params",
    "database_query_data",
    "stack_frame_variables",
    "frame_context_lines",
)


def _refuse_contradictions(checked: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    lines, variables = checked.get("frame_context_lines"), checked.get("stack_frame_variables")
    pairs = (
        ("include_local_variables", "stack_frame_variables", variables and not variables.is_off),
        ("include_source_context", "frame_context_lines", None if lines is None else lines > 0),
    )
    for option, setting, shown in pairs:
        if shown is not None and given.get(option, shown) is not shown:
            raise OptionError(f"{option} and data_collection.{setting} say the contrary of each other: leave one out")
    if given.get("max_request_body_size") == "never" and "incoming_request" in checked.get("http_bodies", ()):
        contrary = "data_collection.http_bodies asks for 'incoming_request'"
        raise OptionError(f"max_request_body_size is 'never', and {contrary}: leave one out")


def _group(**checks: Check) -> Check:
    """Settings by name; one that is None is left out."""

    def check(value: Any, called: str) -> dict[str, Any]:
        checked = {}
        for name, setting in settings(value, called).items():
            if name not in checks:
                raise OptionError(f"{called} has no setting {name[:80]!r}{_hint(name, tuple(checks))}")
            if setting is not None:
                checked[name] = checks[name](setting, f"{called}.{name}")
        return checked

    return check


def _behaviour(value: Any, called: str) -> Behaviour:
    if not isinstance(value, Mapping):
        raise refusal(called, "a mapping such as {'mode': 'denyList', 'terms': ['email']}", value)
    given = _BEHAVIOUR(value, called)
    mode, terms = given.get("mode", "denyList"), given.get("terms", ())
    if mode == "off" and terms:
        raise OptionError(f"{called} is off: leave its terms out, or choose the mode 'denyList' or 'allowList'")
    return Behaviour(mode, terms)


def _mode(value: Any, called: str) -> Mode:
    mode = MODES.get(value.lower()) if isinstance(value, str) else None
    if mode is None:
        raise refusal(called, f"one of {', '.join(MODES.values())}", value)
    return mode


def _terms(value: Any, called: str) -> tuple[str, ...]:
    terms = tuple(term.strip().lower() for term in strings(value, called))
    if not all(terms):
        raise OptionError(f"{called} has an empty term, which every name holds: leave it out")
    return terms


def _variables(value: Any, called: str) -> Behaviour:
    if isinstance(value, bool):
        return ALL if value else OFF
    if not isinstance(value, Mapping):
        raise refusal(called, "True, False or a mapping such as {'mode': 'denyList', 'terms': ['email']}", value)
    return _behaviour(value, called)


def _bodies(value: Any, called: str) -> tuple[str, ...]:
    bodies = strings(value, called)
    for body in bodies:
        if body not in BODIES:
            raise OptionError(f"{called} knows no {body[:80]!r}{_hint(body, BODIES)}")
    return bodies


def _hint(name: str, known: tuple[str, ...]) -> str:
    """What it is called here; other SDKs write the same names without underscores."""
    from difflib import get_close_matches

    plain = {each.replace("_", ""): each for each in known}
    near = get_close_matches(name.replace("_", "").lower(), list(plain), n=1)
    return f": did you mean {plain[near[0]]!r}?" if near else f": there are {', '.join(known)}"


_BEHAVIOUR: Final = _group(mode=_mode, terms=_terms)

_SETTINGS: Final = _group(
    user_info=flag,
    cookies=_behaviour,
    http_headers=_group(request=_behaviour, response=_behaviour),
    http_bodies=_bodies,
    url_query_params=_behaviour,
    graphql=_group(document=flag, variables=flag),
    gen_ai=_group(inputs=flag, outputs=flag),
    database_query_data=flag,
    queues=flag,
    stack_frame_variables=_variables,
    frame_context_lines=count(0, MOST_LINES),
)
"""What there is no data for yet (answers, outgoing requests, models, queues) is checked, and has no effect."""
