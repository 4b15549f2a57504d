"""The diff is what patch(1) and git take."""

import shutil
import subprocess
from pathlib import Path

import pytest

from blampert_env.editing import unified_diff

CASES = {
    "change": ({"a.py": "x\ny\n"}, {"a.py": "x\nz\n"}),
    "no newline before": ({"a.py": "x\ny"}, {"a.py": "x\ny\n"}),
    "no newline after": ({"a.py": "x\ny\n"}, {"a.py": "x\ny"}),
    "no newline at all": ({"a.py": "x"}, {"a.py": "y"}),
    "crlf": ({"a.py": "x\r\ny\r\nz"}, {"a.py": "x\r\nY\r\nz"}),
    "mixed line ends": ({"a.py": "x\r\ny\rz\n\x0c\n"}, {"a.py": "x\ny\rz\r\n\x0c\u2028\n"}),
    "several hunks": (
        {"a.py": "".join(f"{i}\n" for i in range(50))},
        {"a.py": "".join(f"{i * (i % 20 != 0)}\n" for i in range(50))},
    ),
    "folders and spaces": ({"a b/c d.py": "x\n", "e.py": "1\n"}, {"a b/c d.py": "y\n", "e.py": "2\n"}),
    "new file": ({"a.py": "x\n"}, {"a.py": "x\n", "src/new.py": "y\n"}),
    "gone file": ({"a.py": "x\n", "b.py": "y\n"}, {"a.py": "x\n"}),
    "emptied": ({"a.py": "x\n"}, {"a.py": ""}),
    "filled": ({"a.py": ""}, {"a.py": "x\n"}),
    "unicode": ({"ä.py": "\ufeffä\n"}, {"ä.py": "\ufeffö\n"}),
    "looks like a header": ({"a.py": "-- a\n"}, {"a.py": "++ b\n-- c\n"}),
}


def write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())


def read(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_bytes().decode() for path in root.rglob("*.py")}


@pytest.mark.parametrize("command", [["patch", "-p1", "--quiet"], ["git", "apply", "--whitespace=nowarn", "-"]])
@pytest.mark.parametrize("case", CASES)
def test_diff_applies(tmp_path: Path, case: str, command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    before, after = CASES[case]
    write(tmp_path, before)
    subprocess.run(command, cwd=tmp_path, input=unified_diff(before, after).encode(), check=True, timeout=30)
    left = {path: text for path, text in read(tmp_path).items() if text or path in after}
    assert left == after


def test_format() -> None:
    assert unified_diff({"a.py": "x\ny"}, {"a.py": "x\nz\n"}) == (
        "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n x\n-y\n\\ No newline at end of file\n+z\n"
    )


def test_equal_files_have_no_diff() -> None:
    assert unified_diff({"a.py": "x", "b.py": ""}, {"b.py": "", "a.py": "x"}) == ""
