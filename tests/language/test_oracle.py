"""The oracle is Python: what it says of an expression is what Python says."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_expressions import PYTHON, SCALARS, SIGNATURE, texts

from intent_tool.language.diagnostics import IntentError
from intent_tool.language.load import load_text
from intent_tool.language.oracle import Oracle, OracleFault
from intent_tool.language.oracle_examples import check_examples

FAULTS = {ZeroDivisionError: {"division"}, IndexError: {"index"}, ValueError: {"shift", "range", "empty", "division"}}


def load(expression: str, signature: str = SIGNATURE, **more: str) -> Oracle:
    keys = "".join(f"{key}: {value}\n" for key, value in more.items())
    return Oracle(load_text(f"intent: Test.\nsignature: {signature}\n{keys}returns: |\n  {expression}\n"))


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(texts((*SCALARS,), 3), st.integers(0, 255), st.integers(-2**31, 2**31 - 1), st.integers(0, 2**64 - 1),
       st.lists(st.integers(-2**15, 2**15 - 1), max_size=5))
def test_expressions_mean_what_python_says(expression: str, a: int, b: int, c: int, d: list[int]) -> None:
    try:
        # `list(…)` makes lists of Python's iterators, so that all that is indexed is a list; contracts need it not.
        oracle = load(expression.replace("list(", "("))
    except IntentError as problem:
        # Constants that have no value are refused before they are evaluated.
        assert {d.code for d in problem.diagnostics} <= {"E326", "E327"}
        return
    names = {**PYTHON, "a": a, "b": b, "c": c, "d": d, "n": len(d)}
    try:
        with warnings.catch_warnings():
            # Python plans to refuse `~True`; in the language it is -2.
            warnings.simplefilter("ignore")
            expected = eval(expression, names)
    except (ZeroDivisionError, IndexError, ValueError) as problem:
        with pytest.raises(OracleFault) as fault:
            oracle.returns((a, b, c, tuple(d), len(d)))
        assert fault.value.kind in FAULTS[type(problem)]
        assert fault.value.span is not None
        return
    try:
        found = oracle.returns((a, b, c, tuple(d), len(d)))
    except OracleFault as fault_found:
        assert fault_found.kind == "cost"
        return
    assert found == expected
    assert type(found) is int


@pytest.mark.parametrize(("expression", "arguments", "kind", "column"), [
    ("1 + a // b", (1, 0), "division", 7), ("1 + a % b", (1, 0), "division", 7), ("a << (b - 5)", (1, 0), "shift", 3),
    ("1 + [1, 2][a]", (2, 0), "index", 7), ("popcount(a - b)", (0, 1), "range", 3),
    ("clz(a + b, 8)", (255, 1), "range", 3),
    ("ctz(a - b, 8)", (0, 1), "range", 3), ("bswap(a * b, 1)", (255, 2), "range", 3),
    ("rotl(a * b, 1, 4)", (8, 2), "range", 3),
    ("bitrev(a * b, 4)", (8, 2), "range", 3), ("rotr(a - b, 1, 4)", (0, 2), "range", 3),
    ("parity(a - b)", (0, 2), "range", 3),
    ("min(x for x in [a] if b)", (1, 0), "empty", 3), ("bits(a, b - 9, 0)", (1, 0), "shift", 3),
    ("pow(a, b, a)", (0, 1), "division", 3), ("sum(bytes([a + b]))", (255, 1), "range", 7),
    ("sum(i for i in range(2**40))", (1, 1), "cost", None), ("1 << (a << 16)", (255, 1), "cost", 3),
    ("reduce(lambda s, _: s * s, range(100), a)", (3, 1), "cost", 23),
    ("len(reduce(lambda s, _: s + s, range(100), [a]))", (3, 1), "cost", None),
    ("1 + [a, [b]][b]", (3, 1), "type", 3), ("sum([a, [b]][b - 1])", (3, 1), "type", 7),
])
def test_faults_have_kind_and_place(expression: str, arguments: tuple[int, int], kind: str,
                                    column: int | None) -> None:
    oracle = load(expression, "uint64_t f(uint8_t a, uint8_t b)")
    began = time.perf_counter()
    with pytest.raises(OracleFault) as fault:
        oracle.returns(arguments)
    assert fault.value.kind == kind
    assert time.perf_counter() - began < 20
    assert fault.value.span is not None
    assert fault.value.span.line == 4
    if column is not None:
        assert fault.value.span.column == column


def fails(oracle: Oracle, call: Callable[[], object]) -> str:
    with pytest.raises(OracleFault) as fault:
        call()
    return fault.value.kind


def test_a_generator_stops_with_its_consumer() -> None:
    oracle = load("any(10 // x > 3 for x in [a, b])", "bool f(uint8_t a, uint8_t b)")
    assert oracle.returns((2, 0)) == 1
    assert fails(oracle, lambda: oracle.returns((9, 0))) == "division"
    assert load("next((k for k in range(2**63) if k * k > a), 0)", "bool f(uint8_t a)").returns((99,)) == 10


def test_a_list_is_evaluated_whole() -> None:
    oracle = load("any([10 // x > 3 for x in [a, b]])", "bool f(uint8_t a, uint8_t b)")
    assert fails(oracle, lambda: oracle.returns((2, 0))) == "division"


def test_definitions_are_evaluated_where_they_are_used() -> None:
    oracle = load("q if b else any(x > 1 for x in lazy)", "uint64_t f(uint8_t a, uint8_t b)",
                  where="{q: a // b, lazy: '(8 // x for x in [a, 0])'}")
    assert oracle.returns((9, 2)) == 4
    assert oracle.returns((1, 0)) == 1
    assert fails(oracle, lambda: oracle.returns((9, 0))) == "division"


def test_a_generator_can_be_used_twice_by_a_definition() -> None:
    oracle = load("spread((x * 2 for x in d))", "uint64_t f(const uint8_t d[n], size_t n)",
                  where="{spread(s): max(s) - min(s)}")
    assert oracle.returns(((3, 9, 4), 3)) == 12


def test_requires_and_ensures() -> None:
    oracle = Oracle(load_text("""
intent: Test.
signature: uint8_t f(uint8_t out[n], const uint8_t d[n], size_t n)
requires: [n > 1, 'd[0] < d[1]']
ensures:
  - result in d
  - out[0] == result
writes:
  out: (x + 1 if x else 0 for x in d)
"""))
    assert oracle.requires(((0, 0), (1, 2), 2)) is True
    assert oracle.requires(((0, 0), (2, 1), 2)) is False
    assert oracle.requires(((0,), (2,), 1)) is False
    given = ((0, 0), (1, 2), 2)
    assert oracle.writes(given) == {"out": (2, 3)}
    assert oracle.ensures(given, 2, {"out": (2, 3)}) is True
    assert oracle.ensures(given, 2, {"out": (1, 3)}) is False
    assert oracle.ensures(given, 7, {"out": (7, 3)}) is False
    assert fails(oracle, lambda: oracle.returns(given)) == "type"


def test_writes_must_fill_the_buffer() -> None:
    oracle = Oracle(load_text("intent: Test.\nsignature: void f(uint8_t out[n+1], size_t n)\nwrites:\n"
                              "  out: (i for i in range(n))\n"))
    assert fails(oracle, lambda: oracle.writes(((0,), 0))) == "length"


def test_used_functions_check_their_arguments(tmp_path: object) -> None:
    from pathlib import Path
    folder = Path(str(tmp_path))
    (folder / "half.intent").write_text(
        "intent: x\nsignature: uint8_t half(uint8_t x)\nrequires: [x % 2 == 0]\nreturns: x // 2\n")
    oracle = Oracle(load_text("intent: x\nsignature: int f(int a)\nuses: [half.intent]\nreturns: half(a)\n",
                              str(folder / "f.intent")))
    assert oracle.returns((8,)) == 4
    assert fails(oracle, lambda: oracle.returns((7,))) == "requires"
    assert fails(oracle, lambda: oracle.returns((256,))) == "range"


def test_programs() -> None:
    oracle = Oracle(load_text("""
intent: Test.
program: test
where:
  number: int(args[0])
stdout: |
  stdin[:2] + [65, 10] + bytes(x ^ 32 for x in args[1]) + (b"!" if b"ell" in stdin and 104 in stdin else b"?")
stderr: f"{args[1]:>5s}{number:05d}" if stdin == [104, 105] or args[1] == b"ab" else b""
exit: number if args[1] != b"zz" else 300
"""))
    assert oracle.program((b"7", b"x"), b"hello") == (b"heA\nX!", b"", 7)
    assert oracle.program((b"12", b"ab"), b"") == (b"A\nAB?", b"   ab00012", 12)
    assert oracle.program((b"3", b"c"), b"hi") == (b"hiA\nC?", b"    c00003", 3)
    assert fails(oracle, lambda: oracle.program((b"x", b"c"), b"")) == "parse"
    assert fails(oracle, lambda: oracle.program((b"3",), b"")) == "index"
    assert fails(oracle, lambda: oracle.program((b"3", b"zz"), b"")) == "range"
    assert fails(oracle, lambda: oracle.program((b"-3", b"y"), b"")) == "range"


def test_examples_of_several_calls() -> None:
    contract = load_text("""
intent: Test.
signature: uint32_t twice(uint16_t x)
returns: 2 * x
examples:
  - twice(3) == twice(2) + 2
  - twice(twice(3)) == 12
  - twice(1) < twice(2) < 5
  - twice(1) == 3 or twice(2) == 4
  - all(twice(k) == k + k for k in range(100))
""")
    check_examples(contract)


def test_ten_thousand_evaluations_are_cheap() -> None:
    """A guard against a slow evaluator by an order of magnitude, not a benchmark."""
    returns = load("(a + b) // 2", "uint32_t f(uint32_t a, uint32_t b)").returns
    began = time.process_time()
    for k in range(10_000):
        returns((k, 7))
    assert time.process_time() - began < 0.25
