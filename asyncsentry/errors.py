"""What can go wrong, and when we say so.

::

    Exception
    ├── SetupError                  while an application sets us up: says what to do
    │   ├── DsnError
    │   ├── OptionError
    │   └── TransportError
    │       ├── UnknownTransportError
    │       └── MissingExtraError
    └── SendError                   from flush(), and only with raise_send_errors=True

Nothing here is ever raised by a capture.
"""

from __future__ import annotations


class SetupError(Exception):
    """A mistake in how the SDK was set up; the text says how to mend it."""


class DsnError(SetupError, ValueError):
    """A DSN that cannot be understood. The text never holds the DSN's secret key."""


class OptionError(SetupError, ValueError):
    """An option that does not exist, or a value that it cannot take."""


class TransportError(SetupError):
    """A transport that cannot be had."""


class UnknownTransportError(TransportError, ValueError):
    """No transport is registered under this name; the text lists those that are."""


class MissingExtraError(TransportError, ImportError):
    """The transport's library is not installed; the text names the ``pip install``."""


class SendError(Exception):
    """Something that was captured could not be delivered (see ``raise_send_errors``)."""
