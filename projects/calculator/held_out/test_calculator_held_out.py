import random

import pytest
from calculator import Calculator


@pytest.fixture
def pairs():
    rng = random.Random(20)
    whole = [(rng.randint(-(10**9), 10**9), rng.randint(1, 10**9)) for _ in range(25)]
    return whole + [(rng.uniform(-1e6, 1e6), rng.uniform(-1e6, -1)) for _ in range(25)]


def test_random_sums(pairs):
    assert [Calculator().add(a, b) for a, b in pairs] == [a + b for a, b in pairs]


def test_random_differences(pairs):
    assert [Calculator().subtract(a, b) for a, b in pairs] == [a - b for a, b in pairs]


def test_random_products(pairs):
    assert [Calculator().multiply(a, b) for a, b in pairs] == [a * b for a, b in pairs]


def test_random_quotients(pairs):
    assert [Calculator().divide(a, b) for a, b in pairs] == [a / b for a, b in pairs]


def test_add_and_multiply_commute(pairs):
    calculator = Calculator()
    a, b = pairs[0]
    assert calculator.add(a, b) == calculator.add(b, a) == a + b
    assert calculator.multiply(a, b) == calculator.multiply(b, a) == a * b


def test_subtract_undoes_add():
    calculator = Calculator()
    assert calculator.subtract(calculator.add(17, 25), 25) == 17


def test_divide_undoes_multiply():
    calculator = Calculator()
    assert calculator.divide(calculator.multiply(13, 11), 11) == pytest.approx(13)


def test_whole_numbers_stay_exact():
    assert Calculator().add(2**80, 1) == 2**80 + 1
    assert Calculator().multiply(2**80 + 1, 3) == 3 * 2**80 + 3


@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
@pytest.mark.parametrize("a", [4, -2.5, 0])
def test_division_by_any_zero_is_refused_and_not_remembered(a, zero):
    calculator = Calculator()
    calculator.add(1, 1)
    with pytest.raises(ValueError, match="Cannot divide by zero"):
        calculator.divide(a, zero)
    assert calculator.history == ["1 + 1 = 2"]


def test_division_by_a_tiny_number_is_fine():
    assert Calculator().divide(1, 1e-12) == pytest.approx(1e12)


def test_history_keeps_order_and_repeats():
    calculator = Calculator()
    for _ in range(3):
        calculator.multiply(-2, 4.5)
        calculator.divide(9, -2)
        calculator.subtract(4, 9)
        calculator.add(0, -1)
    assert calculator.history == ["-2 * 4.5 = -9.0", "9 / -2 = -4.5", "4 - 9 = -5", "0 + -1 = -1"] * 3
