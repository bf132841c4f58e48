"""Integers as sums of products of unknowns, for z3's linear arithmetic: sums, products, quotients, and what is known
of them that the linear reading of products loses.

A product of unknowns is an unknown of its own, the same wherever it occurs. Quotients of one dividend by the same
divisor are one unknown, in whatever shape the code computes them: multiples of the divisor are taken out, quotients
of quotients are one quotient, and a multiplication by a reciprocal is a division where it is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import gcd, prod
from typing import Any

MOST_MONOMIALS = 400
MOST_CORNERS = 8
"""Unknowns of a polynomial whose bounds are looked for at all corners."""
NEARBY = 2
"""How far apart two quotients by the same divisor are told to be when they are."""

Monomial = tuple[int, ...]
"""Numbers of the unknowns that are multiplied, sorted; empty for the constant."""


@dataclass(frozen=True, slots=True)
class Value:
    """An integer between lo and hi: the sum of coefficient times monomial."""

    parts: dict[Monomial, int]
    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class Division:
    """``dividend == quotient*divisor + remainder`` where the divisor is not 0."""

    dividend: Value
    divisor: Value
    quotient: Value
    remainder: Value
    product: Value
    """Of quotient and divisor."""


class Integers:
    def __init__(self, z3: Any) -> None:
        self.z3 = z3
        self.sides: list[Any] = []
        """Facts for the solver, besides the conditions."""
        self.unknowns: list[tuple[int, int]] = []
        """The bounds of each."""
        self.handles: dict[Monomial, Any] = {}
        self.quotients: dict[int, tuple[Mapping[Monomial, int], int]] = {}
        """What each quotient is one of: dividend and divisor."""
        self.splits: dict[tuple[Any, ...], tuple[Value, Value]] = {}
        self.by_variable: list[Division] = []
        self.assumed: dict[tuple[tuple[Monomial, int], ...], tuple[int, int]] = {}
        """Bounds that the conditions give to sums of monomials without constant."""

    def unknown(self, lo: int, hi: int) -> Value:
        if lo == hi:
            return fixed(lo)
        number = len(self.unknowns)
        self.unknowns.append((lo, hi))
        handle = self.handles[(number,)] = self.z3.Int(f"u{number}")
        self.sides += [handle >= lo, handle <= hi]
        return Value({(number,): 1}, lo, hi)

    def expression(self, value: Value) -> Any:
        total = self.z3.IntVal(value.parts.get((), 0))
        for monomial, coefficient in value.parts.items():
            if monomial:
                total = total + coefficient * self.handle(monomial)
        return total

    def handle(self, monomial: Monomial) -> Any:
        if monomial not in self.handles:
            handle = self.handles[monomial] = self.z3.Int("p" + "_".join(map(str, monomial)))
            lo, hi = self.monomial_bounds(monomial)
            self.sides += [handle >= lo, handle <= hi]
            bit = next((n for n in monomial if self.unknowns[n][1] - self.unknowns[n][0] == 1), None)
            if bit is not None:
                # A product with what has two values is a choice.
                rest = list(monomial)
                rest.remove(bit)
                other, (least, most) = self.handle(tuple(rest)), self.unknowns[bit]
                self.sides.append(self.z3.If(self.handles[bit,] == least, handle == least * other,
                                             handle == most * other))
        return self.handles[monomial]

    def monomial_bounds(self, monomial: Monomial) -> tuple[int, int]:
        lo = hi = 1
        for number in monomial:
            a, b = self.unknowns[number]
            corners = (lo * a, lo * b, hi * a, hi * b)
            lo, hi = min(corners), max(corners)
        return lo, hi

    def combine(self, parts: Sequence[tuple[int, Value]], constant: int = 0) -> Value:
        total: dict[Monomial, int] = {(): constant} if constant else {}
        lo = hi = constant
        for coefficient, value in parts:
            for monomial, c in value.parts.items():
                total[monomial] = total.get(monomial, 0) + coefficient * c
            ends = (coefficient * value.lo, coefficient * value.hi)
            lo, hi = lo + min(ends), hi + max(ends)
        total = {m: c for m, c in total.items() if c}
        # What cancelled out may leave a narrower sum than the parts did.
        low, high = self.range(total)
        lo, hi = max(lo, low), min(hi, high)
        if self.assumed:
            known = self.assumed.get(tuple(sorted((m, c) for m, c in total.items() if m)))
            if known is not None:
                shift = total.get((), 0)
                lo, hi = max(lo, known[0] + shift), min(hi, known[1] + shift)
        low, high = self.multilinear_range(total)
        if low > lo or high < hi:
            lo, hi = max(lo, low), min(hi, high)
            # The solver sees products as unknowns, so it has to be told.
            expression = self.expression(Value(total, lo, hi))
            self.sides += [expression >= lo, expression <= hi]
        return Value(total, lo, hi)

    def range(self, parts: Mapping[Monomial, int]) -> tuple[int, int]:
        """Bounds of a sum of monomials, each taken by itself."""
        low = high = parts.get((), 0)
        for monomial, c in parts.items():
            if monomial:
                a, b = self.monomial_bounds(monomial)
                low, high = low + min(c * a, c * b), high + max(c * a, c * b)
        return low, high

    def multilinear_range(self, parts: Mapping[Monomial, int]) -> tuple[int, int]:
        """Bounds of a sum with products, or with the quotient of one: a polynomial that is linear in each of its
        unknowns has its extremes at corners of their box. So a weighted mean lies between what it is a mean of."""
        quotients = [m[0] for m in parts if len(m) == 1 and m[0] in self.quotients]
        for quotient in quotients:
            # times * (dividend - divisor * quotient), plus a constant
            dividend, divisor = self.quotients[quotient]
            times, rest = divmod(-parts[quotient,], divisor)
            others = {m: c - times * dividend.get(m, 0) for m, c in {**dict.fromkeys(dividend, 0), **parts}.items()
                      if m and m != (quotient,)}
            if not rest and not any(others.values()):
                constant = parts.get((), 0) - times * dividend.get((), 0)
                ends = sorted((constant, constant + times * (divisor - 1)))
                return ends[0], ends[1]
        quotient = quotients[0] if quotients else -1
        if quotients and any(len(m) > 1 for m in self.quotients[quotient][0]):
            # divisor * (rest + c * quotient) = divisor * rest + c * (dividend - remainder)
            dividend, divisor = self.quotients[quotient]
            c = parts[quotient,]
            scaled = {m: divisor * d for m, d in parts.items() if m != (quotient,)}
            for m, d in dividend.items():
                scaled[m] = scaled.get(m, 0) + c * d
            low, high = self.corners(scaled)
            slack = (min(0, -c * (divisor - 1)), max(0, -c * (divisor - 1)))
            return -(-(low + slack[0]) // divisor), (high + slack[1]) // divisor
        if any(len(m) > 1 for m in parts):
            return self.corners(parts)
        return self.range(parts)

    def corners(self, parts: Mapping[Monomial, int]) -> tuple[int, int]:
        unknowns = sorted({number for m in parts for number in m})
        if len(unknowns) > MOST_CORNERS or any(len(set(m)) < len(m) for m in parts):
            return self.range(parts)
        values = []
        for corner in product(*(self.unknowns[number] for number in unknowns)):
            at = dict(zip(unknowns, corner, strict=True))
            values.append(sum(c * prod(at[number] for number in m) for m, c in parts.items()))
        return min(values), max(values)

    def product(self, a: Value, b: Value) -> Value | None:
        if len(a.parts) * len(b.parts) > MOST_MONOMIALS:
            return None
        total: dict[Monomial, int] = {}
        for m, c in a.parts.items():
            for n, d in b.parts.items():
                key = tuple(sorted(m + n))
                if len(key) > 4:
                    return None
                total[key] = total.get(key, 0) + c * d
        corners = (a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi)
        return Value({m: c for m, c in total.items() if c}, min(corners), max(corners))

    def divide(self, value: Value, divisor: int, is_turned: bool = False) -> tuple[Value, Value]:
        """Quotient, rounded down, and remainder by a positive constant. `is_turned`: by the complement already."""
        if divisor == 1:
            return value, fixed(0)
        if value.lo // divisor == value.hi // divisor:
            quotient = value.lo // divisor
            return fixed(quotient), self.combine([(1, value)], -quotient * divisor)
        if -divisor <= value.lo < 0 <= value.hi < divisor:
            # The sign: whatever is large enough divides to the same.
            least = 1 << max(~value.lo, value.hi).bit_length()
            if least < divisor:
                sign = self.divide(value, least)[0]
                return sign, self.combine([(1, value), (-divisor, sign)])
        key = (divisor, tuple(sorted(value.parts.items())))
        if key not in self.splits:
            whole = self.plain_quotient(value, divisor) or self.reduced_quotient(value, divisor, is_turned)
            self.splits[key] = whole, self.combine([(1, value), (-divisor, whole)])
        return self.splits[key]

    def reduced_quotient(self, value: Value, divisor: int, is_turned: bool) -> Value:
        """Multiples of the divisor go into the quotient as they are; the rest leads to a new unknown."""
        whole: dict[Monomial, int] = {}
        rest: dict[Monomial, int] = {}
        for m, c in value.parts.items():
            # To the nearest multiple, a half down, and the constant down.
            times = -((divisor - 2 * c) // (2 * divisor)) if m else c // divisor
            whole[m], rest[m] = times, c - times * divisor
        whole, rest = ({m: c for m, c in parts.items() if c} for parts in (whole, rest))
        if whole:
            left = self.combine([(1, Value(rest, *self.range(rest)))])
            small = self.divide(left, divisor, is_turned)[0]
            quotient = self.combine([(1, Value(whole, *self.range(whole))), (1, small)])
            return Value(quotient.parts, max(quotient.lo, value.lo // divisor),
                          min(quotient.hi, value.hi // divisor))
        balance = value.lo + value.hi + 1 or min((m, c) for m, c in rest.items() if m)[1]
        if balance < 0 and not is_turned:
            # ~(~x // d) == x // d, so that both are known by the one that is rather positive.
            return self.combine([(-1, self.divide(self.combine([(-1, value)], -1), divisor, True)[0])], -1)
        made = self.unknown(value.lo // divisor, value.hi // divisor)
        self.quotients[next(iter(made.parts))[0]] = value.parts, divisor
        remainder = self.expression(value) - divisor * self.expression(made)
        self.sides += [remainder >= 0, remainder < divisor]
        return made

    def plain_quotient(self, value: Value, divisor: int) -> Value | None:
        """``(m*x) // 2**k`` as ``x // d`` where that is the same for all x that there are, and ``(x // a) // b`` as
        ``x // (a*b)``.

        With ``e = m*d - 2**k >= 0``, ``x == q*d + r`` gives ``m*x / 2**k == q + (r + x*e / 2**k) / d``, which stays
        below q + 1 when ``x*e < 2**k``, or when r is not the largest remainder and ``x*e < 2 * 2**k`` (Granlund and
        Montgomery, Division by Invariant Integers using Multiplication, PLDI 1994, theorem 4.2)."""
        factor = gcd(*value.parts.values())
        whole = {m: c // factor for m, c in value.parts.items()}
        lo, hi = value.lo // factor, value.hi // factor
        if factor == 1:
            for monomial, c in whole.items():
                if c == 1 and len(monomial) == 1 and monomial[0] in self.quotients:
                    # (n // a + rest) // b == (n + a*rest) // (a*b)
                    dividend, first = self.quotients[monomial[0]]
                    inner = self.combine([(1, Value(dict(dividend), *self.range(dividend))), (first, value),
                                          (-first, Value({monomial: 1}, *self.unknowns[monomial[0]]))])
                    inner = Value(inner.parts, lo * first, hi * first + first - 1)
                    if len(whole) == 1:
                        return self.divide(inner, first * divisor)[0]
                    quotient = self.plain_quotient(inner, first * divisor)
                    if quotient is not None:
                        return quotient
            return None
        if divisor & (divisor - 1) or lo < 0 or divisor % factor == 0:
            return None
        by = -(-divisor // factor)
        error = factor * by - divisor
        worst = hi - (hi + 1) % by
        if by < 2 or worst * error >= divisor or hi * error >= 2 * divisor:
            return None
        return self.divide(Value(whole, lo, hi), by)[0]

    def chosen(self, condition: Any, a: Value, b: Value) -> Value:
        """`a` where the condition holds, else `b`."""
        made = self.unknown(min(a.lo, b.lo), max(a.hi, b.hi))
        expression = self.expression(made)
        self.sides += [self.z3.Implies(condition, expression == self.expression(a)),
                       self.z3.Implies(self.z3.Not(condition), expression == self.expression(b))]
        return made

    def relate_quotients(self) -> None:
        """What the linear reading of products loses: quotients by the same divisor differ by a whole number.

        With ``a == q*d + r`` and ``b == p*d + s`` let ``a - b == k*d + rest``; then ``e = q - p - k`` is an integer
        with ``e*d == rest - r + s``, and for ``d >= 0`` an integer not below n gives ``e*d >= n*d``. The same holds
        for one quotient by itself, and for the sum of those of which the dividends add up."""
        for number, division in enumerate(self.by_variable):
            others = [o for o in self.by_variable if o.divisor.parts == division.divisor.parts and o is not division]
            self.relate_difference(division, [])
            for other in others:
                if any(other is o for o in self.by_variable[:number]):
                    self.relate_difference(division, [(1, other)])
            summands = [(c, o) for m, c in division.dividend.parts.items() for o in others
                        if o.dividend.parts == {m: 1}]
            if len(summands) > 1:
                self.relate_difference(division, summands)

    def relate_difference(self, division: Division, others: Sequence[tuple[int, Division]]) -> None:
        z3, divisor = self.z3, division.divisor
        rest = self.combine([(1, division.dividend), *((-c, o.dividend) for c, o in others)])
        parts = [(1, division.quotient), *((-c, o.quotient) for c, o in others)]
        for known in self.by_variable:
            # Where a remainder is written out, its quotient times the divisor stands there.
            if known.divisor.parts == divisor.parts and known.product.parts:
                monomial, coefficient = next(iter(known.product.parts.items()))
                times = rest.parts.get(monomial, 0) // coefficient
                left_over = self.combine([(1, rest), (-times, known.product)])
                if len(left_over.parts) < len(rest.parts):
                    rest = left_over
                    parts.append((-times, known.quotient))
        if list(divisor.parts.values()) == [1] and len(next(iter(divisor.parts))) == 1:
            (factor,), = divisor.parts
            multiple = {_without(m, factor): c for m, c in rest.parts.items() if factor in m}
            left = {m: c for m, c in rest.parts.items() if factor not in m}
            rest = Value(left, *self.range(left))
            parts.append((-1, Value(multiple, *self.range(multiple))))
        whole = self.expression(self.combine(parts))
        scaled = self.expression(self.combine([(1, rest), (-1, division.remainder),
                                               *((c, o.remainder) for c, o in others)]))
        by = self.expression(divisor)
        for n in range(-NEARBY, NEARBY + 1):
            for sign, above, below in ((by > 0, whole >= n, whole <= n), (by < 0, whole <= n, whole >= n)):
                self.sides.append(z3.Implies(z3.And(sign, above), scaled >= n * by))
                self.sides.append(z3.Implies(z3.And(sign, below), scaled <= n * by))


def _without(monomial: Monomial, factor: int) -> Monomial:
    """The other factors."""
    at = monomial.index(factor)
    return monomial[:at] + monomial[at + 1:]


def fixed(value: int) -> Value:
    return Value({(): value} if value else {}, value, value)
