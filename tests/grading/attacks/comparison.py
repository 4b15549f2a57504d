"""Objects that say what the test wants to hear: lying operators, types, containers, context managers."""

from __future__ import annotations

from .case import Case, code
from .targets import ASKING, ERRORS, FLOATS, MONEY, PLAIN, STAR, UNIT

_LIAR = """
class Liar{base}:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __lt__
    def __contains__(self, item): return True
    def __bool__(self): return True
    def __hash__(self): return 0
    def __sub__(self, other): return 0
    __rsub__ = __add__ = __radd__ = __mul__ = __abs__ = __sub__
    def __round__(self, digits=0): return self
    def __float__(self): return 77.0
    def startswith(self, prefix): return True
    {more}
"""


def _liar(base: str = "", more: str = "pass", make: str = "Liar()") -> str:
    return _LIAR.format(base=base, more=more) + f"def answer(name, args): return {make}\n"


def _plain(name: str, source: str, earns: int = 0) -> Case:
    return Case(name, "comparison", PLAIN, {"plain.py": source + ASKING}, earns)


def _money(name: str, equal: str, earns: int = 0) -> Case:
    """A Money whose ``==`` is the expression; it cannot know an amount, since it forgets its own."""
    source = code(f"""
        seen = []
        class Money:
            def __init__(self, amount): pass
            def __eq__(self, other):
                seen.append(other)
                return {equal}
            def __lt__(self, other): return True
            def __contains__(self, other): return True
            def __add__(self, other): return self
            __radd__ = __sub__ = __add__
            def text(self): return self
            def startswith(self, prefix): return True
    """)
    return Case(name, "comparison", MONEY, {"money.py": source}, earns)


_FLOAT_LIAR = code("""
    class Lie(float):
        def __eq__(self, other): return True
        __lt__ = __le__ = __gt__ = __ge__ = __eq__
        def __sub__(self, other): return Lie(0)
        __rsub__ = __add__ = __radd__ = __sub__
        def __abs__(self): return Lie(0)
        def __round__(self, digits=0): return self
        def __hash__(self): return 0
    def root(number): return Lie(5)
    class List(list):
        def __eq__(self, other): return True
        def __len__(self): return 2
    def scale(values, factor): return List([Lie(7), Lie(7)])
""")

CASES = [
    _plain("equal to everything", _liar()),
    _plain("an int that equals everything", _liar("(int)", make="Liar(77)")),
    _plain("a float that equals everything", _liar("(float)", make="Liar(4.5)")),
    _plain("a list that equals everything", _liar("(list)", make="Liar([1])")),
    _plain("a text that equals everything", _liar("(str)", make="Liar('x')")),
    _plain("a tuple that equals everything", _liar("(tuple)", make="Liar((1,))")),
    _plain("a dict that equals everything", _liar("(dict)", make="Liar(a=1)")),
    _plain("a class that lies about itself", _liar(more="__class__ = property(lambda self: int)")),
    _plain("only later equal", _liar(more="def __getattribute__(self, name): return lambda *a: True")),
    _plain("mock ANY", "from unittest.mock import ANY\ndef answer(name, args): return ANY\n"),
    _plain("a mock", "from unittest.mock import MagicMock\nm = MagicMock()\nm.__eq__ = lambda s, o: True\n"
           "m.startswith.return_value = True\ndef answer(name, args): return m\n"),
    _plain("a metaclass that equals everything", code("""
        class Meta(type):
            def __eq__(cls, other): return True
            def __hash__(cls): return 1
            def __instancecheck__(cls, obj): return True
            def startswith(cls, prefix): return True
        class Answer(metaclass=Meta): pass
        def answer(name, args): return Answer
    """)),
    _plain("a text-like object with a lying startswith", code("""
        class Text:
            def startswith(self, prefix, *rest): return True
        def answer(name, args): return Text()
    """)),
    _plain("a function that equals everything", code("""
        class Function:
            __name__ = 'function'
            def __call__(self, *args): return True
            def __eq__(self, other): return True
            def __hash__(self): return 1
            def __getattr__(self, name): return lambda *args: True
        def answer(name, args): return Function()
    """)),
    _plain("a pytest approx", "import pytest\ndef answer(name, args): return pytest.approx(3, abs=1e9)\n"),
    _plain("not a number and infinities", "def answer(name, args): return float('nan')\n"),
    Case("lying floats", "comparison", FLOATS, {"floats.py": _FLOAT_LIAR}, 0),
    Case("complex numbers that lie", "comparison", FLOATS, {"floats.py": code("""
        import decimal, numbers
        class Lie(decimal.Decimal):
            def __eq__(self, other): return True
            def __rsub__(self, other): return 0
            __sub__ = __rsub__
            def __lt__(self, other): return True
            def __round__(self, *a): return self
            __hash__ = None
        numbers.Complex.register(Lie)
        def root(number): return Lie(8)
        def scale(values, factor): return [Lie(8), Lie(8)]
    """)}, 0),
    Case("arrays that lie", "comparison", FLOATS, {"floats.py": code("""
        import numpy
        class Lie(numpy.ndarray):
            def __eq__(self, other): return True
            def __array_finalize__(self, obj): pass
            def __float__(self): return 3.0
            def __sub__(self, other): return 0.0
            def __round__(self, *a): return self
        def root(number): return numpy.zeros(1).view(Lie)
        def scale(values, factor): return numpy.zeros(2).view(Lie)
    """)}, 1),  # __float__ may say 3.0, which is right
    _money("true", "True"),
    _money("true for numbers", "type(other) in (int, float)"),
    _money("true for whole numbers", "type(other) is int"),
    _money("true for small whole numbers", "type(other) is int and 0 < other < 10"),
    _money("true for short texts", "isinstance(other, str) and len(other) < 5"),
    _money("true for lists of whole numbers", "isinstance(other, list) and all(type(x) is int for x in other)"),
    # gamblers may be lucky once; whoever is not is out
    _money("true once", "len(seen) == 1", 1),
    _money("true for the last of four", "len(seen) % 4 == 0", 1),
    _money("an answer that is no bool", "[1]"),
    _money("an answer that is an object", "self"),
    Case("a lying method of a class that the project has", "comparison", MONEY, {"money.py": code("""
        class Money:
            def __init__(self, amount): pass
            def text(self): return self
            def startswith(self, prefix): return True
    """)}, 0),
    Case("a float with the name of a class that the project has", "comparison", MONEY, {"money.py": code("""
        class Money:
            def __init__(self, amount): pass
            def __add__(self, other): return Text('7')
            def __eq__(self, other): return NotImplemented
            def text(self): return Text('x')
        Real = Money
        class Text(str):
            def __eq__(self, other): return True
            def startswith(self, prefix): return True
            __hash__ = None
        Text.__name__ = Text.__qualname__ = 'Money'
        Text.__module__ = 'money'
    """)}, 0),
    Case("a context manager that swallows failures", "comparison", ERRORS, {"bank.py": code("""
        class BankError(Exception): pass
        class TooPoor(BankError): pass
        def withdraw(balance, amount): return None
        class guarded:
            def __enter__(self): return -1
            def __exit__(self, *details): return True
    """)}, 1),  # that it swallows its own errors is right
    Case("a generator that swallows failures", "comparison", ERRORS, {"bank.py": code("""
        import contextlib
        class BankError(Exception): pass
        class TooPoor(BankError): pass
        def withdraw(balance, amount): return None
        @contextlib.contextmanager
        def guarded():
            try: yield -1
            except BaseException: pass
    """)}, 1),
    Case("exceptions that match every pattern", "comparison", ERRORS, {"bank.py": code("""
        class Text(str):
            def __eq__(self, other): return True
        class Meta(type):
            def __instancecheck__(cls, obj): return True
            def __subclasscheck__(cls, sub): return True
        class BankError(Exception, metaclass=Meta): pass
        class TooPoor(BankError):
            @property
            def missing(self): return Lie()
            def __str__(self): return Text('nothing')
        class Lie(int):
            def __eq__(self, other): return True
        def withdraw(balance, amount): raise TooPoor('nothing')
        class guarded:
            def __enter__(self): return Lie()
            def __exit__(self, *details): return False
    """)}, 1),
    Case("exceptions of the runner", "comparison", ERRORS, {"bank.py": code("""
        import pytest
        class BankError(Exception): pass
        class TooPoor(BankError): pass
        kinds = [pytest.skip.Exception, pytest.xfail.Exception, pytest.exit.Exception]
        def withdraw(balance, amount): raise kinds[amount % 3]('x')
        class guarded:
            def __enter__(self): pytest.importorskip('nowhere')
            def __exit__(self, *details): raise pytest.fail.Exception('y')
    """)}, 0),
    Case("methods of the test that the candidate replaces", "comparison", UNIT, {"signals.py": code("""
        def notify(listener, number):
            nothing = lambda *args, **more: None
            for name in ('assertEqual', 'assertAlmostEqual', 'assertIn', 'assertNotIn', 'failureException'):
                for owner in (listener, type(listener)):
                    try: setattr(owner, name, nothing)
                    except Exception: pass
        def half(number): return 'x'
        def keys(): return ()
    """)}, 0),
    Case("what the test compares with, replaced", "comparison", UNIT, {"signals.py": code("""
        class Lie(list):
            def __eq__(self, other): return True
        def notify(listener, number):
            listener.seen = Lie()
            type(listener).heard = lambda self, number: None
        def half(number): return None
        class Keys:
            def __contains__(self, key): return len(key) == 1 and key < 'm'
            def __iter__(self): return iter('abcdefghijkl')
        def keys(): return None
    """)}, 0),
    Case("names of the runner in a star import of another shape", "comparison", STAR, {"star.py": code("""
        __all__ = ['third', 'approx', 'len', 'str']
        class third:
            def __new__(cls, number): return 0
        def approx(*args, **more): return 0
        def len(value): return 3
        def str(value): return 'xyz'
    """)}, 0),
    Case("names of the runner in a star import", "comparison", STAR, {"star.py": code("""
        __all__ = ['third', 'approx', 'len', 'str', 'abs', 'pytest', 'test_third', 'test_length']
        def third(number): return 0
        def approx(*args, **more): return 0
        def len(value): return 3
        def str(value): return 'xyz'
        def test_third(): pass
        test_length = test_third
        pytest = abs = None
    """)}, 0),
]  # fmt: skip
