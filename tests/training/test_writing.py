"""Writing solved files: whole, with a backup, and never over what is not ours."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from blampert_env.errors import StorageError, UsageError
from blampert_env.training.writing import check_clean, write


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def test_what_differs_is_written_and_what_was_there_is_kept(tmp_path: Path) -> None:
    before = {"a.py": "\ufeffa = 1\r\n", "pack/b.py": "b\n", "c.py": "c\n"}
    for path, text in before.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(text.encode())
    after = {**before, "a.py": "\ufeffa = 2\r\n", "pack/b.py": "bb\n"}
    written, backup = write(tmp_path, before, after)
    assert written == ["a.py", "pack/b.py"]
    assert backup is not None
    assert backup.parent == tmp_path / ".blampert"
    for path, text in before.items():
        assert (tmp_path / path).read_bytes() == after[path].encode()
        assert (backup / path).exists() == (path in written)
        if path in written:
            assert (backup / path).read_bytes() == text.encode()


def test_nothing_to_write_makes_nothing(tmp_path: Path) -> None:
    assert write(tmp_path, {"a.py": "a"}, {"a.py": "a"}) == ([], None)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("mine\n")
    (tmp_path / "b.py").write_text("b\n")
    with pytest.raises(StorageError, match=r"a\.py was changed meanwhile: nothing was written"):
        write(tmp_path, {"a.py": "a\n", "b.py": "b\n"}, {"a.py": "new\n", "b.py": "new\n"})
    assert (tmp_path / "a.py").read_text() == "mine\n"
    assert (tmp_path / "b.py").read_text() == "b\n"


def test_a_file_that_is_gone_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot read .*a\.py"):
        write(tmp_path, {"a.py": "a\n"}, {"a.py": "new\n"})


def test_a_tree_with_changes_is_refused(tmp_path: Path) -> None:
    check_clean(tmp_path)  # no repository
    git(tmp_path, "init")
    (tmp_path / "a.py").write_text("a\n")
    check_clean(tmp_path)  # new files are nobody's work that is lost
    git(tmp_path, "add", ".")
    with pytest.raises(UsageError, match=r"a\.py in .* has changes that are not committed: commit, or --force"):
        check_clean(tmp_path)
    git(tmp_path, "commit", "-m", "a")
    check_clean(tmp_path)
    (tmp_path / "a.py").write_text("b\n")
    with pytest.raises(UsageError, match="not committed"):
        check_clean(tmp_path)
