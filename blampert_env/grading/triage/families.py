"""Classes of a project: what they are derived of, what makes their instances, and what names stand for."""

from __future__ import annotations

import ast
from collections import defaultdict

from blampert_env.grading.triage.facts import ClassFacts
from blampert_env.grading.triage.flow import Def
from blampert_env.grading.triage.places import Names
from blampert_env.grading.triage.scopes import Binding, walk

MAKING = ("__init__", "__new__", "__post_init__")


class Families:
    """Classes and functions of a project's trusted files, by ``path::name`` and ``path::Class.name``."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self.defs: dict[str, list[Def]] = defaultdict(list)
        self.classes: dict[str, ClassFacts] = {}
        self._families: dict[str, list[ClassFacts]] = {}
        for path, module in names.files.items():
            self.classes |= {f"{path}::{name}": one for name, one in module.classes.items()}
            for one in module.defs:
                self.defs[one.key].append(one)

    def family(self, owner: ClassFacts) -> list[ClassFacts]:
        """A class, its bases and what is derived of it."""
        key = f"{owner.path}::{owner.name}"
        if key not in self._families:
            found = self.bases(owner)
            for one in self.classes.values():
                bases = self.bases(one)
                if owner in bases:  # what is derived of it, and what that is derived of as well
                    found += [base for base in bases if base not in found]
            self._families[key] = found
        return self._families[key]

    def bases(self, owner: ClassFacts) -> list[ClassFacts]:
        """A class and what it is derived of."""
        found, todo = [owner], [(owner.path, base) for base in owner.node.bases]
        while todo:
            path, base = todo.pop()
            known = self.binding(path, base)
            one = self.classes.get(known.what) if known is not None and known.kind == "class" else None
            if one is not None and one not in found:
                found.append(one)
                todo += [(one.path, inner) for inner in one.node.bases]
        return found

    def makers(self, owner: ClassFacts | None) -> list[Def]:
        """The methods that make an instance of a class."""
        found: list[Def] = []
        for one in self.bases(owner) if owner is not None else []:
            for name in MAKING:
                if not any(known.node.name == name for known in found):
                    found += self.defs.get(f"{one.path}::{one.name}.{name}", [])
        return found

    def tuple_fields(self, key: str) -> list[str]:
        """Of ``namedtuple("T", "a b")``."""
        path, _, name = key.partition("::")
        module = self._names.files.get(path)
        values = module.values.get(name, ()) if module is not None else ()
        found = [inner for value in values for inner in walk(value)]
        texts = [node.value for node in found if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        return [part for text in texts[1:] or texts for part in text.replace(",", " ").split()]

    def binding(self, path: str, node: ast.expr) -> Binding | None:
        """What a name or a member of a module stands for."""
        if isinstance(node, ast.Name):
            return self._names.resolve(path, node.id)
        if isinstance(node, ast.Attribute):
            base = self.binding(path, node.value)
            if base is not None and base.kind in ("module", "own module"):
                return self._names.member(base, node.attr)
        return None
