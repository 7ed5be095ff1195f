"""What an option is called here that sentry-sdk or raven knew: read only when an unknown option was given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

INSTEAD: Final[Mapping[str, str]] = {
    # sentry-sdk
    "transport_queue_size": "use 'queue_bytes': the queue is bounded in bytes",
    "default_integrations": "use the install_..._hook options: each default hook has one",
    "proxy_headers": "put user and password into the proxy's URL",
    "proxy": "use 'http_proxy' and 'https_proxy'",
    "custom_repr": "give the type a __repr__, or change the event in 'before_send'",
    "socket_options": "hand in a transport of your own: transport=...",
    "with_locals": "use 'include_local_variables'",
    "request_bodies": "use 'max_request_body_size'",
    # raven
    "name": "use 'server_name'",
    "string_max_length": "use 'max_value_length'",
    "auto_log_stacks": "use 'attach_stacktrace'",
    "capture_locals": "use 'include_local_variables'",
    "include_paths": "use 'in_app_include'",
    "exclude_paths": "use 'in_app_exclude'",
    "ignore_exceptions": "use 'ignore_errors'",
    "event_scrubber": "use 'scrub_keys' and 'allow_keys', or 'processors' for what is more than names",
    "sanitize_keys": "use 'scrub_keys'",
    "tags": "call set_tags() after init()",
    "site": "call set_tag('site', ...) after init()",
    "context": "call set_context() or set_extra() after init()",
    "hook_libraries": "nothing is patched that the program does not ask for: leave it out",
    "list_max_length": "use 'max_breadth'",
    "include_versions": "installed packages are always sent: leave it out",
}
"""Refused with the advice: what they asked for is had in another way."""

TRACING: Final = "tracing is not here yet"
PROFILING: Final = "profiling is not here yet"
LOGS: Final = "structured logs are not here yet"
METRICS: Final = "metrics are not here yet"
INTEGRATIONS: Final = "integrations are not here yet"

ABSENT: Final[Mapping[str, str]] = {
    "traces_sample_rate": TRACING,
    "traces_sampler": TRACING,
    "enable_tracing": TRACING,
    "before_send_transaction": TRACING,
    "before_send_span": TRACING,
    "trace_lifecycle": TRACING,
    "trace_propagation_targets": TRACING,
    "trace_ignore_status_codes": TRACING,
    "strict_trace_continuation": TRACING,
    "propagate_traces": TRACING,
    "functions_to_trace": TRACING,
    "ignore_spans": TRACING,
    "stream_gen_ai_spans": TRACING,
    "instrumenter": TRACING,
    "org_id": TRACING,
    "enable_db_query_source": TRACING,
    "db_query_source_threshold_ms": TRACING,
    "enable_http_request_source": TRACING,
    "http_request_source_threshold_ms": TRACING,
    "profiles_sample_rate": PROFILING,
    "profiles_sampler": PROFILING,
    "profiler_mode": PROFILING,
    "profile_lifecycle": PROFILING,
    "profile_session_sample_rate": PROFILING,
    "enable_logs": LOGS,
    "before_send_log": LOGS,
    "enable_metrics": METRICS,
    "before_send_metric": METRICS,
    "integrations": INTEGRATIONS,
    "disabled_integrations": INTEGRATIONS,
    "auto_enabling_integrations": INTEGRATIONS,
    "auto_session_tracking": "sessions are not here yet",
    "spotlight": "Spotlight is not here yet",
    "enable_backpressure_handling": "the queue is bounded and counts what it drops: there is nothing to handle",
    "keep_alive": "connections are kept alive in any case, without probes",
    "repos": "repositories are configured on the server",
    "_experiments": "there are no experiments",
}
"""Refused with the reason, unless the value is falsy: then it asks for nothing, and nothing is what it gets."""


def asks_for_nothing(name: str, value: object) -> bool:
    return name in ABSENT and not value


def refusal(name: str, known: Iterable[str]) -> str:
    """Why there is no such option, and what there is."""
    if name in INSTEAD:
        return f"there is no option {name!r} here: {INSTEAD[name]}"
    if name in ABSENT:
        return f"there is no option {name!r} here: {ABSENT[name]} (only a falsy value is accepted)"
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), n=1)
    hint = f": did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(known))}"
    return f"there is no option {name!r}{hint}"
