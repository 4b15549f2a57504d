"""A command line that trains with a scripted LM, for tests of the loop itself; no result comes from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import blampert_env.lm
from blampert_env.lm.scripted import ScriptedLM
from blampert_env.train import main

Train = Callable[..., int]


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, solver_lm: ScriptedLM) -> Train:
    """Runs ``blampert train`` in ``tmp_path`` with the scripted solver in place of a model; returns the exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(blampert_env.lm, "resolve", lambda name, **_: solver_lm)

    def run(*arguments: str) -> int:
        return main(list(arguments))

    return run
