"""What holds for any edit, tried on many."""

import ast
import shutil
import subprocess
import tempfile
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blampert_env.editing import REASONS, Edit, apply, apply_edit, plain, unified_diff
from blampert_env.errors import EditRejected
from blampert_env.projects import Project, find_targets, syntax

FEW = settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True)
MANY = settings(FEW, max_examples=1_000)

TEMPLATE = '''{bom}"""Doc."""{n}import os{n}{n}class A:{n}{i}"""A."""{n}{n}{i}@staticmethod{n}{i}def f(x, y=1):{n}{i}{i}"""F."""{n}{i}{i}# TODO{n}{i}{i}pass{n}{n}{i}def g(self):   {n}{i}{i}return """a {n}  b"""  # é{n}{n}def h(x):{n}{i}pass{n}{n}def k(): return "{{}}"{n}{n}async def last(*a):{n}{i}"""L."""{n}{i}...{end}'''  # noqa: E501

projects = st.builds(
    lambda bom, newline, indent, end: Project.from_files(
        "p", {"m.py": TEMPLATE.format(bom=bom, n=newline, i=indent, end=end)}, require_tests=False
    ),
    st.sampled_from(["", "\ufeff"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["    ", "\t", "  "]),
    st.sampled_from(["", "\n", "  # end\n\n", "\r\n"]),
)
ids = st.sampled_from(["m.py::A.f", "m.py::h", "m.py::last"])
HEADERS = {"m.py::A.f": "def f(x, y=1):", "m.py::h": "def h(x):", "m.py::last": "async def last(*a):"}

fragments = st.sampled_from(
    [
        *(
            "def f(x, y=1):\n",
            "def h(x):\n",
            "async def last(*a):\n",
            "class A:\n",
            "@staticmethod\n",
            "    ",
            "\t",
            "  ",
        ),
        *(
            "return 1\n",
            "import math\n",
            "math.pi",
            "'''",
            '"""',
            "\\",
            "\\\n",
            "\n",
            "\r",
            "\r\n",
            "\x0c",
            "#",
            " # TODO\n",
        ),
        *(
            "(",
            ")",
            "[",
            "]",
            ":",
            ";",
            "=",
            "x",
            "lambda: ",
            "f'{x!r:>{x}}'",
            "é",
            "\ufeff",
            "\0",
            "\ud800",
            "yield",
            "if 1:\n",
        ),
    ]
)
anything = st.one_of(st.text(max_size=200), st.lists(fragments, max_size=30).map("".join))

statements = st.sampled_from(
    [
        "return x",
        "return math.floor(1.5) + K",
        "s = '''\n a\n        b\n'''\nreturn s",
        'return f"""\n  {K}\n"""',
        "if x:\n  return [\n1,\n    2]\nelse:\n  pass",
        "for i in range(3):\n    if i:\n        continue\n\n    # comment\n    _h(i)",
        "'''Own docstring.\n\n   More.\n'''\nreturn 1",
        "import json; return json",
        "def inner(q):\n   '''Inner.\n   '''\n   return _h(q)\nreturn inner",
        "# TODO: still\npass\n# end",
        "return os.path, path",
        "é = 'ä'  # ö\nreturn é",
    ]
)
extras = st.lists(
    st.sampled_from(
        [
            *(
                "import math",
                "from os import path",
                "from math import floor as os",
                "import json",
                "K = 2",
                "K: int = 3",
            ),
            *(
                "def _h(x):\n    return (x +\n  K)",
                "@cache\ndef _h(x):\n  '''H.\n  '''\n  return x",
                "print(1)",
                "class A: pass",
            ),
            *("def k(): return 0", "if __name__ == '__main__':\n    print(K)", "J = K = 5", "x, y = 1, 2"),
        ]
    ),
    max_size=5,
)


@st.composite
def functions(draw: st.DrawFn, target: str) -> str:
    """A function with the right header, some things around it, and any indentation."""
    indent = draw(st.sampled_from(["    ", "\t", " ", "   "]))
    body = "\n".join(draw(st.lists(statements, min_size=1, max_size=2)))
    before, after = draw(extras), draw(extras)
    lines = ast.unparse(ast.parse(f"async def w():\n{_shift(body, '  ')}")).split("\n")[1:]
    plain = draw(st.booleans())
    text = HEADERS[target] + "\n" + (_shift(body, indent) if plain else "\n".join(lines)) + "\n"
    if draw(st.booleans()):
        return "\n\n".join([*before, text, *after])
    outer = draw(st.sampled_from(["", "    ", "\t"]))
    return _shift(text, outer)


def _shift(text: str, indent: str) -> str:
    """Indent code but not the inside of strings."""
    quoted = False
    lines = []
    for line in text.split("\n"):
        lines.append(line if quoted or not line else indent + line)
        quoted ^= (line.count("'''") + line.count('"""')) % 2 == 1
    return "\n".join(lines)


def check_any_text(project: Project, target: str, source: str) -> None:
    try:
        after = apply_edit(project, project.sources, Edit(target, source))
    except EditRejected as error:
        refusal = error
    else:
        check_outcome(project, target, after, source)
        return
    assert refusal.reason in REASONS
    assert "\n" not in str(refusal)


def check_outcome(project: Project, target: str, files: dict[str, str], source: str) -> None:
    """Everything outside of the target is still there, byte for byte and in order; the interface is the same."""
    before, after = project.sources["m.py"], files["m.py"]
    compile(after.encode(), "m.py", "exec")
    span = project.target(target)
    raw = _ends(before)
    head, tail = raw[: span.start_line - 1], raw[span.end_line :]
    assert after.endswith("".join(tail))
    rest = iter(_ends(after))
    assert all(line in rest for line in head), "a line above the target is missing or out of order"
    assert after.startswith("\ufeff") == before.startswith("\ufeff")
    assert after.endswith(("\n", "\r")) == before.endswith(("\n", "\r"))
    if "\r" not in source:
        assert {_end(line) for line in _ends(after)} <= {_end(line) for line in raw}
    assert apply_edit(project, files, Edit(target, source)) == files


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _ends(text: str) -> list[str]:
    return text.replace("\r\n", "\0").replace("\n", "\n\1").replace("\r", "\r\1").replace("\0", "\r\n\1").split("\1")


@FEW
@given(projects, ids, anything)
def test_any_text_is_applied_or_refused(project: Project, target: str, source: str) -> None:
    check_any_text(project, target, source)


@FEW
@given(projects, st.text(max_size=80))
def test_any_target_id_is_known_or_refused(project: Project, target: str) -> None:
    with pytest.raises(EditRejected):
        apply_edit(project, {}, Edit(target, "def f(): ..."))


@FEW
@given(projects, ids, st.data())
def test_good_functions_are_applied(project: Project, target: str, data: st.DataObject) -> None:
    source = data.draw(functions(target))
    check_outcome(project, target, apply_edit(project, project.sources, Edit(target, source)), source)


# bodies, most of which parse and only the compiler refuses
uncompiled = st.sampled_from([
    *("break", "await x", "nonlocal q", "nonlocal __class__", "import math", "from os import *", "*a = 1"),
    *("x: int = 1; global x", "def i(a, a): ...", "class Q:\n  return 1", "[(y := 1) for y in z]", "__debug__ = 1"),
    *("async with x: pass", "def i():\n  nonlocal r\nr = 1", "try: pass\nexcept: pass\nexcept E: pass", "yield 1"),
    *("match x:\n case y: pass\n case z: pass", "'Doc.'\n# TODO", '"""Doc.\n\n  More.\n"""\nreturn """\n q"""'),
    "pass\n\n # t",
])  # fmt: skip


def outcome(project: Project, files: dict[str, str], edit: Edit) -> tuple[str, str]:
    try:
        return "applied", apply_edit(project, files, edit)["m.py"]
    except EditRejected as refusal:
        return refusal.reason, str(refusal)


def plain_body(target: str, body: str) -> str:
    return HEADERS[target] + "".join(f"\n    {line}" for line in body.split("\n")) + "\n"


@FEW
@given(projects, st.lists(st.tuples(ids, uncompiled | statements), min_size=1, max_size=4), st.data())
def test_as_the_long_way(project: Project, parts: list[tuple[str, str]], data: st.DataObject) -> None:
    files = dict(project.sources)
    for target, body in parts:
        source = plain_body(target, body) if data.draw(st.booleans()) else data.draw(functions(target))
        edit = Edit(target, source)
        got = outcome(project, files, edit)
        known = plain._known.get((project.sources["m.py"], got[1]))
        with patch.object(apply, "plain_edit", return_value=None):
            assert outcome(project, files, edit) == got
        if got[0] == "applied":
            files = {"m.py": got[1]}
            found = {function.qualname: (function.first, function.last) for function in syntax.functions(got[1])}
            assert known in (None, found)


def check_patch(before: dict[str, str], after: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.py")
        path.write_bytes(before["m.py"].encode())
        text = unified_diff(before, after)
        if text:
            subprocess.run(["patch", "-p1", "-s"], cwd=folder, input=text.encode(), check=True, timeout=30)
        assert path.read_bytes().decode() == after["m.py"]


@pytest.mark.skipif(shutil.which("patch") is None, reason="needs patch")
@settings(FEW, max_examples=25)
@given(projects, ids, st.data())
def test_diff_of_an_edit_patches(project: Project, target: str, data: st.DataObject) -> None:
    after = apply_edit(project, {}, Edit(target, data.draw(functions(target))))
    check_patch(dict(project.sources), after)


texts = st.lists(st.sampled_from(["a\n", "b\n", "a\r\n", "b\r", "\n", "\x0c", "-- \n", "@@\n"]), min_size=1).map(
    "".join
)


@pytest.mark.skipif(shutil.which("patch") is None, reason="needs patch")
@settings(FEW, max_examples=25)
@given(texts, texts)
def test_diff_of_any_texts_patches(before: str, after: str) -> None:
    check_patch({"m.py": before}, {"m.py": after})


@pytest.mark.slow
class TestMany:
    @MANY
    @given(projects, ids, anything)
    def test_any_text(self, project: Project, target: str, source: str) -> None:
        check_any_text(project, target, source)

    @MANY
    @given(projects, ids, st.data())
    def test_good_functions(self, project: Project, target: str, data: st.DataObject) -> None:
        source = data.draw(functions(target))
        check_outcome(project, target, apply_edit(project, project.sources, Edit(target, source)), source)

    @MANY
    @given(projects, st.lists(ids, min_size=2, max_size=5), st.data())
    def test_edits_one_after_the_other(self, project: Project, targets: list[str], data: st.DataObject) -> None:
        files = dict(project.sources)
        for target in targets:
            source = data.draw(functions(target))
            files = apply_edit(project, files, Edit(target, source))
            assert apply_edit(project, files, Edit(target, source)) == files
        assert len(find_targets("m.py", files["m.py"])) <= len(project.targets) + len(targets)
