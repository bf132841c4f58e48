"""The solvers of the judge: every one against evaluation, on random formulas, and the race between them."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Sequence

import numpy
import pytest
from test_bitvector import NAMES, Pair, step

from intent_tool.judge.assume import rebuilt, refutation
from intent_tool.judge.bitvector import Graph, Term, evaluate, topological, variables
from intent_tool.judge.budget import Budget
from intent_tool.judge.portfolio import PROVED, REFUTED, UNKNOWN, Answer, Lane, Question, _Race, decide, refutes
from intent_tool.judge.solve_bits import Model, bitwuzla_check, bitwuzla_check_abstract, z3_check
from intent_tool.judge.solve_cases import cases_check
from intent_tool.judge.solve_exhaustion import _values, exhaustion_check
from intent_tool.judge.solve_linear import linear_check

Check = Callable[[Sequence[Term]], tuple[str, Model]]


def random_pool(graph: Graph, rng: random.Random, count: int) -> list[Term]:
    pool = [Pair(graph.var(name, width), lambda values, n=name: values[n]) for name, width in NAMES.items()]
    for _ in range(count):
        pair = step(graph, pool, rng)
        pool.append(Pair(pair.term, lambda values, t=pair.term: evaluate([t], values)[0]))
    return [pair.term for pair in pool]


def random_values(rng: random.Random) -> dict[str, int]:
    return {n: rng.choice([0, 1, (1 << w) - 1, rng.getrandbits(w)]) for n, w in NAMES.items()}


@pytest.mark.parametrize("check", [bitwuzla_check, bitwuzla_check_abstract, z3_check, exhaustion_check, linear_check])
def test_a_term_has_one_value_at_fixed_variables(check: Check) -> None:
    """Sat with the value that evaluation gives, and with no other. Linear integers may only say unsat or nothing."""
    rng = random.Random(5)
    decided = 0
    for _ in range(120):
        graph = Graph()
        term = random_pool(graph, rng, 25)[-1]
        if check is exhaustion_check and sum(t.width for t in topological([term]) if t.op == "var") > 16:
            continue
        values = random_values(rng)
        fixed = [graph.eq(graph.var(n, w), graph.const(values[n], w)) for n, w in NAMES.items()
                 if check is not exhaustion_check or graph.var(n, w) in topological([term])]
        is_value = graph.eq(term, graph.const(evaluate([term], values)[0], term.width))
        right, model = check([*fixed, is_value])
        wrong, _ = check([*fixed, graph.not_(is_value)])
        assert right != "unsat" and wrong != "sat", (term, values)
        if check is not linear_check:
            assert right == "sat" and wrong == "unsat", (term, values)
            assert all(model.get(n, values[n]) == values[n] for n in NAMES)
        decided += wrong == "unsat"
    assert decided > 25


def test_exhaustion_computes_what_evaluation_does() -> None:
    rng = random.Random(6)
    for _ in range(40):
        graph = Graph()
        terms = random_pool(graph, rng, 40)
        rows = [random_values(rng) for _ in range(40)]
        inputs = {n: numpy.array([row[n] for row in rows], dtype=numpy.uint64) for n in NAMES}
        known: dict[int, numpy.ndarray] = {}
        with numpy.errstate(all="ignore"):
            for t in topological(terms):
                known[t.id] = _values(numpy, t, [known[a.id] for a in t.args], inputs)
                found = [int(v) for v in numpy.broadcast_to(known[t.id], len(rows))]
                assert found == [evaluate([t], row)[0] for row in rows], t


def test_a_term_rebuilt_is_the_same() -> None:
    rng = random.Random(7)
    for _ in range(60):
        graph = Graph()
        for t in topological(random_pool(graph, rng, 40)):
            if t.args:
                again = rebuilt(graph, t, t.args)
                values = random_values(rng)
                assert evaluate([again], values) == evaluate([t], values), t


def test_an_assumed_sign_bounds_its_variable() -> None:
    """A gain that is not negative, times a sample, divided by 2**15, needs no saturation."""
    graph = Graph()
    gain, sample = graph.var("gain", 16), graph.var("sample", 16)
    product = graph.mul(graph.sext(gain, 32), graph.sext(sample, 32))
    fits = graph.slt(graph.extract(product, 31, 15), graph.const(0x7FFF, 17))
    sign = graph.extract(gain, 15, 15)
    assert refutation(graph, [graph.not_(sign)], fits) == [graph.false]
    assert refutation(graph, [sign], fits) != [graph.false]


def test_cases_of_a_shift_count() -> None:
    """A rotation by two shifts, and by the halves of a wide one."""
    graph = Graph()
    x, n = graph.var("x", 32), graph.zext(graph.var("n", 5), 32)
    wide = graph.shl(graph.zext(x, 64), graph.zext(n, 64))
    halves = graph.or_(graph.extract(wide, 63, 32), graph.extract(wide, 31, 0))
    for back, answer in ((32, "unsat"), (31, "sat")):
        count = graph.sub(graph.const(back, 32), n)
        shifts = graph.or_(graph.shl(x, n), graph.lshr(x, count))
        assert cases_check(graph, [graph.not_(graph.eq(shifts, halves))])[0] == answer
    assert cases_check(graph, [graph.false])[0] == "unsat"


@pytest.mark.parametrize("divisor", [3, 7, 10, 641, 86400, 1_000_000_007])
def test_division_by_multiplication(divisor: int) -> None:
    """What takes bit-vector solvers minutes is a matter of milliseconds over the integers."""
    graph = Graph()
    x = graph.var("x", 32)
    shift = 32 + divisor.bit_length()
    magic = -(-(1 << shift) // divisor)
    wide = graph.linear([(magic, graph.zext(x, 80))], 0, 80)
    quotient = graph.extract(graph.lshr(wide, graph.const(shift, 80)), 31, 0)
    right = Question((), graph.eq(quotient, graph.udiv(x, graph.const(divisor, 32))))
    below = graph.linear([(magic - 1, graph.zext(x, 80))], 0, 80)
    wrong = Question((), graph.eq(graph.extract(graph.lshr(below, graph.const(shift, 80)), 31, 0),
                                  graph.udiv(x, graph.const(divisor, 32))))
    (proved,), (refuted,) = decide(graph, [right], Budget(20.0)), decide(graph, [wrong], Budget(20.0))
    assert proved.status == PROVED
    assert refuted.status == REFUTED and refutes(wrong, refuted.model)


def test_products_of_halves_over_the_integers() -> None:
    """The high word of a 64-bit product from four 32-bit ones (Hacker's Delight, 8-2)."""
    graph = Graph()
    x, y = graph.var("x", 64), graph.var("y", 64)

    def wide(a: Term, b: Term) -> Term:
        return graph.mul(graph.zext(a, 64), graph.zext(b, 64))
    x0, x1, y0, y1 = (graph.extract(v, h, low) for v in (x, y) for h, low in ((31, 0), (63, 32)))
    w0 = wide(x0, y0)
    t = graph.add(wide(x1, y0), graph.lshr(w0, graph.const(32, 64)))
    w1 = graph.add(graph.zext(graph.extract(t, 31, 0), 64), wide(x0, y1))
    high = graph.add(graph.add(wide(x1, y1), graph.lshr(t, graph.const(32, 64))), graph.lshr(w1, graph.const(32, 64)))
    product = graph.mul(graph.zext(x, 128), graph.zext(y, 128))
    question = Question((), graph.eq(high, graph.extract(product, 127, 64)))
    assert decide(graph, [question], Budget(20.0))[0].status == PROVED


def test_time_out_is_unknown() -> None:
    """Factoring takes all solvers longer than a moment; the answer then claims nothing, and no child is left."""
    graph = Graph()
    x, y = graph.var("x", 64), graph.var("y", 64)
    product = graph.mul(graph.zext(x, 128), graph.zext(y, 128))
    semiprime = graph.const(0x9B08923D10C67FD9 * 0xD2D5844307F062CF, 128)
    hard = Question((graph.ult(graph.const(1, 64), x), graph.ult(graph.const(1, 64), y)),
                    graph.not_(graph.eq(product, semiprime)))
    start = time.monotonic()
    easy = Question((), graph.eq(graph.and_(x, y), graph.not_(graph.or_(graph.not_(x), graph.not_(y)))))
    found = decide(graph, [easy, hard, easy], Budget(3.0))
    assert [a.status for a in found] == [PROVED, UNKNOWN, PROVED]
    assert time.monotonic() - start < 10
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_what_takes_longer_than_its_share_has_what_others_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph()
    numbers = [graph.var(name, 32) for name in ("hard", *(f"easy {k}" for k in range(9)))]
    questions = [Question((), graph.ult(graph.mul(x, x), graph.const(9, 32))) for x in numbers]

    def check(_graph: Graph, conditions: Sequence[Term]) -> tuple[str, Model]:
        start = time.process_time()
        while "hard" in variables(conditions) and time.process_time() - start < 0.8:
            pass
        return "unsat", {}
    monkeypatch.setattr("intent_tool.judge.portfolio.lanes", lambda: (Lane("slow", 0.0, 1.0, check, "os"),))
    answers: dict[int, Answer] = {}
    _Race(graph, questions, [*range(10)], answers, Budget(3.0)).run()
    assert {k: a.status for k, a in answers.items()} == dict.fromkeys(range(10), PROVED)


def test_a_solver_that_crashes_or_lies_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph()
    x = graph.var("x", 32)
    question = Question((), graph.ult(graph.mul(x, x), graph.const(0xFFFF_FFF0, 32)))

    def crash(_graph: Graph, _conditions: Sequence[Term]) -> tuple[str, Model]:
        os.kill(os.getpid(), signal.SIGKILL)

    def lie(_graph: Graph, _conditions: Sequence[Term]) -> tuple[str, Model]:
        return "sat", {"x": 1}

    def hoard(_graph: Graph, _conditions: Sequence[Term]) -> tuple[str, Model]:
        return "unsat" if bytearray(8 << 30) else "unknown", {}
    for check in (crash, lie, hoard):
        monkeypatch.setattr("intent_tool.judge.portfolio.lanes",
                            lambda check=check: (Lane("faulty", 0.0, 1.0, check, "os"),))
        answers: dict[int, Answer] = {}
        _Race(graph, [question], [0], answers, Budget(20.0)).run()
        assert not answers
