"""The folder of evaluations holds what it is asked to hold, whatever was done to it meanwhile."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.grading.jail.stages.box import Box

FILES = {"a.py": b"a", "pkg/b.py": b"b", "pkg/deep/c.txt": b"c"}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def spoil(path: Path, content: bytes, seconds: float = 0) -> None:
    """Another content of the same size at the same time."""
    path.write_bytes(content)
    os.utime(path, (seconds, seconds))


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: None,
        lambda folder: spoil(folder / "a.py", b"x"),
        lambda folder: (folder / "a.py").unlink(),
        lambda folder: (folder / "a.py").chmod(0o777),
        lambda folder: (folder / "pkg").chmod(0o700),
        lambda folder: (folder / "pkg/new.py").write_bytes(b"n"),
        lambda folder: (folder / "new/deeper").mkdir(parents=True),
        lambda folder: (folder / "pkg/b.py").rename(folder / "pkg/z.py"),
        lambda folder: (folder / "link").symlink_to("/etc"),
        lambda folder: [(folder / "a.py").unlink(), (folder / "a.py").symlink_to("/etc/passwd")],
        lambda folder: [(folder / "a.py").unlink(), (folder / "a.py").mkdir(), (folder / "a.py/x").write_bytes(b"")],
        lambda folder: os.utime(folder / "pkg", (5, 5)),
        lambda folder: os.setxattr(folder / "pkg", "user.note", b"for the next one"),
    ],
)
def test_what_was_done_is_undone(tmp_path: Path, change: Callable[[Path], object]) -> None:
    folder = tmp_path / "box"
    folder.mkdir()
    box = Box(str(folder), None)
    box.fill(FILES)
    before = {path: path.stat().st_ino for path in folder.rglob("*.txt")}
    change(folder)
    box.fill(FILES)
    assert contents(folder) == FILES
    assert {path: path.stat().st_ino for path in folder.rglob("*.txt")} == before  # what nobody touched stays
    for path in (folder, *folder.rglob("*")):
        assert not path.is_symlink()
        assert not os.listxattr(path)
        if path.is_dir():
            assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_mtime) == (0o755, 0)
    assert {path.name for path in folder.rglob("*") if path.is_dir()} == {"pkg", "deep"}


def test_from_one_project_to_another(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    folder.mkdir()
    box = Box(str(folder), None)
    for files in (FILES, {"a.py": b"other", "pkg": b"a file"}, {}, FILES):
        box.fill(files)
        assert contents(folder) == files


def test_what_was_touched(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    folder.mkdir()
    box = Box(str(folder), None)
    box.fill({"old/test_old.py": b"", "data.json": b"1"})
    box.fill({"data.json": b"1", "tests/test_a.py": b"a", "b.txt": b"b"})
    assert box.touched() == []
    (folder / "new.json").write_bytes(b"")
    (folder / "tests" / "test_a.py").write_bytes(b"a")  # the same content, at another time
    (folder / "b.txt").unlink()
    (folder / "json.py").write_bytes(b"")
    assert box.touched() == ["b.txt", "json.py", "tests/test_a.py"]


def test_a_folder_that_was_moved_and_put_back(tmp_path: Path) -> None:
    folder = tmp_path / "box"
    folder.mkdir()
    box = Box(str(folder), None)
    box.fill(FILES)
    (folder / "pkg/deep/new.txt").write_bytes(b"")
    assert box.touched() == []
    (folder / "pkg/deep").rename(folder / "pkg/away")
    (folder / "pkg/away").rename(folder / "pkg/deep")
    assert box.touched() == ["pkg/deep/c.txt"]
