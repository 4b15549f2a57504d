"""Which functions and classes of a project would be tools: they do by name or by text what plain code may not.

A function is a tool if it sets, gets or imports by a computed name, runs text, reads frames or module tables, opens
files, reaches a library that is not known to be harmless, or calls a tool. A class is one if it is made by a metaclass
of its own, if making or asking it is a tool, or if it answers comparisons with anything but a comparison (a query
builder's ``==``).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from blampert_env.grading.triage import library, words
from blampert_env.grading.triage.facts import ClassFacts, ModuleFacts, imported
from blampert_env.grading.triage.liars import is_liar
from blampert_env.grading.triage.scopes import Binding, FunctionNode, here, parameters, root

_NAMES = words.listed(
    """
    exec eval compile __import__ globals locals vars open breakpoint __builtins__ delattr
    """
)
_ATTRIBUTES = words.listed(
    """
    __dict__ __globals__ __code__ __subclasses__ __bases__ __mro__ __getattribute__ __setattr__ __delattr__
    __builtins__ __defaults__ __closure__ __func__ __self__ __traceback__ f_back f_globals f_locals tb_frame
    gi_frame _getframe modules attrgetter methodcaller import_module get_type_hints settrace setprofile
    """
)
_MAKING = words.listed(
    """
    __init__ __new__ __call__ __getattr__ __getattribute__ __setattr__ __post_init__ __init_subclass__
    """
)
_HARMLESS_SYS = library.MEMBERS["sys"] | {
    "exc_info",
    "getsizeof",
    "getrecursionlimit",
    "implementation",
    "version",
    "stderr",
}


class Tools:
    """Functions, methods and classes that are tools.

    Args:
        files: Trusted files.
        resolve: What a name at the top of a file stands for.
    """

    def __init__(self, files: Mapping[str, ModuleFacts], resolve: Callable[[str, str], Binding | None]) -> None:
        self._files = files
        self._resolve = resolve
        self._harmful: dict[str, set[str]] = {}
        self._known_in: dict[str, frozenset[str]] = {}

    @cached_property
    def _found(self) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
        """Functions and classes as ``path::name``, methods by name."""
        nodes = list(_definitions(self._files.values()))
        tools = {key for key, path, node in nodes if node.name not in _OUT_OF_REACH and self._is_root(path, node)}
        calls = [(key, self._mentions(path, node)) for key, path, node in nodes]
        while True:
            methods = {key.rpartition(".")[2] for key in tools if "." in key.rpartition("::")[2]} - _ORDINARY
            known = (
                tools | {f".{name}" for name in methods} | {c for c in self._classes if self._is_class_tool(c, tools)}
            )
            new = {key for key, mentioned in calls if key not in tools and mentioned & known}
            if not new:
                classes = frozenset(c for c in self._classes if self._is_class_tool(c, tools))
                every = {key.rpartition(".")[2] for key in tools if "." in key.rpartition("::")[2]}
                return frozenset(tools), classes, frozenset(every)
            tools |= new

    @cached_property
    def _classes(self) -> dict[str, ClassFacts]:
        return {f"{one.path}::{name}": one for module in self._files.values() for name, one in module.classes.items()}

    def is_tool(self, binding: Binding) -> bool:
        """Whether a function or a class of the project is one."""
        functions, classes, _ = self._found
        return binding.what in functions or binding.what in classes

    def is_tool_method(self, name: str, path: str) -> bool:
        """Whether a method of that name is one; what built-in types have too counts where its class is known only."""
        if name not in self._found[2]:
            return False
        return name not in _ORDINARY or name in self._tool_methods_known_in(path)

    def _tool_methods_known_in(self, path: str) -> frozenset[str]:
        if path not in self._known_in:
            found: set[str] = set()
            for name in self._files[path].names if path in self._files else ():
                known = self._resolve(path, name)
                if known is not None and known.what in self._classes:
                    found |= self.own_tools(self._classes[known.what])
            self._known_in[path] = frozenset(found)
        return self._known_in[path]

    def own_tools(self, one: ClassFacts) -> frozenset[str]:
        """A class's methods that are tools, whatever they are called."""
        functions = self._found[0]
        return frozenset(name for name in one.methods if f"{one.path}::{one.name}.{name}" in functions)

    def _is_class_tool(self, key: str, tools: set[str]) -> bool:
        one = self._classes[key]
        if any(f"{key}.{name}" in tools for name in _MAKING) or is_liar(one.node):
            return True
        if any(
            keyword.arg == "metaclass"
            and getattr(keyword.value, "attr", getattr(keyword.value, "id", "")) not in ("ABCMeta", "EnumMeta")
            for keyword in one.node.keywords
        ):
            return True
        for base in one.node.bases:
            known = self._resolve(one.path, base.id) if isinstance(base, ast.Name) else None
            if isinstance(base, ast.Name) and base.id == "type":
                return True
            if (
                known is not None
                and known.kind == "class"
                and known.what != key
                and known.what in self._classes
                and self._is_class_tool(known.what, tools)
            ):
                return True
        return False

    def _is_root(self, path: str, function: FunctionNode) -> bool:
        seen = _seen(function)
        if seen.leads_out or seen.names & (_NAMES | self._harmful_imports(path)):
            return True
        if any(known.kind in ("module", "own module", "bad") for known in self._returned(path, seen)):
            return True
        return any(_is_harmful(*what) and not self._is_own(what[0]) for what in seen.imports)

    def _returned(self, path: str, seen: _Seen) -> list[Binding]:
        found = [self._resolve(path, name) for name in seen.returned]
        return [known for known in found if known is not None]

    @cached_property
    def _tops(self) -> frozenset[str]:
        """First parts of the project's own modules, or what may be one."""
        return frozenset(part.removesuffix(".py") for path in self._files for part in path.split("/"))

    def _is_own(self, module: str) -> bool:
        return module.split(".")[0] in self._tops

    def _harmful_imports(self, path: str) -> set[str]:
        if path not in self._harmful:
            found = set()
            for name, targets in self._files[path].imports.items():
                for module, member, level in targets:
                    if _is_harmful(module, member, level) and not self._is_own(module):
                        found.add(name)
            self._harmful[path] = found
        return self._harmful[path]

    def _mentions(self, path: str, function: FunctionNode) -> set[str]:
        """What of the project a function names."""
        seen = _seen(function)
        found = {f".{name}" for name in seen.attributes - _ORDINARY}
        for name in seen.names & self._files[path].names:
            known = self._resolve(path, name)
            if known is not None and known.kind in ("function", "class"):
                found.add(known.what)
        return found


@dataclass(frozen=True)
class _Seen:
    """What a function names, whatever it stands for."""

    names: frozenset[str]
    attributes: frozenset[str]
    imports: frozenset[tuple[str, str, int]]
    returned: frozenset[str]
    leads_out: bool


@lru_cache(maxsize=16_384)
def _seen(function: FunctionNode) -> _Seen:
    names: set[str] = set()
    attributes: set[str] = set()
    imports: set[tuple[str, str, int]] = set()
    leads_out = False
    returned: set[str] = set()
    given = {argument.arg for argument in parameters(function.args)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                names.add(node.id)
        elif isinstance(node, ast.Attribute):
            attributes.add(node.attr)
            leads_out = leads_out or node.attr in _ATTRIBUTES
            leads_out = leads_out or (node.attr == "__class__" and not isinstance(node.ctx, ast.Load))
            if isinstance(node.value, ast.Name) and node.value.id == "sys" and node.attr not in _HARMLESS_SYS:
                leads_out = True
        elif isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "format_map"):
                leads_out = leads_out or root(node.func.value) in given
            if called in ("getattr", "setattr") and not (len(node.args) > 1 and isinstance(node.args[1], ast.Constant)):
                leads_out = True
            leads_out = leads_out or (called == "type" and len(node.args) == 3)
        elif isinstance(node, ast.Return | ast.Yield):
            if isinstance(node.value, ast.Name):
                returned.add(node.value.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imports.update(what for _, what in imported(node))
        elif isinstance(node, ast.ClassDef):
            leads_out = leads_out or is_liar(node)
    return _Seen(frozenset(names), frozenset(attributes), frozenset(imports), frozenset(returned), leads_out)


# special methods that plain code has no way to call
_OUT_OF_REACH = words.listed(
    """
    __setstate__ __getstate__ __reduce__ __reduce_ex__ __copy__ __deepcopy__ __get__ __set__ __set_name__
    __del__ __dir__ __getnewargs__ __sizeof__ __init_subclass__ __class_getitem__ __signature__ __wrapped__
    """
)
_ORDINARY = words.BUILTIN_METHODS | words.listed(
    """
    close read write next send run add get set
    """
)


def _is_harmful(module: str, member: str, level: int) -> bool:
    if level or module in ("sys", "__future__"):
        return False
    if module in ("os", "inspect", "builtins", "operator"):
        return member not in library.MEMBERS.get(module, ()) and module != "operator"
    return module not in library.HARMLESS_TO_CALL and module.split(".")[0] not in library.HARMLESS_TO_CALL


def _definitions(files: Iterable[ModuleFacts]) -> Iterable[tuple[str, str, FunctionNode]]:
    for module in files:
        for tree in module.trees:
            for node in here(tree.body):
                if isinstance(node, FunctionNode):
                    yield f"{module.path}::{node.name}", module.path, node
                elif isinstance(node, ast.ClassDef):
                    for item in here(node.body):
                        if isinstance(item, FunctionNode):
                            yield f"{module.path}::{node.name}.{item.name}", module.path, item
