from __future__ import annotations

import gzip
import hashlib
import io
import json
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from blampert_env.errors import UsageError
from blampert_env.telemetry.learning_store import LearningStore, upsert
from blampert_env.training.run_folder import RunFolder
from blampert_env.workspace import transfer
from blampert_env.workspace.transfer import MANIFEST, export_run
from blampert_env.workspace.unpack import import_run

CONFIG = b'{"algo": "thompson"}'


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with a database that a process has open, and things that must not travel."""
    folder = tmp_path / "from" / "logs" / "thompson_1"
    (folder / "best" / "calculator").mkdir(parents=True)
    (folder / "config.json").write_bytes(CONFIG)
    (folder / "best" / "calculator" / "calculator.py").write_text("x = 1\n")
    (folder / ".lock").write_text("")
    (folder / "link").symlink_to("/etc/passwd")
    (tmp_path / "from" / "models").mkdir()
    (tmp_path / "from" / "models" / "thompson_1.zip").write_bytes(b"policy")
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pack(run: Path, goal: Path) -> Path:
    export_run(run, run.parent.parent / "models" / f"{run.name}.zip", goal)
    return goal


def test_round_trip(run: Path, tmp_path: Path) -> None:
    archive = pack(run, tmp_path / "run.tar.gz")
    done = import_run(archive, tmp_path / "to" / "logs", tmp_path / "to" / "models")
    assert files(done.run) == {"config.json": CONFIG, "best/calculator/calculator.py": b"x = 1\n"}
    assert (done.run.name, done.policy and done.policy.read_bytes()) == ("thompson_1", b"policy")
    assert [path.name for path in (tmp_path / "to" / "logs").iterdir()] == ["thompson_1"]


def test_the_same_run_gives_the_same_file(run: Path, tmp_path: Path) -> None:
    assert pack(run, tmp_path / "a").read_bytes() == pack(run, tmp_path / "b").read_bytes()


def test_a_database_in_use_travels_whole_and_knows_its_new_name(run: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(run / "actions.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE steps (run_id TEXT, step INTEGER)")
        db.executemany("INSERT INTO steps VALUES ('thompson_1', ?)", [(i,) for i in range(100)])
        assert (run / "actions.db-wal").stat().st_size > 0, "the rows are not in the main file yet"
        archive = pack(run, tmp_path / "run.tar.gz")
        rows_there = db.execute("SELECT count(*) FROM steps").fetchone()
    done = import_run(archive, tmp_path / "logs", tmp_path / "models", name="again_7")
    with closing(sqlite3.connect(done.run / "actions.db")) as db:
        assert db.execute("SELECT count(*) FROM steps WHERE run_id = 'again_7'").fetchone() == rows_there == (100,)
    assert done.policy == tmp_path / "models" / "again_7.zip"


def test_learning_data_knows_its_new_name(run: Path, tmp_path: Path) -> None:
    with LearningStore(run / "learning.json").batch() as db:
        upsert(db, "runs", {"run_id": "thompson_1"}, {"episodes": 3})
        for name in ("direct", "thompson_1"):
            upsert(db, "strategies", {"run_id": "thompson_1", "strategy": name}, {"steps": 2})
        upsert(db, "examples", {"digest": "a"}, {"run_id": "thompson_0", "source": "thompson_1 ä"})
    done = import_run(pack(run, tmp_path / "run.tar.gz"), tmp_path / "logs", tmp_path / "models", name="again_7")
    there = LearningStore(done.run / "learning.json")
    assert there.read("runs") == [{"run_id": "again_7", "episodes": 3}]
    assert [it["strategy"] for it in there.read("strategies", run_id="again_7")] == ["direct", "thompson_1"]
    assert there.read("examples") == [{"digest": "a", "run_id": "thompson_0", "source": "thompson_1 ä"}]


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "\xff", '{"runs": []}', "[]", '{"runs": {"1": 5}}'])
def test_learning_data_that_is_damaged_is_one_line(text: str, run: Path, tmp_path: Path) -> None:
    (run / "learning.json").write_text(text, encoding="latin-1")
    archive = pack(run, tmp_path / "run.tar.gz")
    assert import_run(archive, tmp_path / "a", tmp_path / "m").run.name == "thompson_1"
    with pytest.raises(UsageError, match=r"learning\.json of the run is damaged"):
        import_run(archive, tmp_path / "b", tmp_path / "m", name="again_7")
    assert list((tmp_path / "b").iterdir()) == []


@pytest.mark.parametrize("moment", ["policy-0001.zip", "scalars"])
def test_a_run_that_is_trained_in_is_packed_as_of_one_moment(
    moment: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(iteration: int) -> None:
        folder = RunFolder(run)
        folder.policy_path(iteration).write_bytes(b"x" * iteration)
        folder.write_state({"iteration": iteration, "policy": folder.policy_path(iteration).name, "projects": {}})

    copy = transfer._stable

    def copy_while_it_trains(path: Path, scratch: Path) -> Path:
        if path.name == moment and (run / "policy-0001.zip").exists():
            save(2)  # just before this file is copied, and after those that come before it were
        return copy(path, scratch)

    (run / "scalars").write_text("between the policy and the state")
    save(1)
    monkeypatch.setattr(transfer, "_stable", copy_while_it_trains)
    done = import_run(pack(run, tmp_path / "run.tar.gz"), tmp_path / "logs", tmp_path / "models")
    assert RunFolder(done.run).read_state() == {"iteration": 2, "policy": "policy-0002.zip", "projects": {}}
    assert [path.name for path in done.run.glob("policy-*")] == ["policy-0002.zip"]


def test_a_name_that_is_taken_is_refused_and_nothing_is_lost(run: Path, tmp_path: Path) -> None:
    archive = pack(run, tmp_path / "run.tar.gz")
    before = files(run.parent.parent)
    with pytest.raises(UsageError, match="is there already: give another --name"):
        import_run(archive, run.parent, run.parent.parent / "models")
    assert files(run.parent.parent) == before


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "/tmp/x", "x" * 101])
def test_a_name_stays_in_its_folder(name: str, run: Path, tmp_path: Path) -> None:
    archive = pack(run, tmp_path / "run.tar.gz")
    hostile = write(tmp_path / "hostile", listed(GOOD, name=name), GOOD)
    with pytest.raises(UsageError):
        import_run(hostile, tmp_path / "to", tmp_path / "models")
    if name:
        with pytest.raises(UsageError, match="--name"):
            import_run(archive, tmp_path / "to", tmp_path / "models", name=name)
    assert not (tmp_path / "to").exists()


def entry(content: bytes) -> dict[str, Any]:
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def write(
    path: Path,
    manifest: Any,
    members: dict[str, bytes],
    change: Callable[[tarfile.TarInfo], None] = lambda info: None,
) -> Path:
    """An archive as an attacker would write it."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in {MANIFEST: json.dumps(manifest).encode(), **members}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            if name != MANIFEST:
                change(info)
            tar.addfile(info, io.BytesIO(content))
    return path


def listed(members: dict[str, bytes], **more: Any) -> dict[str, Any]:
    return {"format": 1, "name": "evil_1", "files": {name: entry(text) for name, text in members.items()}} | more


def as_link(kind: bytes, goal: str) -> Callable[[tarfile.TarInfo], None]:
    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname, info.size = kind, goal, 0

    return change


GOOD = {"run/config.json": CONFIG}
HOSTILE: dict[str, Callable[[Path], Path]] = {
    "traversal": lambda p: write(p, listed({"run/../../out": b"x", **GOOD}), {"run/../../out": b"x", **GOOD}),
    "absolute": lambda p: write(p, listed({"/tmp/out": b"x", **GOOD}), {"/tmp/out": b"x", **GOOD}),
    "beside the run": lambda p: write(p, listed({"other": b"x", **GOOD}), {"other": b"x", **GOOD}),
    "not listed": lambda p: write(p, listed(GOOD), {**GOOD, "run/more": b"x"}),
    "not listed, outside": lambda p: write(p, listed(GOOD), {**GOOD, "../out": b"x"}),
    "twice": lambda p: append(write(p, listed(GOOD), GOOD), "run/config.json", b"{}"),
    "symbolic link": lambda p: write(
        p, listed({"run/config.json": b""}), GOOD, as_link(tarfile.SYMTYPE, "/etc/passwd")
    ),
    "hard link": lambda p: write(p, listed({"run/config.json": b""}), GOOD, as_link(tarfile.LNKTYPE, "/etc/passwd")),
    "device": lambda p: write(p, listed({"run/config.json": b""}), GOOD, as_link(tarfile.CHRTYPE, "")),
    "fifo": lambda p: write(p, listed({"run/config.json": b""}), GOOD, as_link(tarfile.FIFOTYPE, "")),
    "other content": lambda p: write(p, listed({"run/config.json": b'{"algo": "thompsen"}'}), GOOD),
    "bigger than listed": lambda p: write(p, listed(GOOD), {"run/config.json": CONFIG + b" " * 1000}),
    "missing member": lambda p: write(p, listed({**GOOD, "run/state.json": b"{}"}), GOOD),
    "no config": lambda p: write(p, listed({"run/state.json": b"{}"}), {"run/state.json": b"{}"}),
    "newer format": lambda p: write(p, listed(GOOD, format=2), GOOD),
    "no list": lambda p: write(p, listed(GOOD, files=3), GOOD),
    "list of a list": lambda p: write(p, [], GOOD),
    "no archive": lambda p: _bytes(p, b"hello"),
    "no gzip inside": lambda p: _bytes(p, gzip.compress(b"hello")),
    "empty": lambda p: _bytes(p, b""),
}


def append(path: Path, name: str, content: bytes) -> Path:
    """One more member, behind those that are there."""
    data = gzip.decompress(path.read_bytes())
    with tarfile.open(fileobj=(buffer := io.BytesIO(data)), mode="a") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return _bytes(path, gzip.compress(buffer.getvalue()))


def _bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_or_damaged_file_is_one_line_and_leaves_nothing(case: str, tmp_path: Path) -> None:
    archive = HOSTILE[case](tmp_path / "evil.tar.gz")
    with pytest.raises(UsageError) as caught:
        import_run(archive, tmp_path / "to" / "logs", tmp_path / "to" / "models")
    assert str(archive) in str(caught.value)
    assert "\n" not in str(caught.value)
    left = [path for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()]
    assert left == [archive]


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_cut_off_file_is_one_line_and_leaves_nothing(share: float, run: Path, tmp_path: Path) -> None:
    archive = pack(run, tmp_path / "run.tar.gz")
    data = archive.read_bytes()
    archive.write_bytes(data[: int(share * len(data))])
    with pytest.raises(UsageError, match="damaged"):
        import_run(archive, tmp_path / "to", tmp_path / "models")
    assert not list((tmp_path / "to").glob("*")) if (tmp_path / "to").exists() else True


def test_export_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run at"):
        export_run(tmp_path / "none", tmp_path / "x.zip", tmp_path / "run.tar.gz")
    assert list(tmp_path.iterdir()) == []
