"""What a trusted function does with what it is given, gathered in one walk: calls, stores, and where values come from.

An *atom* says where a value comes from: ``x``, a name of the function; ``.x``, an attribute, whoever's it is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from blampert_env.grading.triage import words
from blampert_env.grading.triage.scopes import (
    FunctionNode,
    bound_names,
    children,
    imported,
    last_name,
    parameters,
    parts,
    root,
    walk,
)

Import = tuple[str, str, int]  # module, member, level


@dataclass(slots=True, eq=False)
class Def:
    """A function at the top of a trusted file, or a method of a class there; what is nested in it is part of it."""

    path: str
    owner: str  # the class that it is a method of, or ""
    node: FunctionNode
    given: list[str]  # its parameters, all of them
    positional: list[str]  # those that may be given by position, then ``*x`` and ``**x``
    inner: set[str] = field(default_factory=set)  # parameters of functions within it, which anybody may call
    local: set[str] = field(default_factory=set)
    loads: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)  # that it names, in whatever way
    uses: set[tuple[str, str]] = field(default_factory=set)  # ``(name, attribute)`` pairs that it reads
    imports: dict[str, Import] = field(default_factory=dict)
    calls: list[ast.Call] = field(default_factory=list)
    mutators: list[ast.Attribute] = field(default_factory=list)  # methods that change what they are called on
    odd: list[ast.Attribute | ast.Subscript] = field(default_factory=list)  # what may lead out by itself
    flows: list[tuple[str, ast.expr]] = field(default_factory=list)  # what its names are bound to
    fed: list[tuple[str, str, ast.expr]] = field(default_factory=list)  # name, its method, and what that is handed
    put_into: list[tuple[str, ast.expr]] = field(default_factory=list)  # what elements of its names are set to
    unclear: set[str] = field(default_factory=set)  # names that are bound to what cannot be told
    puts: list[tuple[str, ast.expr]] = field(default_factory=list)  # what it puts into attributes, or what they hold
    returns: list[ast.expr] = field(default_factory=list)
    classes: list[ast.ClassDef] = field(default_factory=list)
    tries: list[ast.Try] = field(default_factory=list)
    globals: set[str] = field(default_factory=set)
    stores: set[str] = field(default_factory=set)  # attributes that it stores on its first parameter
    kept: set[tuple[str, str]] = field(default_factory=set)  # attribute, and the name whose value it is set to
    changed: set[str] = field(default_factory=set)  # names and attributes whose content it changes

    @property
    def key(self) -> str:
        """``path::name`` or ``path::Class.name``."""
        return f"{self.path}::{self.owner}.{self.node.name}" if self.owner else f"{self.path}::{self.node.name}"

    @property
    def this(self) -> str:
        """A method's own object."""
        return self.given[0] if self.owner and self.given and not self.is_static else ""

    @property
    def is_static(self) -> bool:
        """Whether a method is given no object."""
        return any(getattr(one, "id", "") == "staticmethod" for one in self.node.decorator_list)


def gather(node: FunctionNode, path: str, owner: str) -> Def:
    """One function's."""
    given = [argument.arg for argument in parameters(node.args)]
    positional = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    positional += [
        f"{'*' * number}{star.arg}" for number, star in ((1, node.args.vararg), (2, node.args.kwarg)) if star
    ]
    found = Def(path, owner, node, given, positional)
    first = given[0] if given else ""
    _bind_defaults(node.args, found)
    todo: list[ast.AST] = [*node.body, *node.args.defaults, *filter(None, node.args.kw_defaults), *node.decorator_list]
    while todo:
        inner = todo.pop()
        kind = type(inner)
        if kind is ast.Name:
            (found.loads if isinstance(inner.ctx, ast.Load) else found.local).add(inner.id)  # type: ignore[attr-defined]
            continue
        if kind is ast.Constant:
            continue
        if isinstance(inner, ast.Attribute):
            _attribute(inner, found, first)
        elif isinstance(inner, ast.Call):
            _call(inner, found)
        else:
            _other(inner, found)
        todo.extend(children(inner))
    found.local |= found.unclear
    found.changed.discard("")
    return found


def _bind_defaults(node: ast.arguments, found: Def) -> None:
    named = [*node.posonlyargs, *node.args]
    pairs = [*zip(reversed(named), reversed(node.defaults), strict=False)]
    for argument, default in (*pairs, *zip(node.kwonlyargs, node.kw_defaults, strict=True)):
        if default is not None:
            found.flows.append((argument.arg, default))


def _attribute(node: ast.Attribute, found: Def, first: str) -> None:
    found.attributes.add(node.attr)
    if node.attr in words.TOOL_ATTRIBUTES or (isinstance(node.value, ast.Name) and node.value.id == "sys"):
        found.odd.append(node)
    if not isinstance(node.ctx, ast.Load):
        found.changed.add(holder(node.value))
        if isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name) and node.value.id == first:
            found.stores.add(node.attr)
    else:
        if isinstance(node.value, ast.Name):
            found.uses.add((node.value.id, node.attr))
        if node.attr in words.MUTATORS:
            found.changed.add(holder(node.value))
            found.mutators.append(node)


def _call(node: ast.Call, found: Def) -> None:
    found.calls.append(node)
    if isinstance(node.func, ast.Attribute):
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        base = node.func.value
        while isinstance(base, ast.Subscript | ast.Call):
            base = base.func if isinstance(base, ast.Call) else base.value
        if isinstance(base, ast.Name):
            found.fed += [(base.id, node.func.attr, value) for value in given]
        elif isinstance(base, ast.Attribute) and node.func.attr in words.MUTATORS:
            found.puts += [(base.attr, value) for value in given]


def _other(node: ast.AST, found: Def) -> None:
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
        if node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                _bind(target, _reformatted(target, node.value), found)
                if isinstance(node.value, ast.Name) and isinstance(target, ast.Attribute):
                    found.kept.add((target.attr, node.value.id))
            if isinstance(node, ast.AugAssign):
                found.changed.add(holder(node.target))
    elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        _bind(node.target, node.iter, found)
    elif isinstance(node, ast.withitem):
        _bind(node.optional_vars, node.context_expr, found)
    elif isinstance(node, ast.Return | ast.Yield | ast.YieldFrom):
        found.returns += parts(node, ["value"])
    elif isinstance(node, ast.Subscript):
        if not isinstance(node.ctx, ast.Load):
            found.changed.add(holder(node.value))
        if isinstance(node.value, ast.Attribute) and node.value.attr == "__dict__":
            found.odd.append(node)
    elif isinstance(node, ast.Try):
        found.tries.append(node)
    elif isinstance(node, ast.Global):
        found.globals.update(node.names)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        found.imports.update(imported(node))
        found.unclear.update(name for name, _ in imported(node))
    else:
        found.unclear.update(bound_names(node))
        if isinstance(node, ast.Lambda | FunctionNode):
            found.inner.update(argument.arg for argument in parameters(node.args))
            found.returns += [node.body] if isinstance(node, ast.Lambda) else []
        elif isinstance(node, ast.ClassDef):
            found.classes.append(node)


def _reformatted(target: ast.expr, value: ast.expr) -> ast.expr:
    """Of ``x = x.format(...)`` only what ``x`` was: a text that was made so is not made again."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "format":
        base = value.func.value
        if isinstance(base, ast.Name) and isinstance(target, ast.Name) and base.id == target.id:
            return base
    return value


def _bind(target: ast.expr | None, value: ast.expr, found: Def) -> None:
    todo = [target]
    while todo:
        one = todo.pop()
        if isinstance(one, ast.Name):
            found.flows.append((one.id, value))
        elif isinstance(one, ast.Attribute):
            found.puts.append((one.attr, value))
        elif isinstance(one, ast.Subscript):
            todo.append(one.value)
            put = [value] if isinstance(one.slice, ast.Slice) else [value, one.slice]
            if len(put) == 2:
                _bind(one.value, one.slice, found)
            if name := root(one):
                found.put_into += [(name, inner) for inner in put]
        elif isinstance(one, ast.Tuple | ast.List):
            todo += one.elts
        elif isinstance(one, ast.Starred):
            todo.append(one.value)


def holder(node: ast.AST) -> str:
    """The name or the attribute that holds what an expression gives: ``T`` for ``T[0]``, ``x`` for ``self.x[0]``."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return last_name(node)


def atoms(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Where values come from; a call gives what its function and its arguments give.

    ``x``: a name; ``x()``: what a name gives when it is called; ``x.a``: an attribute of a name, of the object itself
    too; ``.a``: an attribute of something else.
    """
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name):
                yield f"{node.value.id}.{node.attr}"
            else:
                yield f".{node.attr}"
                todo.append(node.value)
        elif is_number(node):
            continue
        elif isinstance(node, ast.Call):
            looks_up = isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop")
            if isinstance(node.func, ast.Name):
                yield f"{node.func.id}()"
            else:
                todo.append(node.func)
            todo += [*node.args[looks_up:], *(keyword.value for keyword in node.keywords)]
        elif isinstance(node, ast.Lambda):
            own = {argument.arg for argument in parameters(node.args)}
            yield from (atom for atom in atoms([node.body]) if atom.removesuffix("()").partition(".")[0] not in own)
        elif isinstance(node, ast.IfExp):
            todo += [node.body, node.orelse]
        elif isinstance(node, ast.Subscript):
            todo.append(node.value)
        else:
            todo.extend(children(node))


_NUMBERS = words.listed("len int float ord round abs bool isinstance issubclass callable hasattr id hash")
_NOT_TEXT = (ast.Div, ast.FloorDiv, ast.Pow, ast.LShift, ast.RShift, ast.MatMult)


def is_number(node: ast.AST) -> bool:
    """Whether an expression can be no text."""
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, str | bytes)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _NUMBERS
    if isinstance(node, ast.BinOp):
        if isinstance(node.op, ast.Mult):
            return is_number(node.left) and is_number(node.right)
        return isinstance(node.op, _NOT_TEXT) or (
            isinstance(node.op, ast.Add | ast.Sub) and (is_number(node.left) or is_number(node.right))
        )
    return isinstance(node, ast.UnaryOp | ast.Compare)


def aliases(one: Def, node: ast.expr) -> set[str]:
    """Names that a function gives to a value, or to a choice between it and others."""
    found = set()
    for name, value in one.flows:
        choices = [value.body, value.orelse] if isinstance(value, ast.IfExp) else getattr(value, "values", [value])
        if any(choice is node for choice in choices):
            found.add(name)
    return found


def is_kept(one: Def, node: ast.expr) -> bool:
    """Whether a function that is not called at once may be handed out: it is returned or stored."""
    names = {name for name, value in one.flows if any(inner is node for inner in walk(value))}
    called = {id(call.func) for call in one.calls}
    kept = [*one.returns, *(value for _, value in (*one.puts, *one.put_into))]
    return any(
        inner is node or (getattr(inner, "id", "") in names and id(inner) not in called)
        for value in kept
        for inner in walk(value)
    )
