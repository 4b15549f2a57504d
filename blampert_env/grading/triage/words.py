"""Names and attributes that plain code may and may not use. The lists themselves are in ``names.txt``."""

from __future__ import annotations

import ast
import builtins
import string
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path


def listed(names: str) -> frozenset[str]:
    """Names with spaces between them."""
    return frozenset(names.split())


def _lines() -> Iterator[tuple[str, str, str]]:
    """Table, name, and what belongs to it."""
    table = ""
    for line in Path(__file__).with_name("names.txt").read_text("ascii").replace("\n  ", " ").splitlines():
        if line.startswith("["):
            table = line[1:].partition("]")[0]
        elif line and not line.startswith("#"):
            name, _, names = line.partition(":")
            yield table, name, names


TABLES: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
PARTS: dict[str, list[tuple[str, str]]] = {}  # by kind of node: its parts, and the role in which each is looked at
for _table, _name, _names in _lines():
    TABLES[_table][_name] = listed(_names)
    if _table == "parts":
        PARTS[_name] = [(part, role) for part, _, role in (one.partition(":") for one in _names.split())]
_WORDS = TABLES["words"]

CONSTANTS = _WORDS["constants"]
# Exceptions that catch what tests raise: to be raised, not to be handed on, and caught only to be raised again.
BROAD = _WORDS["broad"]
NARROW = frozenset(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, Exception) and name not in BROAD
)
FREE = _WORDS["free"] | NARROW  # functions and classes, free to be called and handed on
LOOKS = _WORDS["looks"]  # look at what they are given, and keep neither it nor its elements
ITERATES = _WORDS["iterates"]  # hand on the elements of what they are given, and not the thing itself
READING_METHODS = _WORDS["reading_methods"]
ELEMENTS = _WORDS["elements"]  # hand out what a table holds
BUILTIN_NAMES = frozenset(dir(builtins))
# special methods that an edit may define: none of them answers a comparison, an arithmetic or a look-up of attributes
MAY_DEFINE = _WORDS["may_define"]
ORACLES = _WORDS["oracles"]  # what tests use to judge: in a project's class they must answer for themselves
READ_DUNDERS = _WORDS["read_dunders"]
CALLED_DUNDERS = _WORDS["called_dunders"]  # what built-in functions and operators call anyway
VALUE_DUNDERS = _WORDS["value_dunders"]
ON_SUPER = CALLED_DUNDERS | _WORDS["on_super"]
LEADS_OUT = _WORDS["leads_out"]  # public attributes that lead out of what code is given
ONLY_ON_SELF = _WORDS["only_on_self"]  # too common to be refused everywhere
BY_NAME = _WORDS["by_name"]  # methods of data frames that look names up where they are told what
LOGGER = _WORDS["logger"]
TUPLE_PRIVATES = _WORDS["tuple_privates"]
MUTATORS = _WORDS["mutators"]
LIBRARY_ATTRIBUTES = _WORDS["library_attributes"]  # of listed classes that are made of Python, and so could be set
BUILTIN_METHODS = frozenset(
    name
    for kind in (str, bytes, list, dict, set, frozenset, tuple, int, float, complex, range)
    for name in dir(kind)
    if not name.startswith("_")
)
SAFE_METHODS = BUILTIN_METHODS - MUTATORS  # these put nothing into what they are called on
ORDINARY = BUILTIN_METHODS | _WORDS["ordinary"]  # methods of anything

# what makes a trusted function a tool
TOOL_NAMES = _WORDS["tool_names"]  # whatever it is given
DOES_TEXT = _WORDS["does_text"]  # any of what these are given
CALLED_BY_TEXT = _WORDS["called_by_text"]  # these do what their text says
NAMED_BY_ARGUMENT = _WORDS["named_by_argument"]
TOOL_ATTRIBUTES = NAMED_BY_ARGUMENT | _WORDS["tool_attributes"]
HARMLESS_TO_READ = _WORDS["harmless_to_read"]  # they lead no further but by names that plain code may not use
NEVER_GOT = TOOL_ATTRIBUTES - HARMLESS_TO_READ - {"__dict__", "__mro__", "__bases__"}
OUT_OF_REACH = _WORDS["out_of_reach"]  # special methods that plain code has no way to call


def is_dunder(name: str) -> bool:
    """``__x__``: a name with a meaning to the interpreter."""
    return name.startswith("__") and name.endswith("__")


def fields_are_plain(text: str) -> bool:
    """Whether a format string looks at no attributes but public ones that lead nowhere."""
    try:
        for _, field, spec, _ in string.Formatter().parse(text):
            if field and "." in field:
                for name in field.replace("[", ".").replace("]", ".").split(".")[1:]:
                    if name.startswith("_") or name in LEADS_OUT:
                        return False
            if spec and "{" in spec and not fields_are_plain(spec):
                return False
    except ValueError:
        return True  # it raises when it runs
    return True


def is_safe_name(node: ast.expr) -> bool:
    """Whether an attribute's name is a text that stands there, or begins with one that no special name begins with."""
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
        return isinstance(node, ast.Constant) and str(node.value)[:1].isalpha()
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left = node.left
        return isinstance(left, ast.Constant) and isinstance(left.value, str) and left.value[:1].isalpha()
    return isinstance(node, ast.Constant)
