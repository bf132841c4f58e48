"""Division and modulo of what has more than 64 bits, rounding down."""

from __future__ import annotations

from collections.abc import Callable

from intent_tool.language.terms import Term, Terms, walk
from intent_tool.propose.demand import exact_bits
from intent_tool.propose.division import reciprocal
from intent_tool.propose.lower_loops import Loops
from intent_tool.propose.lower_values import Words

MOST_DIVISOR_BITS = 48
"""Of a constant that is divided by word for word: what one leaves must leave room for the next."""


class LongDivision(Loops):
    def long_division(self, x: Term, d: Term, bits: int, signed: bool) -> tuple[Words, Words]:
        """Quotient and remainder where dividend or divisor has more than 64 bits."""
        terms = self.terms
        rest, times = _without(terms, x, d) if d.op != "const" else (x, 0)
        if times:
            # (rest + times*d) // d == rest // d + times
            quotient = terms.binary("add", terms.binary("floordiv", rest, d), terms.const(times))
            return self.low(quotient, bits), self.low(terms.binary("mod", rest, d), bits)
        if d.op == "const" and 0 < d.data < 1 << MOST_DIVISOR_BITS:
            return self.divided_by_constant(x, d.data, bits)
        if d.lo > 0 and d.hi < 1 << 64:
            if -(1 << 64) <= x.lo < 0 and x.hi < 1 << 64:
                return self.divided_with_sign(x, d, bits)
            if x.op in ("add", "sub") and all(exact_bits(part.lo, part.hi) <= 64 for part in x.args):
                return self.divided_sum(x, d, bits)
            if x.lo >= 0 and d.hi < 1 << MOST_DIVISOR_BITS and self.target.isa != "x86_64":
                return self.divided_by_small(x, d, bits)
        return self.divided_magnitudes(x, d, bits, signed)

    def divided_by_constant(self, x: Term, divisor: int, bits: int) -> tuple[Words, Words]:
        """Digit by digit from the top, each put behind what is left of those before it (Knuth, TAOCP 2, 4.3.1,
        exercise 16), so that each quotient is of one word, by a reciprocal. A dividend that may be negative is first
        raised by a multiple of the divisor."""
        b, terms = self.b, self.terms
        raised = max(0, -(x.lo // divisor))
        y = terms.binary("add", x, terms.const(raised * divisor))
        zeros = (divisor & -divisor).bit_length() - 1
        odd, most = divisor >> zeros, y.hi >> zeros
        whole = self.low(y, 64 * -(-y.hi.bit_length() // 64))
        # With one bit to spare each multiplier has a word, too.
        size = 63 - odd.bit_length()
        quotient, rest = self.digits(
            self.shift_words("lshr", whole, zeros), most, size, b.const(odd, 64), odd,
            lambda digit, largest: self.unsigned_quotient(digit, odd, largest))
        low = b.op("and", whole[0], b.const((1 << zeros) - 1, 64))
        remainder = b.op("or", b.shift("shl", rest, zeros), low)
        if raised:
            quotient = self.combine("sub", quotient, self.low(terms.const(raised), 64 * len(quotient)))
        return self.cut(quotient, bits, True), self.cut((remainder,), bits)

    def divided_by_small(self, x: Term, d: Term, bits: int) -> tuple[Words, Words]:
        """By a variable well below 64 bits, where one word is all that hardware divides."""
        by = self.word(d, 64)
        quotient, rest = self.digits(self.low(x, 64 * -(-x.hi.bit_length() // 64)), x.hi, 64 - d.hi.bit_length(), by,
                                     d.hi, lambda digit, largest: self.b.op("udiv", digit, by))
        return self.cut(quotient, bits), self.cut((rest,), bits)

    def digits(self, words: Words, most: int, size: int, divisor: int, largest_divisor: int,
               divide: Callable[[int, int], int]) -> tuple[Words, int]:
        """Quotient and remainder of `words`, whose number is at most `most`, by a word that leaves `size` bits free.
        `divide` is given a digit, behind what is left of those before it, and how large that may be: the first digit
        has all the bits of a word, the others follow a remainder."""
        b = self.b
        at = size * max(0, -(-(most.bit_length() - 64) // size))
        digit = self.shift_words("lshr", words, at)[0]
        part = divide(digit, most >> at)
        quotient: Words = (part, *(b.const(0, 64) for _ in words[1:]))
        while True:
            rest = b.op("sub", digit, b.op("mul", part, divisor))
            if not at:
                return quotient, rest
            at -= size
            digit = b.op("and", self.shift_words("lshr", words, at)[0], b.const((1 << size) - 1, 64))
            digit = b.op("or", b.shift("shl", rest, size), digit)
            part = divide(digit, (largest_divisor << size) - 1)
            quotient = self.shift_words("shl", quotient, size)
            # A part has no more bits than a digit.
            quotient = (b.op("or", quotient[0], part), *quotient[1:])

    def divided_with_sign(self, x: Term, d: Term, bits: int) -> tuple[Words, Words]:
        """A word and a sign by a positive word: x // d == ~(~x // d) for negative x."""
        b = self.b
        word, sign = self.low(x, 128)
        by = self.word(d, 64)
        quotient = b.op("xor", b.op("udiv", b.op("xor", word, sign), by), sign)
        remainder = b.op("sub", word, b.op("mul", quotient, by))
        return self.cut((quotient, sign), bits, True), self.cut((remainder,), bits)

    def divided_sum(self, x: Term, d: Term, bits: int) -> tuple[Words, Words]:
        """The sum or difference of two words by a word: both remainders are below the divisor, so it goes into what
        they come to once more, or once less, or not."""
        b, terms = self.b, self.terms
        first, second = (self.word(terms.binary("mod", part, d), 64) for part in x.args)
        by = self.word(d, 64)
        together = b.op(x.op, first, second)
        if x.op == "add":
            beyond = b.op("or", b.op("ult", together, first), b.op("ule", by, together))
        else:
            beyond = b.op("ult", first, second)
        remainder = b.op("select", beyond, b.op("sub" if x.op == "add" else "add", together, by), together)
        p, q = (self.low(terms.binary("floordiv", part, d), 128) for part in x.args)
        once = (b.extend(beyond, False, True), b.const(0, 64))
        quotient = self.combine(x.op, self.combine(x.op, p, q), once)
        return self.cut(quotient, bits, True), self.cut((remainder,), bits)

    def divided_magnitudes(self, x: Term, d: Term, bits: int, signed: bool) -> tuple[Words, Words]:
        """Absolute values, word by word where the divisor has one word, else one quotient bit a round."""
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

    def signed_division(self, quotient: Words, remainder: Words, by: Words, x: Term, d: Term, bits: int,
                        signed: bool) -> tuple[Words, Words]:
        """From quotient and remainder of the absolute values (`by` is the divisor's) to those of `x` by `d`."""
        if not signed:
            return self.cut(quotient, bits), self.cut(remainder, bits)
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
        return self.cut(final, bits, True), self.cut(rest, bits, True)

    def negative(self, term: Term) -> int:
        if term.lo >= 0:
            return self.b.const(0, 32)
        top = self.low(term, exact_bits(term.lo, term.hi))[-1]
        return self.b.op("slt", top, self.b.const(0, self.b.width(top)))

    def cut(self, words: Words, bits: int, signed: bool = False) -> Words:
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
        result = self.loop(rounds, (dividend, zeros), body)
        return result[0], result[1]


def _without(terms: Terms, x: Term, d: Term) -> tuple[Term, int]:
    """`x` as ``rest + times*d``, as far as sums and differences show; `d` is no constant."""
    known: dict[int, tuple[Term, int]] = {}
    for t in walk([x]):
        known[t.id] = t, 0
        if t.bare is d.bare:
            known[t.id] = terms.const(0), 1
        elif t.op in ("add", "sub"):
            (left, first), (right, second) = (known[part.id] for part in t.args)
            times = first + second if t.op == "add" else first - second
            if times or first or second:
                known[t.id] = terms.binary(t.op, left, right), times
    return known[x.id]
