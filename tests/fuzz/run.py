"""Fuzz all targets, or those that are named, some at a time; say what was reached, and what was found.

``python -m fuzz.run --output FOLDER [--seconds N] [--keep] [TARGET ...]``
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from fuzz.targets import CORPUS, TARGETS, Target

SECONDS: Final = 30
AT_ONCE: Final = 2
LONGEST_STEP: Final = 20
"""Seconds for one input, beyond which it is one that never ends."""

_STATUS: Final = re.compile(r"#(\d+)\s+(INITED|DONE)\s+cov: (\d+)")
_NOISE: Final = ("INFO: ", "[INFO] ", "WARNING: Failed to find function", "#")
_OF_LIBFUZZER: Final = re.compile("[0-9a-f]{40}")
"""The names that it gives to inputs; those with other names are kept whatever they reach."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description="Fuzz all targets.")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--output", type=Path, required=True, help="where new inputs and findings go")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for each target")
    parser.add_argument("--keep", action="store_true", help="keep in tests/fuzz/corpus what reaches more")
    options = parser.parse_args()
    chosen = [each for each in TARGETS if not options.targets or each.name in options.targets]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        fine = all([*pool.map(partial(fuzz, output=options.output, seconds=options.seconds), chosen)])
    if fine and options.keep:
        for target in chosen:
            keep(target, options.output)
    return 0 if fine else 1


def fuzz(target: Target, output: Path, seconds: int) -> bool:
    """Fuzz one target; whether all was well, which is said."""
    inputs, found = output / target.name / "inputs", output / target.name / "found"
    for folder in (inputs, found):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(found.iterdir())
    words = output / target.name / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
    limits = (f"-max_total_time={seconds}", f"-timeout={LONGEST_STEP}", f"-max_len={target.longest}", "-len_control=0")
    done = one(target, *limits, f"-dict={words}", f"-artifact_prefix={found}/", str(inputs), str(CORPUS / target.name))
    reached = {stage: (int(runs), int(edges)) for runs, stage, edges in _STATUS.findall(done.stdout)}
    if done.returncode or "DONE" not in reached or not reached["DONE"][1]:
        print(f"{target.name}: FAILED\n", *_told(done.stdout), sep="\n")
        for path in set(found.iterdir()) - before:
            print(f"It is repeated by: cp {path} {CORPUS / target.name} && pytest tests/fuzz -k {target.name}")
        return False
    runs, edges = reached["DONE"]
    more = edges - reached["INITED"][1]
    print(f"{target.name}: {runs} runs, {edges} edges reached, {more} of them new", flush=True)
    return True


def keep(target: Target, output: Path) -> None:
    """Have the corpus reach what was reached, with as few and as short inputs as will do."""
    corpus = CORPUS / target.name
    with tempfile.TemporaryDirectory() as folder:
        done = one(target, "-merge=1", "-use_counters=0", folder, str(output / target.name / "inputs"), str(corpus))
        done.check_returncode()
        for path in filter(_is_of_libfuzzer, target.corpus):
            path.unlink()
        for path in Path(folder).iterdir():
            shutil.copy(path, corpus)
    print(f"{target.name}: {len(target.corpus)} inputs kept")


def one(target: Target, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a target by itself: libFuzzer ends its process."""
    memory = {"TMPDIR": "/dev/shm"} if os.path.isdir("/dev/shm") else {}  # for targets that write files
    return subprocess.run(
        [sys.executable, "-m", "fuzz.one", target.name, *arguments],
        env={**os.environ, **memory},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="backslashreplace",
    )


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _told(said: str) -> Iterator[str]:
    """What libFuzzer said, without what it says at all times."""
    return (line for line in said.splitlines() if not line.startswith(_NOISE))


def _is_of_libfuzzer(path: Path) -> bool:
    return _OF_LIBFUZZER.fullmatch(path.name) is not None


if __name__ == "__main__":
    sys.exit(main())
