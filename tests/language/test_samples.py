"""Inputs to try: they keep `requires`, cover the boundaries, and are the same every time."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter

import pytest

from intent_tool.language.load import load_text
from intent_tool.language.oracle import Arguments, Oracle
from intent_tool.language.sample_lengths import byte_count
from intent_tool.language.samples import MAX_ELEMENTS, sample_inputs


def sample(parameters: str, requires: list[str] | None = None, count: int = 3000, more: str = "",
           returns: str = "1") -> tuple[Oracle, list[Arguments]]:
    listed = "".join(f"  - {r}\n" for r in requires or [])
    contract = load_text(f"intent: x\nsignature: uint64_t f({parameters})\n"
                         f"{'requires:' + chr(10) + listed if listed else ''}returns: {returns}\n{more}")
    oracle = Oracle(contract)
    found = sample_inputs(contract, oracle, count, 5)
    assert len(set(found)) == len(found) <= count
    for arguments in found:
        assert oracle.checked(arguments) == arguments
        assert oracle.requires(arguments)
    return oracle, found


@pytest.mark.parametrize(("parameters", "requires"), [
    ("uint32_t x, uint32_t m, uint32_t k", ["k < 32", "m & (m << k) == 0", "m << k < 2**32"]),
    ("uint32_t x, uint32_t a, uint32_t b, uint32_t c", ["a != b", "b != c", "a != c", "x == a or x == b or x == c"]),
    ("uint32_t x", ["0 < x <= 2**31"]), ("int32_t x, int32_t lo, int32_t hi", ["lo <= hi"]),
    ("uint64_t a, uint64_t b, uint64_t m", ["a < m and b < m"]), ("uint32_t x, uint32_t y", ["y == x ^ 0x12345678"]),
    ("uint64_t x", ["x % 4096 == 0"]), ("const uint8_t d[n], size_t n", ["n >= 3", "d[0] != d[1]"]),
    ("uint32_t x", ["x & (x + 1) != 0", "x % 2 == 1"]),
    ("int64_t x, uint8_t s", ["s < 64", "-2**63 <= x << s < 2**63"]),
])
def test_narrow_preconditions_are_met(parameters: str, requires: list[str]) -> None:
    _, found = sample(parameters, requires)
    assert len(found) == 3000


def test_boundary_values_and_their_pairs() -> None:
    _, found = sample("int32_t a, uint16_t b")
    values = set(found)
    for a in (0, 1, -1, -2**31, 2**31 - 1, 2**31 - 2):
        for b in (0, 1, 0xFFFF, 0xFFFE, 0x7FFF, 0x8000):
            assert (a, b) in values
    firsts = {v[0] for v in found}
    assert firsts >= {s * (1 << k) + d for k in range(2, 31) for s in (1, -1) for d in (-1, 0, 1)}


def test_pairs_of_many_parameters() -> None:
    _, found = sample("uint8_t a, uint32_t b, int64_t c", count=6000)
    for i, j, ends in ((0, 1, (255, 2**32 - 1)), (0, 2, (255, 2**63 - 1)), (1, 2, (2**32 - 1, 2**63 - 1))):
        pairs = {(v[i], v[j]) for v in found}
        assert pairs >= {(0, 0), ends, (0, ends[1]), (ends[0], 0), (1, 1)}


def test_constants_of_the_contract_and_their_neighbours() -> None:
    _, found = sample("uint64_t x", returns="7 if x == 123456789123 else K", more="where:\n  K: 1000 * 1000\n")
    assert {v[0] for v in found} >= {c + d for c in (123456789123, 1_000_000) for d in (-1, 0, 1)}


def test_examples_come_first() -> None:
    _, found = sample("uint32_t x, const uint8_t d[n], size_t n", returns="1",
                      more="examples:\n  - f(777777, b\"xyzzy\", 5) == 1\n"
                           "  - given: x=31337, d=[1, 2], n=2\n    then: result == 1\n")
    assert found[0] == (777777, tuple(b"xyzzy"), 5)
    assert found[1] == (31337, (1, 2), 2)


@pytest.mark.parametrize(("parameters", "requires", "size"), [
    ("uint8_t a", [], 256), ("bool a, uint8_t b", ["b != 7"], 510), ("uint32_t x", ["x < 100", "x > 9"], 90),
    ("const bool d[3], int8_t x", [], 2048), ("void", [], 1), ("int64_t x", ["x * x == 49", "-10 < x < 10"], 2),
])
def test_small_input_spaces_are_enumerated(parameters: str, requires: list[str], size: int) -> None:
    _, found = sample(parameters, requires)
    assert len(found) == size


def test_what_cannot_be_kept_gives_nothing() -> None:
    began = time.process_time()
    _, found = sample("uint32_t x, uint32_t y", ["x * x == 7"])
    assert found == []
    assert time.process_time() - began < 10


def test_lengths_of_buffers() -> None:
    _, found = sample("const uint8_t a[n], const uint32_t b[2*n+1], size_t n, const int16_t c[4]")
    lengths = {v[2] for v in found}
    assert lengths >= {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33}
    contents = {v[0] for v in found if len(v[0]) == 3}  # type: ignore[arg-type]
    assert {(0, 0, 0), (255, 255, 255)} <= contents
    assert len(contents) > 20


@pytest.mark.parametrize(("parameters", "requires", "allowed"), [
    ("const uint8_t a[n], size_t n", [], range(131)),
    ("const uint64_t c[n], const uint64_t a[n], const uint64_t b[n], size_t n", [], range(131)),
    ("const uint16_t a[2*n+1], size_t n", ["3 <= n < 100"], range(3, 100)),
    ("const uint8_t a[n], size_t n", ["n % 4 == 0"], range(0, 131, 4)),
    ("const uint8_t a[n], size_t n", ["n >= 2", "a[0] < a[n - 1]"], range(2, 131)),
    ("const uint8_t a[n], size_t n, uint32_t x", ["n <= 64"], range(65)),
])
@pytest.mark.parametrize("count", [1000, 10_000])
def test_every_short_length(parameters: str, requires: list[str], allowed: range, count: int) -> None:
    oracle, found = sample(parameters, requires, count)
    at = [p.name for p in oracle.signature.parameters].index("n")
    lengths = Counter(v[at] for v in found)
    assert lengths.keys() >= set(allowed)
    if count == 10_000:
        # Once for either end, but for a call without anything in it, of which there is one alone.
        assert min(n for length, n in lengths.items() if length) >= 2
    assert byte_total(oracle, found) < 5_000_000


def test_every_short_length_of_several() -> None:
    parameters = "const uint8_t a[n], const uint32_t b[m], size_t n, size_t m, const uint8_t c[k], size_t k"
    oracle, found = sample(parameters, count=10_000)
    for at in (2, 3, 5):
        assert {v[at] for v in found} >= set(range(131))
    for i, j in ((2, 3), (2, 5), (3, 5)):
        assert {(v[i], v[j]) for v in found} >= {(a, b) for a in range(9) for b in (0, 1, 7, 8, 9, 17)}
    assert byte_total(oracle, found) < 5_000_000


def test_long_lengths() -> None:
    oracle, found = sample("const uint8_t a[n], const uint8_t b[n], size_t n", count=10_000)
    lengths = Counter(v[2] for v in found)
    assert all(lengths[n] == 2 for n in (1000, 4095, 4096, 4097, 65_535, 65_536, 65_537))
    for length in (1000, 65_537):
        one, other = [v for v in found if v[2] == length]
        assert one[0] != one[1] and set(map(one[0].count, range(256))) != {0}  # type: ignore[union-attr]
        different = [i for i, (x, y) in enumerate(zip(other[0], other[1], strict=True))  # type: ignore[arg-type]
                     if x != y]
        assert len(different) <= 1
    assert byte_total(oracle, found) < 5_000_000
    _, found = sample("const uint32_t a[n], size_t n", count=10_000)
    assert any(v[0] == (2**32 - 1,) * 65_537 for v in found)


@pytest.mark.parametrize("returns", [
    "sum(sum(x == y for x in a) for y in a)", "sorted(a)[n // 2] if n > 0 else 0",
    "sum(sum(sum(x + y == z for x in a) for y in a) for z in a)"])
def test_long_buffers_are_not_for_contracts_that_take_more_than_a_step_for_an_element(returns: str) -> None:
    began = time.process_time()
    oracle, found = sample("const uint8_t a[n], size_t n", count=10_000, returns=f"u64({returns})")
    assert {v[1] for v in found} >= set(range(34)) and max(v[1] for v in found) <= 1000  # type: ignore[type-var]
    for arguments in found:
        oracle.returns(arguments)
    assert time.process_time() - began < 20


def test_the_oracle_has_a_bounded_share() -> None:
    began = time.process_time()
    oracle, found = sample(
        "uint32_t crc, const uint8_t data[n], size_t n", count=10_000,
        more="where:\n  shift(c, _): (c >> 1) ^ (0xEDB88320 if c & 1 else 0)\n"
             "  step(c, byte): reduce(shift, range(8), c ^ byte)\n", returns="reduce(step, data, crc)")
    for arguments in found:
        oracle.returns(arguments)
    assert 65_537 in {v[2] for v in found}
    assert time.process_time() - began < 20


def test_large_buffers_of_constant_length_fill_no_more_than_they_may() -> None:
    oracle, found = sample("const uint64_t b[4096], const uint64_t a[4096]", count=10_000)
    assert 50 <= len(found) < 100 and byte_total(oracle, found) < 5_000_000


def test_contents_of_what_the_contract_compares_with() -> None:
    _, found = sample("const uint32_t a[n], size_t n", returns="sum(x == 123456789 for x in a)")
    last = [v for v in found if v[1] > 8 and v[0][-1] == 123456789]  # type: ignore[operator,index]
    assert last and any(v[0].count(123456789) == 1 for v in last)  # type: ignore[union-attr]
    _, found = sample("const uint8_t a[n], size_t n", returns="sum(48 <= x <= 57 for x in a)")
    assert sum(all(48 <= x <= 57 for x in v[0]) for v in found if v[1] > 4) > 20  # type: ignore[operator,union-attr]
    _, found = sample("const uint8_t a[n], size_t n",
                      returns="sum(a[i:i+4] == b\"GIF8\" for i in range(n))")
    assert sum(b"GIF8" in bytes(v[0]) for v in found) > 20  # type: ignore[arg-type]


def test_late_differences() -> None:
    """Buffers that are equal but for one of the last elements, by one or by more."""
    _, found = sample("const uint16_t a[n], const uint16_t b[n], size_t n", count=10_000)
    differing = [[(i, x - y) for i, (x, y) in enumerate(zip(v[0], v[1], strict=True))  # type: ignore[arg-type]
                  if x != y] + [(v[2], 0)] for v in found if v[2] > 20]  # type: ignore[operator]
    late = [d for d in differing if len(d) == 2 and d[0][0] >= d[1][0] - 16]
    assert len(late) > 20 and {1, -1} <= {d[0][1] for d in late}
    assert any(d[0][0] == d[1][0] - 1 for d in late)


def byte_total(oracle: Oracle, found: list[Arguments]) -> int:
    return sum(byte_count(oracle.signature.parameters, arguments) for arguments in found)


def test_products_of_lengths_stay_small() -> None:
    _, found = sample("const uint8_t a[n*m], const uint8_t b[n*m*2], size_t n, size_t m")
    assert len(found) == 3000
    short = [v for v in found if max(v[2], v[3]) < 1000]  # type: ignore[type-var]
    assert len(short) > 2900 and all(3 * v[2] * v[3] <= MAX_ELEMENTS for v in short)  # type: ignore[operator]


def test_equal_buffers_occur() -> None:
    _, found = sample("const uint8_t a[n], const uint8_t b[n], size_t n")
    long = [v for v in found if v[2] >= 8]  # type: ignore[operator]
    assert sum(v[0] == v[1] for v in long) > 20
    assert sum(sum(x != y for x, y in zip(v[0], v[1], strict=True)) == 1 for v in long) > 20  # type: ignore[arg-type]


def test_aliased_buffers_have_one_content() -> None:
    contract = load_text("intent: x\nsignature: void f(uint8_t out[n], const uint8_t d[m], size_t n, size_t m)\n"
                         "requires: ['aliased(out, d)']\nwrites:\n  out: (0 for _ in range(n))\n")
    found = sample_inputs(contract, Oracle(contract), 500, 1)
    assert len(found) == 500
    assert all(a == b for v in found for a, b in zip(v[0], v[1], strict=False))  # type: ignore[arg-type]
    assert any(len(v[0]) > len(v[1]) > 0 for v in found)  # type: ignore[arg-type]


def test_the_seed_alone_decides() -> None:
    code = ("from intent_tool.language.load import load_text; from intent_tool.language.oracle import Oracle;"
            "from intent_tool.language.samples import sample_inputs;"
            "c = load_text('''intent: x\nsignature: int f(int a, const uint8_t d[n], size_t n)\nrequires: [a != 3]\n"
            "returns: 1\n'''); print(sample_inputs(c, Oracle(c), 400, {seed}))")
    def run(seed: int, hashes: str) -> str:
        return subprocess.run([sys.executable, "-c", code.replace("{seed}", str(seed)).replace("\n", "\\n")],
                              env={"PYTHONHASHSEED": hashes, "PYTHONPATH": ":".join(sys.path)},
                              capture_output=True, text=True, check=True).stdout
    assert run(1, "1") == run(1, "2") != run(2, "1")
