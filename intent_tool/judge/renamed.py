"""Claims that are others under other names: lanes of vectors come to the same question, each for its own element."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from intent_tool.judge.assume import literals
from intent_tool.judge.bitvector import Term, topological
from intent_tool.judge.portfolio import Question
from intent_tool.judge.prove import Claim

MOST_TERMS = 5_000
"""Of a question that is looked at."""


def distinct(claims: Iterable[Claim], known: str) -> Iterator[Claim]:
    """The claims without those that follow by themselves, or from an earlier one of the same text by renaming its
    variables.

    What is assumed of other variables than the goal's has to be the same; variables whose names start with `known`,
    of which more is assumed later, are never renamed."""
    open_claims = [c for c in claims if not (c.question.goal.is_const and c.question.goal.data)]
    many = Counter(c.what for c in open_claims)
    shapes = _Shapes(known)
    seen = set()
    for claim in open_claims:
        if many[claim.what] > 1:
            shape = shapes.of(claim.question)
            if shape is not None and (claim.what, shape) in seen:
                continue
            seen.add((claim.what, shape))
        yield claim


@dataclass
class _Shapes:
    known: str
    names: dict[Term, frozenset[str]] = field(default_factory=dict)
    """The variables below conditions."""

    def of(self, question: Question) -> tuple[object, ...] | None:
        """What the question is apart from the names of variables that hang together with the goal's; None where
        they have to be those."""
        names = self.variables(question.goal)
        apart = list(literals(question.assumptions))
        about: list[tuple[Term, bool]] = []
        while found := [a for a in apart if not names.isdisjoint(self.variables(a[0]))]:
            about += found
            names = names.union(*(self.variables(t) for t, _ in found))
            apart = [a for a in apart if a not in found]
        if any(name.startswith(self.known) for name in names):
            return None
        order = topological([*(t for t, _ in about), question.goal])
        if len(order) > MOST_TERMS:
            return None
        numbers: dict[str, int] = {}
        places = {t: k for k, t in enumerate(order)}
        terms = tuple(
            (t.op, t.width, numbers.setdefault(t.data, len(numbers)), t.lo, t.hi, t.slo, t.shi) if t.op == "var" else
            (t.op, t.width, t.data, *(places[a] for a in t.args)) for t in order)
        return (terms, tuple((places[t], holds) for t, holds in about), places[question.goal], frozenset(apart))

    def variables(self, condition: Term) -> frozenset[str]:
        known = self.names.get(condition)
        if known is None:
            known = self.names[condition] = frozenset(t.data for t in topological([condition]) if t.op == "var")
        return known
