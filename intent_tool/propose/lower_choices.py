"""Comparisons and choices: selects where both arms may be computed and are short, else branches."""

from __future__ import annotations

from intent_tool.language.terms import Term, walk
from intent_tool.propose.demand import exact_bits
from intent_tool.propose.lower_arithmetic import Arithmetic
from intent_tool.propose.lower_values import MOST_WORDS, Scope, Words, common_bits

MOST_SELECTED = 14
"""An arm of more instructions (roughly) than this is branched around."""


class Choices(Arithmetic):
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
        a, b = term.args
        return (self.less(a, b, common_bits(a, b)[0]),)

    def low_le(self, term: Term, bits: int) -> Words:
        a, b = term.args
        return (self.less(a, b, common_bits(a, b)[0], or_equal=True),)

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
        between = self.between(term)
        if between is not None:
            return (between,)
        condition, then, otherwise = term.args
        secret = bool(self.contract.secret)
        arms = (then, otherwise)
        if all(self.total(arm) for arm in arms) and (
                secret or all(arm.op == "const" or self.cost(arm, MOST_SELECTED) < MOST_SELECTED for arm in arms)):
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

    def between(self, term: Term) -> int | None:
        """``low <= x <= high`` (or that it is not) by one unsigned comparison, as in Hacker's Delight, 4-1."""
        found = _range_of(term)
        if found is None:
            return None
        x, low, high, is_inside = found
        bits = exact_bits(min(x.lo, low), max(x.hi, high))
        if bits > 64 or low >= high:
            return None
        above = self.b.op("sub", self.word(x, bits), self.b.const(low, bits))
        size = self.b.const(high - low, bits)
        return self.b.op("ule", above, size) if is_inside else self.b.op("ult", size, above)

    def branch(self, condition: Term, then: Term, otherwise: Term, bits: int) -> Words:
        """Evaluate one arm only."""
        test = self.word(condition, 32)
        self.compute_shared(condition, then, otherwise)
        depth = self.b.block.depth
        before, join = self.b.block, self.b.new_block(depth)
        starts, values = [], []
        for arm in (then, otherwise):
            block = self.b.new_block(depth)
            self.b.start(block)
            starts.append(block)
            self.scopes.append(Scope(None, depth, frozenset(), safe=self.surely(arm)))
            with self.b.scope():
                # Inside of an arm the condition is decided.
                self.scopes[-1].words[condition.id, 32] = (self.b.const(1 if arm is then else 0, 32),)
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

    def compute_shared(self, condition: Term, then: Term, otherwise: Term) -> None:
        """What both arms of a branch need, computed before it, lest each grows its own copy (and chains of choices
        grow as powers of two)."""
        bound = frozenset().union(*(s.variables for s in self.scopes))
        # What may be computed anywhere, and what is surely computed on either way.
        anyway = self.surely(then) & self.surely(otherwise)
        shared = {t.id for t in walk([then])}
        for t in walk([otherwise]):
            if t.id in shared and (t.id in anyway or self.total(t)) and not self.known(t) and self.free(t) <= bound \
                    and t.op not in ("const", "param", "var", "loop", "assume"):
                self.low(t, exact_bits(t.lo, t.hi) if self.demand is None else self.demand.of(t))
        # A choice that each arm makes only sometimes: before the branch, where either of them will. The outermost
        # first, since it holds the others.
        while True:
            both = self.unknown_below(then) & self.unknown_below(otherwise)
            choices = [t for t in both if t.op == "ite" and self.free(t) <= bound]
            if not choices:
                return
            choice = max(choices, key=lambda t: t.id)
            needed = self.terms.ite(condition, self.need(choice, then), self.need(choice, otherwise))
            bits = exact_bits(choice.lo, choice.hi)
            words = self.branch(needed, choice, self.terms.const(0), bits) if needed.op != "const" else \
                self.low(choice, bits)
            self.scopes[-1].words[choice.id, bits] = words

    def unknown_below(self, term: Term) -> set[Term]:
        """The terms that computing `term` may still have to compute."""
        found: set[Term] = set()
        stack = [term]
        while stack:
            t = stack.pop()
            if t not in found and t.op not in ("const", "param", "var") and not self.known(t):
                found.add(t)
                stack.extend(t.args)
        return found

    def need(self, wanted: Term, term: Term) -> Term:
        """The condition under which computing `term` computes `wanted`."""
        terms, needs = self.terms, dict[int, Term]()
        never, always = terms.const(0), terms.const(1)
        below = self.unknown_below(term)
        for t in walk([term]):
            if t is wanted:
                needs[t.id] = always
            elif t not in below:
                needs[t.id] = never
            else:
                inner = [needs[a.id] for a in t.args]
                if t.op == "ite":
                    inner = [inner[0], terms.ite(t.args[0], inner[1], inner[2])]
                needs[t.id] = never
                for one in reversed(inner):
                    needs[t.id] = terms.ite(one, always, needs[t.id])
        return needs[term.id]


def _range_of(term: Term) -> tuple[Term, int, int, bool] | None:
    """What lies between two constants, or outside of them: the value, both constants, whether it is inside."""
    if term.op != "ite":
        return None
    first, yes, no = term.args
    if no.op == "const" and no.data == 0:
        second, is_inside = yes, True
    elif yes.op == "const" and yes.data == 1:
        second, is_inside = no, False
    else:
        return None
    a, b = _limit(first, is_inside), _limit(second, is_inside)
    if a is None or b is None or a[0].bare is not b[0].bare or (a[1] is None) == (b[1] is None):
        return None
    low, high = (a[1], b[2]) if a[1] is not None else (b[1], a[2])
    assert low is not None and high is not None
    return (a[0], low, high, is_inside)


def _limit(condition: Term, is_inside: bool) -> tuple[Term, int | None, int | None] | None:
    """Of a comparison with a constant: the value, and the least or the most that it is where the comparison holds
    (with `is_inside` False: fails)."""
    if condition.op not in ("lt", "le"):
        return None
    a, b = condition.args
    strict = condition.op == "lt"
    if not is_inside:
        a, b, strict = b, a, not strict
    if a.op == "const" and b.op != "const":
        return b, a.data + strict, None
    if b.op == "const" and a.op != "const":
        return a, None, b.data - strict
    return None


def _is_condition(term: Term) -> bool:
    return term.lo >= 0 and term.hi <= 1
