"""Members of libraries that plain code may use, one by one: what is not listed is not plain.

The lists are in ``names.txt``. Left out on purpose, although the modules are listed: what evaluates text
(``get_type_hints``, ``singledispatch``, pandas' ``eval``), makes classes (``namedtuple``, ``make_dataclass``,
``SimpleNamespace``), writes into what it is given by name (``update_wrapper``), changes what the whole process shares
(``seed``, ``getcontext``, ``register_dialect``, filters, error states), reaches files or raw memory (``file_digest``,
``load``, ``frombuffer``, ``as_strided``), or swallows what is raised (``ExitStack``). Mutable tables of modules
(``keyword.kwlist``) are shared with the tests: those in :data:`SHARED` may be read, the others not even that. What
takes an attribute's name as a text is in :data:`TOLD`, and looked at where it is called.
"""

from __future__ import annotations

from collections.abc import Mapping

from blampert_env.grading.triage.words import TABLES

MEMBERS: Mapping[str, frozenset[str]] = TABLES["members"]  # values and functions
FOREIGN: Mapping[str, frozenset[str]] = TABLES["foreign"]  # of packages that a project may need and that may be missing
SHARED: Mapping[str, frozenset[str]] = TABLES["shared"]  # lists of texts: may be read, not handed on or changed
TYPES: Mapping[str, frozenset[str]] = TABLES["types"]  # may stand where a type stands, and nowhere else
# these take attributes' names: the first so many of their arguments are names
TOLD: Mapping[str, int] = {"operator.attrgetter": 99, "operator.methodcaller": 1}
MODULES = frozenset([*MEMBERS, *FOREIGN, *TYPES, "urllib", "__future__"])
# part of its parent: ``os.path.join``, ``np.linalg.norm``
SUBMODULES = frozenset(name for name in MODULES if "." in name)
# what trusted code may use without becoming a tool: nothing in them takes a name or a text for code
HARMLESS_TO_CALL = MODULES | TABLES["libraries"]["harmless"]
HARMLESS_SYS = TABLES["libraries"]["harmless_sys"]
# these of ``os`` and ``os.path`` do something with the path that they are given, and nothing else
TAKE_PATHS = TABLES["libraries"]["take_paths"]
# modules of which trusted code may use some members without becoming a tool
PARTLY: Mapping[str, frozenset[str]] = TABLES["partly"]


def is_harmful(module: str, member: str, level: int) -> bool:
    """Whether a trusted function that uses an import may do more than plain code may."""
    if level or module in ("sys", "__future__", "operator"):
        return False
    if module in PARTLY:
        return member not in PARTLY[module]
    return module not in HARMLESS_TO_CALL and module.split(".")[0] not in HARMLESS_TO_CALL
