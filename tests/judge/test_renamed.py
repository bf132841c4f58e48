"""Which claims are taken to follow from another one by renaming its variables."""

from __future__ import annotations

import pytest

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.portfolio import Question
from intent_tool.judge.prove import Claim
from intent_tool.judge.renamed import distinct

GRAPH = Graph()
A, B, C, D, N = (GRAPH.var(name, 8) for name in "abcdn")
FINAL = GRAPH.var("fold 0.0 after 7", 8)
SMALL = GRAPH.bounded_var("small", 8, 0, 9, -128, 127)


def twice_is(x: Term, y: Term, more: int = 0) -> Term:
    return GRAPH.eq(GRAPH.mul(x, x), GRAPH.linear([(1, y)], more, 8))


def below(x: Term, y: Term) -> Term:
    return GRAPH.ult(x, y)


def left(*questions: tuple[tuple[Term, ...], Term], what: tuple[str, str] = ("is kept", "is kept")) -> int:
    claims = [Claim(Question(assumptions, goal), text, "result")
              for (assumptions, goal), text in zip(questions, what, strict=True)]
    return len(list(distinct(claims, "fold ")))


def test_lanes_ask_once() -> None:
    assert left(((), twice_is(A, B)), ((), twice_is(C, D))) == 1
    assert left(((below(N, SMALL),), twice_is(A, B)), ((below(N, SMALL),), twice_is(C, D))) == 1
    assert left(((below(A, N), below(B, N)), twice_is(A, B)), ((below(C, N), below(D, N)), twice_is(C, D))) == 1


@pytest.mark.parametrize(("one", "other"), [
    # Another formula, another constant, one variable for two, one for two in another place.
    (((), twice_is(A, B)), ((), GRAPH.eq(C, D))),
    (((), twice_is(A, B)), ((), twice_is(C, D, 1))),
    (((), twice_is(A, B)), ((), twice_is(C, C))),
    (((), twice_is(A, A)), ((), twice_is(C, D))),
    # What is known of a variable by itself.
    (((), twice_is(A, SMALL)), ((), twice_is(C, D))),
    # Less assumed of the goal's variables, the opposite, of another one, or of those that hang together with them.
    (((below(A, B),), twice_is(A, B)), ((), twice_is(C, D))),
    (((below(A, B),), twice_is(A, B)), ((GRAPH.not_(below(C, D)),), twice_is(C, D))),
    (((below(A, B),), twice_is(A, B)), ((below(D, C),), twice_is(C, D))),
    (((below(A, N), below(N, SMALL)), twice_is(A, B)), ((below(C, N),), twice_is(C, D))),
    # Less assumed of others: what is assumed may never hold.
    (((below(N, SMALL), below(SMALL, N)), twice_is(A, B)), ((below(N, SMALL),), twice_is(C, D))),
    # Of the final state of a fold more is known.
    (((), twice_is(A, FINAL)), ((), twice_is(C, D))),
    (((), twice_is(A, FINAL)), ((), twice_is(C, FINAL))),
])
def test_others_are_asked_by_themselves(one: tuple[tuple[Term, ...], Term], other: tuple[tuple[Term, ...], Term]
                                        ) -> None:
    assert left(one, other) == 2
    assert left(other, one) == 2


def test_another_text_is_another_claim() -> None:
    assert left(((), twice_is(A, B)), ((), twice_is(C, D)), what=("is kept", "returns")) == 2


def test_what_holds_is_left_out() -> None:
    assert left(((), GRAPH.true), ((), GRAPH.true)) == 0
    assert left(((), GRAPH.true), ((), GRAPH.false)) == 1
