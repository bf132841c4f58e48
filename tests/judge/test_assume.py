"""What is made simpler by assumptions still says the same."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from intent_tool.judge.assume import refutation
from intent_tool.judge.bitvector import Graph, Term, evaluate

NAMES = ("a", "b", "c")
WIDTH = 2


def condition(graph: Graph, rng: Random, depth: int) -> Term:
    if depth and rng.randrange(3):
        parts = condition(graph, rng, depth - 1), condition(graph, rng, depth - 1)
        return rng.choice((graph.and_, graph.or_, lambda a, b: graph.not_(graph.and_(a, b))))(*parts)
    compare = rng.choice((graph.ult, graph.slt, graph.eq))
    return compare(number(graph, rng, depth + 1), number(graph, rng, depth))


def number(graph: Graph, rng: Random, depth: int) -> Term:
    if depth == 0 or rng.randrange(3) == 0:
        return graph.var(rng.choice(NAMES), WIDTH)
    a, b = number(graph, rng, depth - 1), number(graph, rng, depth - 1)
    less = rng.choice((graph.ult, graph.slt))(a, b)
    return graph.ite(less, *rng.choice(((a, b), (b, a), (a, graph.add(a, b)))))


@pytest.mark.parametrize("seed", range(300))
def test_a_refutation_holds_exactly_where_the_goal_fails(seed: int) -> None:
    rng, graph = Random(seed), Graph()
    assumptions = [condition(graph, rng, 2) for _ in range(rng.randrange(3))]
    goal = condition(graph, rng, 4)
    found = refutation(graph, assumptions, goal)
    for values in product(range(1 << WIDTH), repeat=len(NAMES)):
        given = dict(zip(NAMES, values, strict=True))
        *assumed, holds = evaluate([*assumptions, goal], given)
        assert all(evaluate(found, given)) == (all(assumed) and not holds)


def test_no_record_among_many_leaves_the_record() -> None:
    """However many rounds it takes, and with no solver."""
    graph = Graph()
    elements = [graph.var(f"x{k}", 16) for k in range(20)]
    best = state = graph.var("best", 16)
    elements += [graph.var(f"x{k}", 16) for k in range(20, 40)]
    found = graph.false
    for x in elements:
        found = graph.or_(found, graph.ult(best, x))
        state = graph.ite(graph.ult(state, x), x, state)
    assert refutation(graph, [], graph.or_(found, graph.eq(state, best))) == [graph.false]
    assert refutation(graph, [graph.not_(found)], graph.eq(state, best)) == [graph.false]
