"""pip of a virtual environment, as a process of its own: what was installed, or one line on why not."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import distributions
from pathlib import Path

_UNREACHABLE = (
    "NewConnectionError",
    "NameResolutionError",
    "ConnectTimeoutError",
    "ProxyError",
    "Connection refused",
    "connection broken",
    "Network is unreachable",
)


@dataclass(frozen=True, slots=True)
class PipResult:
    """What an installation came to.

    Attributes:
        installed: ``"pytest 9.2.0"`` for each package that was put there; not those that were there before.
        failure: One line, with what to do; None if all went well.
    """

    installed: list[str] = field(default_factory=list)
    failure: str | None = None


def install(python: Path, packages: Sequence[str] = (), *, requirements: Sequence[Path] = ()) -> PipResult:
    """Install packages and the contents of requirements files.

    Args:
        python: Interpreter of the virtual environment.
        packages: Requirement lines.
        requirements: requirements.txt files.
    """
    wanted = [*packages, *(part for path in requirements for part in ("-r", str(path)))]
    if not wanted:
        return PipResult()
    options = ["--disable-pip-version-check", "--no-input", "--retries", "1", "--timeout", "15"]
    # settings of the interpreter that runs us are not those of the one that is installed to
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with tempfile.TemporaryDirectory(prefix="blampert-pip-") as folder:
        report = Path(folder) / "report.json"
        done = subprocess.run(
            [str(python), "-m", "pip", "install", *options, "--report", str(report), *wanted],
            capture_output=True,
            text=True,
            errors="replace",
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode != 0:
            return PipResult(failure=_failure(done.stdout + done.stderr))
        entries = json.loads(report.read_text(encoding="utf-8"))["install"] if report.is_file() else []
    return PipResult([f"{entry['metadata']['name']} {entry['metadata']['version']}" for entry in entries])


def installed(venv: Path) -> list[str]:
    """``"pytest 9.2.0"``, ... of a virtual environment, sorted; empty if there is none."""
    folders = [str(path) for path in venv.glob("lib/python*/site-packages")]
    return sorted({f"{found.name} {found.version}" for found in distributions(path=folders)}) if folders else []


def _failure(output: str) -> str:
    """pip's own error in one line; that the package index cannot be reached is said first, whatever came of it."""
    if any(sign in output for sign in _UNREACHABLE):
        return "no package index answers (offline?): connect to the network"
    errors = [line.removeprefix("ERROR: ").strip() for line in output.splitlines() if line.startswith("ERROR:")]
    # the last line of pip is the general one, the first names the package
    said = errors[0] if errors else (output.strip().splitlines() or ["pip failed"])[-1]
    return f"pip says: {said[:300]}"
