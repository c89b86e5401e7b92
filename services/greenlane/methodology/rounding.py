"""Exact integer rounding: every figure of the method is rounded once, half to even."""


def divide_half_even(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest integer, halves to the even one; the denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    doubled = rest + rest
    return quotient + 1 if doubled > denominator or (doubled == denominator and quotient & 1) else quotient
