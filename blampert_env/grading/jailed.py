"""One evaluation in the jail: a request to a lane, and what it answers as a :class:`Run`."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from blampert_env.grading.process import Run, signal_name
from blampert_env.grading.records import Records
from blampert_env.grading.server import Lane, Server, ServerFailed
from blampert_env.grading.suite import Suite

Mode = Literal["split", "whole"]

MEMORY = 2 * 2**30
LIMITS = {
    "RLIMIT_DATA": MEMORY,
    "RLIMIT_AS": 4 * MEMORY,  # also counts what is reserved and never used
    "RLIMIT_FSIZE": 16 * 2**20,
    "RLIMIT_NOFILE": 512,
    "RLIMIT_NPROC": 128,
    "RLIMIT_CORE": 0,
}


@dataclass(frozen=True)
class Options:
    """How one evaluation differs from another of the same project.

    Attributes:
        limit_s: Seconds from the start of the tests.
        seed: Of the order of the tests.
        first: Ids of tests to run before the others.
        stop_early: End at the first test that does not pass.
        enforces: Whether a candidate that changes a file of the project's is stopped.
        mutable: Files that trusted code changes.
    """

    limit_s: float
    seed: str = ""
    first: Sequence[str] = ()
    stop_early: bool = False
    enforces: bool = True
    mutable: Sequence[str] = ()


def specification(suite: Suite, mode: Mode, twins: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """All that a lane needs to know of a project, and of the test files that will be run beside its own."""
    project = suite.project
    spec: dict[str, Any] = {
        "mode": mode,
        "modules": sorted(suite.modules),
        "packages": suite.packages,
        "folders": suite.folders,
        "files": _packed(suite.protected),
        "untouched": _packed({**suite.shown, **{path: text.encode() for path, text in project.sources.items()}}),
        "twins": [_packed({path: text.encode() for path, text in files.items()}) for files in twins],
        "tests": suite.test_files,
        "config": suite.config,
        "plugins": suite.plugins,
        "preload": suite.preload,
        "limits": LIMITS,
        "unused": suite.unused_plugins,
        "random": suite.uses_random,
        "cwd": suite.asks_for_folder,
        "top_modules": suite.top_modules,
    }
    spec["id"] = hashlib.sha256(
        json.dumps([project.fingerprint, suite.tests, spec], sort_keys=True).encode()
    ).hexdigest()
    return spec


def stage(server: Server, spec: dict[str, Any]) -> dict[str, Any]:
    """Open a project in a lane: ``records`` of its collection, ``is_dynamic``, ``unsupported``, ``layers``.

    Raises:
        ServerFailed: The machinery failed.
    """
    with server.lane() as lane:
        return lane.open(spec)


def evaluate(server: Server, suite: Suite, spec: dict[str, Any], sources: Mapping[str, bytes], options: Options) -> Run:
    """Run the tests over one candidate.

    Raises:
        ServerFailed: The machinery failed.
    """
    base = {path: text.encode() for path, text in suite.project.sources.items()}
    tests = suite.test_files
    token = secrets.token_hex(16)
    files = {**suite.shown, **base, **sources} if spec["mode"] == "split" else suite.whole(sources)
    job = {
        "op": "grade",
        "project": spec["id"],
        "files": _packed(files),
        "tests": tests,
        "token": token,
        "limit_s": options.limit_s,
        "seed": options.seed,
        "first": list(options.first),
        "stop_early": options.stop_early,
        "watched": sorted(suite.shown.keys() - set(options.mutable)),
        "enforces": options.enforces,
    }
    with server.lane() as lane:
        lane.open(spec)
        return _run(lane, {**job, "cpus": lane.cpus}, token, server.python)


def _run(lane: Lane, job: dict[str, Any], token: str, python: str) -> Run:
    answer = lane.ask(job)
    records = Records(token)
    records.feed(answer["report"].encode())
    if not records.of_kind("started"):
        raise ServerFailed(f"the test process of {python} did not start: {_ending(answer)}")
    code = answer["candidate_code"] if answer["candidate_code"] is not None else answer["tests_code"]
    killed = answer["killed"]
    finished = records.finished
    gone = finished and bool(records.all[-1].get("gone"))
    if not finished and killed is None and _is_split(records):  # whatever then became of the candidate
        said = [str(record.get("failure")) for record in records.of_kind("broken")]
        raise ServerFailed(f"the process that runs the tests ended early{': ' + said[0] if said else ''}")
    if killed is None and (gone or not finished) and code is not None and code < 0:
        killed = signal_name(code)
    exit_code = code if (gone or not finished) and killed is None else None
    for record in records.all:
        if isinstance(record.get("failure"), str):
            record["failure"] = record["failure"].replace("/tests/", "").replace("/box/", "")
    return Run(records, killed, exit_code, answer["seconds"], "")


def _is_split(records: Records) -> bool:
    """Whether the run's records are of trusted tests, which do not end by themselves."""
    return bool(records.all) and bool(records.all[0].get("split"))


def _ending(answer: Mapping[str, Any]) -> str:
    if answer["killed"]:
        return str(answer["killed"])
    code = answer["tests_code"]
    return "it was killed" if code is None else f"exit code {code}"


def _packed(files: Mapping[str, bytes]) -> dict[str, str]:
    return {path: base64.b64encode(content).decode() for path, content in files.items()}


__all__ = ["LIMITS", "Mode", "Options", "evaluate", "specification", "stage"]
