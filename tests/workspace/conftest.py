"""``blampert train`` in a workspace with a scripted LM: for where things come from and go; no result comes from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import blampert_env.lm
from blampert_env.cli import main
from blampert_env.lm.scripted import ScriptedLM

Blampert = Callable[..., int]


@pytest.fixture
def asked() -> list[dict[str, Any]]:
    """What the language model was looked up by, call by call."""
    return []


@pytest.fixture
def blampert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, solver_lm: ScriptedLM, asked: list[dict[str, Any]]
) -> Blampert:
    """Runs ``blampert ...`` in an empty folder; returns the exit code."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def resolve(name: str, **options: Any) -> ScriptedLM:
        asked.append({"name": name, **options})
        return solver_lm

    monkeypatch.setattr(blampert_env.lm, "resolve", resolve)
    return lambda *words: main([str(word) for word in words])
