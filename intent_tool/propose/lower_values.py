"""From terms to words: where each value is computed, how wide, and how it is extended.

`low(term, bits)` is the term's value modulo ``2**bits``: one word up to 64 bits (for 8 and 16 the word is 32 bits
wide and the rest of it is anything), several 64-bit words beyond, lowest first. Sums, products and the bitwise
operators need only as many bits of their operands as are asked of them; all else is computed at the width that its
operand's interval needs, and extended by the sign that the interval shows. So nothing wraps by accident.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import error
from intent_tool.language.elaborate import Each, Elaborated
from intent_tool.language.terms import Loop, Term, Terms, walk
from intent_tool.machine.target import Target
from intent_tool.propose.builder import Builder
from intent_tool.propose.demand import Demand, exact_bits, roots_of
from intent_tool.propose.fold_names import FoldNames
from intent_tool.propose.ir import Block

MOST_WORDS = 8
"""Widest intermediate value, in 64-bit words."""
WRAPPING = frozenset({"add", "sub", "mul"})
"""Of the number of a round, which is a word of 64 bits, these are computed in as many: then addresses are sums."""

Words = tuple[int, ...]


def common_bits(a: Term, b: Term) -> tuple[int, bool]:
    """The width and signedness at which both can be compared or divided."""
    lo, hi = min(a.lo, b.lo), max(a.hi, b.hi)
    return exact_bits(lo, hi), lo < 0


@dataclass
class Scope:
    """Where values of one nesting level are kept. A loop's invariants are emitted in the block before it."""

    block: Block | None
    depth: int
    variables: frozenset[int]
    """Ids of the variables that the loop binds; empty for a branch."""
    words: dict[tuple[int, int], Words] = field(default_factory=dict)
    guard: bool = False
    """Entered only when the loop that follows it runs at all."""
    safe: frozenset[int] = frozenset()
    """Ids of terms that the contract asks for whenever control is here, so that they may be computed anywhere here
    although they can trap or read outside of a buffer elsewhere."""


class TooNarrow(Exception):
    """More bits of a loop's state are asked for than it was thought to need."""


class Values:
    """One lowering: the builder, and which words hold which term in each scope."""

    def __init__(self, contract: Contract, elaborated: Elaborated, target: Target, narrow: bool = True) -> None:
        self.contract, self.elaborated, self.target = contract, elaborated, target
        self.terms: Terms = elaborated.terms
        self.b = Builder(target)
        roots = roots_of(elaborated)
        always = frozenset().union(*(self.surely(t) for t in roots if not isinstance(t, Each)))
        self.scopes = [Scope(None, 0, frozenset(), safe=always)]
        self.demand = Demand(contract, elaborated) if narrow else None
        self.counts: dict[int, Term] = {}
        """The number of rounds by the id of a loop's index."""
        values = [r.value if isinstance(r, Each) else r for r in roots]
        for t in walk(values):
            if isinstance(t.data, Loop):
                self.counts[t.data.index.id] = t.args[0]
        self.counts |= {r.index.id: r.count for r in roots if isinstance(r, Each)}
        self.folds = FoldNames(contract, values)
        assert contract.signature is not None
        self.types = {p.name: p.type for p in contract.signature.parameters}
        self.raw: dict[str, int] = {
            p.name: self.b.emit("param", 64, (), (number, 64 if p.buffer else p.type.bits))[0]
            for number, p in enumerate(contract.signature.parameters)}
        """Each parameter as it arrives."""
        self._free: dict[int, frozenset[int]] = {}
        self._risky: dict[int, frozenset[int]] = {}

    # Where

    def low(self, term: Term, bits: int) -> Words:
        """The value modulo 2**bits, see the module's text."""
        if term.op == "const":
            if bits <= 32:
                return (self.b.const(term.data, 32),)
            return tuple(self.b.const(term.data >> at, 64) for at in range(0, bits, 64))
        level = self.level(term)
        scope = self.scopes[level]
        key = (term.id, bits)
        whole = exact_bits(term.lo, term.hi)
        for k in range(level, -1, -1):
            if key in self.scopes[k].words:
                return self.scopes[k].words[key]
            if bits < whole and (term.id, whole) in self.scopes[k].words:
                return self.resized(self.scopes[k].words[term.id, whole], whole, bits, term)
        innermost = level == len(self.scopes) - 1
        words = self.compute(term, bits) if innermost else self.hoisted(term, bits, level)
        scope.words[key] = words
        return words

    def level(self, term: Term) -> int:
        """The outermost scope where the term can be computed: outside of every loop that it does not depend on."""
        last = len(self.scopes) - 1
        floor = self.floor(term)
        if floor is None:
            return last
        free = self.free(term)
        level = next((k for k in range(last, 0, -1) if not self.scopes[k].guard
                      and (not self.scopes[k].variables or free & self.scopes[k].variables)), 0)
        level = max(level, floor)
        while level < last and self.scopes[level + 1].guard:
            # Before a loop means where it is known to run.
            level += 1
        return level

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
        """Whether it may be computed here although the contract may not ask for it: it cannot trap or read
        outside."""
        return self.floor(term) is not None

    def floor(self, term: Term) -> int | None:
        """The outermost scope where it may be computed, as far as traps and reads are concerned."""
        left = self.risky(term)
        for k, scope in enumerate(self.scopes):
            left -= scope.safe
            if not left:
                return k
        return None

    def risky(self, term: Term) -> frozenset[int]:
        """Ids of the terms below that can trap or read outside where the contract does not ask for them."""
        if term.id not in self._risky:
            for t in walk([term]):
                if t.id in self._risky:
                    continue
                parts = t.args if not isinstance(t.data, Loop) else (*t.args, *t.data.next)
                found: frozenset[int] = frozenset().union(*(self._risky[p.id] for p in parts))
                self._risky[t.id] = found | {t.id} if self.can_fail(t) else found
        return self._risky[term.id]

    def can_fail(self, term: Term) -> bool:
        if term.op in ("floordiv", "mod"):
            return term.args[1].op != "const"
        if term.op not in ("load", "table"):
            return False
        index = term.args[0]
        if index.bare is not index:
            # Inside an arm an index holds only under the arm's condition; outside it may be anything.
            return True
        if term.op == "table":
            return index.lo < 0 or index.hi >= len(term.data)
        length = self.elaborated.lengths[term.data]
        if index.lo >= 0 and index.hi < length.lo:
            return False
        return index.id not in self.counts or not _at_most(self.counts[index.id], length)

    def surely(self, term: Term) -> frozenset[int]:
        """Ids of the terms that computing `term` computes in any case: not those inside of an inner choice's arms."""
        found: set[int] = set()
        stack = [term]
        while stack:
            t = stack.pop()
            if t.id not in found:
                found.add(t.id)
                stack.extend(t.args[:1] if t.op == "ite" else t.args)
        return frozenset(found)

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
        """Whether the whole value is in words already."""
        key = term.id, exact_bits(term.lo, term.hi)
        return any(key in scope.words for scope in self.scopes)

    # How wide

    def word(self, term: Term, bits: int) -> int:
        return self.low(term, bits)[0]

    def compute(self, term: Term, bits: int) -> Words:
        needed = exact_bits(term.lo, term.hi)
        if needed > 64 * MOST_WORDS and bits > 64 * MOST_WORDS:
            raise error("E713", "cannot generate: an intermediate value of more than 512 bits",
                        self.contract.key_spans.get("returns", self.contract.span))
        if term.op == "load":
            return self.load(term, bits)
        if bits > needed and not (bits == 64 and term.op in WRAPPING and self.free(term) & self.counts.keys()):
            return self.extended(self.low(term, needed), needed, bits, term)
        method: Callable[[Term, int], Words] = getattr(self, "low_" + term.op)
        return method(term, bits)

    def extended(self, words: Words, have: int, bits: int, term: Term) -> Words:
        """From `have` bits, which hold the term exactly, to more."""
        signed = term.lo < 0
        if have == 32:
            words, have = (self.b.extend(words[0], signed, term.lo >= 0 and term.hi < 1 << 31),), 64
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
            for have in (exact_bits(term.lo, term.hi), 64, self.state_bits(term)):
                words = scope.words.get((term.id, have))
                if words is not None:
                    return self.part(words, have, bits, term, term)
        raise AssertionError("a loop variable outside of its loop")

    def part(self, words: Words, have: int, bits: int, term: Term, variable: Term) -> Words:
        """`bits` of a state that is carried in `have`."""
        if bits > have and have < exact_bits(variable.lo, variable.hi):
            raise TooNarrow
        return self.resized(words, have, bits, term)

    def state_bits(self, variable: Term) -> int:
        """How wide a loop's state is carried around."""
        exact = exact_bits(variable.lo, variable.hi)
        return exact if self.demand is None else self.demand.width(variable, exact)

    def low_assume(self, term: Term, bits: int) -> Words:
        return self.low(term.args[0], bits)

    def load(self, term: Term, bits: int) -> Words:
        type, index = self.types[term.data], term.args[0]
        size = type.bytes
        # What is extended with zeros anyway is loaded once, as a word.
        short = type.bits < 32 or (type.bits == 32 and self.target.isa != "riscv64")
        width = 64 if type.bits == 64 or (bits > 32 and (type.signed or not short)) else 32
        if index.op == "const":
            value = self.b.emit("load", width, (self.raw[term.data],), (index.data * size, size, type.signed, 1))[0]
        else:
            at = self.word(index, 64)
            value = self.b.emit("load", width, (self.raw[term.data], at), (0, size, type.signed, size))[0]
        if width == 64 and bits <= 32:
            return (self.b.trunc(value),)
        if bits > width == 32:
            value, width = self.b.extend(value, False, type.bits < 32), 64
        return self.extended((value,), width, bits, term) if bits > width else (value,)

    def low_table(self, term: Term, bits: int) -> Words:
        values: tuple[int, ...] = term.data
        lo, hi = min(values), max(values)
        at = self.word(term.args[0], 64)
        size = next((s for s in (1, 2, 4, 8) if (lo >= 0 and hi < 1 << 8 * s) or
                     (-(1 << 8 * s - 1) <= lo and hi < 1 << 8 * s - 1)), 0)
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


def _at_most(count: Term, length: Term) -> bool:
    """Whether a loop surely has no more rounds than a buffer has elements."""
    if count.bare is length.bare or count.hi <= length.lo:
        return True
    return count.op == "min" and any(_at_most(part, length) for part in count.args)
