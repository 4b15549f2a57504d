"""Contents of a project's files: as bytes, as text, as one number."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from blampert_env.errors import ProjectError

_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


def check_paths(paths: Iterable[str]) -> None:
    """Refuse paths that could lead out of a project.

    Raises:
        ProjectError: One is absolute, or not in its shortest form.
    """
    for path in paths:
        if path != PurePosixPath(path).as_posix() or path.startswith("/") or {"..", "."} & set(path.split("/")):
            raise ProjectError(f"path {path!r} must be relative, with '/' and without '..'")


def as_bytes(content: str | bytes) -> bytes:
    """Content as bytes; text that is no valid Unicode too."""
    return content.encode("utf-8", "surrogatepass") if isinstance(content, str) else bytes(content)


def as_text(path: str, content: str | bytes) -> str:
    """Python source as text.

    Raises:
        ProjectError: It is not UTF-8, or declares another encoding.
    """
    raw = as_bytes(content)
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
            yield path, as_bytes(content)
