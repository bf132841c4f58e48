"""References for `intents/saturating`."""

from __future__ import annotations

from references.helpers import limit, signed_limit


def saturating_add_i32(a: int, b: int) -> int:
    return signed_limit(a + b, 32)


def saturating_subtract_i32(a: int, b: int) -> int:
    return signed_limit(a - b, 32)


def saturating_add_u8(a: int, b: int) -> int:
    return limit(a + b, 0, 255)


def saturating_subtract_u16(a: int, b: int) -> int:
    return limit(a - b, 0, 65535)


def saturating_add_u64(a: int, b: int) -> int:
    return limit(a + b, 0, 2 ** 64 - 1)


def saturating_add_i64(a: int, b: int) -> int:
    return signed_limit(a + b, 64)


def saturating_multiply_i32(a: int, b: int) -> int:
    return signed_limit(a * b, 32)


def saturating_negate_i32(x: int) -> int:
    return signed_limit(-x, 32)


def saturating_absolute_i8(x: int) -> int:
    return signed_limit(-x if x < 0 else x, 8)


def saturate_signed_16(x: int) -> int:
    return signed_limit(x, 16)


def saturate_unsigned_8(x: int) -> int:
    return limit(x, 0, 255)


def saturate_signed_width(x: int, width: int) -> int:
    return signed_limit(x, width)


def narrow_i64_to_i32(x: int) -> int:
    return signed_limit(x, 32)


def saturating_shift_left_i32(x: int, n: int) -> int:
    return signed_limit(x * 2 ** n, 32)


def saturating_increment_u32(x: int) -> int:
    return limit(x + 1, 0, 2 ** 32 - 1)
