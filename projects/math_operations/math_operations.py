"""Functions on whole numbers."""


def factorial(n: int) -> int:
    """
    Return the product of the numbers from 1 to n. factorial(0) is 1, factorial(5) is 120.

    Raises ValueError if n is negative.
    """
    # TODO: Implement the factorial
    raise NotImplementedError


def fibonacci(n: int) -> int:
    """
    Return the n-th Fibonacci number: fibonacci(0) is 0, fibonacci(1) is 1, fibonacci(10) is 55.

    Must be fast for n = 200, so use a loop. Raises ValueError if n is negative.
    """
    # TODO: Implement the Fibonacci numbers
    raise NotImplementedError


def prime_check(n: int) -> bool:
    """
    Return True if n is a prime number, else False. Numbers below 2 are not prime.

    Must be fast for n = 10**10, so try divisors only up to the square root of n.
    """
    # TODO: Implement the primality check
    raise NotImplementedError


def gcd(a: int, b: int) -> int:
    """
    Return the greatest common divisor of a and b, by Euclid's algorithm with a remainder loop.

    Use abs(a) and abs(b), so that the result is never negative: gcd(-12, 18) is 6. gcd(9, 0) is 9, gcd(0, 0) is 0.
    """
    # TODO: Implement the greatest common divisor
    raise NotImplementedError
