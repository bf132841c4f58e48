"""A fold's state spread over the lanes of registers: their sum, their least, their union, whether all are set."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence

from intent_tool.judge.assume import replaced
from intent_tool.judge.bitvector import Graph, Term, evaluate, topological, variables

EXTREMES = ("umin", "umax", "smin", "smax")
MASKS = {"all": "and", "any": "or"}
"""Of lanes that are all ones or all zeros: how their bits make a truth value."""
BITWISE = ("xor", "and", "or")
OPERATORS = ("sum", *BITWISE, *EXTREMES, *MASKS)
_SHARED = 4
"""Variables of addends that are looked at by themselves."""
_TRIED = 4
_LOOKED_AT = 400
"""Terms, in the search for what tells paths apart."""


def gathered(graph: Graph, operator: str, lanes: Sequence[Term]) -> Term:
    """All lanes as one value of their width; of masks, one bit."""
    if operator in MASKS:
        return gathered(graph, MASKS[operator], [graph.extract(lane, 0, 0) for lane in lanes])
    if operator == "sum":
        return graph.linear([(1, lane) for lane in lanes], 0, lanes[0].width)
    total = lanes[0]
    for lane in lanes[1:]:
        if operator in BITWISE:
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
    for operator in BITWISE:
        if operator in (a.op, b.op) and _operands(operator, a) == _operands(operator, b):
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
    difference = _opposites(graph, _bytewise(graph, difference))
    if difference.op != "sum":
        return graph.eq(difference, graph.const(0, difference.width)) if difference.is_const else None
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
        part = _renamed(graph, graph.linear(members, 0, width))
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


def _opposites(graph: Graph, total: Term) -> Term:
    """The sum, with a condition's opposite as 1 less the condition."""
    if total.op != "sum":
        return total
    coefficients, constant = total.data
    addends = []
    for coefficient, atom in zip(coefficients, total.args, strict=True):
        if atom.op == "zext" and atom.args[0].width == 1 and atom.args[0].op == "not":
            addends.append((-coefficient, graph.zext(atom.args[0].args[0], total.width)))
            constant += coefficient
        else:
            addends.append((coefficient, atom))
    return graph.linear(addends, constant, total.width)


def _bytewise(graph: Graph, term: Term) -> Term:
    """The term, whose counts of the ones in words are sums over the words' bytes, each byte of a variable a variable
    of its own: whatever the variable is, they can be that."""
    counts = [t for t in topological([term]) if t.op == "popcount" and t.args[0].width > 8]
    by: dict[Term, Term] = {}
    for t in topological([c.args[0] for c in counts]):
        if t.op == "var" and t.width > 8:
            ends = range(0, t.width, 8)
            parts = [graph.var(f"byte {k // 8} of {t.data}", min(8, t.width - k)) for k in ends]
            by[t] = functools.reduce(lambda low, high: graph.concat(high, low), parts)
    for t in counts:
        (word,) = replaced(graph, t.args, by)
        by[t] = graph.linear([(1, graph.popcount(graph.extract(word, min(k + 7, word.width - 1), k), t.width))
                              for k in range(0, word.width, 8)], 0, t.width)
    return replaced(graph, [term], by)[0] if by else term


def _renamed(graph: Graph, term: Term) -> Term:
    """The term with other variables of the same bounds, so that terms that differ only in names become one: what is
    shown for all values of these holds for the values of those."""
    order = [t for t in topological([term]) if t.op == "var"]
    return replaced(graph, [term], {
        t: graph.bounded_var(f"part {k} of {t.width} bits in {t.lo}..{t.hi} and {t.slo}..{t.shi}", t.width, t.lo,
                             t.hi, t.slo, t.shi) for k, t in enumerate(order)})[0]


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
        if t.op in BITWISE:
            waiting += t.args
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


def _operands(operator: str, term: Term) -> frozenset[Term]:
    """The values that a bitwise operator joins in `term`; of `xor`, those that are there an odd number of times."""
    found: set[Term] = set()
    stack = [term]
    while stack:
        t = stack.pop()
        if t.op == operator:
            stack += t.args
        elif operator == "xor":
            found ^= {t}
        else:
            found.add(t)
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
