import pytest
from calculator import Calculator


@pytest.mark.parametrize(("a", "b", "total"), [(2, 3, 5), (-4, -6, -10), (0.1, 0.2, 0.3), (10**12, 1, 10**12 + 1)])
def test_add(a, b, total):
    assert Calculator().add(a, b) == pytest.approx(total)


def test_add_zero():
    assert Calculator().add(7, 0) == 7
    assert Calculator().add(0, 0) == 0


def test_add_is_remembered():
    calculator = Calculator()
    calculator.add(2, 3)
    calculator.add(0.5, 0.25)
    assert calculator.history == ["2 + 3 = 5", "0.5 + 0.25 = 0.75"]


@pytest.mark.parametrize(("a", "b", "rest"), [(5, 3, 2), (0, 7, -7), (0.5, 0.2, 0.3)])
def test_subtract(a, b, rest):
    assert Calculator().subtract(a, b) == pytest.approx(rest)


def test_subtract_is_remembered():
    calculator = Calculator()
    calculator.subtract(-1, -4)
    assert calculator.history == ["-1 - -4 = 3"]


@pytest.mark.parametrize(("a", "b", "product"), [(3, 4, 12), (-3, 4, -12), (1.5, 4, 6), (10**6, 10**6, 10**12)])
def test_multiply(a, b, product):
    assert Calculator().multiply(a, b) == pytest.approx(product)


def test_multiply_by_zero():
    assert Calculator().multiply(6, 0) == 0
    assert Calculator().multiply(6, 7) == 42


def test_multiply_is_remembered():
    calculator = Calculator()
    calculator.multiply(3, 5)
    assert calculator.history == ["3 * 5 = 15"]


@pytest.mark.parametrize(("a", "b", "quotient"), [(8, 2, 4), (-9, 3, -3), (7, 2, 3.5), (1, 3, 0.3333333333)])
def test_divide(a, b, quotient):
    assert Calculator().divide(a, b) == pytest.approx(quotient)


def test_divide_is_remembered():
    calculator = Calculator()
    assert calculator.divide(0, 5) == 0
    assert calculator.divide(6, 3) == 2
    assert calculator.history == ["0 / 5 = 0.0", "6 / 3 = 2.0"]


def test_divide_by_zero():
    calculator = Calculator()
    assert calculator.divide(9, 3) == 3
    with pytest.raises(ValueError, match="Cannot divide by zero"):
        calculator.divide(1, 0)
    assert calculator.history == ["9 / 3 = 3.0"]


def test_history_of_every_operation():
    calculator = Calculator()
    calculator.add(6, 3)
    calculator.subtract(6, 3)
    calculator.multiply(6, 3)
    calculator.divide(6, 3)
    assert calculator.history == ["6 + 3 = 9", "6 - 3 = 3", "6 * 3 = 18", "6 / 3 = 2.0"]


def test_calculators_do_not_share_their_history():
    first, second = Calculator(), Calculator()
    first.add(6, 3)
    second.subtract(6, 3)
    assert first.history == ["6 + 3 = 9"]
    assert second.history == ["6 - 3 = 3"]
