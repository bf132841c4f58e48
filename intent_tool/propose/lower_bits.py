"""Casts and the bit vocabulary."""

from __future__ import annotations

from intent_tool.language.terms import Term
from intent_tool.propose.demand import exact_bits
from intent_tool.propose.lower_choices import Choices
from intent_tool.propose.lower_values import Words


class Bits(Choices):
    def low_wrap(self, term: Term, bits: int) -> Words:
        x = term.args[0]
        size, signed = term.data
        if bits <= size:
            return self.low(x, bits)
        word = self.word(x, size)
        if size < 32:
            return (self.b.op(f"sext{size}", word) if signed else
                    self.b.op("and", word, self.b.const((1 << size) - 1, 32)),)
        return (word,)

    def bits_word(self, term: Term) -> tuple[int, int]:
        """The argument of a bit operation, exactly, and the word's width."""
        x = term.args[0]
        width = 64 if term.data > 32 else 32 if term.data else exact_bits(x.lo, x.hi)
        return self.word(x, width), width

    def bits_result(self, value: int, bits: int, term: Term) -> Words:
        return self.resized((value,), self.b.width(value), bits, term)

    def low_popcount(self, term: Term, bits: int) -> Words:
        x = term.args[0]
        if x.hi < 256 and not (self.target.has("popcnt") or self.target.has("zbb")):
            # Eight bits spread over eight digits of four bits, and added up in the highest.
            b = self.b
            spread = b.shift("lshr", b.op("mul", self.word(x, 32), b.const(0x08040201, 32)), 3)
            digits = b.op("and", spread, b.const(0x11111111, 32))
            return self.bits_result(b.shift("lshr", b.op("mul", digits, b.const(0x11111111, 32)), 28), bits, term)
        return self.bits_result(self.b.popcount(self.bits_word(term)[0]), bits, term)

    def low_parity(self, term: Term, bits: int) -> Words:
        return self.bits_result(self.b.parity(self.bits_word(term)[0]), bits, term)

    def low_clz(self, term: Term, bits: int) -> Words:
        x, width = self.bits_word(term)
        count = self.b.clz(x)
        return self.bits_result(self.b.op("sub", count, self.b.const(width - term.data, width)), bits, term)

    def low_ctz(self, term: Term, bits: int) -> Words:
        x, width = self.bits_word(term)
        if term.data < width:
            x = self.b.op("or", x, self.b.const(1 << term.data, width))
        return self.bits_result(self.b.ctz(x), bits, term)

    def low_bitrev(self, term: Term, bits: int) -> Words:
        x, width = self.bits_word(term)
        return self.bits_result(self.b.shift("lshr", self.b.bitrev(x), width - term.data), bits, term)

    def low_bswap(self, term: Term, bits: int) -> Words:
        x, width = self.bits_word(term)
        return self.bits_result(self.b.shift("lshr", self.b.bswap(x), width - term.data), bits, term)

    def low_rotl(self, term: Term, bits: int) -> Words:
        size, (x, n) = term.data, term.args
        if size in (32, 64):
            return self.bits_result(self.b.rotl(self.word(x, size), self.word(n, 32)), bits, term)
        terms = self.terms
        by = terms.binary("mod", n, terms.const(size))
        left = terms.binary("shl", x, by)
        right = terms.binary("shr", x, terms.binary("sub", terms.const(size), by))
        return self.low(terms.binary("and", terms.binary("or", left, right), terms.const((1 << size) - 1)), bits)

    def low_rotr(self, term: Term, bits: int) -> Words:
        x, n = term.args
        back = self.terms.binary("sub", self.terms.const(0), n)
        return self.low(self.terms.bits("rotl", term.data, x, back), bits)
