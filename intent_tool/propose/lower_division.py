"""Division and modulo, rounding down, of what fits a word: by constants through reciprocals, and by variables."""

from __future__ import annotations

from intent_tool.language.terms import Term
from intent_tool.propose.demand import exact_bits
from intent_tool.propose.lower_long_division import LongDivision
from intent_tool.propose.lower_values import Words, common_bits


class Division(LongDivision):
    def low_mod(self, term: Term, bits: int) -> Words:
        x, d = term.args
        terms = self.terms
        if d.op == "const" and d.data < 0:
            positive = terms.binary("mod", terms.binary("sub", terms.const(0), x), terms.const(-d.data))
            return self.low(terms.binary("sub", terms.const(0), positive), bits)
        if d.op == "const" and x.lo >= 0 and x.hi < 2 * d.data:
            # The quotient is 0 or 1.
            less = terms.assume(terms.binary("sub", x, d), 0, d.data - 1)
            return self.low(terms.ite(terms.binary("lt", x, d), terms.assume(x, 0, d.data - 1), less), bits)
        if d.op == "const":
            y = self.raised(x, d.data)[0]
            if exact_bits(y.lo, y.hi) <= 64:
                multiple = terms.binary("mul", terms.binary("floordiv", y, d), d)
                # The remainder is small, so the low bits of both suffice.
                few = min(bits, exact_bits(term.lo, term.hi))
                value = self.combine("sub", self.low(y, few), self.low(multiple, few))
                return self.resized(value, max(few, 32), bits, term)
        return self.divided(x, d, bits)[1]

    def low_floordiv(self, term: Term, bits: int) -> Words:
        x, d = term.args
        terms = self.terms
        if d.op == "const" and d.data < 0:
            return self.low(terms.binary("floordiv", terms.binary("sub", terms.const(0), x),
                                         terms.const(-d.data)), bits)
        if d.op == "const":
            y, times = self.raised(x, d.data)
            needed = exact_bits(y.lo, y.hi)
            if times and needed <= 64:
                return self.low(terms.binary("sub", terms.binary("floordiv", y, d), terms.const(times)), bits)
            if needed <= 64:
                return self.resized((self.quotient(x, d.data, needed),), needed, bits, term)
        return self.divided(x, d, bits)[0]

    def raised(self, x: Term, divisor: int) -> tuple[Term, int]:
        """``x + times*divisor``, which is not negative, and `times`, where it needs no wider word; else x itself."""
        if x.lo < 0:
            times = -(x.lo // divisor)
            y = self.terms.binary("add", x, self.terms.const(times * divisor))
            if exact_bits(y.lo, y.hi) <= exact_bits(x.lo, x.hi):
                return y, times
        return x, 0

    def quotient(self, x: Term, divisor: int, width: int) -> int:
        """By a positive constant that is no power of two."""
        word = self.word(x, width)
        if x.lo >= 0:
            return self.unsigned_quotient(word, divisor, x.hi)
        # floor(x / d) == ~(~x // d) for negative x.
        sign = self.b.shift("ashr", word, width - 1)
        flipped = self.b.op("xor", word, sign)
        return self.b.op("xor", self.unsigned_quotient(flipped, divisor, max(x.hi, ~x.lo)), sign)

    def divided(self, x: Term, d: Term, bits: int) -> tuple[Words, Words]:
        """Quotient and remainder modulo 2**bits, rounded down, by a variable or a wide dividend's constant."""
        b = self.b
        width, signed = common_bits(x, d)
        ratio = self.terms.binary("floordiv", x, d)
        if signed and (self.target.isa == "x86_64" or bits > width):
            # The one quotient that overflows traps on x86-64; elsewhere it wraps, and its low bits are right (Arm
            # ARM, SDIV; RISC-V Unprivileged ISA, "M" extension).
            width = max(width, exact_bits(min(ratio.lo, -1), ratio.hi))
        if width <= 64 and not signed:
            n, m = self.word(x, width), self.word(d, width)
            quotient, remainder = b.op("udiv", n, m), b.op("urem", n, m)
        elif width <= 64:
            n, m = self.word(x, width), self.word(d, width)
            quotient, remainder = b.op("sdiv", n, m), b.op("srem", n, m)
            zero = b.const(0, width)
            if d.lo > 0:
                adjust = b.op("slt", remainder, zero)
            else:
                adjust = b.op("and", b.op("ne", remainder, zero),
                              b.op("slt", b.op("xor", remainder, m), zero))
            one = adjust if width == 32 else b.extend(adjust, False, True)
            quotient = b.op("sub", quotient, one)
            remainder = b.op("add", remainder, b.op("select", adjust, m, zero))
        else:
            return self.long_division(x, d, bits, signed)
        return (self.resized((quotient,), width, bits, ratio),
                self.resized((remainder,), width, bits, self.terms.binary("mod", x, d)))
