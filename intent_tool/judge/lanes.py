"""Vectors as lanes: what the vector instructions of x86-64 and ARM64 have in common.

A vector is one term, its lanes numbered from the lowest bits up. It is taken apart into lanes and put together from
them again, so that what goes through a vector register comes out as if it had been computed alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from intent_tool.judge.bitvector import Graph, Term

Lane = Callable[..., Term]
"""From a graph and lanes of one width to a lane."""


def lanes(g: Graph, vector: Term, width: int) -> list[Term]:
    """The lanes of `width` bits, lowest first."""
    return [g.extract(vector, low + width - 1, low) for low in range(0, vector.width, width)]


def joined(g: Graph, parts: Sequence[Term]) -> Term:
    """The vector of these lanes, lowest first."""
    return functools.reduce(lambda low, high: g.concat(high, low), parts)


def lanewise(g: Graph, width: int, operator: Lane, *vectors: Term) -> Term:
    """The vector of what `operator` makes of the lanes at each place."""
    return joined(g, [operator(g, *each) for each in zip(*(lanes(g, v, width) for v in vectors), strict=True)])


# Of two lanes.

add, subtract, multiply = Graph.add, Graph.sub, Graph.mul


def widened(g: Graph, a: Term, width: int, is_signed: bool) -> Term:
    return g.sext(a, width) if is_signed else g.zext(a, width)


def saturated(g: Graph, value: Term, width: int, from_signed: bool, to_signed: bool) -> Term:
    """The number nearest to `value` that fits `width` bits; `value` is wider."""
    wide = value.width
    top = g.const((1 << width - to_signed) - 1, wide)
    least = g.const(-(1 << width - 1) if to_signed else 0, wide)
    if not from_signed:
        return g.extract(g.ite(g.ult(top, value), top, value), width - 1, 0)
    value = g.ite(g.slt(top, value), top, value)
    return g.extract(g.ite(g.slt(value, least), least, value), width - 1, 0)


def saturating(operator: Lane, is_signed: bool) -> Lane:
    """Sum or difference, cut to what fits the lane."""
    def result(g: Graph, a: Term, b: Term) -> Term:
        if operator is subtract and not is_signed:
            return g.ite(g.ult(a, b), g.const(0, a.width), g.sub(a, b))
        wide = a.width + 1
        exact = operator(g, widened(g, a, wide, is_signed), widened(g, b, wide, is_signed))
        return saturated(g, exact, a.width, is_signed, is_signed)
    return result


def halving(operator: Lane, is_signed: bool, rounding: int) -> Lane:
    """Half of the exact sum or difference, to which `rounding` is added before."""
    def result(g: Graph, a: Term, b: Term) -> Term:
        wide = a.width + 1
        exact = operator(g, widened(g, a, wide, is_signed), widened(g, b, wide, is_signed))
        return g.extract(g.add(exact, g.const(rounding, wide)), a.width, 1)
    return result


def minimum(is_signed: bool) -> Lane:
    return lambda g, a, b: g.ite(g.slt(a, b) if is_signed else g.ult(a, b), a, b)


def maximum(is_signed: bool) -> Lane:
    return lambda g, a, b: g.ite(g.slt(b, a) if is_signed else g.ult(b, a), a, b)


def difference(is_signed: bool) -> Lane:
    """The absolute difference."""
    return lambda g, a, b: g.ite(g.slt(a, b) if is_signed else g.ult(a, b), g.sub(b, a), g.sub(a, b))


def mask(g: Graph, condition: Term, width: int) -> Term:
    """All ones where the condition holds."""
    return g.sext(condition, width)


def equal(g: Graph, a: Term, b: Term) -> Term:
    return mask(g, g.eq(a, b), a.width)


def greater(is_signed: bool) -> Lane:
    return lambda g, a, b: mask(g, g.slt(b, a) if is_signed else g.ult(b, a), a.width)


def greater_or_equal(is_signed: bool) -> Lane:
    return lambda g, a, b: mask(g, g.sle(b, a) if is_signed else g.ule(b, a), a.width)


def product(left_signed: bool, right_signed: bool) -> Lane:
    """All of the product, twice as wide."""
    return lambda g, a, b: g.mul(widened(g, a, 2 * a.width, left_signed), widened(g, b, 2 * b.width, right_signed))


def high_product(is_signed: bool) -> Lane:
    return lambda g, a, b: g.extract(product(is_signed, is_signed)(g, a, b), 2 * a.width - 1, a.width)


def selected(g: Graph, chooser: Term, a: Term, b: Term) -> Term:
    """The bits of `a` where `chooser` is 1, those of `b` where it is 0."""
    if chooser.op == "sext" and chooser.args[0].width == 1:
        return g.ite(chooser.args[0], a, b)
    return g.or_(g.and_(chooser, a), g.and_(g.not_(chooser), b))


# Of one lane.

def absolute(g: Graph, a: Term) -> Term:
    return g.ite(g.slt(a, g.const(0, a.width)), g.neg(a), a)


def shifted(name: str, count: int) -> Lane:
    """`shl`, `lshr` or `ashr` by a constant, which may be the width or more."""
    def result(g: Graph, a: Term) -> Term:
        by = g.const(min(count, a.width), a.width)
        return g.shl(a, by) if name == "shl" else g.lshr(a, by) if name == "lshr" else g.ashr(a, by)
    return result


# Of all lanes.

def total(g: Graph, parts: Sequence[Term], width: int, is_signed: bool) -> Term:
    """The sum of all `parts`, each widened to `width` bits."""
    return g.linear([(1, widened(g, part, width, is_signed)) for part in parts], 0, width)


def pairs(g: Graph, vector: Term, width: int) -> list[tuple[Term, Term]]:
    """Neighbouring lanes of `width` bits, the lower one first."""
    parts = lanes(g, vector, width)
    return list(zip(parts[::2], parts[1::2], strict=True))


def interleaved(g: Graph, a: Sequence[Term], b: Sequence[Term]) -> Term:
    return joined(g, [lane for pair in zip(a, b, strict=True) for lane in pair])


def chosen(g: Graph, index: Term, values: Sequence[Term]) -> Term:
    """``values[index]``; there are as many as the index can tell apart."""
    layer = list(values)
    for bit in range(index.width):
        test = g.extract(index, bit, bit)
        layer = [g.ite(test, layer[k + 1], layer[k]) for k in range(0, len(layer), 2)]
    return layer[0]
