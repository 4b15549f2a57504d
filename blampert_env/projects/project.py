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
from blampert_env.projects.contents import content_hash, readme_text, requirement_lines, sort_files
from blampert_env.projects.files import check_limits, read_folder, read_held_out
from blampert_env.projects.syntax import check_compiles
from blampert_env.projects.target import Target, find_targets

_NO_TODO = "mark a function with '# TODO' or leave its body as 'raise NotImplementedError'"


@dataclass(frozen=True, eq=False)
class Project:
    """A folder of Python files with TODOs and pytest tests, read once and never changed.

    Two projects are equal if their files are, whatever their names. Projects can be pickled.

    Attributes:
        name: ``"math_operations"``, snake case.
        root: The folder it was read from; None for a project that lives in memory.
        sources: Editable Python files: relative POSIX path to text, line ends and byte order mark as on disk.
        tests: Visible test files (``test_*.py``, ``*_test.py``).
        support: Whatever else a test run needs: conftest.py, helpers in ``tests/``, configuration, data, README.
        held_out: Files under ``held_out/``, never shown to the LM or the policy.
        targets: The functions to implement, in file order.
        requirements: Lines of requirements.txt, without comments and options.
        readme: Text of the README at the top.
        fingerprint: SHA-256 over all files, held-out ones included, and nothing else.
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

    @classmethod
    def load(cls, path: str | Path, *, name: str | None = None) -> Project:
        """Read a project's folder.

        Hidden files, caches, virtual environments, ``build/``, ``dist/`` and the reference ``solution/`` are ignored.

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
        held_out = read_held_out(root)
        return cls.from_files(name or root.name, read_folder(root), held_out=held_out, root=root)

    @classmethod
    def from_files(
        cls,
        name: str,
        files: Mapping[str, str | bytes],
        *,
        held_out: Mapping[str, str | bytes] | None = None,
        root: Path | None = None,
        require_tests: bool = True,
    ) -> Project:
        """Make a project from files in memory.

        Args:
            name: Its name; made snake case.
            files: Relative POSIX path to content.
            held_out: Likewise; paths are under ``held_out/`` and get that prefix if they lack it. Files of ``files``
                that lie there are taken as held out, too.
            root: The folder that the files came from, if any.
            require_tests: Whether a project without visible tests is an error.

        Raises:
            ProjectError: No Python, no TODO, no tests, not UTF-8, a syntax error, an unusable path, or too big.
        """
        where = str(root or name)
        sources, tests, support, hidden = sort_files(files, held_out or {})
        check_limits((*sources.values(), *tests.values(), *support.values(), *hidden.values()), where)
        if not sources:
            raise ProjectError(f"no Python files to work on in {where}: add a .py file with a '# TODO' in a function")
        if require_tests and not tests:
            raise ProjectError(f"no tests in {where}: add a test_*.py or *_test.py file for pytest")
        for path, text in (*sources.items(), *tests.items()):
            _check_syntax(path, text, where)
        targets = tuple(target for path, text in sources.items() for target in find_targets(path, text))
        if not targets:
            raise ProjectError(f"no TODOs in {where}: {_NO_TODO}")
        return cls(
            name=snake_case(name),
            root=root,
            sources=MappingProxyType(sources),
            tests=MappingProxyType(tests),
            support=MappingProxyType(support),
            held_out=MappingProxyType(hidden),
            targets=targets,
            requirements=requirement_lines(support.get("requirements.txt", b"")),
            readme=readme_text(support),
            fingerprint=content_hash(sources, tests, support, hidden),
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
        from blampert_env.projects.relevance import mentions

        return MappingProxyType(mentions(self))

    def tests_for(self, target: Target) -> str:
        """Source of the visible tests that mention a target, with the imports, fixtures and helpers they use.

        Returns:
            Python text in file order for prompts; empty if no test mentions the target.
        """
        from blampert_env.projects.relevance import render_tests

        return render_tests(self, target)

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


def _check_syntax(path: str, text: str, where: str) -> None:
    try:
        check_compiles(text)
        find_targets(path, text)
    except SyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        raise ProjectError(f"{path}{line} in {where}: {error.msg}: correct the syntax") from None
    except RecursionError:
        raise ProjectError(f"{path} in {where} is nested too deeply: simplify it") from None
