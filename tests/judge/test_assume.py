"""What is made simpler by assumptions still says the same; from formulas that know less follows what follows from
those that they were made of."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from intent_tool.judge.assume import abstracted, refutation
from intent_tool.judge.bitvector import Graph, Term, evaluate, variables
from intent_tool.judge.budget import Budget
from intent_tool.judge.portfolio import PROVED, Question, decide

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


def is_of_use(name: str) -> bool:
    return "[" not in name


def test_conditions_on_elements_become_truth_values() -> None:
    graph = Graph()
    n, a, b = graph.var("n", 64), graph.var("data[0]", 8), graph.var("data[1]", 8)
    found = graph.and_(graph.eq(a, b), graph.ult(a, graph.const(9, 8)))
    rounds = graph.ite(found, n, graph.add(n, graph.const(1, 64)))
    assumption = graph.or_(graph.not_(found), graph.ult(n, graph.const(5, 64)))
    goal = graph.or_(graph.not_(found), graph.ult(rounds, graph.const(5, 64)))
    simpler, asked = abstracted(graph, [assumption, goal], is_of_use)
    assert {*variables([simpler, asked])} == {"n", f"condition {found.id}"}
    assert decide(graph, [Question((simpler,), asked)], Budget(5))[0].status == PROVED


def test_a_comparison_with_an_element_is_one_of_which_nothing_is_known() -> None:
    graph = Graph()
    n, a = graph.var("n", 64), graph.var("data[0]", 64)
    less = graph.ult(n, a)
    assert {*variables(abstracted(graph, [less], is_of_use))} == {f"comparison {less.id}"}


def test_what_is_of_use_stays() -> None:
    graph = Graph()
    n = graph.var("n", 64)
    goal = graph.ult(n, graph.const(5, 64))
    assert abstracted(graph, [goal], is_of_use) == [goal]


def test_what_does_not_hold_is_not_shown() -> None:
    graph = Graph()
    n, a = graph.var("n", 64), graph.var("data[0]", 8)
    given = [graph.ult(a, graph.const(9, 8)), graph.ult(n, graph.const(9, 64))]
    assumption, goal = abstracted(graph, given, is_of_use)
    assert decide(graph, [Question((assumption,), goal)], Budget(5))[0].status != PROVED
