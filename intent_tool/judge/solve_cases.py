"""Questions split into cases by the value of a shift's count, a table's index or a small variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from intent_tool.judge.bitvector import Graph, Term, topological
from intent_tool.judge.solve_bits import Model, bitwuzla_check

MOST_CASES = 256


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
        if any(c is graph.false for c in here):
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
        elif t.op == "var":
            candidates = (t,)
        for operand in candidates:
            candidate = operand
            while candidate.op in ("zext", "sext"):
                candidate = candidate.args[0]
            if candidate.op != "const" and candidate.hi - candidate.lo < MOST_CASES:
                weight[candidate] = weight.get(candidate, 0) + (1 if t.op == "var" else 4)
    return max(weight, key=lambda t: (weight[t], -t.id), default=None)


def replaced(graph: Graph, roots: Sequence[Term], by: Mapping[Term, Term]) -> list[Term]:
    """The roots with some terms replaced by others of the same value, simplified anew."""
    known: dict[int, Term] = {t.id: new for t, new in by.items()}
    for t in topological(roots):
        if t.id not in known:
            arguments = tuple(known[a.id] for a in t.args)
            known[t.id] = t if all(a is b for a, b in zip(arguments, t.args, strict=True)) else rebuilt(
                graph, t, arguments)
    return [known[r.id] for r in roots]


def rebuilt(graph: Graph, t: Term, a: tuple[Term, ...]) -> Term:
    """The operation of `t` applied to other arguments."""
    match t.op:
        case "sum":
            return graph.linear(zip(t.data[0], a, strict=True), t.data[1], t.width)
        case "and" | "or" | "not":
            made: Term = getattr(graph, t.op + "_")(*a)
            return made
        case "extract":
            return graph.extract(a[0], *t.data)
        case "zext" | "sext" | "popcount" | "clz" | "ctz":
            made = getattr(graph, t.op)(a[0], t.width)
            return made
        case "table":
            return graph.table(a[0], 0, t.data, t.width)
    made = getattr(graph, t.op)(*a)
    return made
