"""The judge's reading of contracts agrees with the oracle: results, writes, what is required, and where there is no
value."""

from __future__ import annotations

import ast
import time
from pathlib import Path
from random import Random

import pytest
import random_expressions
from hypothesis import HealthCheck, given, settings
from meaning_against_oracle import (
    Compared,
    bound_inputs,
    length_names,
    lengths_of,
    random_inputs,
)
from random_contracts import random_contract

from intent_tool.judge.bitvector import Graph
from intent_tool.judge.meaning import NotUnderstood, meaning
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import IntentError
from intent_tool.language.load import load_intent, load_text
from intent_tool.language.oracle import Arguments, Oracle
from intent_tool.language.samples import sample_inputs

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("intents", "tests/propose/cases/run", "tests/language/cases/good")
FILES = sorted(f for folder in FOLDERS for f in (ROOT / folder).rglob("*.intent"))
LENGTHS = (0, 1, 2, 3, 4, 9)
PER_LENGTH = 12


def compare(contract: Contract, count: int = 30, lengths: tuple[int, ...] = LENGTHS) -> None:
    """On the samples, and on inputs of each length that need not keep what is required."""
    oracle, names = Oracle(contract), sorted(length_names(contract))
    groups: dict[tuple[tuple[str, int], ...], list[Arguments]] = {}
    for length in lengths if names else (0,):
        chosen = tuple((name, length) for name in names)
        groups[chosen] = random_inputs(contract, dict(chosen), PER_LENGTH, length)
    for arguments in sample_inputs(contract, oracle, count * (8 if names else 1), seed=1):
        chosen = tuple(sorted(lengths_of(contract, arguments)))
        if chosen in groups:
            groups[chosen].append(arguments)
    for chosen, inputs in groups.items():
        Compared(contract, oracle, dict(chosen)).check(inputs)


def expression(text: str, signature: str, **more: str) -> Contract:
    keys = "".join(f"{key}: {value}\n" for key, value in more.items())
    return load_text(f"intent: Test.\nsignature: {signature}\n{keys}returns: |\n  {text}\n")


@pytest.mark.parametrize("folder", FOLDERS)
def test_contracts_mean_what_the_oracle_says(folder: str) -> None:
    compared, slowest = 0, (0.0, "")
    for file in (f for f in FILES if f.is_relative_to(ROOT / folder)):
        contract = load_intent(file)
        if contract.signature is None:
            continue
        graph = Graph()
        inputs = bound_inputs(contract, graph, dict.fromkeys(length_names(contract), 4))
        began = time.perf_counter()
        meaning(contract, graph, inputs)
        slowest = max(slowest, (time.perf_counter() - began, file.name))
        compare(contract)
        compared += 1
    assert compared > 20
    print(f"{folder}: {compared} contracts, the slowest took {slowest[0]:.3f} s: {slowest[1]}")


@pytest.mark.parametrize("part", range(2))
def test_random_contracts_mean_what_the_oracle_says(part: int) -> None:
    for number in range(300):
        random = Random(2 * number + part)
        compare(load_text(random_contract(random.randrange, "f")))


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(random_expressions.texts(random_expressions.SCALARS, 3))
def test_random_expressions_mean_what_the_oracle_says(text: str) -> None:
    try:
        # `list(…)` is for Python itself.
        contract = expression(text.replace("list(", "("), random_expressions.SIGNATURE)
    except IntentError:
        # Constants that have no value are refused.
        return
    oracle = Oracle(contract)
    for length in (0, 1, 3):
        try:
            compared = Compared(contract, oracle, {"n": length})
        except NotUnderstood as problem:
            assert "4096" in problem.construct
            continue
        compared.check(random_inputs(contract, {"n": length}, 12, length))


SCALARS = "int64_t f(uint8_t a, int8_t b, uint16_t c)"
BUFFER = "int64_t f(const int8_t d[n], size_t n, uint8_t a, int8_t b)"
CONSTRUCTS = [
    # Operators.
    (SCALARS, "a + b * c - (a ^ b) + (a & b | c) + ~a + -b + +c"), (SCALARS, "a // (b or 1) + a % (b or 1)"),
    (SCALARS, "c // b"), (SCALARS, "b // c"), (SCALARS, "(a - c) // b"), (SCALARS, "(a - c) % b"), (SCALARS, "b % a"),
    ("int64_t f(int8_t a, int8_t b)", "a // b"), ("int64_t f(int8_t a, int8_t b)", "a % b"),
    (SCALARS, "b // 7 + b % 7 + b // -7 + b % -7 + b // 8 + b % 8 + b // -8 + b % -8 + a // 7 + a % -7"),
    (SCALARS, "(a << (b & 15)) >> (c & 63)"), (SCALARS, "b >> c"), (SCALARS, "a >> b"), (SCALARS, "(1 << a) >> 200"),
    (SCALARS, "b ** 3 + a ** 2 + a ** 0 + sum(a ** k for k in range(4))"), (SCALARS, "(a if b < 0 else c) * b"),
    (SCALARS, "0 < a <= b != c"), (SCALARS, "a in [1, b, c]"), (SCALARS, "a < b in [b, 3] and b not in [7, c]"),
    (SCALARS, "c in range(3, a, 2)"), (SCALARS, "c in range(b, -100, -7)"), (SCALARS, "(a and b) + (b or c)"),
    (SCALARS, "not a and not (b or not c)"), (SCALARS, "a // b if b else c // a if a else -1"),
    (SCALARS, "b and c // b or a"), (SCALARS, "b == 0 or c // b > 3"),
    (SCALARS, "u8(c * a) + u16(-a) + u32(b) + u64(b) * 0 + i8(c) + i16(c * 3) + i32(b) + i64(c)"),
    # The vocabulary.
    (SCALARS, "popcount(a) + parity(c) + clz(a, 8) + clz(c, 20) + ctz(a, 8) + ctz(c, 20) + clz(a & 1, 1)"),
    (SCALARS, "bswap(c, 2) + bswap(a, 1) + bitrev(a, 8) + bitrev(a, 11) + bswap(c, 4) + bitrev(a & 1, 1)"),
    (SCALARS, "rotl(a, b, 8) + rotr(a, b, 8) + rotl(c, b, 24) + rotr(c, a, 17) + rotl(a & 1, b, 1)"),
    (SCALARS, "rotl(a, b, 7)"), (SCALARS, "clz(a, 7)"), (SCALARS, "ctz(a, 7)"), (SCALARS, "popcount(b)"),
    (SCALARS, "parity(b)"), (SCALARS, "bswap(c, 1)"), (SCALARS, "bitrev(c, 15)"), (SCALARS, "rotr(b, 1, 9)"),
    (SCALARS, "bits(b, 9, 2) + bits(c, 7, 0) + bits(c, 12, 12)"), (SCALARS, "bits(c, a & 7, b & 3)"),
    (SCALARS, "bits(c, b, 0)"),
    # Functions of numbers.
    (SCALARS, "min(a, b, c) - max(a, b) + min(b, 5) + max(3, c) + abs(b) + abs(a) + abs(a - c)"),
    (SCALARS, "divmod(c, b)[0] + divmod(c, b)[1]"), (SCALARS, "pow(a, c & 63, b)"), (SCALARS, "pow(b, a, 1000)"),
    (SCALARS, "pow(a, 5, c) + pow(2, 3, 5)"),
    # Tables, tuples, lists.
    (SCALARS, "[3, -1, 200, 7][a]"), (SCALARS, "[3, -1, 200, 7][b]"), (SCALARS, "[3, 5, 200, 7][b % 4 - 4]"),
    (SCALARS, 'b"intent"[a % 6]'), (SCALARS, "[a, b, c, a + b][b]"), (SCALARS, "[a, b, c, a + b, -c][(b & 1) + 2]"),
    (SCALARS, "(a, b, c)[2] - (a, b)[-1]"),
    (SCALARS, "[[a, b], [b, c], [1, 2]][a % 3][c % 2]"), (SCALARS, "([a] + [b, c])[b]"),
    (SCALARS, "(a, b) < (b, a)"), (SCALARS, "[a, b] == [b, a] or [a, b] != [b, c]"), (SCALARS, "[a, b] <= [b]"),
    (SCALARS, "max([a, b], [b, a])[0] - min((c, 1), (c, a))[1]"), (SCALARS, "len([a, b]) + len(range(a, c, 3))"),
    (SCALARS, "([a, b] if c > 99 else [b])[a & 1]"), (SCALARS, "len([a, b] if c > 99 else [b])"),
    # Folds.
    (SCALARS, "sum(k * b for k in range(a & 7)) + sum(range(10, 0, -3), c)"), (SCALARS, "sum([a, b, c], -5)"),
    (SCALARS, "sum(range(b, b + 4)) + sum(range(b, a, 40))"),
    (SCALARS, "sum(i * j for i in range(4) for j in range(i))"),
    (SCALARS, "reduce(lambda s, x: (s[1], u16(s[0] + x)), range(a & 15), (b, c))[0]"),
    (SCALARS, "len(reduce(lambda s, x: s + [x] if x < a else s, [1, 50, 9, 100], []))"),
    (SCALARS, "reduce(max, [a, b], c) + reduce(min, (), b)"), (SCALARS, "any(c // x > 3 for x in [a, b, 2])"),
    (SCALARS, "any([c // x > 3 for x in [a, b, 2]])"), (SCALARS, "all(c % x for x in [a, b])"),
    (SCALARS, "c in (c // x for x in [1, b, a])"), (SCALARS, "next((k // b for k in range(20) if k * k > c), a)"),
    (SCALARS, "next((10 // (k - a) for k in [3, 4, 5] if b & k), c // (b or 9))"),
    (SCALARS, "next((k for k in range(2**63) if k * k > a), 0) + any(k > a for k in range(2**63))"),
    (SCALARS, "min(x for x in [a, b] if x > c)"), (SCALARS, "max((x, i) for i, x in enumerate([a, b, c]))[1]"),
    (SCALARS, "sum(x // y for x, y in zip([a, c], [b, 3, 0]))"), (SCALARS, "sum(bytes([a, c])) + bytes([a])[0]"),
    (SCALARS, "sum(x + y for x, y in zip((c // x for x in [1, 2, a, b]), range(b & 3)))"),
    (SCALARS, "sum(x for x in ([a, b] if c else (k // b for k in range(3))))"),
    # Buffers.
    (BUFFER, "d[0] + d[-1] * 3 + (a in d)"), (BUFFER, "d[a]"), (BUFFER, "d[b]"), (BUFFER, "d[a % n] if n else 7"),
    (BUFFER, "sum(d[b:a]) + sum(d[a:]) * 3 + sum(d[:b]) * 5 + sum(d[-2:]) * 7 + len(d[1:b])"), (BUFFER, "d[a:][b]"),
    (BUFFER, "d[a:b][-1]"), (BUFFER, "sum(i * x for i, x in enumerate(d, b)) + sum(reversed(d[:a]))"),
    (BUFFER, "sorted(d)[a]"), (BUFFER, "sorted(d[:a])[0]"), (BUFFER, "sorted(x for x in d if x < b)[-1]"),
    (BUFFER, "[x for x in d if x > b][a]"), (BUFFER, "[x for x in d if x > b][b]"), (BUFFER, "min(d) + max(d)"),
    (BUFFER, "len([x for x in d if x > b]) + sum(x * y for x, y in zip(d, d[1:]))"),
    (BUFFER, "sum(x * y for x, y in zip((x for x in d if x > b), d))"), (BUFFER, "d[1:] == d[:-1] or d < [a, b]"),
    (BUFFER, "[x for x in d if x & 1] == [y for y in d if y > b]"),
    (BUFFER, "sum(reversed([x for x in d if x > b])[:2])"),
    (BUFFER, "sum(x for part in [d[:a], d[b:], reversed(d)] for x in part if x != b)"), (BUFFER, "(d or [b])[0]"),
    (BUFFER, "next((i for i, x in enumerate(d) if d[i] // x > a), n)"), (BUFFER, "(d[:a] + [b] + d[a:])[b]"),
    (BUFFER, "any(d[i:i + 2] == [a, b] for i in range(len(d)))"), (BUFFER, "sum(enumerate(d)[a])"),
    (BUFFER, "sum(k for i, k in enumerate(x for x in d if x > b) if i < 2)"), (BUFFER, "min(d, [a, b])[0]"),
    (BUFFER, "sum(sorted([(x & 3, i) for i, x in enumerate(d)])[0])"), (BUFFER, "sum(x for x in d if d[x % n] > b)"),
]


@pytest.mark.parametrize(("signature", "text"), CONSTRUCTS)
def test_constructs(signature: str, text: str) -> None:
    compare(expression(text, signature), count=60, lengths=(0, 1, 2, 5))


def test_the_constructs_have_values_at_all() -> None:
    """Else the comparison would say little."""
    valued = faults = 0
    for signature, text in CONSTRUCTS:
        contract = expression(text, signature)
        compared = Compared(contract, Oracle(contract), dict.fromkeys(length_names(contract), 3))
        for arguments in random_inputs(contract, dict.fromkeys(length_names(contract), 3), 10, 1):
            fault, *_ = compared.expected(arguments)
            valued, faults = valued + (fault is None), faults + (fault is not None)
    assert valued > 3 * faults > 300


@pytest.mark.parametrize("text", [
    "requires: [a != 0]\nreturns: b // a", "requires: [a > 3, a < 20]\nreturns: 1 << a",
    "requires: [b != -128, 0 - b < a]\nreturns: a + b", "requires: ['0 < a + b <= 9']\nreturns: 90 // (a + b)",
    "requires: ['c // a == 3']\nreturns: c - 3 * a", "requires: ['[5, 9][a] == 5']\nreturns: a",
    "requires: ['c // 7 == 3']\nreturns: 99 // (c - 20)",
    "requires: [a & 64]\nreturns: a - 64", "requires: ['clz(a, 4) < 2']\nreturns: 99 // a",
    "where: {q: c // a, r: q + q, s: r * r}\nreturns: s if a else b",
    "where: {q: c // a}\nreturns: (q if a == 3 else 0) + (q if a else 1)",
    "where: {q: c // a, r: q + 1}\nreturns: (r if a == 3 else 0) + (r if a else 1)",
    "where: {q: c // a, r: q + 1}\nreturns: (q * r if a == 3 else 0) + (r if a else 1)",
    "where: {t(x): 'x + x', u(x): 't(x) * t(x)'}\nreturns: u(u(a)) - u(t(b))",
    "where: {lazy: '(c // x for x in [a, b])', list: '[c // x for x in [a, b]]'}\n"
    "returns: any(lazy) if c & 1 else any(list)",
    "where: {s: '(x for x in [a, b])', m(v): max(v) - min(v)}\nreturns: m(s)",
    "where:\n  k0: a\n" + "".join(f"  k{i}: k{i - 1} ^ k{i - 1} >> 1\n" for i in range(1, 13)) + "returns: k12",
])
def test_places_where_conditions_are_known(text: str) -> None:
    compare(load_text(f"intent: Test.\nsignature: {SCALARS}\n{text}\n"), count=80)


def demands_of(text: str, signature: str = SCALARS, **more: str) -> list[str]:
    contract = expression(text, signature, **more)
    graph = Graph()
    return [d.message for d in meaning(contract, graph, bound_inputs(contract, graph, {})).demands]


@pytest.mark.parametrize("text", [
    "c // a if a else 0", "c // b if b != 0 else 0", "a and c // a", "c // (a or 1)", "[1, 2, 3][a] if a < 3 else 0",
    "[1, 2, 3][a - 5] if 5 <= a < 8 else 0", "clz(a, 8)", "1 << (a if a < 60 else 1)", "1 << (a >> 3)",
    "1 << (60 - a if 60 >= a > 3 else 1)", "[1, 2][a >> 4] if a >> 4 < 2 else 3", "[1, 2, 3][min(a, 2)]",
    "[1, 2, 3][b] if -3 <= b < 3 else 0", "c // (abs(b) + 1)", "sum(c // x for x in [a, b] if x)",
    "c // a if c > 0 and a > 0 and c > a else 0", "c // a if not (c == 0 or a == 0) else 0",
])
def test_guards_spare_demands(text: str) -> None:
    assert demands_of(text) == []


@pytest.mark.parametrize(("requires", "text"), [
    ("a != 0", "c // a"), ("b < 0", "c // b"), ("a > c", "7 // a"), ("a == 5", "[0, 1, 2, 3, 4, 5][a]"),
    ("a * 3 + 4 < 20", "[1, 2, 3, 4, 5, 6][a]"), ("c < a < 4", "[1, 2, 3][c]"), ("max(a, c) < 4", "[0, 1, 2, 3][a]"),
    ("min(a, c) > 4", "a // (c - 3)"), ("0 < a + c <= 5", "[0, 1, 2, 3, 4, 5][c]"), ("b <= 0 and a <= b", "[7][a]"),
])
def test_what_is_required_spares_demands(requires: str, text: str) -> None:
    assert demands_of(text, requires=f"['{requires}']") == []


def test_demands_say_what_must_hold() -> None:
    assert demands_of("c // b + [1, 2][a] + (c << b) * 0") == [
        "the divisor is not zero", "the index is inside the sequence", "the shift count is not negative"]
    assert demands_of("a + 1", "uint8_t f(uint8_t a)") == ["the result fits uint8_t"]


def test_uses(tmp_path: Path) -> None:
    used = {"half": "uint8_t half(uint8_t x)\nrequires: [x % 2 == 0]\nreturns: x // 2 + 7 // (x - 4)",
            "total": "uint16_t total(const uint8_t d[n], size_t n)\nrequires: [n < 3]\nreturns: sum(d)",
            "capped": "uint8_t capped(uint8_t x, uint8_t y)\nreturns: min(x + y, 255)"}
    for name, text in used.items():
        (tmp_path / f"{name}.intent").write_text(f"intent: Used.\nsignature: {text}\n")
    for text in ("half(a)", "half(a * 2)", "half(b)", "half(a) if a & 1 == 0 else 0", "total([a, b], 2)",
                 "total([a], a)", "total([x for x in [a, b, c] if x > 9], 2)", "reduce(capped, [a, b], 2)"):
        path = tmp_path / "main.intent"
        path.write_text(f"intent: M.\nsignature: {SCALARS}\nuses: [half.intent, total.intent, capped.intent]\n"
                        f"returns: |\n  {text}\n")
        compare(load_intent(path, tmp_path))


def test_writes() -> None:
    for content in ("reversed(out)", "sorted(d[:2]) + [a, 1]", "[x for x in d if x > a]", "(x + 1 for x in d)",
                    "d[a:a + 4]", "(x for x in d + [a, 7, 7] if x > 3)"):
        compare(load_text("intent: W.\nsignature: void f(uint8_t out[4], const uint8_t d[4], uint8_t a)\n"
                          f"writes:\n  out: |\n    {content}\n"), count=80)


def test_ensures() -> None:
    contract = load_text(
        "intent: E.\nsignature: uint8_t f(uint8_t out[2], uint8_t a, uint8_t b)\nrequires: [b > 0]\n"
        "where: {first: 'out[0]'}\nensures:\n  - result * b <= a\n  - first != out[1] and a // first == result\n"
        "writes:\n  out: '[a, b]'\n")
    compared, random = Compared(contract, Oracle(contract), {}), Random(1)
    for arguments in random_inputs(contract, {}, 200, 1):
        if compared.oracle.requires(arguments):
            result, first, second = (random.choice([0, 1, 2, random.randrange(256)]) for _ in range(3))
            compared.check_ensures(arguments, result, {"out": (first, second)})


def test_what_is_too_large_or_unwieldy_is_not_understood() -> None:
    for text in ("sum(range(a * c))", "(1 << c) & 1", "reduce(lambda s, x: s * s, range(20), a) & 1",
                 "sum(x * y for x, y in zip((c // x for x in [1, a, b] if x != 3), [1]))",
                 "sum(i + j + k for i in range(99) for j in range(99) for k in range(99))"):
        contract, graph = expression(text, SCALARS), Graph()
        with pytest.raises(NotUnderstood) as problem:
            meaning(contract, graph, bound_inputs(contract, graph, {}))
        assert problem.value.span.line == 4


def test_the_generator_has_no_part_in_it() -> None:
    allowed = {"contract", "tree", "vocabulary", "diagnostics", "deep"}
    for file in (ROOT / "intent_tool/judge").glob("meaning*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("intent_tool.language"):
                parts = node.module.split(".")
                assert {*parts[2:]} | ({a.name for a in node.names} if len(parts) == 2 else set()) <= allowed, file
