"""Other function bodies for a process that has imported and collected everything.

A candidate differs from the untouched project in the bodies of a few functions. Importing and collecting all of it
anew costs more than the tests do, so a fork of a collected session gets the candidate's code objects instead: each
function object that was made from a code object of the file, wherever it is now (decorated, aliased, a property, a
method of a class), receives the one that stands at the same place in the candidate's file. The trainer sees to it that
nothing else differs, and that none of what differs ran while everything was imported (`edits.py` there); what does not
fit all the same is said, and the caller imports anew.
"""

from __future__ import annotations

import ast
import gc
import os
import sys
import types
from collections.abc import Iterator, Mapping, Sequence

from .codes import Codes

Place = tuple[tuple[str, int], ...]  # from the module inwards: name of a code object, and how many had it before
_FUTURE_ANNOTATIONS, _HAS_DOCSTRING = 0x1000000, 0x4000000  # CO_FUTURE_ANNOTATIONS, CO_HAS_DOCSTRING


class Unfit(Exception):
    """A file's new code cannot take the place of the old."""


class Swapper:
    """The functions of a project's loaded sources, by where they stand in their files.

    Args:
        root: The folder that the project lies in.
        sources: Path to content, as they were loaded.
        codes: What they were loaded from.
    """

    def __init__(self, root: str, sources: Mapping[str, bytes], codes: Codes) -> None:
        self.root = root
        self.modules = _modules(root, sources)
        self.functions: dict[str, dict[Place, list[types.FunctionType]]] = {path: {} for path in self.modules}
        self.unfit: set[str] = set()
        # as the module has it: a test that puts "../src" on the path makes names that are not normal
        files = {str(module.__file__): path for path, module in self.modules.items()}
        # equal code objects stand on the same line and do the same, so either place will do
        by_code = {
            path: {code: place for place, code in places(_compiled(ast.parse(sources[path]), file))}
            for file, path in files.items()
        }
        for found in gc.get_objects():
            if type(found) is types.FunctionType and found.__code__.co_filename in files:
                path = files[found.__code__.co_filename]
                place = by_code[path].get(found.__code__)
                if place is None:  # loaded from other text, or rewritten
                    self.unfit.add(path)
                else:
                    self.functions[path].setdefault(place, []).append(found)

    def apply(self, path: str, content: bytes, added: Sequence[int], names: Sequence[str]) -> None:
        """Give a file's functions the code that they have in ``content``.

        Args:
            path: Of the file.
            content: Its new text.
            added: Numbers of the top-level statements that the old text lacks.
            names: Qualified names of the functions with other code; all others have moved at the most.

        Raises:
            Unfit: It cannot be done; nothing but new names was changed.
        """
        module = self.modules.get(path)
        if module is None or path in self.unfit:
            raise Unfit(path)
        file = str(module.__file__)
        code = compile(content, file, "exec", dont_inherit=True)
        found = dict(places(code))
        if lost := self._without_their_cell(path, found):
            found = dict(places(_compiled(_mentioning_classes(ast.parse(content, file), lost), file)))
        for place in found:
            if place not in self.functions[path] and ".".join(name for name, _ in place) in names:
                raise Unfit(path)  # what was made of it is not where it can be seen
        pairs: list[tuple[list[types.FunctionType], types.CodeType]] = []
        for place, group in self.functions[path].items():
            other = found.get(place)
            if other is None or any(one.__code__.co_freevars != other.co_freevars for one in group):
                raise Unfit(path)
            pairs.append((group, other))
        if added:
            new = [ast.parse(content, file).body[number] for number in added]
            flags = code.co_flags & _FUTURE_ANNOTATIONS
            extra = compile(ast.Module(new, []), file, "exec", flags=flags, dont_inherit=True)
            try:
                exec(extra, vars(module))
            except Exception as error:  # an import that fails: to be seen where everything is imported
                raise Unfit(path) from error
        for group, other in pairs:
            for one in group:
                if one.__doc__ == _docstring(one.__code__):  # else it was set by hand
                    one.__doc__ = _docstring(other)
                one.__code__ = other

    def _without_their_cell(self, path: str, found: Mapping[Place, types.CodeType]) -> list[Place]:
        """Methods that had the cell of their class and no longer name it."""
        return [
            place
            for place, group in self.functions[path].items()
            if (other := found.get(place)) is not None
            and any(set(one.__code__.co_freevars) - set(other.co_freevars) == {"__class__"} for one in group)
        ]


def _mentioning_classes(tree: ast.Module, methods: Sequence[Place]) -> ast.Module:
    """The tree with the methods at these places naming their class, to no effect."""
    for place in methods:
        node = _at(tree, place)
        if node is not None:
            mention = ast.parse("if 0: __class__").body
            node.body[1:1] = [ast.copy_location(one, node.body[0]) for one in mention]
            ast.fix_missing_locations(node)
    return tree


def _at(tree: ast.Module, place: Place) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The function at a place inside of classes; None if it is anywhere else."""
    body: list[ast.stmt] = tree.body
    found: ast.stmt | None = None
    for name, number in place:
        if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef):
            return None
        same = [node for node in body if getattr(node, "name", None) == name]
        found = same[number] if number < len(same) else None
        body = getattr(found, "body", [])
    return found if isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef) else None


def _compiled(tree: ast.Module, file: str) -> types.CodeType:
    return compile(tree, file, "exec", dont_inherit=True)


def _modules(root: str, sources: Mapping[str, bytes]) -> dict[str, types.ModuleType]:
    """The module that each file was loaded as; files that are several modules are left out."""
    found: dict[str, list[types.ModuleType]] = {}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(module, types.ModuleType) and isinstance(file, str) and file.startswith(root + os.sep):
            modules = found.setdefault(os.path.relpath(file, root), [])
            if not any(module is known for known in modules):
                modules.append(module)
    return {path: modules[0] for path, modules in found.items() if path in sources and len(modules) == 1}


def places(code: types.CodeType, place: Place = ()) -> Iterator[tuple[Place, types.CodeType]]:
    """Every code object below one, with its place."""
    seen: dict[str, int] = {}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            number = seen[constant.co_name] = seen.get(constant.co_name, -1) + 1
            inner = (*place, (constant.co_name, number))
            yield inner, constant
            yield from places(constant, inner)


def _docstring(code: types.CodeType) -> str | None:
    """The docstring of a function with this code."""
    has_one = code.co_flags & _HAS_DOCSTRING if sys.version_info >= (3, 13) else True
    first = code.co_consts[0] if has_one and code.co_consts else None
    return first if isinstance(first, str) else None
