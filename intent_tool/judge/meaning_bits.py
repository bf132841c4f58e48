"""The bit vocabulary: language.md, "Expressions"."""

from __future__ import annotations

from intent_tool.judge.bitvector import Term
from intent_tool.judge.meaning_arithmetic import Arithmetic
from intent_tool.judge.meaning_facts import Here
from intent_tool.judge.meaning_numbers import MOST_BITS
from intent_tool.judge.meaning_values import NotUnderstood, Number
from intent_tool.language.diagnostics import Span


class Bits(Arithmetic):
    def vocabulary(self, name: str, numbers: list[Number], span: Span, here: Here) -> Number:
        """A function of the vocabulary other than `bits`; the last of several numbers is a constant width."""
        x, width = numbers[0], numbers[-1].lo
        if name in ("popcount", "parity"):
            self.demand(here, "domain", span, f"the argument of {name} is not negative", self.not_negative(x))
            width = max(x.term.width, 1)
            ones = self.graph.popcount(x.at(self.graph, width))
            if name == "parity":
                return self.flag(self.graph.extract(ones, 0, 0))
            return self.make(ones, min(max(x.lo, 0), 1), max(x.hi, 0).bit_length())
        if name == "bswap":
            width *= 8
        top = self.const(1 << width)
        self.demand(here, "domain", span, f"the argument of {name} has at most {width} bits",
                    self.graph.and_(self.not_negative(x), self.less(x, top)))
        value = x.at(self.graph, width)
        if name in ("rotl", "rotr"):
            return self.rotated(name, value, numbers[1], span)
        if name in ("clz", "ctz"):
            return self.zeros(name, value, max(x.lo, 0), x.hi)
        return self.make(self.reversed_parts(value, 8 if name == "bswap" else 1), 0, (1 << width) - 1)

    def zeros(self, name: str, value: Term, lo: int, hi: int) -> Number:
        """Leading or trailing zeros of a value in lo..hi."""
        width = value.width
        operator = self.graph.clz if name == "clz" else self.graph.ctz
        # A count takes as many bits as the width as a number has: for one bit more than the value itself.
        count = operator(value, max(width.bit_length(), width))
        if name == "clz":
            return self.make(count, max(width - hi.bit_length(), 0), width - lo.bit_length())
        return self.make(count, 0, min(hi.bit_length() - 1, width) if lo else width)

    def reversed_parts(self, value: Term, size: int) -> Term:
        """Its parts of `size` bits, in the opposite order."""
        result = self.graph.extract(value, size - 1, 0)
        for low in range(size, value.width, size):
            result = self.graph.concat(result, self.graph.extract(value, low + size - 1, low))
        return result

    def rotated(self, name: str, value: Term, count: Number, span: Span) -> Number:
        """The count is taken modulo the width, as Python's `%` does."""
        graph, width, modulus = self.graph, value.width, self.const(value.width)
        by = self.remainder(count, modulus, span)
        if width & (width - 1) == 0:
            # As machines do: the other way by the low bits of the negative count.
            back = self.remainder(self.negative(count, span), modulus, span)
        else:
            back = self.subtract(modulus, by, span)
        # A width of 1 or 2 does not hold itself as a number.
        wide = max(width, width.bit_length())
        left, right = (by, back) if name == "rotl" else (back, by)
        turned = graph.or_(graph.shl(graph.zext(value, wide), left.at(graph, wide)),
                           graph.lshr(graph.zext(value, wide), right.at(graph, wide)))
        return self.make(graph.extract(turned, width - 1, 0), 0, (1 << width) - 1)

    def field(self, x: Number, high: Number, low: Number, span: Span, here: Here) -> Number:
        """``(x >> low) & (1 << high - low + 1) - 1``."""
        low = self.count(low, span, here)
        size = self.linear([(1, high), (-1, low)], 1, span)
        if size.hi > MOST_BITS:
            raise NotUnderstood(span, f"a field of more than {MOST_BITS} bits")
        size = self.count(size, span, here)
        shifted = self.shift_right(x, low, span)
        if size.lo == size.hi:
            return self.wrapped(shifted, size.lo)
        mask = self.linear([(1, self.shift_left(self.one, size, span))], -1, span)
        return self.bitwise("&", shifted, mask, span)
