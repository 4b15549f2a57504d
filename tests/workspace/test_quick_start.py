"""The guide's quick start as typed, with the real embedded model: create, train, look, resume in another place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.llm
@pytest.mark.slow
def test_the_guides_commands(home: Path, tmp_path: Path) -> None:
    command = Path(sys.executable).parent / "dspy-code"
    environment = {**os.environ, "OLLAMA_HOST": "127.0.0.1:9"}  # nothing there: the embedded model stands in

    def dspy_code(*words: str) -> str:
        done = subprocess.run([command, *words], capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "next: blampert train --project calculator" in dspy_code("workspace", "create")
    short = ("--max-attempts", "4", "--eval-episodes", "0")
    out = dspy_code("train", "--project", "calculator", "--iterations", "1", *short)
    assert "model embedded/" in out
    found = json.loads(dspy_code("workspace", "info", "--json"))
    assert [run["name"] for run in found["runs"]] == ["thompson_1"]
    calculator = next(row for row in found["projects"] if row["name"] == "calculator")
    assert (calculator["best_run"], calculator["tests_total"]) == ("thompson_1", 24)
    assert found["health"] == []
    dspy_code("export", "thompson_1", "-o", "run.tar.gz")
    (home / ".blampert_workspace").rename(home / "moved")
    out = dspy_code("train", "--workspace", str(home / "moved"), "--resume", "thompson_1", "--iterations", "2")
    assert "making venv/" in out, "a moved workspace mends itself"
    dspy_code("workspace", "clean", "--path", str(home / "moved"), "--all", "--yes")
    dspy_code("import", "run.tar.gz", "--workspace", str(home / "moved"))
    assert [path.name for path in (home / "moved" / "logs").iterdir()] == ["thompson_1"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "run.tar.gz"]
