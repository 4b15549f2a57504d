"""``blampert explain`` on a run of the real loop (with a scripted LM), on its policy, and on what is neither."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import blampert_env.lm
from blampert_env.cli import main
from blampert_env.lm.scripted import ScriptedLM

Explain = Callable[..., int]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, solver_lm: ScriptedLM) -> Path:
    """A folder with a run."""
    folder = tmp_path_factory.mktemp("explain")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HOME", str(folder))
        patch.delenv("BLAMPERT_WORKSPACE", raising=False)
        patch.setattr(blampert_env.lm, "resolve", lambda name, **_: solver_lm)
        assert main(["train", "--project", "calculator", "--iterations", "2", "--algo", "lin-thompson"]) == 0
    return folder


@pytest.fixture
def explain(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Explain:
    monkeypatch.chdir(trained)
    monkeypatch.setenv("HOME", str(trained))
    monkeypatch.delenv("BLAMPERT_WORKSPACE", raising=False)
    return lambda *arguments: main(["explain", *map(str, arguments)])


@pytest.mark.parametrize("what", ["lin-thompson_1", "logs/lin-thompson_1", "models/lin-thompson_1.zip"])
def test_text(what: str, explain: Explain, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(what) == 0
    out = capsys.readouterr().out
    assert "lin-thompson on 10 arms (strategy env)" in out
    assert "after an answer that is no valid edit" in out
    assert "predicted reward" in out
    assert "coefficient times standard deviation" in out
    assert ("what was picked after which outcome" in out) == (not what.endswith(".zip"))


def test_json_and_picture(explain: Explain, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    goal = tmp_path / "why.png"
    assert explain("lin-thompson_1", "--json", "--plot", goal) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["algo"] == "lin-thompson"
    assert {pick["arm"] for pick in found["picks"]} <= set(found["arms"])
    assert {row["evaluation"] for row in found["steps"]["after"]} == {0, 1}
    with Image.open(goal) as image:
        assert image.format == "PNG"
        assert image.width > 600


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "no run and no policy nothing"),
        (["nothing.zip"], "no policy at nothing.zip"),
        (["text.zip"], "damaged or not a Blampert policy"),
        (["cut.zip"], "damaged or not a Blampert policy"),
        (["logs"], "no run at logs"),
        (["lin-thompson_1", "--plot", "why.svg"], "only PNG is written"),
        (["lin-thompson_1", "--strategies", "none.yaml"], "none.yaml"),
        (["lin-thompson_1", "--log-folder", "elsewhere"], None),
    ],
)
def test_what_is_neither_is_one_line(
    arguments: list[str], said: str | None, explain: Explain, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (trained / "text.zip").write_text("no policy")
    (trained / "cut.zip").write_bytes((trained / "models" / "lin-thompson_1.zip").read_bytes()[:500])
    assert explain(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("blampert: error: ")
    assert error.count("\n") == 1
    assert (said or "lin-thompson_1") in error


def test_a_picture_that_cannot_be_written_is_one_line(explain: Explain, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("lin-thompson_1", "--plot", "no/such/folder/why.png") == 1
    assert capsys.readouterr().err.count("\n") == 1
