"""A new project to begin with: code with a TODO, its tests, requirements and a README."""

from __future__ import annotations

import keyword
import secrets
import shutil
from pathlib import Path

from blampert_env.atomic import atomic_write_text
from blampert_env.errors import StorageError, UsageError
from blampert_env.projects import bundled_projects
from blampert_env.projects.project import snake_case
from blampert_env.workspace.create import DRAFT

_FILES = {
    "{name}.py": '''\
"""What this project is about."""


def slugify(text: str) -> str:
    """Turn a title into a part of a URL: lower case, words joined by "-", everything but letters and digits left out.

    >>> slugify("Hello, World!")
    'hello-world'
    """
    # TODO: implement
    raise NotImplementedError
''',
    "test_{name}.py": """\
import pytest

from {name} import slugify


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", "hello-world"),
        ("  one   two  ", "one-two"),
        ("Python 3.11", "python-3-11"),
        ("", ""),
    ],
)
def test_slugify(text, expected):
    assert slugify(text) == expected
""",
    "solution/{name}.py": '''\
"""What this project is about."""

import re


def slugify(text: str) -> str:
    """Turn a title into a part of a URL: lower case, words joined by "-", everything but letters and digits left out.

    >>> slugify("Hello, World!")
    'hello-world'
    """
    return "-".join(re.findall(r"[a-z0-9]+", text.lower()))
''',
    "requirements.txt": "pytest>=8.3\n",
    "README.md": """\
# {title}

What the code is for, and when it is done: every test in `test_{name}.py` passes.

- Write functions with a docstring and `# TODO` in `{name}.py`, and tests of what the docstrings promise.
- `solution/` (optional, never shown to the agent) proves that the tests can pass; `held_out/` (optional) holds tests
  that are never shown either and only count in the evaluation.
- `blampert project check {name}` says whether it can be trained on.
""",
}


def new_project(name: str, into: Path) -> Path:
    """Write a project that can be trained on as it is, to be changed into one's own.

    Args:
        name: Its name; made snake case, as it becomes a module's name.
        into: The folder to put it in, such as the workspace's ``projects/``.

    Returns:
        The project's folder.

    Raises:
        UsageError: The name is no name for a module, or taken; nothing was written.
        StorageError: It cannot be written.
    """
    module = snake_case(name)
    if not module.isidentifier() or keyword.iskeyword(module) or not any(char.isalnum() for char in name):
        raise UsageError(f"{name!r} is no name for a project: begin with a letter, go on with letters, digits and '_'")
    if module in bundled_projects():
        raise UsageError(f"{module!r} is the name of a bundled project: choose another one")
    folder = into / module
    if folder.exists():
        raise UsageError(f"{folder} is there already: choose another name")
    draft = into / f"{DRAFT}{module}.{secrets.token_hex(4)}"
    try:
        for path, text in _FILES.items():
            goal = draft / path.replace("{name}", module)
            goal.parent.mkdir(parents=True, exist_ok=True)
            words = {"{name}": module, "{title}": module.replace("_", " ").capitalize()}
            for word, value in words.items():
                text = text.replace(word, value)
            atomic_write_text(goal, text)
        draft.rename(folder)
    except OSError as error:
        raise StorageError(f"cannot write {folder}: {error.strerror}; choose another folder") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder
