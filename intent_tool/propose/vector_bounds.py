"""The values that a term can have, more exactly than by intervals where the same operand stands in several places.

A sum of products in which no product has an operand twice takes its least and greatest value where each operand has
its own, for it is linear in each of them."""

from __future__ import annotations

from itertools import product

from intent_tool.language.terms import Term

MOST_LEAVES = 6


def bounds(term: Term) -> tuple[int, int]:
    if term.op not in ("add", "sub"):
        return term.lo, term.hi
    degrees = _degrees(term)
    if len(degrees) > MOST_LEAVES or max(degrees.values(), default=0) > 1:
        return term.lo, term.hi
    found = [_value(term, dict(zip(degrees, corner, strict=True)))
             for corner in product(*((leaf.lo, leaf.hi) for leaf in degrees))]
    return max(term.lo, min(found)), min(term.hi, max(found))


def _degrees(term: Term) -> dict[Term, int]:
    """How often each operand stands in one product, at most."""
    if term.op == "const":
        return {}
    if term.op not in ("add", "sub", "mul"):
        return {term: 1}
    a, b = _degrees(term.args[0]), _degrees(term.args[1])
    return {t: a.get(t, 0) + b.get(t, 0) if term.op == "mul" else max(a.get(t, 0), b.get(t, 0)) for t in {**a, **b}}


def _value(term: Term, leaves: dict[Term, int]) -> int:
    if term.op == "const":
        return int(term.data)
    if term in leaves:
        return leaves[term]
    a, b = (_value(t, leaves) for t in term.args)
    return a + b if term.op == "add" else a - b if term.op == "sub" else a * b
