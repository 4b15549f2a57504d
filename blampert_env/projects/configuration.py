"""pytest's configuration, read as pytest 9 reads it, without running anything.

Which file decides, and how its values are typed, follows ``_pytest/config/findpaths.py`` and ``Config._getini``: the
first of the files below that exists and has pytest's table, from the folder of the arguments up to the root.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any

from blampert_env.errors import ProjectError
from blampert_env.projects.options import NO_OPTIONS, Options, read_options

# Those before pyproject.toml decide by being there, the others if they have pytest's table.
_FILES = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")


@dataclass(frozen=True, slots=True)
class PytestConfig:
    """What pytest is told by a project's configuration file and by its ``addopts``.

    Attributes:
        file: The file that decides, relative to the project; None if there is none.
        testpaths: Where tests are, as written (globs are allowed); empty for everywhere.
        python_files: Patterns of test files' names.
        python_classes: Prefixes or patterns of test classes' names.
        python_functions: Prefixes or patterns of test functions' names.
        norecursedirs: Patterns of folders that are not entered.
        pythonpath: Folders put on ``sys.path``, relative to the project.
        addopts: Options that are always given.
        required_plugins: Distributions that the configuration asks for, as written.
        options: What ``addopts`` says of collection.
    """

    file: str | None = None
    testpaths: tuple[str, ...] = ()
    python_files: tuple[str, ...] = ("test_*.py", "*_test.py")
    python_classes: tuple[str, ...] = ("Test",)
    python_functions: tuple[str, ...] = ("test",)
    norecursedirs: tuple[str, ...] = ("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}")
    pythonpath: tuple[str, ...] = ()
    addopts: tuple[str, ...] = ()
    required_plugins: tuple[str, ...] = ()
    options: Options = NO_OPTIONS

    def is_test_function(self, name: str) -> bool:
        """Whether pytest takes a function of this name as a test."""
        return _matches(name, self.python_functions)

    def is_test_class(self, name: str) -> bool:
        """Whether pytest takes a class of this name as one of tests (a ``TestCase`` is one whatever its name)."""
        return _matches(name, self.python_classes)


DEFAULT = PytestConfig()


def _matches(name: str, patterns: Iterable[str]) -> bool:
    """As ``PyCollector._matches_prefix_or_glob_option``: a prefix, or a pattern if it has a wildcard."""
    return any(name.startswith(p) or (any(c in p for c in "*?[") and fnmatch(name, p)) for p in patterns)


def read_configuration(files: Mapping[str, str | bytes], arguments: Sequence[str] = ()) -> PytestConfig:
    """The configuration that pytest uses when it is run at a project's root.

    Args:
        files: Path to content of the project's files; only those that may configure pytest are looked at.
        arguments: Files and folders given on pytest's command line.

    Raises:
        ProjectError: The file that decides cannot be read as pytest would have it.
    """
    path, table, is_toml = _locate(files, _ancestor(files, arguments))
    folder = posixpath.dirname(path or "")
    values = {key: value for key in ("addopts", *_LISTS) if (value := _value(path, key, table, is_toml)) is not None}
    addopts = values.pop("addopts", ())
    options = read_options(addopts, files)
    for override in options.overrides:
        key, _, text = override.partition("=")
        if key in _LISTS:
            values[key] = _split(path, key, text)
    if "pythonpath" in values:
        values["pythonpath"] = tuple(posixpath.normpath(posixpath.join(folder, part)) for part in values["pythonpath"])
    return replace(DEFAULT, file=path, addopts=addopts, options=options, **values)  # type: ignore[arg-type]


_LISTS = (
    *("testpaths", "python_files", "python_classes", "python_functions", "norecursedirs", "pythonpath"),
    "required_plugins",
)


def _ancestor(files: Mapping[str, str | bytes], arguments: Sequence[str]) -> str:
    """The folder that holds all arguments, from which pytest looks upwards; the root without arguments."""
    places = [posixpath.normpath(argument.split("::")[0]) for argument in arguments]
    folders = [posixpath.dirname(place) if place in files or place == "." else place for place in places]
    return posixpath.commonpath(folders) if folders and all(folders) else ""


def _locate(files: Mapping[str, str | bytes], folder: str) -> tuple[str | None, Mapping[str, Any], bool]:
    """The deciding file, pytest's table in it, and whether its values are TOML's own."""
    fallback = None
    while True:
        for name in _FILES:
            path = posixpath.join(folder, name)
            if path not in files:
                continue
            if name == "pyproject.toml":
                fallback = fallback or path
            found = _table(path, name, _text(path, files[path]))
            if found is not None:
                return path, *found
        if not folder:
            return fallback, {}, False
        folder = posixpath.dirname(folder)


def _table(path: str, name: str, text: str) -> tuple[Mapping[str, Any], bool] | None:
    """pytest's table of one file and whether it is TOML mode; None if the file does not decide."""
    if name in ("pytest.toml", ".pytest.toml"):
        return _dict(path, read_toml(path, text), "pytest"), True
    if name == "pyproject.toml":
        tool = _dict(path, _dict(path, read_toml(path, text), "tool"), "pytest")
        native = {key: value for key, value in tool.items() if key != "ini_options"}
        if native and tool.get("ini_options"):
            raise ProjectError(f"{path} has both [tool.pytest] and [tool.pytest.ini_options]: keep one of them")
        if native or "ini_options" not in tool:
            return (native, True) if native else None
        return _dict(path, tool, "ini_options"), False
    sections = _sections(path, text)
    if name == "setup.cfg":
        if "tool:pytest" not in sections and "pytest" in sections:
            raise ProjectError(f"{path} has a [pytest] section, which pytest refuses: call it [tool:pytest]")
        return (sections["tool:pytest"], False) if "tool:pytest" in sections else None
    if name in ("pytest.ini", ".pytest.ini"):
        return sections.get("pytest", {}), False
    return (sections["pytest"], False) if "pytest" in sections else None


def _dict(path: str, table: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise ProjectError(f"{path}: {key} must be a table, not {value!r}")
    return value


def read_toml(path: str, text: str) -> dict[str, Any]:
    """A TOML document.

    Raises:
        ProjectError: It is none.
    """
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{path} is not valid TOML ({error}): correct it") from None


def _sections(path: str, text: str) -> dict[str, dict[str, str]]:
    """An INI file with pytest's own parser."""
    from iniconfig import IniConfig, ParseError

    try:
        parsed = IniConfig(path, data=text)
    except ParseError as error:
        raise ProjectError(f"{path}, line {error.lineno + 1} cannot be read ({error.msg}): correct it") from None
    return {section.name: dict(section.items()) for section in parsed}


def _value(path: str | None, key: str, table: Mapping[str, Any], is_toml: bool) -> tuple[str, ...] | None:
    value = table.get(key)
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    if isinstance(value, str) and not is_toml:
        return _split(path, key, value)
    kind = "a list of strings" if is_toml else "text or a list of strings"
    raise ProjectError(f"{path}: pytest's {key} must be {kind}, not {value!r}")


def _split(path: str | None, key: str, text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ProjectError(f"{path}: pytest's {key} cannot be split into words ({error}): correct it") from None


def _text(path: str, content: str | bytes) -> str:
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise ProjectError(f"{path} is not UTF-8 text: save the file as UTF-8") from None
