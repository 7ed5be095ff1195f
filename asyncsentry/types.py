"""The types of what an application gives us, for type checkers and editors: we never import this at run time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from ssl import SSLContext
from typing import Any, Literal, TypeAlias, TypedDict

# Any: an event is the application's to read and to change in ``before_send``, as in every Sentry SDK.
Event: TypeAlias = dict[str, Any]
"""JSON-able data, as it is sent."""
Hint: TypeAlias = dict[str, Any]
"""What an event was made from: ``exc_info``, ``log_record``, and whatever else its maker tells."""
BeforeSend: TypeAlias = Callable[[Event, Hint], Event | None]
"""The event to send, changed or new, or None to drop it."""
BeforeBreadcrumb: TypeAlias = Callable[[dict[str, Any], Hint], dict[str, Any] | None]
ErrorSampler: TypeAlias = Callable[[BaseException, Hint], float | bool]
"""The rate for this error: 0 drops it, 1 keeps it."""
BodySize: TypeAlias = Literal["never", "small", "medium", "always"]
PathOption: TypeAlias = str | os.PathLike[str]


class Behaviour(TypedDict, total=False):
    """Which values are collected: all but those whose names hold one of the ``terms``, or only these."""

    mode: Literal["off", "denyList", "allowList", "denylist", "allowlist"]
    terms: Iterable[str]


class HttpHeaders(TypedDict, total=False):
    """Headers of requests, and of answers to them."""

    request: Behaviour
    response: Behaviour


class GraphQL(TypedDict, total=False):
    """Parts of a request to GraphQL."""

    document: bool
    variables: bool


class GenAI(TypedDict, total=False):
    """What a model is given, and what it gives."""

    inputs: bool
    outputs: bool


class DataCollection(TypedDict, total=False):
    """What is collected; a setting that is left out is as ``send_default_pii`` has it."""

    user_info: bool
    cookies: Behaviour
    http_headers: HttpHeaders
    http_bodies: Iterable[Literal["incoming_request", "outgoing_request", "incoming_response", "outgoing_response"]]
    url_query_params: Behaviour
    graphql: GraphQL
    gen_ai: GenAI
    database_query_data: bool
    queues: bool
    stack_frame_variables: bool | Behaviour
    frame_context_lines: int


class OptionArguments(TypedDict, total=False):
    """What ``init`` and `Client` take beside ``dsn`` and ``transport``; see `Options`. None is the same as left out."""

    release: str | None
    environment: str | None
    dist: str | None
    server_name: str | None
    debug: bool | None
    sample_rate: float | None
    error_sampler: ErrorSampler | None
    flood_limit: int | None
    ignore_errors: Iterable[type[BaseException] | str] | None
    processors: Iterable[BeforeSend] | None
    before_send: BeforeSend | None
    before_breadcrumb: BeforeBreadcrumb | None
    enable_breadcrumbs: bool | None
    max_breadcrumbs: int | None
    attach_stacktrace: bool | None
    add_full_stack: bool | None
    max_stack_frames: int | None
    include_local_variables: bool | None
    include_source_context: bool | None
    max_value_length: int | None
    max_depth: int | None
    max_breadth: int | None
    max_event_values: int | None
    max_event_bytes: int | None
    max_request_body_size: BodySize | None
    in_app_include: Iterable[str] | None
    in_app_exclude: Iterable[str] | None
    project_root: PathOption | None
    send_default_pii: bool | None
    scrub_keys: Iterable[str] | None
    allow_keys: Iterable[str] | None
    data_collection: DataCollection | None
    trusted_proxies: Iterable[str | IPv4Network | IPv6Network] | None
    send_client_reports: bool | None
    raise_send_errors: bool | None
    queue_bytes: int | None
    spool: PathOption | None
    spool_bytes: int | None
    spool_fsync: bool | None
    report_fatal_errors: bool | None
    max_in_flight: int | None
    compress: int | Literal["gzip", "none", "br", "zstd"] | None
    timeout: float | None
    shutdown_timeout: float | None
    flush_on_sigterm: bool | None
    verify_ssl: bool | None
    ca_certs: PathOption | None
    cert_file: PathOption | None
    key_file: PathOption | None
    ssl_context: SSLContext | None
    http_proxy: str | None
    https_proxy: str | None
    install_sys_hook: bool | None
    install_threading_hook: bool | None
    install_unraisable_hook: bool | None
    install_asyncio_hook: bool | None
    install_logging_hook: bool | None


class MessageData(TypedDict, total=False):
    """What a message may say for its event alone; see the setters of `Scope`."""

    user: Mapping[str, Any]
    extras: Mapping[str, Any]
    contexts: Mapping[str, Mapping[str, Any]]
    tags: Mapping[str, Any]
    fingerprint: Sequence[str]


class ScopeData(MessageData, total=False):
    """What a capture may say for its event alone."""

    level: str
