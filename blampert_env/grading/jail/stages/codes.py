"""Code that was compiled before: who imports the same text again need not compile it, nor rewrite its assertions.

A project's files cost more to compile than most of its tests to run, and every session and every evaluation that
imports them anew has the same ones but for what the candidate wrote. Python's own cache does not serve here: nothing in
the jail may write beside the sources, and what a candidate could write there must not be believed.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import importlib.machinery
import marshal
import os
import pathlib
import types
from collections.abc import Mapping
from typing import Any

_PLAIN, _REWRITTEN = "plain", "rewritten"


class Codes:
    """Code objects of a project's files by path, kind and content.

    Args:
        root: The folder that the project lies in.
        known: What :meth:`new` gave before, in this folder and under this interpreter and pytest.
    """

    def __init__(self, root: str, known: Mapping[str, str]) -> None:
        self.root = root
        self._codes: dict[str, types.CodeType] = {}
        self._old = frozenset(known)
        for key, data in known.items():
            self._codes[key] = marshal.loads(base64.b64decode(data))

    def new(self) -> dict[str, str]:
        """What was compiled since, as JSON has it."""
        fresh = self._codes.keys() - self._old
        return {key: base64.b64encode(marshal.dumps(self._codes[key])).decode() for key in fresh}

    def plain(self, path: str, content: bytes) -> types.CodeType:
        """A module's code; ``path`` is the whole one. Raises as :func:`compile`."""
        key = _key(_PLAIN, path, content)
        if key not in self._codes:
            self._codes[key] = compile(content, path, "exec", dont_inherit=True)
        return self._codes[key]

    def rewritten(self, path: str, content: bytes) -> types.CodeType:
        """A test file's code, assertions rewritten; ``path`` is the whole one. Raises as :func:`compile`."""
        from _pytest.assertion import rewrite

        key = _key(_REWRITTEN, path, content)
        if key not in self._codes:
            tree = ast.parse(content, filename=path)
            rewrite.rewrite_asserts(tree, content, path)
            self._codes[key] = compile(tree, path, "exec", dont_inherit=True)
        return self._codes[key]

    def install(self) -> None:
        """Let imports of the project's files ask here first."""
        from _pytest.assertion import rewrite

        loader_class = importlib.machinery.SourceFileLoader
        to_code, rewrite_test = loader_class.source_to_code, rewrite._rewrite_test

        def source_to_code(loader: Any, data: Any, path: Any, *more: Any, **names: Any) -> Any:
            is_own = isinstance(data, bytes) and isinstance(path, str) and path.startswith(self.root + os.sep)
            return self.plain(path, data) if is_own else to_code(loader, data, path, *more, **names)

        def rewritten_test(path: pathlib.Path, config: Any) -> Any:
            file = str(path)
            if config.getini("enable_assertion_pass_hook") or not file.startswith(self.root + os.sep):
                return rewrite_test(path, config)
            return b"", self.rewritten(file, path.read_bytes())  # the hash is for a file that is not written

        setattr(loader_class, "source_to_code", source_to_code)  # noqa: B010
        rewrite._rewrite_test = rewritten_test  # type: ignore[assignment]


def _key(kind: str, path: str, content: bytes) -> str:
    return f"{kind} {hashlib.sha256(content).hexdigest()} {path}"
