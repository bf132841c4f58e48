"""Contents for one buffer: random, equal, with one element that stands out, of what the contract compares with, text,
or nearly what another buffer holds."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from random import Random

from intent_tool.language.contract import ScalarType
from intent_tool.language.sample_values import core_values, scalar_source

Content = Callable[[int, Sequence[tuple[int, ...]]], tuple[int, ...]]
"""Draws a content: `(length, other buffers drawn before)` to elements."""

_ALPHABET = b" \n\taZz09Aeiou.-,%x"
_TEXT_MARKS = frozenset(b"\t\n\r 09AZaz,.-\"'/:")
"""Constants that tell of text."""
_TILE = 251
"""Longer contents of most shapes repeat a piece of so many elements, a prime: drawing each would take too long."""
_CODES = {8: "B", 16: "H", 32: "I", 64: "Q"}


def content_source(random: Random, type_: ScalarType, constants: Sequence[int], texts: Sequence[bytes]) -> Content:
    low, high = type_.minimum, type_.maximum
    bits, size = random.getrandbits, high - low + 1
    element = scalar_source(random, low, high, constants)
    pool = core_values(low, high, constants)
    hints = [c + step for c in constants for step in (0, 0, 1, -1) if low <= c + step <= high] or pool
    fitting = [t for t in texts if max(t) <= high]
    holds_text = high >= 127 and type_.bits < 64 and bool(fitting or _TEXT_MARKS.intersection(constants))

    def tiled(draw: Callable[[], int], length: int) -> tuple[int, ...]:
        """Its last elements differ from the tile's, so that it has no period at the end."""
        if length <= _TILE + 8:
            return tuple([draw() for _ in range(length)])
        tile = tuple([draw() for _ in range(_TILE)])
        start = (tile * (length // _TILE + 1))[:length - 8]
        return start + tuple([draw() for _ in range(8)])

    def uniform(length: int) -> tuple[int, ...]:
        return _uniform(random, type_, length)

    def mixed(length: int) -> tuple[int, ...]:
        return tiled(element, length)

    def hinted(length: int) -> tuple[int, ...]:
        return tiled(lambda: hints[bits(16) % len(hints)], length)

    def constant(length: int) -> tuple[int, ...]:
        return (pool[bits(16) % len(pool)],) * length

    def two_values(length: int) -> tuple[int, ...]:
        first, second = pool[bits(16) % len(pool)], pool[bits(16) % len(pool)]
        return tiled(lambda: second if bits(1) else first, length)

    def single(length: int) -> tuple[int, ...]:
        base, other = pool[bits(16) % len(pool)], hints[bits(16) % len(hints)] if bits(1) else element()
        where = _place(random, length)
        return (base,) * where + (other,) * min(1, length) + (base,) * (length - where - 1)

    def ramp(length: int) -> tuple[int, ...]:
        if bits(1):
            return tuple(sorted(uniform(length)))
        start, step = element(), (1, -1, 2, 0x55)[bits(2)]
        return tuple([low + (start + step * i - low) % size for i in range(length)])

    def text(length: int) -> tuple[int, ...]:
        if high < 127:
            return mixed(length)
        alphabet = b"0123456789" if bits(2) == 0 else _ALPHABET
        return tiled(lambda: alphabet[bits(8) % len(alphabet)], length)

    def spliced(length: int) -> tuple[int, ...]:
        """A byte string of the contract, whole or cut off by the end, in something else."""
        around = (uniform, text, constant, hinted)[bits(2)](length)
        if not fitting or not length:
            return around
        part, where = fitting[bits(16) % len(fitting)], _place(random, length)
        if bits(1):
            where = max(0, length - len(part))
        return (*around[:where], *part, *around[where + len(part):])[:length]

    shapes = [uniform, uniform, uniform, uniform, mixed, mixed, hinted, hinted, constant, constant, two_values,
              single, single, ramp, text, spliced if fitting else mixed]
    if holds_text:
        shapes[2:5] = [text, text, text]

    def draw(length: int, others: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        if others and bits(2) == 0:
            near = _near(random, type_, element, others[bits(4) % len(others)], length)
            if near is not None:
                return near
        return shapes[bits(4)](length)

    return draw


def long_content_source(random: Random, type_: ScalarType, short: Content) -> Content:
    """For buffers of which there are few: by turns uniform and all ones, the greatest sum there is; after another
    buffer of the same length uniform and all but the last few elements as there."""
    turn = 0

    def draw(length: int, others: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
        nonlocal turn
        turn += 1
        if turn % 2:
            return _uniform(random, type_, length)
        if not others:
            return (type_.maximum,) * length
        near = _near(random, type_, lambda: type_.minimum, others[-1], length)
        return near if near is not None else short(length, others)

    return draw


def _uniform(random: Random, type_: ScalarType, length: int) -> tuple[int, ...]:
    if type_.is_bool:
        return tuple(b & 1 for b in random.randbytes(length))
    if type_.bits == 8 and not type_.signed:
        return tuple(random.randbytes(length))
    code = _CODES[type_.bits]
    return tuple(array(code.lower() if type_.signed else code, random.randbytes(type_.bytes * length)))


def _place(random: Random, length: int) -> int:
    """An index: any, the last one, or one of the last 16, where the rest after whole vectors is."""
    if not length:
        return 0
    which = random.getrandbits(2)
    if which < 2:
        return random.getrandbits(32) % length
    return length - 1 - (random.getrandbits(4) % length if which == 2 else 0)


def _near(random: Random, type_: ScalarType, element: Callable[[], int], other: tuple[int, ...],
          length: int) -> tuple[int, ...] | None:
    """Another buffer's content, as it is or with one element changed, by little or altogether."""
    bits = random.getrandbits
    if len(other) != length or not all(type_.minimum <= v <= type_.maximum for v in other):
        return None
    if not other or bits(2) == 0:
        return other
    where = _place(random, length)
    value = element() if bits(1) else other[where] + (1, -1)[bits(1)]
    if not type_.minimum <= value <= type_.maximum:
        value = element()
    return (*other[:where], value, *other[where + 1:])
