"""Python source as text and tree at once: lines, functions and their extents, comments, strings.

Line numbers are 1-based and count what Python counts as lines (``\\n``, ``\\r\\n``, ``\\r``), never what
``str.splitlines`` does. Trees are cached and shared: nobody may change them.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from blampert_env import parsing

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

# Code of this pseudo file is parsed silently: warnings about it are nobody's but the author's.
_FILENAME = "<blampert source>"
_FILTER = ("ignore", None, Warning, re.compile(re.escape(_FILENAME)), 0)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_MANY_LINES = re.compile(r"""\"{3}|'{3}|\\[\r\n]""")  # what a string literal on several lines needs
_STRING_STARTS = {getattr(tokenize, name, -1) for name in ("FSTRING_START", "TSTRING_START")}
_STRING_ENDS = {getattr(tokenize, name, -1) for name in ("FSTRING_END", "TSTRING_END")}


@lru_cache(maxsize=256)
def split_lines(text: str) -> tuple[str, ...]:
    """Lines with their ends, exactly where Python sees them; ``"".join`` gives the text back."""
    return tuple(_LINE.findall(text))


def unix(text: str) -> str:
    """The text with ``\\n`` for every line end and without a byte order mark; Python reads both the same."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def indent_of(line: str) -> str:
    """Leading whitespace of a line."""
    return line[: len(line) - len(line.lstrip(" \t\f"))]


def _silence() -> None:
    """Put our filter first: a filter for one pseudo file is thread-safe, ``catch_warnings`` is not."""
    if not warnings.filters or warnings.filters[0] != _FILTER:
        warnings.filterwarnings("ignore", module=re.escape(_FILENAME))


@lru_cache(maxsize=256)
def parse(text: str) -> ast.Module:
    """Parse a file without warnings. The tree is shared: read only.

    Raises:
        SyntaxError: Whatever the parser could not do, too deep nesting and NUL bytes included.
    """
    _silence()
    try:
        return parsing.parse(unix(text), _FILENAME)
    except (RecursionError, MemoryError):
        raise SyntaxError("nested too deeply") from None
    except ValueError as error:
        raise SyntaxError(str(error)) from None


def tree_of(text: str) -> ast.Module | None:
    """What :func:`parse` gives; None for a text that does not parse, where that is somebody else's business."""
    try:
        return parse(text)
    except SyntaxError:
        return None


def check_compiles(code: str | ast.Module) -> None:
    """Find what only the compiler sees, such as ``break`` outside a loop. Nothing is run.

    Raises:
        SyntaxError: The code cannot be compiled.
    """
    _silence()
    try:
        compile(unix(code) if isinstance(code, str) else code, _FILENAME, "exec", dont_inherit=True)
    except (RecursionError, MemoryError):
        raise SyntaxError("nested too deeply") from None
    except ValueError as error:
        raise SyntaxError(str(error)) from None


@dataclass(frozen=True, slots=True)
class Function:
    """A module-level function or a method, where it lies, and what encloses it.

    Attributes:
        qualname: ``"add"``, ``"Calculator.add"``; a property's setter is ``"Box.size@setter"``, a second
            definition of the same name ``"add@2"``.
        first: First line, decorators included.
        last: Last line, comments at the end of the body included.
        classes: Enclosing classes, outermost first.
        top: The module-level statement that holds it.
    """

    qualname: str
    node: FunctionNode
    first: int
    last: int
    classes: tuple[ast.ClassDef, ...]
    top: ast.stmt


@lru_cache(maxsize=256)
def functions(text: str) -> tuple[Function, ...]:
    """Every module-level function and method of a file, in file order; nested functions belong to the outer one.

    Raises:
        SyntaxError: The text does not parse.
    """
    tree, lines = parse(text), split_lines(text)
    found: list[Function] = []
    seen: dict[str, int] = {}
    for top in tree.body:
        for node, classes in _definitions(top, ()):
            plain = ".".join([*(outer.name for outer in classes), node.name])
            accessor = _accessor(node)
            name = f"{plain}@{accessor}" if accessor else plain
            seen[name] = seen.get(name, 0) + 1
            qualname = name if seen[name] == 1 else f"{name}@{seen[name]}"
            first = first_line(node, lines)
            found.append(Function(qualname, node, first, _last_line(node, lines), classes, top))
    return tuple(found)


def _definitions(
    node: ast.AST, classes: tuple[ast.ClassDef, ...]
) -> Iterator[tuple[FunctionNode, tuple[ast.ClassDef, ...]]]:
    """Functions below a node, through classes and blocks such as ``if`` and ``try``, but not into functions."""
    if isinstance(node, FunctionNode):
        yield node, classes
        return
    if isinstance(node, ast.ClassDef):
        classes = (*classes, node)
    elif is_main_guard(node):
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _definitions(child, classes)


def is_main_guard(node: ast.AST) -> bool:
    """Whether the node is ``if __name__ == ...``."""
    return isinstance(node, ast.If) and any(
        isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test)
    )


def _accessor(node: FunctionNode) -> str | None:
    """``"setter"`` for ``@<name>.setter``; likewise getter and deleter."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Attribute) and decorator.attr in ("setter", "getter", "deleter"):
            return decorator.attr
    return None


def first_line(node: ast.stmt, lines: Sequence[str]) -> int:
    """Line on which a statement starts, its decorators included."""
    decorators = getattr(node, "decorator_list", [])
    if not decorators:
        return node.lineno
    line: int = decorators[0].lineno
    while line > 1 and not lines[line - 1].lstrip(" \t\f\ufeff").startswith("@"):  # "@(" alone on its line
        line -= 1
    return line


def _last_line(node: FunctionNode, lines: Sequence[str]) -> int:
    """Last line of a function with the comments that follow, indented deeper than its ``def``."""
    last = node.end_lineno or node.lineno
    depth = len(indent_of(lines[node.lineno - 1]).expandtabs())
    for number in range(last + 1, len(lines) + 1):
        line = lines[number - 1]
        if not line.strip():
            continue
        if not line.lstrip().startswith("#") or len(indent_of(line).expandtabs()) <= depth:
            break
        last = number
    return last


@lru_cache(maxsize=256)
def comments(text: str) -> tuple[tuple[int, str], ...]:
    """``(line, "# text")`` of every comment, as the tokenizer sees them: never inside a string.

    Raises:
        SyntaxError: The text cannot be tokenized.
    """
    return tuple((token.start[0], token.string) for token in _tokens(text) if token.type == tokenize.COMMENT)


@lru_cache(maxsize=256)
def string_lines(text: str, first: int = 1, last: int | None = None) -> frozenset[int]:
    """Lines that start inside a string literal whose value matters, so that their indentation must stay.

    Docstrings and other strings that stand alone are left out: their indentation follows the code.

    Args:
        text: Of a file.
        first: No earlier line is asked for.
        last: No later line is asked for.
    """
    if not _MANY_LINES.search("".join(_without_docstrings(text)[first - 1 : last])):
        return frozenset()  # a tokenizer takes longer than everything else that is done to a file
    inside: set[int] = set()
    starts: list[int] = []
    for token in _tokens(text):
        if token.type == tokenize.STRING:
            inside.update(range(token.start[0] + 1, token.end[0] + 1))
        elif token.type in _STRING_STARTS:
            starts.append(token.start[0])
        elif token.type in _STRING_ENDS and starts:
            inside.update(range(starts.pop() + 1, token.end[0] + 1))
    for node in ast.walk(parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            inside.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return frozenset(inside)


def _without_docstrings(text: str) -> list[str]:
    """The lines of a text that the docstrings of its functions leave."""
    lines = list(split_lines(text))
    for function in functions(text):
        if docstring := docstring_node(function.node):
            span = slice(docstring.lineno - 1, docstring.end_lineno)
            lines[span] = [""] * len(lines[span])
    return lines


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(unix(text)).readline)
    except tokenize.TokenError as error:
        raise SyntaxError(str(error.args[0])) from None


def docstring_node(node: FunctionNode | ast.ClassDef | ast.Module) -> ast.Expr | None:
    """The docstring statement, if there is one."""
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first
    return None


def last_name(node: ast.expr) -> str:
    """``"abstractmethod"`` for ``abc.abstractmethod``, ``"Protocol"`` for ``Protocol[T]``, ``""`` if there is none."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
