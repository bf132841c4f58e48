"""Formulas as linear arithmetic over the integers, for z3: what division by constants needs.

Every term becomes a polynomial in integer unknowns that is its value modulo ``2**width``; reading it as an unsigned
or signed number, extraction and division by a constant c are ``x = c*q + r`` with ``0 <= r < c``. A product of
unknowns is an unknown of its own, the same wherever it occurs, so a product computed from halves is compared with the
whole one by its coefficients. What has no such form (mixing bits) is an unknown within the term's interval: the
integers then allow more than the bits do, and only ``unsat`` means anything. (Bozzano et al., "Encoding RTL
constructs for MathSAT", 2006, calls this int-blasting.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import gcd, prod
from typing import Any

from intent_tool.judge.bitvector import Term, signed, topological, trailing_zeros
from intent_tool.judge.solve_bits import Model

MOST_MONOMIALS = 400
MOST_CORNERS = 8
"""Unknowns of a polynomial whose bounds are looked for at all corners."""

NEARBY = 2
"""How far apart two quotients by the same divisor are told to be when they are."""

Monomial = tuple[int, ...]
"""Numbers of the unknowns that are multiplied, sorted; empty for the constant."""


@dataclass(frozen=True, slots=True)
class _Value:
    """An integer between lo and hi: the sum of coefficient times monomial."""

    parts: dict[Monomial, int]
    lo: int
    hi: int


@dataclass(frozen=True, slots=True)
class _Division:
    """``dividend == quotient*divisor + remainder`` where the divisor is not 0."""

    dividend: _Value
    divisor: _Value
    quotient: _Value
    remainder: _Value


def linear_check(conditions: Sequence[Term], effort: int | None = None) -> tuple[str, Model]:
    """``unsat`` when the conditions cannot hold together; else ``unknown``, also when z3 has spent `effort` (its
    `rlimit`, which counts steps: the same on every machine; a million are a few seconds)."""
    import z3

    order = topological(conditions)
    blaster = _Blaster(z3, _read_with_signs(order))
    assumed = {c.id for c in conditions}
    for t in order:
        blaster.translate(t)
        if t.id in assumed:
            blaster.assume(t)
    solver = z3.SolverFor("QF_LIA")
    if effort is not None:
        solver.set("rlimit", effort)
    for condition in conditions:
        solver.add(blaster.truth(condition))
    blaster.relate_quotients()
    for side in blaster.sides:
        solver.add(side)
    return ("unsat" if solver.check() == z3.unsat else "unknown"), {}


def _read_with_signs(order: Sequence[Term]) -> frozenset[int]:
    """The variables (by id) that are sign-extended or compared with signs."""
    return frozenset(a.id for t in order if t.op in ("sext", "slt") for a in t.args if a.op == "var")


class _Blaster:
    def __init__(self, z3: Any, with_signs: frozenset[int]) -> None:
        self.z3, self.with_signs = z3, with_signs
        self.sides: list[Any] = []
        self.unknowns: list[tuple[int, int]] = []
        """The bounds of each."""
        self.handles: dict[Monomial, Any] = {}
        self.loose: dict[int, _Value] = {}
        """By the term's id: an integer that is the term's value modulo ``2**width``."""
        self.truths: dict[int, Any] = {}
        self.quotients: dict[int, tuple[Mapping[Monomial, int], int]] = {}
        """What each quotient is one of: dividend and divisor."""
        self.splits: dict[tuple[Any, ...], tuple[_Value, _Value]] = {}
        self.by_variable: list[_Division] = []
        self.assumed: dict[tuple[tuple[Monomial, int], ...], tuple[int, int]] = {}
        """Bounds that the conditions give to sums of monomials without constant."""

    # Values.

    def unknown(self, lo: int, hi: int) -> _Value:
        if lo == hi:
            return _constant(lo)
        number = len(self.unknowns)
        self.unknowns.append((lo, hi))
        handle = self.handles[(number,)] = self.z3.Int(f"u{number}")
        self.sides += [handle >= lo, handle <= hi]
        return _Value({(number,): 1}, lo, hi)

    def expression(self, value: _Value) -> Any:
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

    def combine(self, parts: Sequence[tuple[int, _Value]], constant: int = 0) -> _Value:
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
            expression = self.expression(_Value(total, lo, hi))
            self.sides += [expression >= lo, expression <= hi]
        return _Value(total, lo, hi)

    def assume(self, condition: Term) -> None:
        """Takes over what a condition says about the difference of two numbers."""
        is_negated = condition.op == "not"
        comparison = condition.args[0] if is_negated else condition
        if comparison.op not in ("ult", "slt"):
            return
        read = self.value if comparison.op == "ult" else self.signed_value
        a, b = map(read, comparison.args)
        if is_negated:
            a, b = b, a
        # a - b <= -1, or a - b <= 0 where b < a does not hold.
        difference = self.combine([(1, a), (-1, b)])
        constant = difference.parts.get((), 0)
        most = (0 if is_negated else -1) - constant
        for sign in (1, -1):
            key = tuple(sorted((m, sign * c) for m, c in difference.parts.items() if m))
            ends = sorted((sign * (difference.lo - constant), sign * most))
            lo, hi = self.assumed.get(key, (ends[0], ends[1]))
            self.assumed[key] = max(lo, ends[0]), min(hi, ends[1])

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

    def product(self, a: _Value, b: _Value) -> _Value | None:
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
        return _Value({m: c for m, c in total.items() if c}, min(corners), max(corners))

    def divide(self, value: _Value, divisor: int, is_turned: bool = False) -> tuple[_Value, _Value]:
        """Quotient, rounded down, and remainder by a positive constant. `is_turned`: by the complement already."""
        if divisor == 1:
            return value, _constant(0)
        if value.lo // divisor == value.hi // divisor:
            quotient = value.lo // divisor
            return _constant(quotient), self.combine([(1, value)], -quotient * divisor)
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

    def reduced_quotient(self, value: _Value, divisor: int, is_turned: bool) -> _Value:
        """Multiples of the divisor go into the quotient as they are; the rest leads to a new unknown."""
        whole: dict[Monomial, int] = {}
        rest: dict[Monomial, int] = {}
        for m, c in value.parts.items():
            # To the nearest multiple, a half down, and the constant down.
            times = -((divisor - 2 * c) // (2 * divisor)) if m else c // divisor
            whole[m], rest[m] = times, c - times * divisor
        whole, rest = ({m: c for m, c in parts.items() if c} for parts in (whole, rest))
        if whole:
            left = self.combine([(1, _Value(rest, *self.range(rest)))])
            small = self.divide(left, divisor, is_turned)[0]
            quotient = self.combine([(1, _Value(whole, *self.range(whole))), (1, small)])
            return _Value(quotient.parts, max(quotient.lo, value.lo // divisor),
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

    def plain_quotient(self, value: _Value, divisor: int) -> _Value | None:
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
                    inner = self.combine([(1, _Value(dict(dividend), *self.range(dividend))), (first, value),
                                          (-first, _Value({monomial: 1}, *self.unknowns[monomial[0]]))])
                    inner = _Value(inner.parts, lo * first, hi * first + first - 1)
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
        return self.divide(_Value(whole, lo, hi), by)[0]

    def chosen(self, condition: Any, a: _Value, b: _Value) -> _Value:
        """`a` where the condition holds, else `b`."""
        made = self.unknown(min(a.lo, b.lo), max(a.hi, b.hi))
        expression = self.expression(made)
        self.sides += [self.z3.Implies(condition, expression == self.expression(a)),
                       self.z3.Implies(self.z3.Not(condition), expression == self.expression(b))]
        return made

    # Terms.

    def loose_value(self, t: Term) -> _Value:
        if t.id not in self.loose:
            if t.id in self.truths:
                flag = self.flag(t)
                self.loose[t.id] = flag or self.chosen(self.truths[t.id], _constant(1), _constant(0))
            else:
                self.translate(t)
        return self.loose[t.id]

    def flag(self, t: Term) -> _Value | None:
        """1 or 0 for a comparison, as a quotient: a carry is a part of the number that it is carried into. What is
        between -w and w - 1 is negative where its quotient by w is -1."""
        if t.op == "not":
            return self.combine([(-1, self.loose_value(t.args[0]))], 1)
        if t.op not in ("ult", "slt", "eq"):
            return None
        read = self.signed_value if t.op == "slt" else self.value
        a, b = map(read, t.args)
        difference = self.combine([(1, a), (-1, b)])
        if t.op == "eq":
            if difference.lo < 0 < difference.hi:
                return None
            difference = self.combine([(1 if difference.lo >= 0 else -1, difference)], -1)
        return self.combine([(-1, self.divide(difference, 1 << t.args[0].width)[0])])

    def value(self, t: Term) -> _Value:
        """The unsigned reading."""
        return self.within(self.loose_value(t), 0, t)

    def signed_value(self, t: Term) -> _Value:
        """The two's-complement reading."""
        if t.width == 1:
            return self.combine([(-1, self.value(t))])
        return self.within(self.loose_value(t), -(1 << t.width - 1), t)

    def within(self, value: _Value, low: int, t: Term) -> _Value:
        """The number from `low` to ``low + 2**width - 1`` that is `value` modulo ``2**width``."""
        full = 1 << t.width
        lo, hi = (t.lo, t.hi) if low == 0 else (t.slo, t.shi)
        if value.lo < low or value.hi >= low + full:
            rest = self.divide(self.combine([(1, value)], -low), full)[1]
            value = self.combine([(1, rest)], low)
        return _Value(value.parts, max(value.lo, lo), min(value.hi, hi))

    def truth(self, t: Term) -> Any:
        if t.id not in self.truths:
            self.truths[t.id] = self.expression(self.value(t)) == 1
        return self.truths[t.id]

    def translate(self, t: Term) -> None:
        if t.id in self.loose or t.id in self.truths:
            return
        if t.width == 1 and t.op in ("and", "or", "xor", "not", "ite", "eq", "ult", "slt", "saddo", "ssubo"):
            self.truths[t.id] = self.condition(t)
            return
        value = self.vector(t)
        if value is None:
            value = self.unknown(t.lo, t.hi)
        if len(value.parts) > MOST_MONOMIALS:
            named = self.unknown(value.lo, value.hi)
            self.sides.append(self.expression(named) == self.expression(value))
            value = named
        self.loose[t.id] = value

    def condition(self, t: Term) -> Any:
        z3 = self.z3
        if t.op in ("and", "or", "xor"):
            return {"and": z3.And, "or": z3.Or, "xor": z3.Xor}[t.op](*map(self.truth, t.args))
        if t.op == "not":
            return z3.Not(self.truth(t.args[0]))
        if t.op == "ite":
            return z3.If(*map(self.truth, t.args))
        a, b = t.args
        if t.op == "eq":
            return self.equal_modulo(self.loose_value(a), self.loose_value(b), a.width)
        if t.op == "ult":
            return self.less(self.value(a), self.value(b))
        if t.op == "slt":
            return self.less(self.signed_value(a), self.signed_value(b))
        total = self.combine([(1, self.signed_value(a)), (1 if t.op == "saddo" else -1, self.signed_value(b))])
        half = 1 << (a.width - 1)
        expression = self.expression(total)
        return z3.Or(expression < -half, expression >= half)

    def equal_modulo(self, a: _Value, b: _Value, width: int) -> Any:
        difference = self.combine([(1, a), (-1, b)])
        full = 1 << width
        if 0 < difference.lo <= difference.hi < full or -full < difference.lo <= difference.hi < 0:
            return self.z3.BoolVal(False)
        if difference.lo <= -(1 << width) or difference.hi >= 1 << width:
            difference = self.divide(difference, 1 << width)[1]
        return self.expression(difference) == 0

    def less(self, a: _Value, b: _Value) -> Any:
        return self.expression(self.combine([(1, a), (-1, b)])) < 0

    def vector(self, t: Term) -> _Value | None:
        """An integer that is the term's value modulo ``2**width``; None for what has no such form."""
        width = t.width
        match t.op:
            case "const":
                return _constant(t.data)
            case "var":
                if t.id in self.with_signs and t.slo < 0 <= t.shi:
                    return self.unknown(t.slo, t.shi)
                return self.unknown(t.lo, t.hi)
            case "sum":
                return self.combine([(signed(c, width), self.summand(c, a)) for c, a in
                                     zip(t.data[0], t.args, strict=True)], signed(t.data[1], width))
            case "mul":
                return self.product(self.loose_value(t.args[0]), self.loose_value(t.args[1]))
            case "zext":
                return self.value(t.args[0])
            case "sext":
                return self.signed_value(t.args[0])
            case "not":
                return self.combine([(-1, self.loose_value(t.args[0]))], -1)
            case "concat":
                high, low = t.args
                return self.combine([(1 << low.width, self.loose_value(high)), (1, self.value(low))])
            case "extract":
                return self.divide(self.loose_value(t.args[0]), 1 << t.data[1])[0]
            case "ite":
                return self.choice(t)
            case "udiv" | "urem":
                return self.division(t)
            case "sdiv" | "srem":
                return self.signed_division(t)
            case "shl" | "lshr":
                return self.shift(t)
            case "and" if t.args[1].op == "const":
                return self.mask(self.loose_value(t.args[0]), t.args[1].data)
            case "or" | "xor":
                return self.mixed(t)
        return None

    def summand(self, coefficient: int, t: Term) -> _Value:
        """What stands for `t` in a sum: a coefficient that ends in zeros leaves only its low bits to matter."""
        zeros = (coefficient & -coefficient).bit_length() - 1
        while t.op == "zext" and t.args[0].width + zeros >= t.width:
            zeros -= t.width - t.args[0].width
            t = t.args[0]
        return self.loose_value(t)

    def choice(self, t: Term) -> _Value:
        floor = self.floor(t)
        if floor is not None:
            return floor
        truth = self.truth(t.args[0])
        then, otherwise = self.loose_value(t.args[1]), self.loose_value(t.args[2])
        if self.z3.is_false(truth):
            return otherwise
        if self.z3.is_true(truth):
            return then
        made = self.chosen(truth, then, otherwise)
        lo, hi = min(then.lo, otherwise.lo), max(then.hi, otherwise.hi)
        if lo >= 0 and hi < 1 << t.width and (t.lo > lo or t.hi < hi):
            # Both arms are read as unsigned numbers, and together they are known to be less far apart.
            expression = self.expression(made)
            self.sides += [expression >= t.lo, expression <= t.hi]
            (number,), = made.parts
            self.unknowns[number] = max(lo, t.lo), min(hi, t.hi)
            made = _Value(made.parts, max(lo, t.lo), min(hi, t.hi))
        return made

    def floor(self, t: Term) -> _Value | None:
        """Division rounded down of what may be negative, ``~(~x // c) if x < 0 else x // c``, as one quotient."""
        condition, then, quotient = t.args
        if then.op != "not" or then.args[0] is not quotient or quotient.op != "udiv":
            return None
        magnitude, divisor = quotient.args
        if magnitude.op != "ite" or magnitude.args[0] is not condition or divisor.op != "const" or not divisor.data:
            return None
        value = magnitude.args[2]
        is_sign = condition.op == "extract" and condition.args[0] is value and condition.data[1] == value.width - 1
        low, high = self.signed_value(value), self.signed_value(magnitude.args[1])
        if not is_sign or self.combine([(1, low), (1, high)], 1).parts:
            return None
        return self.divide(low, divisor.data)[0]

    def mixed(self, t: Term) -> _Value | None:
        """``or`` and ``xor`` of what has no bits in common are sums; ``xor`` with copies of one bit is a choice
        between a value and its complement."""
        for a, b in (t.args, reversed(t.args)):
            if t.op == "xor" and a.op == "sext" and a.args[0].width == 1:
                value = self.loose_value(b)
                return self.chosen(self.truth(a.args[0]), self.combine([(-1, value)], -1), value)
            zeros = trailing_zeros(a)
            if zeros and self.value(b).hi < 1 << zeros:
                return self.combine([(1, self.loose_value(a)), (1, self.value(b))])
        return None

    def mask(self, value: _Value, mask: int) -> _Value:
        """The sum of the mask's runs of ones, each a field of the value."""
        fields: list[tuple[int, _Value]] = []
        position = 0
        while mask >> position:
            if not mask >> position & 1:
                position += 1
                continue
            length = 1
            while mask >> (position + length) & 1:
                length += 1
            field = self.divide(self.divide(value, 1 << position)[0], 1 << length)[1]
            fields.append((1 << position, field))
            position += length
        return self.combine(fields)

    def division(self, t: Term) -> _Value | None:
        a, b = t.args
        if b.op == "const" and b.data:
            return self.divide(self.value(a), b.data)[t.op == "urem"]
        key = ("by", a.id, b.id)
        if key not in self.splits:
            dividend, divisor = self.value(a), self.value(b)
            # For a zero divisor the quotient is all ones, and the remainder the dividend.
            most = a.hi // b.lo if b.lo else (1 << t.width) - 1
            quotient = self.unknown(0, most)
            product = self.product(quotient, divisor)
            if product is None:
                return None
            remainder = self.combine([(1, dividend), (-1, product)])
            remainder = _Value(remainder.parts, max(0, remainder.lo), min(a.hi, remainder.hi))
            q, r = self.expression(quotient), self.expression(remainder)
            self.sides.append(self.z3.If(
                self.expression(divisor) == 0,
                self.z3.And(q == (1 << t.width) - 1, self.expression(product) == 0),
                self.z3.And(r >= 0, self.less(remainder, divisor), q <= self.expression(dividend))))
            self.splits[key] = quotient, remainder
            self.by_variable.append(_Division(dividend, divisor, quotient, remainder))
        return self.splits[key][t.op == "urem"]

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

    def relate_difference(self, division: _Division, others: Sequence[tuple[int, _Division]]) -> None:
        z3, divisor = self.z3, division.divisor
        rest = self.combine([(1, division.dividend), *((-c, o.dividend) for c, o in others)])
        parts = [(1, division.quotient), *((-c, o.quotient) for c, o in others)]
        if len(divisor.parts) == 1 and list(divisor.parts.values()) == [1]:
            (factor,), = divisor.parts
            multiple = {_without(m, factor): c for m, c in rest.parts.items() if factor in m}
            left = {m: c for m, c in rest.parts.items() if factor not in m}
            rest = _Value(left, *self.range(left))
            parts.append((-1, _Value(multiple, *self.range(multiple))))
        whole = self.expression(self.combine(parts))
        scaled = self.expression(self.combine([(1, rest), (-1, division.remainder),
                                               *((c, o.remainder) for c, o in others)]))
        by = self.expression(divisor)
        for n in range(-NEARBY, NEARBY + 1):
            for sign, above, below in ((by > 0, whole >= n, whole <= n), (by < 0, whole <= n, whole >= n)):
                self.sides.append(z3.Implies(z3.And(sign, above), scaled >= n * by))
                self.sides.append(z3.Implies(z3.And(sign, below), scaled <= n * by))

    def signed_division(self, t: Term) -> _Value | None:
        a, b = t.args
        if b.op != "const" or b.data in (0, (1 << t.width) - 1):
            return self.signed_division_by_variable(t)
        divisor = signed(b.data, t.width)
        dividend = self.signed_value(a)
        negative = self.expression(dividend) < 0
        magnitude = dividend if dividend.lo >= 0 else self.chosen(negative, self.combine([(-1, dividend)]), dividend)
        magnitude = _Value(magnitude.parts, 0, max(abs(dividend.lo), abs(dividend.hi)))
        self.sides.append(self.expression(magnitude) >= 0)
        quotient, remainder = self.divide(magnitude, abs(divisor))
        if t.op == "srem":
            return self.chosen(negative, self.combine([(-1, remainder)]), remainder)
        if divisor > 0:
            return self.chosen(negative, self.combine([(-1, quotient)]), quotient)
        return self.chosen(negative, quotient, self.combine([(-1, quotient)]))

    def signed_division_by_variable(self, t: Term) -> _Value | None:
        """``a = q*b + r`` with ``|r| < |b|`` and the sign of a. By 0 the quotient is -1 or 1, the remainder a."""
        a, b = t.args
        key = ("signed by", a.id, b.id)
        if key not in self.splits:
            dividend, divisor = self.signed_value(a), self.signed_value(b)
            most = max(abs(a.slo), abs(a.shi))
            quotient = self.unknown(-most - 1, most + 1)
            product = self.product(quotient, divisor)
            if product is None:
                return None
            remainder = self.combine([(1, dividend), (-1, product)])
            remainder = _Value(remainder.parts, max(min(a.slo, 0), remainder.lo), min(max(a.shi, 0), remainder.hi))
            z3, x, y, q, r = self.z3, *map(self.expression, (dividend, divisor, quotient, remainder))
            size, below = z3.If(x >= 0, x, -x), z3.If(y > 0, y, -y)
            positive = z3.If((x >= 0) == (y > 0), q, -q)
            self.sides += [z3.If(y == 0, z3.And(q == z3.If(x >= 0, -1, 1), r == x),
                                 z3.And(r < below, -r < below, z3.If(x >= 0, r >= 0, r <= 0),
                                        positive >= 0, positive <= size)),
                           # The linear reading knows nothing of products; the one quotient that may overflow matters.
                           z3.If(below == 1, positive == size, z3.Or(y == 0, 2 * positive <= size))]
            self.splits[key] = quotient, remainder
            self.by_variable.append(_Division(dividend, divisor, quotient, remainder))
        return self.splits[key][t.op == "srem"]

    def shift(self, t: Term) -> _Value | None:
        """By an amount of few possible values: a choice between them."""
        value, count = t.args
        last = min(count.hi, t.width)
        if last - count.lo > 64:
            return None
        amount = self.expression(self.value(count))
        result = _constant(0)
        for k in range(last, count.lo - 1, -1):
            if k < t.width:
                moved = self.divide(self.value(value), 1 << k)[0] if t.op == "lshr" else self.combine(
                    [(1 << k, self.loose_value(value))])
                result = self.chosen(amount == k, moved, result)
        return result


def _without(monomial: Monomial, factor: int) -> Monomial:
    """The other factors."""
    at = monomial.index(factor)
    return monomial[:at] + monomial[at + 1:]


def _constant(value: int) -> _Value:
    return _Value({(): value} if value else {}, value, value)
