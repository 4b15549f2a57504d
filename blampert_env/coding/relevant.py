"""What of its project a function needs to be written: ranked, and as much of it as a budget holds.

A file's beginning is its licence and its imports, so nothing is cut off at a length. Its statements are ranked by what
the target's docstring, header, tests and name say of them, and those of files that it imports from, too. What comes
first is shown whole, what no longer fits as a header with the first line of its docstring. The idea of choosing from
the repository what a prompt shows is RepoCoder's (Zhang et al. 2023, arXiv 2303.12570).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from blampert_env.coding.members import attributes_set, bare_header, last_name
from blampert_env.projects import Target
from blampert_env.projects.modules import Modules
from blampert_env.projects.syntax import (
    FunctionNode,
    docstring_node,
    first_line,
    functions,
    parse,
    split_lines,
    tree_of,
    unix,
)

_WORD = re.compile(r"[A-Za-z_]\w+")
_PART = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_STEM = 5  # letters by which parts of names are compared: pluralize and PLURALS, merge and merged
_ALIKE = 3  # definitions that the target is most like: what they use, it may use
_IMPORTS = ast.Import | ast.ImportFrom
_NEAR, _IMPORTED = 2.0, 0.5  # what standing in the target's own class, and being imported by its file, is worth
IMPORTS_SHARE = 0.2  # of the budget, at the most


@dataclass(frozen=True)
class _Piece:
    """A statement that may be shown.

    Attributes:
        place: Number of its file, its own file's last, and its line: the order in which pieces are shown.
        name: What it defines.
        whole: Its text.
        short: Its header and what its docstring begins with.
        score: How much the target may need it.
        owner: Header of the class that it is shown in; "" for none.
    """

    place: tuple[int, int]
    name: str
    whole: str
    short: str
    score: float
    owner: str = ""


def relevant(target: Target, files: Mapping[str, str], tests: str, budget: int) -> str:
    """The code of a project that a target may need, in the order of its files; "" if there is none.

    Args:
        target: What is to be written.
        files: The project's sources as they are now.
        tests: The visible tests that mention it.
        budget: Characters, at the most; four are about a token.
    """
    trees = {path: tree for path, text in files.items() if (tree := tree_of(text)) is not None}
    if target.path not in trees:
        return ""
    needs = _Needs(target, tests)
    imports = _imports(trees[target.path], files[target.path], needs, int(budget * IMPORTS_SHARE))
    pieces = list(_own_pieces(trees[target.path], files[target.path], target, needs))
    for path in _imported(target.path, trees):
        names = _named(trees[target.path], trees) | needs.header
        lines = split_lines(unix(files[path]))
        found = [one for node in trees[path].body for one in _piece(node, lines, needs, 0)]
        pieces += [one for one in found if one.name in names]
    chosen = _chosen(_with_what_they_use(pieces), budget - len(imports))
    return "\n".join(part for part in [imports, *_joined(chosen)] if part)


class _Needs:
    """What is said of a target: words of its docstring, header and tests, and parts of its name."""

    def __init__(self, target: Target, tests: str) -> None:
        self.target = target
        self.docstring = frozenset(_WORD.findall(target.docstring or ""))
        self.header = frozenset(_WORD.findall(target.source)) - self.docstring
        self.tests = _used(tests)
        self.parts = _parts(target.name)
        self.parameters = _parameters(parse(f"{target.signature}: ...").body[0])

    def score(self, name: str, text: str, node: ast.stmt) -> float:
        """How much a definition of this name and text may be needed; 0 if nothing speaks for it."""
        score = 4.0 * (name in self.header) + 3.0 * (name in self.docstring) + 1.0 * (name in self.tests)
        parts = _parts(name)
        score += 2.0 * _likeness(parts, self.parts) + 1.0 * _likeness(_parameters(node), self.parameters)
        score += 1.5 * (self.target.name in _WORD.findall(text))  # it calls the target, or says so
        return score


def _used(tests: str) -> frozenset[str]:
    """Words of tests, those aside that a file of tests only imports."""
    tree = tree_of(tests)
    if tree is None:
        return frozenset(_WORD.findall(tests))
    imports = [range(one.lineno - 1, one.end_lineno or 0) for one in tree.body if isinstance(one, _IMPORTS)]
    skipped = {number for one in imports for number in one}
    kept = [line for number, line in enumerate(split_lines(unix(tests))) if number not in skipped]
    return frozenset(_WORD.findall("".join(kept)))


def _likeness(one: Collection[str], other: Collection[str]) -> float:
    """Share of what two sets have together that both have (Jaccard), in [0, 1]."""
    return len(set(one) & set(other)) / max(1, len({*one, *other}))


def _parameters(node: ast.AST) -> frozenset[str]:
    """Names of a function's parameters."""
    return frozenset(part.arg for part in ast.walk(getattr(node, "args", node)) if isinstance(part, ast.arg)) - {"self"}


def _parts(name: str) -> frozenset[str]:
    return frozenset(part.lower()[:_STEM] for part in _PART.findall(name))


def _imports(tree: ast.Module, text: str, needs: _Needs, budget: int) -> str:
    """The file's imports, those that are spoken of first, while they fit."""
    lines = split_lines(unix(text))
    found = []
    for node in tree.body:
        if isinstance(node, _IMPORTS):
            names = {(alias.asname or alias.name).split(".")[0] for alias in node.names}
            said = bool(names & (needs.header | needs.docstring | needs.tests))
            found.append((not said, node.lineno, "".join(lines[node.lineno - 1 : node.end_lineno])))
    kept: list[tuple[int, str]] = []
    for _, number, line in sorted(found):
        if sum(len(one) for _, one in kept) + len(line) <= budget:
            kept.append((number, line))
    return "".join(line for _, line in sorted(kept))


def _own_pieces(tree: ast.Module, text: str, target: Target, needs: _Needs) -> Iterator[_Piece]:
    """The definitions of the target's own file; the members of its own class one by one."""
    lines = split_lines(unix(text))
    # by its place: trees are cached, and two of one text may be about
    itself = next((one.node.lineno for one in functions(text) if one.qualname == target.qualname), 0)
    own = (target.class_name or "").split(".")[0]
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == own:
            header = "".join(lines[first_line(node, lines) - 1 : first_line(node.body[0], lines) - 1])
            for member in node.body:
                if member is not docstring_node(node) and member.lineno != itself:
                    yield from _piece(member, lines, needs, 1, owner=header)
        elif node.lineno != itself:
            yield from _piece(node, lines, needs, 1)


def _piece(node: ast.stmt, lines: Sequence[str], needs: _Needs, place: int, owner: str = "") -> Iterator[_Piece]:
    """What a statement defines; ``place`` is 0 for what another file gives by import."""
    first = first_line(node, lines)
    whole = "".join(lines[first - 1 : node.end_lineno]).rstrip("\n") + "\n"
    names, short = [], ""
    if isinstance(node, FunctionNode) and "overload" in map(last_name, node.decorator_list):
        return  # it says again what the definition says
    if isinstance(node, FunctionNode) and owner:
        names, short = [node.name], bare_header(node)
        whole = attributes_set(node) if node.name == "__init__" else _without_docstring(node, lines) or whole
    elif isinstance(node, FunctionNode | ast.ClassDef):
        names, short = [node.name], f"{_head(node, lines)}{' ' * (node.col_offset + 4)}...\n"
        whole = _without_docstring(node, lines) or whole
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        goals = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [goal.id for goal in goals if isinstance(goal, ast.Name) and goal.id != "__all__"]
        short = _short_table(names, node.value, "".join(lines))
    score = max((needs.score(name, whole, node) for name in names), default=0.0)
    score += _NEAR * bool(owner) + 3.0 * (bool(owner) and names == ["__init__"])  # what attributes there are
    score += _IMPORTED * (not place and bool(names))
    if names:
        yield _Piece((place, first), names[0], whole, short, score, owner)


def _without_docstring(node: FunctionNode | ast.ClassDef, lines: Sequence[str]) -> str:
    """A definition with the first line of its docstring, as code says more than the rest; "" if it has none."""
    body = docstring_node(node)
    if body is None or len(node.body) < 2:
        return ""
    return _head(node, lines) + "".join(lines[body.end_lineno or 0 : node.end_lineno]).rstrip("\n") + "\n"


def _head(node: FunctionNode | ast.ClassDef, lines: Sequence[str]) -> str:
    """A definition's header and the first line of its docstring."""
    start, end = first_line(node, lines), first_line(node.body[0], lines) - 1
    if end < node.lineno:  # all on one line
        return "".join(lines[start - 1 : node.lineno - 1]) + lines[node.lineno - 1].partition(":")[0] + ":\n"
    says = (ast.get_docstring(node) or "").strip().split("\n")[0]
    quoted = f'{" " * (node.col_offset + 4)}"""{says}"""\n' if says and not {'"', "\\"} & set(says) else ""
    return "".join(lines[start - 1 : end]) + quoted


def _short_table(names: list[str], value: ast.expr | None, text: str) -> str:
    """A long list, tuple or table by its first entry; "" for anything else."""
    if not names or not isinstance(value, ast.List | ast.Tuple | ast.Set | ast.Dict):
        return ""
    parts = value.values if isinstance(value, ast.Dict) else value.elts
    keys = value.keys if isinstance(value, ast.Dict) else []
    if len(parts) < 2:
        return ""
    first = ast.get_source_segment(text, parts[0]) or ""
    if keys and keys[0] is not None:
        first = f"{ast.get_source_segment(text, keys[0])}: {first}"
    opens, closes = {ast.List: ("[", "]"), ast.Tuple: ("(", ")")}.get(type(value), ("{", "}"))
    return f"{names[0]} = {opens}{first},{closes}  # and {len(parts) - 1} more\n"


def _imported(path: str, trees: Mapping[str, ast.Module]) -> list[str]:
    """The project's files that a file imports."""
    roots = {".", *(one.split("/")[0] for one in trees if "/" in one)}
    return sorted(Modules(trees, sorted(roots)).imported(path) & trees.keys() - {path})


def _named(tree: ast.Module, paths: Collection[str]) -> set[str]:
    """What a file imports by name from its own project."""
    own = {part for path in paths for part in path.removesuffix(".py").split("/")}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in found if node.level or (node.module or "").split(".")[0] in own]
    return {alias.name for node in ours for alias in node.names}


def _with_what_they_use(pieces: list[_Piece]) -> list[_Piece]:
    """The pieces, with what the first of them name counting more."""
    first = sorted(pieces, key=lambda one: -one.score)[:_ALIKE]
    used = {word for one in first for word in _WORD.findall(one.whole)}
    return [replace(one, score=one.score + 1.0 * (one.name in used and one not in first)) for one in pieces]


def _chosen(pieces: list[_Piece], budget: int) -> list[tuple[_Piece, str]]:
    """Pieces with the text that is shown of each: whole by score while they fit, then short ones.

    What the target's own class has is shown in any case: the headers of its methods are reserved first.
    """
    chosen: dict[_Piece, str] = {}
    headers: set[str] = set()
    wanted = sorted((one for one in pieces if one.score > 0), key=lambda one: (-one.score, one.place))
    for piece, text in [
        *((one, one.short) for one in wanted if one.owner and one.short),
        *((one, text) for one in wanted for text in (one.whole, one.short)),
    ]:
        header = 0 if piece.owner in headers else len(piece.owner)
        more = header + len(text) - len(chosen.get(piece, "")) + (piece not in chosen)
        is_better = text and (piece not in chosen or (text == piece.whole and chosen[piece] != text))
        if is_better and more <= budget:
            chosen[piece] = text
            budget -= more
            headers.add(piece.owner)
    return list(chosen.items())


def _joined(chosen: list[tuple[_Piece, str]]) -> Iterator[str]:
    """Texts in the order of their files, each class's header before its members."""
    owner = ""
    for piece, text in sorted(chosen, key=lambda one: one[0].place):
        yield (piece.owner if piece.owner != owner else "") + text
        owner = piece.owner
