"""The version of this distribution: read by the build, sent as ``sdk.version``."""

__version__ = "0.1.0"

SDK_NAME = "asyncsentry.python"
"""What servers show as the sender: the ``entity.ecosystem`` form of Sentry's SDK interface."""

USER_AGENT = f"{SDK_NAME}/{__version__}"
