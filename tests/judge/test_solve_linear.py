"""The linear reading: what it knows of quotients, carries and signs holds at every input, and is enough for what
compilers and this project's own code do with them."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence

import pytest

from intent_tool.judge.bitvector import Graph, Term, evaluate
from intent_tool.judge.solve_linear import linear_check

WIDTHS = (3, 4, 5, 8, 12, 16, 32, 64)


def edge(rng: random.Random, width: int) -> int:
    full = (1 << width) - 1
    return rng.choice([0, 1, full, full >> 1, (full >> 1) + 1, rng.getrandbits(width), rng.getrandbits(width),
                       rng.randrange(1 << rng.randrange(1, width + 1))]) & full


class Pool:
    """Random terms of the kinds that the linear reading has rules for."""

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.graph = rng, Graph()
        self.variables = {n: self.graph.var(n, rng.choice(WIDTHS)) for n in ("x", "y", "d")}
        self.terms = list(self.variables.values())
        self.divisors = [3, 5, 7, 10, 60, 100, 641, 65521]

    def pick(self, width: int | None = None) -> Term:
        term = self.rng.choice(self.terms[-14:])
        return term if width is None else self.fitted(term, width)

    def fitted(self, term: Term, width: int) -> Term:
        if term.width > width:
            return self.graph.extract(term, width - 1, 0)
        return (self.graph.zext if self.rng.random() < 0.6 else self.graph.sext)(term, width)

    def divisor(self, width: int) -> Term:
        if self.rng.random() < 0.5:
            return self.graph.const(max(1, self.rng.choice(self.divisors) & ((1 << width) - 1)), width)
        return self.fitted(self.variables["d"], width)

    def condition(self) -> Term:
        a = self.pick()
        b = self.pick(a.width) if self.rng.random() < 0.7 else self.graph.const(edge(self.rng, a.width), a.width)
        made = getattr(self.graph, self.rng.choice(["eq", "ult", "slt"]))(a, b)
        return made if self.rng.random() < 0.5 else self.graph.not_(made)

    def step(self) -> Term:
        rng, graph = self.rng, self.graph
        a = self.pick()
        width = a.width
        match rng.randrange(12):
            case 0:
                return self.fitted(a, min(140, rng.choice([width + 1, 2 * width, width + rng.randrange(1, 9)])))
            case 1:
                parts = [(rng.choice([1, -1, 2, -2, 3, 7, -10, 1 << rng.randrange(width), edge(rng, width)]),
                          self.pick(width)) for _ in range(rng.randrange(1, 4))]
                return graph.linear(parts, rng.choice([0, 0, 1, -1, edge(rng, width)]), width)
            case 2 if width <= 64:
                return graph.mul(a, self.pick(width))
            case 3:
                return graph.udiv(a, self.divisor(width))
            case 4:
                return graph.urem(a, self.divisor(width))
            case 5:
                return getattr(graph, rng.choice(["sdiv", "srem"]))(a, self.divisor(width))
            case 6 if width > 2:
                low = rng.randrange(width)
                return graph.extract(a, rng.randrange(low, width), low)
            case 7 if width <= 64:
                return graph.concat(a, self.pick())
            case 8:
                return graph.ite(self.condition(), a, self.pick(width))
            case 9 if width <= 64:
                # A reciprocal, right, nearly right or for few bits only.
                shift = rng.randrange(2, 2 * width + 2)
                by = rng.choice(self.divisors)
                factor = max(1, -(-(1 << shift) // by) + rng.choice([0, 0, 0, -1, 1]))
                wide = graph.linear([(factor, graph.zext(a, 140))], 0, 140)
                return graph.extract(wide, min(139, shift + width - 1), shift)
            case 10:
                # Rounded down, by the sign.
                by = self.divisor(width)
                negative = graph.slt(a, graph.const(0, width))
                quotient = graph.udiv(graph.ite(negative, graph.not_(a), a), by)
                return graph.ite(negative, graph.not_(quotient), quotient)
            case 11:
                return graph.zext(self.condition(), rng.choice(WIDTHS))
        return graph.not_(a)


def true_conditions(pool: Pool, rng: random.Random) -> tuple[list[Term], dict[str, int]]:
    """Conditions on all terms that hold at one input, and the input."""
    graph = pool.graph
    values = {n: edge(rng, t.width) for n, t in pool.variables.items()}
    conditions = [pool.condition() for _ in range(8)]
    held = [c if v else graph.not_(c) for c, v in zip(conditions, evaluate(conditions, values), strict=True)]
    for term, value in zip(pool.terms, evaluate(pool.terms, values), strict=True):
        if rng.random() < 0.8:
            held.append(graph.eq(term, graph.const(value, term.width)))
    rng.shuffle(held)
    return held, values


@pytest.mark.parametrize("seed", range(4))
def test_what_holds_somewhere_is_never_refuted(seed: int) -> None:
    """All facts that the reading adds have to hold at an input where the conditions do."""
    rng = random.Random(seed + int(os.environ.get("INTENT_FUZZ_SEED", "0")))
    for number in range(int(os.environ.get("INTENT_FUZZ_ROUNDS", "100"))):
        pool = Pool(rng)
        for _ in range(rng.randrange(3, 16)):
            pool.terms.append(pool.step())
        held, values = true_conditions(pool, rng)
        assert linear_check(held, 400_000)[0] != "unsat", (number, values)


def unsat(graph: Graph, *conditions: Term) -> bool:
    return linear_check(conditions)[0] == "unsat"


def differ(graph: Graph, a: Term, b: Term) -> Term:
    return graph.not_(graph.eq(a, b))


@pytest.mark.parametrize("divisor", [3, 7, 10, 100, 641, 65521, 10_000_000])
@pytest.mark.parametrize("bits", [16, 32, 64])
def test_reciprocals(divisor: int, bits: int) -> None:
    """Right up to the largest dividend for which they are, and not one further."""
    graph = Graph()
    x = graph.var("x", bits)
    for shift in range(bits, 2 * bits):
        factor = -(-(1 << shift) // divisor)
        wide = graph.linear([(factor, graph.zext(x, 3 * bits))], 0, 3 * bits)
        quotient = graph.extract(wide, shift + bits - 1, shift)
        # The first dividend that fails: a last one of its period, or one with a smaller remainder.
        error = factor * divisor - (1 << shift)
        first = next((n for n in fails(divisor, factor, shift, error) if n < 1 << bits), None)
        claim = differ(graph, quotient, graph.udiv(x, graph.const(divisor, bits)))
        limit = (1 << bits) - 1 if first is None else first - 1
        bounded = graph.not_(graph.ult(graph.const(limit, bits), x))
        if first is not None:
            assert evaluate([claim], {"x": first})[0]
            assert linear_check([claim], 200_000)[0] != "unsat"
        elif divisor < 1 << bits:
            assert unsat(graph, bounded, claim)


def fails(divisor: int, factor: int, shift: int, error: int) -> Sequence[int]:
    """Dividends, ascending, with ``(x*factor) >> shift != x // divisor``; the first of them, at least."""
    if error == 0:
        return []
    at = -(-(1 << shift) // error)
    # x*error >= 2**shift with the largest remainder; or twice that, and so on, with smaller ones.
    found = [x for k in range(1, 4) for x in range(k * at - divisor, k * at + 2 * divisor) if x >= 0 and
             (x * factor) >> shift != x // divisor] if divisor < 1000 else []
    if not found:
        x = at + (-(at + 1)) % divisor
        found = [x] if (x * factor) >> shift != x // divisor else []
    return sorted(found)


def test_quotients_by_one_divisor() -> None:
    """Modular addition, rounding up and division of two words, each by a divisor that is a variable."""
    graph = Graph()
    a, b, m = (graph.var(n, 32) for n in "abm")
    positive = graph.not_(graph.eq(m, graph.const(0, 32)))
    wide = [graph.zext(t, 64) for t in (a, b, m)]
    rests = [graph.zext(graph.urem(t, m), 64) for t in (a, b)]
    total = graph.add(*rests)
    reduced = graph.ite(graph.ult(total, wide[2]), total, graph.sub(total, wide[2]))
    whole = graph.urem(graph.add(wide[0], wide[1]), wide[2])
    assert unsat(graph, positive, differ(graph, whole, reduced))
    unreduced = graph.ite(graph.ult(wide[2], total), graph.sub(total, wide[2]), total)
    assert not unsat(graph, positive, differ(graph, whole, unreduced))
    up = graph.udiv(graph.linear([(1, wide[0]), (1, wide[2])], -1, 64), wide[2])
    also_up = graph.ite(graph.eq(a, graph.const(0, 32)), graph.const(0, 64), graph.add(
        graph.udiv(graph.linear([(1, wide[0])], -1, 64), wide[2]), graph.const(1, 64)))
    assert unsat(graph, positive, differ(graph, up, also_up))
    assert not unsat(graph, positive, differ(graph, up, graph.udiv(wide[0], wide[2])))
    both = graph.concat(a, b)
    by_words = graph.urem(graph.concat(graph.urem(a, m), b), wide[2])
    assert unsat(graph, positive, differ(graph, graph.urem(both, wide[2]), by_words))
    assert not unsat(graph, positive, differ(graph, graph.urem(both, wide[2]), graph.zext(graph.urem(b, m), 64)))


def test_signed_quotients_of_two_widths() -> None:
    """The same division at 48 and at 64 bits, with the one quotient that overflows the narrower."""
    graph = Graph()
    a, b = graph.var("a", 32), graph.var("b", 32)
    divisor = graph.not_(graph.eq(b, graph.const(0, 32)))
    narrow, wide = (graph.sdiv(graph.linear([(1 << 16, graph.sext(a, w))], 0, w), graph.sext(b, w)) for w in (48, 64))
    same = graph.eq(graph.sext(narrow, 64), wide)
    overflow = graph.and_(graph.eq(a, graph.const(1 << 31, 32)), graph.eq(b, graph.const((1 << 32) - 1, 32)))
    assert unsat(graph, divisor, graph.not_(overflow), graph.not_(same))
    assert not unsat(graph, divisor, graph.not_(same))


def test_carries() -> None:
    """A 128-bit sum by words, the carry told by a comparison or by its opposite."""
    graph = Graph()
    x, y, z = (graph.var(n, 64) for n in "xyz")
    product = [graph.mul(graph.zext(x, 128), graph.zext(y, 128)), graph.zext(z, 128)]
    low = graph.add(graph.extract(product[0], 63, 0), z)
    high = graph.extract(product[0], 127, 64)
    whole = graph.extract(graph.add(*product), 127, 64)
    carry = graph.ult(low, z)
    no_carry = graph.not_(graph.ult(graph.not_(z), graph.extract(product[0], 63, 0)))
    assert unsat(graph, differ(graph, whole, graph.add(high, graph.zext(carry, 64))))
    assert unsat(graph, differ(graph, whole, graph.sub(graph.add(high, graph.const(1, 64)),
                                                       graph.zext(no_carry, 64))))
    assert not unsat(graph, differ(graph, whole, high))
    # A product with a sign, by the unsigned one.
    signed_high = graph.extract(graph.mul(graph.sext(x, 128), product[1]), 127, 64)
    unsigned_high = graph.extract(graph.mul(graph.zext(x, 128), product[1]), 127, 64)
    sign = graph.sext(graph.extract(x, 63, 63), 64)
    corrected = graph.add(unsigned_high, graph.mul(sign, z))
    assert unsat(graph, differ(graph, signed_high, corrected))
    assert not unsat(graph, differ(graph, signed_high, unsigned_high))


def test_a_divisor_of_two_parts() -> None:
    """Digit by digit by a sum: what is left of the first digit stands in front of the second."""
    graph = Graph()
    a, b, c, d = (graph.var(n, 16) for n in "abcd")
    divisor = graph.add(graph.zext(c, 40), graph.zext(d, 40))
    positive = graph.not_(graph.eq(divisor, graph.const(0, 40)))
    first = graph.urem(graph.zext(a, 40), divisor)
    by_digits = graph.urem(graph.linear([(1 << 16, first), (1, graph.zext(b, 40))], 0, 40), divisor)
    whole = graph.urem(graph.zext(graph.concat(a, b), 40), divisor)
    assert unsat(graph, positive, differ(graph, whole, by_digits))
    wrong = graph.urem(graph.linear([(1 << 15, first), (1, graph.zext(b, 40))], 0, 40), divisor)
    assert not unsat(graph, positive, differ(graph, whole, wrong))
