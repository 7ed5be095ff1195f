"""Which release of the program this is, when nobody said it.

Files are read, and nothing is run: a ``git`` process in a crashing program, or in one without ``git``, is trouble.
Call it off the event loop: it reads files, and the metadata of installed packages.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from asyncsentry.distributions import Distribution, distributions, text_of

VARIABLES: Final = (
    "SENTRY_RELEASE",
    "HEROKU_SLUG_COMMIT",
    "HEROKU_BUILD_COMMIT",
    "SOURCE_VERSION",
    "SOURCE_COMMIT",
    "CODEBUILD_RESOLVED_SOURCE_VERSION",
    "CIRCLE_SHA1",
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "RENDER_GIT_COMMIT",
    "RAILWAY_GIT_COMMIT_SHA",
    "VERCEL_GIT_COMMIT_SHA",
    "GAE_DEPLOYMENT_ID",
    "K_REVISION",
)
"""Where platforms say what they built or deployed, the surest first."""

PARENTS: Final = 32
"""How many folders above the program's are looked at for a repository."""
LINE_BYTES: Final = 4096
"""As much as is read of a file that holds one line."""
PACKED_BYTES: Final = 8 * 1024 * 1024
"""As much as is read of ``packed-refs``: about a hundred thousand names."""
REDIRECTIONS: Final = 5
"""As many names as one name may lead through."""
DISTRIBUTION: Final = "asyncsentry"


def detect(environ: Mapping[str, str], root: str | Path) -> str | None:
    """From the platform's variables, else the git repository around ``root``, else the program's own package.

    None if none of them tells, or what they hold cannot be read.
    """
    for variable in VARIABLES:
        value = environ.get(variable, "").strip()
        if value:
            return value
    try:
        root = Path(root).resolve()
        return git_commit(root) or package_version(root, _program(), sys.path)
    except Exception:  # whatever lies in these files and folders: no release is no reason to fail
        return None


def git_commit(root: Path) -> str | None:
    """The commit that is checked out in the repository around ``root``."""
    for folder in (root, *root.parents)[:PARENTS]:
        entry = folder / ".git"
        if entry.exists():
            directory = entry if entry.is_dir() else _linked(entry)
            return _resolve(directory, _line(directory / "HEAD"))
    return None


def _linked(entry: Path) -> Path:
    """A worktree's or a submodule's ``.git`` is a file that says where its folder is."""
    return entry.parent / _line(entry).removeprefix("gitdir:").strip()


def _resolve(directory: Path, value: str) -> str | None:
    common = _line(directory / "commondir")  # of a worktree: where the branches are
    shared = directory / common if common else directory
    for _ in range(REDIRECTIONS):
        if not value.startswith("ref:"):
            return value if _is_commit(value) else None
        name = value.removeprefix("ref:").strip()
        if not name.startswith("refs/") or ".." in name:
            return None
        value = _line(directory / name) or _line(shared / name) or _packed(shared / "packed-refs", name)
    return None


def _packed(path: Path, name: str) -> str:
    for line in text_of(path, PACKED_BYTES).splitlines():
        commit, _, packed = line.partition(" ")
        if packed.strip() == name:
            return commit
    return ""


def _is_commit(value: str) -> bool:
    return len(value) in (40, 64) and all(digit in "0123456789abcdef" for digit in value)


def _line(path: Path) -> str:
    return text_of(path, LINE_BYTES).strip()


def package_version(root: Path, program: str, path: Iterable[str]) -> str | None:
    """``name@version`` of the installed package that is surely the program's.

    That is one installed from ``root``, or the one whose command or module was started, if it requires this SDK (so a
    server that runs other people's programs is not mistaken for one).
    """
    for distribution in distributions(path):
        if _is_from(distribution, root) or (_starts(distribution, program) and _requires_us(distribution)):
            name, version = distribution.name, distribution.version
            if name and version:
                return f"{name}@{version}"
    return None


def _is_from(distribution: Distribution, root: Path) -> bool:
    return distribution.url.rstrip("/") == root.as_uri()


def _starts(distribution: Distribution, program: str) -> bool:
    return program in distribution.commands or program == _plain(distribution.name)


def _requires_us(distribution: Distribution) -> bool:
    names = (re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in distribution.requirements)
    return any(_plain(name) == DISTRIBUTION for name in names)


def _plain(name: str) -> str:
    """A distribution's name as a module has it."""
    return name.lower().replace("-", "_").replace(".", "_")


def _program() -> str:
    """The command that was typed, or the package after ``python -m``."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name.partition(".")[0])
    return Path(getattr(main, "__file__", None) or "").stem
