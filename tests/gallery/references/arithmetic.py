"""References for `intents/arithmetic`, by exact fractions, Python's library, or digit by digit."""

from __future__ import annotations

import ctypes
import math
from fractions import Fraction

from references.helpers import nearest, wrap

WORD = 2 ** 64


def average_floor_u64(a: int, b: int) -> int:
    return math.floor(Fraction(a + b, 2))


def average_ceiling_u64(a: int, b: int) -> int:
    return math.ceil(Fraction(a + b, 2))


def average_floor_i64(a: int, b: int) -> int:
    return math.floor(Fraction(a + b, 2))


def _schoolbook_high(a: int, b: int) -> int:
    """The high half of an unsigned 64-bit product from 32-bit halves."""
    half = 2 ** 32
    a1, a0 = divmod(a, half)
    b1, b0 = divmod(b, half)
    middle = a1 * b0 + (a0 * b0) // half
    cross = a0 * b1 + middle % half
    return a1 * b1 + middle // half + cross // half


def multiply_high_u64(a: int, b: int) -> int:
    return _schoolbook_high(a, b)


def multiply_high_i64(a: int, b: int) -> int:
    high = _schoolbook_high(a % WORD, b % WORD) - (b if a < 0 else 0) - (a if b < 0 else 0)
    return wrap(ctypes.c_int64, high)


def multiply_high_signed_unsigned(a: int, b: int) -> int:
    return wrap(ctypes.c_int64, _schoolbook_high(a % WORD, b) - (b if a < 0 else 0))


def limb_multiply_add_high(a: int, b: int, addend: int, carry: int) -> int:
    return int(hex(a * b + addend + carry)[2:].zfill(32)[:16], 16)


def limb_add_carry(a: int, b: int, carry: bool) -> bool:
    return a + b + int(carry) > WORD - 1


def less_u128(a_high: int, a_low: int, b_high: int, b_low: int) -> bool:
    return (a_high, a_low) < (b_high, b_low)


def add_modulo_u64(a: int, b: int, m: int) -> int:
    total = a % m + b % m
    return total - m if total >= m else total


def multiply_modulo_u64(a: int, b: int, m: int) -> int:
    total = 0
    for digit in format(b, "b"):
        total = (2 * total + (a if digit == "1" else 0)) % m
    return total


def multiply_modulo_u32(a: int, b: int, m: int) -> int:
    return multiply_modulo_u64(a, b, m)


def divide_floor_i32(a: int, b: int) -> int:
    return math.floor(Fraction(a, b))


def divide_truncate_i32(a: int, b: int) -> int:
    return math.trunc(Fraction(a, b))


def modulo_euclid_i32(a: int, b: int) -> int:
    remainder = int(math.fmod(a, b))
    return remainder + abs(b) if remainder < 0 else remainder


def divide_by_10_u32(x: int) -> int:
    return int("0" + str(x)[:-1])


def divide_by_7_u64(x: int) -> int:
    return math.floor(Fraction(x, 7))


def divide_by_minus_5_i32(x: int) -> int:
    return math.floor(Fraction(x, -5))


def modulo_3_u64(x: int) -> int:
    while x > 9:
        x = sum(map(int, str(x)))
    return x % 3


def modulo_360_i32(degrees: int) -> int:
    remainder = int(math.fmod(degrees, 360))
    return remainder + 360 if remainder < 0 else remainder


def is_multiple_of_7_u32(x: int) -> bool:
    return Fraction(x, 7).denominator == 1


def divide_round_closest(x: int, divisor: int) -> int:
    return nearest(Fraction(x, divisor))


def divide_round_up(x: int, divisor: int) -> int:
    return math.ceil(Fraction(x, divisor))


def multiply_divide_u32(a: int, b: int, c: int) -> int:
    exact = math.floor(Fraction(a, c) * b)
    return exact if exact < 2 ** 32 else 2 ** 32 - 1


def absolute_difference_u32(a: int, b: int) -> int:
    return max(a, b) - min(a, b)


def absolute_difference_i32(a: int, b: int) -> int:
    return max(a, b) - min(a, b)


def clamp_i32(x: int, low: int, high: int) -> int:
    return sorted((low, x, high))[1]


def integer_square_root_u32(x: int) -> int:
    return math.isqrt(x)


def integer_square_root_u64(x: int) -> int:
    return math.isqrt(x)


def log2_floor_u64(x: int) -> int:
    return len(format(x, "b")) - 1


def log2_ceiling_u32(x: int) -> int:
    return next(n for n in range(33) if 2 ** n >= x)


def log10_floor_u32(x: int) -> int:
    return len(str(x)) - 1


def decimal_digits_u64(x: int) -> int:
    return len(str(x))


def multiply_overflows_u32(a: int, b: int) -> bool:
    return b != 0 and a > (2 ** 32 - 1) // b


def add_overflows_i32(a: int, b: int) -> bool:
    return wrap(ctypes.c_int32, a + b) != a + b


def three_way_compare_u64(a: int, b: int) -> int:
    return 0 if a == b else -1 if a < b else 1


def polynomial_degree_7(x: int, *coefficients: int) -> int:
    return int(sum(c * x ** i for i, c in enumerate(coefficients))) % 2 ** 32


def select_of_8(index: int, *lines: int) -> int:
    return lines[index % 8]


def determinant_3x3(a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int, i: int) -> int:
    return a * e * i + b * f * g + c * d * h - c * e * g - b * d * i - a * f * h
