"""Pytest plugins that a project asks for and that its interpreter does not have."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from blampert_env.errors import UsageError
from blampert_env.projects import Project
from blampert_env.projects.packaging import requirement_names

# They show, repeat or distribute: no outcome depends on them.
_OPTIONAL = frozenset(
    "pytest-" + name
    for name in (
        *("cov", "xdist", "randomly", "random-order", "sugar", "html", "clarity", "pretty", "icdiff", "instafail"),
        *("github-actions-annotate-failures", "rerunfailures", "watch", "watcher", "profiling", "picked", "memray"),
        *("codspeed", "pystack", "custom-exit-code", "reportlog", "json-report", "metadata", "reverse"),
    )
)
_ASK = """
import json, sys
from importlib.metadata import distributions, entry_points
from importlib.util import find_spec
found = {point.name for point in entry_points(group="pytest11")}
def there(name):
    try:
        return bool(find_spec(name) or find_spec("_pytest." + name))
    except (ImportError, ValueError):
        return False
unknown = [name for name in sys.argv[1:] if name not in found and not there(name)]
print(json.dumps([[one.name for one in distributions() if one.name], unknown]))
"""


@dataclass(frozen=True, slots=True)
class Missing:
    """A plugin that is not installed.

    Attributes:
        name: Of the distribution, or what ``-p`` names.
        file: The file that asks for it.
        is_required: Pytest does not start without it.
    """

    name: str
    file: str
    is_required: bool


def missing_plugins(project: Project, python: str) -> list[Missing]:
    """The plugins that a project asks for and that ``python`` lacks, without those that only show or distribute.

    Raises:
        UsageError: ``python`` does not run.
    """
    config = project.pytest
    required = {_normal(line): config.file or "" for line in config.required_plugins}
    wanted = {name for name in project.plugin_requirements if name.startswith("pytest-")} - _OPTIONAL
    named = [name for name in config.options.plugins if not name.startswith("no:")]
    named = [name for name in named if not _is_own(project, name)]
    if not (required or wanted or named):
        return []
    installed, unknown = _ask(python, named)
    lacking = {name: required.get(name) or _file(project, name) for name in sorted({*required, *wanted} - installed)}
    found = [Missing(name, file, name in required) for name, file in lacking.items()]
    return [*found, *(Missing(name, config.file or "", True) for name in unknown)]


def pip_names(missing: Sequence[Missing]) -> str:
    """What to give ``pip install``."""
    names = [one.name if "-" in one.name else f"pytest-{one.name.split('.')[0]}" for one in missing]
    return " ".join(dict.fromkeys(name.replace("pytest-pytest_", "pytest-") for name in names))


def _ask(python: str, named: Sequence[str]) -> tuple[set[str], list[str]]:
    """Normalised names of what is installed, and those of ``named`` that cannot be loaded."""
    command = [python, "-c", _ASK, *named]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        raise UsageError(f"{python} does not run ({error}): give the path of a Python interpreter") from error
    installed, unknown = json.loads(done.stdout)
    return {_normal(name) for name in installed}, unknown


def _is_own(project: Project, name: str) -> bool:
    """Whether ``-p`` names a module of the project itself."""
    file = name.replace(".", "/")
    paths = {f"{file}.py", f"{file}/__init__.py"}
    known = {*project.sources, *project.tests, *project.support}
    return any(f"{root}/{path}".removeprefix("./") in known for root in project.import_roots for path in paths)


def _file(project: Project, name: str) -> str:
    """The file that asks for a distribution."""
    texts = {**project.support, **{path: text.encode() for path, text in project.sources.items() if "/" not in path}}
    return next((path for path in sorted(texts) if name in requirement_names({path: texts[path]})), "the project")


def _normal(line: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[]", line.strip(), maxsplit=1)[0]).lower()
