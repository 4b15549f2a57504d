"""Which functions and classes of a project would be tools: they do by name or by text what plain code may not.

A function is a tool by those of its parameters that reach a dangerous *place* (the name of a ``getattr``, the text of
an ``eval`` or of a ``format``, the path of an ``open``), on whatever way: by its own names, by another function's
parameters, by an attribute that is stored here and read there. It is one whatever it is given (:data:`ALWAYS`) where it
reads frames or module tables, needs a library that is not known to be harmless, or lets its caller give the name later.
A class is what making it is, or one if its ``==`` answers with anything but a comparison.
"""

from __future__ import annotations

import ast
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping

from blampert_env.grading.triage import words
from blampert_env.grading.triage.facts import ClassFacts
from blampert_env.grading.triage.families import MAKING, Families
from blampert_env.grading.triage.flow import Def, aliases, atoms, holder, is_kept
from blampert_env.grading.triage.liars import is_liar
from blampert_env.grading.triage.places import ALWAYS, PATH, SOFT, Names, Place, Places, Sinks, arguments
from blampert_env.grading.triage.scopes import Binding, root, walk


class Tools:
    """Functions, methods and classes that are tools."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known = Families(names)
        self._places = Places(names)
        self._methods: dict[str, list[Def]] = defaultdict(list)
        self._index: dict[str, list[Def]] = defaultdict(list)  # by what they name
        self._origins: dict[Def, dict[str, set[str]]] = {}
        self._named: dict[Def, list[ast.expr]] = {}  # what is not called at once
        self._returning: set[str] = set()  # functions whose results reach a dangerous place
        self._names_of_tools: set[str] = set()
        self.sinks: dict[str, Sinks] = defaultdict(dict)
        self.fields: Sinks = {}  # attributes whose content reaches a dangerous place
        every = [one for module in names.files.values() for one in module.defs]
        for one in every:
            if one.owner:
                self._methods[one.node.name].append(one)
            for name in one.loads | one.attributes:
                self._index[name].append(one)
        self._todo: deque[Def] = deque(one for one in every if self._places.of(one))
        while self._todo:
            self._analyze(self._todo.popleft())

    # what others ask

    def of(self, binding: Binding) -> Sinks:
        """The parameters by which a function or a class of the project is a tool; empty if it is none."""
        return self._of_class(binding.what) if binding.kind == "class" else self.sinks.get(binding.what, {})

    def given(self, binding: Binding) -> list[str]:
        """The positional parameters of a function, or of what makes an instance of a class."""
        if binding.kind != "class":
            return next((one.positional for one in self._known.defs.get(binding.what, ())), [])
        owner = self._known.classes.get(binding.what)
        if owner is None:
            return self._known.tuple_fields(binding.what)
        makers = self._known.makers(owner)
        fields = [name for one in reversed(self._known.bases(owner)) for name in one.fields]
        return makers[0].positional[1:] if makers else fields

    def methods(self, name: str, owner: ClassFacts | None, path: str) -> list[Def]:
        """Methods that ``.name`` may be: of the class and its relatives, or of any where that is not known."""
        found = self._methods.get(name, [])
        if not found or (owner is None and not words.is_dunder(name) and name not in words.ORDINARY):
            return found
        if owner is not None:
            near = self._known.family(owner)
        else:
            module = self._names.files.get(path)
            near = [*module.classes.values()] if module is not None and not words.is_dunder(name) else []
        keys = {(one.path, one.name) for one in near}
        near_by = [one for one in found if (one.path, one.owner) in keys]
        return near_by if near_by or owner is None or words.is_dunder(name) else found

    def reaches(self, starts: Iterable[Def], goals: frozenset[str]) -> bool:
        """Whether functions may come to call one of the goals, given as ``path::name``, by another function."""
        todo, seen = [one for start in starts for one in self._callees(start)], set(starts)
        if any(one.key in goals and words.is_dunder(one.node.name) for one in todo):
            return True  # a class, by its name
        while todo:
            for one in self._callees(todo.pop()):
                if one.key in goals:
                    return True
                if one not in seen:
                    seen.add(one)
                    todo.append(one)
        return False

    def _callees(self, one: Def) -> Iterator[Def]:
        owner = self._known.classes.get(f"{one.path}::{one.owner}")
        for name in one.loads - one.local:
            known = self._names.resolve(one.path, name)
            yield from self._of_binding(known)
        for name in one.attributes:
            yield from self.methods(name, owner if (one.this, name) in one.uses else None, one.path)
        for base, name in one.uses:
            known = self._names.resolve(one.path, base)
            if known is not None and known.kind == "own module":
                yield from self._of_binding(self._names.member(known, name))

    def _of_binding(self, known: Binding | None) -> Iterator[Def]:
        if known is not None and known.kind == "function":
            yield from self._known.defs.get(known.what, ())
        elif known is not None and known.kind == "class":
            yield from self._known.makers(self._known.classes.get(known.what))

    # classes

    def _of_class(self, key: str) -> Sinks:
        owner = self._known.classes.get(key)
        if owner is None:
            return {name: self.fields[name] for name in self._known.tuple_fields(key) if name in self.fields}
        bases = self._known.bases(owner)
        if any(is_liar(one.node) or "type" in map(root, one.node.bases) for one in bases):
            return {ALWAYS: PATH}
        for one in bases:  # operators, whose arguments nobody looks at
            for name in one.methods:
                operator = self.sinks.get(f"{one.path}::{one.name}.{name}") if words.is_dunder(name) else None
                if operator and name not in MAKING and name not in words.OUT_OF_REACH:
                    return {ALWAYS: PATH}
        found: Sinks = {}
        for maker in self._known.makers(owner):
            found |= {name: max(found.get(name, SOFT), hard) for name, hard in self.sinks.get(maker.key, {}).items()}
        for one in bases:
            found |= {name: self.fields[name] for name in one.fields if name in self.fields}
            for keyword in one.node.keywords:
                meta = self._known.binding(one.path, keyword.value) if keyword.arg == "metaclass" else None
                if meta is not None and meta.kind == "class":
                    found |= self.sinks.get(f"{meta.what}.__call__", {})
        return found

    # the analysis

    def _analyze(self, one: Def) -> None:
        places = [*self._places.of(one), *self._of_calls(one)]
        places += [((value,), self.fields[name]) for name, value in one.puts if name in self.fields]
        if one.key in self._returning:
            for atom in self._expanded(one, one.returns):  # its arguments are looked at where it is called
                if atom[0] in ".@":
                    self._add(one, atom, self.fields.get(one.node.name, SOFT))
        if any(
            isinstance(value, ast.Attribute | ast.Subscript) and holder(value) in self.fields for value in one.returns
        ):
            places.append(((), PATH))
        if any(not nodes for nodes, _ in places):
            self._add(one, ALWAYS, PATH)
            return
        found = [(atom, hard) for nodes, hard in places for atom in self._expanded(one, nodes)]
        for atom, hard in [(ALWAYS, PATH)] if any(atom == ALWAYS for atom, _ in found) else found:
            self._add(one, atom, hard)

    def _add(self, one: Def, atom: str, hard: int) -> None:
        if atom.startswith("."):
            name = atom.lstrip(".")
            if words.is_dunder(name) or name in words.BUILTIN_METHODS:
                return  # a field of that name plain code cannot store
            owner = self._known.classes.get(f"{one.path}::{one.owner}") if atom.startswith("..") else None
            relatives = {(known.path, known.name) for known in self._known.family(owner)} if owner is not None else None
            for method in self._methods.get(name, ()):
                if relatives is not None and (method.path, method.owner) not in relatives:
                    continue
                if method.key not in self._returning:
                    self._returning.add(method.key)
                    self._todo.append(method)
            if self.fields.get(name, -1) < hard:
                self.fields[name] = hard
                self._todo.extend(self._index[name])
        elif atom.startswith("@"):
            if atom[1:] not in self._returning:
                self._returning.add(atom[1:])
                self._todo.extend(self._known.defs.get(atom[1:], ()))
        else:
            known = self.sinks[one.key]
            if known.get(atom, -1) < hard:
                known[atom] = hard
                self._names_of_tools.add(one.node.name)
                self._todo.extend(self._index[one.node.name])
                if one.node.name in MAKING:
                    owner = self._known.classes.get(one.key.rpartition(".")[0])
                    for relative in self._known.family(owner) if owner is not None else ():
                        self._todo.extend(self._index[relative.name])

    def _expanded(self, one: Def, nodes: Iterable[ast.expr]) -> set[str]:
        origins = self._origins.get(one)
        if origins is None:
            origins = self._origins[one] = {name: {name} for name in one.given}
            origins.update({name: {ALWAYS} for name in one.inner if name not in one.given})
            known_here = one.local | set(one.given)
            fed = [
                (name, value) for name, how, value in one.fed if name in known_here and how not in words.SAFE_METHODS
            ]
            flows = [(name, frozenset(atoms([value]))) for name, value in (*one.flows, *fed)]
            changed = True
            while changed:
                changed = False
                for name, found in flows:
                    known = origins.setdefault(name, set())
                    new = {inner for atom in found for inner in self._origin(one, origins, atom)} - known
                    if new:
                        known |= new
                        changed = True
        return {inner for atom in atoms(nodes) for inner in self._origin(one, origins, atom)}

    def _origin(self, one: Def, origins: Mapping[str, set[str]], atom: str) -> Iterable[str]:
        if atom.startswith(".") or atom == ALWAYS:
            return (atom,)
        name, dot, attribute = atom.partition(".")
        if dot:
            return self._attribute(one, origins, name, attribute)
        call = "()" if atom.endswith("()") else ""
        name = atom.removesuffix("()")
        if name in origins:
            return tuple(f"{inner}{call}" if inner in one.given else inner for inner in origins[name])
        if name in one.local:
            return ()
        known = self._names.resolve(one.path, name)
        if known is None:
            return ()
        if known.kind == "function":
            return (f"@{known.what}",) if call else ()
        return (ALWAYS,) if known.kind == "local" else ()

    def _attribute(self, one: Def, origins: Mapping[str, set[str]], name: str, attribute: str) -> Iterable[str]:
        if name in origins or name in one.local:
            return (f"..{attribute}",) if name == one.this else (f".{attribute}", *origins.get(name, ()))
        known = self._names.resolve(one.path, name)
        if known is None or known.kind != "own module":
            return (f".{attribute}",) if known is None or known.kind != "module" else ()
        member = self._names.member(known, attribute)
        return (f"@{member.what}",) if member.kind == "function" else ()

    def _of_calls(self, one: Def) -> Iterator[Place]:
        """Places that are dangerous because what is called is a tool."""
        for call in one.calls:
            for sinks, given in self._called(one, call):
                for name, hard in sinks.items():
                    if name == ALWAYS:
                        yield (), PATH
                    elif found := arguments(call, given, name, hard):
                        yield found, hard
        for node in self._values(one):
            known = self._known.binding(one.path, node) if root(node) not in one.local else None
            values = self.sinks.get(known.what) if known is not None and known.kind == "function" else None
            if values and (ALWAYS in values or is_kept(one, node)):
                yield (), PATH
            elif values and known is not None:
                yield from self._of_value(one, node, values, self.given(known))

    def _of_value(self, one: Def, node: ast.expr, sinks: Sinks, given: list[str]) -> Iterator[Place]:
        """Of a tool that is not called at once: what it is called with by another name, or else all that is given."""
        names = aliases(one, node)
        calls = [call for call in one.calls if isinstance(call.func, ast.Name) and call.func.id in names]
        handed_on = {inner.id for call in one.calls for inner in call.args if isinstance(inner, ast.Name)} & names
        places = [(arguments(call, given, name, hard), hard) for call in calls for name, hard in sinks.items()]
        if not calls or handed_on or any(ALWAYS in self._expanded(one, nodes) for nodes, _ in places):
            known = () if one.this else tuple(ast.Name(name) for name in one.given)
            places = [(known, max(sinks.values()))]
        yield from (place for place in places if place[0] or one.this)

    def _called(self, one: Def, call: ast.Call) -> Iterator[tuple[Sinks, list[str]]]:
        func = call.func
        if isinstance(func, ast.Name) and (func.id in one.local or func.id in one.given):
            return
        known = self._known.binding(one.path, func)
        if known is not None:
            if known.kind in ("function", "class") and (sinks := self.of(known)):
                yield sinks, self.given(known)
            return
        if isinstance(func, ast.Attribute):
            base = self._known.binding(one.path, func.value)
            unbound = base is not None and base.kind == "class"
            key = base.what if base is not None and unbound else f"{one.path}::{one.owner}"
            is_own = unbound or (one.owner and root(func.value) in (one.this, "super"))
            for method in self.methods(func.attr, self._known.classes.get(key) if is_own else None, one.path):
                if method.key in self.sinks:
                    skipped = 0 if unbound or method.is_static else 1
                    yield self.sinks[method.key], method.positional[skipped:]

    def _values(self, one: Def) -> list[ast.expr]:
        """Names and attributes that are not called at once; empty where none of them can matter."""
        if not any(name in self._names_of_tools for name in one.loads | one.attributes):
            return []
        if one not in self._named:
            nodes = [node for node in walk(one.node) if isinstance(node, ast.Name | ast.Attribute)]
            skipped = {id(call.func) for call in one.calls}
            skipped |= {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
            self._named[one] = [node for node in nodes if id(node) not in skipped]
        return self._named[one]
