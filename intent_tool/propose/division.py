"""Division by constants through a multiplication by the reciprocal.

Source: Granlund and Montgomery, Division by Invariant Integers using Multiplication, PLDI 1994; Warren, Hacker's
Delight, chapter 10. Here the dividend's interval is known, which often gives a shorter multiplier.
"""

from __future__ import annotations


def reciprocal(divisor: int, largest: int) -> tuple[int, int]:
    """The smallest (m, s) with ``x // divisor == (x * m) >> s`` for all 0 <= x <= largest.

    It holds when m = ceil(2**s / divisor) errs so little that the worst dividend, the last one of a full
    period, stays below the next quotient."""
    if largest < divisor:
        return 0, 0
    worst = largest - (largest + 1) % divisor
    shift = 0
    while True:
        multiplier = -(-(1 << shift) // divisor)
        if worst * (multiplier * divisor - (1 << shift)) < 1 << shift:
            return multiplier, shift
        shift += 1
