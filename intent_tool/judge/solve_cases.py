"""Questions split into cases by the value of a shift's count, a small factor or variable, or what is compared."""

from __future__ import annotations

from collections.abc import Sequence

from intent_tool.judge.assume import refutation, replaced
from intent_tool.judge.bitvector import Graph, Term, topological
from intent_tool.judge.solve_bits import Model, bitwuzla_check
from intent_tool.judge.solve_linear import linear_check

MOST_CASES = 256
_EFFORT = 1_000_000
"""For each case by linear arithmetic, in z3's steps."""


def cases_check(graph: Graph, conditions: Sequence[Term]) -> tuple[str, Model]:
    """As `solve_bits.bitwuzla_check`; ``unknown`` where nothing offers itself for a split."""
    if any(c is graph.false for c in conditions):
        return "unsat", {}
    pivot = _pivot(conditions)
    if pivot is None:
        return "unknown", {}
    is_known = True
    for value in range(pivot.lo, pivot.hi + 1):
        here = replaced(graph, conditions, {pivot: graph.const(value, pivot.width)})
        here.append(graph.eq(pivot, graph.const(value, pivot.width)))
        here = refutation(graph, here, graph.false)
        if any(c is graph.false for c in here):
            continue
        if linear_check(here, _EFFORT)[0] == "unsat":
            continue
        status, model = bitwuzla_check(here)
        if status == "sat":
            return status, model
        is_known = is_known and status == "unsat"
    return ("unsat" if is_known else "unknown"), {}


def _pivot(conditions: Sequence[Term]) -> Term | None:
    """What most shifts and choices hang on, of few possible values."""
    weight: dict[Term, int] = {}
    for t in topological(conditions):
        candidates: Sequence[Term] = ()
        if t.op in ("shl", "lshr", "ashr"):
            candidates = (t.args[1],)
        elif t.op in ("udiv", "urem", "sdiv", "srem", "mul"):
            candidates = t.args
        elif t.op == "var" or (t.op == "ite" and t.args[0].op == "eq" and t.args[0].args[1].op == "const"):
            candidates = (t if t.op == "var" else t.args[0].args[0],)
        for operand in candidates:
            candidate = operand
            while candidate.op in ("zext", "sext"):
                candidate = candidate.args[0]
            if candidate.op != "const" and candidate.hi - candidate.lo < MOST_CASES:
                weight[candidate] = weight.get(candidate, 0) + (1 if t.op == "var" else 4)
    return max(weight, key=lambda t: (weight[t], -t.id), default=None)
