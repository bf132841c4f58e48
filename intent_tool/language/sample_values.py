"""Values for one parameter: boundary values, and random ones from a mixture of shapes."""

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


def content_source(random: Random, low: int, high: int, constants: Sequence[int]
                   ) -> Callable[[int, Sequence[tuple[int, ...]]], tuple[int, ...]]:
    """Draws the content of a buffer: `(length, other buffers drawn before)` to elements from `low` to `high`."""
    bits, size = random.getrandbits, high - low + 1
    element = scalar_source(random, low, high, constants)
    pool = core_values(low, high, constants)
    is_byte = (low, high) == (0, 255)

    def uniform(length: int) -> tuple[int, ...]:
        if is_byte:
            return tuple(random.randbytes(length))
        return tuple([low + (bits(64) * size >> 64) for _ in range(length)])

    def mixed(length: int) -> tuple[int, ...]:
        return tuple([element() for _ in range(length)])

    def constant(length: int) -> tuple[int, ...]:
        return (pool[bits(16) % len(pool)],) * length

    def two_values(length: int) -> tuple[int, ...]:
        first, second = pool[bits(16) % len(pool)], pool[bits(16) % len(pool)]
        return tuple([second if bits(1) else first for _ in range(length)])

    def single(length: int) -> tuple[int, ...]:
        base, other = pool[bits(16) % len(pool)], element()
        where = bits(32) % length if length else 0
        return (base,) * where + (other,) * min(1, length) + (base,) * (length - where - 1)

    def ramp(length: int) -> tuple[int, ...]:
        start, step = element(), (1, -1, 2, 0x55)[bits(2)]
        return tuple([low + (start + step * i - low) % size for i in range(length)])

    def text(length: int) -> tuple[int, ...]:
        return tuple([b" \n\taZz09Aeiou.-,%x"[bits(8) % 18] if high >= 127 else element() for _ in range(length)])

    shapes = [uniform] * 5 + [mixed] * 3 + [constant, constant, two_values, two_values, single, single, ramp, text]

    def draw(length: int, others: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        if others and bits(2) == 0:
            near = _near(others[bits(4) % len(others)], length)
            if near is not None:
                return near
        return shapes[bits(4)](length)

    def _near(other: tuple[int, ...], length: int) -> tuple[int, ...] | None:
        """Another buffer's content, as it is or with one element changed."""
        if len(other) != length or not all(low <= v <= high for v in other):
            return None
        if not other or bits(1):
            return other
        where = bits(32) % length
        return (*other[:where], element(), *other[where + 1:])

    return draw
