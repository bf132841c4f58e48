"""References for `intents/buffers`, by the methods of `bytes`, `array` and `itertools`."""

from __future__ import annotations

import array
import ctypes
import itertools
import math
import operator
import re
from fractions import Fraction

from references.helpers import digits, limit, signed_limit, wrap


def find_byte(data: list[int], n: int, wanted: int) -> int:
    return _or_length(bytes(data).find(wanted), n)


def find_last_byte(data: list[int], n: int, wanted: int) -> int:
    return _or_length(bytes(data).rfind(wanted), n)


def _or_length(index: int, n: int) -> int:
    return n if index < 0 else index


def find_either_byte(data: list[int], n: int, first: int, second: int) -> int:
    match = re.search(b"[" + re.escape(bytes([first])) + re.escape(bytes([second])) + b"]", bytes(data))
    return match.start() if match else n


def find_difference(a: list[int], b: list[int], n: int) -> int:
    return len(list(itertools.takewhile(bool, map(operator.eq, a, b))))


def compare_bytes(a: list[int], b: list[int], n: int) -> int:
    if bytes(a) < bytes(b):
        return -1
    return 1 if bytes(a) > bytes(b) else 0


def subtract_first_difference(a: list[int], b: list[int], n: int) -> int:
    while a and a[0] == b[0]:
        a, b = a[1:], b[1:]
    return a[0] - b[0] if a else 0


def buffers_are_equal(a: list[int], b: list[int], n: int) -> bool:
    return bytes(a) == bytes(b)


def copy_bytes(out: list[int], data: list[int], n: int) -> None:
    out[:] = data


def copy_words(out: list[int], data: list[int], n: int) -> None:
    out[:] = array.array("I", array.array("I", data).tobytes())


def copy_reversed(out: list[int], data: list[int], n: int) -> None:
    out[:] = data[::-1]


def reverse_in_place(data: list[int], n: int) -> None:
    data.reverse()


def fill_bytes(out: list[int], n: int, value: int) -> None:
    out[:] = bytes([value]) * n


def fill_words(out: list[int], n: int, value: int) -> None:
    out[:] = [value] * n


def count_unused_words(stack: list[int], n: int, pattern: int) -> int:
    return len(list(itertools.takewhile(lambda word: word == pattern, stack)))


def string_length(text: list[int], n: int) -> int:
    return len(bytes(text).partition(b"\0")[0])


def count_byte(data: list[int], n: int, wanted: int) -> int:
    return bytes(data).count(wanted)


def count_zero_bytes(data: list[int], n: int) -> int:
    return bytes(data).count(0)


def count_differences(a: list[int], b: list[int], n: int) -> int:
    return n - len([i for i in range(n) if a[i] == b[i]])


def hamming_distance(a: list[int], b: list[int], n: int) -> int:
    return bin(int.from_bytes(bytes(a), "big") ^ int.from_bytes(bytes(b), "big")).count("1")


def count_set_bits(data: list[int], n: int) -> int:
    return bin(int.from_bytes(bytes(data), "big")).count("1")


def count_set_bits_u32(bitmap: list[int], n: int) -> int:
    return "".join(digits(word, 32) for word in bitmap).count("1")


def find_first_zero_bit(bitmap: list[int], n: int) -> int:
    return _or_length("".join(digits(word, 32)[::-1] for word in bitmap).find("0"), 32 * n)


def is_all_zero(data: list[int], n: int) -> bool:
    return not any(data)


def is_erased(flash: list[int], n: int) -> bool:
    return bytes(flash).count(b"\xff") == n


def all_bytes_same(data: list[int], n: int) -> bool:
    return len(set(data)) < 2


def is_sorted_i32(data: list[int], n: int) -> bool:
    return data == sorted(data)


def is_strictly_ascending_u32(data: list[int], n: int) -> bool:
    return data == sorted(set(data))


def count_runs(data: list[int], n: int) -> int:
    return len(list(itertools.groupby(data)))


def longest_run(data: list[int], n: int) -> int:
    return max((len(list(run)) for _, run in itertools.groupby(data)), default=0)


def sum_bytes(data: list[int], n: int) -> int:
    total = 0
    for x in data:
        total += x
    return total


def sum_i32(data: list[int], n: int) -> int:
    total = 0
    for x in data:
        total = wrap(ctypes.c_int64, total + x)
    return total


def sum_u16_wrapping(data: list[int], n: int) -> int:
    total = 0
    for x in data:
        total = wrap(ctypes.c_uint32, total + x)
    return total


def sum_i64_wrapping(data: list[int], n: int) -> int:
    total = 0
    for x in data:
        total = wrap(ctypes.c_int64, total + x)
    return total


def mean_u16(data: list[int], n: int) -> int:
    return math.floor(Fraction(sum(data), n))


def minimum_u8(data: list[int], n: int) -> int:
    return sorted(data)[0]


def maximum_u8(data: list[int], n: int) -> int:
    return sorted(data)[-1]


def minimum_i32(data: list[int], n: int) -> int:
    return sorted(data)[0]


def maximum_i32(data: list[int], n: int) -> int:
    return sorted(data)[-1]


def minimum_u32(data: list[int], n: int) -> int:
    return sorted(data)[0]


def maximum_u32(data: list[int], n: int) -> int:
    return sorted(data)[-1]


def maximum_i16(data: list[int], n: int) -> int:
    return sorted(data)[-1]


def index_of_maximum_u16(data: list[int], n: int) -> int:
    return data.index(max(data))


def index_of_minimum_u32(data: list[int], n: int) -> int:
    return data.index(min(data))


def index_of_maximum_i32(data: list[int], n: int) -> int:
    return data.index(max(data))


def add_saturating_u8(out: list[int], a: list[int], b: list[int], n: int) -> None:
    out[:] = [limit(a[i] + b[i], 0, 255) for i in range(n)]


def subtract_saturating_u8(out: list[int], a: list[int], b: list[int], n: int) -> None:
    out[:] = [limit(a[i] - b[i], 0, 255) for i in range(n)]


def add_u32_wrapping(out: list[int], a: list[int], b: list[int], n: int) -> None:
    out[:] = [(a[i] + b[i]) % 2 ** 32 for i in range(n)]


def xor_buffers(out: list[int], a: list[int], b: list[int], n: int) -> None:
    out[:] = (int.from_bytes(bytes(a), "big") ^ int.from_bytes(bytes(b), "big")).to_bytes(n, "big")


def xor_with_byte(data: list[int], n: int, key: int) -> None:
    data[:] = bytes(data).translate(bytes(x ^ key for x in range(256)))


def invert_in_place(data: list[int], n: int) -> None:
    data[:] = bytes(data).translate(bytes(reversed(range(256))))


def _swapped(kind: str, data: list[int]) -> list[int]:
    words = array.array(kind, data)
    words.byteswap()
    return words.tolist()


def swap_bytes16_in_place(data: list[int], n: int) -> None:
    data[:] = _swapped("H", data)


def swap_bytes32_in_place(data: list[int], n: int) -> None:
    data[:] = _swapped("I", data)


def swap_bytes64_copy(out: list[int], data: list[int], n: int) -> None:
    out[:] = _swapped("Q", data)


def absolute_values_i16(out: list[int], data: list[int], n: int) -> None:
    out[:] = [-x if x < 0 else x for x in data]


def widen_u8_to_u16(out: list[int], data: list[int], n: int) -> None:
    out[:] = array.array("H", data)


def widen_i8_to_i32(out: list[int], data: list[int], n: int) -> None:
    out[:] = array.array("i", data)


def narrow_u16_to_u8_saturating(out: list[int], data: list[int], n: int) -> None:
    out[:] = [limit(x, 0, 255) for x in data]


def narrow_i32_to_i16_saturating(out: list[int], data: list[int], n: int) -> None:
    out[:] = [signed_limit(x, 16) for x in data]


def interleave_bytes(out: list[int], first: list[int], second: list[int], n: int) -> None:
    out[::2], out[1::2] = first, second


def deinterleave_bytes(first: list[int], second: list[int], data: list[int], n: int) -> None:
    first[:], second[:] = data[::2], data[1::2]


def running_totals(out: list[int], data: list[int], n: int) -> None:
    out[:] = itertools.accumulate(data, lambda total, x: (total + x) % 2 ** 32)


def neighbour_differences(out: list[int], data: list[int], n: int) -> None:
    out[:] = [wrap(ctypes.c_uint16, x - before) for x, before in zip(data, [0, *data], strict=False)]


def load_be_bytes(data: list[int], n: int) -> int:
    return int.from_bytes(bytes(data), "big")
