import pytest
from math_operations import factorial, fibonacci, gcd, prime_check


@pytest.mark.parametrize(("n", "value"), [(3, 6), (5, 120), (10, 3628800), (20, 2432902008176640000)])
def test_factorial(n, value):
    assert factorial(n) == value


def test_factorial_starts_with_one():
    assert [factorial(n) for n in range(4)] == [1, 1, 2, 6]


def test_factorial_of_a_negative_number():
    assert factorial(4) == 24
    with pytest.raises(ValueError):
        factorial(-1)


@pytest.mark.parametrize(("n", "value"), [(7, 13), (10, 55), (90, 2880067194370816120)])
def test_fibonacci(n, value):
    assert fibonacci(n) == value


def test_fibonacci_starts_with_zero_and_one():
    assert [fibonacci(n) for n in range(6)] == [0, 1, 1, 2, 3, 5]


def test_fibonacci_of_a_negative_number():
    assert fibonacci(6) == 8
    with pytest.raises(ValueError):
        fibonacci(-5)


# a prime and a composite together, so that a constant answer passes nothing
@pytest.mark.parametrize(("prime", "other"), [(2, 4), (3, 9), (13, 25), (97, 91), (7919, 7917), (10**10 + 19, 10**10)])
def test_prime_check(prime, other):
    assert prime_check(prime) is True
    assert prime_check(other) is False


def test_prime_check_below_two():
    assert [n for n in (-7, -1, 0, 1, 5, 6) if prime_check(n)] == [5]


@pytest.mark.parametrize(("a", "b", "value"), [(12, 18, 6), (35, 21, 7), (2**40 * 3, 2**38 * 15, 2**38 * 3)])
def test_gcd(a, b, value):
    assert gcd(a, b) == value


def test_gcd_with_zero():
    assert gcd(9, 0) == 9
    assert gcd(0, 4) == 4
    assert gcd(0, 0) == 0


def test_gcd_of_negative_numbers():
    assert gcd(-12, 18) == 6
    assert gcd(21, -14) == 7


def test_gcd_of_factorials():
    assert gcd(factorial(6), factorial(4)) == 24
    assert gcd(factorial(4), 35) == 1
