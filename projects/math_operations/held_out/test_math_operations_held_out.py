import math
import random

import pytest
from math_operations import factorial, fibonacci, gcd, prime_check


def test_factorial_against_math():
    assert [factorial(n) for n in range(60)] == [math.factorial(n) for n in range(60)]


def test_factorial_recurrence():
    assert factorial(101) == 101 * factorial(100) > 0


@pytest.mark.parametrize("n", [-2, -100])
def test_negative_numbers_are_refused(n):
    with pytest.raises(ValueError):
        factorial(n)
    with pytest.raises(ValueError):
        fibonacci(n)


def test_fibonacci_recurrence():
    values = [fibonacci(n) for n in range(60)]
    assert values[:2] == [0, 1]
    assert all(values[n] == values[n - 1] + values[n - 2] for n in range(2, 60))


def test_fibonacci_is_fast():
    assert fibonacci(200) == 280571172992510140037611932413038677189525


def test_primes_against_a_sieve():
    composite = {multiple for n in range(2, 39) for multiple in range(2 * n, 1500, n)}
    assert [n for n in range(-5, 1500) if prime_check(n)] == [n for n in range(2, 1500) if n not in composite]


def test_large_numbers_with_large_factors():
    assert prime_check(99991 * 99989) is False
    assert prime_check(99991**2) is False
    assert prime_check(9999999967) is True


def test_gcd_against_math():
    rng = random.Random(3)
    pairs = [(rng.randint(-(10**9), 10**9), rng.randint(-(10**9), 10**9)) for _ in range(200)]
    assert [gcd(a, b) for a, b in pairs] == [math.gcd(a, b) for a, b in pairs]


def test_gcd_commutes_and_scales():
    assert gcd(84, 36) == gcd(36, 84) == 12
    assert gcd(84 * 35, 36 * 35) == 12 * 35


def test_gcd_of_one_number_and_zero():
    assert gcd(-8, 0) == 8
    assert gcd(0, -3) == 3


def test_neighbouring_fibonacci_numbers_are_coprime():
    assert {gcd(fibonacci(n), fibonacci(n + 1)) for n in range(1, 50)} == {1}
