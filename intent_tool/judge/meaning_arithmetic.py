"""Arithmetic on integers of known range, exact as Python's: every result is as wide as its range needs."""

from __future__ import annotations

from intent_tool.judge.bitvector import Term
from intent_tool.judge.meaning_facts import Here
from intent_tool.judge.meaning_numbers import MOST_BITS, Numbers
from intent_tool.judge.meaning_values import NotUnderstood, Number, bits_of
from intent_tool.language.diagnostics import Span

MOST_POWERS = 64
"""Different values of one exponent."""


class Arithmetic(Numbers):
    def linear(self, parts: list[tuple[int, Number]], constant: int, span: Span) -> Number:
        """The sum of factor*number over `parts`, plus a constant."""
        lo = hi = constant
        for factor, n in parts:
            lo += factor * (n.lo if factor > 0 else n.hi)
            hi += factor * (n.hi if factor > 0 else n.lo)
        width = self.width(lo, hi, span, *(n for _, n in parts))
        term = self.graph.linear([(f, n.at(self.graph, width)) for f, n in parts], constant, width)
        return self.make(term, lo, hi)

    def add(self, a: Number, b: Number, span: Span) -> Number:
        return self.linear([(1, a), (1, b)], 0, span)

    def subtract(self, a: Number, b: Number, span: Span) -> Number:
        return self.linear([(1, a), (-1, b)], 0, span)

    def negative(self, a: Number, span: Span) -> Number:
        return self.linear([(-1, a)], 0, span)

    def inverted(self, a: Number, span: Span) -> Number:
        width = self.width(~a.hi, ~a.lo, span, a)
        return self.make(self.graph.not_(a.at(self.graph, width)), ~a.hi, ~a.lo)

    def absolute(self, a: Number, span: Span) -> Number:
        if a.lo >= 0:
            return a
        minus = self.negative(a, span)
        return self.choose_number(self.less(a, self.zero), minus, a, span, max(0, -a.hi), max(-a.lo, a.hi))

    def multiply(self, a: Number, b: Number, span: Span) -> Number:
        ends = [x * y for x in (a.lo, a.hi) for y in (b.lo, b.hi)]
        lo, hi = min(ends), max(ends)
        for x, y in ((a, b), (b, a)):
            if x.lo == x.hi:
                return self.linear([(x.lo, y)], 0, span)
        if a.term is b.term and a == b:
            lo = max(lo, 0)
        # The full product, as multipliers give it: then no bit of it is a question of its own.
        full = bits_of(a.lo, a.hi) + bits_of(b.lo, b.hi)
        width = max(self.width(lo, hi, span, a, b), full if full <= MOST_BITS else 0)
        return self.make(self.graph.mul(a.at(self.graph, width), b.at(self.graph, width)), lo, hi)

    def power(self, base: Number, exponent: Number, span: Span, here: Here) -> Number:
        if exponent.lo < 0:
            here = self.demand(here, "domain", span, "the exponent is not negative", self.not_negative(exponent))
            exponent = self.make(exponent.term, 0, max(exponent.hi, 0))
        if exponent.hi - exponent.lo > MOST_POWERS or exponent.hi > MOST_BITS:
            raise NotUnderstood(span, "an exponent that is not a constant")
        power = self._constant_power(base, exponent.lo, span)
        result = power
        for k in range(exponent.lo + 1, exponent.hi + 1):
            power = self.multiply(power, base, span)
            result = self.choose_number(self.equals(exponent, self.const(k)), power, result, span)
        return result

    def _constant_power(self, base: Number, exponent: int, span: Span) -> Number:
        if base.lo == base.hi:
            if base.lo.bit_length() * exponent > 2 * MOST_BITS and abs(base.lo) > 1:
                raise NotUnderstood(span, f"an integer of more than {MOST_BITS} bits")
            value: int = base.lo ** exponent
            return self.const(value)
        result, square = self.one, base
        while exponent:
            if exponent & 1:
                result = self.multiply(result, square, span)
            exponent >>= 1
            if exponent:
                square = self.multiply(square, square, span)
        return result

    # Division, rounded down.

    def nonzero(self, divisor: Number, span: Span, here: Here) -> Number:
        """The divisor, known not to be 0 from here on."""
        if divisor.lo > 0 or divisor.hi < 0:
            return divisor
        here = self.demand(here, "division", span, "the divisor is not zero", self.truth(divisor))
        divisor = self.refined(divisor, here)
        if divisor.lo == divisor.hi == 0:
            # The demand fails wherever this is evaluated.
            return self.one
        return self.make(divisor.term, divisor.lo + (divisor.lo == 0), divisor.hi - (divisor.hi == 0))

    def divide(self, a: Number, b: Number, span: Span) -> Number:
        """a // b, where b is not 0."""
        below = [b.lo, min(b.hi, -1)] if b.lo < 0 else []
        above = [max(b.lo, 1), b.hi] if b.hi > 0 else []
        ends = [x // d for x in (a.lo, a.hi) for d in below + above]
        lo, hi = min(ends), max(ends)
        if b.lo == b.hi and b.lo > 0 and b.lo & (b.lo - 1) == 0:
            return self.shift_right(a, self.const(b.lo.bit_length() - 1), span)
        if a.lo >= 0 and b.lo >= 0:
            width = self.width(0, 0, span, a, b)
            return self.make(self.graph.udiv(a.at(self.graph, width), b.at(self.graph, width)), lo, hi)
        if b.lo == b.hi:
            return self.make(self._floor_by_constant(a, b.lo, span), lo, hi)
        # The least number by -1 is the only quotient beyond both.
        width = self.width(min(a.lo, b.lo, -1), max(a.hi, b.hi, -a.lo if b.lo <= -1 <= b.hi else 0), span, a, b)
        left, right = a.at(self.graph, width), b.at(self.graph, width)
        quotient = self.graph.sdiv(left, right)
        down = self._rounds_up(left, right, b)
        return self.make(self.graph.sub(quotient, self.graph.zext(down, width)), lo, hi)

    def _floor_by_constant(self, a: Number, divisor: int, span: Span) -> Term:
        """``a // divisor`` with one unsigned division: for a < 0 it is ``~(~a // divisor)``."""
        graph = self.graph
        if divisor < 0:
            a, divisor = self.subtract(self.zero, a, span), -divisor
        width = self.width(min(a.lo, -1), max(a.hi, divisor), span, a)
        value = a.at(graph, width)
        is_negative = graph.slt(value, graph.const(0, width))
        quotient = graph.udiv(graph.ite(is_negative, graph.not_(value), value), graph.const(divisor, width))
        return graph.ite(is_negative, graph.not_(quotient), quotient)

    def remainder(self, a: Number, b: Number, span: Span) -> Number:
        """a % b, where b is not 0."""
        lo, hi = min(b.lo + 1, 0), max(b.hi - 1, 0)
        # Of the divisor's sign, and no farther from 0 than a dividend of that sign.
        lo, hi = max(lo, a.lo) if a.hi <= 0 else lo, min(hi, a.hi) if a.lo >= 0 else hi
        if b.lo == b.hi and b.lo > 0 and b.lo & (b.lo - 1) == 0:
            return self.wrapped(a, b.lo.bit_length() - 1)
        if a.lo >= 0 and b.lo >= 0:
            if a.hi < b.lo:
                return a
            width = self.width(0, 0, span, a, b)
            term = self.graph.urem(a.at(self.graph, width), b.at(self.graph, width))
            return self.make(term, lo, hi)
        if b.lo == b.hi:
            quotient = self.divide(a, b, span)
            width = self.width(lo, hi, span, a, b, quotient)
            graph = self.graph
            product = graph.linear([(b.lo, quotient.at(graph, width))], 0, width)
            return self.make(graph.sub(a.at(graph, width), product), lo, hi)
        width = self.width(min(a.lo, b.lo, -1), max(a.hi, b.hi), span, a, b)
        left, right = a.at(self.graph, width), b.at(self.graph, width)
        rest = self.graph.srem(left, right)
        down = self._rounds_up(left, right, b)
        return self.make(self.graph.ite(down, self.graph.add(rest, right), rest), lo, hi)

    def _rounds_up(self, a: Term, b: Term, divisor: Number) -> Term:
        """Whether division towards zero rounds up: the remainder is not 0, and its sign is not the divisor's."""
        graph = self.graph
        rest = graph.srem(a, b)
        zero = graph.const(0, rest.width)
        if divisor.lo > 0:
            return graph.slt(rest, zero)
        if divisor.hi < 0:
            return graph.slt(zero, rest)
        return graph.and_(graph.ne(rest, zero), graph.xor(graph.slt(rest, zero), graph.slt(b, zero)))

    # Bits.

    def bitwise(self, op: str, a: Number, b: Number, span: Span) -> Number:
        least, most = min(a.lo, b.lo), max(a.hi, b.hi)
        span_bits = max(v.bit_length() if v >= 0 else (~v).bit_length() for v in (a.lo, a.hi, b.lo, b.hi))
        if op == "&":
            positive = [n.hi for n in (a, b) if n.lo >= 0]
            lo, hi = (0, min(positive)) if positive else (-(1 << span_bits), most)
        elif op == "|":
            lo = least if least < 0 else max(a.lo, b.lo)
            hi = -1 if a.hi < 0 or b.hi < 0 else (1 << span_bits) - 1
        else:
            lo, hi = (0 if least >= 0 else -(1 << span_bits)), (1 << span_bits) - 1
        width = self.width(lo, hi, span, a, b)
        operator = {"&": self.graph.and_, "|": self.graph.or_, "^": self.graph.xor}[op]
        return self.make(operator(a.at(self.graph, width), b.at(self.graph, width)), lo, hi)

    def not_negative(self, number: Number) -> Term:
        return self.graph.not_(self.less(number, self.zero))

    def count(self, number: Number, span: Span, here: Here) -> Number:
        """A shift count, known not to be negative from here on."""
        if number.lo >= 0:
            return number
        self.demand(here, "shift", span, "the shift count is not negative", self.not_negative(number))
        return self.make(number.term, 0, max(number.hi, 0))

    def shift_left(self, a: Number, count: Number, span: Span) -> Number:
        if a.lo == a.hi == 0:
            return a
        if count.hi > MOST_BITS:
            raise NotUnderstood(span, f"a shift to the left by more than {MOST_BITS}")
        ends = [x << c for x in (a.lo, a.hi) for c in (count.lo, count.hi)]
        width = self.width(min(ends), max(ends), span, a)
        shifted = self.graph.shl(a.at(self.graph, width), self._count_at(count, width))
        return self.make(shifted, min(ends), max(ends))

    def shift_right(self, a: Number, count: Number, span: Span) -> Number:
        most = bits_of(a.lo, a.hi) + 1
        ends = [x >> min(c, most) for x in (a.lo, a.hi) for c in (count.lo, count.hi)]
        width = self.width(0, 0, span, a)
        if count.lo == count.hi:
            by = self.graph.const(min(count.lo, width), width)
        else:
            width = max(width, bits_of(0, count.hi))
            by = self._count_at(count, width)
        operator = self.graph.lshr if a.lo >= 0 else self.graph.ashr
        return self.make(operator(a.at(self.graph, width), by), min(ends), max(ends))

    def _count_at(self, count: Number, width: int) -> Term:
        """A shift count, by the bits that its range needs: machines look at no more."""
        needed = bits_of(0, count.hi)
        return self.graph.zext(count.at(self.graph, needed), width)

    def wrapped(self, a: Number, width: int, is_signed: bool = False) -> Number:
        """The low bits, as unsigned or in two's complement."""
        if width == 0:
            return self.zero
        lo, hi = (-(1 << width - 1), (1 << width - 1) - 1) if is_signed else (0, (1 << width) - 1)
        if lo <= a.lo and a.hi <= hi:
            return a
        return self.make(a.at(self.graph, width), lo, hi)
