"""The setting ``SENTRY``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from asyncsentry.errors import SetupError
from asyncsentry.integrations._clients import Clients, choose
from asyncsentry.integrations._statuses import FAILED, Statuses, statuses


@dataclass(frozen=True, slots=True)
class Settings:
    """What it says, checked. What the integration itself does not know is an option of `asyncsentry.init`."""

    clients: Clients
    failed: Statuses
    query_breadcrumbs: bool


def read() -> Settings:
    """The project's own. Raises ``ImproperlyConfigured`` for what cannot work, which says what that is."""
    given: Any = getattr(settings, "SENTRY", {})
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise ImproperlyConfigured('the setting SENTRY must be a dictionary of options, such as {"dsn": "https://…"}')
    options = dict(given)
    queries = options.pop("query_breadcrumbs", True)
    if not isinstance(queries, bool):
        raise ImproperlyConfigured("the setting SENTRY: query_breadcrumbs must be True or False")
    try:
        failed = statuses(options.pop("failed_request_status_codes", FAILED))
        return Settings(choose(**options), failed, queries)
    except SetupError as error:
        raise ImproperlyConfigured(f"the setting SENTRY: {error}") from error
