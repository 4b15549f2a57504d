"""What a project's packaging says: folders that an editable install puts on the path, and what it asks for."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_NAME = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:[\[(<>=!~;@,# ]|$)")
_SETUP_LISTS = {"install_requires", "tests_require", "extras_require", "setup_requires"}


def import_roots(files: Mapping[str, bytes], python: Iterable[str]) -> tuple[str, ...]:
    """Folders that ``pip install -e .`` would put on the path, then ``"."``, which ``python -m pytest`` adds.

    Args:
        files: Packaging files (pyproject.toml, setup.cfg, setup.py), path to content.
        python: Every Python file of the project; a ``src/`` that is no package counts as well.
    """
    paths = list(python)
    found = [posixpath.normpath(root) for root in _declared_roots(files) if root]
    if "src/__init__.py" not in paths:
        found.append("src")
    there = (root for root in found if any(path.startswith(f"{root}/") for path in paths))
    return tuple(dict.fromkeys((*there, ".")))


def requirement_names(files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Normalised names of every distribution that a project's files ask for: dependencies, extras, groups, tox, hatch.

    Names only, whatever their versions and markers: who loads plugins asks which of them are installed.
    """
    found: set[str] = set()
    for path, content in files.items():
        text = content.decode("utf-8", "replace").removeprefix("\ufeff")
        for line in _requirements(path, text):
            if match := _NAME.match(line):
                found.add(re.sub(r"[-_.]+", "-", match[1]).lower())
    return tuple(sorted(found - {"python"}))


def is_requirements(path: str) -> bool:
    """Whether a file lists requirements, by its name: ``requirements-dev.txt``, ``requirements/test.in``."""
    folder, _, name = path.lower().rpartition("/")
    listed = name.endswith((".txt", ".in"))
    return listed and ("requirements" in name or folder.rpartition("/")[2] in ("requirements", "reqs", "deps"))


def _requirements(path: str, text: str) -> Iterator[str]:
    name = path.rpartition("/")[2]
    if is_requirements(path):
        yield from (line for line in text.splitlines() if not line.lstrip().startswith(("-", "#")))
    elif "/" in path:
        return
    elif name in ("pyproject.toml", "Pipfile", "tox.toml"):
        yield from _from_toml(_toml(text))
    elif name in ("setup.cfg", "tox.ini"):
        yield from _from_ini(text)
    elif name in ("setup.py", "noxfile.py"):
        yield from _from_python(text)


def _from_toml(document: dict[str, Any]) -> Iterator[str]:
    """Every list of requirements, wherever it stands: the names of the keys say what a list is."""
    todo: list[tuple[str, Any]] = [("", document)]
    while todo:
        key, value = todo.pop()
        for name, part in value.items():
            below = f"{key}.{name}"
            if isinstance(part, dict):
                # Poetry's and Pipenv's tables have the names as keys
                if re.fullmatch(r"\.tool\.poetry\.(.*\.)?(dev-)?dependencies|\.(dev-)?packages", below):
                    yield from part
                else:
                    todo.append((below, part))
            elif isinstance(part, list) and re.search(
                r"dependenc(y|ies)|requires|\.deps$|^\.dependency-groups\.|dev-dependencies", below
            ):
                yield from (line for line in part if isinstance(line, str))
            elif isinstance(part, str) and below.endswith("legacy_tox_ini"):
                yield from _from_ini(part)


def _from_ini(text: str) -> Iterator[str]:
    for section, options in _ini(text).items():
        for key, value in options.items():
            if key in ("deps", "install_requires", "tests_require") or section == "options.extras_require":
                lines = (re.sub(r"^[\w{},! .-]+:\s+", "", line.strip()) for line in value.splitlines())
                yield from (line for line in lines if not line.startswith(("-", "#", "{")))


def _from_python(text: str) -> Iterator[str]:
    """Literals given to ``setup(extras_require=...)`` and ``session.install(...)``."""
    for node in ast.walk(_python(text)):
        parts: list[ast.AST] = []
        if isinstance(node, ast.keyword) and node.arg in _SETUP_LISTS:
            parts = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "install":
            parts = list(node.args)
        elif isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and re.search("requires?|extras|deps", target.id, re.IGNORECASE)
            for target in node.targets
        ):
            parts = [node.value]
        for part in parts:
            strings = (inner.value for inner in ast.walk(part) if isinstance(inner, ast.Constant))
            yield from (string for string in strings if isinstance(string, str))


def _declared_roots(files: Mapping[str, bytes]) -> Iterator[str]:
    texts = {path: content.decode("utf-8", "replace") for path, content in files.items()}
    tool = _toml(texts.get("pyproject.toml", "")).get("tool", {})
    setuptools, poetry = _table(tool, "setuptools"), _table(tool, "poetry")
    yield _string(_table(setuptools, "package-dir").get(""))
    yield from _strings(_table(setuptools, "packages", "find").get("where"))
    for place in (_table(tool, "hatch", "build"), _table(tool, "hatch", "build", "targets", "wheel")):
        yield from (posixpath.dirname(package) or "." for package in _strings(place.get("packages")))
        yield from (source for source in _table(place, "sources") if isinstance(source, str))
        yield from _strings(place.get("sources"))
        yield from _strings(place.get("dev-mode-dirs"))
    packages = poetry.get("packages")
    yield from (_string(p.get("from")) for p in packages if isinstance(p, dict)) if isinstance(packages, list) else ()
    yield _string(_table(tool, "pdm", "build").get("package-dir"))
    yield _string(_table(tool, "maturin").get("python-source"))
    ini = _ini(texts.get("setup.cfg", ""))
    for line in ini.get("options", {}).get("package_dir", "").splitlines():
        package, _, folder = line.partition("=")
        yield "" if package.strip() else folder.strip()
    yield ini.get("options.packages.find", {}).get("where", "").strip()
    for node in ast.walk(_python(texts.get("setup.py", ""))):
        if isinstance(node, ast.keyword) and node.arg == "package_dir" and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "" and isinstance(value, ast.Constant):
                    yield _string(value.value)


def _table(table: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else {}


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _strings(value: object) -> list[str]:
    return [part for part in value if isinstance(part, str)] if isinstance(value, list) else []


def _toml(text: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError:  # said where it decides: settings.py, configuration.py
        return {}


def _ini(text: str) -> dict[str, dict[str, str]]:
    import configparser

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:  # an installer would say so; nothing here depends on it
        return {}
    return {name: dict(parser[name]) for name in parser.sections()}


def _python(text: str) -> ast.Module:
    from blampert_env.projects.syntax import tree_of

    return tree_of(text) or ast.Module([], [])  # what does not parse is run by no test
