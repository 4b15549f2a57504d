"""A project's files by what they are for: sources, tests, support, held out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from blampert_env.errors import ProjectError

_NOT_EDITABLE = {"conftest.py", "setup.py", "noxfile.py", "sitecustomize.py", "usercustomize.py"}
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


def is_test_file(path: str) -> bool:
    """Whether pytest would collect the file by its name."""
    name = PurePosixPath(path).name
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def _is_source(path: str) -> bool:
    *folders, name = PurePosixPath(path).parts
    in_tests = any(folder in ("test", "tests") for folder in folders)
    return name.endswith(".py") and name not in _NOT_EDITABLE and not in_tests


def sort_files(
    files: Mapping[str, str | bytes], held_out: Mapping[str, str | bytes]
) -> tuple[dict[str, str], dict[str, str], dict[str, bytes], dict[str, bytes]]:
    """Sources, tests, support and held-out files, each sorted by path; the reference solution is left out.

    Raises:
        ProjectError: A path is unusable or a Python file is not UTF-8.
    """
    sources: dict[str, str] = {}
    tests: dict[str, str] = {}
    support: dict[str, bytes] = {}
    hidden = {f"held_out/{path.removeprefix('held_out/')}": _bytes(content) for path, content in held_out.items()}
    for path in sorted(files):
        if path.startswith("solution/"):
            continue
        if path.startswith("held_out/"):
            hidden[path] = _bytes(files[path])
        elif is_test_file(path):
            tests[path] = _text(path, files[path])
        elif _is_source(path):
            sources[path] = _text(path, files[path])
        else:
            support[path] = _bytes(files[path])
    for path in (*files, *hidden):
        if path != PurePosixPath(path).as_posix() or path.startswith("/") or {"..", "."} & set(path.split("/")):
            raise ProjectError(f"path {path!r} must be relative, with '/' and without '..'")
    return sources, tests, support, dict(sorted(hidden.items()))


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8", "surrogatepass") if isinstance(content, str) else bytes(content)


def _text(path: str, content: str | bytes) -> str:
    raw = _bytes(content)
    for line in raw.split(b"\n", 2)[:2]:
        declared = _CODING.match(line)
        if declared and declared[1].lower().replace(b"_", b"-") not in (b"utf-8", b"utf8", b"utf-8-sig", b"ascii"):
            raise ProjectError(f"{path} declares the encoding {declared[1].decode()}: save it as UTF-8")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line_number = raw.count(b"\n", 0, error.start) + 1
        raise ProjectError(f"{path}, line {line_number} is not UTF-8 text: save the file as UTF-8") from None


def requirement_lines(content: bytes) -> tuple[str, ...]:
    """The requirements in a requirements.txt, without comments and options."""
    text = content.decode("utf-8", "replace").removeprefix("\ufeff").replace("\\\r\n", "").replace("\\\n", "")
    lines = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("-"))


def readme_text(support: Mapping[str, bytes]) -> str | None:
    """Text of the README at the top, if there is one."""
    for path in sorted(support):
        if "/" not in path and path.lower().split(".")[0] == "readme":
            return support[path].decode("utf-8", "replace")
    return None


def content_hash(*groups: Mapping[str, str] | Mapping[str, bytes]) -> str:
    """SHA-256 over paths and contents."""
    digest = hashlib.sha256()
    for path, content in sorted(_items(groups)):
        for part in (path.encode("utf-8", "surrogateescape"), content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _items(groups: Iterable[Mapping[str, str] | Mapping[str, bytes]]) -> Iterable[tuple[str, bytes]]:
    for group in groups:
        for path, content in group.items():
            yield path, _bytes(content)
