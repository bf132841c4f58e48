"""What the judge concludes from conditions holds wherever the conditions do, for random formulas of small width."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from intent_tool.judge.bitvector import Graph, Term, evaluate, signed
from intent_tool.judge.meaning import Number
from intent_tool.judge.meaning_bounds import close_bounds
from intent_tool.judge.meaning_facts import Here, Reads

NAMES = {"a": 3, "b": 3, "c": 2, "d": 4}
INPUTS = [dict(zip(NAMES, values, strict=True)) for values in product(*(range(1 << w) for w in NAMES.values()))]
ARITHMETIC = ("add", "sub", "mul", "linear", "zext", "sext", "extract", "not_", "udiv")
ALL = (*ARITHMETIC, "and_", "or_", "xor", "ite", "urem", "min", "concat", "popcount", "lshr")


def fitted(graph: Graph, term: Term, width: int, random: Random) -> Term:
    if term.width > width:
        return graph.extract(term, width - 1, 0)
    return random.choice([graph.zext, graph.sext])(term, width)


def made(graph: Graph, pool: list[Term], operators: tuple[str, ...], random: Random) -> Term:
    op, a, b = random.choice(operators), random.choice(pool), random.choice(pool)
    width = max(a.width, b.width) + random.choice([0, 0, 1, 3])
    if op == "extract":
        low = random.randrange(a.width)
        return graph.extract(a, a.width - 1 if random.randrange(3) else random.randrange(low, a.width), low)
    if op == "popcount":
        return graph.popcount(a)
    if op == "concat":
        return graph.concat(a, b)
    a, b = fitted(graph, a, width, random), fitted(graph, b, width, random)
    if op in ("zext", "sext", "not_"):
        return graph.not_(a) if op == "not_" else a
    if op == "linear":
        factors = [random.choice([1, 2, -1, 3, -5, 8]) for _ in range(2)]
        return graph.linear(list(zip(factors, (a, b), strict=True)), random.randrange(-9, 20), width)
    if op == "udiv" and random.randrange(2):
        b = graph.const(random.randrange(1, 1 << width), width)
    if op == "ite":
        return graph.ite(condition(graph, pool, random), a, b)
    if op == "min":
        less = random.choice([graph.ult, graph.slt])(a, b)
        return graph.ite(less, a, b) if random.randrange(2) else graph.ite(less, b, a)
    term: Term = getattr(graph, op)(a, b)
    return term


def condition(graph: Graph, pool: list[Term], random: Random) -> Term:
    a, b = random.choice(pool), random.choice(pool)
    width = max(a.width, b.width)
    a, b = fitted(graph, a, width, random), fitted(graph, b, width, random)
    if random.randrange(2):
        b = graph.const(random.randrange(1 << width), width)
    term = random.choice([graph.eq, graph.ne, graph.ult, graph.slt, graph.ule, graph.sle])(a, b)
    if random.randrange(4) == 0:
        other = condition(graph, pool, random)
        term = random.choice([graph.and_, graph.or_])(term, other)
    return term


def terms(graph: Graph, operators: tuple[str, ...], random: Random) -> list[Term]:
    pool = [graph.var(name, width) for name, width in NAMES.items()]
    for _ in range(14):
        term = made(graph, pool, operators, random)
        if term.width <= 16:
            pool.append(term)
    return pool


@pytest.mark.parametrize("seed", range(6))
def test_intervals_hold_where_the_conditions_do(seed: int) -> None:
    random = Random(seed)
    conclusions = 0
    for _ in range(40):
        graph = Graph()
        pool = terms(graph, ALL, random)
        conditions = [condition(graph, pool, random) for _ in range(3)]
        truths = [bool(random.randrange(3)) for _ in conditions]
        here: Here | None = Here(graph, Reads(), {}, graph.true)
        for term, truth in zip(conditions, truths, strict=True):
            here = here.learn(term, truth) if here is not None else None
        samples = random.sample(INPUTS, 150)
        kept = [values for values in samples
                if all(bool(v) == t for v, t in zip(evaluate(conditions, values), truths, strict=True))]
        if here is None:
            assert not kept
            continue
        known = {t.id: t for root in (*pool, *conditions) for t in below(root)}
        for values in samples:
            assert bool(evaluate([here.guard], values)[0]) == (values in kept)
        for values in kept:
            for (identity, is_signed), (lo, hi) in here.bounds.items():
                if identity in known:
                    term = known[identity]
                    value = evaluate([term], values)[0]
                    assert lo <= (signed(value, term.width) if is_signed else value) <= hi, (term, values)
                    conclusions += 1
    assert conclusions > 1000


def below(term: Term) -> list[Term]:
    return [term, *(t for arg in term.args for t in below(arg))]


@pytest.mark.parametrize("seed", range(6))
def test_close_bounds_hold(seed: int) -> None:
    random = Random(seed)
    closer = 0
    for _ in range(60):
        graph = Graph()
        pool = terms(graph, ARITHMETIC, random)
        here = Here(graph, Reads(), {}, graph.true)
        wanted = condition(graph, pool[:4], random)
        place = here.learn(wanted) or here
        wanted = place.guard
        samples = [values for values in random.sample(INPUTS, 100) if evaluate([wanted], values)[0]]
        for term in pool[4:]:
            for lo, hi in ((0, (1 << term.width) - 1), (-1 << term.width - 1, (1 << term.width - 1) - 1)):
                least, most = close_bounds(Number(term, lo, hi), place)
                closer += (least, most) != ((term.lo, term.hi) if lo == 0 else (term.slo, term.shi))
                for values in samples:
                    value = evaluate([term], values)[0]
                    assert least <= (value if lo == 0 else signed(value, term.width)) <= most, (term, values)
    assert closer > 40


def test_a_weighted_mean_stays_between_the_ends() -> None:
    graph = Graph()
    a, b, t = (graph.zext(graph.var(name, 8), 17) for name in "abt")
    rest = graph.sub(graph.const(255, 17), t)
    blend = graph.add(graph.add(graph.mul(a, rest), graph.mul(b, t)), graph.const(127, 17))
    quotient = graph.udiv(blend, graph.const(255, 17))
    here = Here(graph, Reads(), {}, graph.true)
    assert close_bounds(Number(quotient, 0, quotient.hi), here) == (0, 255)
