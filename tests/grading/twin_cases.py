"""Small test suites, one a kind: a test with ``# no twin`` behind its ``def`` must get none, all others must.

Most are in ``twin_suites/``, where ``#: path`` begins a file and ``{here}`` is the package; here are those that say
something by their white space and bytes.
"""

from __future__ import annotations

import re
from pathlib import Path

CODE = """
def double(x):
    return x * 2
def numbers():
    yield from (1, 2)
def fail():
    raise ValueError("no")
def old():
    import warnings
    warnings.warn("old", DeprecationWarning)
async def later(x):
    return x * 2
class Complement:
    def __contains__(self, x):
        return x != 3
"""
_A = "from m import *\ndef test_a():\n    assert double(1) == 2\n"
_FAILS = "def test_fails():\n    assert 0\n"
_TABS = """from m import *
class TestTabs:
\tdef test_a(self):
\t\tassert double(1) == 2
\tdef test_b(self):
\t\twith open(__file__):
\t\t\tassert double(1) == 2
"""
_ODD = {
    "tabs": _TABS,
    "ends": f"{_A}def test_b():\n    assert (\n        double(1)\n    ) == 2\n{_FAILS}".replace("\n", "\r\n"),
    "old_ends": f"{_A}{_FAILS}".replace("\n", "\r"),
    "no_end": "from m import *\ndef test_a(): assert double(1) == 2",
    "form_feed": f"\f\n{_A}\fdef test_b():\n    '''\x0b\x1c\u2028'''\n"
    f"    assert double('\u2028') == '\u2028\u2028'\n{_FAILS}",
    "coding": f"# -*- coding: latin-1 -*-\n{_A}"
    f"def test_b():\n    assert len('\udce9') == 1; assert double(1) == 2\n{_FAILS}",
    "mark": f"\ufeff'é'; {_A}{_FAILS}",
}


def _read(file: Path) -> dict[str, str]:
    _, *parts = re.split(r"^#: (.*)\n", file.read_text(encoding="utf-8"), flags=re.M)
    package = f"of_{file.stem}"
    files = zip(parts[::2], parts[1::2], strict=True)
    return {f"{package}/{path}": text.replace("{here}", package) for path, text in files}


SUITES: dict[str, dict[str, str]] = {
    **{file.stem: _read(file) for file in sorted(Path(__file__).with_name("twin_suites").glob("*.txt"))},
    **{name: {f"of_{name}/test_{name}.py": text} for name, text in _ODD.items()},
}
