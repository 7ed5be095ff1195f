"""The version of this distribution: read by the build, sent as ``sdk.version``."""

from __future__ import annotations

__version__ = "0.1.0"

SDK_NAME = "asyncsentry.python"
"""What servers show as the sender: the ``entity.ecosystem`` form of Sentry's SDK interface."""

SDK = {"name": SDK_NAME, "version": __version__, "packages": [{"name": "pypi:asyncsentry", "version": __version__}]}
"""Who sends: Sentry's SDK interface, in every event and envelope."""

USER_AGENT = f"{SDK_NAME}/{__version__}"
