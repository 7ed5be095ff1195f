"""For an error page: ``{% load sentry %}{% last_event_id %}`` is what a user may quote."""

from __future__ import annotations

from django import template

from asyncsentry.integrations.django.middleware import installed

register = template.Library()


@register.simple_tag
def last_event_id() -> str:
    """The id of the event that was captured last in this request; empty without any."""
    found: str | None = installed().clients().last_event_id()
    return found or ""
