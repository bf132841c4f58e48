"""Meanings of vector instructions, as rows have them: expressions over whole vectors, made from those of lanes.

A vector register stands for its unsigned value, lane 0 in the lowest bits. In what is made here `k` counts the lanes.
"""

from __future__ import annotations


def mask(width: int) -> str:
    return f"{(1 << width) - 1:#x}"


def lane(vector: str, width: int, place: str = "k") -> str:
    """The unsigned value of one lane of `width` bits."""
    return f"({vector} >> {width} * ({place}) & {mask(width)})"


def joined(width: int, count: int, value: str) -> str:
    """The vector of `count` lanes that `value` is, each from 0 to ``2**width - 1``."""
    return f"sum(({value}) << {width} * k for k in range({count}))"


def lanewise(width: int, bits: int, value: str, **vectors: str) -> str:
    """Of a vector of `bits`: `value` for each lane, over ``{x}``, ``{y}`` …, the lanes of the given vectors."""
    parts = {name: lane(vector, width) for name, vector in vectors.items()}
    return joined(width, bits // width, value.format(**parts))


def clamped(value: str, low: int, high: int) -> str:
    return f"min(max({value}, {low}), {high})"
