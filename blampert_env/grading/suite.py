"""What to run of a project: how pytest is told, which files it is given, where modules are found."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal

from blampert_env.errors import ProjectError
from blampert_env.grading.files import encode
from blampert_env.grading.options import kept_options
from blampert_env.grading.splitting import top_imports
from blampert_env.projects import Project

Tests = Literal["visible", "held_out", "all"]

_CONFIGS = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
_TEST_FOLDERS = frozenset({"test", "tests"})


@dataclass(frozen=True)
class Suite:
    """A project's tests, of one kind.

    Attributes:
        project: The project.
        tests: Which of its tests run.
    """

    project: Project
    tests: Tests

    @cached_property
    def arguments(self) -> list[str]:
        """What pytest is told to collect; nothing for whatever it finds by itself.

        Raises:
            ProjectError: There are no tests of this kind.
        """
        config = self.project.pytest
        visible = [*(self.project.arguments or config.options.arguments)]
        if self.tests == "visible":
            return visible
        if not any(path.endswith(".py") for path in self.project.held_out):
            raise ProjectError(f"{self.project.name} has no held-out tests: add a test_*.py file to held_out/")
        if self.tests == "held_out":
            return ["held_out"]
        visible = visible or list(config.testpaths)
        return [*visible, "held_out"] if visible else ["."]

    @cached_property
    def addopts(self) -> list[str]:
        """The project's own options, without those that only show, store, repeat or distribute."""
        config = self.project.pytest
        kept = kept_options(config.addopts, config.options.arguments)
        return [*kept, "--import-mode=importlib"] if self._names_clash else kept

    @property
    def _names_clash(self) -> bool:
        """Whether pytest would take a held-out file for a visible one of the same name."""
        if self.tests != "all":
            return False
        names = {PurePosixPath(path).name for path in self.project.tests}
        return any(PurePosixPath(path).name in names for path in self.project.held_out if path.endswith(".py"))

    @cached_property
    def protected(self) -> dict[str, bytes]:
        """Everything but the sources: tests, conftest, configuration, data; held-out files where those are run."""
        files = {**encode(self.project.tests), **self.project.support}
        if self.tests != "visible":
            files.update(self.project.held_out)
        return files

    @cached_property
    def shown(self) -> dict[str, bytes]:
        """Files that a separated candidate may read while it runs: data, no tests and nothing beside them."""
        return {
            path: content
            for path, content in self.project.support.items()
            if not _TEST_FOLDERS & set(PurePosixPath(path).parts[:-1])
            and PurePosixPath(path).name not in _CONFIGS
            and not path.endswith(".py")
        }

    def whole(self, sources: Mapping[str, bytes]) -> dict[str, bytes]:
        """Every file of a run with tests and candidate in one place."""
        return {**self.protected, **encode(self.project.sources), **sources}

    @cached_property
    def folders(self) -> list[str]:
        """On ``sys.path``: what an editable install puts there, and the root."""
        return list(self.project.import_roots)

    @cached_property
    def top_modules(self) -> dict[str, str]:
        """Top-level module name to the source file that it should come from."""
        modules: dict[str, str] = {}
        for name, path in self.modules.items():
            top = name.split(".")[0]
            if path and self.modules.get(top):  # a bare folder may have the name of another module
                modules.setdefault(top, path)
        return modules

    @cached_property
    def modules(self) -> dict[str, str]:
        """Name of every module of the sources (and of the folders they lie in) to its file; "" for a bare folder."""
        found: dict[str, str] = {}
        for path in self.project.sources:
            for folder in self.folders:
                if not PurePosixPath(path).is_relative_to(folder):
                    continue
                parts = PurePosixPath(path).relative_to(folder).with_suffix("").parts
                parts = parts[:-1] if parts[-1] == "__init__" else parts
                if parts and all(part.isidentifier() for part in parts):
                    found[".".join(parts)] = path
                    for count in range(1, len(parts)):
                        found.setdefault(".".join(parts[:count]), "")
        return found

    @cached_property
    def own(self) -> list[str]:
        """Top-level names of everything importable in the project, of the tests' own modules too."""
        found: set[str] = set()
        for path in (*self.project.sources, *(path for path, _ in self.trusted_python())):
            for folder in self.folders:
                if PurePosixPath(path).is_relative_to(folder):
                    found.add(PurePosixPath(path).relative_to(folder).with_suffix("").parts[0])
        return sorted(found)

    @cached_property
    def preload(self) -> list[str]:
        """Third-party modules that sources and tests import at their top: imported before any fork."""
        own = {*self.own, *(part for path in self.protected for part in PurePosixPath(path).with_suffix("").parts)}
        texts = [*self.project.sources.values(), *(text for _, text in self.trusted_python())]
        names = {name for text in texts for name in top_imports(text) if name.split(".")[0] not in own}
        known = {*sys.stdlib_module_names, "pytest", "blampert_env"}
        return sorted(name for name in names if name.split(".")[0] not in known)

    @cached_property
    def rewritten(self) -> list[str]:
        """Files whose assertions pytest rewrites."""
        held_out = self.project.held_out if self.tests != "visible" else {}
        tests = [*self.project.tests, *(path for path in held_out if path.endswith(".py"))]
        conftests = [path for path in self.protected if PurePosixPath(path).name == "conftest.py"]
        return sorted({*tests, *conftests})

    @cached_property
    def uses_random(self) -> bool:
        """Whether the order of random numbers could matter to tests and candidate together."""
        return any(re.search(r"\brandom\b", text) for _, text in self.trusted_python())

    @cached_property
    def asks_for_folder(self) -> bool:
        """Whether tests look at the working folder, so that they must follow a candidate that changes it."""
        return any(re.search(r"getcwd|\.cwd\(", text) for _, text in self.trusted_python())

    @cached_property
    def sets_alarms(self) -> bool:
        """Whether tests or sources use the alarm clock of their process."""
        texts = [*self.project.sources.values(), *(text for _, text in self.trusted_python())]
        return any(re.search(r"SIGALRM|setitimer|\balarm\b", text) for text in texts)

    @cached_property
    def unused_plugins(self) -> list[str]:
        """Pytest's plugins that serve fixtures which no test names."""
        text = "\n".join(text for _, text in self.trusted_python())
        found = [] if re.search(r"cap(sys|fd|log|ture)", text) else ["capturemanager"]
        return found if re.search(r"caplog|logging", text) else [*found, "logging-plugin"]

    def trusted_python(self) -> Iterable[tuple[str, str]]:
        """Path and text of the tests' own Python files."""
        for path, content in self.protected.items():
            if path.endswith(".py"):
                yield path, content.decode("utf-8", "surrogateescape")
