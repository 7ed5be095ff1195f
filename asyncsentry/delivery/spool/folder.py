"""The folder of one process, and how it takes over those of processes that are gone."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO, Final

from asyncsentry.delivery.spool import names
from asyncsentry.delivery.spool.locks import Locks
from asyncsentry.errors import OptionError

PRIVATE: Final = 0o700
"""The mode of folders: what is captured is nobody else's to read."""

ASIDE_FILES: Final = 100
"""How many files are kept aside; the oldest go."""

MOST_TEXT: Final = 256 * 1024
"""Bytes that are read of what tells of a crash."""

_ATTEMPTS: Final = 5

logger = logging.getLogger("asyncsentry")

Fits = Callable[[str, int], bool]
"""Whether a file of this name and size is to be taken over."""


def prepare(root: str) -> None:
    """Make the folder of it all, and try it. Raises `OptionError` if no file can be made there."""
    probe = os.path.join(root, f"probe-{os.urandom(8).hex()}")
    try:
        make_folder(root)
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.remove(probe)
    except OSError as error:
        raise OptionError(f"spool: no file can be made in {root!r}: {error.strerror}") from error


def make_folder(path: str) -> None:
    """Make a folder that is nobody else's, and those above it that are not there yet, whatever the umask is.

    In one above that others may write to they could put another in its place. One that is there stays as it is.
    """
    above = os.path.dirname(path)
    if above and not os.path.isdir(above):
        make_folder(above)
    try:
        os.mkdir(path, PRIVATE)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
    else:
        os.chmod(path, PRIVATE)  # a umask may have taken the owner's own rights, too


class Folder:
    """Below ``root``, from the first file on. Methods raise `OSError`.

    One thread at a time. ``durable``: what was written outlives a power cut, too.
    """

    def __init__(self, root: str, digest: str, *, durable: bool) -> None:
        self._root = root
        self._digest = digest
        self._durable = durable
        self._path: str | None = None
        self._locks = Locks()
        self.crashes: deque[str] = deque()
        """The files that tell of crashes, taken over from processes that are gone."""

    def open_fatal(self) -> BinaryIO:
        """The file that is to tell of a crash of this process."""
        path = os.path.join(self._open(), names.FATAL)
        return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb", buffering=0)

    def write(self, name: str, data: bytes) -> None:
        """Make a file: all of it, or none. If somebody has removed the folder, in a new one."""
        try:
            self._write(self._open(), name, data)
        except FileNotFoundError:
            self._leave()
            self._write(self._open(), name, data)

    def read(self, name: str) -> bytes:
        with open(self._at(name), "rb") as file:
            return file.read()

    def read_crash(self, name: str) -> tuple[str, float]:
        """What a file tells of a crash, and when it was written, in seconds since the epoch."""
        with open(self._at(name), "rb") as file:
            return file.read(MOST_TEXT).decode("utf-8", "replace"), os.fstat(file.fileno()).st_mtime

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(FileNotFoundError):
            os.remove(self._at(name))

    def adopt(self, fits: Fits) -> Iterator[tuple[str, int]]:
        """Take over what those have left that are gone, of each the oldest first; gives names and sizes in bytes."""
        for folder in subfolders(self._root, self._digest):
            lock = os.path.join(folder, names.LOCK)
            try:
                if folder != self._path and self._take(lock):
                    yield from self._empty(folder, fits)
                    remove_empty(folder)
            except OSError:
                logger.debug("nothing can be taken over from %s", folder, exc_info=True)
            finally:
                if folder != self._path:
                    self._locks.release(lock)

    def set_aside(self, name: str) -> str:
        """Move away what is no envelope; gives where to."""
        return move_aside(self._root, self._at(name))

    def close(self) -> None:
        """Leave the folder to the next process; if nothing is in it, remove it."""
        if self._path is not None:
            remove_empty(self._path)
            self._leave()

    def forget(self) -> None:
        """This is a forked child: the folder is its parent's."""
        self._locks.forget()
        self._path = None

    def _at(self, name: str) -> str:
        return os.path.join(self._path or self._root, name)

    def _open(self) -> str:
        """The folder, made if it is not there yet. Another process may take it over before it is locked."""
        for _ in range(_ATTEMPTS):
            if self._path is not None:
                break
            path = os.path.join(self._root, names.new_folder(self._digest))
            make_folder(self._root)
            make_folder(path)
            if self._take(os.path.join(path, names.LOCK)):
                self._path = path
        if self._path is None:
            raise OSError(f"no file can be locked in {self._root}")
        return self._path

    def _take(self, lock: str) -> bool:
        try:
            return self._locks.take(lock, make=True)
        except FileNotFoundError:  # somebody else has just removed it
            return False

    def _leave(self) -> None:
        self._locks.release(os.path.join(self._path or "", names.LOCK))
        self._path = None

    def _write(self, folder: str, name: str, data: bytes) -> None:
        part = os.path.join(folder, name + names.PART)
        try:
            with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(data)
                if self._durable:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(part, os.path.join(folder, name))
        except BaseException:
            with suppress(OSError):
                os.remove(part)
            raise
        if self._durable:
            _sync(folder)

    def _empty(self, folder: str, fits: Fits) -> Iterator[tuple[str, int]]:
        for name in names_in(folder):
            path = os.path.join(folder, name)
            if not os.path.isfile(path):
                continue  # nobody knows whose it is; to open a pipe would last for ever
            if names.is_file(name):
                size = os.path.getsize(path)
                if not fits(name, size):
                    return
                os.replace(path, os.path.join(self._open(), name))
                yield name, size
            elif name == names.FATAL and os.path.getsize(path):
                self._keep_crash(path, os.path.basename(folder) + names.CRASH)
            elif names.is_crash(name):
                self._keep_crash(path, name)
            elif name == names.FATAL or name.endswith(names.PART):
                os.remove(path)
            elif name != names.LOCK:
                move_aside(self._root, path)

    def _keep_crash(self, path: str, name: str) -> None:
        """Take over the only copy of what tells of a crash, from its process or from one that has not reported it."""
        os.replace(path, os.path.join(self._open(), name))
        self.crashes.append(name)


def move_aside(root: str, path: str) -> str:
    """Move a file to the folder of what is no envelope, or of no use; gives where it is now. Raises `OSError`."""
    aside = os.path.join(root, names.ASIDE)
    make_folder(aside)
    there = os.path.join(aside, os.path.basename(path))
    os.replace(path, there)
    for name in names_in(aside)[:-ASIDE_FILES]:
        os.remove(os.path.join(aside, name))
    return there


def subfolders(root: str, digest: str = "") -> list[str]:
    """The folders of processes, living or gone."""
    return [os.path.join(root, name) for name in names_in(root) if names.is_folder(name, digest)]


def names_in(folder: str) -> list[str]:
    """What is in a folder, by name: of envelopes the oldest first. Nothing if it is not there."""
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def remove_empty(folder: str) -> None:
    """Remove a folder of which we hold the lock, if nothing else is in it, or only a file that tells of no crash.

    While its lock is held, so that nobody holds the lock of a folder that is gone.
    """
    fatal = os.path.join(folder, names.FATAL)
    with suppress(OSError):
        if names_in(folder) == sorted([names.FATAL, names.LOCK]) and not os.path.getsize(fatal):
            os.remove(fatal)
        if names_in(folder) == [names.LOCK]:
            os.remove(os.path.join(folder, names.LOCK))
            os.rmdir(folder)


def _sync(folder: str) -> None:
    """Have the folder itself outlive a power cut, where the system has a way to say so."""
    if os.name != "nt":  # pragma: no branch - the tests run where folders can be opened
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
