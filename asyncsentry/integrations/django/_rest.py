"""Django REST framework, which answers errors where no middleware sees them: by its setting ``EXCEPTION_HANDLER``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

_SETTING = "REST_FRAMEWORK"
_NAME = "EXCEPTION_HANDLER"


class Handler:
    """An exception handler that reports what the project's own answers with a failed status."""

    def __init__(self, config: Any, theirs: Any) -> None:
        self._config = config
        self._theirs = theirs

    def __call__(self, error: Exception, context: Any) -> Any:
        if isinstance(self._theirs, str):  # only now: the project's modules may need each other
            self._theirs = import_string(self._theirs)
        response = self._theirs(error, context)
        if response is not None:
            self._config.errors.answered(error, response.status_code, self._config.clients())
        return response


def watch(config: Any) -> Callable[[], None]:
    """Let the setting name ours, which calls theirs; gives what ends that."""
    given = getattr(settings, _SETTING, {})
    theirs = given.get(_NAME, "rest_framework.views.exception_handler")
    _set({**given, _NAME: Handler(config, theirs)})
    return lambda: _set(given)


def _set(value: Any) -> None:
    setattr(settings, _SETTING, value)
    # It may have read its settings already, and then hears of a new one by this signal.
    setting_changed.send(sender=Handler, setting=_SETTING, value=value, enter=True)
