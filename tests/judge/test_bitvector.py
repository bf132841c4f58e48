"""The judge's formulas: what is simplified means what was written, for every operator in every surrounding."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations, product

import pytest

from intent_tool.judge.bitvector import Graph, Term, evaluate, signed, value_of

NAMES = {"a": 8, "b": 8, "c": 16, "d": 4, "e": 1, "f": 5}
Values = dict[str, int]
Meaning = Callable[[Values], int]
"""What a term must be, said without the graph."""


class Pair:
    """A term and its meaning, built side by side."""

    def __init__(self, term: Term, meaning: Meaning) -> None:
        self.term, self.meaning = term, meaning


def plain(op: str, width: int, data: object, *parts: Pair) -> Meaning:
    """The operator applied to the parts' meanings, through one unsimplified node."""
    node = Term(0, op, width, tuple(p.term for p in parts), data)
    return lambda values: value_of(node, [p.meaning(values) for p in parts], values)


def of_width(graph: Graph, pair: Pair, width: int, rng: random.Random) -> Pair:
    have = pair.term.width
    if have == width:
        return pair
    if have > width:
        low = rng.randrange(have - width + 1)
        return Pair(graph.extract(pair.term, low + width - 1, low),
                    plain("extract", width, (low + width - 1, low), pair))
    extension = rng.choice(["zext", "sext"])
    return Pair(getattr(graph, extension)(pair.term, width), plain(extension, width, None, pair))


BINARY = {"add": "sum", "sub": "sum", "mul": "mul", "and_": "and", "or_": "or", "xor": "xor", "shl": "shl",
          "lshr": "lshr", "ashr": "ashr", "udiv": "udiv", "urem": "urem", "sdiv": "sdiv", "srem": "srem",
          "eq": "eq", "ult": "ult", "slt": "slt", "saddo": "saddo", "ssubo": "ssubo"}


def step(graph: Graph, pool: list[Pair], rng: random.Random) -> Pair:
    kind = rng.choice([*BINARY, *BINARY, "not_", "neg", "concat", "ite", "resize", "count", "const", "table", "ule"])
    a = rng.choice(pool)
    width = a.term.width
    if kind == "const":
        width = rng.choice([1, 4, 5, 8, 16])
        value = rng.choice([0, 1, -1, 2, 3, 1 << (width - 1), rng.getrandbits(width)]) & ((1 << width) - 1)
        return Pair(graph.const(value, width), lambda _values: value)
    if kind in ("not_", "neg"):
        if kind == "neg":
            return Pair(graph.neg(a.term), plain("sum", width, ((-1,), 0), a))
        return Pair(graph.not_(a.term), plain("not", width, None, a))
    if kind == "resize":
        return of_width(graph, a, rng.choice([1, 3, 4, 8, 12, 16, 20]), rng)
    if kind == "count":
        op = rng.choice(["popcount", "clz", "ctz"])
        return Pair(getattr(graph, op)(a.term, 8), plain(op, 8, None, a))
    if kind == "table":
        start = rng.randrange(4)
        values = tuple(rng.randrange(rng.choice([2, 4, 256])) for _ in range(rng.randrange(1, 6)))
        def entry(given: Values) -> int:
            index = a.meaning(given) - start
            return values[index if 0 <= index < len(values) else 0]
        return Pair(graph.table(a.term, start, values, 8), entry)
    b = rng.choice(pool)
    if kind == "concat":
        if width + b.term.width > 24:
            return a
        return Pair(graph.concat(a.term, b.term), plain("concat", width + b.term.width, None, a, b))
    b = of_width(graph, b, width, rng)
    if kind == "ite":
        condition = of_width(graph, rng.choice(pool), 1, rng)
        return Pair(graph.ite(condition.term, a.term, b.term), plain("ite", width, None, condition, a, b))
    if kind == "ule":
        return Pair(graph.ule(a.term, b.term), lambda values: int(a.meaning(values) <= b.meaning(values)))
    op = BINARY[kind]
    data = ((1, 1 if kind == "add" else -1), 0) if op == "sum" else None
    result_width = 1 if op in ("eq", "ult", "slt", "saddo", "ssubo") else width
    return Pair(getattr(graph, kind)(a.term, b.term), plain(op, result_width, data, a, b))


@pytest.mark.parametrize("seed", range(12))
def test_simplified_terms_keep_their_meaning(seed: int) -> None:
    """Random expressions of 60 operators; each term against the meaning of its parts, on 60 inputs."""
    rng = random.Random(seed)
    for _ in range(12):
        graph = Graph()
        pool = []
        for name, width in NAMES.items():
            pool.append(Pair(graph.var(name, width), lambda values, n=name: values[n]))
        inputs = [{n: rng.choice([0, 1, (1 << w) - 1, 1 << (w - 1), rng.getrandbits(w)]) for n, w in NAMES.items()}
                  for _ in range(60)]
        for _ in range(60):
            pair = step(graph, pool, rng)
            # Each operator is looked at alone: its parts stand for what their terms say.
            for values in inputs:
                (found,) = evaluate([pair.term], values)
                assert found == pair.meaning(values), (pair.term, values)
                assert pair.term.lo <= found <= pair.term.hi, (pair.term, values)
                assert pair.term.slo <= signed(found, pair.term.width) <= pair.term.shi, (pair.term, values)
            term = pair.term
            pool.append(Pair(term, lambda values, t=term: evaluate([t], values)[0]))


def test_conditions_of_every_flag_combination() -> None:
    """What compares leave in flags comes down to one comparison, for all pairs of 3-bit numbers."""
    graph = Graph()
    a, b = graph.var("a", 3), graph.var("b", 3)
    carry, zero = graph.ult(a, b), graph.eq(graph.sub(a, b), graph.const(0, 3))
    sign, overflow = graph.slt(graph.sub(a, b), graph.const(0, 3)), graph.ssubo(a, b)
    less = graph.xor(sign, overflow)
    wanted = {
        graph.or_(carry, zero): ("not", lambda x, y: x <= y), less: ("slt", lambda x, y: signed(x, 3) < signed(y, 3)),
        graph.or_(less, zero): ("not", lambda x, y: signed(x, 3) <= signed(y, 3)), zero: ("eq", lambda x, y: x == y),
        graph.and_(graph.not_(zero), graph.not_(less)): ("slt", lambda x, y: signed(x, 3) > signed(y, 3)),
    }
    for term, (op, meaning) in wanted.items():
        assert term.op == op
        for x, y in product(range(8), repeat=2):
            assert evaluate([term], {"a": x, "b": y}) == [int(meaning(x, y))]


def test_with_top_bits_flipped_signed_comparison_is_unsigned() -> None:
    graph = Graph()
    a, b, top = graph.var("a", 3), graph.var("b", 3), graph.const(4, 3)
    assert graph.slt(graph.xor(a, top), graph.xor(b, top)) is graph.ult(a, b)
    for constant in range(8):
        term = graph.slt(graph.xor(a, top), graph.const(constant, 3))
        for x in range(8):
            assert evaluate([term], {"a": x}) == [int(signed(x ^ 4, 3) < signed(constant, 3))]


def test_the_same_sum_in_wide_and_narrow_registers_is_one_term() -> None:
    graph = Graph()
    x, y = graph.var("x", 32), graph.var("y", 32)
    wide = graph.extract(graph.lshr(graph.add(graph.zext(x, 64), graph.zext(y, 64)), graph.const(1, 64)), 31, 0)
    narrow = graph.extract(graph.add(graph.zext(x, 33), graph.zext(y, 33)), 32, 1)
    assert wide is narrow


def agrees_everywhere(term: Term, meaning: Callable[[int, int], int]) -> bool:
    """Whether the term is what `meaning` says for all values of the 3-bit variables a and b."""
    full = (1 << term.width) - 1
    return all(evaluate([term], {"a": x, "b": y}) == [meaning(x, y) & full] for x, y in product(range(8), repeat=2))


def resized(graph: Graph, term: Term, kind: str, width: int) -> Term:
    return graph.extract(term, width - 1, 0) if kind == "extract" else getattr(graph, kind)(term, width)


@pytest.mark.parametrize("op", ["udiv", "sdiv", "urem", "srem"])
@pytest.mark.parametrize("kinds", list(product(["zext", "sext", "extract"], repeat=2)))
@pytest.mark.parametrize("width", [2, 3, 4, 5, 7])
def test_quotients_of_every_shape(op: str, kinds: tuple[str, str], width: int) -> None:
    """Division of resized operands, and resized quotients times resized divisors, exhaustively."""
    graph = Graph()
    a, b = graph.var("a", 3), graph.var("b", 3)
    if (width > 3) != (kinds[0] != "extract") or (width > 3) != (kinds[1] != "extract"):
        return

    def resize(value: int, kind: str) -> int:
        return signed(value, 3) & ((1 << width) - 1) if kind == "sext" else value & ((1 << width) - 1)

    def divide(x: int, y: int, at: int) -> int:
        node = Term(0, op, at, (graph.const(x, at), graph.const(y, at)), None)
        return value_of(node, [x, y], {})
    wide_a, wide_b = resized(graph, a, kinds[0], width), resized(graph, b, kinds[1], width)
    assert agrees_everywhere(getattr(graph, op)(wide_a, wide_b),
                             lambda x, y: divide(resize(x, kinds[0]), resize(y, kinds[1]), width))
    quotient = resized(graph, getattr(graph, op)(a, b), kinds[0], width)
    assert agrees_everywhere(graph.mul(quotient, wide_b),
                             lambda x, y: resize(divide(x, y, 3), kinds[0]) * resize(y, kinds[1]))
    assert agrees_everywhere(graph.sub(wide_a, graph.mul(quotient, wide_b)), lambda x, y: resize(
        x, kinds[0]) - resize(divide(x, y, 3), kinds[0]) * resize(y, kinds[1]))
    for divisor in range(8):
        by = graph.const(divisor, 3)
        quotient = resized(graph, getattr(graph, op)(a, by), kinds[0], width)
        for factor in (divisor, signed(divisor, 3), 3 * divisor):
            assert agrees_everywhere(graph.linear([(factor, quotient)], 0, width),
                                     lambda x, _y, d=divisor, f=factor: f * resize(divide(x, d, 3), kinds[0]))


@pytest.mark.parametrize("width", [3, 4, 6, 8])
def test_quotients_and_fields_of_sums(width: int) -> None:
    """Of sums whose coefficients the divisor divides and of others, that wrap or do not, exhaustively."""
    graph = Graph()
    a, b = (graph.zext(graph.var(name, 3), width) for name in "ab")
    full = (1 << width) - 1
    for first, second, constant in product((2, 3, 4, 6, -2), (0, 6, -4), (0, 1, 3, 5, -1, -3)):
        total = graph.linear([(first, a), (second, b)], constant, width)

        def value(x: int, y: int, f: int = first, s: int = second, c: int = constant) -> int:
            return (f * x + s * y + c) & full
        for divisor in (2, 3, 4, 6):
            by = graph.const(divisor, width)
            assert agrees_everywhere(graph.udiv(total, by), lambda x, y, d=by.data: value(x, y) // d if d else full)
            assert agrees_everywhere(graph.urem(total, by),
                                     lambda x, y, d=by.data: value(x, y) % d if d else value(x, y))
        for low, high in combinations(range(width), 2):
            assert agrees_everywhere(graph.extract(total, high, low), lambda x, y, k=low: value(x, y) >> k)


def test_a_product_in_two_halves_is_one_field() -> None:
    """The high and the low half of a product as vectors make them, put together after a shift by 15."""
    graph = Graph()
    a, b = graph.var("a", 16), graph.var("b", 16)
    whole = graph.mul(graph.sext(a, 32), graph.sext(b, 32))
    high, low = graph.extract(whole, 31, 16), graph.mul(a, b)
    joined = graph.or_(graph.shl(high, graph.const(1, 16)), graph.lshr(low, graph.const(15, 16)))
    assert joined is graph.extract(whole, 30, 15)


def test_elements_by_turns_ask_for_no_division() -> None:
    """What element number 6 * round + 4 is made of, where two or three come by turns."""
    graph = Graph()
    turn = graph.bounded_var("round", 64, 0, (1 << 48) - 1, -(1 << 63), (1 << 63) - 1)
    index = graph.linear([(6, turn)], 4, 64)
    assert graph.udiv(index, graph.const(3, 64)) is graph.linear([(2, turn)], 1, 64)
    assert graph.urem(index, graph.const(3, 64)) is graph.const(1, 64)
    assert graph.lshr(index, graph.const(1, 64)) is graph.linear([(3, turn)], 2, 64)
    assert graph.and_(index, graph.const(1, 64)) is graph.const(0, 64)


@pytest.mark.parametrize("width", [3, 4, 6])
def test_absolute_values(width: int) -> None:
    graph = Graph()
    a = graph.var("a", 3)
    wide = graph.sext(a, width)
    for then, otherwise in ((graph.neg(wide), wide), (wide, graph.neg(wide))):
        term = graph.ite(graph.slt(a, graph.const(0, 3)), then, otherwise)
        assert agrees_everywhere(term, lambda x, _y, t=then: abs(signed(x, 3)) * (1 if t is not wide else -1))
    for number, minus in ((wide, graph.neg(wide)), (graph.neg(wide), wide)):
        assert graph.ite(graph.slt(number, minus), minus, number) is graph.ite(
            graph.slt(wide, graph.const(0, width)), graph.neg(wide), wide)


@pytest.mark.parametrize("is_signed", [False, True])
def test_whether_the_greater_of_two_is_one_of_them(is_signed: bool) -> None:
    """That is one comparison, as vectors make it of a maximum and a test for equality."""
    graph = Graph()
    a, b = graph.var("a", 3), graph.var("b", 3)
    less = graph.slt if is_signed else graph.ult

    def number(x: int) -> int:
        return signed(x, 3) if is_signed else x
    for pick in (max, min):
        chosen = graph.ite(less(a, b), *((b, a) if pick is max else (a, b)))
        for term, of_both in ((a, lambda x, _y: x), (b, lambda _x, y: y)):
            equal = graph.eq(chosen, term)
            assert equal.op in ("not", less(a, b).op)
            assert agrees_everywhere(
                equal, lambda x, y, p=pick, o=of_both: p(number(x), number(y)) == number(o(x, y)))


@pytest.mark.parametrize(("one", "other"), [(1, 7), (7, 1), (3, 6), (0, 5)])
def test_a_product_with_one_of_two_constants_has_no_multiplication(one: int, other: int) -> None:
    """A number with its sign; both sides of an equation have it, and often in different widths."""
    graph = Graph()
    a, b = graph.var("a", 3), graph.var("b", 3)
    is_less = graph.ult(a, b)
    term = graph.mul(graph.ite(is_less, graph.const(one, 3), graph.const(other, 3)), a)
    assert term is graph.mul(a, graph.ite(is_less, graph.const(one, 3), graph.const(other, 3)))
    assert term.op != "mul"
    assert agrees_everywhere(term, lambda x, y: (one if x < y else other) * x)


def test_the_greater_of_two_by_a_saturating_subtraction() -> None:
    graph = Graph()
    a, b = graph.var("a", 3), graph.var("b", 3)
    greater = graph.ite(graph.ult(a, b), b, a)
    for difference in (graph.ite(graph.ult(a, b), graph.const(0, 3), graph.sub(a, b)),
                       graph.ite(graph.ult(b, a), graph.sub(a, b), graph.const(0, 3))):
        assert graph.add(difference, b) is greater
        assert agrees_everywhere(graph.add(difference, b), max)
        # What only looks like it.
        assert agrees_everywhere(graph.add(difference, a), lambda x, y: max(x - y, 0) + x)
        assert agrees_everywhere(graph.sub(difference, b), lambda x, y: max(x - y, 0) - y)
        assert agrees_everywhere(graph.linear([(1, difference), (1, b)], 1, 3), lambda x, y: max(x, y) + 1)
        assert agrees_everywhere(graph.linear([(2, difference), (1, b)], 0, 3), lambda x, y: 2 * max(x - y, 0) + y)


@pytest.mark.parametrize("is_signed", [False, True])
def test_the_least_of_all_numbers_is_never_the_greater(is_signed: bool) -> None:
    """In lanes that are not to count: as a comparison, that would be one more question for each."""
    graph = Graph()
    a = graph.var("a", 3)
    less = graph.slt if is_signed else graph.ult
    least, most = (graph.const(x, 3) for x in ((4, 3) if is_signed else (0, 7)))
    for end, other in ((least, most), (most, least)):
        for x, y in ((a, end), (end, a)):
            greatest, smallest = graph.ite(less(x, y), y, x), graph.ite(less(x, y), x, y)
            assert (greatest if end is least else smallest) is a
            assert (smallest if end is least else greatest) is end, (end, other)
