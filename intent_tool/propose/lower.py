"""Lowering: from a contract's terms to words of 32 and 64 bits.

`low(term, bits)` is the term's value modulo ``2**bits``: one word up to 64 bits (for 8 and 16 the word is 32 bits
wide and the rest of it is anything), several 64-bit words beyond, lowest first. Sums, products and the bitwise
operators need only as many bits of their operands as are asked of them; all else is computed at the width that its
operand's interval needs, and extended by the sign that the interval shows. So nothing wraps by accident.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import error
from intent_tool.language.elaborate import Each, Elaborated
from intent_tool.language.terms import Loop, Term, Terms, walk
from intent_tool.machine.target import Target
from intent_tool.propose.builder import Builder
from intent_tool.propose.division import reciprocal
from intent_tool.propose.ir import Block, Function, Return

MOST_WORDS = 8
"""Widest intermediate value, in 64-bit words."""

Words = tuple[int, ...]


def lower(contract: Contract, elaborated: Elaborated, target: Target) -> Function:
    """The function's intermediate representation. Raises IntentError for what cannot be generated."""
    return _Lowering(contract, elaborated, target).run()


def exact_bits(lo: int, hi: int) -> int:
    """32, or a multiple of 64: the width at which every value of the interval has a word of its own."""
    if lo >= 0:
        needed = hi.bit_length()
    else:
        needed = max((~lo).bit_length(), hi.bit_length() if hi > 0 else 0) + 1
    return 32 if needed <= 32 else -(-needed // 64) * 64


def common_bits(a: Term, b: Term) -> tuple[int, bool]:
    """The width and signedness at which both can be compared or divided."""
    lo, hi = min(a.lo, b.lo), max(a.hi, b.hi)
    return exact_bits(lo, hi), lo < 0


@dataclass
class _Scope:
    """Where values of one nesting level are kept. A loop's invariants are emitted in the block before it."""

    block: Block | None
    depth: int
    variables: frozenset[int]
    """Ids of the variables that the loop binds; empty for a branch."""
    words: dict[tuple[int, int], Words] = field(default_factory=dict)


class _Lowering:
    def __init__(self, contract: Contract, elaborated: Elaborated, target: Target) -> None:
        self.contract, self.elaborated, self.target = contract, elaborated, target
        self.terms: Terms = elaborated.terms
        self.b = Builder(target)
        self.scopes = [_Scope(None, 0, frozenset())]
        self.pointers: dict[str, int] = {}
        self._free: dict[int, frozenset[int]] = {}
        self._total: dict[int, bool] = {}
        self._cost: dict[int, int] = {}

    def run(self) -> Function:
        signature = self.contract.signature
        assert signature is not None
        raw: dict[str, int] = {}
        for number, p in enumerate(signature.parameters):
            raw[p.name] = self.b.emit("param", 64, (), (number, 64 if p.buffer else p.type.bits))[0]
        self.raw = raw
        self.types = {p.name: p.type for p in signature.parameters}
        results: Words = ()
        if self.elaborated.result is not None and signature.result is not None:
            results = (self.returned(self.elaborated.result),)
        self.write_all()
        self.b.block.end = Return(results)
        _in_order(self.b.function)
        _drop_unused(self.b.function)
        self.b.function.verify()
        return self.b.function

    def returned(self, term: Term) -> int:
        """The result as the ABI wants it: narrow values are extended to 32 bits by their type everywhere, so that
        callers that rely on it (clang does on x86-64) are right too."""
        type = self.contract.signature.result  # type: ignore[union-attr]
        assert type is not None
        if type.bits == 64:
            return self.low(term, 64)[0]
        if term.lo < type.minimum or term.hi > type.maximum:
            term = self.terms.wrap(term, type.bits, type.signed)
        return self.low(term, 32)[0]

    # Writes

    def write_all(self) -> None:
        signature = self.contract.signature
        assert signature is not None
        loops = [(name, c) for name, c in self.elaborated.writes.items() if isinstance(c, Each)]
        elements = [(name, k, element) for name, c in self.elaborated.writes.items() if not isinstance(c, Each)
                    for k, element in enumerate(c)]
        reads = [self._reads([element]) for _, _, element in elements]
        loop_reads = self._reads([each.value for _, each in loops])
        waiting: list[tuple[str, int, int]] = []
        for number, (name, k, element) in enumerate(elements):
            value = self.word(element, self.types[name].bits)
            # What is still to be computed reads the contents on entry: a store over them has to wait.
            still_read = frozenset().union(loop_reads, *reads[number + 1:])
            if still_read & self._bytes(name, k):
                waiting.append((name, k, value))
            else:
                self.store(name, k, value)
        for name, each in loops:
            self.write_loop(name, each, {other: {t.data for t in walk([c.value]) if t.op == "load"}
                                         for other, c in loops})
        for name, k, value in waiting:
            self.store(name, k, value)

    def _reads(self, terms: Iterable[Term]) -> frozenset[tuple[str, int]]:
        """Every byte of a buffer that the terms may read; an index that varies reads all of its interval."""
        found: set[tuple[str, int]] = set()
        for t in walk(terms):
            if t.op == "load":
                size = self.types[t.data].bytes
                found.update((self._memory(t.data), at) for at in range(t.args[0].lo * size, (t.args[0].hi + 1) * size))
        return frozenset(found)

    def _bytes(self, name: str, k: int) -> frozenset[tuple[str, int]]:
        size = self.types[name].bytes
        return frozenset((self._memory(name), at) for at in range(k * size, (k + 1) * size))

    def _memory(self, name: str) -> str:
        """One name for all buffers that start at the same address."""
        group, grown = {name}, True
        while grown:
            more = {other for pair in self.contract.aliases if group & pair for other in pair}
            grown = not more <= group
            group |= more
        return min(group)

    def store(self, name: str, k: int, value: int) -> None:
        size = self.types[name].bytes
        self.b.emit("store", (), (value, self.raw[name]), (k * size, size, 1), share=False)

    def write_loop(self, name: str, each: Each, read: dict[str, set[str]]) -> None:
        if each.count.op != "const":
            raise error("E702", f"cannot generate yet: writing the buffer `{name}`, whose length is known only at "
                        "run time", each.span)
        shares = {other for other in self.types if self._memory(other) == self._memory(name)}
        for t in walk([each.value]):
            if t.op == "load" and t.data in shares and (
                    t.args[0].bare is not each.index.bare or self.types[t.data].bits != self.types[name].bits):
                raise error("E702", f"cannot generate yet: an element of `{name}` that is made of other elements of "
                            f"the same memory, {each.count.data} times", each.span,
                            "a buffer with fewer elements, or a second one for the result, can be generated")
        for other, names in read.items():
            if other != name and names & shares:
                raise error("E702", f"cannot generate yet: `{other}` and `{name}` written from each other's old "
                            "content in a loop", each.span)
        if each.count.data == 0:
            return
        size = self.types[name].bytes

        def body(index: int, states: tuple[Words, ...]) -> list[Words]:
            value = self.low(each.value, 64 if size == 8 else 32)[0]
            self.b.emit("store", (), (value, self.raw[name], index), (0, size, size), share=False)
            return []
        self.loop(each.index, each.count.data, (), (), body)

    # Values

    def low(self, term: Term, bits: int) -> Words:
        """The value modulo 2**bits, see the module's text."""
        if term.op == "const":
            if bits <= 32:
                return (self.b.const(term.data, 32),)
            return tuple(self.b.const(term.data >> at, 64) for at in range(0, bits, 64))
        level = self.level(term)
        scope = self.scopes[level]
        key = (term.id, bits)
        for k in range(level, -1, -1):
            if key in self.scopes[k].words:
                return self.scopes[k].words[key]
        if level == len(self.scopes) - 1:
            words = self.compute(term, bits)
        else:
            words = self.hoisted(term, bits, level)
        scope.words[key] = words
        return words

    def level(self, term: Term) -> int:
        """The outermost scope where the term can be computed: outside of every loop that it does not depend on."""
        last = len(self.scopes) - 1
        if not self.total(term):
            return last
        free = self.free(term)
        for k in range(last, 0, -1):
            if not self.scopes[k].variables or free & self.scopes[k].variables:
                return k
        return 0

    def hoisted(self, term: Term, bits: int, level: int) -> Words:
        """Compute before the loop that is open directly inside scope `level`."""
        inner, inner_shared = self.scopes[level + 1:], self.b.scopes[level + 1:]
        outside = inner[0]
        assert outside.block is not None
        block, self.b.block = self.b.block, outside.block
        del self.scopes[level + 1:], self.b.scopes[level + 1:]
        words = self.compute(term, bits)
        outside.block = self.b.block
        self.scopes += inner
        self.b.scopes += inner_shared
        self.b.block = block
        return words

    def free(self, term: Term) -> frozenset[int]:
        """Ids of the loop variables that a term depends on."""
        if term.id not in self._free:
            for t in walk([term]):
                if t.id in self._free:
                    continue
                if t.op == "var":
                    self._free[t.id] = frozenset((t.id,))
                    continue
                found: frozenset[int] = frozenset().union(*(self._free[a.id] for a in t.args))
                if isinstance(t.data, Loop):
                    inner = frozenset().union(*(self._free[n.id] for n in t.data.next))
                    found |= inner - {t.data.index.id} - {s.id for s in t.data.states}
                self._free[t.id] = found
        return self._free[term.id]

    def total(self, term: Term) -> bool:
        """Whether it may be computed where the contract does not ask for it: it cannot trap or read outside."""
        if term.id not in self._total:
            for t in walk([term]):
                parts = t.args if not isinstance(t.data, Loop) else (*t.args, *t.data.next)
                # Inside an arm an index holds only under the arm's condition; outside it may be anything.
                risky = (t.op in ("floordiv", "mod") and t.args[1].op != "const") or \
                    (t.op in ("load", "table") and _rests_on_assumption(t.args[0]))
                self._total[t.id] = not risky and all(self._total[p.id] for p in parts)
        return self._total[term.id]

    def cost(self, term: Term, limit: int) -> int:
        """A rough count of instructions below a term, up to `limit`."""
        seen: set[int] = set()
        stack, total = [term], 0
        while stack and total < limit:
            t = stack.pop()
            if t.id in seen or t.op in ("const", "param", "var") or self.known(t):
                continue
            seen.add(t.id)
            total += 40 if t.op == "loop" else 0 if t.op in ("assume", "state") else \
                4 if t.op in ("floordiv", "mod", "popcount", "bitrev") else 1
            stack.extend(t.args)
        return total

    def known(self, term: Term) -> bool:
        return any((term.id, bits) in s.words for s in self.scopes for bits in (8, 16, 32, 64, 128))

    def exact(self, term: Term, bits: int) -> Words:
        """The value at a width that is at least its exact one."""
        return self.low(term, bits)

    def word(self, term: Term, bits: int) -> int:
        return self.low(term, bits)[0]

    def compute(self, term: Term, bits: int) -> Words:
        needed = exact_bits(term.lo, term.hi)
        if needed > 64 * MOST_WORDS and bits > 64 * MOST_WORDS:
            raise error("E703", "cannot generate: an intermediate value of more than 512 bits",
                        self.contract.key_spans.get("returns", self.contract.span))
        if term.op == "load":
            return self.load(term, bits)
        if bits > needed:
            return self.extended(self.low(term, needed), needed, bits, term)
        method: Callable[[Term, int], Words] = getattr(self, "low_" + term.op)
        return method(term, bits)

    def extended(self, words: Words, have: int, bits: int, term: Term) -> Words:
        """From `have` bits, which hold the term exactly, to more."""
        signed = term.lo < 0
        if have == 32:
            words, have = (self.b.extend(words[0], signed, 0 <= term.lo and term.hi < 1 << 31),), 64
        if have < bits:
            fill = self.b.shift("ashr", words[-1], 63) if signed else self.b.const(0, 64)
            words += (fill,) * ((bits - have) // 64)
        return words

    def resized(self, words: Words, have: int, bits: int, term: Term) -> Words:
        """`words` hold the term exactly at `have` bits; its low `bits`."""
        if bits > have:
            return self.extended(words, have, bits, term)
        if bits <= 32:
            return words[:1] if have == 32 else (self.b.trunc(words[0]),)
        return words[:max(bits // 64, 1)]

    # Leaves

    def low_param(self, term: Term, bits: int) -> Words:
        type, value = self.types[term.data], self.raw[term.data]
        if type.bits == 64:
            return (value,) if bits == 64 else (self.b.trunc(value),)
        word = self.b.trunc(value)
        if type.bits == 32 or bits <= type.bits or self.target.abi.narrow_values == "sign-extended":
            return (word,)
        if type.signed:
            return (self.b.op(f"sext{type.bits}", word),)
        return (self.b.op("and", word, self.b.const((1 << type.bits) - 1, 32)),)

    def low_var(self, term: Term, bits: int) -> Words:
        """A part of a loop variable that is kept whole: states at their exact width, the index in 64 bits."""
        for scope in reversed(self.scopes):
            for have in (exact_bits(term.lo, term.hi), 64):
                words = scope.words.get((term.id, have))
                if words is not None:
                    return self.resized(words, have, bits, term)
        raise AssertionError("a loop variable outside of its loop")

    def low_assume(self, term: Term, bits: int) -> Words:
        return self.low(term.args[0], bits)

    def load(self, term: Term, bits: int) -> Words:
        type, index = self.types[term.data], term.args[0]
        width = 64 if bits > 32 else 32
        size = type.bytes
        if type.bits == 64:
            width = 64
        if index.op == "const":
            value = self.b.emit("load", width, (self.raw[term.data],), (index.data * size, size, type.signed, 1))[0]
        else:
            at = self.word(index, 64)
            value = self.b.emit("load", width, (self.raw[term.data], at), (0, size, type.signed, size))[0]
        if width == 64 and bits <= 32:
            return (self.b.trunc(value),)
        return self.extended((value,), width, bits, term) if bits > width else (value,)

    def low_table(self, term: Term, bits: int) -> Words:
        values: tuple[int, ...] = term.data
        lo, hi = min(values), max(values)
        at = self.word(term.args[0], 64)
        size = next((s for s in (1, 2, 4, 8) if lo >= 0 and hi < 1 << 8 * s or
                     -(1 << 8 * s - 1) <= lo and hi < 1 << 8 * s - 1), 0)
        if size:
            width = 64 if size == 8 else 32
            return self.resized((self.entry(values, size, lo < 0, at, width),), width, bits, term)
        # Entries of more than 64 bits: one table for each word.
        width = exact_bits(lo, hi)
        words = tuple(self.entry(tuple(v >> k for v in values), 8, False, at, 64) for k in range(0, width, 64))
        return self.resized(words, width, bits, term)

    def entry(self, values: tuple[int, ...], size: int, signed: bool, at: int, width: int) -> int:
        data = b"".join((v & ((1 << 8 * size) - 1)).to_bytes(size, "little") for v in values)
        return self.b.emit("load", width, (self.b.table(size, data), at), (0, size, signed, size))[0]

    # Sums, products, bitwise operators: modulo 2**bits throughout

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

    # Comparisons and choices

    def low_eq(self, term: Term, bits: int) -> Words:
        return (self.equal(term, "eq"),)

    def low_ne(self, term: Term, bits: int) -> Words:
        return (self.equal(term, "ne"),)

    def equal(self, term: Term, op: str) -> int:
        a, b = term.args
        lo, hi = min(a.lo, b.lo), max(a.hi, b.hi)
        # Values that differ by less than 2**bits are equal exactly when they are so modulo 2**bits.
        bits = next((w for w in (32, *range(64, 64 * MOST_WORDS, 64)) if hi - lo < 1 << w), 64 * MOST_WORDS)
        x, y = self.low(a, bits), self.low(b, bits)
        if len(x) == 1:
            return self.b.op(op, x[0], y[0])
        differs = [self.b.op("xor", p, q) for p, q in zip(x, y, strict=True)]
        merged = differs[0]
        for d in differs[1:]:
            merged = self.b.op("or", merged, d)
        return self.b.op(op, merged, self.b.const(0, 64))

    def low_lt(self, term: Term, bits: int) -> Words:
        return (self.less(*term.args, common_bits(*term.args)[0]),)

    def low_le(self, term: Term, bits: int) -> Words:
        a, b = term.args
        return (self.less(a, b, common_bits(a, b)[0], or_equal=True),)

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

    def low_min(self, term: Term, bits: int) -> Words:
        return self.extremum(term, bits, 0)

    def low_max(self, term: Term, bits: int) -> Words:
        return self.extremum(term, bits, 1)

    def extremum(self, term: Term, bits: int, swap: int) -> Words:
        a, b = term.args
        common, signed = common_bits(a, b)
        x, y = self.low(a, common), self.low(b, common)
        below = self.less_words(*((y, x) if swap else (x, y)), signed)
        chosen = tuple(self.b.op("select", below, p, q) for p, q in zip(x, y, strict=True))
        return self.resized(chosen, common, bits, term)

    def low_abs(self, term: Term, bits: int) -> Words:
        x = term.args[0]
        width = exact_bits(x.lo, x.hi)
        words = self.low(x, width)
        zero = tuple(self.b.const(0, self.b.width(w)) for w in words)
        negative = self.b.op("slt", words[-1], zero[-1])
        minus = self.combine("sub", zero, words)
        chosen = tuple(self.b.op("select", negative, m, w) for m, w in zip(minus, words, strict=True))
        return self.resized(chosen, width, bits, term)

    def low_ite(self, term: Term, bits: int) -> Words:
        condition, then, otherwise = term.args
        secret = bool(self.contract.secret)
        arms = (then, otherwise)
        if all(self.total(arm) for arm in arms) and (
                secret or all(arm.op == "const" or self.cost(arm, 14) < 14 for arm in arms)):
            test = self.word(condition, 32)
            if bits <= 32 and _is_condition(then) and _is_condition(otherwise):
                # and, or, and their kin
                if otherwise.op == "const" and otherwise.data == 0:
                    return (self.b.op("and", test, self.word(then, 32)),)
                if then.op == "const" and then.data == 1:
                    return (self.b.op("or", test, self.word(otherwise, 32)),)
            return tuple(self.b.op("select", test, x, y)
                         for x, y in zip(self.low(then, bits), self.low(otherwise, bits), strict=True))
        return self.branch(condition, then, otherwise, bits)

    def branch(self, condition: Term, then: Term, otherwise: Term, bits: int) -> Words:
        """Evaluate one arm only."""
        test = self.word(condition, 32)
        # What both arms need is computed before the branch, lest each grows its own copy: what may be computed
        # anywhere, and what is surely computed on either way.
        anyway = self.surely(then) & self.surely(otherwise)
        shared = {t.id for t in walk([then])}
        bound = frozenset().union(*(s.variables for s in self.scopes))
        for t in walk([otherwise]):
            if t.id in shared and (t.id in anyway or self.total(t)) and not self.known(t) and self.free(t) <= bound \
                    and t.op not in ("const", "param", "var", "loop", "assume"):
                self.low(t, exact_bits(t.lo, t.hi))
        depth = self.b.block.depth
        before, join = self.b.block, self.b.new_block(depth)
        starts, values = [], []
        for arm in (then, otherwise):
            block = self.b.new_block(depth)
            self.b.start(block)
            starts.append(block)
            self.scopes.append(_Scope(None, depth, frozenset()))
            with self.b.scope():
                words = self.low(arm, bits)
                self.b.jump(join, *words)
            values.append(words)
            self.scopes.pop()
        after, self.b.block = self.b.block, before
        self.b.branch(test, *starts)
        self.b.block = after
        self.b.start(join)
        join.params = tuple(self.b.function.value(self.b.width(w)) for w in values[0])
        return join.params

    def surely(self, term: Term) -> set[int]:
        """Ids of the terms that computing `term` computes in any case: not those inside of an inner choice's arms."""
        found: set[int] = set()
        stack = [term]
        while stack:
            t = stack.pop()
            if t.id not in found:
                found.add(t.id)
                stack.extend(t.args[:1] if t.op == "ite" else t.args)
        return found

    # Casts and bits

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

    # Division

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
        if signed:
            # The one quotient that overflows traps on x86-64; elsewhere it wraps, and its low bits are right (Arm ARM,
            # SDIV; RISC-V Unprivileged ISA, "M" extension).
            if self.target.isa == "x86_64" or bits > width:
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

    def long_division(self, x: Term, d: Term, bits: int, signed: bool) -> tuple[Words, Words]:
        """More than 64 bits: one quotient bit a round, on absolute values."""
        b, terms = self.b, self.terms
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
            elif b.constant_of(rest) == 0 and not quotient or top <= 64 * (k + 1) and k == len(dividend) - 1:
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
        n, m = len(dividend), len(divisor)
        zeros: Words = (b.const(0, 64),) * m

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

    # Loops

    def loop(self, index: Term | None, rounds: int, initial: tuple[Words, ...],
             variables: tuple[Term | None, ...], body: Callable[[int, tuple[Words, ...]], list[Words]]
             ) -> tuple[Words, ...]:
        """`rounds` (at least one) times `body(index word, states)`; the states afterwards."""
        b = self.b
        before = b.block
        depth = before.depth + 1
        zero = b.const(0, 64)
        head = b.new_block(depth)
        b.start(head)
        number = b.function.value(64)
        states = tuple(tuple(b.function.value(b.width(w)) for w in words) for words in initial)
        head.params = (number, *(w for words in states for w in words))
        bound = frozenset(v.id for v in (index, *variables) if v is not None)
        scope = _Scope(before, depth, bound | {-head.number - 1})
        self.scopes.append(scope)
        with b.scope():
            if index is not None:
                scope.words[index.id, 64] = (number,)
            for variable, words in zip(variables, states, strict=True):
                if variable is not None:
                    scope.words[variable.id, self.state_bits(variable)] = words
            following = body(number, states)
            after = b.op("add", number, b.const(1, 64))
            again = b.op("ne", after, b.const(rounds, 64))
            latch, leave = b.new_block(depth), b.new_block(depth - 1)
            b.branch(again, latch, leave)
        self.scopes.pop()
        b.start(latch)
        flat = [w for words in following for w in words]
        b.jump(head, after, *flat)
        # The block before may have grown while invariants were computed there.
        last = scope.block
        assert last is not None
        at, b.block = b.block, last
        b.jump(head, zero, *(w for words in initial for w in words))
        b.block = at
        b.start(leave)
        return tuple(following)

    def state_bits(self, variable: Term) -> int:
        return exact_bits(variable.lo, variable.hi)

    def low_loop(self, term: Term, bits: int) -> Words:
        """All final states, one after the other, each at its own width."""
        count, *initial = term.args
        body: Loop = term.data
        if count.op != "const":
            raise error("E701", "cannot generate yet: a fold over a sequence whose length is known only at run time",
                        body.span, "a buffer of constant length, or a constant range, can be generated")
        if any(exact_bits(s.lo, s.hi) > 64 * MOST_WORDS for s in body.states):
            raise error("E703", "cannot generate: a state of more than 512 bits", body.span)
        start = tuple(self.low(t, self.state_bits(s)) for t, s in zip(initial, body.states, strict=True))

        def one_round(index: int, states: tuple[Words, ...]) -> list[Words]:
            return [self.low(n, self.state_bits(s)) for n, s in zip(body.next, body.states, strict=True)]
        final = self.loop(body.index, count.data, start, body.states, one_round)
        return tuple(w for words in final for w in words)

    def low_state(self, term: Term, bits: int) -> Words:
        loop = term.args[0]
        body: Loop = loop.data
        words = self.low(loop, 0)
        at = 0
        for state in body.states[:term.data]:
            at += max(self.state_bits(state) // 64, 1)
        have = self.state_bits(body.states[term.data])
        own = words[at:at + max(have // 64, 1)]
        if bits <= have:
            return (self.b.trunc(own[0]),) if bits <= 32 < have else own[:max(bits // 64, 1)]
        return self.extended(own, have, bits, term)


def _is_condition(term: Term) -> bool:
    return term.lo >= 0 and term.hi <= 1


def _rests_on_assumption(index: Term) -> bool:
    return index.bare is not index


def _in_order(function: Function) -> None:
    """Reverse postorder, a loop's body before what follows the loop."""
    order: list[Block] = []
    seen: set[int] = set()
    stack: list[tuple[Block, bool]] = [(function.blocks[0], False)]
    while stack:
        block, done = stack.pop()
        if done:
            order.append(block)
        elif block.number not in seen:
            seen.add(block.number)
            stack.append((block, True))
            # The way on is visited first, so that it comes last.
            stack.extend((s, False) for s in block.successors())
    function.blocks = order[::-1]


def _drop_unused(function: Function) -> None:
    used: set[int] = set()
    for block in function.blocks:
        match block.end:
            case Return(values):
                used.update(values)
            case None:
                pass
            case end:
                used.update(getattr(end, "args", ()))
                if hasattr(end, "condition"):
                    used.add(end.condition)
    changed = True
    while changed:
        changed = False
        for block in function.blocks:
            for i in reversed(block.instructions):
                if (i.op == "store" or used & set(i.dest)) and not used.issuperset(i.args):
                    used.update(i.args)
                    changed = True
    for block in function.blocks:
        block.instructions = [i for i in block.instructions if i.op == "store" or used & set(i.dest)]
