"""Members of a class in as few words as tell what there is: methods without annotations, attributes as they are set."""

from __future__ import annotations

import ast
import copy

from blampert_env.projects.syntax import FunctionNode

_LONGEST = 60  # characters of a value that an attribute is set to
_MARKS = frozenset({"property", "cached_property", "classmethod", "staticmethod"})


def bare_header(node: FunctionNode) -> str:
    """A method on one line, without annotations; decorated where that says how it is called."""
    marks = "".join(f"    @{ast.unparse(one)}\n" for one in node.decorator_list if last_name(one) in _MARKS)
    return f"{marks}    {_signature(node)} ...\n"


def attributes_set(node: FunctionNode) -> str:
    """A method that sets attributes, by these statements alone, each once."""
    this = next((one.arg for one in [*node.args.posonlyargs, *node.args.args]), "self")
    lines: dict[str, None] = {}
    for inner in ast.walk(node):
        targets = inner.targets if isinstance(inner, ast.Assign) else [getattr(inner, "target", None)]
        for target in targets if isinstance(inner, ast.Assign | ast.AnnAssign) else ():
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == this:
                value = ast.unparse(inner.value) if inner.value is not None else "..."  # type: ignore[attr-defined]
                lines[f"        {this}.{target.attr} = {value if len(value) <= _LONGEST else '...'}\n"] = None
    body = "".join(lines) or "        ...\n"
    return f"    {_signature(node)}\n{body}"


def last_name(node: ast.expr) -> str:
    """``c`` of ``a.b.c`` and of ``a.b.c(...)``; "" for anything else."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _signature(node: FunctionNode) -> str:
    arguments = copy.deepcopy(node.args)
    for one in ast.walk(arguments):
        if isinstance(one, ast.arg):
            one.annotation = None
    start = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    return f"{start} {node.name}({ast.unparse(arguments)}):"
