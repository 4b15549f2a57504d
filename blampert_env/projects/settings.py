"""``[tool.blampert]`` in pyproject.toml: what a project says of itself.

::

    [tool.blampert]
    tests = ["test.py"]                           # files and folders given to pytest on its command line
    targets = ["pkg/text.py::Text.wrap"]          # the functions to write, and only these
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from blampert_env.errors import ProjectError, unknown_name
from blampert_env.projects.configuration import read_toml

_KEYS = ("tests", "targets")


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``[tool.blampert]`` says.

    Attributes:
        tests: Files and folders given to pytest on its command line, relative to the project.
        targets: Names of the functions to write, such as ``"pkg/text.py::Text.wrap"``; empty if none are named.
    """

    tests: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


def read_settings(files: Mapping[str, str | bytes]) -> Settings:
    """The settings in the ``pyproject.toml`` at the top.

    Raises:
        ProjectError: It is not TOML, a key is unknown, a value has the wrong type, or a test path is not there.
    """
    content = files.get("pyproject.toml", b"")
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    tool = read_toml("pyproject.toml", text.replace("\r\n", "\n")).get("tool", {})
    table = tool.get("blampert", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise ProjectError(f"pyproject.toml: [tool.blampert] must be a table, not {table!r}")
    for key, value in table.items():
        if key not in _KEYS:
            raise ProjectError(f"pyproject.toml, [tool.blampert]: {unknown_name('key', key, _KEYS)}")
        if not isinstance(value, list) or not all(isinstance(part, str) and part.strip() for part in value):
            raise ProjectError(f"pyproject.toml, [tool.blampert]: {key} must be a list of strings, not {value!r}")
    settings = Settings(tuple(table.get("tests", ())), tuple(table.get("targets", ())))
    for test in settings.tests:
        path = posixpath.normpath(test.split("::")[0])
        if path != "." and path not in files and not any(name.startswith(f"{path}/") for name in files):
            raise ProjectError(f"pyproject.toml, [tool.blampert]: tests names {test!r}, which is not there: correct it")
    return settings
