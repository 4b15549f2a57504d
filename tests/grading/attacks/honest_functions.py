"""Honest programs with odd functions and values."""

from __future__ import annotations

from .honest import honest

CASES = [
    honest("generators", """
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
    honest("closures and caches", """
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
    honest("mutated arguments and aliases", """
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
    honest("coroutines", """
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
    honest("callbacks", """
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
    honest("a lot", """
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
    honest("decorated tests and fixtures", """
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
    honest("inside the interpreter", """
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
    honest("values of the standard library", """
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
]  # fmt: skip
