"""The bounds of one client's events, as a value: how much of the program they may show."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from asyncsentry.events.collection import QUIET, DataCollection

if TYPE_CHECKING:
    from asyncsentry.events.addresses import Network

from asyncsentry.events.scrubbing import USUAL, SecretNames

MESSAGE_LIMIT: Final = 8192
"""Characters of a message or an exception's value that a server keeps."""

_INSTALLED: Final = ("/site-packages/", "/dist-packages/")
_STANDARD_LIBRARY: Final = os.path.dirname(os.__file__).replace(os.sep, "/") + "/"


class InApp(NamedTuple):
    """Tells the application's own frames from those of what it uses.

    ``include`` and ``exclude`` hold names of modules; each speaks for the modules beneath it, too, and ``include``
    wins. Installed packages and the standard library are never the application, wherever they stand; everything else
    is, or with ``only_below_root`` what is in the ``project_root``. Files are named from that folder on, if they are in
    it.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    project_root: str | None = None
    only_below_root: bool = False

    def __call__(self, filename: str, module: str | None) -> bool:
        if module is not None and _is_among(module, self.include):
            return True
        if module is not None and _is_among(module, (*self.exclude, "asyncsentry", "asyncsentry_transports")):
            return False
        path = filename.replace(os.sep, "/")
        if self.only_below_root and not path.startswith(self.root):
            return False
        return not path.startswith(("<frozen ", _STANDARD_LIBRARY)) and not any(part in path for part in _INSTALLED)

    @property
    def root(self) -> str:
        """The project's folder with forward slashes and one at its end; empty without a project."""
        return "" if self.project_root is None else self.project_root.replace(os.sep, "/").rstrip("/") + "/"


NOT_INSTALLED: Final = InApp()
"""What no option says anything of: all is the application's that is neither installed nor Python's own."""


def _is_among(module: str, names: Iterable[str]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in names)


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """How much an event may show. One client has one of these; it is compared by identity, as a key of caches."""

    max_value_length: int = 1024
    """Characters of one text among local variables, extra data and the like."""
    max_depth: int = 5
    """Containers within containers, the outermost mapping included; deeper ones are only named."""
    max_breadth: int = 10
    """Members shown of one container."""
    max_names: int = 100
    """Variables shown of one frame, or entries of one mapping given to us as such."""
    max_values: int = 4000
    """The budget of one event: one for each value, and one more for every hundred characters of a text."""
    max_stack_frames: int = 100
    """Frames shown of one stack: a fifth its oldest, the others its newest; of many stacks the last show fewer."""
    max_exceptions: int = 50
    """Exceptions shown of a chain or group, counted from the one that was raised."""
    add_full_stack: bool = False
    """Show the callers of the function that caught an exception, too."""
    collection: DataCollection = QUIET
    """What is shown unasked."""
    body_limit: int = 0
    """Bytes: of a request whose body is longer the body is not shown."""
    trusted_proxies: tuple[Network, ...] = ()
    """Where these say for whom they ask, they are believed."""
    in_app: InApp = NOT_INSTALLED
    secret_names: SecretNames = USUAL
