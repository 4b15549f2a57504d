"""What an edit does to a file: the target changes, what it needs comes along, nothing else moves."""

import ast
import threading
import warnings

import pytest

from blampert_env.editing import Edit, apply_edit
from blampert_env.projects import Project


def edited(project: Project, name: str, source: str, files: dict[str, str] | None = None) -> str:
    """The file after an edit; a second time must change nothing."""
    target = f"calc.py::{name}"
    once = apply_edit(project, files or project.sources, Edit(target, source))
    assert apply_edit(project, once, Edit(target, source)) == once
    compile(once["calc.py"].encode(), "calc.py", "exec")
    return once["calc.py"]


ADD = '''    def add(self, a: float, b: float = 0.0, *, exact: bool = False) -> float:
        """
        Add two numbers.
        """
'''
OLD_BODY = """        # TODO: Implement addition
        result = 0
        return result
        # trailing comment of the body
"""


@pytest.mark.parametrize(
    "source",
    [
        "def add(self, a, b=0.0, *, exact=False):\n    return a + b",
        "def add(self, a: float, b: float = 0.0, *, exact: bool = False) -> float:\n    return a + b\n\n\n",
        "    def add(self, a, b=0.0, *, exact=False):\n        return a + b\n",
        "\t\tdef add(self, a, b=0.0, *, exact=False):\n\t\t\treturn a + b\n",
        "def add(self, a, b=0.0, *, exact=False):\n        return a + b\n\n    def other(self): ...\n",
        "def add(self, a, b=0.0, *, exact=False):\r\n  return a + b\r\n",
        "def add(self, a, b=0.0, *, exact=False): return a + b",
        "class Solution:\n    def add(self, a, b=0.0, *, exact=False):\n        return a + b\n",
        "def add(self, a, b=0.0, *, exact=False): \\\n return a + b",
        "def add(\n  self,\n  a,  # :\n  b=0.0,\n  *, exact=False\n) -> 'float: x':  # TODO: was here\n  return a + b",
        "class Calculator:\n    def add(self, a, b=0.0, *, exact=False):\n        return a + b\n",
        "class Calculator:\n  'D'\n  def g(self): ...\n  def add(self, a, b=0.0, *, exact=False): return a + b\n",
        "# Here it is\ndef add(self, a, b=0.0, *, exact=False):\n    return a + b\n\nprint(Calculator().add(1, 2))\n",
        "import json\ndef g(): ...\ndef add(self, a, b=0.0, *, exact=False):\n    return a + b\nassert add(0) == 1\n",
        "def add(self, a, b=0.0, *, exact=False):\n    return a + b\nif __name__ == '__main__':\n    def add(): ...\n",
        "def add(self): ...\n\ndef add(self, a, b=0.0, *, exact=False):\n    return a + b\nx = 1\n",
    ],
)
def test_the_function_in_any_form(project: Project, source: str) -> None:
    before = project.sources["calc.py"]
    assert edited(project, "Calculator.add", source) == before.replace(OLD_BODY, "        return a + b\n")


def test_whole_file_again(project: Project) -> None:
    before = project.sources["calc.py"]
    whole = (
        before.replace(OLD_BODY, "        return a + b\n").replace("return n\n", "return -n\n").replace("= 10", "= 11")
    )
    assert edited(project, "Calculator.add", whole) == before.replace(OLD_BODY, "        return a + b\n")


def test_own_docstring_replaces_the_original(project: Project) -> None:
    source = 'def fact(n):\n  """New.\n\n  More.\n  """\n  # comment\n  return 1  # one\n  # end'
    assert edited(project, "fact", source) == project.sources["calc.py"].replace(
        '    """Factorial."""\n    raise NotImplementedError  # later\n',
        '    """New.\n\n    More.\n    """\n    # comment\n    return 1  # one\n    # end\n',
    )


def test_docstring_comes_back_after_an_edit_that_replaced_it(project: Project) -> None:
    first = edited(project, "fact", 'def fact(n):\n    """New."""\n    return 1\n')
    assert '"""Factorial."""\n    return 2\n' in edited(project, "fact", "def fact(n): return 2", {"calc.py": first})


@pytest.mark.parametrize(
    ("name", "source", "old", "new"),
    [
        (
            "Calculator.make",
            "@staticmethod\ndef make(size):\n    return Calculator()",
            "        raise NotImplementedError\n",
            "        return Calculator()\n",
        ),
        (
            "Calculator.make",
            "import functools\n@functools.cache\n@staticmethod\ndef make(size): return 1",
            "    @staticmethod\n    def make",
            "    @functools.cache\n    @staticmethod\n    def make",
        ),
        ("Calculator.size", "def size(self): return 1", "int: ...\n", "int:\n        return 1\n"),
        ("Calculator.size", "@property\ndef size(self):\n  return 1", "int: ...\n", "int:\n        return 1\n"),
        (
            "Calculator.size@setter",
            "class Calculator:\n  @property\n  def size(self): 1\n  @size.setter\n  def size(self, value): self.x = 1",
            "None: pass\n",
            "None:\n        self.x = 1\n",
        ),
        ("Calculator.size@setter", "def size(self, value): return 1", "None: pass\n", "None:\n        return 1\n"),
        ("Calculator.wait", "async def wait(self): return 1", "wait(self): pass\n", "wait(self):\n        return 1\n"),
        (
            "Calculator.Inner.deep",
            "class Inner:\n  def deep(self, x, /):\n    if x:\n      return 1",
            "                    pass\n",
            "                    if x:\n                            return 1\n",
        ),
        ("last", "def last(*args, **kwargs):\n    return 1\n", 'Last."""\n    # TODO', 'Last."""\n    return 1'),
    ],
)
def test_every_kind_of_function(project: Project, name: str, source: str, old: str, new: str) -> None:
    before = project.sources["calc.py"]
    after = edited(project, name, source)
    assert new in after
    if "import" not in source:
        assert after == before.replace(old, new)


def test_last_function_keeps_the_missing_newline(project: Project) -> None:
    after = edited(project, "last", "def last(*args, **kwargs):\n    return helper2()\ndef helper2(): return 1\n\n\n")
    assert after.endswith('"""Last."""\n    return helper2()')


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n  "])
def test_line_ends_and_byte_order_mark_stay(newline: str, bom: str, end: str) -> None:
    source = (
        bom
        + f"class A:\n\tdef f(self):\n\t\tpass\n\n\tdef g(self):\n\t\t''' a \n b'''\n\t\treturn 1{end}".replace(
            "\n", newline
        )
    )
    project = Project.from_files("calc", {"calc.py": source}, require_tests=False)
    after = edited(
        project,
        "A.f",
        "import os\n\nK = 3\n\ndef f(self):\n    for x in K:\n        return os\n    return '''\n  x'''\n",
    )
    expected = (
        "import os\n\nK = 3\n\n\nclass A:\n\tdef f(self):\n\t\tfor x in K:\n\t\t\treturn os\n\t\treturn '''\n  x'''\n\n"
        f"\tdef g(self):\n\t\t''' a \n b'''\n\t\treturn 1{end}"
    )
    assert after == bom + expected.replace("\n", newline)


def test_docstring_keeps_its_line_ends() -> None:
    source = 'def f():\r\n    """A.\r\n\r\n    B.\r\n    """\r\n    pass\r\n'
    project = Project.from_files("calc", {"calc.py": source}, require_tests=False)
    assert edited(project, "f", "def f():\n    return 1\n") == source.replace("pass", "return 1")


def test_imports_helpers_and_constants_come_along(project: Project) -> None:
    source = '''
import math, sys
from typing import Any, List, cast
import numpy.unused
from . import sibling
from __future__ import generator_stop

BASE = 2
OTHER = 3

def _twice(x: List[int]):
    """Twice."""
    return BASE * x

@dataclass
class _Pair:
    left: int

def fact(n: Set[int]):
    return math.prod(_twice(n)), cast(Any, _Pair(sibling))

def _unused(): ...
'''
    before = project.sources["calc.py"]
    expected = before.replace(
        "# trailing\n", "# trailing\nimport math\nfrom typing import List, cast\nfrom . import sibling\n"
    )
    helpers = (
        'BASE = 2\n\n\ndef _twice(x: List[int]):\n    """Twice."""\n    return BASE * x\n\n\n'
        "@dataclass\nclass _Pair:\n    left: int\n\n\n"
    )
    expected = expected.replace("# about fact\ndef fact", helpers + "# about fact\ndef fact")
    expected = expected.replace(
        "raise NotImplementedError  # later", "return math.prod(_twice(n)), cast(Any, _Pair(sibling))"
    )
    after = apply_edit(project, project.sources, Edit("calc.py::fact", source))
    assert after["calc.py"] == expected
    assert apply_edit(project, after, Edit("calc.py::fact", source)) == after


def test_helper_methods_follow_the_target(project: Project) -> None:
    wrapped = (
        "class Calculator:\n  RATE = 2\n  def _round(self, x):\n    return x * self.RATE\n  def unused(self): ...\n"
        "  LIMIT = 99\n  def add(self, a, b=0.0, *, exact=False):\n"
        "    return self._round(a) + self.LIMIT + self.done()\n"
        "  def done(self): return 'mine'\n"
    )
    bare = (
        "def _round(self, x):\n    return x * 2\n\n"
        "def add(self, a, b=0.0, *, exact=False):\n    return self._round(a) + self.LIMIT + self.done()\n"
    )
    before = project.sources["calc.py"]
    new = "        return self._round(a) + self.LIMIT + self.done()\n"
    assert edited(project, "Calculator.add", wrapped) == before.replace(
        OLD_BODY, new + "\n    RATE = 2\n\n    def _round(self, x):\n        return x * self.RATE\n"
    )
    assert edited(project, "Calculator.add", bare) == before.replace(
        OLD_BODY, new + "\n    def _round(self, x):\n        return x * 2\n"
    )


def test_what_the_file_defines_is_not_redefined(project: Project) -> None:
    source = (
        "NAMES = {}\ndef helper(n): return 0\nclass Calculator: ...\ndef fact(n): return helper(n) + NAMES['add']\n"
    )
    before = project.sources["calc.py"]
    assert edited(project, "fact", source) == before.replace(
        "raise NotImplementedError  # later", "return helper(n) + NAMES['add']"
    )


def test_import_of_a_taken_name_goes_into_the_function(project: Project) -> None:
    source = (
        "from posix import path as os\nimport os.path\nimport helper\ndef fact(n):\n  '''D'''\n  return os, helper\n"
    )
    after = edited(project, "fact", source)
    assert after == project.sources["calc.py"].replace("# trailing\n", "# trailing\nimport os.path\n").replace(
        '    """Factorial."""\n    raise NotImplementedError  # later\n',
        "    '''D'''\n    from posix import path as os\n    import helper\n    return os, helper\n",
    )


def test_helper_of_an_earlier_edit_is_replaced(project: Project) -> None:
    source = "def _h(x):\n    return 1\nK = 1\ndef fact(n):\n    return _h(n) + K\n"
    first = edited(project, "fact", source)
    second = edited(project, "fact", source.replace("1", "2"), {"calc.py": first})
    assert second == first.replace("return 1", "return 2").replace("K = 1", "K = 2")


def test_helper_that_others_use_is_not_replaced(project: Project) -> None:
    helpers = "def _deep(): return 1\ndef _h(x):\n    return _deep()\n"
    first = edited(project, "fact", helpers + "def fact(n):\n    return _h(n)\n")
    both = edited(project, "last", helpers + "def last(*args, **kwargs):\n    return _h(3)\n", {"calc.py": first})
    other = helpers.replace("1", "2").replace("return _deep()", "return 3")
    assert edited(project, "fact", other + "def fact(n):\n    return _h(n)\n", {"calc.py": both}) == both


def test_helper_method_of_an_earlier_edit_is_replaced(project: Project) -> None:
    source = "def _h(self): return 1\ndef add(self, a, b=0.0, *, exact=False):\n    return self._h()\n"
    first = edited(project, "Calculator.add", source)
    second = edited(project, "Calculator.add", source.replace("1", "2"), {"calc.py": first})
    assert second == first.replace("def _h(self): return 1", "def _h(self): return 2")


def test_extra_decorator_goes_away_with_the_next_edit(project: Project) -> None:
    first = edited(project, "fact", "from functools import cache\n@cache\ndef fact(n): return 1\n")
    assert "@cache\ndef fact" in first
    second = edited(project, "fact", "def fact(n): return 2\n", {"calc.py": first})
    assert "@cache" not in second


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", "import os\n\n"),
        ("#!/bin/python\n# coding: utf-8\n", "#!/bin/python\n# coding: utf-8\n\nimport os\n\n"),
        ("#!/bin/python\n# about f\n", "#!/bin/python\n\nimport os\n\n# about f\n"),
        ("# Licence.\n\n", "# Licence.\n\nimport os\n\n"),
        ('"""Doc."""\n', '"""Doc."""\n\nimport os\n\n'),
        ('"""Doc."""\n\n', '"""Doc."""\n\nimport os\n\n'),
        ("import sys\nx = 1\nimport json\n", "import sys\nimport os\nx = 1\nimport json\n"),
        ("import sys; x = 1\n", "import sys; x = 1\nimport os\n"),
        ("from a import (\n    b,\n)\n", "from a import (\n    b,\n)\nimport os\n"),
        ("try:\n    import os\nexcept ImportError:\n    os = None\n", None),
        ("if TYPE_CHECKING:\n    import os\n", "import os\n\nif TYPE_CHECKING:\n    import os\n"),
    ],
)
def test_where_imports_go(head: str, expected: str | None) -> None:
    project = Project.from_files("calc", {"calc.py": head + "def f():\n    pass\n"}, require_tests=False)
    after = edited(project, "f", "import os\ndef f():\n    return os\n")
    assert after == (head if expected is None else expected) + "def f():\n    return os\n"


def test_helpers_of_a_function_inside_a_block() -> None:
    source = "try:\n    import x\nexcept ImportError:\n    def f():\n        pass\nelse:\n    def f():\n        pass\n"
    project = Project.from_files("calc", {"calc.py": source}, require_tests=False)
    after = edited(project, "f@2", "K = 1\ndef f(): return K\n")
    assert after == "K = 1\n\n\n" + source.removesuffix("\n        pass\n") + "\n        return K\n"


def test_strings_keep_their_value_at_any_indentation(project: Project) -> None:
    source = (
        "        def fact(n):\n            a = '''\n   one\n            two\n'''\n"
        "            b = f'''\n {n}\n            {n}'''\n            c = 'x\\\n            y'\n"
        "            return a, b, c\n"
    )
    after = edited(project, "fact", source)
    namespace: dict[str, object] = {}
    exec(ast.unparse(next(node for node in ast.parse(after).body if getattr(node, "name", "") == "fact")), namespace)
    assert namespace["fact"](1) == ("\n   one\n            two\n", "\n 1\n            1", "x            y")  # type: ignore[operator]


def test_missing_files_come_from_the_project(project: Project) -> None:
    edit = Edit("calc.py::fact", "def fact(n): return 1")
    assert apply_edit(project, {}, edit) == apply_edit(project, project.sources, edit)


def test_the_same_code_changes_nothing(project: Project) -> None:
    for target in project.targets:
        if target.name not in ("size", "wait"):  # one-liners get a line for their body
            assert apply_edit(project, {}, Edit(target.id, target.source)) == project.sources


def test_no_warning_from_any_thread(project: Project) -> None:
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            for index in range(20):
                apply_edit(project, {}, Edit("calc.py::fact", f"def fact(n): return '\\d{seed}-{index}' is 1"))
        except BaseException as error:
            failures.append(error)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("error")
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures
    assert not caught


LEFT = """import missing, math
from other import *
from typing import List, Set
_BAD = missing.call()
class _Helper:
    x = _BAD
def fact(n):
    y: Set = _Helper, math, List
    return y
"""


def test_what_nobody_needs_any_more_goes_away(project: Project) -> None:
    first = edited(project, "fact", LEFT)
    assert "import missing, math\nfrom other import *\nfrom typing import List, Set\n" in first
    assert "_BAD = missing.call()" in first
    clean = edited(project, "fact", "def fact(n):\n    return 1\n")
    assert edited(project, "fact", "def fact(n):\n    return 1\n", {"calc.py": first}) == clean
    some = edited(project, "fact", "def fact(n):\n    x: List = 1\n    return math.pi\n", {"calc.py": first})
    assert "# trailing\nimport math\nfrom typing import List\n\nNAMES" in some
    assert "missing" not in some
    assert "_Helper" not in some


def test_what_other_functions_use_stays(project: Project) -> None:
    first = edited(
        project, "last", "import math\nK = math.pi\ndef _h(): return K\ndef last(*args, **kwargs): return _h()\n"
    )
    both = edited(project, "fact", "def fact(n):\n    return 1\n", {"calc.py": first})
    assert both == first.replace("raise NotImplementedError  # later", "return 1")


def test_new_code_may_use_what_an_earlier_edit_added(project: Project) -> None:
    first = edited(project, "fact", "import math\ndef _h(): return math.pi\ndef fact(n):\n    return _h()\n")
    second = edited(project, "fact", "def fact(n):\n    return _h() + 1\n", {"calc.py": first})
    assert second == first.replace("return _h()", "return _h() + 1")


def test_unused_helper_methods_go_away(project: Project) -> None:
    source = (
        "class Calculator:\n    K = 1\n    def _h(self): return self.K\n    def add(self, a, b=0.0, *, exact=False):\n"
    )
    first = edited(project, "Calculator.add", source + "        return self._h()\n")
    plain = "def add(self, a, b=0.0, *, exact=False):\n    return a + b\n"
    assert edited(project, "Calculator.add", plain, {"calc.py": first}) == edited(project, "Calculator.add", plain)


@pytest.mark.parametrize(
    "head", ["", '"""Doc."""\n', '"""Doc."""\n\n', "# Licence.\n\n", "import sys\n\n\n", "x = 1\n\n\n"]
)
def test_an_import_comes_and_goes_without_a_trace(head: str) -> None:
    source = head + "def f():\n    pass\n"
    project = Project.from_files("calc", {"calc.py": source}, require_tests=False)
    files = {"calc.py": source}
    for _ in range(3):
        with_import = edited(project, "f", "import os\ndef f():\n    return os\n", files)
        files = {"calc.py": edited(project, "f", "def f():\n    pass\n", {"calc.py": with_import})}
    assert files["calc.py"] == (source if head != '"""Doc."""\n' else '"""Doc."""\n\ndef f():\n    pass\n')
