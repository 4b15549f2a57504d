"""The rehearsal runs what it says, and leaves the process as it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import blampert_env.grading

SCRIPT = """\
import json, logging, os, sys
import importlib.util
spec = importlib.util.spec_from_file_location("jail_main", sys.argv[1] + "/jail/__main__.py")
main = importlib.util.module_from_spec(spec)
spec.loader.exec_module(main)
main.load_package()
from blampert_jail.stages.rehearsal import rehearse
import _pytest.config
state = lambda: [repr(sys.meta_path), os.getcwd(), len(logging.getLogger().handlers), sorted(os.environ), sys.path]
before = state()
outcomes = rehearse(sys.argv[2], sys.argv[2])
print(json.dumps({
    "outcomes": outcomes, "left": os.listdir(sys.argv[2]), "same": state() == before,
    "modules": [name for name in sys.modules if "test_rehearsal" in name],
}))
"""


def test_rehearsal(tmp_path: Path) -> None:
    package = Path(blampert_env.grading.__file__).parent
    box = tmp_path / "box"
    box.mkdir()
    command = [sys.executable, "-B", "-c", SCRIPT, str(package), str(box)]  # as the jail is started
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    found = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    said = json.loads(found.stdout)
    assert said["outcomes"] == ["passed", "passed", "passed", "passed", "failed"]
    assert (said["left"], said["same"], said["modules"]) == ([], True, [])
