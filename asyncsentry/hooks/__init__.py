"""Where uncaught errors and log records come from.

Every hook is ``install(client) -> uninstall``. It chains what was there before and calls it whatever happens, is
installed once at most, and belongs to the client that installed it last. Taking it off leaves no trace; where somebody
has wrapped it since, it stays in their chain and does nothing. A hook never raises and never alters an error.
"""

from __future__ import annotations

import logging as levels
from typing import TYPE_CHECKING, Any

from asyncsentry.hooks import asyncio_tasks, interpreter, logging
from asyncsentry.hooks.place import Uninstall

if TYPE_CHECKING:
    from asyncsentry.client import Client

__all__ = ["Uninstall", "install"]


def install(client: Client[Any]) -> Uninstall:
    """Install the hooks that the client's options ask for; what it returns takes them off again."""
    options = client.options
    installed: list[Uninstall] = []
    if options.install_sys_hook:
        installed.append(interpreter.install_sys_hook(client))
    if options.install_threading_hook:
        installed.append(interpreter.install_threading_hook(client))
    if options.install_unraisable_hook:
        installed.append(interpreter.install_unraisable_hook(client))
    if options.install_asyncio_hook:
        installed.append(asyncio_tasks.install(client))
    if options.install_logging_hook:
        breadcrumb_level = levels.INFO if options.enable_breadcrumbs and options.max_breadcrumbs else None
        installed.append(logging.install(client, breadcrumb_level=breadcrumb_level))
    if options.flush_on_sigterm:
        from asyncsentry.hooks import sigterm

        installed.append(sigterm.install(client))

    def uninstall() -> None:
        while installed:
            installed.pop()()

    return uninstall
