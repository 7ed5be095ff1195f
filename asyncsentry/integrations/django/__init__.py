"""Django: ``INSTALLED_APPS = ["asyncsentry.integrations.django", …]`` and ``SENTRY = {"dsn": "…"}`` in its settings.

What nobody handles in views, middleware and streamed answers is reported, under WSGI and ASGI, and so is what ends a
management command. Queries leave breadcrumbs. The rest is in the modules beside this one; those with an underscore are
our own.
"""

from __future__ import annotations

from asyncsentry.integrations.django.middleware import SentryMiddleware, SentryNotFoundMiddleware

__all__ = ["SentryMiddleware", "SentryNotFoundMiddleware"]
