"""Which functions and classes of a project would be tools: they do by name or by text what plain code may not.

Dangerous is a *place* in a trusted function: the name of a ``getattr``, the text of an ``eval`` or of a ``format``, the
path of an ``open``. A function is a tool by those of its parameters that reach such a place, on whatever way: by its own
names, by another function's parameters, by an attribute that is stored here and read there. It is one whatever it is
given (:data:`ALWAYS`) where it reads frames or module tables, needs a library that is not known to be harmless, or lets
its caller give the name later. A class is what making it is, or one if it answers comparisons with anything but a
comparison (a query builder's ``==``).
"""

from __future__ import annotations

import ast
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from blampert_env.grading.triage import library, words
from blampert_env.grading.triage.facts import ClassFacts, ModuleFacts
from blampert_env.grading.triage.flow import Def, atoms
from blampert_env.grading.triage.liars import is_liar
from blampert_env.grading.triage.scopes import Binding, root

ALWAYS = "*"  # whatever it is given
ANY = "?"  # any of its arguments
_MAKING = ("__init__", "__new__", "__post_init__")

SOFT, SET, PATH = range(3)  # dangerous are: names that lead out; whatever is set; any text, and a number, too
Sinks = dict[str, int]  # by parameter
Place = tuple[tuple[ast.expr, ...], int]


class Names(Protocol):
    """What names mean in a project."""

    files: Mapping[str, ModuleFacts]

    def resolve(self, path: str, name: str) -> Binding | None:
        """What a name at the top of a file stands for."""

    def member(self, base: Binding, name: str) -> Binding:
        """What an attribute of a module stands for."""

    def is_own(self, module: str) -> bool:
        """Whether a module is the project's."""


class Tools:
    """Functions, methods and classes that are tools."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._defs: dict[str, list[Def]] = defaultdict(list)
        self._methods: dict[str, list[Def]] = defaultdict(list)
        self._index: dict[str, list[Def]] = defaultdict(list)
        self._classes: dict[str, ClassFacts] = {}
        self._families: dict[str, list[ClassFacts]] = {}
        self._origins: dict[Def, dict[str, set[str]]] = {}
        self._direct: dict[Def, list[Place]] = {}
        self._returning: set[str] = set()
        self._names_of_tools: set[str] = set()
        self.sinks: dict[str, Sinks] = defaultdict(dict)
        self.fields: Sinks = {}
        for path, module in names.files.items():
            self._classes |= {f"{path}::{name}": one for name, one in module.classes.items()}
            for one in module.defs:
                self._defs[one.key].append(one)
                if one.owner:
                    self._methods[one.node.name].append(one)
                for name in one.loads | one.attributes:
                    self._index[name].append(one)
        self._todo: deque[Def] = deque(one for ones in self._defs.values() for one in ones if self._places(one))
        while self._todo:
            self._analyze(self._todo.popleft())

    # what others ask

    def of(self, binding: Binding) -> Sinks:
        """The parameters by which a function or a class of the project is a tool; empty if it is none."""
        return self._of_class(binding.what) if binding.kind == "class" else self.sinks.get(binding.what, {})

    def given(self, binding: Binding) -> list[str]:
        """The positional parameters of a function, or of what makes an instance of a class."""
        if binding.kind == "class":
            owner = self._classes.get(binding.what)
            makers = self._makers(owner)
            if owner is None:
                return self._tuple_fields(binding.what)
            if not makers:
                return [name for one in reversed(self._bases(owner)) for name in one.fields]
            return makers[0].positional[1:] if makers else []
        return self._defs[binding.what][0].positional if self._defs.get(binding.what) else []

    def methods(self, name: str, owner: ClassFacts | None, path: str) -> list[Def]:
        """Methods that ``.name`` may be: of the class and its relatives, or of any where that is not known."""
        found = self._methods.get(name, [])
        if owner is not None:
            relatives = {(one.path, one.name) for one in self.family(owner)}
            near_by = [one for one in found if (one.path, one.owner) in relatives]
            return near_by or ([] if words.is_dunder(name) else found)
        if words.is_dunder(name):
            return []
        if name in words.ORDINARY:
            module = self._names.files.get(path)
            near = {(one.path, one.name) for one in module.classes.values()} if module is not None else set()
            return [one for one in found if (one.path, one.owner) in near]
        return found

    def own(self, owner: ClassFacts, name: str) -> Sinks:
        """Of a class's special method, its bases' included."""
        found: Sinks = {}
        for one in self._bases(owner):
            found |= self.sinks.get(f"{one.path}::{one.name}.{name}", {})
        return found

    def reaches(self, starts: Iterable[Def], goals: frozenset[str]) -> bool:
        """Whether functions may come to call one of the goals, given as ``path::name``."""
        todo, seen = list(starts), set(starts)
        while todo:
            for one in self._callees(todo.pop()):
                if one.key in goals:
                    return True
                if one not in seen:
                    seen.add(one)
                    todo.append(one)
        return False

    def _callees(self, one: Def) -> Iterator[Def]:
        owner = self._classes.get(f"{one.path}::{one.owner}")
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
            yield from self._defs.get(known.what, ())
        elif known is not None and known.kind == "class":
            yield from self._makers(self._classes.get(known.what))

    # classes

    def family(self, owner: ClassFacts) -> list[ClassFacts]:
        """A class, its bases and what is derived of it."""
        key = f"{owner.path}::{owner.name}"
        if key not in self._families:
            found = self._bases(owner)
            for one in self._classes.values():
                bases = self._bases(one)
                if owner in bases:  # what is derived of it, and what that is derived of as well
                    found += [base for base in bases if base not in found]
            self._families[key] = found
        return self._families[key]

    def _bases(self, owner: ClassFacts) -> list[ClassFacts]:
        found, todo = [owner], [(owner.path, base) for base in owner.node.bases]
        while todo:
            path, base = todo.pop()
            known = self._binding(path, base)
            one = self._classes.get(known.what) if known is not None and known.kind == "class" else None
            if one is not None and one not in found:
                found.append(one)
                todo += [(one.path, inner) for inner in one.node.bases]
        return found

    def _makers(self, owner: ClassFacts | None) -> list[Def]:
        found: list[Def] = []
        for one in self._bases(owner) if owner is not None else []:
            for name in _MAKING:
                if not any(known.node.name == name for known in found):
                    found += self._defs.get(f"{one.path}::{one.name}.{name}", [])
        return found

    def _tuple_fields(self, key: str) -> list[str]:
        """Of ``namedtuple("T", "a b")``."""
        path, _, name = key.partition("::")
        module = self._names.files.get(path)
        values = module.values.get(name, ()) if module is not None else ()
        found = [inner for value in values for inner in ast.walk(value)]
        texts = [node.value for node in found if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        return [part for text in texts[1:] or texts for part in text.replace(",", " ").split()]

    def _of_class(self, key: str) -> Sinks:
        owner = self._classes.get(key)
        if owner is None:
            return {name: self.fields[name] for name in self._tuple_fields(key) if name in self.fields}
        bases = self._bases(owner)
        if any(is_liar(one.node) or _is_metaclass(one.node) for one in bases):
            return {ALWAYS: PATH}
        for one in bases:  # operators, whose arguments nobody looks at
            for name in one.methods:
                known = self.sinks.get(f"{one.path}::{one.name}.{name}") if words.is_dunder(name) else None
                if known and name not in _MAKING and name not in words.OUT_OF_REACH:
                    return {ALWAYS: PATH}
        found: Sinks = {}
        for maker in self._makers(owner):
            for name, hard in self.sinks.get(maker.key, {}).items():
                found[name] = max(found.get(name, SOFT), hard)
        for one in bases:
            found |= {name: self.fields[name] for name in one.fields if name in self.fields}
            for keyword in one.node.keywords:
                meta = self._binding(one.path, keyword.value) if keyword.arg == "metaclass" else None
                if meta is not None and meta.kind == "class":
                    found |= self.sinks.get(f"{meta.what}.__call__", {})
        return found

    # the analysis

    def _analyze(self, one: Def) -> None:
        places = [*self._places(one), *self._of_calls(one)]
        places += [((value,), self.fields[name]) for name, value in one.puts if name in self.fields]
        if one.key in self._returning:
            for atom in self._expanded(one, one.returns):  # its arguments are looked at where it is called
                if atom[0] in ".@":
                    self._add(one, atom, self.fields.get(one.node.name, SOFT))
        if any(isinstance(value, ast.Attribute | ast.Subscript) and _field(value) in self.fields for value in one.returns):
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
            owner = self._classes.get(f"{one.path}::{one.owner}") if atom.startswith("..") else None
            relatives = {(known.path, known.name) for known in self.family(owner)} if owner is not None else None
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
                self._todo.extend(self._defs.get(atom[1:], ()))
        else:
            known = self.sinks[one.key]
            if known.get(atom, -1) < hard:
                known[atom] = hard
                self._names_of_tools.add(one.node.name)
                self._todo.extend(self._index[one.node.name])
                if one.node.name in _MAKING:
                    owner = self._classes.get(one.key.rpartition(".")[0])
                    for relative in self.family(owner) if owner is not None else ():
                        self._todo.extend(self._index[relative.name])

    def _expanded(self, one: Def, nodes: Iterable[ast.expr]) -> set[str]:
        origins = self._origins.get(one)
        if origins is None:
            origins = self._origins[one] = {name: {name} for name in one.given}
            origins.update({name: {ALWAYS} for name in one.inner if name not in one.given})
            known_here = one.local | set(one.given)
            fed = [(name, value) for name, how, value in one.fed if name in known_here and how not in words.SAFE_METHODS]
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
            known = self._binding(one.path, node) if root(node) not in one.local else None
            if known is not None and known.kind == "function" and self.sinks.get(known.what):
                yield (), PATH

    def _called(self, one: Def, call: ast.Call) -> Iterator[tuple[Sinks, list[str]]]:
        func = call.func
        if isinstance(func, ast.Name) and (func.id in one.local or func.id in one.given):
            return
        known = self._binding(one.path, func)
        if known is not None:
            if known.kind in ("function", "class") and (sinks := self.of(known)):
                yield sinks, self.given(known)
            return
        if isinstance(func, ast.Attribute):
            owner = self._classes.get(f"{one.path}::{one.owner}") if one.owner else None
            is_own = owner is not None and (root(func.value) == one.this or root(func.value) == "super")
            known = self._binding(one.path, func.value)
            unbound = known is not None and known.kind == "class"
            if unbound:
                owner, is_own = self._classes.get(known.what), True  # type: ignore[union-attr]
            for method in self.methods(func.attr, owner if is_own else None, one.path):
                if sinks := self.sinks.get(method.key):
                    yield sinks, method.positional if unbound or method.is_static else method.positional[1:]

    def _binding(self, path: str, node: ast.expr) -> Binding | None:
        """What a name or a member of a module stands for."""
        if isinstance(node, ast.Name):
            return self._names.resolve(path, node.id)
        if isinstance(node, ast.Attribute):
            base = self._binding(path, node.value)
            if base is not None and base.kind in ("module", "own module"):
                return self._names.member(base, node.attr)
        return None

    def _values(self, one: Def) -> list[ast.expr]:
        """Names and attributes that are not called at once; empty where none of them can matter."""
        if not any(name in self._names_of_tools for name in one.loads | one.attributes):
            return []
        called = {id(call.func) for call in one.calls}
        inner = {id(node.value) for node in ast.walk(one.node) if isinstance(node, ast.Attribute)}
        return [
            node
            for node in ast.walk(one.node)
            if isinstance(node, ast.Name | ast.Attribute) and id(node) not in called and id(node) not in inner
        ]

    # places

    def _places(self, one: Def) -> list[Place]:
        """Dangerous places of the function itself; nothing but ``()`` where it is a tool whatever it is given."""
        if one not in self._direct:
            self._direct[one] = [((), PATH)] if self._is_always(one) else [p for p in self._dangerous(one) if p[0]]
        return self._direct[one]

    def _is_always(self, one: Def) -> bool:
        if one.node.name in words.OUT_OF_REACH:
            return False
        free = one.loads - one.local
        if free & words.TOOL_NAMES or free & self._harmful_imports(one.path):
            return True
        if any(is_liar(node) for node in one.classes):
            return True
        if free & words.CALLED_BY_TEXT:
            called = {id(call.func) for call in one.calls}
            for node in ast.walk(one.node):
                if isinstance(node, ast.Name) and node.id in words.CALLED_BY_TEXT and id(node) not in called:
                    return True
        for value in one.returns:
            if isinstance(value, ast.Name) and value.id not in one.local and value.id not in one.given:
                known = self._names.resolve(one.path, value.id)
                if known is not None and known.kind in ("module", "own module", "bad"):
                    return True
        for what in one.imports.values():
            if library.is_harmful(*what) and not self._names.is_own(what[0]) and (what[0] not in library.PARTLY or what[1]):
                return True
        imports = self._names.files[one.path].imports
        for base, name in one.uses:
            known = {one.imports[base]} if base in one.imports else imports.get(base, ())
            if any(what[0] in library.PARTLY and not what[1] and library.is_harmful(what[0], name, 0) for what in known):
                return True
        return any(self._is_odd(one, node) for node in one.odd)

    def _is_odd(self, one: Def, node: ast.Attribute | ast.Subscript) -> bool:
        if isinstance(node, ast.Subscript):
            return False
        if isinstance(node.value, ast.Name) and node.value.id == "sys":
            return node.attr not in library.HARMLESS_SYS
        if node.attr == "__mro__":
            return bool(one.returns)
        if node.attr == "__wrapped__":
            return False
        if node.attr in words.HARMLESS_TO_READ:
            return not isinstance(node.ctx, ast.Load)
        if node.attr in words.NAMED_BY_ARGUMENT:
            kinds = [call.args[1] for call in one.calls if root(call) == "isinstance" and len(call.args) == 2]
            return not any(call.func is node for call in one.calls) and not any(
                inner is node for kind in kinds for inner in ast.walk(kind)
            )
        if node.attr == "__dict__":
            held = {id(call.func.value) for call in one.calls if isinstance(call.func, ast.Attribute)}
            held |= {id(other.value) for other in one.odd if isinstance(other, ast.Subscript)}
            return id(node) not in held
        return True

    def _harmful_imports(self, path: str) -> set[str]:
        module = self._names.files[path]
        if module.harmful is None:
            module.harmful = {
                name
                for name, targets in module.imports.items()
                for what in targets
                if what[0] not in library.PARTLY or what[1]
                if library.is_harmful(*what) and not (what[2] or self._names.is_own(what[0]))
            }
        return module.harmful

    def _dangerous(self, one: Def) -> Iterator[Place]:
        if one.node.name in words.OUT_OF_REACH:
            return
        for node in one.odd:
            if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Constant):
                yield (node.slice,), SOFT if isinstance(node.ctx, ast.Load) else SET
        for call in one.calls:
            func = call.func
            name = func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
            given = (*call.args, *(keyword.value for keyword in call.keywords))
            if name in ("getattr", "setattr", "delattr") and isinstance(func, ast.Name):
                if any(isinstance(node, ast.Constant) and node.value in words.NEVER_GOT for node in call.args[1:2]):
                    yield (ast.Name(ALWAYS),), PATH
                where = call.args[1:2] if not _is_starred(call.args[:2]) else call.args
                yield tuple(node for node in where if not words.is_safe_name(node)), SOFT if name == "getattr" else SET
            elif name in ("format", "format_map") and isinstance(func, ast.Attribute):
                if not isinstance(func.value, ast.Constant):
                    yield (func.value,), SOFT
            elif name in ("eval", "exec", "compile", "__import__", "import_module", "get_type_hints", "open") and not (
                name == "compile" and isinstance(func, ast.Attribute)
            ):
                yield given, PATH
            elif name == "type" and (len(call.args) > 1 or _is_starred(call.args)):
                yield given, PATH
            elif name in words.NAMED_BY_ARGUMENT:
                yield tuple(node for node in given if not words.is_safe_name(node)), SET if name.startswith("__") else SOFT
            elif isinstance(func, ast.Attribute) and getattr(func.value, "attr", "") == "__dict__":
                yield tuple(node for node in given if not words.is_safe_name(node)), SET
            elif self._takes_path(one, func, name):
                yield given, PATH

    def _takes_path(self, one: Def, func: ast.expr, name: str) -> bool:
        if name not in library.TAKE_PATHS:
            return False
        if isinstance(func, ast.Name):
            targets = self._names.files[one.path].imports.get(name, set())
            return any(what[0] in ("os", "os.path") for what in targets)
        return root(func) in ("os", "path")


def arguments(call: ast.Call, given: list[str], name: str, hard: int) -> tuple[ast.expr, ...]:
    """What a call hands a parameter; all that it hands, where that cannot be told."""
    name = name.removesuffix("()")
    every = (*call.args, *(keyword.value for keyword in call.keywords))
    named = tuple(keyword.value for keyword in call.keywords if keyword.arg == name)
    if name == ANY or named:
        return named or every
    positional = [known for known in given if known[0] != "*"]
    if f"*{name}" in given:
        return (*call.args[len(positional) :], *(node for node in call.args if isinstance(node, ast.Starred)))
    if name not in given:  # the names of keywords, too, where it takes them all
        found = [keyword for keyword in call.keywords if keyword.arg not in given]
        names = [keyword.arg for keyword in found if hard or words.is_dunder(keyword.arg or "")]
        return (*(keyword.value for keyword in found), *(ast.Constant(named_so) for named_so in names))
    position = given.index(name)
    if position < len(call.args) and not _is_starred(call.args[: position + 1]):
        return (call.args[position],)
    return every if _is_starred(call.args) or any(keyword.arg is None for keyword in call.keywords) else ()


def _is_starred(nodes: Iterable[ast.expr]) -> bool:
    return any(isinstance(node, ast.Starred) for node in nodes)


def _field(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else ""


def _is_metaclass(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "type" for base in node.bases)
