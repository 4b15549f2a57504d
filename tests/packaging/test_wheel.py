"""The wheel: built, installed in an empty environment, and one step trained from outside the source tree."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_contents(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"blampert_env", "blampert_agents"}
    for needed in ("configs/strategies.yaml", "configs/models.yaml", "configs/rewards.yaml", "configs/train/ppo.yml"):
        assert f"blampert_env/_data/{needed}" in names
    for page in ("templates/index.html", "static/dashboard.js", "static/dashboard.css", "static/icon.svg"):
        assert f"blampert_env/telemetry/dashboard/{page}" in names
    for project in ("calculator", "math_operations", "data_processor"):
        assert f"blampert_env/_data/projects/{project}/{project}.py" in names
        assert any(name.startswith(f"blampert_env/_data/projects/{project}/held_out/") for name in names)


@pytest.mark.slow
@pytest.mark.llm
def test_installed_wheel_trains_from_outside_the_source_tree(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "torch==2.13.0"], check=True)
    subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), str(wheel)], check=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(python.parent / "blampert"), "train", "--project", "calculator", "-n", "1", "--max-attempts", "2"]
    done = subprocess.run(
        [*command, "--eval-episodes", "0"], cwd=outside, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (outside / "models" / "thompson_1.zip").is_file()
    probe = "import importlib.util as u; print(u.find_spec('agents'), u.find_spec('projects'), u.find_spec('tests'))"
    found = subprocess.run([str(python), "-c", probe], cwd=outside, env=environment, capture_output=True, text=True)
    assert found.stdout == "None None None\n"
