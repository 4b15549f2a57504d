"""Functions on whole numbers."""


def factorial(n: int) -> int:
    """
    Return the product of the numbers from 1 to n. factorial(0) is 1, factorial(5) is 120.

    Raises ValueError if n is negative.
    """
    if n < 0:
        raise ValueError("n must not be negative")
    result = 1
    for factor in range(2, n + 1):
        result *= factor
    return result


def fibonacci(n: int) -> int:
    """
    Return the n-th Fibonacci number: fibonacci(0) is 0, fibonacci(1) is 1, fibonacci(10) is 55.

    Must be fast for n = 200, so use a loop. Raises ValueError if n is negative.
    """
    if n < 0:
        raise ValueError("n must not be negative")
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def prime_check(n: int) -> bool:
    """
    Return True if n is a prime number, else False. Numbers below 2 are not prime.

    Must be fast for n = 10**10, so try divisors only up to the square root of n.
    """
    if n < 2:
        return False
    divisor = 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 1
    return True


def gcd(a: int, b: int) -> int:
    """
    Return the greatest common divisor of a and b, by Euclid's algorithm with a remainder loop.

    Use abs(a) and abs(b), so that the result is never negative: gcd(-12, 18) is 6. gcd(9, 0) is 9, gcd(0, 0) is 0.
    """
    a, b = abs(a), abs(b)
    while b:
        a, b = b, a % b
    return a
