"""Sums, products, bitwise operators and shifts, modulo a power of two throughout."""

from __future__ import annotations

from intent_tool.language.terms import Term
from intent_tool.propose.demand import exact_bits
from intent_tool.propose.lower_values import MOST_WORDS, Values, Words, common_bits


class Arithmetic(Values):
    def low_add(self, term: Term, bits: int) -> Words:
        return self.ring("add", term, bits)

    def low_sub(self, term: Term, bits: int) -> Words:
        return self.ring("sub", term, bits)

    def low_and(self, term: Term, bits: int) -> Words:
        a, b = term.args
        if b.op == "const" and b.data >= 0:
            for few in (8, 16, 32):
                if b.data < 1 << few < 1 << bits:
                    word = self.b.op("and", self.word(a, few), self.b.const(b.data, 32))
                    # Only the mask's bits are left, so the word is clean.
                    if bits <= 32:
                        return (word,)
                    wide = self.b.extend(word, False, b.data < 1 << 31)
                    return (wide, *(self.b.const(0, 64) for _ in range(bits // 64 - 1)))
        return self.ring("and", term, bits)

    def low_or(self, term: Term, bits: int) -> Words:
        return self.ring("or", term, bits)

    def low_xor(self, term: Term, bits: int) -> Words:
        return self.ring("xor", term, bits)

    def low_inv(self, term: Term, bits: int) -> Words:
        return tuple(self.b.op("not", w) for w in self.low(term.args[0], bits))

    def ring(self, op: str, term: Term, bits: int) -> Words:
        a, b = (self.low(t, bits) for t in term.args)
        return self.combine(op, a, b)

    def combine(self, op: str, a: Words, b: Words) -> Words:
        if len(a) == 1 or op in ("and", "or", "xor"):
            return tuple(self.b.op(op, x, y) for x, y in zip(a, b, strict=True))
        if len(a) == 2:
            return self.b.emit(op + "2", (64, 64), (*a, *b))
        carry: int | None = None
        words: list[int] = []
        for x, y in zip(a, b, strict=True):
            word = self.b.op(op, x, y)
            out = self.b.op("ult", *((word, x) if op == "add" else (x, y)))
            if carry is not None:
                wide = self.b.extend(carry, False, True)
                again = self.b.op(op, word, wide)
                out = self.b.op("or", out, self.b.op("ult", *((again, word) if op == "add" else (word, wide))))
                word = again
            carry = out
            words.append(word)
        return tuple(words)

    def low_mul(self, term: Term, bits: int) -> Words:
        x, y = term.args
        if bits <= 64:
            return self.ring("mul", term, bits)
        if exact_bits(x.lo, x.hi) <= 64 and exact_bits(y.lo, y.hi) <= 64 and bits == 128:
            # One product of two words: the high half by one instruction, corrected where signedness differs.
            a, b = self.word(x, 64), self.word(y, 64)
            low = self.b.op("mul", a, b)
            if x.lo >= 0 and y.lo >= 0:
                return low, self.b.op("umulh", a, b)
            if x.hi < 1 << 63 and y.hi < 1 << 63:
                return low, self.b.op("smulh", a, b)
        return self.product(self.low(x, bits), self.low(y, bits))

    def product(self, a: Words, b: Words) -> Words:
        """Schoolbook, modulo the width of the operands."""
        n = len(a)
        zero = self.b.const(0, 64)
        total: Words = (zero,) * n
        for i, x in enumerate(a):
            low: list[int] = [zero] * i
            high: list[int] = [zero] * (i + 1)
            for y in b[:n - i]:
                low.append(self.b.op("mul", x, y))
                high.append(self.b.op("umulh", x, y))
            total = self.sum_words(total, self.sum_words(tuple(low[:n]), tuple(high[:n])))
        return total

    def sum_words(self, a: Words, b: Words) -> Words:
        """Addition that skips low words that are zero in one operand."""
        skip = 0
        while skip < len(a) - 1 and (self.b.constant_of(a[skip]) == 0 or self.b.constant_of(b[skip]) == 0):
            skip += 1
        head = tuple(y if self.b.constant_of(x) == 0 else x for x, y in zip(a[:skip], b[:skip], strict=True))
        return head + self.combine("add", a[skip:], b[skip:])

    # Shifts

    def low_shl(self, term: Term, bits: int) -> Words:
        value, count = term.args
        width = max(bits, 32)
        if count.op == "const":
            if count.data >= bits:
                return (self.b.const(0, 32),) if bits <= 32 else (self.b.const(0, 64),) * (bits // 64)
            return self.shift_words("shl", self.low(value, bits), count.data)
        words = self.low(value, bits)
        by, clamped = self.count(count, width)
        shifted = self.variable_shift("shl", words, by)
        return shifted if clamped is None else self.masked(shifted, clamped)

    def low_shr(self, term: Term, bits: int) -> Words:
        value, count = term.args
        op = "ashr" if value.lo < 0 else "lshr"
        needed = exact_bits(value.lo, value.hi)
        if count.op == "const":
            # Bits above those asked for need not be right, except that the result is wanted whole.
            reach = bits + count.data
            enough = next((w for w in (32, 64, *range(128, 64 * MOST_WORDS + 1, 64)) if w >= reach), needed)
            if enough < needed:
                words = self.shift_words("lshr", self.low(value, enough), count.data)
                return (self.b.trunc(words[0]),) if bits <= 32 < enough else words[:max(bits // 64, 1)]
            return self.resized(self.shift_words(op, self.low(value, needed), count.data), needed, bits, term)
        words = self.low(value, needed)
        by, clamped = self.count(count, needed)
        shifted = self.variable_shift(op, words, by)
        if clamped is not None:
            fill = self.b.shift("ashr", words[-1], min(needed, 64) - 1) if op == "ashr" else None
            shifted = self.masked(shifted, clamped, fill)
        return self.resized(shifted, needed, bits, term)

    def count(self, count: Term, width: int) -> tuple[int, int | None]:
        """A variable count as a 32-bit word below `width`, and the condition that it was, where it may not be."""
        if count.hi < width:
            return self.word(count, 32), None
        bits, _ = common_bits(count, self.terms.const(width))
        inside = self.less(count, self.terms.const(width), bits)
        low = self.word(count, 32)
        # Hardware takes the count modulo 64 or 32; the select below puts right what that spoils.
        return self.b.op("and", low, self.b.const(width - 1, 32)) if width & (width - 1) == 0 else \
            self.b.op("select", inside, low, self.b.const(0, 32)), inside

    def masked(self, words: Words, inside: int, fill: int | None = None) -> Words:
        return tuple(self.b.op("select", inside, w, fill if fill is not None else self.b.const(0, self.b.width(w)))
                     for w in words)

    def shift_words(self, op: str, words: Words, count: int) -> Words:
        """By a constant."""
        if len(words) == 1:
            return (self.b.shift(op, words[0], count),)
        n, (skip, by) = len(words), divmod(count, 64)
        fill = self.b.shift("ashr", words[-1], 63) if op == "ashr" else self.b.const(0, 64)
        padded = [*([self.b.const(0, 64)] * n), *words, *([fill] * (n + 1))]
        result = []
        for k in range(n):
            if op == "shl":
                high, low = padded[n + k - skip], padded[n + k - skip - 1] if n + k - skip - 1 >= 0 else padded[0]
                result.append(high if not by else self.b.op(
                    "or", self.b.shift("shl", high, by), self.b.shift("lshr", low, 64 - by)))
            else:
                at = min(n + k + skip, 2 * n)
                low, high = padded[at], padded[min(at + 1, 2 * n)]
                result.append(low if not by else self.b.op(
                    "or", self.b.shift("lshr", low, by), self.b.shift("shl", high, 64 - by)))
        return tuple(result)

    def variable_shift(self, op: str, words: Words, count: int) -> Words:
        """`count` is a 32-bit word below the whole width."""
        if len(words) == 1:
            return (self.b.op(op, words[0], count),)
        b, n = self.b, len(words)
        within = b.op("and", count, b.const(63, 32))
        rest = b.op("xor", within, b.const(63, 32))
        fill = b.shift("ashr", words[-1], 63) if op == "ashr" else b.const(0, 64)
        moved: list[int] = []
        for k in range(n):
            # x >> (64 - c) as (x >> 1) >> (63 - c), which is right for c == 0 too.
            if op == "shl":
                main = b.op("shl", words[k], within)
                other = b.op("lshr", b.shift("lshr", words[k - 1], 1), rest) if k else None
            elif k == n - 1:
                main, other = b.op(op, words[k], within), None
            else:
                main = b.op("lshr", words[k], within)
                other = b.op("shl", b.shift("shl", words[k + 1], 1), rest)
            moved.append(main if other is None else b.op("or", main, other))
        step = 1
        while step < n:
            bit = b.op("ne", b.op("and", count, b.const(64 * step, 32)), b.const(0, 32))
            if op == "shl":
                taken = [moved[k - step] if k >= step else fill for k in range(n)]
            else:
                taken = [moved[k + step] if k + step < n else fill for k in range(n)]
            moved = [b.op("select", bit, t, m) for t, m in zip(taken, moved, strict=True)]
            step *= 2
        return tuple(moved)

    def less(self, a: Term, b: Term, bits: int, or_equal: bool = False) -> int:
        signed = min(a.lo, b.lo) < 0
        return self.less_words(self.low(a, bits), self.low(b, bits), signed, or_equal)

    def less_words(self, a: Words, b: Words, signed: bool, or_equal: bool = False) -> int:
        top = ("s" if signed else "u") + ("le" if or_equal else "lt")
        if len(a) == 1:
            return self.b.op(top, a[0], b[0])
        if or_equal:
            return self.b.op("xor", self.less_words(b, a, signed), self.b.const(1, 32))
        result = self.b.op("ult", a[0], b[0])
        for k in range(1, len(a)):
            last = k == len(a) - 1
            below = self.b.op("slt" if signed and last else "ult", a[k], b[k])
            result = self.b.op("select", self.b.op("eq", a[k], b[k]), result, below)
        return result
