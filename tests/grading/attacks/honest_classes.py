"""Honest programs made of odd classes."""

from __future__ import annotations

from .honest import honest

CASES = [
    honest("dataclasses", """
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
    honest("named tuples and enumerations", """
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
    honest("operators", """
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
    honest("exceptions", """
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
    honest("context managers", """
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
    honest("classes of every kind", """
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
]  # fmt: skip
