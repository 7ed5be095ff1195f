"""A Django project in one file that reports its errors: ``SENTRY_DSN=… python django_app.py PORT``."""

from __future__ import annotations

import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, HttpResponse
from django.urls import path

import asyncsentry


def greet(request: HttpRequest, name: str) -> HttpResponse:
    asyncsentry.set_tag("name", name)  # on whatever this request reports, and nothing else
    if name == "nobody":
        raise LookupError("there is nobody to greet")
    return HttpResponse(f"Hello, {name}!\n")


urlpatterns = [path("<name>", greet)]
settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=["asyncsentry.integrations.django"],
    ROOT_URLCONF=__name__,
    SENTRY={"flush_on_sigterm": True},  # Django's own server has no end but that
)
execute_from_command_line([sys.argv[0], "runserver", "--noreload", sys.argv[1]])
