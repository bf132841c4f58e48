"""Division and modulo, rounding down: by constants through reciprocals, by variables, by several words."""

from __future__ import annotations

from intent_tool.language.terms import Term
from intent_tool.propose.division import reciprocal
from intent_tool.propose.lower_loops import Loops
from intent_tool.propose.lower_values import Words, common_bits, exact_bits


class Division(Loops):
    def low_mod(self, term: Term, bits: int) -> Words:
        x, d = term.args
        terms = self.terms
        if d.op == "const" and d.data < 0:
            positive = terms.binary("mod", terms.binary("sub", terms.const(0), x), terms.const(-d.data))
            return self.low(terms.binary("sub", terms.const(0), positive), bits)
        if d.op == "const" and exact_bits(x.lo, x.hi) <= 64:
            quotient = terms.binary("floordiv", x, d)
            multiple = terms.binary("mul", quotient, d)
            # The remainder is small, so the low bits of both suffice.
            few = min(bits, exact_bits(term.lo, term.hi))
            value = self.combine("sub", self.low(x, few), self.low(multiple, few))
            return self.resized(value, max(few, 32), bits, term)
        return self.divided(x, d, bits)[1]

    def low_floordiv(self, term: Term, bits: int) -> Words:
        x, d = term.args
        terms = self.terms
        if d.op == "const" and d.data < 0:
            return self.low(terms.binary("floordiv", terms.binary("sub", terms.const(0), x),
                                         terms.const(-d.data)), bits)
        needed = exact_bits(x.lo, x.hi)
        if d.op == "const" and needed <= 64:
            return self.resized((self.quotient(x, d.data, needed),), needed, bits, term)
        return self.divided(x, d, bits)[0]

    def quotient(self, x: Term, divisor: int, width: int) -> int:
        """By a positive constant that is no power of two."""
        word = self.word(x, width)
        if x.lo >= 0:
            return self.unsigned_quotient(word, divisor, x.hi)
        # floor(x / d) == ~(~x // d) for negative x.
        sign = self.b.shift("ashr", word, width - 1)
        flipped = self.b.op("xor", word, sign)
        return self.b.op("xor", self.unsigned_quotient(flipped, divisor, max(x.hi, ~x.lo)), sign)

    def unsigned_quotient(self, word: int, divisor: int, largest: int) -> int:
        b, width = self.b, self.b.width(word)
        if largest < divisor:
            return b.const(0, width)
        m, s = reciprocal(divisor, largest)
        if largest * m < 1 << width:
            return b.shift("lshr", b.op("mul", word, b.const(m, width)), s)
        wide = word if width == 64 else b.extend(word, False, largest < 1 << 31)
        if largest * m < 1 << 64:
            result = b.shift("lshr", b.op("mul", wide, b.const(m, 64)), s)
        elif m < 1 << 64:
            # Scale so that the upper half of the product is what the shift leaves.
            if s < 64:
                m, s = m << (64 - s), 64
            result = b.shift("lshr", b.op("umulh", wide, b.const(m, 64)), s - 64)
        else:
            result = self.long_quotient(wide, divisor, largest)
        return result if width == 64 else b.trunc(result)

    def long_quotient(self, wide: int, divisor: int, largest: int) -> int:
        """The multiplier has 65 bits: shift an even divisor's zeros away first, else add the dividend back."""
        b = self.b
        zeros = (divisor & -divisor).bit_length() - 1
        if zeros:
            return self.unsigned_quotient(b.shift("lshr", wide, zeros), divisor >> zeros, largest >> zeros)
        m, s = reciprocal(divisor, largest)
        assert 1 << 64 <= m < 1 << 65
        high = b.op("umulh", wide, b.const(m - (1 << 64), 64))
        half = b.shift("lshr", b.op("sub", wide, high), 1)
        return b.shift("lshr", b.op("add", half, high), s - 65)

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

    # More than 64 bits

    def long_division(self, x: Term, d: Term, bits: int, signed: bool) -> tuple[Words, Words]:
        """More than 64 bits: one quotient bit a round, on absolute values."""
        terms = self.terms
        magnitude, divisor = terms.abs(x), terms.abs(d)
        top = max(magnitude.hi.bit_length(), 1)
        n = -(-(top + signed) // 64)
        small = divisor.hi < 1 << 64
        m = 1 if small else -(-divisor.hi.bit_length() // 64)
        dividend, by = self.low(magnitude, 64 * n), self.low(divisor, 64 * m)
        if m == 1:
            quotient, remainder = self.word_division(dividend, by[0], top)
            return self.signed_division(quotient, remainder, by, x, d, bits, signed)
        # Bring the topmost bit to the top word's end, so that as many rounds as there are bits suffice.
        spare = 64 * n - top
        dividend = self.shift_words("shl", dividend, spare)
        quotient, remainder = self.division_loop(dividend, by, top)
        return self.signed_division(quotient, remainder, by, x, d, bits, signed)

    def signed_division(self, quotient: Words, remainder: Words, by: Words, x: Term, d: Term, bits: int,
                        signed: bool) -> tuple[Words, Words]:
        """From quotient and remainder of the absolute values (`by` is the divisor's) to those of `x` by `d`."""
        if not signed:
            return self._cut(quotient, bits), self._cut(remainder, bits)
        b, n = self.b, len(quotient)
        # floor: where the signs differ and something remains, one further down.
        negative_x, negative_d = self.negative(x), self.negative(d)
        differ = b.op("xor", negative_x, negative_d)
        some = remainder[0]
        for r in remainder[1:]:
            some = b.op("or", some, r)
        adjust = b.op("and", differ, b.op("ne", some, b.const(0, 64)))
        zeros: Words = (b.const(0, 64),) * n
        signed_quotient = tuple(b.op("select", differ, q, p) for q, p in
                                zip(self.combine("sub", zeros, quotient), quotient, strict=True))
        one = (b.extend(adjust, False, True), *zeros[1:])
        final = self.combine("sub", signed_quotient, one)
        # remainder = x - d * floor(x / d) takes the divisor's sign.
        wider = remainder + zeros[:1] if len(remainder) == len(by) else remainder
        wide_by = by + zeros[:len(wider) - len(by)] if len(wider) >= len(by) else by
        rest = tuple(b.op("select", adjust, q, p) for q, p in
                     zip(self.combine("sub", wide_by, wider), wider, strict=True))
        zero_rest = (b.const(0, 64),) * len(rest)
        rest = tuple(b.op("select", negative_d, q, p) for q, p in
                     zip(self.combine("sub", zero_rest, rest), rest, strict=True))
        return self._cut(final, bits, True), self._cut(rest, bits, True)

    def negative(self, term: Term) -> int:
        if term.lo >= 0:
            return self.b.const(0, 32)
        top = self.low(term, exact_bits(term.lo, term.hi))[-1]
        return self.b.op("slt", top, self.b.const(0, self.b.width(top)))

    def _cut(self, words: Words, bits: int, signed: bool = False) -> Words:
        if bits <= 32:
            return (self.b.trunc(words[0]),)
        count = bits // 64
        if count > len(words):
            fill = self.b.shift("ashr", words[-1], 63) if signed else self.b.const(0, 64)
            words += (fill,) * (count - len(words))
        return words[:count]

    def word_division(self, dividend: Words, divisor: int, top: int) -> tuple[Words, Words]:
        """By one word: a digit of 64 bits at a time, from the top; `top` bits of the dividend count."""
        b = self.b
        quotient: list[int] = []
        rest = b.const(0, 64)
        for k in range(len(dividend) - 1, -1, -1):
            if top <= 64 * k:
                digit = b.const(0, 64)
            elif (b.constant_of(rest) == 0 and not quotient) or (top <= 64 * (k + 1) and k == len(dividend) - 1):
                digit, rest = b.op("udiv", dividend[k], divisor), b.op("urem", dividend[k], divisor)
            elif self.target.isa == "x86_64":
                digit, rest = b.emit("div128", (64, 64), (rest, dividend[k], divisor))
            else:
                digit, rest = self.two_by_one(rest, dividend[k], divisor)
            quotient.insert(0, digit)
        return tuple(quotient), (rest,)

    def two_by_one(self, high: int, low: int, divisor: int) -> tuple[int, int]:
        """Two words by one, the high word below the divisor (Warren, Hacker's Delight, figure 9-3; Knuth, TAOCP 2,
        4.3.1, algorithm D): normalised, then two digits of 32 bits, each estimated and corrected at most twice."""
        b = self.b
        half, mask, zero = 32, b.const((1 << 32) - 1, 64), b.const(0, 64)
        shift = b.trunc(b.clz(divisor))
        v = b.op("shl", divisor, shift)
        v1, v0 = b.shift("lshr", v, half), b.op("and", v, mask)
        # low >> (64 - shift), which must be 0 for a shift of 0.
        spill = b.op("lshr", b.shift("lshr", low, 1), b.op("xor", shift, b.const(63, 32)))
        rest = b.op("or", b.op("shl", high, shift), spill)
        low = b.op("shl", low, shift)
        digits: list[int] = []
        for part in (b.shift("lshr", low, half), b.op("and", low, mask)):
            digit = b.op("udiv", rest, v1)
            left = b.op("sub", rest, b.op("mul", digit, v1))
            for _ in range(2):
                # Too large, as far as the divisor's lower half shows; a remainder above 32 bits says that it is not.
                estimate = b.op("or", b.shift("shl", left, half), part)
                over = b.op("or", b.op("ne", b.shift("lshr", digit, half), zero),
                            b.op("ult", estimate, b.op("mul", digit, v0)))
                over = b.op("and", over, b.op("eq", b.shift("lshr", left, half), zero))
                digit = b.op("sub", digit, b.extend(over, False, True))
                left = b.op("add", left, b.op("select", over, v1, zero))
            whole = b.op("or", b.shift("shl", rest, half), part)
            rest = b.op("sub", whole, b.op("mul", digit, v))
            digits.append(digit)
        quotient = b.op("add", b.shift("shl", digits[0], half), digits[1])
        return quotient, b.op("lshr", rest, shift)

    def division_loop(self, dividend: Words, divisor: Words, rounds: int) -> tuple[Words, Words]:
        """Restoring division of a dividend whose first bit is the top bit; the quotient grows in its place."""
        b = self.b
        zeros: Words = (b.const(0, 64),) * len(divisor)

        def body(index: int, states: tuple[Words, ...]) -> list[Words]:
            number, rest = states
            # The bit that leaves `rest` matters where the divisor uses its top bit.
            out = b.shift("lshr", rest[-1], 63)
            bit = b.shift("lshr", number[-1], 63)
            moved = self.shift_words("shl", rest, 1)
            moved = (b.op("or", moved[0], bit), *moved[1:])
            fits = b.op("or", b.op("ne", out, b.const(0, 64)),
                        b.op("xor", self.less_words(moved, divisor, False), b.const(1, 32)))
            less = self.combine("sub", moved, divisor)
            kept = tuple(b.op("select", fits, p, q) for p, q in zip(less, moved, strict=True))
            up = self.shift_words("shl", number, 1)
            grown = (b.op("or", up[0], b.extend(fits, False, True)), *up[1:])
            return [grown, kept]
        result = self.loop(None, rounds, (dividend, zeros), (None, None), body)
        return result[0], result[1]
