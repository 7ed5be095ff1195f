"""The folders of processes: made, locked, taken over, left."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from asyncsentry.delivery.spool import names
from asyncsentry.delivery.spool.folder import ASIDE_FILES, Folder, move_aside, prepare
from asyncsentry.delivery.spool.locks import Locks
from asyncsentry.errors import OptionError
from spool.material import DIGEST, a_folder, files


def name(number: int) -> str:
    return names.new_file(1000.0 + number, number, f"{number:032x}")


def everything(_name: str, _size: int) -> bool:
    return True


@pytest.fixture
def gone(tmp_path: Path) -> Path:
    """The folder of a process that is gone, with three files."""
    folder = a_folder(tmp_path)
    for number in range(3):
        folder.write(name(number), b"0123456789")
    folder.close()
    (path,) = tmp_path.iterdir()
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = a_folder(tmp_path)
    yield made
    made.close()


def test_what_is_no_file_is_left_where_it_is(tmp_path: Path, gone: Path, folder: Folder) -> None:
    """A pipe would keep who opens it for ever."""
    os.mkfifo(gone / name(5))
    for other in (name(6), names.FATAL, "x.part", "x"):
        (gone / other).mkdir()
    assert [size for _, size in folder.adopt(everything)] == [10, 10, 10]
    assert sorted(path.name for path in gone.iterdir()) == sorted(
        [name(5), name(6), names.FATAL, names.LOCK, "x", "x.part"]
    )


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_written_read_and_removed(tmp_path: Path, durable: bool) -> None:
    folder = a_folder(tmp_path / "deep" / "down", durable=durable)
    assert not (tmp_path / "deep").exists()
    folder.write(name(1), b"one")
    folder.write(name(2), b"two")
    assert folder.read(name(1)) == b"one"
    folder.remove(name(1))
    folder.remove(name(1))
    assert files(tmp_path / "deep" / "down") == ["02"]
    folder.remove(name(2))
    folder.close()
    folder.close()
    assert list((tmp_path / "deep" / "down").iterdir()) == []


@pytest.fixture(params=[0o000, 0o022, 0o177], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_nobody_else_may_read_it_whatever_the_umask_is(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "down" / "spool"
    prepare(str(root))
    private = a_folder(root)
    private.write(name(1), b"one")
    private.open_fatal().close()
    private.write(name(2), b"no envelope")
    (below,) = root.iterdir()
    move_aside(str(root), str(below / name(2)))
    made = sorted((tmp_path / "deep").rglob("*"))
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "deep", *made)}
    assert modes == {path: 0o700 if path.is_dir() else 0o600 for path in modes}
    assert sum(path.is_file() for path in modes) == 4  # with the lock
    private.close()


def test_folders_that_are_there_stay_as_they_are(tmp_path: Path) -> None:
    root = tmp_path / "there"
    root.mkdir()
    root.chmod(0o755)
    prepare(str(root))
    assert stat.S_IMODE(root.stat().st_mode) == 0o755
    (root / "file").touch()
    with pytest.raises(OptionError, match="no file can be made"):
        prepare(str(root / "file"))


def test_what_others_have_left_is_taken_over_the_oldest_first(tmp_path: Path, gone: Path, folder: Folder) -> None:
    assert list(folder.adopt(everything)) == [(name(number), 10) for number in range(3)]
    assert folder.read(name(2)) == b"0123456789"
    assert not gone.exists()


def test_what_does_not_fit_is_left_to_others(tmp_path: Path, gone: Path, folder: Folder) -> None:
    assert [each for each, _ in folder.adopt(lambda each, _: each < name(1))] == [name(0)]
    assert sorted(os.listdir(gone)) == [name(1), name(2), names.LOCK]
    other = a_folder(tmp_path)
    assert [each for each, _ in other.adopt(everything)] == [name(1), name(2)]
    other.close()


def test_what_the_living_have_is_theirs(tmp_path: Path, folder: Folder) -> None:
    folder.write(name(1), b"one")
    assert list(folder.adopt(everything)) == []
    other = a_folder(tmp_path)
    assert list(other.adopt(everything)) == []
    other.close()
    assert files(tmp_path) == ["01"]


def test_what_is_for_another_destination_is_not_taken_over(tmp_path: Path, gone: Path) -> None:
    other = Folder(str(tmp_path), "0" * 16, durable=False)
    assert list(other.adopt(everything)) == []
    assert len(files(tmp_path)) == 3


def test_what_was_not_written_to_its_end_goes_and_what_is_foreign_is_set_aside(
    tmp_path: Path, gone: Path, folder: Folder
) -> None:
    (gone / (name(5) + names.PART)).write_bytes(b"half")
    (gone / "letter.txt").write_text("dear reader")
    assert len(list(folder.adopt(everything))) == 3
    assert not gone.exists()
    assert (tmp_path / names.ASIDE / "letter.txt").read_text() == "dear reader"


def test_only_so_many_files_are_kept_aside(tmp_path: Path, folder: Folder) -> None:
    for number in range(ASIDE_FILES + 3):
        folder.write(name(number), b"?")
        folder.set_aside(name(number))
    kept = sorted(os.listdir(tmp_path / names.ASIDE))
    assert kept == [name(number) for number in range(3, ASIDE_FILES + 3)]


def test_a_folder_that_somebody_removed_is_made_anew(tmp_path: Path, folder: Folder) -> None:
    root = tmp_path / "below"
    removed = a_folder(root)
    removed.write(name(1), b"one")
    for path in sorted(root.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    root.rmdir()
    removed.write(name(2), b"two")
    assert removed.read(name(2)) == b"two"
    assert files(root) == ["02"]
    removed.close()


def test_a_folder_without_a_lock_is_that_of_nobody(tmp_path: Path, gone: Path, folder: Folder) -> None:
    (gone / names.LOCK).unlink()
    assert len(list(folder.adopt(everything))) == 3
    assert not gone.exists()


def test_an_empty_folder_is_cleared_away(tmp_path: Path, folder: Folder) -> None:
    empty = tmp_path / names.new_folder(DIGEST)
    empty.mkdir()
    assert list(folder.adopt(everything)) == []
    assert not empty.exists()


def test_one_that_cannot_be_taken_over_is_left_alone(tmp_path: Path, gone: Path, folder: Folder) -> None:
    broken = tmp_path / f"{DIGEST}-{'0' * 16}"
    (broken / names.LOCK).mkdir(parents=True)
    assert len(list(folder.adopt(everything))) == 3
    assert broken.exists()


def test_a_folder_that_another_removes_before_it_is_locked_is_made_anew(tmp_path: Path, folder: Folder) -> None:
    removed: list[str] = []

    class Late(Locks):
        def take(self, path: str, *, make: bool = False) -> bool:
            if not removed:
                removed.append(path)
                os.rmdir(os.path.dirname(path))
            return super().take(path, make=make)

    folder._locks = Late()
    folder.write(name(1), b"one")
    assert files(tmp_path) == ["01"]
    assert not Path(removed[0]).parent.exists()


def test_a_folder_in_which_nothing_can_be_locked_is_an_error(tmp_path: Path) -> None:
    """As others do it that take each folder over before it can be locked."""
    folder, thief = a_folder(tmp_path), Locks()

    class Stolen(Locks):
        def take(self, path: str, *, make: bool = False) -> bool:
            assert thief.take(path, make=True)
            return super().take(path, make=make)

    folder._locks = Stolen()
    with pytest.raises(OSError, match="can be locked"):
        folder.write(name(1), b"one")
    thief.forget()


@pytest.mark.parametrize("made_anew", [False, True])
def test_the_lock_of_a_file_that_is_gone_is_none(tmp_path: Path, made_anew: bool) -> None:
    """Its holder removes it at last, while another has opened it already."""
    lock = tmp_path / "lock"
    holder, late = Locks(), Locks()
    assert holder.take(str(lock), make=True)
    assert not late.take(str(lock))
    late._open(str(lock), make=False)
    lock.unlink()
    if made_anew:
        lock.touch()
    holder.release(str(lock))
    holder.release(str(lock))
    assert not late._hold(str(lock))


def test_a_path_that_cannot_be_written_to_is_an_error_at_set_up(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="no file can be made in"):
        prepare(str(tmp_path / "file"))
    with pytest.raises(OptionError, match="no file can be made in"):
        prepare("/proc/asyncsentry")
    prepare(str(tmp_path / "new"))
    assert list((tmp_path / "new").iterdir()) == []
