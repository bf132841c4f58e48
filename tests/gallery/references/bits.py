"""References for `intents/bits`, on digit strings and bytes."""

from __future__ import annotations

import itertools

from references.helpers import digits, number, reversed_bits, rotated_left, rotated_right


def rotate_left8(x: int, n: int) -> int:
    return rotated_left(x, n, 8)


def rotate_left32(x: int, n: int) -> int:
    return rotated_left(x, n, 32)


def rotate_right64(x: int, n: int) -> int:
    return rotated_right(x, n, 64)


def reverse_bits8(x: int) -> int:
    return reversed_bits(x, 8)


def reverse_bits32(x: int) -> int:
    return reversed_bits(x, 32)


def swap_bytes16(x: int) -> int:
    return int.from_bytes(x.to_bytes(2, "little"), "big")


def swap_bytes32(x: int) -> int:
    return int.from_bytes(x.to_bytes(4, "little"), "big")


def swap_bytes64(x: int) -> int:
    return int.from_bytes(x.to_bytes(8, "little"), "big")


def count_ones_by_nibble(x: int) -> int:
    return digits(x, 16).count("1")


def count_leading_zeros64(x: int) -> int:
    return 64 - len(digits(x, 64).lstrip("0"))


def count_trailing_zeros16(x: int) -> int:
    return 16 - len(digits(x, 16).rstrip("0"))


def count_leading_sign_bits(x: int) -> int:
    text = digits(x % 2 ** 32, 32)
    return 31 - len(text.lstrip(text[0]))


def find_first_set(x: int) -> int:
    return digits(x, 32)[::-1].find("1") + 1


def find_last_set(x: int) -> int:
    return x.bit_length()


def isolate_highest_set_bit(x: int) -> int:
    return next((1 << i for i in reversed(range(32)) if x >> i & 1), 0)


def gray_encode32(x: int) -> int:
    text = "0" + digits(x, 32)
    return number("".join("01"[a != b] for a, b in itertools.pairwise(text)))


def gray_decode32(code: int) -> int:
    text = digits(code, 32)
    return number("".join("01"[text[:i + 1].count("1") % 2] for i in range(32)))


def morton_encode2(x: int, y: int) -> int:
    return number("".join(b + a for a, b in zip(digits(x, 16), digits(y, 16), strict=True)))


def morton_decode2_x(morton: int) -> int:
    return number(digits(morton, 32)[1::2])


def morton_encode3(x: int, y: int, z: int) -> int:
    low = [digits(c % 1024, 10) for c in (z, y, x)]
    return number("".join(a + b + c for a, b, c in zip(*low, strict=True)))


def extract_field_unsigned(x: int, lsb: int, width: int) -> int:
    return number(digits(x, 32)[::-1][lsb:lsb + width][::-1])


def extract_field_signed(x: int, lsb: int, width: int) -> int:
    text = digits(x, 32)[::-1][lsb:lsb + width][::-1]
    return number(text) - (2 ** width if text[0] == "1" else 0)


def insert_field(x: int, value: int, lsb: int, width: int) -> int:
    text = list(digits(x, 32)[::-1])
    text[lsb:lsb + width] = digits(value, 32)[::-1][:width]
    return number("".join(text)[::-1])


def sign_extend24(x: int) -> int:
    return int.from_bytes(x.to_bytes(4, "big")[1:], "big", signed=True)


def merge_by_mask(a: int, b: int, mask: int) -> int:
    return number("".join(q if m == "1" else p
                          for p, q, m in zip(digits(a, 64), digits(b, 64), digits(mask, 64), strict=True)))


def has_zero_byte(x: int) -> bool:
    return 0 in x.to_bytes(4, "big")


def is_bit_set(x: int, n: int) -> bool:
    return digits(x, 64)[63 - n] == "1"


def align_up(address: int, alignment: int) -> int:
    return -(-address // alignment) * alignment


def odd_parity_bit(word: int) -> int:
    return 1 if digits(word, 16).count("1") % 2 == 0 else 0


def priority_encode8(lines: int) -> int:
    return lines.bit_length() - 1 if lines else 8
