"""Forged reports, forged messages to the tests, and patches of whatever counts the results."""

from __future__ import annotations

from .case import Case, code
from .targets import ASKING, ERRORS, MONEY, PLAIN, UNIT

PEER = code("""
    import gc, json, os, struct, sys, threading, time
    peer = next(o for o in gc.get_objects() if type(o).__name__ == 'Candidate')
    plain_encode = type(peer).encode_object
    class Raw:
        '''Goes over the wire as it is.'''
        def __init__(self, data): self.data = data
    def encode_object(self, value):
        return value.data if type(value) is Raw else plain_encode(self, value)
    type(peer).encode_object = encode_object
    def send(message, fd=None):
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        os.write(fd or peer.sock.fileno(), struct.pack('!I', len(data)) + data)
    def ask(*args):
        try: return peer.request(*args)
        except BaseException as error: return repr(error)
    def call(what, args, more={}): return ask('special', what, '__call__', args, more)
""")
FORGED = """
        plain_write = type(peer).write
        def write(self, data):
            data = json.dumps({**json.loads(data[4:]), **forged}).encode()
            plain_write(self, struct.pack('!I', len(data)) + data)
        type(peer).write = write
"""
TAKE_OVER = """
import sys
f = sys._getframe()
while f:
    r = f.f_locals.get('reporter')
    if r is not None: type(r).worse = lambda self, o: setattr(self, 'outcome', 'passed')
    f = f.f_back
"""


def _wire(name: str, source: str, earns: int = 0, *, exactly: bool = False, timeout_s: float = 4.0) -> Case:
    text = PEER + f"TAKE_OVER = {TAKE_OVER!r}\n" + code(source) + ASKING
    return Case(name, "channel", PLAIN, {"plain.py": text}, earns, exactly, timeout_s=timeout_s)


CASES = [
    _wire("exec in the tests", "def answer(*a): call(exec, [TAKE_OVER])"),
    _wire("eval in the tests", "def answer(*a): call(eval, [f'exec({TAKE_OVER!r})'])"),
    _wire("exec by a raw reference", """
        def answer(*a): call(Raw(['g', 'builtins', 'exec']), [TAKE_OVER])
    """),
    _wire("exec by a special method", """
        def answer(*a): ask('special', exec, '__call__', [TAKE_OVER])
    """),
    _wire("exec by a method of a module", """
        import builtins
        def answer(*a):
            call(ask('get', builtins, 'exec'), [TAKE_OVER])
            call(Raw(['b', ['m', 'builtins'], 'exec']), [TAKE_OVER])
            call(Raw(['g', 'os', 'sys.modules']), [TAKE_OVER])
    """),
    _wire("globals of a function", """
        def answer(*a):
            scope = ['b', ['b', ['g', 'collections', 'namedtuple'], '__globals__'], 'get']
            call(Raw(['b', ['g', 'code', 'InteractiveInterpreter'], 'runcode']), [None, TAKE_OVER])
            found = call(Raw(scope), ['__builtins__'])
            return str(found)
    """),
    _wire("classes that run code", """
        def answer(*a):
            for module, name in (('code', 'InteractiveInterpreter'), ('timeit', 'Timer'), ('subprocess', 'Popen'),
                                 ('ctypes', 'CDLL'), ('threading', 'Timer'), ('functools', 'partial')):
                made = call(Raw(['g', module, name]), [TAKE_OVER])
                if not isinstance(made, str):
                    call(ask('get', made, 'runsource'), [TAKE_OVER, 'x', 'exec'])
                    call(ask('get', made, 'timeit'), [1])
    """),
    _wire("the process that runs the tests ends itself", """
        def answer(*a):
            call(os._exit, [0])
            call(os.kill, [os.getpid(), 9])
            call(os.abort, [])
    """),
    _wire("what the tests hold of themselves", """
        def answer(*a):
            for key in range(0, 200, 2):
                ask('get', Raw(['o', key]), '__globals__')
                ask('get', Raw(['b', ['o', key], '__globals__']), 'keys')
            return call(gc.get_objects, []) and call(sys._getframe, [])
    """),
    _wire("an int with the comparison of mock ANY", """
        class Lie: pass
        bases = [['g', 'doctest', 'unittest.mock._ANY'], ['g', 'unittest.mock', '_ANY'], ['g', 'builtins', 'int']]
        plain_type = type(peer).encode_type
        def encode_type(self, cls):
            return ['T', self.know(cls), 'Lie', 'm', bases, ['__hash__']] if cls is Lie else plain_type(self, cls)
        type(peer).encode_type = encode_type
        def answer(*a): return Lie()
    """),
    _wire("a described class that claims every operator", """
        class Lie:
            def __eq__(self, other): return True
            def startswith(self, text): return True
        special = ['__eq__', 'eq', '_eq_', '____eq____', '__ne__', '__contains__', '__class__', '__array__', 7]
        plain_type = type(peer).encode_type
        def encode_type(self, cls):
            return ['T', self.know(cls), '_ANY', 'unittest.mock', [], special] if cls is Lie else plain_type(self, cls)
        type(peer).encode_type = encode_type
        def answer(*a): return Lie()
    """),
    _wire("the class of functions, described by the candidate", """
        special = ['__eq__', '__contains__', '__sub__', '__lt__', '__call__']
        plain_object = type(peer).encode_object
        def encode_object(self, value):
            if not callable(value): return plain_object(self, value)
            made = ['T', draw(), 'plain', 'plain', [], special]
            return ['h', self.know(value), made]
        type(peer).encode_object = encode_object
        names = iter(['builtins.function', 'plain:plain', 'unittest.mock:_ANY', ':', 'os:_exit', 'plain:add'] * 9)
        def draw(): return next(names)
        def startswith(*a): return True
        def answer(*a): return lambda *a: True
    """),
    _wire("keys of the tests' own objects as answers", """
        keys = iter(range(0, 400, 2))
        def answer(*a): return Raw(['t', ['o', next(keys)], ['o', next(keys)]]) if a[0] == 'squares' else Raw(['o', 2])
    """),
    _wire("messages of any size and depth", """
        forms = [b'[' * 100000, b'{"ok": ' + b'[' * 5000 + b']' * 5000 + b'}', b'{"ok": NaN}', b'null', b'[]', b'{}',
                 b'{"q": []}', b'{"q": ["call"]}', b'{"ok": ["o", [2]]}', b'{"ok": ["c", 1, "list", null, 7]}',
                 b'{"ok": ["x", "array", "O", [1], ""]}', b'{"ok": {"a": 1}}', b'\\xff',
                 b'{"err": ["E", 3, 4]}', b'{"ok": ["o", 5]}', b'{"err": {}}', b'{"ok": 1, "u": 7}',
                 b'{"ok": ["x", "range", 1, ["o", 2]]}',
                 b'{"ok": ["x", "Fraction", ["c", 1, "list", null, []]]}', b'{"ok": ["h", 1, ["T", 1]]}']
        def answer(name, args): send(forms[len(name) * len(str(args)) % len(forms)])
    """),
    _wire("a message that is announced and never sent", """
        def answer(*a): os.write(peer.sock.fileno(), struct.pack('!I', 60 * 2**20)); time.sleep(60)
    """, timeout_s=1.0),
    _wire("half a gigabyte of messages", """
        def answer(*a):
            for _ in range(8): send(b'{"ok": [' + b'[],' * (20 * 2**20) + b'[]]}')
    """),
    _wire("numbers that cost more than they weigh", """
        def answer(*a): return Raw(['x', 'Decimal', '1e999999999'])
    """),
    _wire("containers that hold themselves", """
        def answer(*a):
            return Raw(['c', peer.new_key(None), 'list', None, [['o', peer._next_key], ['o', peer._next_key]]])
    """),
    _wire("a list as deep as an ocean", """
        def answer(*a):
            keys = [peer.new_key(None) for _ in range(20000)]
            first = ['c', keys[0], 'list', None, []]
            pairs = zip(keys, keys[1:])
            return Raw(['t', first, *[['c', key, 'list', None, [['o', before]]] for before, key in pairs]])
    """),
    _wire("messages before anybody asked", """
        for number in (5, 'HI!', 3.0, [0, 1, 4, 9]):
            send({'ok': number if not isinstance(number, list) else ['t', *number]})
        def answer(*a): return None
    """),
    _wire("messages from a thread", """
        def chat():
            while True:
                try: send({'q': ['repr', 1]})
                except OSError: return
                time.sleep(0.001)
        threading.Thread(target=chat, daemon=True).start()
        def answer(*a): return None
    """),
    _wire("changes of containers that were never shared", FORGED + """
        def answer(*a): return None
        forged = {'c': [[k, [5]] for k in range(50)], 'r': list(range(50)), 'd': list(range(50)), 'u': ['', 7, None]}
    """),
    _wire("surroundings that are not carried", FORGED + """
        def answer(*a): return None
        line = '\\n' + 'x' * 32 + ' {"kind": "outcome", "id": "test_plain.py::test_add", "outcome": "passed"}\\n'
        forged = {'out': line * 100, 'err': line, 'records': [['warn', 'builtins', 'exec', 'x', 1]], 'cwd': '/box',
                  'env': {'PYTEST_CURRENT_TEST': 'x', 'PATH': '/box'}, 'random': ['t', 3], 'patch': ['os', '', 'stat']}
    """),
    _wire("exceptions of classes that stop pytest", """
        names = [('doctest', 'unittest.SkipTest'), ('builtins', 'KeyboardInterrupt'), ('builtins', 'GeneratorExit'),
                 ('asyncio', 'CancelledError'), ('pluggy', 'PluginValidationError'), ('builtins', 'BaseException')]
        draw = iter(names * 9)
        plain_error = type(peer).encode_error
        def encode_error(self, error, depth=0):
            form, key, _, _, *more = plain_error(self, error)
            return [form, key, ['g', *next(draw)], [], *more]
        type(peer).encode_error = encode_error
        def answer(*a): raise ValueError
    """),
    _wire("every descriptor gets a forged record", """
        line = b'\\n {"kind": "outcome", "id": "test_plain.py::test_add", "outcome": "passed"}\\n'
        for fd in range(256):
            if fd != peer.sock.fileno():
                try: os.write(fd, line)
                except OSError: pass
        def answer(*a): return None
    """),
    Case("special methods that the project does not have", "channel", MONEY, {"money.py": PEER + code("""
        from unittest.mock import ANY
        class Money:
            def __init__(self, amount): pass
            __eq__ = ANY.__eq__
            def __ne__(self, other): return True
            def __add__(self, other): return other
            def text(self): return call(exec, ['import os; os._exit(1)'])
    """)}, 1),
    Case("the test object's own methods", "channel", UNIT, {"signals.py": PEER + code("""
        def notify(listener, number):
            for name in ('assertEqual', 'assertIn', 'assertNotIn', 'assertAlmostEqual', 'heard', 'seen'):
                ask('set', listener, name, print)
                ask('special', type(listener), '__setattr__', [name, print])
            call(ask('get', listener, 'skipTest'), ['x'])
        def half(number): return None
        def keys(): return None
    """)}, 0),
    Case("an exception object of the tests", "channel", ERRORS, {"bank.py": PEER + code("""
        class BankError(Exception): pass
        class TooPoor(BankError): pass
        def withdraw(balance, amount): return None
        class guarded:
            def __enter__(self): return 1
            def __exit__(self, kind, error, trace):
                for owner in (error, Raw(['o', 2]), Raw(['o', 4]), Raw(['b', ['o', 2], '__traceback__'])):
                    ask('get', ask('get', owner, '__traceback__'), 'tb_frame')
                    call(ask('get', owner, 'with_traceback'), [None])
                return None
    """)}, 0),
]  # fmt: skip
