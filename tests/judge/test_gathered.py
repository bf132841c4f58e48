"""Lanes that together are a state: what is asked in place of an equation has to make the equation hold."""

from __future__ import annotations

from itertools import pairwise

import pytest

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.budget import Budget
from intent_tool.judge.gathered import equal, gathered
from intent_tool.judge.portfolio import PROVED, REFUTED, Question, decide


def bytes_of(graph: Graph, name: str, count: int) -> list[Term]:
    return [graph.var(f"{name}[{k}]", 8) for k in range(count)]


def status(graph: Graph, goal: Term) -> str:
    return decide(graph, [Question((), goal)], Budget(5))[0].status


@pytest.mark.parametrize("operator", ["xor", "and", "or"])
def test_a_bitwise_operator_takes_its_operands_in_any_order(operator: str) -> None:
    graph = Graph()
    lanes = bytes_of(graph, "lane", 64)
    forwards, backwards = (gathered(graph, operator, order) for order in (lanes, lanes[::-1]))
    assert equal(graph, forwards, backwards) is graph.true
    assert status(graph, equal(graph, forwards, gathered(graph, operator, lanes[1:]))) == REFUTED


def test_of_an_operand_taken_twice_xor_leaves_nothing() -> None:
    graph = Graph()
    a, b, c = bytes_of(graph, "lane", 3)
    assert status(graph, equal(graph, gathered(graph, "xor", [a, b, c, b]), graph.xor(a, c))) == PROVED
    assert status(graph, equal(graph, gathered(graph, "xor", [a, b, c, b]), graph.xor(a, b))) == REFUTED


def test_masks_are_a_truth_value() -> None:
    graph = Graph()
    bits = [graph.var(f"bit {k}", 1) for k in range(4)]
    lanes = [graph.sext(bit, 8) for bit in bits]
    assert gathered(graph, "all", lanes) is gathered(graph, "and", bits)
    assert gathered(graph, "any", lanes) is gathered(graph, "or", bits)


def words(graph: Graph, count: int, lost: int = 0) -> tuple[Term, Term]:
    """The ones in `count` words, and in all of their bytes but the last `lost`."""
    data = [graph.var(f"word[{k}]", 32) for k in range(count)]
    parts = [graph.extract(word, low + 7, low) for word in data for low in range(0, 32, 8)]
    return (graph.linear([(1, graph.popcount(word, 64)) for word in data], 0, 64),
            graph.linear([(1, graph.popcount(part, 64)) for part in parts[:len(parts) - lost]], 0, 64))


def test_ones_of_words_are_those_of_their_bytes() -> None:
    graph = Graph()
    assert status(graph, equal(graph, *words(graph, 32))) == PROVED
    assert status(graph, equal(graph, *words(graph, 32, lost=1))) == REFUTED


def test_a_condition_and_its_opposite_make_one() -> None:
    graph = Graph()
    data = bytes_of(graph, "data", 65)
    tests = [graph.eq(x, y) for x, y in pairwise(data)]
    same, differ = (graph.linear([(1, graph.zext(t, 64)) for t in some], 0, 64)
                    for some in (tests, [graph.not_(t) for t in tests]))
    assert equal(graph, differ, graph.sub(graph.const(64, 64), same)) is graph.true
    assert status(graph, equal(graph, differ, graph.sub(graph.const(63, 64), same))) == REFUTED


def test_parts_that_differ_only_in_names_are_one_question() -> None:
    graph = Graph()
    pairs = list(zip(bytes_of(graph, "a", 16), bytes_of(graph, "b", 16), strict=True))

    def total(width: int, most: int = 16) -> Term:
        differences = [graph.ite(graph.ult(x, y), graph.sub(graph.zext(y, width), graph.zext(x, width)),
                                 graph.sub(graph.zext(x, width), graph.zext(y, width))) for x, y in pairs[:most]]
        return graph.linear([(1, graph.zext(d, 64)) for d in differences], 0, 64)

    goal = equal(graph, total(8), total(9))
    assert status(graph, goal) == PROVED
    assert goal.op == "eq", "sixteen questions"
    assert status(graph, equal(graph, total(8), total(9, 15))) == REFUTED
