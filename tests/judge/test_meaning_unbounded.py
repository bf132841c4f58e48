"""Contracts over buffers of any length, read as recurrences: what holds for every length, and what must not."""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random

import pytest
from random_contracts import random_buffer_contract
from unbounded_values import Values

from intent_tool.judge.bitvector import Graph
from intent_tool.judge.budget import Budget
from intent_tool.judge.contract_proof import has_a_value_for_every_length, prove_contract
from intent_tool.judge.meaning_values import NotUnderstood
from intent_tool.judge.symbolic_lengths import LongMeaning, long_meaning
from intent_tool.language.contract import Contract
from intent_tool.language.deep import with_deep_stack
from intent_tool.language.load import load_text
from intent_tool.language.oracle import Oracle
from intent_tool.language.samples import sample_inputs

CONTRACTS, SEED = (300, 1) if not os.environ.get("INTENT_CAMPAIGN") else (4000, Random().randrange(1 << 32))


def contract(body: str, result: str = "uint64_t") -> Contract:
    return load_text(f"intent: Something.\nsignature: {result} f(const uint8_t data[n], size_t n)\n{body}\n")


def meaning(body: str, result: str = "uint64_t") -> LongMeaning:
    return long_meaning(contract(body, result), Graph())


@pytest.mark.parametrize("body", [
    "returns: sum(data)",
    "returns: u8(sum(10 // (1 + x) for x in data))",
    "returns: next((i for i, x in enumerate(data) if x == 7), n)",
    "returns: sum(1 for i in range(n) if i == 0 or data[i] != data[i - 1])",
    "requires: [n > 0]\nreturns: max(data)",
    # Nothing is divided by once a zero was found.
    "returns: any(x == 0 or 10 // x > 5 for x in data)",
    "returns: u64(sum(sum(1 for y in data if y == x) for x in data))",
])
def test_it_has_a_value_for_every_length(body: str) -> None:
    assert has_a_value_for_every_length(contract(body), Budget(10))


@pytest.mark.parametrize("body", [
    "returns: u8(sum(10 // x for x in data))",
    "requires: [n != 300]\nreturns: data[n - 300] if n > 300 else 0 if n < 200 else data[n]",
    # Two places of one buffer, in a fold inside of a fold: they are not the same.
    "returns: u8(sum(sum(10 // (1 + data[i] - data[j]) for j in range(n)) for i in range(n)))",
    "returns: u8(sum(sum(10 // (1 + i - j) for j in range(n)) for i in range(n)))",
    # Two states of one interval, in a fold inside of a fold.
    "where:\n  inner(t, y): u8(t * y)\n"
    "  outer(s, x): 10 // (1 + s - reduce(inner, data, s)) & 255\nreturns: reduce(outer, data, 3)",
    # A list is made whole, whatever is taken of it.
    "requires: ['n > 1', 'data[0] != 0']\nreturns: '[10 // x for x in data][0]'",
    "requires: ['n > 1', 'data[0] != 0']\nwhere:\n  all_of: '[10 // x for x in data]'\nreturns: all_of[0]",
    # More than a byte, after 2**40 elements or so.
    "returns: min(sum(data), 2 ** 47) // 2 ** 39",
])
def test_it_has_not(body: str) -> None:
    assert not has_a_value_for_every_length(contract(body, "uint8_t"), Budget(10))


def test_each_fold_has_variables_of_its_own() -> None:
    found = meaning("returns: u64(sum(sum(1 for y in data if y == x) for x in data) + sum(data))")
    names = [fold.number for fold in found.folds]
    assert len(names) >= 3 and len(set(names)) == len(names)


def test_a_running_sum_is_one_fold() -> None:
    text = ("intent: Running totals.\nsignature: void f(uint32_t out[n], const uint32_t data[n], size_t n)\n"
            "writes:\n  out: (u32(sum(data[:i + 1])) for i in range(n))\n")
    assert len(long_meaning(load_text(text), Graph()).folds) == 1


def test_one_more_than_what_may_be_none_is_no_round() -> None:
    """The length of an empty slice is a difference plus one, and the difference is below zero."""
    made = contract("requires: ['n > 0']\nwhere:\n  last(s, x): 1000\n"
                    "returns: reduce(last, data[n - 1:n - 1], n)")
    graph = Graph()
    found = long_meaning(made, graph)
    assert found.result is not None
    assert Values(made, graph, found, ((7,), 1)).integer(found.result) == 1


def test_the_same_bits_read_in_another_way_are_another_state() -> None:
    made = load_text("intent: Something.\nsignature: uint16_t f(const uint8_t data[n], size_t n, uint8_t k)\n"
                     "where:\n  step(s, x): i8(s)\nreturns: u16(reduce(step, data, k))\n")
    graph = Graph()
    found = long_meaning(made, graph)
    assert found.result is not None
    assert found.folds[0].bounds == ((-128, 255),)
    assert Values(made, graph, found, ((1,), 1, 255)).integer(found.result) == 65535


def test_what_absorbs_and_what_does_not() -> None:
    (search,) = meaning("returns: next((i for i, x in enumerate(data) if x == 7), n)").folds
    assert search.absorbing == (0, 1) and search.is_idle
    (total,) = meaning("returns: sum(data)").folds
    assert total.absorbing is None and not total.is_idle
    (flag,) = meaning("where:\n  step(s, x): (s[0] and x < 128, u32(s[1] + 1))\n"
                      "returns: reduce(step, data, (1, 0))[0]", "bool").folds
    assert flag.absorbing is None, "the counter goes on"


def test_intervals() -> None:
    (total,) = meaning("returns: sum(data)").folds
    assert total.bounds == ((0, 255 * (2**48 - 1)),)
    (adler,) = meaning("where:\n  step(s, x): ((s[0] + x) % 65521, (s[1] + s[0] + x) % 65521)\n"
                       "returns: reduce(step, data, (1, 0))[1]").folds
    assert adler.bounds == ((0, 65520), (0, 65520))
    with pytest.raises(NotUnderstood):
        meaning("where:\n  step(s, x): s * 3 + x\nreturns: u64(reduce(step, data, 1))")


def test_an_input_that_keeps_requires_may_be_long() -> None:
    assert prove_contract(contract("requires: [n >= 40]\nreturns: data[39]")).status == "proved"
    assert prove_contract(contract("requires: [n >= 40, n < 30]\nreturns: data[39]")).status in {
        "unsatisfiable", "unknown"}
    assert prove_contract(contract("requires: ['all(x > 3 for x in data)', n >= 1]\nreturns: 1 // n")).status in {
        "proved", "bounded"}


def test_recurrences_agree_with_the_oracle() -> None:
    """On random contracts over buffers, at lengths from 0 on: the judge's reading is the one that is executed."""
    with_deep_stack(compare_with_the_oracle)


def compare_with_the_oracle() -> None:
    random = Random(SEED)
    understood = compared = 0
    for number in range(CONTRACTS):
        made = load_text(random_buffer_contract(random.randrange, f"f{number}"))
        graph = Graph()
        try:
            found = long_meaning(made, graph)
        except NotUnderstood:
            continue
        understood += 1
        oracle = Oracle(made)
        for arguments in sample_inputs(made, oracle, 40, seed=number):
            if max((len(a) for a in arguments if isinstance(a, tuple)), default=0) > 9:
                continue
            values = Values(made, graph, found, arguments)
            assert values.term(found.requires) == 1
            if found.result is not None:
                assert values.integer(found.result) == oracle.returns(arguments), (SEED, made.source.text, arguments)
            for name, content in oracle.writes(arguments).items() if made.writes else ():
                final = found.writes[name]
                assert callable(final)
                there = tuple(values.integer(final(graph.const(k, 64))) for k in range(len(content)))
                assert there == tuple(content), (SEED, made.source.text, arguments)
            compared += 1
    assert understood > CONTRACTS // 2 and compared > 3 * CONTRACTS, f"seed {SEED}"


def asked_for_twice(below: Callable[[int], int]) -> str:
    """A contract that asks for one fold at two places, at each of which something else is known."""
    def pick(*texts: str) -> str:
        return texts[below(len(texts))].replace("C", str(below(9)))
    test = pick("i + w > C", "w > C", "n > C", "n > i + C", "w < i + C", "x > w + C", "c > C", "c > i + C")
    other = pick("0", "x", "i", "1")
    element = pick("x", "x ^ i", "1", "x + w", "x % (w + 1)", "n - i")
    folded = pick(f"sum({element} if {test} else {other} for i, x in enumerate(data[:c]))",
                  f"sum({element} if {test} else {other} for i, x in enumerate(data[:c]) if x > C)",
                  f"next(({element} for i, x in enumerate(data[:c]) if {test}), C)",
                  "reduce(step, data[:c], w + C)")
    known = pick("v > C", "v < C", "n > C", "n < C", "n > v", "v + n > C")
    first, second = pick("n", "n", "n", "min(n, v)"), pick("n", "n", "min(n, v)", "n - min(n, 2)")
    extra = pick("v", "v + 0", "v", "min(v, 200)")
    step = pick("(s ^ x) & 255", "max(s, x)", "min(s, x) + 1 if v > C else s % 256", "s if n > C else x")
    return ("intent: One thing at two places.\nsignature: uint64_t f(const uint8_t data[n], size_t n, uint8_t v)\n"
            f"where:\n  step(s, x): {step}\n  f2(w, c): {folded}\n"
            f"returns: u64(f2({extra}, {first}) if {known} else f2({pick('v', 'v + 0')}, {second}) + 1)\n")


def test_what_one_place_knows_does_not_count_at_another() -> None:
    with_deep_stack(compare_at_two_places)


def compare_at_two_places() -> None:
    random = Random(SEED)
    shared = compared = 0
    for _ in range(CONTRACTS):
        made = load_text(asked_for_twice(random.randrange))
        graph = Graph()
        try:
            found = long_meaning(made, graph)
        except NotUnderstood:
            continue
        shared += any(len(fold.uses) > 1 for fold in found.folds)
        oracle = Oracle(made)
        for _ in range(30):
            data = tuple(random.choice((random.randrange(10), random.randrange(256)))
                         for _ in range(random.randrange(9)))
            arguments = data, len(data), random.randrange(12)
            values = Values(made, graph, found, arguments)
            assert found.result is not None
            assert values.integer(found.result) == oracle.returns(arguments), (SEED, made.source.text, arguments)
            compared += 1
    assert shared > CONTRACTS // 20 and compared > 15 * CONTRACTS, (shared, compared)
