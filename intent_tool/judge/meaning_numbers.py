"""Arithmetic on integers of known range, exact as Python's: every result is as wide as its range needs."""

from __future__ import annotations

from dataclasses import dataclass, field

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.meaning_facts import Here, Reads
from intent_tool.judge.meaning_values import Demand, NotUnderstood, Number, bits_of
from intent_tool.language.diagnostics import Span

MOST_BITS = 4096
"""The widest integer that is followed."""
MOST_POWERS = 64
"""Different values of one exponent."""


@dataclass
class Record:
    """What evaluations share: the graph, the demands so far, and how much was done."""

    graph: Graph
    demands: dict[tuple[object, ...], Demand] = field(default_factory=dict)
    """By what they say; one that is met at several places has one guard for all."""
    reads: Reads = field(default_factory=Reads)
    steps: int = 0
    spans: list[Span] = field(default_factory=list)
    """Kept alive, since their identity is part of the demands' keys."""


class Numbers:
    """Operations on `Number`; what is not defined everywhere records a demand and goes on as if it held."""

    def __init__(self, record: Record) -> None:
        self.record, self.graph = record, record.graph
        self.constants: dict[int, Number] = {}
        self.zero, self.one = self.const(0), self.const(1)

    # Making numbers.

    def const(self, value: int) -> Number:
        known = self.constants.get(value)
        if known is None:
            known = Number(self.graph.const(value, bits_of(value, value)), value, value)
            self.constants[value] = known
        return known

    def make(self, term: Term, lo: int, hi: int) -> Number:
        """The number with that term and range, narrowed by what the term knows, on the term that it extends."""
        low, high = (term.lo, term.hi) if lo >= 0 else (term.slo, term.shi)
        lo, hi = max(lo, low), min(hi, high)
        if lo >= hi:
            # lo > hi where the place cannot be reached: any value will do.
            return self.const(lo)
        if lo >= 0:
            while term.op == "zext" or (term.op == "sext" and hi < 1 << (term.args[0].width - 1)):
                term = term.args[0]
        else:
            while term.op == "sext":
                term = term.args[0]
        return Number(term, lo, hi)

    def flag(self, condition: Term) -> Number:
        """A truth value as a number."""
        return self.make(condition, 0, 1)

    def refined(self, number: Number, here: Here) -> Number:
        """The number with the range that holds here."""
        while here.bounds and number.lo != number.hi:
            lo, hi = here.interval(number.term, number.lo < 0)
            if lo <= number.lo and hi >= number.hi:
                break
            number = self.make(number.term, max(lo, number.lo), min(hi, number.hi))
        return number

    def width(self, lo: int, hi: int, span: Span, *operands: Number) -> int:
        """The width for a result in lo..hi.

        Not less than the operands' own widths, even where their ranges are known to be narrower: there machine code
        computes the same."""
        width = bits_of(lo, hi)
        for operand in operands:
            width = max(width, operand.term.width)
        if width > MOST_BITS:
            raise NotUnderstood(span, f"an integer of more than {MOST_BITS} bits")
        return width

    def demand(self, here: Here, kind: str, span: Span, message: str, holds: Term) -> Here:
        """Records that `holds` must hold here; gives the place where it does."""
        if here.decided(holds):
            return here
        guard = here.guard
        if guard.is_const and not guard.data:
            return here
        key = (kind, id(span), message, holds.id)
        known = self.record.demands.get(key)
        if known is None:
            self.record.spans.append(span)
        else:
            guard = self.graph.or_(known.guard, guard)
        self.record.demands[key] = Demand(kind, span, message, guard, holds)
        return here.learn(holds) or here

    # Conditions.

    def truth(self, number: Number) -> Term:
        if number.lo > 0 or number.hi < 0:
            return self.graph.true
        if number.term.width == 1 and number.lo >= 0:
            return number.term
        return self.graph.ne(number.term, self.graph.const(0, number.term.width))

    def _comparable(self, a: Number, b: Number) -> tuple[Term, Term, bool]:
        """Both in one width, and whether to read them as two's complement."""
        if a.lo >= 0 and b.lo >= 0:
            width = max(a.term.width, b.term.width)
            return a.at(self.graph, width), b.at(self.graph, width), False
        width = max(n.term.width + (n.lo >= 0 and n.hi >> (n.term.width - 1) != 0) for n in (a, b))
        return a.at(self.graph, width), b.at(self.graph, width), True

    def less(self, a: Number, b: Number) -> Term:
        """Whether a < b."""
        if a.hi < b.lo:
            return self.graph.true
        if a.lo >= b.hi:
            return self.graph.false
        left, right, is_signed = self._comparable(a, b)
        return self.graph.slt(left, right) if is_signed else self.graph.ult(left, right)

    def equals(self, a: Number, b: Number) -> Term:
        if a.hi < b.lo or b.hi < a.lo:
            return self.graph.false
        left, right, _ = self._comparable(a, b)
        return self.graph.eq(left, right)

    def choose_number(self, condition: Term, a: Number, b: Number, span: Span,
                      lo: int | None = None, hi: int | None = None) -> Number:
        """a where `condition` holds, else b; in lo..hi, where given."""
        if condition.op == "const":
            return a if condition.data else b
        if a == b:
            return a
        lo = min(a.lo, b.lo) if lo is None else lo
        hi = max(a.hi, b.hi) if hi is None else hi
        width = self.width(lo, hi, span, a, b)
        return self.make(self.graph.ite(condition, a.at(self.graph, width), b.at(self.graph, width)), lo, hi)

    def least(self, a: Number, b: Number, span: Span) -> Number:
        lo, hi = min(a.lo, b.lo), min(a.hi, b.hi)
        return self.choose_number(self.less(b, a), b, a, span, lo, hi)

    def greatest(self, a: Number, b: Number, span: Span) -> Number:
        lo, hi = max(a.lo, b.lo), max(a.hi, b.hi)
        return self.choose_number(self.less(a, b), b, a, span, lo, hi)

    # Arithmetic.

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
        # The least number by -1 is the only quotient beyond both.
        width = self.width(min(a.lo, b.lo, -1), max(a.hi, b.hi, -a.lo if b.lo <= -1 <= b.hi else 0), span, a, b)
        left, right = a.at(self.graph, width), b.at(self.graph, width)
        quotient = self.graph.sdiv(left, right)
        down = self._rounds_up(left, right, b)
        return self.make(self.graph.sub(quotient, self.graph.zext(down, width)), lo, hi)

    def remainder(self, a: Number, b: Number, span: Span) -> Number:
        """a % b, where b is not 0."""
        lo, hi = min(b.lo + 1, 0), max(b.hi - 1, 0)
        if b.lo == b.hi and b.lo > 0 and b.lo & (b.lo - 1) == 0:
            return self.wrapped(a, b.lo.bit_length() - 1)
        if a.lo >= 0 and b.lo >= 0:
            if a.hi < b.lo:
                return a
            width = self.width(0, 0, span, a, b)
            term = self.graph.urem(a.at(self.graph, width), b.at(self.graph, width))
            return self.make(term, lo, min(hi, a.hi))
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
