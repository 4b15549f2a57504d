"""Attacks on tests that share a process with the candidate: forged reports, patched runners, twins found out."""

from __future__ import annotations

from .case import Case, code
from .targets import TOGETHER

_FORGE = code("""
    import sys
    def forge():
        frame = sys._getframe()
        while frame:
            reporter = frame.f_locals.get('reporter')
            if reporter is not None and hasattr(reporter, 'send'):
                for test in ('test_in_a_thread', 'test_total'):
                    reporter.send('outcome', id=f'test_together.py::{test}', outcome='passed', failure='')
                reporter.send('finished', code=0)
                import os; os._exit(0)
            frame = frame.f_back
""")
_TOGETHER = {
    "forged outcomes": _FORGE + "forge()\ndef total(numbers): pass\n",
    "forged outcomes while a test runs": _FORGE + "def total(numbers): forge()\n",
    "a runner that passes everything": code("""
        from _pytest.runner import CallInfo
        plain = CallInfo.from_call.__func__
        CallInfo.from_call = classmethod(lambda cls, func, when, reraise=None: plain(cls, lambda: None, when, reraise))
        def total(numbers): pass
    """),
    "a reporter that passes everything": code("""
        import gc
        for found in gc.get_objects():
            if type(found).__name__ == 'Reporter':
                type(found).worse = lambda self, o: setattr(self, 'outcome', 'passed')
        def total(numbers): pass
    """),
    "a reporter that passes all but the odd names": code("""
        import gc, re
        for found in gc.get_objects():
            if type(found).__name__ == 'Reporter':
                send = type(found).send
                def forged(self, kind, **fields):
                    if kind == 'outcome' and not re.search('[0-9a-f]{16}', fields['id']): fields['outcome'] = 'passed'
                    send(self, kind, **fields)
                type(found).send = forged
        def total(numbers): pass
    """),
    "a test that knows an impossible one": code("""
        from _pytest.runner import CallInfo
        plain = CallInfo.from_call.__func__
        def from_call(cls, func, when, reraise=None):
            item = next((c.cell_contents for c in func.__closure__ or () if hasattr(c.cell_contents, 'nodeid')), None)
            names = item.function.__code__.co_names if item is not None else ()
            is_twin = any('impossible' in name for name in names)
            return plain(cls, func if is_twin or when != 'call' else lambda: None, when, reraise)
        CallInfo.from_call = classmethod(from_call)
        def total(numbers): pass
    """),
    "equal to everything, together": "class Lie:\n    def __eq__(self, o): return True\ndef total(n): return Lie()\n",
    "a patched assertion, together": code("""
        import builtins
        builtins.AssertionError = type('Never', (Exception,), {})
        class Fine(BaseException): pass
        import _pytest.python
        _pytest.python.pytest_pyfunc_call = lambda pyfuncitem: True
        def total(numbers): pass
    """),
}
CASES = [
    Case(name, "in one process", TOGETHER, {"together.py": source}, dangerous="_exit" in source)
    for name, source in _TOGETHER.items()
]
