"""A fold's state spread over the lanes of registers: their sum, their least, their union."""

from __future__ import annotations

from collections.abc import Sequence

from intent_tool.judge.bitvector import Graph, Term

OPERATORS = ("sum", "xor", "and", "or", "umin", "umax", "smin", "smax")


def gathered(graph: Graph, operator: str, lanes: Sequence[Term]) -> Term:
    """All lanes as one value of their width."""
    if operator == "sum":
        return graph.linear([(1, lane) for lane in lanes], 0, lanes[0].width)
    total = lanes[0]
    for lane in lanes[1:]:
        if operator in ("xor", "and", "or"):
            total = {"xor": graph.xor, "and": graph.and_, "or": graph.or_}[operator](total, lane)
        else:
            less = graph.ult(lane, total) if operator[0] == "u" else graph.slt(lane, total)
            first, second = (lane, total) if operator.endswith("min") else (total, lane)
            total = graph.ite(less, first, second)
    return total


def equal(graph: Graph, operator: str, a: Term, b: Term) -> Term:
    """Whether two such values are equal: those of the same lanes in another order are."""
    if operator.endswith(("min", "max")) and _members(operator, a) == _members(operator, b):
        return graph.true
    return graph.eq(a, b)


def _members(operator: str, term: Term) -> frozenset[Term]:
    """The values of which `term` is the least, or the greatest, as far as its choices show."""
    found: set[Term] = set()
    stack = [term]
    while stack:
        t = stack.pop()
        arms = _arms(operator, t)
        if arms is None:
            found.add(t)
        else:
            stack += arms
    return frozenset(found)


def _arms(operator: str, t: Term) -> tuple[Term, Term] | None:
    """The two values of a choice of the lesser, or of the greater."""
    if t.op != "ite":
        return None
    test, then, otherwise = t.args
    if test.op == "not":
        test, then, otherwise = test.args[0], otherwise, then
    if test.op != ("ult" if operator[0] == "u" else "slt"):
        return None
    wanted = (then, otherwise) if operator.endswith("min") else (otherwise, then)
    return (then, otherwise) if test.args == wanted else None
