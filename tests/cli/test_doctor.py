from __future__ import annotations

import json
import shlex
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from blampert_env.cli import main
from blampert_env.lm.models import bundled_models
from blampert_env.lm.weights import weights_path
from blampert_env.workspace import Workspace
from blampert_env.workspace.settings import set_value
from tests.conftest import make_workspace

# Ollama answers nowhere, so that a developer's own does not change what is said
NO_OLLAMA = "127.0.0.1:9"


@pytest.fixture(autouse=True)
def _no_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", NO_OLLAMA)


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs ``blampert doctor``; the exit code, and the diagnoses by name."""

    def run(*words: str) -> tuple[int, dict[str, dict[str, str]]]:
        code = main(["doctor", "--json", *words])
        return code, {entry["what"]: entry for entry in json.loads(capsys.readouterr().out)}

    return run


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_good_workspace(workspace: Workspace, doctor: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = doctor()
    assert code == 0
    assert {entry["what"] for entry in found.values() if entry["level"] == "broken"} == set()
    names = {"Python", "packages", "workspace", "settings", "projects", "venv", "weights", "LM", "Redis", "sandbox"}
    assert found.keys() >= names | {"disk", "port"}
    assert all(entry["mend"] for entry in found.values() if entry["level"] != "ok")
    assert main(["doctor"]) == 0
    assert "0 broken" in capsys.readouterr().out


def test_workspace_not_found(home: Path, doctor: Any) -> None:
    code, found = doctor()
    assert code == 1
    assert found["workspace"]["mend"] == "blampert workspace create"


def test_project_missing_or_broken(workspace: Workspace, doctor: Any) -> None:
    (workspace.projects / "nothing").mkdir()
    code, found = doctor()
    assert (code, found["project"]["mend"]) == (1, "correct it, then blampert project check nothing")
    shutil.rmtree(workspace.projects)
    workspace.projects.mkdir()
    code, found = doctor()
    assert (code, found["projects"]["mend"]) == (1, "blampert workspace create")


@pytest.mark.parametrize("how", ["removed", "moved", "no pytest", "requirement"])
def test_virtual_environment_issues(how: str, workspace: Workspace, doctor: Any, home: Path) -> None:
    words: list[str] = []
    mend = "blampert workspace create"
    if how == "removed":
        shutil.rmtree(workspace.venv)
    elif how == "moved":
        workspace.root.rename(home / "moved")
        words, mend = ["--path", str(home / "moved")], f"blampert workspace create --path {home / 'moved'}"
    elif how == "no pytest":
        next(workspace.venv.glob("lib/python*/site-packages/lent.pth")).unlink()
        mend = f"rm -r {workspace.venv}; blampert workspace create"
    else:
        (workspace.projects / "calculator" / "requirements.txt").write_text("pytest\nattrs\n")
    code, found = doctor(*words)
    assert (code, found["venv"]["level"], found["venv"]["mend"]) == (1, "broken", mend)


def test_settings_that_are_wrong(workspace: Workspace, doctor: Any) -> None:
    workspace.config_path.write_text('{"agent": {"sed": 1}}')
    code, found = doctor()
    assert code == 1
    assert "did you mean 'seed'" in found["settings"]["text"]
    assert found["settings"]["mend"] == f"edit {workspace.config_path}, or blampert config unset KEY"
    assert main(["config", "unset", "agent.sed"]) == 0


def test_a_variable_that_is_wrong(workspace: Workspace, doctor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLAMPERT_AGENT_SEED", "many")
    code, found = doctor()
    assert (code, found["settings"]["mend"]) == (1, "unset BLAMPERT_AGENT_SEED")


@pytest.mark.parametrize("text", ['{\n  "agent": {"seed": 1,}\n}\n', "[]", "\xff"])
def test_settings_that_are_no_json(
    text: str, workspace: Workspace, doctor: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace.streaming.rmdir()
    workspace.config_path.write_text(text, encoding="latin-1")
    code, found = doctor()
    assert (code, found["settings"]["level"]) == (1, "broken")
    assert ("line 2" in found["settings"]["text"]) == ("agent" in text)
    # every other command that is advised reads the settings, too
    rest = [entry["mend"] for what, entry in found.items() if what != "settings" and "blampert" in entry["mend"]]
    assert rest
    assert all(mend.startswith("mend the settings first, then ") for mend in rest)
    # what is advised works
    advice, _, commands = found["settings"]["mend"].partition("; begin anew otherwise: ")
    assert advice == f"correct {workspace.config_path}"
    move, _, make = commands.partition("; ")
    subprocess.run(shlex.split(move), check=True)
    assert make == "blampert workspace create"
    assert main(shlex.split(make)[1:]) == 0
    capsys.readouterr()
    assert doctor()[0] == 0
    assert Path(f"{workspace.config_path}.broken").read_text(encoding="latin-1") == text


def test_settings_that_may_say_where_the_rest_lies_are_not_moved(home: Path, doctor: Any) -> None:
    workspace = Workspace(home / "ws")
    workspace.root.mkdir()
    workspace.config_path.write_text('{"workspace": {"root": "elsewhere"}')
    code, found = doctor("--path", str(workspace))
    assert (code, found["settings"]["mend"]) == (1, f"correct {workspace.config_path}")


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the embedded model's weights would lie, in a cache that has none."""
    monkeypatch.setenv("BLAMPERT_CACHE", str(tmp_path / "cache"))
    return weights_path(bundled_models().model(bundled_models().default))


def test_weights_that_are_not_there_yet_are_told_of(home: Path, doctor: Any, weights: Path) -> None:
    lm = doctor()[1]["LM"]
    assert (lm["level"], lm["text"]) == (
        "note",
        "embedded/qwen2.5-coder-0.5b, whose weights (491 MB) are not here yet: the first run fetches them",
    )
    make_workspace(home / ".blampert_workspace")
    code, found = doctor()
    assert (code, found["LM"]["level"]) == (0, "note")
    assert "stands in for llama3.1:8b" in found["LM"]["text"]
    assert "not here yet" in found["LM"]["text"]
    assert not weights.parent.exists(), "looking fetches nothing"


def test_weights_of_ones_own_are_there(home: Path, doctor: Any, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = home / "qwen2.5-coder-0.5b.gguf"
    own.write_bytes(b"GGUF")
    monkeypatch.setenv("BLAMPERT_MODEL_PATH", str(own))
    assert doctor()[1]["LM"]["level"] == "ok"
    monkeypatch.setenv("BLAMPERT_MODEL", "embedded/qwen2.5-coder-0.5b")
    assert doctor()[1]["LM"]["level"] == "note", "a model that is named is not one's own"


def test_a_model_that_does_not_answer_is_no_failure(workspace: Workspace, doctor: Any, weights: Path) -> None:
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"GGUF")
    code, found = doctor()
    assert (code, found["LM"]["level"]) == (0, "note")
    assert "the embedded model stands in for llama3.1:8b: Ollama does not answer" in found["LM"]["text"]
    assert "not here yet" not in found["LM"]["text"]
    set_value(workspace, "agent.model", "embedded")
    assert doctor()[1]["LM"]["level"] == "ok"
    set_value(workspace, "agent.model", "no-such-model-anywhere")
    code, found = doctor()
    assert (code, found["LM"]["mend"]) == (1, "blampert config set agent.model embedded")


def test_weights(workspace: Workspace, doctor: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BLAMPERT_CACHE", str(tmp_path / "cache"))
    assert doctor()[1]["weights"]["level"] == "note"
    assert not (tmp_path / "cache").exists(), "looking fetches nothing"
    monkeypatch.setenv("BLAMPERT_MODEL_PATH", str(tmp_path / "none.gguf"))
    code, found = doctor()
    assert (code, found["weights"]["mend"]) == (1, "unset BLAMPERT_MODEL_PATH")


def test_redis_that_is_asked_for_must_answer(workspace: Workspace, doctor: Any) -> None:
    assert doctor()[1]["Redis"]["level"] == "ok"
    set_value(workspace, "storage.redis_url", f"redis://127.0.0.1:{free_port()}/0")
    code, found = doctor()
    assert (code, found["Redis"]["level"]) == (1, "broken")
    assert "start redis-server" in found["Redis"]["mend"]
    set_value(workspace, "storage.redis_url", "not a url")
    assert doctor()[1]["Redis"]["level"] == "broken"


def test_redis_that_answers(workspace: Workspace, doctor: Any, tmp_path: Path) -> None:
    server = shutil.which("redis-server")
    assert server, "install redis-server (Debian: apt install redis-server)"
    port = free_port()
    command = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        set_value(workspace, "storage.redis_url", f"redis://127.0.0.1:{port}/0")
        deadline = time.monotonic() + 10
        while (seen := doctor()[1]["Redis"])["level"] != "ok" and time.monotonic() < deadline:
            time.sleep(0.1)
        assert (seen["level"], "version" in seen["text"]) == ("ok", True)
    finally:
        process.terminate()
        process.wait(10)


def test_a_port_in_use_is_noted(workspace: Workspace, doctor: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        set_value(workspace, "streaming.port", free_port())
        set_value(workspace, "monitor.port", port)
        assert main(["doctor"]) == 0
        out = capsys.readouterr().out
        assert f"or blampert config set monitor.port {port + 1}" in out
        assert "(streaming.port) is free" in out
        set_value(workspace, "monitor.host", "127.0.0.2")
        set_value(workspace, "streaming.enabled", False)
        main(["doctor"])
        out = capsys.readouterr().out
        assert f"127.0.0.2:{port} (monitor.port) is free" in out
        assert "streaming.port" not in out


def test_sandbox(workspace: Workspace, doctor: Any) -> None:
    set_value(workspace, "grading.isolation", "none")
    assert doctor()[1]["sandbox"]["mend"] == "blampert config set grading.isolation default"
