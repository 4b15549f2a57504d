"""Atomic writes: whole or not at all, with the previous file kept."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from blampert_env.atomic import atomic_path, atomic_write_bytes, atomic_write_text
from blampert_env.errors import StorageError


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """Let the kernel refuse to grow any file over ``limit`` bytes, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("data", [b"", b"\x00\xff", b"x" * 300_000], ids=["empty", "binary", "large"])
def test_writes_new_and_replaces_old(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file.bin"
    for content in (data, b"second", data):
        atomic_write_bytes(path, content)
        assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["file.bin"]


def test_text_keeps_newlines_and_unicode(tmp_path: Path) -> None:
    atomic_write_text(tmp_path / "t", "a\r\nb\nä→\u2028")
    assert (tmp_path / "t").read_bytes() == "a\r\nb\nä→\u2028".encode()


def test_full_disk_keeps_the_previous_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.zip"
    atomic_write_bytes(path, b"old")
    with file_size_limit(4_096), pytest.raises(StorageError) as caught:
        atomic_write_bytes(path, b"n" * 10_000)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["policy.zip"]
    assert str(path) in str(caught.value)
    assert "File too large" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("where", ["missing/file", "folder"])
def test_impossible_places_are_one_line(tmp_path: Path, where: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match=r"^cannot write .*(No such file|Is a directory).*$"):
        atomic_write_bytes(tmp_path / where, b"x")
    assert os.listdir(tmp_path) == ["folder"]


def test_an_error_in_the_body_passes_through(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic_write_text(path, "old")

    def fail_half_way() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert path.read_text(encoding="utf-8") == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_permissions_and_links_survive(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    atomic_write_text(real, "1")
    umask = os.umask(0)
    os.umask(umask)
    assert real.stat().st_mode & 0o777 == 0o666 & ~umask
    real.chmod(0o640)
    link.symlink_to(real)
    atomic_write_text(link, "2")
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "2"
    assert real.stat().st_mode & 0o777 == 0o640


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic_write_bytes(path, b"0" * 50_000)
    stop = threading.Event()

    def write() -> None:
        for number in range(1, 40):
            atomic_write_bytes(path, str(number % 10).encode() * 50_000)
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not stop.is_set():
        content = path.read_bytes()
        assert len(content) == 50_000
        assert len(set(content)) == 1
    writer.join()


def test_a_very_long_name_fits(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    atomic_write_bytes(path, b"x")
    assert path.read_bytes() == b"x"
