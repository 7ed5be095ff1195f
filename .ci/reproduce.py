"""Whether the distributions can be made again: in another folder, at another time, by somebody with other habits.

``python .ci/reproduce.py FOLDER`` builds those of the folder once more, and ends with a message if a byte differs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
NOT_SOURCE = (".git", ".nox", "__pycache__", ".*_cache", ".venv", ".hypothesis")


def main(built: str) -> str | None:
    """What is wrong, if anything."""
    there = digests(Path(built))
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "another place" / "with a longer name"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*NOT_SOURCE))
        age(copy)
        environment = {**os.environ, "PYTHONHASHSEED": "17", "TZ": "Pacific/Kiritimati", "LC_ALL": "C"}
        command = [sys.executable, "-m", "hatchling", "build", "--directory", str(copy / "dist")]
        os.umask(0o077)
        subprocess.run(command, cwd=copy, env=environment, stdout=subprocess.DEVNULL, check=True)
        here = digests(copy / "dist")
    different = sorted({name for name, _ in there.items() ^ here.items()})
    if len(there) != 2:
        return f"there should be a wheel and an sdist, not {', '.join(sorted(there)) or 'nothing'}"
    return f"built again, {' and '.join(different)} is not the same" if different else None


def age(folder: Path) -> None:
    """Let the files be older, and nobody else's business."""
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() or os.access(path, os.X_OK) else 0o600)
        os.utime(path, (1_000_000_000, 1_000_000_000))


def digests(folder: Path) -> dict[str, str]:
    found = [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in found}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
