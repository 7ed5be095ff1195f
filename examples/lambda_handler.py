"""A handler for AWS Lambda: all is sent before it returns, as the place freezes then.

The transport is chosen by the environment that Lambda gives. ``SENTRY_DSN=… python lambda_handler.py`` plays Lambda.
"""

from __future__ import annotations

from collections.abc import Mapping

import asyncsentry

asyncsentry.init()


@asyncsentry.capture_exceptions
def handler(event: Mapping[str, str], context: object) -> str:
    return f"Hello, {event['name']}!"


if __name__ == "__main__":
    print(handler({"name": "Ada"}, None))
    handler({}, None)
