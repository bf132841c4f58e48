"""Folds: unrolled into terms, or made loops with intervals that hold in every round."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from intent_tool.language import tree
from intent_tool.language.diagnostics import Span
from intent_tool.language.elaborate_values import CannotElaborate, Env, Filtered, Items, Mapped, Value, Values
from intent_tool.language.facts import Facts
from intent_tool.language.terms import Loop, Term

WIDEST = 1 << 512

Step = Callable[[Value, tuple[Term, ...], Facts], tuple[Term, ...]]


class Folds(Values):
    def fold(self, sequence: Items | Mapped | Filtered, states: tuple[Term, ...], step: Step, facts: Facts,
             span: Span) -> tuple[Term, ...]:
        """Fold from the left. Unrolled where that stays small, else a `loop`."""
        if isinstance(sequence, Filtered):
            return self.fold_clauses(sequence, sequence.node.clauses, sequence.env, states, step, facts)
        count = self.length(sequence)
        if count.hi <= 0:
            return states
        loopable = isinstance(sequence, Mapped) or all(
            isinstance(v, Term) and v.op == "const" for v in sequence.items)
        if count.op != "const":
            return self.loop(sequence, states, step, facts, span)
        start, before = states, self.terms.count
        mark = len(self.open)
        for k in range(count.data):
            states = step(self.at(sequence, self.terms.const(k), facts, span), states, facts)
            if loopable and k >= 1 and (self.terms.count - before) // (k + 1) * count.data > self.unroll:
                saved = self.open[mark:]
                del self.open[mark:]
                try:
                    return self.loop(sequence, start, step, facts, span)
                except CannotElaborate:
                    # The intervals grew without end, or a part needs a constant index: stay with the unrolled form.
                    del self.open[mark:]
                    self.open += saved
                    loopable = False
        return states

    def fold_clauses(self, sequence: Filtered, clauses: tuple[tree.Clause, ...], env: Env, states: tuple[Term, ...],
                     step: Step, facts: Facts) -> tuple[Term, ...]:
        if not clauses:
            return step(self.eval(sequence.node.element, env, facts), states, facts)
        clause = clauses[0]
        source = self.sequence(self.eval(clause.sequence, env, facts), clause.span)

        def inner(element: Value, current: tuple[Term, ...], here: Facts) -> tuple[Term, ...]:
            bound = self.bind(clause.target, element, env)
            kept: Term = self.terms.const(1)
            for condition in clause.conditions:
                test = self.terms.truth(self.integer(condition, bound, here))
                kept = self.terms.ite(kept, test, self.terms.const(0))
                here = here.learn(test)
            if kept.op == "const" and kept.data == 0:
                return current
            following = self.fold_clauses(sequence, clauses[1:], bound, current, step, here)
            return tuple(self.terms.ite(kept, a, b) for a, b in zip(following, current, strict=True))
        return self.fold(source, states, inner, facts, clause.span)

    def loop(self, sequence: Items | Mapped, initial: tuple[Term, ...], step: Step, facts: Facts,
             span: Span) -> tuple[Term, ...]:
        """A `loop` term; intervals of the states by widening until one more round stays inside them."""
        terms, count = self.terms, self.length(sequence)
        bounds = [(s.lo, s.hi) for s in initial]
        mark = len(self.open)
        for attempt in range(14):
            del self.open[mark:]
            index = terms.var(0, max(count.hi - 1, 0))
            states = tuple(terms.var(lo, hi) for lo, hi in bounds)
            inside = facts.learn(terms.binary("lt", index, count))
            following = step(self.at(sequence, index, inside, span), states, inside)
            reached = [_reach(start, state, after, count.hi)
                       for start, state, after in zip(initial, states, following, strict=True)]
            if all(b[0] <= r[0] and r[1] <= b[1] for b, r in zip(bounds, reached, strict=True)):
                body = Loop(index, states, following, span)
                return tuple(facts.refine(terms, t) for t in terms.loop(count, initial, body, bounds))
            bounds = [_widen((min(b[0], r[0]), max(b[1], r[1])), attempt)
                      for b, r in zip(bounds, reached, strict=True)]
            if any(hi > WIDEST or lo < -WIDEST for lo, hi in bounds):
                break
        raise CannotElaborate(span, "a fold whose values grow without a bound that the intervals can find",
                              "wrap the state into a type, such as u32(...), or bound it with min()")


def _reach(start: Term, state: Term, after: Term, rounds: int) -> tuple[int, int]:
    """What a state can be, given the interval of `state` that `after` was computed with.

    Where a round adds an amount (a running sum, a counter) the sum over all rounds bounds it."""
    step = _increment(after, state)
    if step is not None:
        return start.lo + rounds * min(0, step[0]), start.hi + rounds * max(0, step[1])
    return min(start.lo, after.lo), max(start.hi, after.hi)


def _increment(after: Term, state: Term) -> tuple[int, int] | None:
    """The interval of `after` - `state`, where `after` is `state` with amounts added to it."""
    known: dict[int, tuple[int, int] | None] = {}
    for t in _upward(after):
        found: tuple[int, int] | None = None
        inner = [known[a.id] for a in t.args]
        if t is state:
            found = 0, 0
        elif t.op == "assume":
            found = inner[0]
        elif t.op == "add":
            for this, other in ((inner[0], t.args[1]), (inner[1], t.args[0])):
                if this is not None:
                    found = this[0] + other.lo, this[1] + other.hi
        elif t.op == "sub" and inner[0] is not None:
            found = inner[0][0] - t.args[1].hi, inner[0][1] - t.args[1].lo
        elif t.op == "ite" and inner[1] is not None and inner[2] is not None:
            found = min(inner[1][0], inner[2][0]), max(inner[1][1], inner[2][1])
        known[t.id] = found
    return known[after.id]


def _upward(root: Term) -> Iterator[Term]:
    """Every term below `root`, each once, operands first."""
    seen: set[int] = set()
    stack = [(root, False)]
    while stack:
        term, done = stack.pop()
        if done:
            yield term
        elif term.id not in seen:
            seen.add(term.id)
            stack.append((term, True))
            stack.extend((a, False) for a in term.args)


def _widen(bounds: tuple[int, int], attempt: int) -> tuple[int, int]:
    lo, hi = bounds
    if attempt >= 2:
        sizes = (1, 7, 8, 15, 16, 31, 32, 63, 64, 96, 128, 192, 256, 513)
        hi = hi if hi <= 0 else next(((1 << s) - 1 for s in sizes if hi < 1 << s), 1 << 600)
        lo = lo if lo >= 0 else next((-(1 << s) for s in sizes if lo >= -(1 << s)), -(1 << 600))
        # A lower bound that keeps sinking below a start above zero settles at zero first.
        lo = 0 if lo > 0 else lo
    return lo, hi
