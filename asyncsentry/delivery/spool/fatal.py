"""What `faulthandler` writes when the interpreter crashes, kept where the next process finds it."""

from __future__ import annotations

import faulthandler
import logging
from typing import BinaryIO

from asyncsentry.delivery.spool.folder import Folder

logger = logging.getLogger("asyncsentry")


class FatalErrors:
    """Has `faulthandler` write to a file in a process's folder, until it ends; unless the application uses it itself.

    A forked child goes on to write there, and this object must outlive it: else its file's descriptor might be another
    file's by then.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._file: BinaryIO | None = None

    def begin(self) -> None:
        if faulthandler.is_enabled():
            logger.warning("report_fatal_errors does nothing, as faulthandler is enabled already: leave that to us")
            return
        try:
            self._file = self._folder.open_fatal()
        except OSError as error:
            logger.warning("fatal errors are not reported, as there is no file for them: %s", error)
            return
        faulthandler.enable(self._file)

    def end(self) -> None:
        """Write no more; what a forked child has written is left to the next process."""
        if self._file is not None:
            faulthandler.disable()
            self._file.close()
            self._file = None
