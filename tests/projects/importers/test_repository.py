"""A repository becomes a project: what is stubbed, what is refused, and what is left as it was."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from blampert_env.errors import ProjectError
from blampert_env.projects import Project, load_solution
from blampert_env.projects.importers.repository import Imported, Validation, import_repository

TEXT = '''\
"""Text."""

import abc
import functools
from typing import overload


def wrap(text, width=10):
    """Wrap a text.

    Args:
        width: Of a line.
    """
    # TODO: memoize
    lines = []
    while text:
        lines.append(text[:width])
        text = text[width:]
    return lines


class Box:
    """A box."""

    @functools.lru_cache
    def size(self, unit):
        """Its size."""
        total = 0
        for part in "abc":
            total += len(part) * unit
        return total  # done

    @property
    def short(self):
        """Short."""
        return 1

    async def wait(self):
        """Wait."""
        one = 1
        two = 2
        return one + two

    def close(self):
        pass

    @abc.abstractmethod
    def area(self):
        """Area."""
        a = 1
        b = 2
        return a + b


@overload
def many(a: int) -> int: ...
def many(a):
    """Many."""
    a += 1
    a += 2
    return a


def bare(a):
    a += 1
    a += 2
    return a


def untested(a):
    """Nobody calls it."""
    a += 1
    a += 2
    return a


def registered(a):
    """Called as the module is loaded."""
    a += 1
    a += 2
    return a


TABLE = [registered(1)]


if TABLE:

    def twice(a):
        """Two of them."""
        a += 1
        a += 1
        return a
else:

    def twice(a):
        """Two of them."""
        b = a
        a += b
        return a
'''
TEST = """\
import pytest
from pkg.text import Box, bare, many, registered, twice, wrap


def test_wrap():
    assert wrap("abcd", 2) == ["ab", "cd"]


def test_all():
    box = Box()
    assert [box.size(1), box.short, box.wait(), box.close(), box.area(), many(1), bare(1), registered(1), twice(1)]
"""
FILES = {
    "pkg/__init__.py": "",
    "pkg/text.py": TEXT,
    "tests/test_text.py": TEST,
    "pyproject.toml": '[project]\nname = "pkg"\n\n[tool.pytest.ini_options]\ntestpaths = "tests"\n',
    "README.md": "# Text\n",
    ".coveragerc": "[run]\n",
    "docs/conf.py": "x = 1\n",
}
FIT = {"pkg/text.py::wrap", "pkg/text.py::Box.size", "pkg/text.py::Box.wait"}


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode() if isinstance(text, str) else text)
    return root


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return write(tmp_path / "repository", FILES)


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_a_function_by_name(repository: Path, tmp_path: Path) -> None:
    before = contents(repository)
    done = import_repository(repository, tmp_path / "made", targets=["pkg/text.py::wrap"])
    assert contents(repository) == before
    assert done.targets == ("pkg/text.py::wrap",)
    assert not done.refused
    made = contents(tmp_path / "made")
    assert made["pkg/text.py"].decode() == TEXT.replace(
        TEXT[TEXT.index("    # TODO: memoize") : TEXT.index("\n\nclass Box")],
        "    raise NotImplementedError  # TODO: implement wrap\n",
    )
    assert made["solution/pkg/text.py"].decode() == TEXT
    assert made["pyproject.toml"].decode() == FILES["pyproject.toml"] + (
        '\n[tool.blampert]\ntargets = [\n    "pkg/text.py::wrap",\n]\n'
    )
    for path in FILES.keys() - {"pkg/text.py", "pyproject.toml"}:
        assert made[path] == before[path]
    project = Project.load(tmp_path / "made")
    assert project == done.project
    assert [(target.id, target.kind) for target in project.targets] == [("pkg/text.py::wrap", "todo")]
    assert project.targets[0].docstring.startswith("Wrap a text.")  # type: ignore[union-attr]
    assert load_solution(tmp_path / "made") == {"pkg/text.py": TEXT}


def test_several_with_decorators_and_async(repository: Path, tmp_path: Path) -> None:
    done = import_repository(repository, tmp_path / "made", targets=["Box.wait", "Box.size", "wrap"])
    assert done.targets == ("pkg/text.py::wrap", "pkg/text.py::Box.size", "pkg/text.py::Box.wait")
    sources = {target.qualname: target.source for target in done.project.targets}
    assert sources["Box.size"] == (
        '@functools.lru_cache\ndef size(self, unit):\n    """Its size."""\n'
        "    raise NotImplementedError  # TODO: implement size\n"
    )
    assert sources["Box.wait"].startswith("async def wait(self):\n")


def test_the_choice_is_by_seed_and_of_what_fits(repository: Path, tmp_path: Path) -> None:
    made = [import_repository(repository, tmp_path / f"m{n}", count=2, seed=n % 4).targets for n in range(8)]
    assert made[:4] == made[4:]
    assert len(set(made)) > 1
    assert {name for names in made for name in names} == FIT
    assert set(import_repository(repository, tmp_path / "all", count=99).targets) == FIT


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("wrp", "is not there: did you mean 'pkg/text.py::wrap'?"),
        ("Box.sizes", "is not there: did you mean 'pkg/text.py::Box.size'?"),
        ("pkg/text.py::zzzzzz", "is not there"),
        ("Box.close", "has no body"),
        ("Box.short", "has a body of 1 line, not of 3 to 40"),
        ("Box.area", "is abstract or an overload"),
        ("many@2", "is a setter, or defined more than once"),
        ("bare", "has no docstring"),
        ("untested", "is mentioned by no test"),
        ("registered", "is called while its module is imported"),
        ("twice", "is a setter, or defined more than once"),
    ],
)
def test_why_a_name_is_refused(repository: Path, tmp_path: Path, name: str, reason: str) -> None:
    done = import_repository(repository, tmp_path / "made", targets=["wrap", name])
    assert done.targets == ("pkg/text.py::wrap",)
    assert list(done.refused) == [name]
    assert done.refused[name].startswith(reason)
    with pytest.raises(ProjectError, match="nothing to import") as caught:
        import_repository(repository, tmp_path / "other", targets=[name])
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "other").exists()


def test_what_validation_refuses_is_put_back_and_replaced(repository: Path, tmp_path: Path) -> None:
    asked = []

    def validate(project: Project, originals: Mapping[str, str]) -> Validation:
        asked.append([target.id for target in project.targets])
        assert originals == {"pkg/text.py": TEXT}
        return Validation({name: "makes no test fail" for name in asked[-1] if name.endswith("wrap")})

    done = import_repository(repository, tmp_path / "made", count=2, validate=validate)
    assert done.targets == ("pkg/text.py::Box.size", "pkg/text.py::Box.wait")
    assert set(done.refused) <= {"pkg/text.py::wrap"}
    assert "# TODO: memoize" in (tmp_path / "made/pkg/text.py").read_text()
    every = import_repository(repository, tmp_path / "every", targets=["wrap", "Box.size"], validate=validate)
    assert every.refused == {"pkg/text.py::wrap": "makes no test fail"}


def test_one_that_cannot_be_graded_does_not_stop_the_others(repository: Path, tmp_path: Path) -> None:
    def validate(project: Project, originals: Mapping[str, str]) -> Validation:
        if any(target.name == "wait" for target in project.targets):
            raise ProjectError("tests/test_text.py cannot be collected")
        return Validation({})

    done = import_repository(repository, tmp_path / "made", targets=["wrap", "Box.wait"], validate=validate)
    assert done.targets == ("pkg/text.py::wrap",)
    assert done.refused == {"pkg/text.py::Box.wait": "cannot be graded: tests/test_text.py cannot be collected"}


def stub_of(tmp_path: Path, files: Mapping[str, str | bytes], name: str = "wrap") -> Imported:
    return import_repository(write(tmp_path / "r", {**FILES, **files}), tmp_path / "made", targets=[name])


def test_line_ends_and_byte_order_mark_stay(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode()
    stub_of(tmp_path, {"pkg/text.py": text})
    made = (tmp_path / "made/pkg/text.py").read_bytes()
    assert made.startswith(b"\xef\xbb\xbf")
    assert made.count(b"\n") == made.count(b"\r\n")
    assert b"raise NotImplementedError  # TODO: implement wrap\r\n" in made


@pytest.mark.parametrize(
    "toml",
    ["", "[project]\r\nname = 'pkg'\r\n", "[tool.blampert]  # ours\ntests = ['tests']\n\n[tool.x]\ny = 1\n", "a = 1"],
)
def test_any_pyproject_gets_the_targets(tmp_path: Path, toml: str) -> None:
    done = stub_of(tmp_path, {"pyproject.toml": toml})
    assert done.targets == ("pkg/text.py::wrap",)
    assert done.project.arguments == (("tests",) if "tests" in toml else ())


def test_tests_in_test_py_are_named(tmp_path: Path) -> None:
    files = {path: text for path, text in FILES.items() if not path.startswith(("tests/", "pyproject"))}
    root = write(tmp_path / "r", {**files, "test.py": TEST})
    done = import_repository(root, tmp_path / "made", targets=["wrap"])
    assert done.project.arguments == ("test.py",)
    assert list(done.project.tests) == ["test.py"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"pyproject.toml": "[tool.blampert]\ntargets = ['wrap']\n"}, "is a project already"),
        ({"pyproject.toml": "tool = {x = 1}\n"}, r"cannot be added to pyproject\.toml"),
        ({"pyproject.toml": "[tool.pytest.ini_options]\npython_files = 'x.py'\n"}, "no tests in"),
        ({"tests/test_text.py": "def (\n"}, r"tests/test_text\.py, line 1"),
    ],
)
def test_repositories_that_cannot_be_imported(tmp_path: Path, files: dict[str, str], message: str) -> None:
    with pytest.raises(ProjectError, match=message) as caught:
        stub_of(tmp_path, files)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "made").exists()


def test_folders_that_cannot_be_used(repository: Path, tmp_path: Path) -> None:
    for source, goal, message in (
        (tmp_path / "nowhere", tmp_path / "made", "does not exist"),
        (repository / "README.md", tmp_path / "made", "is a file"),
        (repository, repository, "exists already"),
        (repository, repository / "made", "lies in the repository itself"),
    ):
        with pytest.raises(ProjectError, match=message):
            import_repository(source, goal)
    with pytest.raises(ProjectError, match="cannot choose 0"):
        import_repository(repository, tmp_path / "made", count=0)
