"""The candidate's files: which of them count, and what tells two candidates apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from blampert_env.projects import Project

MAX_SOURCE = 2_000_000


def candidate_sources(project: Project, files: Mapping[str, str | bytes]) -> dict[str, bytes] | None:
    """Every source of the project, as the candidate has it.

    Args:
        project: What the candidate is for.
        files: Relative path to content. Files of the project that are no sources (tests, conftest.py, configuration)
            are left out, whatever their content.

    Raises:
        TypeError: ``files`` is no mapping.

    Returns:
        Path to content; None if a path is not the project's, or a source is neither text nor bytes or too big.
    """
    if not isinstance(files, Mapping):
        raise TypeError(f"a candidate is a mapping of file name to text, not {type(files).__name__}")
    sources = encode(project.sources)
    protected = project.tests.keys() | project.support.keys() | project.held_out.keys()
    for path, content in files.items():
        if path in sources:
            if not isinstance(content, str | bytes) or len(content) > max(MAX_SOURCE, 4 * len(sources[path])):
                return None
            sources |= encode({path: content})
        elif path not in protected:
            return None
    return sources


def encode(files: Mapping[str, str] | Mapping[str, str | bytes]) -> dict[str, bytes]:
    """Contents as bytes; text that is not valid Unicode becomes a file that Python refuses, not an exception."""
    return {
        path: content.encode("utf-8", "surrogatepass") if isinstance(content, str) else bytes(content)
        for path, content in files.items()
    }


def content_key(sources: Mapping[str, bytes]) -> str:
    """The same for the same files, SHA-256 in hex."""
    digest = hashlib.sha256()
    for path in sorted(sources):
        for part in (path.encode("utf-8", "surrogatepass"), sources[path]):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def as_text(sources: Mapping[str, bytes]) -> dict[str, str]:
    """Contents as text from which :func:`as_bytes` makes the same bytes, whatever they are."""
    return {path: content.decode("utf-8", "surrogateescape") for path, content in sources.items()}


def as_bytes(sources: Mapping[str, str]) -> dict[str, bytes]:
    """The bytes that :func:`as_text` was given."""
    return {path: text.encode("utf-8", "surrogateescape") for path, text in sources.items()}
