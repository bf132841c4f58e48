"""Terms as sums of terms times constant factors."""

from __future__ import annotations

from intent_tool.language.terms import Term

Linear = dict[Term | None, int]
"""The factor of each term; None stands for 1."""


def linear(term: Term, factor: int = 1) -> Linear:
    term = term.bare
    if term.op == "const":
        return {None: factor * term.data}
    if term.op in ("add", "sub"):
        a, b = linear(term.args[0], factor), linear(term.args[1], factor if term.op == "add" else -factor)
        return {t: a.get(t, 0) + b.get(t, 0) for t in {**a, **b}}
    if term.op == "mul" and term.args[1].op == "const":
        return linear(term.args[0], factor * term.args[1].data)
    return {term: factor}


def least(total: Linear) -> int:
    """A bound from below."""
    return sum(f if t is None else min(f * t.lo, f * t.hi) for t, f in total.items())
