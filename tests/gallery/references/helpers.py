"""What several references need: digit strings, C's fixed-width integers, exact rounding."""

from __future__ import annotations

import ctypes
import math
from fractions import Fraction


def digits(x: int, width: int) -> str:
    """The binary digits of `x`, most significant first."""
    return format(x, f"0{width}b")


def number(text: str) -> int:
    """The number of a string of binary digits."""
    return int(text, 2)


def wrap(kind: type[ctypes._SimpleCData[int]], x: int) -> int:
    """`x` stored in a C integer and read back."""
    return kind(x).value


def limit(x: int, low: int, high: int) -> int:
    """`x`, or the nearer bound when it lies outside."""
    if x < low:
        return low
    return high if x > high else x


def nearest(x: Fraction) -> int:
    """The integer nearest to `x`; a half goes up."""
    return math.floor(x + Fraction(1, 2))


def signed_limit(x: int, width: int) -> int:
    """`x` saturated to a two's complement number of `width` bits."""
    return limit(x, -(2 ** (width - 1)), 2 ** (width - 1) - 1)


def rotated_left(x: int, n: int, width: int) -> int:
    """`x` rotated by moving its digits."""
    text = digits(x, width)
    n %= width
    return number(text[n:] + text[:n])


def rotated_right(x: int, n: int, width: int) -> int:
    """`x` rotated by moving its digits."""
    return rotated_left(x, width - n % width, width)


def polynomial_remainder(dividend: int, divisor: int) -> int:
    """The remainder of polynomials over GF(2), as their coefficients."""
    while dividend.bit_length() >= divisor.bit_length():
        dividend ^= divisor << (dividend.bit_length() - divisor.bit_length())
    return dividend


def reversed_bits(x: int, width: int) -> int:
    """`x` with its binary digits in reverse order."""
    return number(digits(x, width)[::-1])
