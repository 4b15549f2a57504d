"""Texts of single steps are shown as they are, and their quality is measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from blampert_env.errors import UsageError
from blampert_env.quality import measure
from blampert_env.telemetry.dashboard.mirror import StepMirror
from blampert_env.telemetry.dashboard.runs import Run
from blampert_env.telemetry.dashboard.steps import code_quality, step_text, visible

MakeRun = Callable[..., Path]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("def f():\n\treturn 'ä→😀'", "def f():\n\treturn 'ä→😀'"),
        ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        ("a\u202eb\u2066c\u200bd", "a\\u202eb\\u2066c\\u200bd"),
        ("\r\0\x9b", "\\x0d\\x00\\x9b"),
    ],
)
def test_nothing_acts_on_whoever_looks(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_step_text(make_run: MakeRun) -> None:
    folder = make_run(steps=[{"source": "x = '\x1b'", "diff": "+x\n", "test_output": "boom", "target": "a.py::f"}])
    run = Run("thompson_1", folder, 0.0)
    step = step_text(run, 1)
    assert (step["source"], step["diff"], step["test_output"]) == ("x = '\\x1b'", "+x\n", "boom")
    assert step["reward_terms"] == {"progress": 1.0, "tokens": -0.25}
    with pytest.raises(UsageError, match="has no step 99"):
        step_text(run, 99)


def test_quality_is_that_of_the_edits_that_gained(make_run: MakeRun) -> None:
    good, poor = 'def f():\n    """Do."""\n    return 1\n', "def f():\n    x = 1\n    return 2\n"
    steps = [{"source": good, "outcome": "improved"}, {"source": "def g(:", "outcome": "syntax_error"}]
    steps += [{"source": poor, "outcome": "solved"}]
    folder = make_run(steps=steps)
    mirror = StepMirror(folder / "actions.db", folder.name)
    mirror.refresh()
    found = code_quality(Run("r", folder, 0.0), mirror)
    assert found["x"] == [1, 3]
    assert found["score"] == [1.0, measure(poor).score]
    assert found["mean"] == pytest.approx((1.0 + measure(poor).score) / 2)
    assert len(code_quality(Run("r", folder, 0.0), mirror, sample=1)["x"]) == 1
    mirror.close()


def test_without_gains_there_is_nothing_to_measure(make_run: MakeRun) -> None:
    folder = make_run(steps=[{"outcome": "same"}])
    mirror = StepMirror(folder / "actions.db", folder.name)
    mirror.refresh()
    assert code_quality(Run("r", folder, 0.0), mirror)["mean"] is None
    mirror.close()
