"""Files that the candidate lays or changes: tests, configuration, shadows of modules, data that tests compare with."""

from __future__ import annotations

from .case import Case, Target, code
from .targets import ASKING, FILES, PLAIN, RIGHT, SHOP

_PASS = "\n".join(f"def test_{name}(): pass" for name in ("add", "shout", "mean", "squares", "prefix"))
_EVERYWHERE = code("""
    import os, sys, tempfile
    places = [os.getcwd(), '/tests', '/box', '/grants', '/slot/box', '/tmp', os.path.dirname(__file__), *sys.path]
    def lay(name, text):
        for place in places:
            try:
                path = os.path.join(place, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, 'w') as file: file.write(text)
            except OSError: pass
    def answer(*a): return None
""")


def _lays(name: str, files: dict[str, str], more: str = "") -> Case:
    source = _EVERYWHERE + "".join(f"lay({path!r}, {text!r})\n" for path, text in files.items()) + code(more)
    return Case(name, "files", PLAIN, {"plain.py": source + ASKING}, dangerous=True)


_CONFTEST = code("""
    import pytest
    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(item, call):
        outcome = yield
        outcome.get_result().outcome = 'passed'
""")

CASES = [
    _lays("tests that pass", {"test_plain.py": _PASS}),
    _lays("a conftest", {"conftest.py": _CONFTEST}),
    _lays("configuration", {
        "pytest.ini": "[pytest]\npython_functions = none\n",
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p evil'\n",
        "tox.ini": "[pytest]\naddopts = --collect-only\n",
        "setup.cfg": "[tool:pytest]\naddopts = -k none\n",
        "evil.py": _CONFTEST,
    }),
    _lays("modules of the standard library", {
        f"{name}.py": "raise SystemExit(0)\n" for name in ("json", "socket", "random", "re", "struct", "weakref")
    }, "import sys\nfor name in ('json', 'random', 'struct'): sys.modules.pop(name, None)"),
    _lays("sitecustomize and path files", {
        "sitecustomize.py": "import os; os._exit(0)\n", "usercustomize.py": "import os; os._exit(0)\n",
        "evil.pth": "import os; os._exit(0)\n", "evil-1.0.dist-info/entry_points.txt": "[pytest11]\nevil = evil\n",
    }),
    _lays("a pytest of its own", {
        "pytest/__init__.py": "def approx(*a): pass\n", "_pytest/__init__.py": "", "pluggy/__init__.py": "",
    }),
    _lays("byte code of the tests", {"__pycache__/test_plain.cpython-311-pytest-8.4.2.pyc": "x" * 100}),
    _lays("an own module in place of the project's", {"plain/__init__.py": RIGHT, "test_plain/__init__.py": _PASS},
          "import sys\nsys.modules['plain'] = None"),
    Case("files that are not the candidate's", "files", PLAIN, {
        "plain.py": "def add(a, b): pass\ndef shout(t): pass\nmean = squares = shout\n", "test_plain.py": _PASS,
    }),
    Case("a conftest among the files", "files", PLAIN, {"plain.py": RIGHT, "conftest.py": _CONFTEST}),
    Case("deleted tests", "files", PLAIN, {"plain.py": RIGHT, "test_plain.py": ""}, 5, exactly=True),
    Case("the data that the test compares with", "files", FILES, {"notes.py": code("""
        import os
        def save(path, text): pass
        def load(path): return None
        def total(path):
            for name in ('expected.json', '/box/expected.json', '/tests/expected.json', '/grants/expected.json'):
                try:
                    if os.path.exists(name): os.unlink(name)
                    with open(name, 'w') as file: file.write('{"total": 1}')
                except OSError: pass
            return 1
    """)}, dangerous=True),
    Case("the data, changed between two requests", "files", FILES, {"notes.py": code("""
        import threading, time
        def change():
            time.sleep(0.001)
            with open('expected.json', 'w') as file: file.write('{"total": 1}')
        threading.Thread(target=change).start()
        def save(path, text): pass
        def load(path): return None
        def total(path): return 1
    """)}, dangerous=True),
    Case("the data, changed after the answer", "files", FILES, {"notes.py": code("""
        import threading
        def change():
            while not done: pass
            for _ in range(200):
                with open('expected.json', 'w') as file: file.write('{"total": 1}')
        done = []
        thread = threading.Thread(target=change)
        thread.start()
        def save(path, text): pass
        def load(path): return None
        def total(path):
            done.append(1)
            return 1
    """)}, dangerous=True),
    Case("another folder under the test", "files", FILES, {"notes.py": code("""
        import os
        def save(path, text): pass
        def load(path): return None
        def total(path):
            os.makedirs('/tmp/elsewhere', exist_ok=True)
            os.chdir('/tmp/elsewhere')
            with open('expected.json', 'w') as file: file.write('{"total": 1}')
            return 1
    """)}, dangerous=True),
    Case("a renamed folder under the test", "files", FILES, {"notes.py": code("""
        import os
        def save(path, text): pass
        def load(path): return None
        def total(path):
            os.makedirs('/tmp/other', exist_ok=True)
            with open('/tmp/other/expected.json', 'w') as file: file.write('{"total": 1}')
            for name in os.listdir('.'):
                try: os.rename(name, '/tmp/other/old-' + name)
                except OSError: pass
            try: os.symlink('/tmp/other/expected.json', 'expected.json')
            except OSError: pass
            return 1
    """)}, dangerous=True),
    Case("a folder that another takes the place of for a while", "files", Target(
        "folders",
        {"notes.py": "# TODO: implement\ndef total(path): ...\ndef load(path): ...\n"},
        {"data/expected.json": '{"total": 6}\n', "numbers.txt": "1 2 3\n", "test_notes.py": code("""
            import json
            from notes import load, total
            def test_total():
                found = total('numbers.txt')
                with open('data/expected.json') as file: assert found == json.load(file)['total']
            def test_load(): assert load('numbers.txt') == ['1', '2', '3']
        """)},
        {"notes.py": "def load(path): return open(path).read().split()\n"
                     "def total(path): return sum(map(int, load(path)))\n"},
        2,
    ), {"notes.py": code("""
        import os, shutil
        def total(path):
            os.rename('data', 'kept')
            os.mkdir('data')
            with open('data/expected.json', 'w') as file: file.write('{"total": 1}')
            return 1
        def load(path):
            shutil.rmtree('data')
            os.rename('kept', 'data')
    """)}),
    Case("links where the test reads and writes", "files", FILES, {"notes.py": code("""
        import glob, os
        os.makedirs('/tmp/pytest', exist_ok=True)
        for target in ('/tests/test_notes.py', '@HOME@/planted.txt', '@CWD@/planted.txt', '/etc/passwd'):
            for number in range(3):
                for name in ('a.txt', 'b.txt'):
                    folder = f'/tmp/pytest/test_{"save" if name < "b" else "load"}{number}'
                    try:
                        os.makedirs(folder, exist_ok=True)
                        os.symlink(target, f'{folder}/{name}')
                    except OSError: pass
        def save(path, text):
            for target in ('@HOME@/planted.txt', '/tests/test_notes.py'):
                try: os.unlink(path)
                except OSError: pass
                os.symlink(target, path)
        def load(path): return None
        def total(path): raise ValueError(open(path).read())
    """)}, dangerous=True),
    Case("pipes where the test reads", "files", FILES, {"notes.py": code("""
        import os
        def save(path, text): os.mkfifo(path)
        def load(path): return None
        def total(path): return None
    """)}, timeout_s=1.0),
    Case("modules of the package that replace each other", "files", SHOP, {
        "shop/__init__.py": "import sys\nclass Cart:\n    def add(self, p): pass\n    def total(self): return Any()\n"
                            "class Any(int):\n    def __eq__(self, o): return True\nsys.modules['shop.tax'] = Any\n",
        "shop/cart.py": "", "shop/tax.py": "def tax(price): return __import__('shop').Any()\n",
    }),
]  # fmt: skip
