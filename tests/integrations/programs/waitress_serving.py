"""waitress, with threads for many requests at once, until the program is told to end."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from typing import Any

from waitress.server import create_server

import asyncsentry
from integrations.programs import shop


def serve(application: Any) -> None:
    options: dict[str, Any] = {"server_name": "127.0.0.1", "threads": 64, "clear_untrusted_proxy_headers": False}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with shop.listen() as door:
        server: Any = create_server(application, sockets=[door], **options)
        with suppress(SystemExit):  # which is its own to take once it runs
            shop.announce(door.getsockname()[1])
            server.run()
        server.close()
    asyncsentry.capture_message("goodbye")
