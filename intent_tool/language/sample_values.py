"""Values for one scalar: boundary values, and random ones from a mixture of shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

SMALL_LENGTHS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65)


def boundary_values(low: int, high: int, constants: Sequence[int]) -> list[int]:
    """Zero, one, the ends, powers of two, and the contract's constants with their neighbours, most telling first.

    All lie in `low` to `high`, inclusive, and none occurs twice."""
    bits = max(abs(low), abs(high)).bit_length()
    powers = [1 << k for k in range(bits + 1)]
    around = [0, low, high, *constants, *(high >> 1, low >> 1), *powers, *(-p for p in powers),
              *(high - c for c in constants), *(-c for c in constants)]
    found = dict.fromkeys(v for v in around if low <= v <= high)
    for step in (1, -1):
        found.update(dict.fromkeys(v + step for v in around if low <= v + step <= high))
    return list(found)


def core_values(low: int, high: int, constants: Sequence[int]) -> list[int]:
    """The few values whose every combination with another parameter's is worth trying."""
    few = [c + step for c in constants[:8] for step in (0, -1, 1)]
    around = [0, 1, -1, low, high, low + 1, high - 1, 2, high >> 1, (high >> 1) + 1, *few]
    return list(dict.fromkeys(v for v in around if low <= v <= high))


def scalar_source(random: Random, low: int, high: int, constants: Sequence[int]) -> Callable[[], int]:
    """Draws integers from `low` to `high`: uniform, of random width, with few bits, runs of ones, boundaries,
    multiples."""
    bits, size = random.getrandbits, high - low + 1
    pool = boundary_values(low, high, constants)
    factors = [c for c in constants if 1 < abs(c) < size] or [3, 10]
    width = max(size.bit_length() - 1, 1)

    def fit(value: int) -> int:
        return value if low <= value <= high else low + (value - low) % size

    def uniform() -> int:
        return low + (bits(64) * size >> 64)

    def narrow() -> int:
        value = bits(64) >> bits(6)
        return fit(-value if low < 0 and bits(1) else value)

    def few_bits() -> int:
        value = 1 << bits(6) % width
        for _ in range(bits(2)):
            value |= 1 << bits(6) % width
        return fit(value)

    def run() -> int:
        first, second = bits(6) % (width + 1), bits(6) % (width + 1)
        return fit((1 << first) - (1 << second))

    def boundary() -> int:
        return pool[bits(32) % len(pool)]

    def multiple() -> int:
        value = uniform() if bits(1) else narrow()
        return fit(value - value % factors[bits(8) % len(factors)])

    def few() -> int:
        return fit(bits(4) - (8 if low < 0 else 0))

    shapes = [uniform] * 5 + [narrow] * 3 + [boundary] * 3 + [few_bits, few_bits, run, multiple, few]

    def draw() -> int:
        return shapes[bits(4)]()

    return draw


def length_values(low: int, high: int, constants: Sequence[int], most: int) -> list[int]:
    """Element counts to try for a length parameter, none above `most`; those allowed by `low` and `high`."""
    around = [*SMALL_LENGTHS, *(low + k for k in SMALL_LENGTHS), *(c + k for c in constants for k in (-1, 0, 1))]
    return sorted({v for v in around if low <= v <= min(high, most)})
