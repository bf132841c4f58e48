"""A fold's state spread over the lanes of registers: their sum, their least, their union."""

from __future__ import annotations

import random
from collections.abc import Sequence

from intent_tool.judge.assume import replaced
from intent_tool.judge.bitvector import Graph, Term, evaluate, variables

EXTREMES = ("umin", "umax", "smin", "smax")
OPERATORS = ("sum", "xor", "and", "or", *EXTREMES)
_SHARED = 4
"""Variables of addends that are looked at by themselves."""
_TRIED = 4
_LOOKED_AT = 400
"""Terms, in the search for what tells paths apart."""


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


def equal(graph: Graph, a: Term, b: Term, depth: int = 4) -> Term:
    """What makes two values equal; least and greatest values of the same ones in another order are, at no cost."""
    while a.op == b.op and a.op in ("zext", "sext") and a.args[0].width == b.args[0].width:
        a, b = a.args[0], b.args[0]
    if a is b:
        return graph.true
    low = min((t.args[0].width for t in (a, b) if t.op == "zext"), default=a.width)
    if low < a.width and all(t.op in ("zext", "const", "ite") and t.hi < 1 << low for t in (a, b)):
        return equal(graph, graph.extract(a, low - 1, 0), graph.extract(b, low - 1, 0), depth)
    for operator in EXTREMES:
        members = _members(operator, a)
        if len(members) > 1 and members == _members(operator, b):
            return graph.true
    test = _test(a) or _test(b)
    if test is None or not depth:
        # What the parts show one by one is hard to see of all together.
        return _parts(graph, graph.sub(a, b)) or graph.eq(a, b)
    # Each way by itself: paths that met stand as a choice, outside of a least value or inside.
    ways = []
    for value in (graph.true, graph.false):
        x, y = replaced(graph, [a, b], {test: value})
        ways.append(equal(graph, x, y, depth - 1))
    return graph.and_(graph.or_(graph.not_(test), ways[0]), graph.or_(test, ways[1]))


def _parts(graph: Graph, difference: Term) -> Term | None:
    """Whether a sum is 0 since those of its addends that share variables are constant together, and these constants
    make 0; None where all of them hang together."""
    while difference.op in ("zext", "sext"):
        difference = difference.args[0]
    if difference.op != "sum":
        return None
    coefficients, constant = difference.data
    width = difference.width
    groups: list[tuple[set[str], list[tuple[int, Term]]]] = []
    for coefficient, atom in zip(coefficients, difference.args, strict=True):
        names, members = set(variables([atom])), [(coefficient, atom)]
        apart = []
        for group in groups:
            if group[0] & names:
                names |= group[0]
                members += group[1]
            else:
                apart.append(group)
        groups = [*apart, (names, members)]
    if len(groups) < 2 or any(len(names) > _SHARED for names, _ in groups):
        return None
    total, found = constant, graph.true
    for _, members in groups:
        part = graph.linear(members, 0, width)
        (value,) = evaluate([part], {})
        total += value
        found = graph.and_(found, graph.eq(part, graph.const(value, width)))
    if total % (1 << width):
        return None
    # More is asked here than has to be: not where it is seen to fail.
    source, free = random.Random(1), variables([found])
    for _ in range(_TRIED):
        values = {name: t.lo + source.getrandbits(t.width) % (t.hi - t.lo + 1) for name, t in free.items()}
        if not evaluate([found], values)[0]:
            return None
    return found


def settled(graph: Graph, condition: Term) -> Term:
    """A condition with the equations in it that `equal` decides."""
    if condition.op == "eq":
        return equal(graph, condition.args[0], condition.args[1])
    if condition.op in ("and", "or") and condition.width == 1:
        a, b = (settled(graph, c) for c in condition.args)
        return graph.and_(a, b) if condition.op == "and" else graph.or_(a, b)
    return condition


def _test(term: Term) -> Term | None:
    """The condition of the first choice that is not one of the lesser or the greater of two values."""
    seen: set[Term] = set()
    waiting = [term]
    while waiting:
        t = waiting.pop()
        if t in seen or len(seen) > _LOOKED_AT:
            continue
        seen.add(t)
        while t.op in ("zext", "sext"):
            t = t.args[0]
        if t.op != "ite":
            continue
        if any(_arms(operator, t) for operator in EXTREMES):
            waiting += t.args[1:]
            continue
        test = t.args[0]
        return test.args[0] if test.op == "not" else test
    return None


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
