"""What loops in vectors look like."""

from __future__ import annotations

from pathlib import Path

import pytest

from intent_tool.judge.judge import judge_function
from intent_tool.language.load import load_intent, load_text
from intent_tool.machine.assembler import assemble
from intent_tool.machine.assembly import Assembly
from intent_tool.machine.elf import write_object
from intent_tool.machine.target import load_targets
from intent_tool.propose import candidates
from intent_tool.propose.lowering import lower_in_vectors

TARGETS = load_targets()
GALLERY = Path(__file__).parents[2] / "intents"


def lowered(text: str, target: str) -> Assembly:
    found = lower_in_vectors(load_text("intent: A test.\n" + text), TARGETS[target])
    assert found is not None, "stays scalar"
    return found


def mnemonics(assembly: Assembly) -> list[str]:
    return [line.split()[0] for line in assembly.lines if not line.endswith(":")]


def bytewise(expression: str) -> str:
    return ("signature: void f(uint8_t out[n], const uint8_t a[n], const uint8_t b[n], size_t n)\n"
            f"writes:\n  out: ({expression} for x, y in zip(a, b))\n")


@pytest.mark.parametrize(("expression", "x86_64", "arm64"), [
    ("min(x + y, 255)", "paddusb", "uqadd"),
    ("x + y if x + y < 256 else 255", "paddusb", "uqadd"),
    ("max(x - y, 0)", "psubusb", "uqsub"),
    ("(x + y + 1) // 2", "pavgb", "urhadd"),
    ("min(x, y)", "pminub", "umin"),
    ("x if x > y else y", "pmaxub", "umax"),
    ("x & y", "pand", "and"),
    ("u8(x - y)", "psubb", "sub"),
    ("abs(x - y)", "psubusb", "uabd"),
])
def test_bytes_stay_bytes(expression: str, x86_64: str, arm64: str) -> None:
    for target, wanted in (("x86_64", x86_64), ("x86_64_v3", "v" + x86_64), ("arm64", arm64)):
        found = mnemonics(lowered(bytewise(expression), target))
        assert wanted in found
        assert not any(name.lstrip("v").startswith(("punpck", "pack", "uxtl", "xtn", "ushll")) for name in found)


def test_products_are_computed_in_wider_lanes() -> None:
    found = mnemonics(lowered(bytewise("x * y >> 8"), "x86_64"))
    assert "pmullw" in found
    assert "packuswb" in found


def test_each_loop_has_a_note() -> None:
    assembly = lowered(bytewise("x ^ y"), "x86_64")
    assert [note.text.partition(" <= ")[2] for note in assembly.notes] == [
        "(n & -64) - 64; written out[0 : round]",
        "(n & -16) - 16; written out[0 : round]",
        "(n & -4) - 4; written out[0 : round]",
        "n - 1; written out[0 : round]"]


@pytest.mark.parametrize(("target", "instruction"), [
    ("x86_64", "movd dword"), ("x86_64_v3", "vmovq qword"), ("arm64", "str s")])
def test_less_than_a_vector_is_written_a_quarter_at_once(target: str, instruction: str) -> None:
    assert any(line.startswith(instruction) for line in lowered(bytewise("x ^ y"), target).lines)


def test_what_needs_wider_lanes_leaves_less_than_a_vector_to_scalar_rounds() -> None:
    assembly = lowered(bytewise("x * y >> 8"), "x86_64")
    assert not any(line.startswith("movd dword") for line in assembly.lines)


def test_sums_are_noted_by_lanes() -> None:
    assembly = lowered("signature: uint64_t f(const uint8_t a[n], size_t n)\nreturns: sum(a)\n", "arm64")
    assert [note.text.partition("; ")[2] for note in assembly.notes] == [
        *["sum 64: %v0 = fold(0)[0]"] * 3, "%x2 = fold(0)[0]"]


@pytest.mark.parametrize(("returns", "noted"), [
    ("reduce(lambda x, y: x ^ y, a, 0)", "xor 8"),
    ("reduce(lambda x, y: x & y, a, 255)", "and 8"),
    ("reduce(lambda x, y: x | y, a, 0)", "or 8"),
    ("all(x == 7 for x in a)", "all 8"),
    ("any(x == 7 for x in a)", "any 8"),
])
def test_bitwise_folds_are_noted_by_lanes(returns: str, noted: str) -> None:
    assembly = lowered(f"signature: uint8_t f(const uint8_t a[n], size_t n)\nreturns: '{returns}'\nsecret: [a]\n",
                       "arm64")
    assert [note.text.partition("; ")[2].partition(":")[0] for note in assembly.notes[:3]] == [noted] * 3


BYTES, WORDS = "const uint8_t a[n], size_t n", "const int32_t a[n], size_t n"


IN_PARTS = {
    "count": f"uint64_t f({BYTES})\nreturns: 'sum(x < 9 for x in a)'",
    "bits": f"uint64_t f({BYTES})\nreturns: 'sum(popcount(x ^ 5) for x in a)'\nrequires:\n  - n < 2**50",
    "and": f"uint8_t f({BYTES})\nreturns: 'reduce(lambda s, x: s & (x | 3), a, 255)'",
    "minimum": f"int32_t f({WORDS})\nreturns: 'reduce(min, a, 77)'",
    "maximum": f"int32_t f({WORDS})\nreturns: 'max(a)'\nrequires:\n  - n > 0",
    "all": f"bool f({BYTES})\nreturns: 'all(x == 0 for x in a)'\nsecret: [a]",
    "any": f"bool f({BYTES})\nreturns: 'any(x == 0 for x in a)'\nsecret: [a]",
    "search": f"size_t f({BYTES})\nreturns: 'next((i for i, x in enumerate(a) if x != 0), n)'",
    "search from the end": f"size_t f({BYTES})\nreturns: 'next((i for i in reversed(range(n)) if a[i] != 0), n)'",
}


@pytest.mark.parametrize("target", ["x86_64", "x86_64_v3", "arm64"])
@pytest.mark.parametrize("what", IN_PARTS)
def test_only_the_lanes_that_were_read_count_in_less_than_a_vector(what: str, target: str) -> None:
    """Where the others, which are zeros, would make a difference."""
    contract = load_text(f"intent: A test.\nsignature: {IN_PARTS[what]}\n")
    assembly = lower_in_vectors(contract, TARGETS[target])
    assert assembly is not None and len(assembly.notes) == 4
    binary = write_object(TARGETS[target], "f", assemble(assembly, TARGETS[target]))
    verdict = judge_function(contract, TARGETS[target], binary, "f", vectors=600, seconds=0)
    assert verdict.accepted, verdict.problems


def test_upper_halves_are_cleared_before_the_return() -> None:
    lines = [*lowered(bytewise("x ^ y"), "x86_64_v3").lines]
    returns = [k for k, line in enumerate(lines) if line == "ret"]
    assert returns
    assert all(lines[k - 1] == "vzeroupper" for k in returns)


def test_a_search_leaves_to_the_loop_that_knows_the_place() -> None:
    text = ("signature: size_t f(const uint8_t a[n], size_t n)\n"
            "returns: next((i for i, x in enumerate(a) if x == 0), n)\n")
    assert mnemonics(lowered(text, "x86_64")).count("pmovmskb") == 3
    assert "shrn" in mnemonics(lowered(text, "arm64"))


def test_extremes_start_with_the_first_vector() -> None:
    """So no element is left over where the number of elements is one of whole vectors."""
    assembly = lowered("signature: uint8_t f(const uint8_t a[n], size_t n)\nrequires:\n  - n > 0\nreturns: max(a)\n",
                       "x86_64")
    assert assembly.notes[0].text.endswith(" <= (((n + -1) - 15) & -64) + 15 - 64; umax 8: %xmm0 = fold(0)[0]")


GREATEST = ("signature: size_t f(const uint16_t a[n], size_t n)\nrequires:\n  - n > 0\nwhere:\n"
            "  better(best, item): item if item[1] > best[1] else best\n"
            "returns: reduce(better, enumerate(a), (0, a[0]))[0]\n")


@pytest.mark.parametrize(("target", "compare"), [("x86_64", "psubusw"), ("x86_64_v3", "vpmaxuw"), ("arm64", "cmhi")])
def test_sixteen_elements_without_a_record_are_passed_at_once(target: str, compare: str) -> None:
    assembly = lowered(GREATEST, target)
    assert compare in mnemonics(assembly)
    index, value = {"arm64": ("%x6", "%w2")}.get(target, ("%r8", "%eax"))
    states = f"{index} = fold(0)[0]; {value} = fold(0)[1]"
    assert [note.text.partition("; ")[2] for note in assembly.notes] == [states] * 2
    assert " <= (n & -16) - 16; " in assembly.notes[0].text


STAYS_SCALAR = {
    "a sum that the next element depends on":
        "signature: uint32_t f(const uint8_t a[n], size_t n)\n"
        "returns: \"reduce(lambda s, x: u32(33 * s + x), a, 5381)\"\n",
    "a read that only the elements before allow":
        "signature: bool f(const uint8_t a[n], const uint8_t b[m], size_t n, size_t m)\nrequires:\n  - m > 255\n"
        "returns: any(x < m and b[x] == 0 for x in a)\n",
    "a loop that is too short":
        "signature: uint32_t f(const uint8_t a[n], size_t n)\nrequires:\n  - n < 20\nreturns: sum(a)\n",
    "records that are secret": GREATEST + "secret: [a]\n",
    "what depends on the element alone may be anything but rare":
        "signature: size_t f(const uint8_t a[n], size_t n)\n"
        "returns: \"reduce(lambda s, item: (item[0], item[1]) if item[1] < 128 else s, enumerate(a), (0, 0))[0]\"\n",
    "optimize for size": bytewise("x ^ y") + "optimize: size\n",
}


@pytest.mark.parametrize("what", STAYS_SCALAR)
def test_stays_scalar(what: str) -> None:
    contract = load_text("intent: A test.\n" + STAYS_SCALAR[what])
    assert all(lower_in_vectors(contract, TARGETS[t]) is None for t in ("x86_64", "x86_64_v3", "arm64"))


def test_riscv_has_no_vectors() -> None:
    assert lower_in_vectors(load_text("intent: A test.\n" + bytewise("x ^ y")), TARGETS["riscv64"]) is None


def test_what_is_easier_to_prove_comes_later() -> None:
    """Without parts of vectors, then with one vector a turn, then in scalar code, and one round a turn."""
    found = [*candidates(load_intent(GALLERY / "buffers/sum_bytes.intent"), TARGETS["x86_64"])]
    assert [any("xmm" in line for line in c.assembly.lines) for c in found] == [True] * 3 + [False] * 2
    assert [len(c.assembly.notes) for c in found] == [4, 3, 2, 2, 1]


def test_fewer_vectors_a_turn_where_registers_are_short() -> None:
    """Twelve constants and what is under way are more than sixteen registers hold, unless a turn is shorter."""
    constants = [3, 5, 9, 17, 33, 65, 21, 37, 69, 73, 81, 97]
    expression = "x"
    for k, constant in enumerate(constants):
        expression = f"({expression} {'^+'[k % 2]} {constant})"
    assembly = lowered(bytewise(f"u8({expression})"), "x86_64")
    assert not any("rsp" in line for line in assembly.lines)


@pytest.mark.parametrize("target", TARGETS)
def test_searches_one_after_the_other_share_no_constant_of_one_way(target: str) -> None:
    """What is made where a loop is passed by is not at hand behind it."""
    text = """
signature: bool f(const uint8_t data[n], size_t n, uint64_t v)
where:
  end: next((i for i in range(v, n) if data[i] == 10), n)
  begin: next((i + 1 for i in reversed(range(v - 1)) if data[i] == 10), 0)
requires:
  - 0 < v < n
returns: all(x == y for x, y in zip(data[v:end], data[begin:v - 1]))
"""
    assert [*candidates(load_text("intent: A test.\n" + text), TARGETS[target])]
