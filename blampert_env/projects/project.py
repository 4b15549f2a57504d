"""Project: an immutable folder of Python files with TODOs and tests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from blampert_env.errors import ProjectError, unknown_name
from blampert_env.projects.configuration import DEFAULT, PytestConfig, read_configuration
from blampert_env.projects.contents import as_bytes, check_paths, content_hash, readme_text, requirement_lines
from blampert_env.projects.files import check_limits, load_solution, read_folder, read_held_out
from blampert_env.projects.packaging import requirement_names
from blampert_env.projects.relevance import Suite
from blampert_env.projects.settings import read_settings
from blampert_env.projects.sorting import Parts, choose_targets, keep_what_is_the_tests, sort_files
from blampert_env.projects.target import Target

_NO_TODO = (
    "mark a function with '# TODO: implement', name functions in [tool.blampert] targets of pyproject.toml, "
    "or let `blampert import repository` make stubs"
)


@dataclass(frozen=True, eq=False)
class Project:
    """A folder of Python files with TODOs and pytest tests, read once and never changed.

    Two projects are equal if their files are, whatever their names. Projects can be pickled.

    Attributes:
        name: ``"math_operations"``, snake case.
        root: The folder it was read from; None for a project that lives in memory.
        sources: Editable Python files: relative POSIX path to text, line ends and byte order mark as on disk.
        tests: Visible test files: what pytest collects under the project's own configuration.
        support: Whatever else a test run needs: conftest.py, what only tests import, configuration, data, README. None
            of it may be edited.
        held_out: Files under ``held_out/``, never shown to the LM or the policy.
        targets: The functions to implement, in file order: those named in ``[tool.blampert] targets``, else those that
            ``meant.py`` finds.
        doubtful: Ids of functions with a TODO and a working body, which are no targets.
        requirements: Lines of requirements.txt, without comments and options.
        readme: Text of the README at the top.
        fingerprint: SHA-256 over all files, held-out ones included, and the targets' ids.
        pytest: pytest's configuration, as far as it decides what is collected.
        arguments: Files and folders given on pytest's command line (``[tool.blampert] tests``); mostly none.
        doctests: Files that pytest collects doctests from: sources, tests or others.
        shared: Sources without targets that tests import as the sources do: candidates run them, tests trust them.
        import_roots: Folders that ``pip install -e .`` would put on the path, and ``"."``.
        plugin_requirements: Normalised names of every distribution that requirements, extras, dependency groups, tox,
            hatch or pytest's ``required_plugins`` name: pytest plugins are among them.
    """

    name: str
    root: Path | None
    sources: Mapping[str, str]
    tests: Mapping[str, str]
    support: Mapping[str, bytes]
    held_out: Mapping[str, bytes]
    targets: tuple[Target, ...]
    requirements: tuple[str, ...]
    readme: str | None
    fingerprint: str
    doubtful: tuple[str, ...] = ()
    pytest: PytestConfig = DEFAULT
    arguments: tuple[str, ...] = ()
    doctests: tuple[str, ...] = ()
    shared: frozenset[str] = frozenset()
    import_roots: tuple[str, ...] = (".",)
    plugin_requirements: tuple[str, ...] = ()

    @classmethod
    def load(cls, path: str | Path, *, name: str | None = None) -> Project:
        """Read a project's folder.

        Hidden folders, secrets, caches, virtual environments, ``build/`` and ``dist/`` are ignored. The reference
        ``solution/`` is no part of the project: it only tells which empty functions are meant.

        Args:
            path: The folder.
            name: The folder's name by default.

        Raises:
            ProjectError: The folder cannot be turned into an environment; the message says what to do.
        """
        root = Path(path).expanduser().resolve()
        if not root.is_dir():
            what = "is a file" if root.exists() else "does not exist"
            raise ProjectError(f"{path} {what}: give the folder that holds the project")
        files, held_out = read_folder(root), read_held_out(root)
        return cls.from_files(name or root.name, files, held_out=held_out, root=root, solution=load_solution(root))

    @classmethod
    def from_files(
        cls,
        name: str,
        files: Mapping[str, str | bytes],
        *,
        held_out: Mapping[str, str | bytes] | None = None,
        root: Path | None = None,
        require_tests: bool = True,
        solution: Mapping[str, str] | None = None,
    ) -> Project:
        """Make a project from files in memory.

        Args:
            name: Its name; made snake case.
            files: Relative POSIX path to content.
            held_out: Likewise; paths are under ``held_out/`` and get that prefix if they lack it. Files of ``files``
                that lie there are taken as held out, too.
            root: The folder that the files came from, if any.
            require_tests: Whether a project without visible tests is an error.
            solution: The reference, path to text, beside that under ``solution/`` in ``files``.

        Raises:
            ProjectError: No Python, no TODO, no tests, not UTF-8, a syntax error, an unusable path, too big, or a
                configuration that cannot be read.
        """
        where = str(root or name)
        hidden = {
            f"held_out/{path.removeprefix('held_out/')}": as_bytes(text) for path, text in (held_out or {}).items()
        }
        check_paths((*files, *hidden))
        hidden |= {path: as_bytes(text) for path, text in files.items() if path.startswith("held_out/")}
        visible = {path: text for path, text in files.items() if not path.startswith(("held_out/", "solution/"))}
        check_limits((*visible.values(), *hidden.values()), where)
        settings = read_settings(visible)
        config = read_configuration(visible, settings.tests)
        parts = sort_files(visible, config, settings, where)
        if not parts.sources:
            broken = next(iter(parts.broken.values()), None)
            text = f"no Python files to work on in {where}: add a .py file with a '# TODO' in a function"
            raise ProjectError(broken or text)
        if require_tests and not parts.tests and not parts.doctests:
            raise ProjectError(_no_tests(parts, where))
        targets, doubtful = choose_targets(parts, config, settings, {**_solution(files), **(solution or {})})
        if not targets:
            raise ProjectError(_no_targets(parts, doubtful, where))
        keep_what_is_the_tests(parts, config, targets)
        ids = {"targets": "\n".join(target.id for target in targets)}
        names = {**parts.packaging(), "pytest/requirements.txt": "\n".join(config.required_plugins).encode()}
        return cls(
            name=snake_case(name),
            root=root,
            sources=MappingProxyType(parts.sources),
            tests=MappingProxyType(parts.tests),
            support=MappingProxyType(parts.support),
            held_out=MappingProxyType(dict(sorted(hidden.items()))),
            targets=targets,
            requirements=requirement_lines(parts.support.get("requirements.txt", b"")),
            readme=readme_text(parts.support),
            fingerprint=content_hash(parts.sources, parts.tests, parts.support, hidden, ids),
            doubtful=doubtful,
            pytest=config,
            arguments=settings.tests,
            doctests=parts.doctests,
            shared=parts.shared,
            import_roots=parts.roots,
            plugin_requirements=requirement_names(names),
        )

    def target(self, target_id: str) -> Target:
        """The target with this id.

        Raises:
            ProjectError: There is none; the closest one is named.
        """
        try:
            return self._by_id[target_id]
        except KeyError:
            raise ProjectError(unknown_name("target", target_id, self._by_id)) from None

    @cached_property
    def _by_id(self) -> dict[str, Target]:
        return {target.id: target for target in self.targets}

    @cached_property
    def test_targets(self) -> Mapping[str, frozenset[str]]:
        """Static test id, such as ``"test_calculator.py::TestAdd::test_zero"``, to the ids of the targets it mentions.

        A test mentions what it, its fixtures or its helpers name. Parameters are not part of the id.
        """
        return MappingProxyType(self._suite.mentions(self.targets))

    def mentioned_by(self, test: str) -> frozenset[str]:
        """Ids of the targets that a test mentions; its id may have parameters, as a report's has."""
        return self.test_targets.get(test.split("[", 1)[0], frozenset())

    def tests_for(self, target: Target) -> str:
        """Source of the visible tests that mention a target, with the imports, fixtures and helpers they use.

        Returns:
            Python text in file order for prompts; empty if no test mentions the target.
        """
        return self._suite.render(target, self.targets)

    @cached_property
    def _suite(self) -> Suite:
        parts = Parts(dict(self.sources), dict(self.tests), dict(self.support), self.doctests)
        return parts.suite(self.pytest)

    def __eq__(self, other: object) -> bool:
        return self.fingerprint == other.fingerprint if isinstance(other, Project) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        return f"Project({self.name!r}, targets={len(self.targets)}, fingerprint={self.fingerprint[:12]!r})"

    def __getstate__(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {key: dict(value) if isinstance(value, MappingProxyType) else value for key, value in fields.items()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for key, value in state.items():
            object.__setattr__(self, key, MappingProxyType(value) if isinstance(value, dict) else value)


def snake_case(name: str) -> str:
    """``"MathOperations"``, ``"math-operations"`` and ``"Math operations"`` to ``"math_operations"``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^0-9A-Za-z]+", "_", name)
    return words.strip("_").lower() or "project"


def _solution(files: Mapping[str, str | bytes]) -> dict[str, str]:
    """The reference among files in memory."""
    inside = {path.removeprefix("solution/"): text for path, text in files.items() if path.startswith("solution/")}
    return {path: as_bytes(text).decode("utf-8", "replace") for path, text in inside.items() if path.endswith(".py")}


def _no_tests(parts: Parts, where: str) -> str:
    for name in ("test.py", "tests.py"):
        if name in parts.sources or name in parts.support:
            return (
                f"no tests in {where}: pytest does not collect {name} by itself: "
                f'add tests = ["{name}"] below [tool.blampert] in pyproject.toml'
            )
    return (
        f"no tests in {where}: add a test_*.py or *_test.py file for pytest, or name yours with pytest's python_files "
        "or with [tool.blampert] tests in pyproject.toml"
    )


def _no_targets(parts: Parts, doubtful: tuple[str, ...], where: str) -> str:
    if parts.broken:
        return next(iter(parts.broken.values()))
    if doubtful:
        which = (
            f"{doubtful[0]} has one" if len(doubtful) == 1 else f"{doubtful[0]} and {len(doubtful) - 1} more have one"
        )
        return f"no TODOs in {where} that ask for a function ({which}, but a working body): {_NO_TODO}"
    return f"no TODOs in {where}: {_NO_TODO}"
