"""How much honest code is plain: HumanEval's solutions, and the documented functions of real packages.

Each function is an edit by itself: the trusted file is the package's with that function's body (and, to save time, one
function's body in each other file) replaced by ``raise NotImplementedError``, the candidate is the original file, and
there is no reference.

    python benchmarks/triage_honest.py FOLDER... [--why]

A folder is an unpacked source package, or holds several. ``--why`` prints what is not plain, and for what reason.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from machine import finish, met, print_table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from blampert_env.grading.triage import Triage
from blampert_env.projects.importers import humaneval
from blampert_env.projects.syntax import functions

_LEFT_OUT = re.compile(
    r"(^|/)(tests?|testing|docs?|examples?|benchmarks?|bench|build|_vendor|vendor|setup\.py|versioneer\.py|tasks\.py|conftest\.py|noxfile\.py)(/|$)"
)
_TEST = re.compile(r"(^|/)(tests?/.*|test_[^/]*|[^/]*_test|conftest|test)\.py$")
_STUB = "raise NotImplementedError\n"


def packages(folders: list[Path]) -> Iterator[Path]:
    """The folders, or what they hold if they hold no Python file and no package themselves."""
    for folder in folders:
        inner = [child for child in sorted(folder.iterdir()) if child.is_dir()]
        is_package = any(folder.glob("*.py")) or any(folder.glob("*/__init__.py")) or (folder / "src").is_dir()
        yield from [folder] if is_package else inner


def read(folder: Path) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Sources, tests, and modules by dotted name."""
    sources, tests, modules = {}, {}, {}
    for file in sorted(folder.rglob("*.py")):
        path = file.relative_to(folder).as_posix()
        try:
            text = file.read_text(encoding="utf-8")
            ast.parse(text)
        except (UnicodeDecodeError, SyntaxError, ValueError):
            continue
        if _TEST.search(path):
            tests[path] = text
        elif not _LEFT_OUT.search(path):
            sources[path] = text
            dotted = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            modules[dotted] = path
    return sources, tests, modules


def stubbed(text: str, first: int, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """The file with one function's body gone, its docstring kept; None if its body is on the line of its head."""
    lines = text.splitlines(keepends=True)
    body = node.body[1:]
    if not body or body[0].lineno <= node.body[0].lineno or node.end_lineno is None:
        return None
    start = min([body[0].lineno, *(d.lineno for d in getattr(body[0], "decorator_list", []))])
    return "".join([*lines[: start - 1], " " * body[0].col_offset + _STUB, *lines[node.end_lineno :]])


def of_package(folder: Path, limit: int | None) -> tuple[int, int, list[tuple[str, tuple[str, ...]]]]:
    """Documented functions, how many are plain, and why the others are not.

    One function of every file is stubbed at a time, and filled in again one by one: so the facts about a package are
    gathered once a round, not once a function.
    """
    sources, tests, modules = read(folder)
    stubs = {path: list(_stubs(text)) for path, text in sources.items()}
    count, plain, others = 0, 0, []
    for number in range(max(map(len, stubs.values()), default=0)):
        if limit is not None and count >= limit:
            break
        todo = {path: found[number] for path, found in stubs.items() if number < len(found)}
        trusted = {**sources, **{path: stub for path, (_, stub) in todo.items()}}
        triage = Triage(trusted, reference={}, tests=tests, modules=modules)
        for path, (name, _) in todo.items():
            why = triage.reasons({**trusted, path: sources[path]})
            count += 1
            plain += not why
            if why:
                others.append((f"{path}::{name}", why))
    return count, plain, others


def _stubs(text: str) -> Iterator[tuple[str, str]]:
    """Documented functions and the file without their body."""
    for function in functions(text):
        node = function.node
        if (
            ast.get_docstring(node) is not None
            and len(node.body) > 1
            and not _is_stub(node)
            and (stub := stubbed(text, function.first, node)) is not None
        ):
            yield function.qualname, stub


def _is_stub(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    body = node.body[1:]
    return len(body) == 1 and isinstance(body[0], ast.Pass | ast.Raise)


def of_humaneval() -> tuple[int, int, list[tuple[str, tuple[str, ...]]]]:
    """The canonical solutions."""
    count, plain, others = 0, 0, []
    for number, problem in humaneval._problems().items():
        prompt, entry = str(problem["prompt"]), str(problem["entry_point"])
        sources = {"solution.py": prompt + humaneval._STUB}
        tests = {"test_official.py": humaneval._official_test(sources["solution.py"], entry, str(problem["test"]))}
        triage = Triage(sources, reference={}, tests=tests, modules={"solution": "solution.py"})
        why = triage.reasons({"solution.py": str(problem["prompt"]) + str(problem["canonical_solution"])})
        count += 1
        plain += not why
        if why:
            others.append((f"HumanEval/{number}", why))
    return count, plain, others


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--why", action="store_true", help="print reasons")
    parser.add_argument("--limit", type=int, help="functions a package, at most")
    arguments = parser.parse_args()
    found = {"HumanEval": of_humaneval()}
    for folder in packages(arguments.folders):
        began = time.perf_counter()
        found[folder.name] = of_package(folder, arguments.limit)
        print(f"  {folder.name}: {time.perf_counter() - began:.1f} s", file=sys.stderr)
    rows = [[name, count, plain, f"{plain / count:.1%}"] for name, (count, plain, _) in found.items() if count]
    of_packages = [figures for name, figures in found.items() if name != "HumanEval"]
    count, plain = sum(f[0] for f in of_packages), sum(f[1] for f in of_packages)
    if count:
        rows.append(["all packages", count, plain, f"{plain / count:.1%}"])
    print_table(["documented functions of", "functions", "plain", "share"], rows)
    solved = found["HumanEval"][1]
    print(f"\nHumanEval: at least 163 plain: {met(solved >= 163)}")
    if count:
        print(f"packages: at least 85 % of at least 1,000: {met(count >= 1_000 and plain >= 0.85 * count)}")
    if arguments.why:
        kinds: Counter[str] = Counter()
        for _, _, others in found.values():
            for name, why in others:
                kinds[re.sub(r"^\S+ ", "", why[0])] += 1
                print(name, *why, sep="\n    ")
        for kind, number in kinds.most_common(60):
            print(number, kind)
    finish("triage_honest", {name: {"functions": f[0], "plain": f[1]} for name, f in found.items()})


if __name__ == "__main__":
    main()
