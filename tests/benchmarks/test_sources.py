"""Pins, and archives that are not what they should be."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import sources
from sources import Pin, SourceError, archives, configure, pins, unpack

LICENCES = {"MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC"}
PIN = Pin("thing", "1.0", "thing-1.0.tar.gz", "", "MIT")


@pytest.mark.parametrize("pin", pins().values(), ids=lambda pin: pin.name)
def test_pin(pin: Pin) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", pin.sha256)
    assert pin.licence in LICENCES
    assert pin.file == f"{pin.name.replace('-', '_')}-{pin.version}.tar.gz"
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+", line) for line in pin.requires)
    assert not [path for path in pin.tests if path.startswith("-")]


def test_there_are_enough() -> None:
    assert len(pins()) >= 12
    assert len({pin.sha256 for pin in pins().values()}) == len(pins())


def packed(path: Path, members: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            file.addfile(info, io.BytesIO(text.encode()))
    return path


def test_a_wrong_sum_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    good = packed(tmp_path / "good-1.0.tar.gz", {"good-1.0/a.py": "a"})
    packed(tmp_path / "thing-1.0.tar.gz", {"thing-1.0/a.py": "b"})
    sum_of_good = hashlib.sha256(good.read_bytes()).hexdigest()
    found = archives(
        [replace(PIN, sha256="0" * 64), replace(PIN, name="good", file=good.name, sha256=sum_of_good)], tmp_path
    )
    assert found["good"] == good
    assert re.match(r"thing-1.0.tar.gz: SHA-256 is .*, pinned is 0000", str(found["thing"]))
    assert not (tmp_path / "thing-1.0.tar.gz").exists()


def test_what_the_index_lacks_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "CONSTRAINT", "CONFIG_FILE"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    packed(tmp_path / "thing-1.0.tar.gz", {"thing-1.0/a.py": "a"})
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    there = hashlib.sha256((tmp_path / PIN.file).read_bytes()).hexdigest()
    folder = tmp_path / "cache"
    found = archives([replace(PIN, sha256=there), replace(PIN, name="absent", file="absent-1.0.tar.gz")], folder)
    assert found["thing"] == folder / PIN.file
    assert str(found["absent"]) == "absent==1.0: no source package in the index that pip uses"


@pytest.mark.parametrize("members", [{"../out.py": "a"}, {"a/x.py": "a", "b/x.py": "b"}, {"x.py": "a"}])
def test_odd_archives_are_refused(tmp_path: Path, members: dict[str, str]) -> None:
    (tmp_path / "to").mkdir()
    with pytest.raises(SourceError, match=r"odd\.tar\.gz: "):
        unpack(packed(tmp_path / "odd.tar.gz", members), tmp_path / "to")
    assert not (tmp_path / "out.py").exists()


def test_no_archive_at_all(tmp_path: Path) -> None:
    (tmp_path / "odd.tar.gz").write_text("a page of a proxy")
    with pytest.raises(SourceError, match=r"odd\.tar\.gz: "):
        unpack(tmp_path / "odd.tar.gz", tmp_path)


@pytest.mark.parametrize("before", [None, "[project]\nname = 'a'\n", "[tool.pytest.ini_options]\ntestpaths = ['t']\n"])
def test_the_command_line_becomes_configuration(tmp_path: Path, before: str | None) -> None:
    if before:
        (tmp_path / "pyproject.toml").write_text(before)
    configure(tmp_path, replace(PIN, tests=("pkg", "t"), addopts=("--doctest-modules",)))
    found = tomllib.loads((tmp_path / "pyproject.toml").read_text())
    assert found["tool"]["blampert"] == {"tests": ["pkg", "t"]}
    assert found["tool"]["pytest"]["ini_options"]["addopts"] == ["--doctest-modules"]
    assert tomllib.loads(before or "").get("project") == found.get("project")


def test_what_says_nothing_is_left_alone(tmp_path: Path) -> None:
    configure(tmp_path, PIN)
    assert list(tmp_path.iterdir()) == []


def test_an_environment_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLAMPERT_CACHE", str(tmp_path))
    with pytest.raises(SourceError, match="no environment with no-such-thing==1"):
        sources.interpreter(["no-such-thing==1"], python="/bin/false")
