"""What running the code has shown, in sentences: the call, its value, the one it should have, the line that raised.

A traceback spends most of its characters on places. That a model mends its own code by what its execution gave is the
idea of Self-Debugging (Chen et al. 2023, arXiv 2304.05128, section 4.1: feedback of unit tests).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from blampert_env.parsing import parse

_FRAME = re.compile(r"^(?P<path>\S.*?):\d+: in .+$")
_WHERE = re.compile(r"^\s*\+\s+(?:where|and)\s+(?P<value>.+?) = (?P<call>.+)$")
_COMPARED = re.compile(r"^assert (?P<left>.+) (?:==|is) (?P<right>.+)$")
_RAISED = re.compile(r"^[\w.]*(?:Error|Exception|Exit|Interrupt|StopIteration|Warning)(?:: .*)?$")
# what stands between the parts of a traceback that tells of one exception after another
_CHAINED = re.compile(r"\n\n(?:During handling of the above exception|The above exception was the direct)[^\n]*\n\n")
_NOT_RAISED = re.compile(r"^Failed: DID NOT RAISE (?:<class ')?(?P<kind>[\w.]+)")


@dataclass(frozen=True)
class _Frame:
    """One place of a traceback: its file and the statement there."""

    path: str
    statement: str


def failure_texts(failing: str) -> list[str]:
    """The texts of failed tests that were joined by blank lines; one that tells of several exceptions is one text."""
    return [text for text in _CHAINED.sub("\n", failing).split("\n\n") if text.strip()]


def executed_facts(failing: str, name: str, path: str) -> str:
    """A line a failure, each once; what cannot be told better is the failed statement and what pytest said of it.

    Args:
        failing: Texts of failed tests as pytest's short style has them, a blank line between.
        name: Of the function that was written.
        path: Of its file.
    """
    lines: dict[str, None] = {}
    for text in failure_texts(failing):
        frames, said = _read(text)
        if said:
            lines[_fact(frames, said, name, path)] = None
    return "\n".join(f"- {line}" for line in lines)


def _read(text: str) -> tuple[list[_Frame], list[str]]:
    """The frames of a traceback, outermost first, and what pytest says after them."""
    frames: list[_Frame] = []
    said: list[str] = []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if frame := _FRAME.match(line):
            statement = lines[number + 1].strip() if number + 1 < len(lines) else ""
            frames.append(_Frame(frame["path"], statement))
        elif line.startswith("E ") and line[1:].strip():
            text = line[1:].strip()
            said.append(text.removeprefix("AssertionError: ") if text.startswith("AssertionError: assert ") else text)
    return frames, said or [text.strip().split("\n")[-1]] * bool(text.strip())


def _fact(frames: Sequence[_Frame], said: Sequence[str], name: str, path: str) -> str:
    """One failure as a sentence."""
    called = _called(frames, said, name)
    if missing := _NOT_RAISED.match(said[0]):
        return f"{f'`{called}`' if called else 'A call'} should raise {missing['kind']} and does not."
    if _RAISED.match(said[0]):
        inside = [frame.statement for frame in frames if frame.path == path]
        where = f", at `{inside[-1]}`" if inside else ""
        if called and inside:
            return f"`{called}` raises {said[0]}{where}."
        if not any(one.startswith("assert ") for one in said):
            at = where or (f", at `{frames[-1].statement}`" if frames else "")
            return f"The code raises {said[0]}{at}."
    compared = next((found for line in said if (found := _COMPARED.match(line))), None)
    if called and compared:
        value = next((value for value, call in _values(said) if _is_call_of(call, name)), compared["left"])
        expected = compared["right"] if value == compared["left"] else compared["left"]
        return f"`{called}` gives `{value}`, and it should be `{expected}`."
    return f"`{frames[0].statement}` fails: {said[0]}" if frames else said[0]


def _values(said: Sequence[str]) -> list[tuple[str, str]]:
    """Values that pytest shows beside a failed comparison, and the calls that gave them."""
    return [(one["value"], one["call"]) for line in said if (one := _WHERE.match(line))]


def _called(frames: Sequence[_Frame], said: Sequence[str], name: str) -> str:
    """The call of the function, as a test has it or, where that names variables, with their values; "" if unseen."""
    written = [node for frame in frames for node in _calls(frame.statement) if _is_of(node, name)]
    given = [call for _, call in _values(said) if _is_call_of(call, name)]
    whole = [node for node in written if not _names_variables(node)]
    return next(iter([*map(ast.unparse, whole), *given, *map(ast.unparse, written)]), "")


def _names_variables(node: ast.Call) -> bool:
    arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
    return any(isinstance(part, ast.Name) for one in arguments for part in ast.walk(one))


def _is_call_of(text: str, name: str) -> bool:
    return any(_is_of(node, name) for node in _calls(text))


def _is_of(node: ast.Call, name: str) -> bool:
    return getattr(node.func, "id", getattr(node.func, "attr", "")) == name


def _calls(statement: str) -> Iterator[ast.Call]:
    """The calls in a statement, outer ones first; none if it cannot be read alone."""
    for text in (statement, f"{statement}\n    pass", f"if 1: pass\n{statement}\n    pass"):
        try:
            tree = parse(text)  # once: it is no file, whose tree would be kept
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))
        return
