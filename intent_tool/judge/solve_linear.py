"""Formulas as linear arithmetic over the integers, for z3: what division by constants needs.

Every term becomes a polynomial in integer unknowns that is its value modulo ``2**width``; reading it as an unsigned
or signed number, extraction and division by a constant c are ``x = c*q + r`` with ``0 <= r < c``. A product of
unknowns is an unknown of its own, the same wherever it occurs, so a product computed from halves is compared with the
whole one by its coefficients. What has no such form (mixing bits) is an unknown within the term's interval: the
integers then allow more than the bits do, and only ``unsat`` means anything. (Bozzano et al., "Encoding RTL
constructs for MathSAT", 2006, calls this int-blasting.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from intent_tool.judge.bitvector import Term, signed, topological, trailing_zeros
from intent_tool.judge.integers import MOST_MONOMIALS, Division, Integers, Value, fixed
from intent_tool.judge.solve_bits import Model


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


class _Blaster(Integers):
    def __init__(self, z3: Any, with_signs: frozenset[int]) -> None:
        super().__init__(z3)
        self.with_signs = with_signs
        self.loose: dict[int, Value] = {}
        """By the term's id: an integer that is the term's value modulo ``2**width``."""
        self.truths: dict[int, Any] = {}

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

    def loose_value(self, t: Term) -> Value:
        if t.id not in self.loose:
            if t.id in self.truths:
                flag = self.flag(t)
                self.loose[t.id] = flag or self.chosen(self.truths[t.id], fixed(1), fixed(0))
            else:
                self.translate(t)
        return self.loose[t.id]

    def flag(self, t: Term) -> Value | None:
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

    def value(self, t: Term) -> Value:
        """The unsigned reading."""
        return self.within(self.loose_value(t), 0, t)

    def signed_value(self, t: Term) -> Value:
        """The two's-complement reading."""
        if t.width == 1:
            return self.combine([(-1, self.value(t))])
        return self.within(self.loose_value(t), -(1 << t.width - 1), t)

    def within(self, value: Value, low: int, t: Term) -> Value:
        """The number from `low` to ``low + 2**width - 1`` that is `value` modulo ``2**width``."""
        full = 1 << t.width
        lo, hi = (t.lo, t.hi) if low == 0 else (t.slo, t.shi)
        if value.lo < low or value.hi >= low + full:
            rest = self.divide(self.combine([(1, value)], -low), full)[1]
            value = self.combine([(1, rest)], low)
        return Value(value.parts, max(value.lo, lo), min(value.hi, hi))

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

    def equal_modulo(self, a: Value, b: Value, width: int) -> Any:
        difference = self.combine([(1, a), (-1, b)])
        full = 1 << width
        if 0 < difference.lo <= difference.hi < full or -full < difference.lo <= difference.hi < 0:
            return self.z3.BoolVal(False)
        if difference.lo <= -(1 << width) or difference.hi >= 1 << width:
            difference = self.divide(difference, 1 << width)[1]
        return self.expression(difference) == 0

    def less(self, a: Value, b: Value) -> Any:
        return self.expression(self.combine([(1, a), (-1, b)])) < 0

    def vector(self, t: Term) -> Value | None:
        """An integer that is the term's value modulo ``2**width``; None for what has no such form."""
        width = t.width
        match t.op:
            case "const":
                return fixed(t.data)
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

    def summand(self, coefficient: int, t: Term) -> Value:
        """What stands for `t` in a sum: a coefficient that ends in zeros leaves only its low bits to matter."""
        zeros = (coefficient & -coefficient).bit_length() - 1
        while t.op == "zext" and t.args[0].width + zeros >= t.width:
            zeros -= t.width - t.args[0].width
            t = t.args[0]
        return self.loose_value(t)

    def choice(self, t: Term) -> Value:
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
            made = Value(made.parts, max(lo, t.lo), min(hi, t.hi))
        return made

    def floor(self, t: Term) -> Value | None:
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

    def mixed(self, t: Term) -> Value | None:
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

    def mask(self, value: Value, mask: int) -> Value:
        """The sum of the mask's runs of ones, each a field of the value."""
        fields: list[tuple[int, Value]] = []
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

    def division(self, t: Term) -> Value | None:
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
            remainder = Value(remainder.parts, max(0, remainder.lo), min(a.hi, remainder.hi))
            q, r = self.expression(quotient), self.expression(remainder)
            self.sides.append(self.z3.If(
                self.expression(divisor) == 0,
                self.z3.And(q == (1 << t.width) - 1, self.expression(product) == 0),
                self.z3.And(r >= 0, self.less(remainder, divisor), q <= self.expression(dividend))))
            self.splits[key] = quotient, remainder
            self.by_variable.append(Division(dividend, divisor, quotient, remainder, product))
        return self.splits[key][t.op == "urem"]

    def signed_division(self, t: Term) -> Value | None:
        a, b = t.args
        if b.op != "const" or b.data in (0, (1 << t.width) - 1):
            return self.signed_division_by_variable(t)
        divisor = signed(b.data, t.width)
        dividend = self.signed_value(a)
        negative = self.expression(dividend) < 0
        magnitude = dividend if dividend.lo >= 0 else self.chosen(negative, self.combine([(-1, dividend)]), dividend)
        magnitude = Value(magnitude.parts, 0, max(abs(dividend.lo), abs(dividend.hi)))
        self.sides.append(self.expression(magnitude) >= 0)
        quotient, remainder = self.divide(magnitude, abs(divisor))
        if t.op == "srem":
            return self.chosen(negative, self.combine([(-1, remainder)]), remainder)
        if divisor > 0:
            return self.chosen(negative, self.combine([(-1, quotient)]), quotient)
        return self.chosen(negative, quotient, self.combine([(-1, quotient)]))

    def signed_division_by_variable(self, t: Term) -> Value | None:
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
            remainder = Value(remainder.parts, max(min(a.slo, 0), remainder.lo), min(max(a.shi, 0), remainder.hi))
            z3, x, y, q, r = self.z3, *map(self.expression, (dividend, divisor, quotient, remainder))
            size, below = z3.If(x >= 0, x, -x), z3.If(y > 0, y, -y)
            positive = z3.If((x >= 0) == (y > 0), q, -q)
            self.sides += [z3.If(y == 0, z3.And(q == z3.If(x >= 0, -1, 1), r == x),
                                 z3.And(r < below, -r < below, z3.If(x >= 0, r >= 0, r <= 0),
                                        positive >= 0, positive <= size)),
                           # The linear reading knows nothing of products; the one quotient that may overflow matters.
                           z3.If(below == 1, positive == size, z3.Or(y == 0, 2 * positive <= size))]
            self.splits[key] = quotient, remainder
            self.by_variable.append(Division(dividend, divisor, quotient, remainder, product))
        return self.splits[key][t.op == "srem"]

    def shift(self, t: Term) -> Value | None:
        """By an amount of few possible values: a choice between them."""
        value, count = t.args
        last = min(count.hi, t.width)
        if last - count.lo > 64:
            return None
        amount = self.expression(self.value(count))
        result = fixed(0)
        for k in range(last, count.lo - 1, -1):
            if k < t.width:
                moved = self.divide(self.value(value), 1 << k)[0] if t.op == "lshr" else self.combine(
                    [(1 << k, self.loose_value(value))])
                result = self.chosen(amount == k, moved, result)
        return result
