"""Exact integer rounding: every figure of the method is rounded once, half to even."""


def divide_half_even(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest integer, halves to the even one; the denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    doubled = rest + rest
    return quotient + 1 if doubled > denominator or (doubled == denominator and quotient & 1) else quotient


def surface_scale(volume: int, base: int) -> int:
    """Millionths of (volume / base) ^ (2/3), the growth of a surface: the nearest integer, found by cubes, hence exact.

    It never lies between two integers: half the cube of an odd number is no square.
    """
    numerator, denominator = volume * volume * 10**18, base * base
    guess: int
    guess = int((volume / base) ** (2 / 3) * 1_000_000)
    while (2 * guess - 1) ** 3 * denominator > 8 * numerator:
        guess -= 1
    while (2 * guess + 1) ** 3 * denominator < 8 * numerator:
        guess += 1
    return guess


def ratio_of(figure: int, reference: int, most: int) -> int:
    """Millionths of a reference, rounded once, at most `most`; the reference is positive."""
    ratio = divide_half_even(figure * 1_000_000, reference)
    if ratio > most:
        return most
    return ratio
