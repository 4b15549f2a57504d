"""One evaluation without a jail: a scratch folder, and pytest in a plain process. For trusted code only."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from blampert_env.grading.environment import environment
from blampert_env.grading.jailed import LIMITS
from blampert_env.grading.process import Run, run
from blampert_env.grading.scratch import scratch_folder
from blampert_env.grading.suite import Suite

NICE = 2  # the trainer goes first; more would make the time limit depend on what else runs
_RUNNER = str(Path(__file__).with_name("jail") / "__main__.py")


class RunnerFailed(Exception):
    """The run did not come as far as the project's code; one line says why."""


def evaluate(suite: Suite, python: str, sources: Mapping[str, bytes], limit_s: float) -> Run:
    """Run the tests once, in a fresh folder and a fresh process, and leave nothing behind.

    Args:
        suite: What to run.
        python: The interpreter.
        sources: The candidate's files; only paths of the project's sources are looked at.
        limit_s: Seconds from the start of pytest.

    Raises:
        RunnerFailed: The runner did not start.
        OSError: No folder, file or process could be made.
    """
    with scratch_folder() as scratch:
        root = scratch / "project"
        for path, content in suite.whole(sources).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        for name in ("home", "tmp"):
            (scratch / name).mkdir()
        token = secrets.token_hex(16)
        spec = {
            "token": token,
            "report": str(scratch / "report"),
            # the number of processes is counted over all that this user runs
            "limits": {name: value for name, value in LIMITS.items() if name != "RLIMIT_NPROC"},
            "nice": NICE,
            "tests": suite.arguments,
            "addopts": suite.addopts,
            "path": [str(root / folder) for folder in suite.folders],
            "config": suite.project.pytest.file,
            "modules": suite.top_modules,
        }
        (scratch / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
        result = run(
            [python, "-P", "-s", "-B", _RUNNER, "cold", str(scratch / "spec.json")],
            cwd=root,
            env=environment(python, str(scratch / "home"), str(scratch / "tmp")),
            report=scratch / "report",
            output=scratch / "output",
            token=token,
            limit_s=limit_s,
        )
        _check_started(result, python)
        return _without_paths(result, root)


def _check_started(result: Run, python: str) -> None:
    if result.records.of_kind("started"):
        return
    for record in result.records.of_kind("no_pytest"):
        raise RunnerFailed(f"pytest cannot be imported by {python} ({record.get('failure')}): install pytest there")
    last = result.output.strip().splitlines()
    why = last[-1] if last else result.killed or f"exit code {result.exit_code}"
    raise RunnerFailed(f"the test process of {python} did not start: {why}")


def _without_paths(result: Run, root: Path) -> Run:
    """The same run with paths in texts relative to the project."""
    for record in result.records.all:
        if isinstance(record.get("failure"), str):
            record["failure"] = record["failure"].replace(f"{root}{os.sep}", "").replace(str(root.parent), "…")
    return result
