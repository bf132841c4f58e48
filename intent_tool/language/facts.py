"""What is known at a place of a contract: intervals and differences learnt from the conditions that guard it."""

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
    differences: Mapping[tuple[int, int], int] = field(default_factory=dict)
    """(a, b) to the most that a - b can be, for a and b without their constant addends."""
    not_zero: frozenset[int] = frozenset()

    def refine(self, terms: Terms, term: Term) -> Term:
        """`term` with the interval that holds here."""
        lo, hi = self.bounds.get(term.bare.id, (term.lo, term.hi))
        if term.op == "sub" and self.differences:
            a, b = term.args
            most, least = self.most(a, b), self.most(b, a)
            lo = lo if least is None else max(lo, -least)
            hi = hi if most is None else min(hi, most)
        elif term.op in ("lt", "le"):
            a, b = term.args
            slack = -1 if term.op == "lt" else 0
            if self.less_equal(a, b, slack):
                return terms.const(1)
            if self.less_equal(b, a, -1 - slack):
                return terms.const(0)
        return terms.assume(term, lo, hi)

    def most(self, a: Term, b: Term) -> int | None:
        """The most that a - b can be, if an ordering says so."""
        (x, c), (y, d) = _split(a), _split(b)
        known = 0 if x == y else self.differences.get((x, y))
        return None if known is None else known + c - d

    def less(self, a: Term, b: Term) -> bool:
        """Whether a < b is known."""
        return self.less_equal(a, b, -1)

    def less_equal(self, a: Term, b: Term, slack: int = 0) -> bool:
        """Whether a <= b + slack is known."""
        if a.op in ("min", "max") or b.op in ("min", "max"):
            # One step is enough for lengths, as of a buffer without its first element.
            pairs = [(x, b) for x in a.args] if a.op in ("min", "max") else [(a, y) for y in b.args]
            every = a.op == "max" or (a.op != "min" and b.op == "min")
            if (all if every else any)(self.below(x, y, slack) for x, y in pairs):
                return True
        return self.below(a, b, slack)

    def below(self, a: Term, b: Term, slack: int) -> bool:
        most = self.most(a, b)
        return self.interval(a)[1] - self.interval(b)[0] <= slack or (most is not None and most <= slack)

    def interval(self, term: Term) -> tuple[int, int]:
        lo, hi = self.bounds.get(term.bare.id, (term.lo, term.hi))
        return max(lo, term.lo), min(hi, term.hi)

    def learn(self, condition: Term, truth: bool = True) -> Facts:
        """What is known besides where `condition` holds (or, with `truth` False, fails)."""
        learning = _Learning(dict(self.bounds), dict(self.differences), set(self.not_zero))
        learning.condition(condition, truth)
        return Facts(learning.bounds, learning.differences, frozenset(learning.not_zero))


def _split(term: Term) -> tuple[int, int]:
    """The id of a bare term without its constant addend, and that constant."""
    bare = term.bare
    if bare.op == "add" and bare.args[1].op == "const":
        return bare.args[0].bare.id, bare.args[1].data
    return bare.id, 0


class _Learning:
    def __init__(self, bounds: dict[int, tuple[int, int]], differences: dict[tuple[int, int], int],
                 not_zero: set[int]) -> None:
        self.bounds, self.differences, self.not_zero = bounds, differences, not_zero
        self.visits = 0

    def range(self, term: Term) -> tuple[int, int]:
        lo, hi = self.bounds.get(term.bare.id, (-UNBOUNDED, UNBOUNDED))
        return max(lo, term.lo), min(hi, term.hi)

    def ordered(self, a: Term, b: Term, most: int) -> None:
        """Record that a - b is at most `most`."""
        (x, c), (y, d) = _split(a), _split(b)
        most += d - c
        self.differences[x, y] = min(most, self.differences.get((x, y), most))

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
                self.ordered(first, last, hi)
                self.ordered(last, first, -lo)
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
            gap = 1 if strict else 0
            self.ordered(a, b, -gap)
            self.narrow(a, -UNBOUNDED, self.range(b)[1] - gap)
            self.narrow(b, self.range(a)[0] + gap, UNBOUNDED)
        elif (condition.op == "eq") == truth:
            lo, hi = max(self.range(a)[0], self.range(b)[0]), min(self.range(a)[1], self.range(b)[1])
            self.narrow(a, lo, hi)
            self.narrow(b, lo, hi)
            self.ordered(a, b, 0)
            self.ordered(b, a, 0)
        else:
            for x, y in ((a, b), (b, a)):
                lo, hi = self.range(x)
                if self.range(y) == (0, 0):
                    self.not_zero.add(x.bare.id)
                if self.range(y) == (lo, lo):
                    self.narrow(x, lo + 1, hi)
                elif self.range(y) == (hi, hi):
                    self.narrow(x, lo, hi - 1)
