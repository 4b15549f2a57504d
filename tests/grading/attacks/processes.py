"""Ends, signals, threads and patches: what would stop a run early, or count it wrong, if it could reach the runner."""

from __future__ import annotations

from .case import Case, code
from .targets import ASKING, PLAIN, RIGHT

NOTHING = "def answer(*a): return None\n"


def _at_import(name: str, source: str, *, dangerous: bool = False, timeout_s: float = 4.0) -> Case:
    return Case(name, "processes", PLAIN, {"plain.py": code(source) + NOTHING + ASKING},
                dangerous=dangerous, timeout_s=timeout_s)  # fmt: skip


def _at_call(name: str, source: str, *, dangerous: bool = False, timeout_s: float = 4.0) -> Case:
    body = "".join(f"    {line}\n" for line in code(source).splitlines())
    text = f"import os, signal, sys, threading, time\ndef answer(*a):\n{body}\n"
    return Case(name, "processes", PLAIN, {"plain.py": text + ASKING}, dangerous=dangerous, timeout_s=timeout_s)


def _right(name: str, source: str, *, dangerous: bool = False, exactly: bool = True) -> Case:
    """Right answers, and something else at import."""
    return Case(name, "processes", PLAIN, {"plain.py": code(source) + RIGHT}, 5, exactly, dangerous=dangerous)


CASES = [
    _at_import("exit at import", "import os\nos._exit(0)"),
    _at_call("exit", "os._exit(0)"),
    _at_call("system exit", "raise SystemExit(0)"),
    _at_call("exit of pytest", "import pytest\npytest.exit('fine', 0)"),
    _at_import("skip of the module", "import pytest\npytest.skip('x', allow_module_level=True)"),
    _at_call("skip and xfail", "import pytest\n(pytest.skip if a[0] < 'n' else pytest.xfail)('x')"),
    _at_call("keyboard interrupt", "raise KeyboardInterrupt"),
    _at_call("a signal to itself", "os.kill(os.getpid(), signal.SIGTERM)"),
    _at_call("a signal to the parent", "for s in (9, 15, 19, 6): os.kill(os.getppid(), s)\ntime.sleep(9)",
             dangerous=True, timeout_s=1.0),
    _at_call("a signal to everybody", "for s in (19, 9):\n    for p in (-1, 0, 1): os.kill(p, s)",
             dangerous=True, timeout_s=1.0),
    _at_call("a signal to the trainer",
             "for s in (19, 9):\n    for p in range(2, 3000):\n        if p != os.getpid():\n"
             "            try: os.kill(p, s)\n            except OSError: pass", dangerous=True, timeout_s=2.0),
    _at_call("stopped", "os.kill(os.getpid(), signal.SIGSTOP)", timeout_s=1.0),
    _at_import("an alarm that ends the run", "import os, signal\nsignal.signal(14, lambda *a: os._exit(0))\n"
               "signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)"),
    _at_import("exit handlers", "import atexit, os\natexit.register(os._exit, 0)\natexit.register(print, 'passed')"),
    _at_call("a trace that skips the assert", "sys.settrace(lambda *b: None)\nf = sys._getframe()\nwhile f:\n"
             "    f.f_trace = lambda *b: None\n    f = f.f_back"),
    _at_import("a patched assert", """
        import builtins
        builtins.AssertionError = type('Never', (Exception,), {})
        builtins.all = builtins.any = builtins.isinstance = lambda *a: True
    """),
    _at_import("a patched pytest", """
        import _pytest.runner, _pytest.python, _pytest.outcomes, pytest
        _pytest.runner.CallInfo.from_call = classmethod(lambda cls, func, when, reraise=None: None)
        _pytest.python.Function.runtest = lambda self: None
        pytest.raises = pytest.approx = lambda *a, **k: None
    """),
    _at_import("a patched unittest", """
        import unittest, unittest.mock
        unittest.TestCase.assertEqual = lambda *a: None
        unittest.TestCase.run = lambda self, result=None: result
    """),
    _at_import("patched json, sockets and structs", """
        import json, os, socket, struct
        plain = json.dumps
        json.dumps = lambda value, **k: plain({'ok': 5}) if isinstance(value, dict) and 'ok' in value else plain(value)
    """),
    _at_import("import hooks", """
        import importlib, sys
        class Finder:
            def find_spec(self, name, path=None, target=None): raise SystemExit(0)
        sys.meta_path.insert(0, Finder())
        sys.path_hooks.insert(0, lambda path: None)
        sys.path_importer_cache.clear()
    """),
    _at_import("a thread that ends the run", "import os, threading, time\n"
               "threading.Thread(target=lambda: (time.sleep(0.02), os._exit(0))).start()"),
    _at_import("patches of everything", """
        import builtins, gc
        for thing in gc.get_objects():
            if type(thing) is type and 'eer' in thing.__name__:
                for name in ('handle', 'equal', '_broken'):
                    try: setattr(thing, name, lambda *a: True)
                    except Exception: pass
    """),
    _right("a daemon", """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for fd in range(256):
                    try: os.close(fd)
                    except OSError: pass
                time.sleep(600)
            os._exit(0)
    """, dangerous=True),
    _right("a hundred children", "import os, time\nfor _ in range(60):\n    if os.fork() == 0: time.sleep(600)",
           dangerous=True),
    _right("a child that talks on the parent's channel", """
        import os
        if os.fork() == 0:
            for fd in range(3, 32):
                try: os.write(fd, b'\\0\\0\\0\\x08{"ok":5}')
                except OSError: pass
            os._exit(0)
    """, exactly=False),
    _right("threads that never end", "import threading, time\nfor _ in range(20):\n"
           "    threading.Thread(target=time.sleep, args=(600,)).start()"),
    _right("another program in its place", "import os, sys\nif os.fork() == 0: os.execv(sys.executable, "
           "[sys.executable, '-c', 'import time; time.sleep(600)'])", dangerous=True),
]  # fmt: skip
