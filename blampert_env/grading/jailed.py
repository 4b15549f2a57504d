"""One evaluation in the jail: a request to a lane, and what it answers as a :class:`Run`."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from blampert_env.grading.files import encode
from blampert_env.grading.lanes import Lane, ServerFailed
from blampert_env.grading.process import Run, signal_name
from blampert_env.grading.records import Records
from blampert_env.grading.server import Server
from blampert_env.grading.suite import Suite

Way = Literal["collected", "fresh", "split"]

MEMORY = 2 * 2**30
LIMITS = {
    "RLIMIT_DATA": MEMORY,
    "RLIMIT_AS": 4 * MEMORY,  # also counts what is reserved and never used
    "RLIMIT_FSIZE": 16 * 2**20,
    "RLIMIT_NOFILE": 512,
    "RLIMIT_NPROC": 128,
    "RLIMIT_CORE": 0,
}
TEXTS = 3  # what a prompt shows


@dataclass(frozen=True)
class Options:
    """How one evaluation differs from another of the same project.

    Attributes:
        limit_s: Seconds from the start of the tests, those aside in which others had the processors.
        seed: Of the order of the tests; "" for their own.
        run: Ids of the tests to run; None for all.
        ids: Of all tests, as the trusted run has them, if they vary by process; else empty.
        first: Ids of tests whose failures get a text in any case.
        texts: How many other failures get one.
        stop_early: End at the first test that does not pass.
        trace: Whether to watch which functions each test reaches.
        patience: For ``fresh``: seconds after which a test is failed by itself, and the same of tests that need longer;
            None for never.
        swaps: For ``collected``: files whose functions get other code: numbers of their new statements, and names
            of the functions whose code differs in more than its lines.
        twins: For ``collected``: test files whose functions take the place of those that were collected.
        wanted: The tests that become twins.
        trusted: Whether the code is the project's own.
    """

    limit_s: float
    seed: str = ""
    run: Sequence[str] | None = None
    ids: Sequence[str] = ()
    first: Sequence[str] = ()
    texts: int = TEXTS
    stop_early: bool = False
    trace: bool = False
    patience: tuple[float, Mapping[str, float]] | None = None
    swaps: Sequence[tuple[str, Sequence[int], Sequence[str]]] = ()
    twins: Mapping[str, bytes] = field(default_factory=dict)
    wanted: Sequence[str] = ()
    trusted: bool = False


def specification(suite: Suite, base: Mapping[str, bytes], apart: Sequence[str]) -> dict[str, Any]:
    """All that a lane needs to know of a project.

    Args:
        suite: Its tests.
        base: The sources that its collected session is made with.
        apart: Test files that can be run with the candidate elsewhere.
    """
    untouched = encode(suite.project.sources)
    spec: dict[str, Any] = {
        "modules": sorted(suite.modules),
        "own": suite.own,
        "folders": suite.folders,
        "files": _packed({**suite.protected, **untouched, **base}),
        "tests_files": _packed(suite.protected),
        "untouched": _packed({**suite.shown, **untouched}),
        "sources": sorted(suite.project.sources),
        "tests": suite.arguments,
        "apart": list(apart),
        "addopts": suite.addopts,
        "config": suite.project.pytest.file,
        "rewritten": suite.rewritten,
        "preload": suite.preload,
        "limits": LIMITS,
        "unused": suite.unused_plugins,
        "random": suite.uses_random,
        "cwd": suite.asks_for_folder,
        "top_modules": suite.top_modules,
    }
    text = json.dumps([suite.project.fingerprint, suite.tests, spec], sort_keys=True)
    return {**spec, "id": hashlib.sha256(text.encode()).hexdigest()}


def stage(server: Server, spec: dict[str, Any], zygote: str) -> dict[str, Any]:
    """Make a zygote of a project in a lane; what it said: ``refused``, ``records`` of its collection, ``layers`` ...

    Raises:
        ServerFailed: The machinery failed.
    """
    with server.lane() as lane:
        lane.open(spec)
        return lane.ask({"op": "stage", "project": spec["id"], "zygote": zygote})


def evaluate(server: Server, spec: dict[str, Any], way: Way, files: Mapping[str, bytes], options: Options) -> Run:
    """Run the tests over one candidate.

    Args:
        server: Where.
        spec: The project's.
        way: In a fork of the collected session, in one that imports anew, or in another process than the tests.
        files: What differs from the specification's files.
        options: The rest.

    Raises:
        ServerFailed: The machinery failed.
    """
    token = secrets.token_hex(16)
    job = {
        "op": "grade",
        "project": spec["id"],
        "door": way,
        "changes": _packed(files),
        "token": token,
        "limit_s": options.limit_s,
        "seed": options.seed,
        "run": options.run,
        "ids": list(options.ids),
        "first": list(options.first),
        "texts": options.texts,
        "stop_early": options.stop_early,
        "trace": options.trace,
        "patience": options.patience,
        "swaps": options.swaps,
        "twins": _packed(options.twins),
        "wanted": list(options.wanted),
        "trusted": options.trusted,
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
    if not finished and killed is None and job["door"] == "split":  # whatever then became of the candidate
        said = [str(record.get("failure")) for record in records.of_kind("broken")]
        raise ServerFailed(f"the process that runs the tests ended early{': ' + said[0] if said else ''}")
    if killed is None and (gone or not finished) and code is not None and code < 0:
        killed = signal_name(code)
    exit_code = code if (gone or not finished) and killed is None else None
    for record in records.all:
        if isinstance(record.get("failure"), str):
            record["failure"] = _without_roots(record["failure"])
    return Run(records, killed, exit_code, answer["seconds"], "", answer["touched"])


def _without_roots(text: str) -> str:
    """The text with the project's paths as the project has them."""
    for root in ("/tests/", "/box/"):
        text = text.replace(f'"{root}', '"').replace(f" {root}", " ").replace(f"'{root}", "'")
        text = "\n".join(line.removeprefix(root) for line in text.split("\n"))
    return text


def _ending(answer: Mapping[str, Any]) -> str:
    if answer["killed"]:
        return str(answer["killed"])
    code = answer["tests_code"]
    return "it was killed" if code is None else f"exit code {code}"


def _packed(files: Mapping[str, bytes]) -> dict[str, str]:
    return {path: base64.b64encode(content).decode() for path, content in files.items()}


__all__ = ["LIMITS", "Options", "Way", "evaluate", "specification", "stage"]
