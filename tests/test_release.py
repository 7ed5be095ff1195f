"""What release detection finds: in the environment, in real repositories, and among installed packages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from asyncsentry.release import PARENTS, VARIABLES, detect, package_version

PRINT_RELEASE = "from asyncsentry.release import detect; print(detect({}, '.'))"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    return folder


def commit(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD")


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_platform_says_the_release(variable: str, repository: Path) -> None:
    assert detect({variable: " 1.2 "}, repository) == "1.2"
    assert detect({variable: " "}, repository) == commit(repository)


def test_the_release_that_was_set_beats_the_platforms(tmp_path: Path) -> None:
    assert detect({"CIRCLE_SHA1": "abc", "SENTRY_RELEASE": "mine"}, tmp_path) == "mine"


def test_the_checked_out_commit_is_the_release(repository: Path) -> None:
    assert detect({}, str(repository)) == commit(repository)


def test_the_commit_is_found_from_a_folder_below(repository: Path) -> None:
    below = repository / "src" / "package"
    below.mkdir(parents=True)
    assert detect({}, below) == commit(repository)


def test_a_commit_without_a_branch_is_found(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    assert detect({}, repository) == commit(repository)


def test_a_branch_with_slashes_is_found(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "feature/x")
    git(repository, "commit", "-q", "--allow-empty", "-m", "two")
    assert detect({}, repository) == commit(repository)


def test_packed_branches_are_read(repository: Path) -> None:
    git(repository, "branch", "a-branch-before")
    git(repository, "tag", "-a", "-m", "a peeled tag", "z")
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git" / "refs" / "heads" / "main").exists()
    assert detect({}, repository) == commit(repository)


def test_a_loose_branch_beats_the_packed_one(repository: Path) -> None:
    git(repository, "pack-refs", "--all")
    git(repository, "commit", "-q", "--allow-empty", "-m", "two")
    assert detect({}, repository) == commit(repository)


@pytest.mark.parametrize("packed", [False, True])
def test_a_worktree_has_a_commit_of_its_own(repository: Path, tmp_path: Path, packed: bool) -> None:
    worktree = tmp_path / "worktree"
    git(repository, "worktree", "add", "-q", "-b", "other", str(worktree))
    git(worktree, "commit", "-q", "--allow-empty", "-m", "two")
    if packed:
        git(repository, "pack-refs", "--all")
    assert commit(worktree) != commit(repository)
    assert detect({}, worktree) == commit(worktree)


def test_a_submodule_has_a_commit_of_its_own(repository: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository), "inner")
    git(outer, "commit", "-q", "-m", "one")
    assert detect({}, outer / "inner") == commit(repository)
    assert detect({}, outer) == commit(outer)


def test_a_symbolic_branch_is_followed(repository: Path) -> None:
    git(repository, "symbolic-ref", "refs/heads/alias", "refs/heads/main")
    (repository / ".git" / "HEAD").write_text("ref: refs/heads/alias\n")
    assert detect({}, repository) == commit(repository)


def test_a_repository_without_a_commit_has_no_release(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert detect({}, tmp_path) is None


@pytest.mark.parametrize(
    "files",
    [
        {".git/HEAD": ""},
        {".git/HEAD": "no commit"},
        {".git/HEAD": "g" * 40},
        {".git/HEAD": "ref: ../../secret", "secret": "a" * 40},
        {".git/HEAD": "ref: refs/../../secret", "secret": "a" * 40},
        {".git/HEAD": "ref: refs/heads/\x00"},
        {".git/HEAD": "ref: refs/loop", ".git/refs/loop": "ref: refs/loop"},
        {".git/other": "no HEAD"},
        {".git": "gitdir: nowhere"},
        {".git": "\x00"},
    ],
    ids=str,
)
def test_a_broken_repository_has_no_release(tmp_path: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert detect({}, tmp_path) is None


def test_a_folder_that_is_not_there_has_no_release(tmp_path: Path) -> None:
    assert detect({}, tmp_path / "gone") is None


def test_a_repository_far_above_is_not_looked_for(repository: Path) -> None:
    deep = repository.joinpath(*"d" * PARENTS)
    deep.mkdir(parents=True)
    assert detect({}, deep) is None
    assert detect({}, deep.parent) == commit(repository)


def install(site: Path, name: str, files: Mapping[str, str], *, requires: str = "") -> None:
    """What an installer leaves behind."""
    folder = site / f"{name.replace('-', '_')}-1.2.dist-info"
    folder.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n"
    (folder / "METADATA").write_text(metadata + (f"Requires-Dist: {requires}\n" if requires else ""))
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")


COMMAND = {"entry_points.txt": "[console_scripts]\nserve = my_app:main\n[other]\nthing = my_app:main\n"}


@pytest.mark.parametrize(
    ("requires", "found"),
    [
        ("asyncsentry", "My-App@1.2"),
        ("AsyncSentry[aiohttp] >=1 ; python_version>'3'", "My-App@1.2"),
        ("asyncsentry-extras", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("program", ["serve", "my_app"])
def test_a_program_that_requires_us_is_known_by_its_command_or_module(
    tmp_path: Path, requires: str, found: str | None, program: str
) -> None:
    install(tmp_path / "site", "My-App", COMMAND, requires=requires)
    assert package_version(tmp_path, program, [str(tmp_path / "site")]) == found


def test_the_command_of_another_program_tells_nothing(tmp_path: Path) -> None:
    install(tmp_path / "site", "my-app", COMMAND, requires="asyncsentry")
    assert package_version(tmp_path, "thing", [str(tmp_path / "site")]) is None


@pytest.mark.parametrize("metadata", ["Name: my-app\n", "Version: 1\n", "\ufeffName: my-app\nVersion: 1\n"])
def test_half_of_a_release_is_none_and_hides_no_other(tmp_path: Path, metadata: str) -> None:
    install(tmp_path / "half", "my-app", {**COMMAND, "METADATA": f"{metadata}Requires-Dist: asyncsentry\n"})
    install(tmp_path / "site", "my-app", COMMAND, requires="asyncsentry")
    path = [str(tmp_path / "half"), str(tmp_path / "site")]
    assert package_version(tmp_path, "serve", path[:1]) is None
    assert package_version(tmp_path, "serve", path) == "my-app@1.2"


def test_the_package_that_was_installed_from_the_programs_folder_is_the_program(tmp_path: Path) -> None:
    site, source = tmp_path / "site", tmp_path / "my source"
    install(site, "a-library", {"direct_url.json": '{"url": "https://example.com/a.whl"}'})
    install(site, "my-app", {"direct_url.json": f'{{"url": "{source.as_uri()}/", "dir_info": {{}}}}'})
    assert package_version(source, "uvicorn", [str(site)]) == "my-app@1.2"
    assert package_version(tmp_path, "uvicorn", [str(site)]) is None


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A program's package in a folder, with the script that its command runs."""
    site = tmp_path / "site"
    install(site, "my-app", COMMAND, requires="asyncsentry")
    (site / "my_app").mkdir()
    for path in (site / "my_app" / "__init__.py", site / "my_app" / "__main__.py", site / "serve"):
        path.write_text(PRINT_RELEASE if path.name != "__init__.py" else "")
    return site


@pytest.mark.parametrize(
    ("arguments", "release"),
    [
        (["-m", "my_app"], "my-app@1.2"),
        (["serve"], "my-app@1.2"),
        (["-c", PRINT_RELEASE], "None"),
    ],
    ids=["module", "command", "neither"],
)
def test_a_running_program_is_known(installed: Path, arguments: list[str], release: str) -> None:
    search = os.pathsep.join([str(installed), *filter(None, sys.path)])
    completed = subprocess.run(
        [sys.executable, *arguments],
        cwd=installed,
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        check=True,
    )
    assert completed.stdout.strip() == release
