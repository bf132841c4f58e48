"""References for `intents/fixed_point`: exact fractions, rounded and saturated."""

from __future__ import annotations

import math
from fractions import Fraction

from references.helpers import nearest, signed_limit

Q15 = 2 ** 15
Q16 = 2 ** 16
Q31 = 2 ** 31


def multiply_q15(a: int, b: int) -> int:
    return signed_limit(math.floor(Fraction(a, Q15) * Fraction(b, Q15) * Q15), 16)


def multiply_q15_rounded(a: int, b: int) -> int:
    return signed_limit(nearest(Fraction(a, Q15) * Fraction(b, Q15) * Q15), 16)


def multiply_q31(a: int, b: int) -> int:
    return signed_limit(math.floor(Fraction(a, Q31) * Fraction(b, Q31) * Q31), 32)


def multiply_q31_rounded(a: int, b: int) -> int:
    return signed_limit(nearest(Fraction(a, Q31) * Fraction(b, Q31) * Q31), 32)


def multiply_q16_16(a: int, b: int) -> int:
    return signed_limit(nearest(Fraction(a, Q16) * Fraction(b, Q16) * Q16), 32)


def divide_q16_16(a: int, b: int) -> int:
    return signed_limit(math.floor(Fraction(a, Q16) / Fraction(b, Q16) * Q16), 32)


def round_q16_16(x: int) -> int:
    return nearest(Fraction(x, Q16))


def narrow_q31_to_q15(x: int) -> int:
    return signed_limit(nearest(Fraction(x, Q31) * Q15), 16)


def multiply_accumulate_q31(accumulator: int, a: int, b: int) -> int:
    return signed_limit(accumulator + signed_limit(a * b * 2, 64), 64)


def interpolate_q15(a: int, b: int, t: int) -> int:
    return math.floor(a + (b - a) * Fraction(t, Q15))


def degrees_to_binary_angle(tenths: int) -> int:
    return nearest(Fraction(tenths, 3600) * 65536)
