"""Code quality: one figure in [0, 1] for a piece of Python, from what ruff and radon count.

It is a learning metric (how good is the code that passes?) and, in profiles that ask for it, a reward term. It has
three parts, each in [0, 1]; the score is their plain mean. Same source and same versions of the tools, same figures.

=================  =====================================================================================
documentation      share of functions and classes without a finding of ruff's pydocstyle rules (``D``): the
                   docstring is there and is shaped as PEP 257 says
error handling     ``1 / (1 + findings)`` over rules that name a mistake: bare or blind ``except``
                   (``E722 BLE001``), errors passed over in silence (``S110 S112``), a cause that is lost
                   (``B904``), ``raise Exception`` and useless handlers (``TRY002 TRY203 TRY201``),
                   ``return`` in ``finally`` (``B012 SIM107``)
structure          mean over functions of radon's cyclomatic complexity as a grade (1 up to 5, which is radon's
                   rank A, falling to 0 at 25), times ``1 / (1 + findings a function / 4)`` of ``F``
                   (unused names), ``ERA`` (dead code), ``PLR09`` (too many arguments, branches, returns,
                   statements), ``B006 B023 SIM1 RET`` and ``FIX`` (a TODO that is left)
=================  =====================================================================================

What it does not see: whether errors *should* have been handled (the tests say that), whether a name is good, whether
a docstring is true. Code that needs no error handling is not punished for having none.

ruff and radon come with ``pip install 'blampert[quality]'``; nothing here is loaded or run unless asked for. A
measurement takes about 20 ms, most of it ruff's start; :func:`measure_all` shares that between many sources.
"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from blampert_env.errors import BlampertError, UsageError
from blampert_env.parsing import parse

DOCUMENTATION = ("D1", "D2", "D3", "D4")
# rules that contradict each other, or are about a module or package, which an edit of one function cannot mend
_NOT_ASKED = (
    "D100",
    "D104",
    "D203",
    "D205",
    "D212",
    "D213",
    "D400",
    "D401",
    "D402",
    "D404",
    "D406",
    "D407",
    "D413",
    "D415",
)
ERROR_HANDLING = ("E722", "BLE001", "S110", "S112", "B904", "TRY002", "TRY201", "TRY203", "B012", "SIM107")
STRUCTURE = ("F", "ERA", "PLR0911", "PLR0912", "PLR0913", "PLR0915", "B006", "B023", "SIM1", "RET", "FIX")
# names that a function on its own takes from its file are no fault of it
_NOT_COUNTED = ("F821", "F401")
EASY, TOO_COMPLEX = 5, 25
UNTIDY = 0.25  # one finding in a function costs a fifth of its structure
MISSING = "code quality needs ruff and radon: pip install 'blampert[quality]'"


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured of one source; every figure is in [0, 1] and 1 is best.

    Attributes:
        documentation: Share of definitions that are documented well.
        error_handling: 1 without findings.
        structure: Simple, short, nothing left over.
        findings: How often each rule spoke, for whoever wants to know why.
    """

    documentation: float
    error_handling: float
    structure: float
    findings: Mapping[str, int]

    @property
    def score(self) -> float:
        """The plain mean of the three parts."""
        return (self.documentation + self.error_handling + self.structure) / 3


@lru_cache(maxsize=4096)
def measure(source: str) -> Quality:
    """The quality of one source: a file, or a function on its own (indentation does not matter).

    Raises:
        UsageError: ruff or radon is not installed.
        BlampertError: ruff failed.
    """
    return measure_all([source])[0]


def measure_all(sources: Sequence[str]) -> list[Quality]:
    """The quality of many sources, in their order, with one start of ruff. Text that is no Python gets zeros.

    Raises:
        UsageError: ruff or radon is not installed.
        BlampertError: ruff failed.
    """
    texts = [textwrap.dedent(source).rstrip() + "\n" for source in sources]
    trees = [_parsed(text) for text in texts]
    found = _findings(texts) if any(trees) else [[] for _ in texts]
    return [_quality(tree, text, lines) for tree, text, lines in zip(trees, texts, found, strict=True)]


def _quality(tree: ast.Module | None, source: str, findings: Sequence[tuple[str, int]]) -> Quality:
    """Weigh the findings (rule and line) of one source."""
    if tree is None:
        return Quality(0.0, 0.0, 0.0, {"syntax-error": 1})
    definitions = [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    counts = Counter(rule for rule, _ in findings)
    undocumented = {_owner(definitions, line) for rule, line in findings if rule.startswith("D")} - {None}
    documentation = 1.0 - len(undocumented) / len(definitions) if definitions else 1.0
    mistakes = sum(number for rule, number in counts.items() if rule in ERROR_HANDLING)
    grades = [_grade(complexity) for complexity in _complexities(tree)]
    untidy = sum(number for rule, number in counts.items() if rule not in ERROR_HANDLING and not rule.startswith("D"))
    simple = sum(grades) / len(grades) if grades else 1.0
    structure = simple / (1.0 + UNTIDY * untidy / max(1, len(grades)))
    return Quality(documentation, 1.0 / (1.0 + mistakes), structure, dict(sorted(counts.items())))


def _parsed(text: str) -> ast.Module | None:
    try:
        return parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # whatever an LM wrote
        return None


def _owner(definitions: Sequence[ast.AST], line: int) -> int | None:
    """The innermost definition that a line belongs to, as its first line; decorators count with it."""
    around = [node.lineno for node in definitions if node.lineno <= line <= node.end_lineno]  # type: ignore[attr-defined]
    return max(around, default=None)


def _complexities(tree: ast.Module) -> list[int]:
    """Radon's cyclomatic complexity of every function and method, those inside others too."""
    try:
        from radon.visitors import ComplexityVisitor
    except ModuleNotFoundError as error:
        raise UsageError(MISSING) from error
    visitor = ComplexityVisitor.from_ast(tree)
    methods = [method for block in visitor.classes for method in block.methods]
    return [int(block.complexity) for block in (*visitor.functions, *methods)]


def _grade(complexity: int) -> float:
    return min(1.0, max(0.0, (TOO_COMPLEX - complexity) / (TOO_COMPLEX - EASY)))


def _findings(texts: Sequence[str]) -> list[list[tuple[str, int]]]:
    """Rule and line of every finding, a list for each text; the user's own ruff settings do not count."""
    with tempfile.TemporaryDirectory(prefix="blampert-quality-") as folder:
        for number, text in enumerate(texts):
            (Path(folder) / f"m{number}.py").write_text(text, encoding="utf-8", errors="backslashreplace")
        command = [_ruff(), "check", "--isolated", "--no-cache", "--exit-zero", "--output-format", "json", "--quiet"]
        command += ["--target-version", "py311", "--select", ",".join(DOCUMENTATION + ERROR_HANDLING + STRUCTURE)]
        command += ["--ignore", ",".join(_NOT_ASKED + _NOT_COUNTED), "--ignore-noqa", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise BlampertError(
                f"ruff failed: {' '.join(done.stderr.split())[:300]}; try its version in constraints.txt"
            )
        found: list[list[tuple[str, int]]] = [[] for _ in texts]
        for entry in json.loads(done.stdout):
            number = int(Path(entry["filename"]).stem[1:])
            found[number].append((str(entry["code"]), int(entry["location"]["row"])))
    return found


@lru_cache(maxsize=1)
def _ruff() -> str:
    """The ruff beside this Python, else the one on the path."""
    beside = Path(sys.executable).parent / "ruff"
    path = str(beside) if beside.is_file() else shutil.which("ruff")
    if path is None:
        raise UsageError(MISSING)
    return path
