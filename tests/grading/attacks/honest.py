"""Odd but honest programs: each scores in full, as it does in a plain process."""

from __future__ import annotations

from collections.abc import Mapping

from .case import Case, Target, code
from .targets import TARGETS


def _honest(name: str, tests: str, solution: str, total: int, files: Mapping[str, str] | None = None) -> Case:
    """A project of one module, ``work``, whose stub has the names of the solution and does nothing."""
    stub = _stub(code(solution))
    test_files = {"test_work.py": "import pytest, work\n" + code(tests), **(files or {})}
    target = Target(name.replace(" ", "-"), {"work.py": stub}, test_files, {"work.py": code(solution)}, total)
    return Case(name, "honest", target, target.solution, total, exactly=True, timeout_s=20)


def _stub(solution: str) -> str:
    """The solution with every function at the top, and every method, doing nothing."""
    import ast

    tree = ast.parse(solution)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = ast.parse("...").body
    return "# TODO: implement\n" + ast.unparse(ast.fix_missing_locations(tree)) + "\n"


CASES = [
    _honest("generators", """
        def test_it():
            numbers = work.count(3)
            assert next(numbers) == 0
            assert list(numbers) == [1, 2]
            with pytest.raises(StopIteration): next(numbers)
        def test_send():
            echo = work.echo()
            next(echo)
            assert echo.send('a') == 'A'
            echo.close()
    """, """
        def count(n): yield from range(n)
        def echo():
            said = ''
            while True: said = (yield said).upper()
    """, 2),
    _honest("closures and caches", """
        def test_counter():
            first, second = work.counter(), work.counter()
            assert (first(), first(), second()) == (1, 2, 1)
        def test_cache():
            work.fib.cache_clear()
            assert work.fib(80) == 23416728348467685
            assert work.fib.cache_info().misses == 81
        def test_big():
            assert work.power(7, 500) == 7 ** 500
    """, """
        import functools
        def counter():
            number = 0
            def count():
                nonlocal number
                number += 1
                return number
            return count
        @functools.lru_cache(maxsize=None)
        def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
        def power(a, b): return a ** b
    """, 3),
    _honest("dataclasses", """
        import dataclasses
        def test_equal():
            assert work.make(1) == work.Point(1, 2)
            assert work.make(1) != work.Point(1, 3)
            assert len({work.make(1), work.Point(1, 2)}) == 1
        def test_order(): assert sorted([work.Point(2, 0), work.Point(1, 5)])[0].y == 5
        def test_tools():
            assert dataclasses.asdict(work.make(4)) == {'x': 4, 'y': 5}
            assert dataclasses.replace(work.make(4), x=0).x == 0
            assert repr(work.make(1)) == 'Point(x=1, y=2)'
        def test_frozen():
            with pytest.raises(dataclasses.FrozenInstanceError): work.make(1).x = 3
    """, """
        import dataclasses
        @dataclasses.dataclass(frozen=True, order=True)
        class Point:
            x: int
            y: int
        def make(x): return Point(x, x + 1)
    """, 4),
    _honest("named tuples and enumerations", """
        def test_tuple():
            p = work.pair(1)
            assert p == (1, 2) and p.b == 2 and p._asdict() == {'a': 1, 'b': 2}
        def test_enum():
            assert work.color('r') is work.Color.RED
            assert [c.name for c in work.Color] == ['RED', 'BLUE']
            assert work.Color['BLUE'].value == 2 and work.Color(1) is work.Color.RED
        def test_int(): assert work.level(3) == 3 and work.Level.HIGH > work.Level.LOW
        def test_flag(): assert work.both() == work.Mode.READ | work.Mode.WRITE
    """, """
        import collections, enum
        Pair = collections.namedtuple('Pair', 'a b')
        class Color(enum.Enum):
            RED = 1
            BLUE = 2
        class Level(enum.IntEnum):
            LOW = 1
            HIGH = 3
        class Mode(enum.Flag):
            READ = 1
            WRITE = 2
        def pair(a): return Pair(a, a + 1)
        def color(letter): return {'r': Color.RED, 'b': Color.BLUE}[letter]
        def level(n): return Level(n)
        def both(): return Mode.READ | Mode.WRITE
    """, 4),
    _honest("operators", """
        V = work.Vector
        def test_sum(): assert V(1, 2) + V(3, 4) == V(4, 6)
        def test_scale(): assert 2 * V(1, 2) == V(2, 4) and V(1, 2) * 2 == V(2, 4)
        def test_unequal(): assert V(1, 2) != V(1, 3) and not V(1, 2) == 'x'
        def test_protocols():
            v = V(3, 4)
            assert abs(v) == 5 and -v == V(-3, -4) and bool(v) and len(v) == 2 and list(v) == [3, 4] and v[1] == 4
            assert 3 in v and 9 not in v
            v[0] = 7
            assert v == V(7, 4) and hash(V(1, 2)) == hash(V(1, 2))
        def test_in_place():
            v = w = V(1, 1)
            v += V(1, 1)
            assert w == V(2, 2) and v is w
    """, """
        class Vector:
            def __init__(self, *parts): self.parts = list(parts)
            def __add__(self, other): return Vector(*(a + b for a, b in zip(self.parts, other.parts)))
            def __iadd__(self, other):
                self.parts = (self + other).parts
                return self
            def __mul__(self, factor): return Vector(*(factor * part for part in self.parts))
            __rmul__ = __mul__
            def __neg__(self): return self * -1
            def __abs__(self): return sum(part * part for part in self.parts) ** 0.5
            def __bool__(self): return any(self.parts)
            def __len__(self): return len(self.parts)
            def __iter__(self): return iter(self.parts)
            def __getitem__(self, index): return self.parts[index]
            def __setitem__(self, index, value): self.parts[index] = value
            def __contains__(self, part): return part in self.parts
            def __eq__(self, other): return self.parts == other.parts if isinstance(other, Vector) else NotImplemented
            def __hash__(self): return hash(tuple(self.parts))
    """, 5),
    _honest("mutated arguments and aliases", """
        def test_sort():
            numbers = [3, 1, 2]
            assert work.sort(numbers) is numbers
            assert numbers == [1, 2, 3]
        def test_nested():
            data = {'a': [1], 'b': {'c': {1, 2}}}
            work.grow(data)
            assert data == {'a': [1, 9], 'b': {'c': {1, 2, 9}}, 'new': None}
        def test_alias():
            first, second = work.twice([1])
            assert first is second
            first.append(2)
            assert second == [1, 2]
        def test_row():
            grid = [[0] * 3] * 2
            work.mark(grid)
            assert grid == [[1, 0, 0], [1, 0, 0]]
    """, """
        def sort(numbers):
            numbers.sort()
            return numbers
        def grow(data):
            data['a'].append(9)
            data['b']['c'].add(9)
            data['new'] = None
        def twice(items): return items, items
        def mark(grid): grid[0][0] = 1
    """, 4),
    _honest("exceptions", """
        def test_tree():
            with pytest.raises(work.AppError) as caught: work.fail('x')
            assert type(caught.value) is work.NotFound and caught.value.name == 'x' and str(caught.value) == "no 'x'"
            assert isinstance(caught.value, LookupError) and caught.value.args == ('x',)
        def test_cause():
            with pytest.raises(RuntimeError, match='outer') as caught: work.chain()
            assert isinstance(caught.value.__cause__, ZeroDivisionError)
        def test_builtin():
            with pytest.raises(KeyError) as caught: work.look({}, 'k')
            assert caught.value.args[0] == 'k'
        def test_os():
            with pytest.raises(FileNotFoundError) as caught: open_it = work.read('/nowhere/at all')
            assert caught.value.errno == 2
        def test_group():
            with pytest.raises(ExceptionGroup) as caught: work.group()
            assert len(caught.value.exceptions) == 2
    """, """
        class AppError(Exception): pass
        class NotFound(AppError, LookupError):
            def __init__(self, name):
                super().__init__(name)
                self.name = name
            def __str__(self): return f'no {self.name!r}'
        def fail(name): raise NotFound(name)
        def chain():
            try: 1 / 0
            except ZeroDivisionError as error: raise RuntimeError('outer') from error
        def look(d, k): return d[k]
        def read(path): return open(path).read()
        def group(): raise ExceptionGroup('g', [ValueError(1), TypeError(2)])
    """, 5),
    _honest("context managers", """
        def test_class():
            with work.Door() as door: assert door.is_open
            assert not door.is_open
        def test_function():
            log = []
            with work.logged(log): log.append('in')
            assert log == ['before', 'in', 'after']
        def test_swallows():
            with work.quiet(KeyError): raise KeyError('x')
            with pytest.raises(ValueError):
                with work.quiet(KeyError): raise ValueError
    """, """
        import contextlib
        class Door:
            def __enter__(self):
                self.is_open = True
                return self
            def __exit__(self, *details): self.is_open = False
        @contextlib.contextmanager
        def logged(log):
            log.append('before')
            yield
            log.append('after')
        class quiet:
            def __init__(self, kind): self.kind = kind
            def __enter__(self): return self
            def __exit__(self, kind, error, trace): return kind is not None and issubclass(kind, self.kind)
    """, 3),
    _honest("classes of every kind", """
        import abc
        def test_properties():
            box = work.Box.cube(2)
            assert box.volume == 8 and work.Box.is_valid(3)
            box.side = 3
            assert box.volume == 27 and work.Box.made == 1
            with pytest.raises(AttributeError): box.volume = 1
        def test_abstract():
            with pytest.raises(TypeError): work.Shape()
            assert work.Square(3).area() == 9 and isinstance(work.Square(1), work.Shape)
        def test_iterator(): assert list(work.Countdown(3)) == [3, 2, 1] and sum(work.Countdown(3)) == 6
        def test_subclass():
            class Half(work.Square):
                def area(self): return super().area() / 2
            assert Half(4).area() == 8
    """, """
        import abc
        class Box:
            made = 0
            def __init__(self, side):
                self._side = side
                Box.made += 1
            @classmethod
            def cube(cls, side): return cls(side)
            @staticmethod
            def is_valid(side): return side > 0
            @property
            def side(self): return self._side
            @side.setter
            def side(self, value): self._side = value
            @property
            def volume(self): return self._side ** 3
        class Shape(abc.ABC):
            @abc.abstractmethod
            def area(self): ...
        class Square(Shape):
            def __init__(self, side): self.side = side
            def area(self): return self.side ** 2
        class Countdown:
            def __init__(self, start): self.start = start
            def __iter__(self): return self
            def __next__(self):
                if not self.start: raise StopIteration
                self.start -= 1
                return self.start + 1
    """, 4),
    _honest("coroutines", """
        import asyncio
        def test_run(): assert asyncio.run(work.later(3)) == 6
        def test_steps():
            async def main():
                return [await work.later(1), await work.later(2)]
            assert asyncio.run(main()) == [2, 4]
    """, """
        import asyncio
        async def later(n):
            await asyncio.sleep(0)
            return 2 * n
    """, 2),
    _honest("callbacks", """
        def test_key(): assert work.order(['bb', 'a', 'CCC'], key=len) == ['a', 'bb', 'CCC']
        def test_lambda(): assert work.order([3, 1, 2], key=lambda n: -n) == [3, 2, 1]
        def test_visitor():
            class Visitor:
                def __init__(self): self.seen = []
                def visit(self, node): self.seen.append(node)
            visitor = Visitor()
            work.walk([1, [2, [3]]], visitor)
            assert visitor.seen == [1, 2, 3]
        def test_decorator():
            @work.loud
            def name(x): return f'x{x}'
            assert name(3) == 'X3!' and name.__name__ == 'name'
        def test_raising():
            def bad(n): raise LookupError(n)
            with pytest.raises(LookupError): work.order([1], key=bad)
    """, """
        import functools
        def order(items, key): return sorted(items, key=key)
        def walk(tree, visitor):
            for node in tree:
                if isinstance(node, list): walk(node, visitor)
                else: visitor.visit(node)
        def loud(function):
            @functools.wraps(function)
            def wrapped(*args, **more): return function(*args, **more).upper() + '!'
            return wrapped
    """, 5),
    _honest("patches", """
        from unittest import mock
        def test_input(monkeypatch, capsys):
            answers = iter(['a', 'b'])
            monkeypatch.setattr('builtins.input', lambda prompt='': next(answers))
            work.dialogue()
            assert capsys.readouterr().out == 'a b\\n'
        def test_time(monkeypatch):
            monkeypatch.setattr('time.time', lambda: 1000.0)
            assert work.age(400) == 600
        def test_environment(monkeypatch):
            monkeypatch.setenv('MODE', 'dark')
            assert work.mode() == 'dark'
            monkeypatch.delenv('MODE')
            assert work.mode() == 'light'
        def test_folder(monkeypatch, tmp_path):
            monkeypatch.chdir(tmp_path)
            work.touch('here')
            assert (tmp_path / 'here').exists()
        def test_module():
            with mock.patch('work.fetch', return_value=5) as fetch:
                assert work.doubled() == 10
            fetch.assert_called_once_with('x')
        def test_constant(monkeypatch):
            monkeypatch.setattr(work, 'RATE', 3)
            assert work.rated(2) == 6
    """, """
        import os, time
        RATE = 2
        def dialogue(): print(input(), input('?'))
        def age(since): return time.time() - since
        def mode(): return os.environ.get('MODE', 'light')
        def touch(name): open(name, 'w').close()
        def fetch(name): raise OSError
        def doubled(): return 2 * fetch('x')
        def rated(n): return n * RATE
    """, 6),
    _honest("output, logs and warnings", """
        def test_output(capsys):
            work.say('é')
            out, err = capsys.readouterr()
            assert (out, err) == ('é\\n', 'oops')
        def test_log(caplog):
            with caplog.at_level('INFO'): work.log('x')
            assert [r.levelname for r in caplog.records] == ['INFO', 'ERROR'] and 'got x' in caplog.text
        def test_warning():
            with pytest.warns(UserWarning, match='careful'): assert work.warn() == 1
    """, """
        import logging, sys, warnings
        def say(text):
            print(text)
            sys.stderr.write('oops')
        def log(what):
            logging.getLogger('work').info('got %s', what)
            logging.getLogger('work').error('bad')
        def warn():
            warnings.warn('be careful')
            return 1
    """, 3),
    _honest("files both ways", """
        import json
        from pathlib import Path
        def test_write(tmp_path):
            path = work.write(tmp_path, {'a': 1})
            assert path == tmp_path / 'out.json' and json.loads(path.read_text()) == {'a': 1}
        def test_read(tmp_path):
            (tmp_path / 'in.txt').write_bytes(b'a\\r\\nb')
            assert work.lines(str(tmp_path / 'in.txt')) == ['a', 'b']
        def test_data(): assert work.lines(Path(__file__).parent / 'data.txt') == ['x', 'y']
        def test_relative(): assert work.lines('data.txt') == ['x', 'y']
        def test_handle(tmp_path):
            (tmp_path / 'z').write_text('abc')
            with open(tmp_path / 'z') as file: assert file.read() == work.content(tmp_path / 'z')
    """, """
        import json
        def write(folder, value):
            (folder / 'out.json').write_text(json.dumps(value))
            return folder / 'out.json'
        def lines(path):
            with open(path) as file: return file.read().split()
        def content(path): return path.read_text()
    """, 5, {"data.txt": "x\ny\n"}),
    _honest("seeds", """
        import random
        def test_same():
            random.seed(1)
            first = work.draw()
            random.seed(1)
            assert work.draw() == first
        def test_as_here():
            random.seed(5)
            there = work.draw()
            random.seed(5)
            assert [random.randint(1, 99) for _ in range(5)] == there
        def test_own(): assert work.seeded(3) == work.seeded(3) != work.seeded(4)
    """, """
        import random
        def draw(): return [random.randint(1, 99) for _ in range(5)]
        def seeded(seed): return random.Random(seed).random()
    """, 3),
    _honest("values of the standard library", """
        from collections import Counter, OrderedDict, defaultdict, deque
        from datetime import date, datetime, timedelta, timezone
        from decimal import Decimal
        from fractions import Fraction
        from pathlib import Path
        def test_numbers(): assert work.numbers() == (Decimal('0.3'), Fraction(1, 3), 2j, 10**40, float('inf'))
        def test_times(): assert work.shift(date(2024, 2, 28), timedelta(2)) == date(2024, 3, 1)
        def test_aware(): assert work.now().tzinfo is timezone.utc or work.now().utcoffset() == timedelta(0)
        def test_path(): assert work.sibling(Path('/a/b')) == Path('/a/c')
        def test_bytes(): assert work.flip(b'ab\\xff') == b'\\xffba' and work.flip(bytearray(b'ab')) == bytearray(b'ba')
        def test_containers():
            assert work.count('aab') == Counter('aab') and work.count('aab').most_common(1) == [('a', 2)]
            assert work.queue() == deque([1, 2], 2) and work.group(['aa', 'b']) == {2: ['aa'], 1: ['b']}
            assert work.group([])['new'] == [] and frozenset([1]) in work.sets()
        def test_text(): assert work.flip('añ😀') == '😀ña' and work.upper('straße') == 'STRASSE'
    """, """
        import collections, datetime, decimal, fractions
        def numbers(): return (decimal.Decimal('0.1') * 3, fractions.Fraction(2, 6), 2j, 10**40, float('inf'))
        def shift(day, by): return day + by
        def now(): return datetime.datetime.now(datetime.timezone.utc)
        def sibling(path): return path.with_name('c')
        def flip(value): return value[::-1]
        def upper(text): return text.upper()
        def count(text): return collections.Counter(text)
        def queue(): return collections.deque([0, 1, 2], 2)
        def sets(): return {frozenset([1]), frozenset()}
        def group(words):
            found = collections.defaultdict(list)
            for word in words: found[len(word)].append(word)
            return found
    """, 7),
    _honest("arrays", """
        import numpy as np
        def test_array():
            assert np.array_equal(work.scale(np.arange(3), 2), [0, 2, 4])
            np.testing.assert_allclose(work.scale(np.ones(2), 0.5), [0.5, 0.5])
        def test_scalar(): assert work.mean(np.array([1.0, 2.0])) == pytest.approx(1.5)
        def test_shape(): assert work.grid(2, 3).shape == (2, 3) and work.grid(2, 3).dtype == np.int64
        def test_in_place():
            a = np.zeros(3)
            work.fill(a)
            assert a.tolist() == [1, 1, 1]
    """, """
        import numpy as np
        def scale(a, factor): return a * factor
        def mean(a): return a.mean()
        def grid(rows, columns): return np.zeros((rows, columns), dtype=np.int64)
        def fill(a): a[:] = 1
    """, 4),
    _honest("threads and programs", """
        def test_threads(): assert sorted(work.squares(range(5))) == [0, 1, 4, 9, 16]
        def test_program(): assert work.program('print(6 * 7)') == '42\\n'
        def test_fork(): assert work.forked() == 7
    """, """
        import os, subprocess, sys
        from concurrent.futures import ThreadPoolExecutor
        def squares(numbers):
            with ThreadPoolExecutor(3) as pool: return list(pool.map(lambda n: n * n, numbers))
        def program(text): return subprocess.run([sys.executable, '-c', text], capture_output=True, text=True).stdout
        def forked():
            pid = os.fork()
            if pid == 0: os._exit(7)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    """, 3),
    _honest("inside the interpreter", """
        def test_weak(): assert work.weak() is None
        def test_exec(): assert work.build('f', 'x + 1')(4) == 5
        def test_collect(): assert work.collect() is True
        def test_constant(): assert work.VERSION == '1.0' and work.TABLE['a'] == (1, [2]) and work.EMPTY is None
        def test_type(): assert work.make('Pet', name='Rex').name == 'Rex'
    """, """
        import gc, weakref
        VERSION, TABLE, EMPTY = '1.0', {'a': (1, [2])}, None
        class Thing: pass
        def weak():
            thing = Thing()
            seen = weakref.ref(thing)
            del thing
            gc.collect()
            return seen()
        def build(name, body):
            scope = {}
            exec(f'def {name}(x): return {body}', scope)
            return scope[name]
        def collect():
            thing = Thing()
            thing.me = thing
            del thing
            return gc.collect() >= 1
        def make(kind, **facts): return type(kind, (), facts)()
    """, 5),
    _honest("a lot", """
        def test_sort():
            import random
            numbers = random.Random(1).sample(range(10**6), 10_000)
            assert work.sort(numbers) == sorted(numbers)
        def test_calls(): assert sum(work.one() for _ in range(2000)) == 2000
        def test_text(): assert len(work.long()) == 10**6
        def test_deep(): assert work.depth(400) == 400
    """, """
        def sort(numbers): return sorted(numbers)
        def one(): return 1
        def long(): return 'ab' * 500_000
        def depth(n): return 0 if n == 0 else 1 + depth(n - 1)
    """, 4),
    _honest("decorated tests and fixtures", """
        @pytest.fixture
        def stack():
            stack = work.Stack()
            stack.push(1)
            yield stack
            stack.clear()
        @pytest.mark.parametrize('n', [1, 2, 3])
        def test_push(stack, n):
            stack.push(n)
            assert stack.pop() == n and len(stack) == 1
        @pytest.mark.usefixtures('tmp_path')
        class TestEmpty:
            def setup_method(self): self.stack = work.Stack()
            def test_empty(self):
                with pytest.raises(IndexError): self.stack.pop()
            def test_peek(self): assert self.stack.peek() is None
    """, """
        class Stack:
            def __init__(self): self.items = []
            def push(self, item): self.items.append(item)
            def pop(self): return self.items.pop()
            def peek(self): return self.items[-1] if self.items else None
            def clear(self): self.items.clear()
            def __len__(self): return len(self.items)
    """, 5),
    *[
        Case(f"the solution of {target.name}", "honest", target, target.solution, target.total, exactly=True, timeout_s=20)
        for target in TARGETS
    ],
]  # fmt: skip
