"""The small projects that the attacks are aimed at."""

from __future__ import annotations

from .case import Target, code
from .more_targets import DRAWN, FLOATS, SHOP, STAR, TOGETHER, UNIT

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
        def test_prefix():
            assert Money(5).text().startswith('$5')
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
    7,
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
        def test_guarded_raises():
            with guarded():
                with pytest.raises(TooPoor):
                    withdraw(1, 2)
        def test_guarded_fails():
            with guarded():
                if withdraw(4, 1) != 3:
                    pytest.fail('no')
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
    7,
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

TARGETS = (PLAIN, MONEY, FILES, ERRORS, TALK, SHOP, UNIT, FLOATS, DRAWN, STAR, TOGETHER)
