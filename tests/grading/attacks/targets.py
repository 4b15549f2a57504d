"""The small projects that the attacks are aimed at."""

from __future__ import annotations

from .case import Target, code

PLAIN = Target(
    "plain",
    {"plain.py": code("""
        # TODO: implement
        def add(a, b): ...
        def shout(text): ...
        def mean(numbers): ...
        def squares(count): ...
    """)},
    {"test_plain.py": code("""
        from plain import add, mean, shout, squares
        def test_add():
            assert add(2, 3) == 5
        def test_shout():
            assert shout('hi') == 'HI!'
        def test_mean():
            assert mean([1, 2, 6]) == 3.0
        def test_squares():
            assert squares(4) == [0, 1, 4, 9]
        def test_prefix():
            assert shout('abc').startswith('ABC')
    """)},
    {"plain.py": code("""
        def add(a, b): return a + b
        def shout(text): return text.upper() + '!'
        def mean(numbers): return sum(numbers) / len(numbers)
        def squares(count): return [number * number for number in range(count)]
    """)},
    5,
)  # fmt: skip
RIGHT = PLAIN.solution["plain.py"]
# every function answers what ``answer(name, arguments)`` says
ASKING = code("""
    def add(*args): return answer('add', args)
    def shout(*args): return answer('shout', args)
    def mean(*args): return answer('mean', args)
    def squares(*args): return answer('squares', args)
""")

MONEY = Target(
    "money",
    {"money.py": code("""
        class Money:
            # TODO: implement
            def __init__(self, amount): ...
            def __eq__(self, other): return NotImplemented
            def __lt__(self, other): return NotImplemented
            def __contains__(self, other): return False
            def __add__(self, other): return NotImplemented
            def __radd__(self, other): return NotImplemented
            def __sub__(self, other): return NotImplemented
            def text(self): ...
    """)},
    {"test_money.py": code("""
        from money import Money
        def test_equal_to_a_number():
            assert Money(7) == 7
        def test_sum():
            assert Money(3) + 4 == 7
        def test_text():
            assert Money(5).text() == '$5'
        def test_equal_to_a_text():
            assert Money(2) == '$2'
        def test_equal_to_a_list():
            assert Money(2) == [2]
        def test_unequal():
            assert Money(7) != 8 and Money(7).text() == '$7'
    """)},
    {"money.py": code("""
        class Money:
            def __init__(self, amount): self.amount = amount
            def __eq__(self, other):
                if isinstance(other, Money): return self.amount == other.amount
                if isinstance(other, str): return self.text() == other
                if isinstance(other, list): return [self.amount] == other
                return self.amount == other
            def __lt__(self, other): return self.amount < other
            def __contains__(self, other): return False
            def __add__(self, other): return Money(self.amount + other)
            __radd__ = __add__
            def __sub__(self, other): return Money(self.amount - other)
            def text(self): return f'${self.amount}'
    """)},
    6,
)  # fmt: skip

FILES = Target(
    "files",
    {"notes.py": code("""
        # TODO: implement
        def save(path, text): ...
        def load(path): ...
        def total(path): ...
    """)},
    {
        "numbers.txt": "1\n2\n3\n",
        "expected.json": '{"total": 6}\n',
        "test_notes.py": code("""
            import json
            from notes import load, save, total
            def test_save(tmp_path):
                save(tmp_path / 'a.txt', 'hello')
                assert (tmp_path / 'a.txt').read_text() == 'hello\\n'
            def test_load(tmp_path):
                (tmp_path / 'b.txt').write_text('one two')
                assert load(tmp_path / 'b.txt') == ['one', 'two']
            def test_total():
                found = total('numbers.txt')
                with open('expected.json') as file:
                    assert found == json.load(file)['total']
        """),
    },
    {"notes.py": code("""
        def save(path, text):
            with open(path, 'w') as file: file.write(text + '\\n')
        def load(path):
            with open(path) as file: return file.read().split()
        def total(path): return sum(map(int, load(path)))
    """)},
    3,
)  # fmt: skip

ERRORS = Target(
    "errors",
    {"bank.py": code("""
        class BankError(Exception): pass
        class TooPoor(BankError): pass
        # TODO: implement
        def withdraw(balance, amount): ...
        class guarded: ...
    """)},
    {"test_bank.py": code("""
        import pytest
        from bank import BankError, TooPoor, guarded, withdraw
        def test_enough():
            assert withdraw(10, 3) == 7
        def test_too_poor():
            with pytest.raises(TooPoor, match='^5 of 9$') as caught:
                withdraw(5, 9)
            assert caught.value.missing == 4
        def test_negative():
            with pytest.raises(ValueError):
                withdraw(5, -1)
        def test_guarded():
            with guarded() as balance:
                assert balance == 100
        def test_guarded_swallows_bank_errors():
            with guarded():
                raise BankError('x')
    """)},
    {"bank.py": code("""
        class BankError(Exception): pass
        class TooPoor(BankError):
            def __init__(self, have, want):
                super().__init__(f'{have} of {want}')
                self.missing = want - have
        def withdraw(balance, amount):
            if amount < 0: raise ValueError(amount)
            if amount > balance: raise TooPoor(balance, amount)
            return balance - amount
        class guarded:
            def __enter__(self): return 100
            def __exit__(self, kind, error, trace): return kind is not None and issubclass(kind, BankError)
    """)},
    5,
)  # fmt: skip

TALK = Target(
    "talk",
    {"talk.py": "# TODO: implement\ndef greet(): ...\ndef level(): ...\ndef warn(): ...\n"},
    {"test_talk.py": code("""
        import pytest, talk
        def test_greet(capsys, monkeypatch):
            monkeypatch.setattr('builtins.input', lambda prompt='': 'Bob')
            talk.greet()
            assert capsys.readouterr().out == 'Hello Bob\\n'
        def test_level(monkeypatch):
            monkeypatch.setenv('LEVEL', '42')
            assert talk.level() == 42
        def test_warn():
            with pytest.warns(DeprecationWarning, match='old'):
                assert talk.warn() == 1
    """)},
    {"talk.py": code("""
        import os, warnings
        def greet(): print('Hello', input())
        def level(): return int(os.environ['LEVEL'])
        def warn():
            warnings.warn('old', DeprecationWarning)
            return 1
    """)},
    3,
)  # fmt: skip

SHOP = Target(
    "shop",
    {
        "shop/__init__.py": "from .cart import Cart\n",
        "shop/cart.py": "class Cart:\n    # TODO: implement\n    def add(self, price): ...\n    def total(self): ...\n",
        "shop/tax.py": "# TODO: implement\ndef tax(price): ...\n",
    },
    {"tests/test_shop.py": code("""
        import shop
        from shop.tax import tax
        def test_tax():
            assert tax(100) == 19
        def test_cart():
            cart = shop.Cart()
            cart.add(100)
            cart.add(200)
            assert cart.total() == 357
    """)},
    {
        "shop/__init__.py": "from .cart import Cart\n",
        "shop/cart.py": code("""
            from .tax import tax
            class Cart:
                def __init__(self): self.prices = []
                def add(self, price): self.prices.append(price)
                def total(self): return sum(price + tax(price) for price in self.prices)
        """),
        "shop/tax.py": "def tax(price): return price * 19 // 100\n",
    },
    2,
)  # fmt: skip

UNIT = Target(
    "unit",
    {"signals.py": "# TODO: implement\ndef notify(listener, number): ...\ndef half(number): ...\ndef keys(): ...\n"},
    {"test_signals.py": code("""
        import unittest
        import signals
        class TestSignals(unittest.TestCase):
            def setUp(self): self.seen = []
            def heard(self, number): self.seen.append(number)
            def test_notify(self):
                signals.notify(self, 3)
                self.assertEqual(self.seen, [3, 4])
            def test_half(self):
                self.assertAlmostEqual(signals.half(5), 2.5)
            def test_keys(self):
                self.assertIn('b', signals.keys())
                self.assertNotIn('z', signals.keys())
    """)},
    {"signals.py": code("""
        def notify(listener, number):
            listener.heard(number)
            listener.heard(number + 1)
        def half(number): return number / 2
        def keys(): return {'a': 1, 'b': 2}
    """)},
    3,
)  # fmt: skip

FLOATS = Target(
    "floats",
    {"floats.py": "# TODO: implement\ndef root(number): ...\ndef scale(values, factor): ...\n"},
    {"test_floats.py": code("""
        import math
        import pytest
        from floats import root, scale
        def test_approx():
            assert root(2) == pytest.approx(1.41421, abs=1e-4)
        def test_close():
            assert math.isclose(root(9), 3)
        def test_difference():
            assert abs(root(16) - 4) < 1e-9
        def test_rounded():
            assert round(root(2), 2) == 1.41
        def test_list():
            assert scale([1, 2], 0.1) == pytest.approx([0.1, 0.2])
    """)},
    {"floats.py": "def root(number): return number ** 0.5\ndef scale(values, factor): return [v * factor for v in values]\n"},
    5,
)  # fmt: skip

DRAWN = Target(
    "drawn",
    {"drawn.py": "# TODO: implement\ndef negate(number): ...\n"},
    {"test_drawn.py": code("""
        import random
        from drawn import negate
        def test_first():
            for _ in range(3):
                number = random.randint(1, 10**6)
                assert negate(number) == -number
        def test_second():
            for _ in range(3):
                number = random.randint(0, 10**6)
                assert negate(number) == -number
    """)},
    {"drawn.py": "def negate(number): return -number\n"},
    2,
)  # fmt: skip

STAR = Target(
    "star",
    {"star.py": "# TODO: implement\ndef third(number): ...\n"},
    {"test_star.py": code("""
        from pytest import approx
        from star import *
        def test_third():
            assert third(1) == approx(0.333333, rel=1e-3)
        def test_length():
            assert len(str(third(3))) == 3
    """)},
    {"star.py": "def third(number): return number / 3\n"},
    2,
)  # fmt: skip

# its tests use threads, so that tests and candidate share a process
TOGETHER = Target(
    "together",
    {"together.py": "# TODO: implement\ndef total(numbers): ...\n"},
    {"test_together.py": code("""
        import threading
        from together import total
        def test_in_a_thread():
            found = []
            thread = threading.Thread(target=lambda: found.append(total([1, 2, 3])))
            thread.start()
            thread.join()
            assert found == [6]
        def test_total():
            assert total([4, 5]) == 9
    """)},
    {"together.py": "def total(numbers): return sum(numbers)\n"},
    2,
)  # fmt: skip

TARGETS = (PLAIN, MONEY, FILES, ERRORS, TALK, SHOP, UNIT, FLOATS, DRAWN, STAR, TOGETHER)
