"""References for `intents/hackers_delight`, on digit strings or by definition."""

from __future__ import annotations

import ctypes

from references.helpers import digits, number, wrap

WIDTH = 32


def hd01_clear_lowest_set_bit(x: int) -> int:
    head, one, tail = digits(x, WIDTH).rpartition("1")
    return number(head + ("0" if one else "") + tail)


def hd02_clear_trailing_ones(x: int) -> int:
    return number(digits(x, WIDTH).rstrip("1").ljust(WIDTH, "0"))


def hd03_isolate_lowest_set_bit(x: int) -> int:
    return next((1 << i for i in range(WIDTH) if x >> i & 1), 0)


def hd04_mask_to_lowest_set_bit(x: int) -> int:
    zeros = len(digits(x, WIDTH)) - len(digits(x, WIDTH).rstrip("0"))
    return number("1" * min(zeros + 1, WIDTH))


def hd05_propagate_lowest_set_bit(x: int) -> int:
    return number(digits(x, WIDTH).rstrip("0").ljust(WIDTH, "1"))


def hd06_set_lowest_clear_bit(x: int) -> int:
    head, zero, tail = digits(x, WIDTH).rpartition("0")
    return number(head + ("1" if zero else "") + tail)


def hd07_isolate_lowest_clear_bit(x: int) -> int:
    return next((1 << i for i in range(WIDTH) if not x >> i & 1), 0)


def hd08_mask_trailing_zeros(x: int) -> int:
    zeros = WIDTH - len(digits(x, WIDTH).rstrip("0"))
    return number("0" + "1" * zeros)


def hd09_absolute_value(x: int) -> int:
    return -x if x < 0 else x


def hd10_same_leading_zeros(x: int, y: int) -> bool:
    return x.bit_length() == y.bit_length()


def hd11_fewer_leading_zeros(x: int, y: int) -> bool:
    return x.bit_length() > y.bit_length()


def hd12_no_more_leading_zeros(x: int, y: int) -> bool:
    return x.bit_length() >= y.bit_length()


def hd13_sign(x: int) -> int:
    return 0 if x == 0 else x // abs(x)


def hd14_average_floor(x: int, y: int) -> int:
    return (x & y) + ((x ^ y) >> 1)


def hd15_average_ceiling(x: int, y: int) -> int:
    return (x | y) - ((x ^ y) >> 1)


def hd16_maximum(x: int, y: int) -> int:
    return x if x > y else y


def hd17_clear_lowest_run(x: int) -> int:
    text = digits(x, WIDTH)
    head = text.rstrip("0")
    return number(head.rstrip("1").ljust(WIDTH, "0"))


def hd18_is_power_of_two(x: int) -> bool:
    return x in {2 ** i for i in range(WIDTH)}


def hd19_exchange_fields(x: int, m: int, k: int) -> int:
    bits = list(reversed(digits(x, WIDTH)))
    for i in range(WIDTH):
        if m >> i & 1:
            bits[i], bits[i + k] = bits[i + k], bits[i]
    return number("".join(reversed(bits)))


def hd20_next_same_popcount(x: int) -> int:
    # The next permutation of the digits in lexicographic order.
    text = list(digits(x, WIDTH))
    i = max(i for i in range(WIDTH - 1) if text[i] < text[i + 1])
    j = max(j for j in range(i + 1, WIDTH) if text[j] > text[i])
    text[i], text[j] = text[j], text[i]
    return number("".join(text[:i + 1] + text[:i:-1]))


def hd21_cycle_three_values(x: int, a: int, b: int, c: int) -> int:
    return {a: b, b: c, c: a}[x]


def hd22_parity(x: int) -> int:
    return digits(x, WIDTH).count("1") % 2


def hd23_population_count(x: int) -> int:
    return digits(x, WIDTH).count("1")


def hd24_round_up_power_of_two(x: int) -> int:
    power = 1
    while power < x:
        power *= 2
    return power


def hd25_high_product_signed(x: int, y: int) -> int:
    return wrap(ctypes.c_int32, int.from_bytes((x * y).to_bytes(8, "little", signed=True)[4:], "little"))
