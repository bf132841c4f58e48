"""What is known at a place of a contract: intervals and orderings learnt from the conditions that guard it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from intent_tool.language.terms import UNBOUNDED, Term, Terms

MOST_VISITS = 500
"""Parts of one condition that are looked at; knowing less is always right."""


@dataclass(frozen=True, eq=False)
class Facts:
    """Immutable; `learn` gives a new one. Keys are the ids of bare terms."""

    bounds: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    order: frozenset[tuple[int, int, bool]] = frozenset()
    """(a, b, strict): a < b where strict, else a <= b."""

    def refine(self, terms: Terms, term: Term) -> Term:
        """`term` with the interval that holds here."""
        lo, hi = self.bounds.get(term.bare.id, (term.lo, term.hi))
        if term.op == "sub" and self.order:
            a, b = (t.bare for t in term.args)
            if self.less(b, a):
                lo = max(lo, 1)
            elif self.less_equal(b, a):
                lo = max(lo, 0)
            if self.less(a, b):
                hi = min(hi, -1)
            elif self.less_equal(a, b):
                hi = min(hi, 0)
        return terms.assume(term, lo, hi)

    def less(self, a: Term, b: Term) -> bool:
        """Whether a < b is known."""
        return a.hi < b.lo or (a.bare.id, b.bare.id, True) in self.order

    def less_equal(self, a: Term, b: Term) -> bool:
        """Whether a <= b is known."""
        return a.hi <= b.lo or self.less(a, b) or (a.bare.id, b.bare.id, False) in self.order

    def learn(self, condition: Term, truth: bool = True) -> Facts:
        """What is known besides where `condition` holds (or, with `truth` False, fails)."""
        learning = _Learning(dict(self.bounds), set(self.order))
        learning.condition(condition, truth)
        return Facts(learning.bounds, frozenset(learning.order))


class _Learning:
    def __init__(self, bounds: dict[int, tuple[int, int]], order: set[tuple[int, int, bool]]) -> None:
        self.bounds, self.order = bounds, order
        self.visits = 0

    def range(self, term: Term) -> tuple[int, int]:
        lo, hi = self.bounds.get(term.bare.id, (-UNBOUNDED, UNBOUNDED))
        return max(lo, term.lo), min(hi, term.hi)

    def narrow(self, term: Term, lo: int, hi: int) -> None:
        """Record that `term` lies in lo..hi, and what follows for its operands."""
        old = self.range(term)
        lo, hi = max(lo, old[0]), min(hi, old[1])
        if lo > hi or ((lo, hi) == old and term.bare.id in self.bounds):
            return
        self.bounds[term.bare.id] = (lo, hi)
        if (lo, hi) == old:
            return
        while term.op == "assume":
            term = term.args[0]
        if not term.args:
            return
        first, last = term.args[0], term.args[-1]
        count = last.data if last.op == "const" else None
        match term.op:
            case "add" if count is not None:
                self.narrow(first, lo - count, hi - count)
            case "sub" if first.op == "const":
                self.narrow(last, first.data - hi, first.data - lo)
            case "sub":
                if lo >= 0:
                    self.order.add((last.bare.id, first.bare.id, lo > 0))
                if hi <= 0:
                    self.order.add((first.bare.id, last.bare.id, hi < 0))
            case "shl" if count is not None:
                self.narrow(first, -(-lo >> count), hi >> count)
            case "shr" if count is not None:
                self.narrow(first, lo << count, (hi << count) + (1 << count) - 1)
            case "mul" if count is not None and count > 0:
                self.narrow(first, -(-lo // count), hi // count)
            case "inv":
                self.narrow(first, ~hi, ~lo)
            case "min":
                self.narrow(first, lo, UNBOUNDED)
                self.narrow(last, lo, UNBOUNDED)
            case "max":
                self.narrow(first, -UNBOUNDED, hi)
                self.narrow(last, -UNBOUNDED, hi)
            case "abs":
                self.narrow(first, -hi, hi)
            case "popcount" if lo > 0 and first.lo == 0:
                self.narrow(first, 1, UNBOUNDED)
            case _:
                pass

    def condition(self, condition: Term, truth: bool) -> None:
        self.visits += 1
        if self.visits > MOST_VISITS:
            return
        while condition.op == "assume":
            condition = condition.args[0]
        if condition.op == "ite":
            test, then, otherwise = condition.args
            if then.op == "const" and otherwise.op == "const":
                if bool(then.data) != bool(otherwise.data):
                    self.condition(test, bool(then.data) == truth)
            elif otherwise.op == "const" and bool(otherwise.data) != truth:
                self.condition(test, True)
                self.condition(then, truth)
            elif then.op == "const" and bool(then.data) != truth:
                self.condition(test, False)
                self.condition(otherwise, truth)
            return
        if condition.op not in ("eq", "ne", "lt", "le"):
            self.narrow(condition, *((1, 1) if truth else (0, 0)))
            return
        a, b = condition.args
        if condition.op in ("lt", "le"):
            strict = condition.op == "lt"
            if not truth:
                a, b, strict = b, a, not strict
            self.order.add((a.bare.id, b.bare.id, strict))
            gap = 1 if strict else 0
            self.narrow(a, -UNBOUNDED, self.range(b)[1] - gap)
            self.narrow(b, self.range(a)[0] + gap, UNBOUNDED)
        elif (condition.op == "eq") == truth:
            lo, hi = max(self.range(a)[0], self.range(b)[0]), min(self.range(a)[1], self.range(b)[1])
            self.narrow(a, lo, hi)
            self.narrow(b, lo, hi)
            self.order |= {(a.bare.id, b.bare.id, False), (b.bare.id, a.bare.id, False)}
        else:
            for x, y in ((a, b), (b, a)):
                lo, hi = self.range(x)
                if self.range(y) == (lo, lo):
                    self.narrow(x, lo + 1, hi)
                elif self.range(y) == (hi, hi):
                    self.narrow(x, lo, hi - 1)
