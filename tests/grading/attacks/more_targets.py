"""More small projects: a package, unittest, floats, random numbers, a star import, one process for both."""

from __future__ import annotations

from .case import Target, code

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
    {"floats.py": code("""
        def root(number): return number ** 0.5
        def scale(values, factor): return [value * factor for value in values]
    """)},
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
            assert negate(0) == 0
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
