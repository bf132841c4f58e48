"""Folds: unrolled into terms, or made loops with intervals that hold in every round."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from intent_tool.language import tree
from intent_tool.language.diagnostics import Span
from intent_tool.language.elaborate_values import (
    CannotElaborate,
    Env,
    Filtered,
    Items,
    Mapped,
    Obligation,
    Value,
    Values,
)
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
        found: tuple[Loop, list[Interval], list[Obligation]] | None = None
        for attempt in range(14):
            del self.open[mark:]
            index = terms.var(0, max(count.hi - 1, 0))
            states = tuple(terms.var(lo, hi) for lo, hi in bounds)
            inside = facts.learn(terms.binary("lt", index, count))
            following = step(self.at(sequence, index, inside, span), states, inside)
            # One round at first: what it adds may be what a remainder soon takes away. Where one round leads nowhere
            # new, it adds nothing, and no number of rounds does.
            rounds = count.hi if attempt else 1
            reached = [_reach(start, state, after, rounds)
                       for start, state, after in zip(initial, states, following, strict=True)]
            if all(b[0] <= r[0] and r[1] <= b[1] for b, r in zip(bounds, reached, strict=True)):
                is_narrowed = found is not None
                found = Loop(index, states, following, span), bounds, self.open[mark:]
                if is_narrowed or reached == bounds:
                    break
                # Widening may have gone too far: once the other way.
                bounds = reached
                continue
            if found is not None:
                break
            bounds = [_widen((min(b[0], r[0]), max(b[1], r[1])), attempt)
                      for b, r in zip(bounds, reached, strict=True)]
            if any(hi > WIDEST or lo < -WIDEST for lo, hi in bounds):
                break
        if found is not None:
            body, bounds, self.open[mark:] = found
            return tuple(facts.refine(terms, t) for t in terms.loop(count, initial, body, bounds))
        raise CannotElaborate(span, "a fold whose values grow without a bound that the intervals can find",
                              "wrap the state into a type, such as u32(...), or bound it with min()")


Interval = tuple[int, int]


def _reach(start: Term, state: Term, after: Term, rounds: int) -> Interval:
    """What a state can be, given the interval of `state` that `after` was computed with.

    A round adds an amount (a running sum, a counter) or sets the state anew; the sum over all rounds bounds what
    is added to the start or to what was set."""
    added, anew = _change(after, state)
    lo, hi = _hull((start.lo, start.hi), anew) or (start.lo, start.hi)
    if added is not None:
        lo, hi = lo + rounds * min(0, added[0]), hi + rounds * max(0, added[1])
    return lo, hi


def _change(after: Term, state: Term) -> tuple[Interval | None, Interval | None]:
    """What is added to `state` where `after` is a sum with it, and the values of `after` where it is none."""
    known: dict[int, tuple[Interval | None, Interval | None]] = {}
    for t in _upward(after):
        added: Interval | None = None
        anew: Interval | None = t.lo, t.hi
        inner = [known[a.id] for a in t.args]
        if t is state:
            added, anew = (0, 0), None
        elif t.op == "assume":
            added, anew = inner[0]
        elif t.op in ("add", "sub"):
            a, b = t.args
            if inner[0][0] is not None and inner[1][0] is None:
                other = (b.lo, b.hi) if t.op == "add" else (-b.hi, -b.lo)
                added, anew = _plus(inner[0][0], other), _plus(inner[0][1], other)
            elif t.op == "add" and inner[1][0] is not None and inner[0][0] is None:
                added, anew = _plus(inner[1][0], (a.lo, a.hi)), _plus(inner[1][1], (a.lo, a.hi))
        elif t.op in ("ite", "min", "max"):
            # Each of these gives one of its last two operands.
            added, anew = (_hull(x, y) for x, y in zip(inner[-2], inner[-1], strict=True))
        known[t.id] = added, _clip(anew, t)
    return known[after.id]


def _hull(a: Interval | None, b: Interval | None) -> Interval | None:
    return b if a is None else a if b is None else (min(a[0], b[0]), max(a[1], b[1]))


def _clip(a: Interval | None, t: Term) -> Interval | None:
    return None if a is None or max(a[0], t.lo) > min(a[1], t.hi) else (max(a[0], t.lo), min(a[1], t.hi))


def _plus(a: Interval | None, b: Interval) -> Interval | None:
    return None if a is None else (a[0] + b[0], a[1] + b[1])


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
