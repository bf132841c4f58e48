"""Questions taken apart: terms that are equal are found by their values on samples, proved equal one after the other
from the leaves up, and replaced by one of them.

So a chain of divisions, where contract and code differ at every link, becomes one small question a link. (SAT
sweeping: Kuehlmann and Krohm, "Equivalence checking using cuts and heaps", 1997.)
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from intent_tool.judge.assume import rebuilt, refutation
from intent_tool.judge.bitvector import Graph, Term, topological, value_of
from intent_tool.judge.solve_bits import Model, bitwuzla_check
from intent_tool.judge.solve_linear import linear_check

_SAMPLES = 96
_TRIES = 40
"""Inputs tried for each sample that the assumptions let pass."""
_EFFORT = 400_000
"""Of z3 on each small question, in its own steps."""
_SECONDS = 0.4
"""Of bitwuzla, in processor time."""
_RIVALS = 3
_ROUNDS = 4
_ENOUGH = 32
"""Samples without which nothing is guessed about how large a term gets."""
"""Terms of equal values that one is compared with."""


def sweep_check(graph: Graph, conditions: Sequence[Term]) -> tuple[str, Model]:
    """As `solve_bits.bitwuzla_check`."""
    *assumptions, negated = conditions
    samples = _samples(assumptions, negated)
    swept = _Sweep(graph, assumptions, samples).run(graph.not_(negated))
    final = refutation(graph, assumptions, swept)
    if final == [graph.false]:
        return "unsat", {}
    if linear_check(final, 4 * _EFFORT)[0] == "unsat":
        return "unsat", {}
    return bitwuzla_check(final)


class _Sweep:
    def __init__(self, graph: Graph, assumptions: Sequence[Term], samples: Sequence[Model]) -> None:
        self.graph, self.assumptions, self.samples = graph, assumptions, samples
        self.values: dict[int, tuple[int, ...]] = {}
        """A term's values on the samples, by its id."""
        self.asked: dict[Term, bool] = {}
        self.classes: dict[tuple[int, ...], list[Term]] = {}

    def run(self, goal: Term) -> Term:
        """The goal with equal terms made one. What is put together anew simplifies to terms that have not been
        looked at, hence the rounds."""
        for _ in range(_ROUNDS):
            swept = self._round(goal)
            if swept is goal or swept.is_const:
                return swept
            goal = swept
        return goal

    def _round(self, goal: Term) -> Term:
        known: dict[int, Term] = {}
        for t in topological([goal]):
            arguments = tuple(known[a.id] for a in t.args)
            new = t if all(a is b for a, b in zip(arguments, t.args, strict=True)) else rebuilt(
                self.graph, t, arguments)
            known[t.id] = self._canonical(self._narrowed(new))
        return known[goal.id]

    def _narrowed(self, t: Term) -> Term:
        """The term as an extension of a narrower one, where the samples suggest it and it can be proved: what is
        known to be small, or not negative, makes simpler terms of all that is built on it."""
        if t.op not in ("sum", "mul", "ite", "extract", "xor", "sdiv", "srem"):
            return t
        graph, width = self.graph, t.width
        values = self._values(t)
        if width == 1 or len(values) < _ENOUGH:
            return t
        need = max(max(values).bit_length(), 1)
        if need + 2 <= t.hi.bit_length() and need < width:
            if self._equal(graph.extract(t, width - 1, need), graph.const(0, width - need)):
                return graph.zext(graph.extract(t, need - 1, 0), width)
        elif max(values) < 1 << (width - 1) <= t.hi and self._equal(
                graph.extract(t, width - 1, width - 1), graph.const(0, 1)):
            return graph.zext(graph.extract(t, width - 2, 0), width)
        return t

    def _canonical(self, t: Term) -> Term:
        """An earlier term of the same value, or `t`."""
        values = self._values(t)
        if t.width == 1 or t.op in ("const", "var", "zext", "sext", "not"):
            return t
        rivals = self.classes.setdefault(values, [])
        if t in rivals:
            return t
        for rival in rivals[:_RIVALS]:
            width = max(t.width, rival.width)
            if self._equal(self.graph.zext(rival, width), self.graph.zext(t, width)):
                # What is equal as a number has zeros above.
                return self.graph.zext(rival, t.width) if t.width >= rival.width else self.graph.extract(
                    rival, t.width - 1, 0)
        rivals.append(t)
        return t

    def _equal(self, a: Term, b: Term) -> bool:
        question = self.graph.eq(a, b)
        if question not in self.asked:
            self.asked[question] = self._follows(question)
        return self.asked[question]

    def _follows(self, question: Term) -> bool:
        conditions = refutation(self.graph, self.assumptions, question)
        if conditions == [self.graph.false]:
            return True
        if linear_check(conditions, _EFFORT)[0] == "unsat":
            return True
        return bitwuzla_check(conditions, _SECONDS)[0] == "unsat"

    def _values(self, root: Term) -> tuple[int, ...]:
        for t in topological([root]):
            if t.id not in self.values:
                columns = [self.values[a.id] for a in t.args]
                self.values[t.id] = tuple(value_of(t, [c[i] for c in columns], sample)
                                          for i, sample in enumerate(self.samples))
        return self.values[root.id]


def _samples(assumptions: Sequence[Term], goal: Term) -> list[Model]:
    """Inputs at which the assumptions hold."""
    rng = random.Random(1)
    order = topological([*assumptions, goal])
    names = [t for t in order if t.op == "var"]
    checked = topological(assumptions)
    found: list[Model] = []
    for _ in range(_SAMPLES * _TRIES):
        model = {t.data: _value(t, rng) for t in names}
        values: dict[int, int] = {}
        for t in checked:
            values[t.id] = value_of(t, [values[a.id] for a in t.args], model)
        if all(values[a.id] for a in assumptions):
            found.append(model)
            if len(found) == _SAMPLES:
                break
    return found


def _value(t: Term, rng: random.Random) -> int:
    """Within the variable's bounds."""
    lo, hi = t.lo, t.hi
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice((lo, hi, min(lo + 1, hi)))
    if kind == 1:
        return min(max(rng.getrandbits(rng.randrange(1, t.width + 1)), lo), hi)
    return rng.randint(lo, hi)
