"""Loading folders, and what a Project promises."""

import pickle
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from blampert_env.errors import ProjectError
from blampert_env.projects import Project, load_solution
from blampert_env.projects import files as project_files

CALC = b"class Calculator:\r\n    def add(self, a, b):\r\n        # TODO\r\n        return 0\r\n"
TEST = b"from calculator import Calculator\n\ndef test_add():\n    assert Calculator().add(1, 2) == 3\n"


def write(root: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return root


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(
        tmp_path / "Math-Operations",
        {
            "calculator.py": b"\xef\xbb\xbf" + CALC,
            "src/pkg/__init__.py": b"",
            "src/pkg/core.py": b"def f():\n    pass\n\n\ndef g():\n    ...",
            "test_calculator.py": TEST,
            "tests/core_test.py": b"from pkg.core import f, g\n\ndef test_f():\n    assert f() == g()\n",
            "tests/helpers.py": b"def h(): pass\n",
            "tests/data.bin": b"\xff\x00",
            "conftest.py": b"",
            "setup.py": b"def f(): pass\n",
            "README.md": b"# Math\n",
            "requirements.txt": b"numpy>=1  # arrays\n# comment\n-r other.txt\n\npandas[x] @ git+u#egg\n",
            "held_out/test_more.py": b"def test_more(): pass\n",
            "solution/calculator.py": CALC,
            "solution/src/pkg/core.py": b"def f():\n    return 1\n\n\ndef g():\n    return 1\n",
            ".hidden/x.py": b"def f(): pass\n",
            ".env": b"SECRET=1",
            "__pycache__/x.pyc": b"",
            "venv/lib/x.py": b"def f(): pass\n",
            "other/pyvenv.cfg": b"",
            "other/x.py": b"def f(): pass\n",
            "build/x.py": b"def f(): pass\n",
            "x.egg-info/top.txt": b"",
        },
    )


def test_files_by_what_they_are_for(folder: Path) -> None:
    project = Project.load(folder)
    assert project.name == "math_operations"
    assert project.root == folder.resolve()
    assert list(project.sources) == ["calculator.py", "src/pkg/__init__.py", "src/pkg/core.py"]
    assert list(project.tests) == ["test_calculator.py", "tests/core_test.py"]
    assert list(project.support) == [
        *("README.md", "conftest.py", "requirements.txt", "setup.py", "tests/data.bin", "tests/helpers.py"),
        "x.egg-info/top.txt",
    ]
    assert dict(project.held_out) == {"held_out/test_more.py": b"def test_more(): pass\n"}
    assert [target.id for target in project.targets] == [
        *("calculator.py::Calculator.add", "src/pkg/core.py::f", "src/pkg/core.py::g"),
    ]
    assert project.requirements == ("numpy>=1", "pandas[x] @ git+u#egg")
    assert project.readme == "# Math\n"
    assert load_solution(folder)["calculator.py"] == CALC.decode()
    assert load_solution(folder / "src") == {}


def test_sources_keep_every_byte(folder: Path) -> None:
    assert Project.load(folder).sources["calculator.py"].encode() == b"\xef\xbb\xbf" + CALC


def test_links_that_leave_the_folder_are_not_followed(folder: Path, tmp_path: Path) -> None:
    secret = write(tmp_path / "elsewhere", {"secret.py": b"def f(): pass\n", "test_s.py": b""})
    (folder / "secret.py").symlink_to(secret / "secret.py")
    (folder / "linked").symlink_to(secret, target_is_directory=True)
    (folder / "broken.py").symlink_to(secret / "missing.py")
    (folder / "inside.py").symlink_to(folder / "calculator.py")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    project = Project.load(folder)
    assert "inside.py" in project.sources
    assert not {"secret.py", "broken.py", "linked/secret.py"} & {*project.sources, *project.support}
    assert not any(path.startswith("loop/") for path in project.sources)


def test_held_out_may_not_be_a_link_to_elsewhere(tmp_path: Path) -> None:
    elsewhere = write(tmp_path / "elsewhere", {"test_s.py": b""})
    root = write(tmp_path / "p", {"calculator.py": CALC, "test_calculator.py": TEST})
    (root / "held_out").symlink_to(elsewhere, target_is_directory=True)
    assert Project.load(root).held_out == {}


def test_project_is_a_value(folder: Path) -> None:
    project, other = Project.load(folder), Project.load(folder, name="Other Name")
    assert other.name == "other_name"
    assert project == other
    assert hash(project) == hash(other)
    assert project != "project"
    copy = pickle.loads(pickle.dumps(project))
    assert copy == project
    assert copy.targets == project.targets
    assert copy.test_targets == project.test_targets
    with pytest.raises(FrozenInstanceError):
        project.name = "x"  # type: ignore[misc]
    for value in (project, copy):
        with pytest.raises(TypeError):
            value.sources["x.py"] = ""  # type: ignore[index]


@pytest.mark.parametrize("path", ["calculator.py", "test_calculator.py", "README.md", "held_out/test_more.py"])
def test_fingerprint_sees_every_file(folder: Path, path: str) -> None:
    before = Project.load(folder)
    with (folder / path).open("ab") as file:
        file.write(b"#")
    assert Project.load(folder) != before


def test_in_memory_equals_on_disk(folder: Path) -> None:
    loaded = Project.load(folder)
    files = {**loaded.sources, **loaded.tests, **loaded.support}
    apart = Project.from_files("x", files, held_out={"test_more.py": "def test_more(): pass\n"})
    solution = {f"solution/{path}": text for path, text in load_solution(folder).items()}
    together = Project.from_files("x", {**files, **loaded.held_out, **solution})
    assert loaded == apart == together
    assert apart.root is None


def test_target_by_id(folder: Path) -> None:
    project = Project.load(folder)
    assert project.target("src/pkg/core.py::g").kind == "ellipsis"
    with pytest.raises(ProjectError, match=r"did you mean 'calculator.py::Calculator.add'"):
        project.target("calculator.py::Calculator.ad")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"README.md": b""}, "no Python files"),
        ({"test_a.py": b""}, "no Python files"),
        ({"a.py": CALC}, "no tests"),
        ({"a.py": b"x = 1\n", "test_a.py": b""}, "no TODOs"),
        ({"a.py": b"def f(:\n", "test_a.py": b""}, r"a\.py, line 1 .*correct the syntax"),
        ({"a.py": CALC, "test_a.py": b"\n\nx = ("}, r"test_a\.py, line 3 "),
        ({"a.py": CALC + b"return 1\n", "test_a.py": b""}, r"a\.py, line 5 .*outside function"),
        ({"a.py": b"\n# \xff\n" + CALC, "test_a.py": b""}, r"a\.py, line 2 is not UTF-8"),
        ({"a.py": b"# -*- coding: latin-1 -*-\n" + CALC, "test_a.py": b""}, "declares the encoding latin-1"),
        ({"a.py": CALC + b"\0", "test_a.py": b""}, r"a\.py.*null bytes"),
    ],
)
def test_one_line_about_what_is_wrong(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(ProjectError, match=message) as caught:
        Project.load(write(tmp_path / "p", files))
    assert "\n" not in str(caught.value)


def test_not_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file.py").touch()
    with pytest.raises(ProjectError, match="is a file"):
        Project.load(tmp_path / "file.py")
    with pytest.raises(ProjectError, match="does not exist"):
        Project.load(tmp_path / "missing")


@pytest.mark.parametrize(("limit", "value"), [("MAX_FILES", 3), ("MAX_BYTES", 300)])
def test_too_big(folder: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    monkeypatch.setattr(project_files, limit, value)
    with pytest.raises(ProjectError, match="holds more than"):
        Project.load(folder)
    with pytest.raises(ProjectError, match="holds more than"):
        Project.from_files("x", {f"{index}.py": CALC for index in range(5)}, require_tests=False)


@pytest.mark.parametrize("path", ["/a.py", "../a.py", "a/../b.py", "a//b.py", "./a.py"])
def test_unusable_path(path: str) -> None:
    with pytest.raises(ProjectError, match="must be relative"):
        Project.from_files("x", {path: CALC, "test_a.py": b""})


def test_utf8_declared_in_any_spelling() -> None:
    files = {"a.py": b"#!/usr/bin/python\n# vim: fileencoding=UTF_8\n" + CALC}
    assert len(Project.from_files("x", files, require_tests=False).targets) == 1
