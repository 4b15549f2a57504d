"""A sample pool as a data set: compressed JSON lines that say which model answered, and hold no prompt.

A prompt can hold a package's source, which is not ours to hand on: of it the SHA-256 stands there, and who has the
package makes the same prompt again. The first line says what the file is; each other one is a sample.
"""

from __future__ import annotations

import gzip
import json
import math
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blampert_env.atomic import atomic_write_bytes
from blampert_env.errors import StorageError, UsageError
from blampert_env.lm.completion import Completion
from blampert_env.lm.store import SampleStore

FORMAT, VERSION = "blampert-samples", 1
_HASH = re.compile(r"[0-9a-f]{64}")
_MAX_LINE = 4_000_000
_REASONS = ("stop", "length")


@dataclass
class Taken:
    """What came of an import.

    Attributes:
        added: Samples that are new.
        present: Samples that were there: what lies in a slot stays.
        models: New samples by model.
        refused: Lines that are no samples, by reason.
    """

    added: int = 0
    present: int = 0
    models: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)


def summary(store: SampleStore) -> dict[str, dict[str, int]]:
    """Model to how many ``requests``, ``samples`` and answer ``tokens`` there are of it; "" for what does not say."""
    found: dict[str, dict[str, int]] = {}
    last = None
    for key, _, sample, _, about in store.all():
        model = str(json.loads(about)["model"]) if about else ""
        row = found.setdefault(model, {"requests": 0, "samples": 0, "tokens": 0})
        row["requests"] += key != last
        row["samples"] += 1
        row["tokens"] += sample.completion_tokens
        last = key
    return dict(sorted(found.items()))


def export_pool(store: SampleStore, path: Path, model: str | None = None) -> tuple[int, int]:
    """Write samples to a file; the same pool gives the same bytes.

    Args:
        store: The pool's.
        path: To write; whole or not at all.
        model: Samples of this model only.

    Returns:
        How many were written, and how many were left out as nothing says which model gave them.

    Raises:
        StorageError: It cannot be written.
        UsageError: There is nothing to write.
    """
    lines, unknown = [], 0
    for key, slot, sample, created, about in store.all():
        if about is None:
            unknown += 1
            continue
        said: dict[str, Any] = json.loads(about)
        if model in (None, said["model"]):
            drawn = {"latency_s": round(sample.latency_s, 3), "created": int(created)}
            answer = {"text": sample.text, "finish_reason": sample.finish_reason}
            counts = {"prompt_tokens": sample.prompt_tokens, "completion_tokens": sample.completion_tokens}
            lines.append({"key": key, "slot": slot, **said, **answer, **counts, **drawn})
    if not lines:
        raise UsageError(f"{store.path} has no sample{f' of {model}' if model else ''} to export")
    head = {"format": FORMAT, "version": VERSION, "samples": len(lines)}
    text = "".join(json.dumps(line, sort_keys=True) + "\n" for line in (head, *lines))
    atomic_write_bytes(path, gzip.compress(text.encode(), mtime=0))
    return len(lines), unknown


def import_pool(store: SampleStore, path: Path) -> Taken:
    """Take samples from a file that :func:`export_pool` wrote; what is wrong in it is counted, and the rest taken.

    Raises:
        UsageError: It is no such file.
        StorageError: It cannot be read, or the pool not be written.
    """
    taken = Taken()
    with store.at_once():
        for line in _lines(path, taken.refused):
            sample = _sample(line)
            if isinstance(sample, str):
                taken.refused[sample] += 1
                continue
            about = {name: line[name] for name in ("model", "identity", "prompt_sha256", "decoding")}
            said = json.dumps(about, sort_keys=True)
            if store.add(line["key"], line["slot"], sample, float(line.get("created", time.time())), said):
                taken.added += 1
                taken.models[line["model"]] += 1
            else:
                taken.present += 1
    return taken


def _lines(path: Path, refused: Counter[str]) -> Iterator[dict[str, Any]]:
    """The lines after the first, as objects."""
    try:
        with gzip.open(path, "rb") as file:
            try:
                head = json.loads(file.readline(_MAX_LINE))
            except ValueError:
                head = None
            if not isinstance(head, dict) or head.get("format") != FORMAT:
                raise UsageError(f"{path} holds no samples: give a file that `blampert pool export` wrote")
            if head.get("version") != VERSION:
                raise UsageError(f"{path} has version {head.get('version')!r} of the format, not {VERSION}: upgrade")
            while raw := file.readline(_MAX_LINE):
                try:
                    line = json.loads(raw)
                except ValueError:
                    line = None
                if isinstance(line, dict):
                    yield line
                else:
                    refused["no JSON object"] += 1
    except (EOFError, gzip.BadGzipFile) as error:
        if isinstance(error, gzip.BadGzipFile) and "Not a gzipped" in str(error):
            raise UsageError(f"{path} holds no samples: give a file that `blampert pool export` wrote") from None
        refused["the file is cut off"] += 1
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror or error}") from error


def _sample(line: Mapping[str, Any]) -> Completion | str:
    """The sample in a line, or what is wrong with it."""
    texts = ("key", "model", "identity", "prompt_sha256", "text", "finish_reason")
    counts = ("slot", "prompt_tokens", "completion_tokens")
    if any(not isinstance(line.get(name), str) for name in texts) or not isinstance(line.get("decoding"), dict):
        return "a field is missing or no text"
    if any(type(line.get(name)) is not int or line[name] < 0 for name in counts):
        return "a count is missing or no whole number"
    if not _HASH.fullmatch(line["key"]) or not _HASH.fullmatch(line["prompt_sha256"]):
        return "a key is no SHA-256"
    if line["finish_reason"] not in _REASONS or not line["identity"]:
        return "no answer of a model"
    for took in (line.get("latency_s"), line.get("created", 0)):
        if not isinstance(took, int | float) or isinstance(took, bool) or not math.isfinite(took) or took < 0:
            return "its time is no number"
    figures = (line["prompt_tokens"], line["completion_tokens"], line["finish_reason"])
    return Completion(line["text"], *figures, cached=True, latency_s=float(line["latency_s"]))
