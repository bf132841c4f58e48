"""Loops of run-time length in scalar code: how they look, what is said of them, when they end early."""

from __future__ import annotations

import pytest

from intent_tool.judge.judge import judge_function
from intent_tool.language.contract import Contract
from intent_tool.language.load import load_text
from intent_tool.language.oracle import Oracle
from intent_tool.language.walk import fold_sites
from intent_tool.machine.assembler import assemble
from intent_tool.machine.assembly import Assembly
from intent_tool.machine.elf import write_object
from intent_tool.machine.target import load_targets
from intent_tool.propose.lowering import lower_function

TARGETS = load_targets()


def intent(signature: str, returns: str, optimize: str = "size") -> Contract:
    """For size a loop does one round at a time."""
    return load_text(f"intent: A test.\nsignature: {signature}\nreturns: |\n  {returns}\noptimize: {optimize}\n")


def generated(contract: Contract, target: str) -> Assembly:
    return lower_function(contract, TARGETS[target])


def notes(contract: Contract, target: str) -> list[str]:
    return [note.text for note in generated(contract, target).notes]


def loop_of(contract: Contract, target: str) -> list[str]:
    """The instructions from the last note's label to the last jump to it."""
    assembly = generated(contract, target)
    note = assembly.notes[-1]
    start = assembly.lines.index(note.label + ":")
    end = max(k for k, line in enumerate(assembly.lines) if line.endswith(" " + note.label))
    return [line for line in assembly.lines[start + 1:end + 1] if not line.endswith(":")]


SUM = intent("uint64_t f(const uint8_t data[n], size_t n)", returns="sum(data)")


@pytest.mark.parametrize(("target", "expected", "instructions"), [
    ("x86_64", "round %rax <= n - 1; %rcx = fold(0)[0]", 5),
    ("arm64", "round (%x0 - data) <= n - 1; %x2 = fold(0)[0]", 4),
    ("riscv64", "round (%a0 - data) <= n - 1; %a2 = fold(0)[0]", 4),
])
def test_a_sum(target: str, expected: str, instructions: int) -> None:
    assert notes(SUM, target) == [expected]
    assert len(loop_of(SUM, target)) == instructions


def test_a_note_stands_behind_its_label_and_has_its_offset() -> None:
    assembly = generated(SUM, "riscv64")
    (note,) = assembly.notes
    assert f"{note.label}:\n    # loop: {note.text}\n" in assembly.text()
    code = assemble(assembly, TARGETS["riscv64"])
    (place,) = code.notes
    assert place[1] == note.text
    assert next(i.text for i in code.instructions if i.offset == place[0]).startswith("lbu ")


def test_a_state_of_32_bits_is_noted_as_a_word() -> None:
    contract = intent("uint32_t f(const uint32_t data[n], size_t n)", returns="u32(sum(data))")
    assert "%a2.w = fold(0)[0]" in notes(contract, "riscv64")[0]
    assert "%ecx = fold(0)[0]" in notes(contract, "x86_64")[0]
    assert "%w2 = fold(0)[0]" in notes(contract, "arm64")[0]


@pytest.mark.parametrize(("formula", "said"), [
    ("any(x == 3 for x in data)", "fold(0)[0] == 0"),
    ("all(x == 3 for x in data)", "fold(0)[0] == 1"),
    ("3 in data", "fold(0)[0] == 0"),
    ("next((i for i, x in enumerate(data) if x > 3), 0)", "fold(1)[0] == 0"),
    ("reduce(lambda s, x: 1 if s else x == 9, data, 0)", "fold(0)[0] == 0"),
    ("any(x == y for x in data for y in data)", "fold(1)[0] == 0"),
])
@pytest.mark.parametrize("target", ["x86_64", "arm64", "riscv64"])
def test_a_search_ends_where_it_has_found(formula: str, said: str, target: str) -> None:
    assert any(said in note for note in notes(intent("uint64_t f(const uint8_t data[n], size_t n)",
                                                     returns=formula), target))


def test_a_secret_search_goes_on() -> None:
    contract = load_text("intent: A test.\nsignature: bool f(const uint8_t a[n], size_t n)\n"
                         "returns: 3 in a\nsecret: [a]\n")
    assert "==" not in notes(contract, "x86_64")[0]


def test_what_is_written_is_noted() -> None:
    up = load_text("intent: A test.\nsignature: void f(uint16_t out[n], const uint16_t a[n], size_t n)\n"
                   "writes:\n  out: (x ^ 1 for x in a)\noptimize: size\n")
    assert notes(up, "x86_64") == ["round %rax <= n - 1; written out[0 : round]"]
    down = load_text("intent: A test.\nsignature: void f(uint16_t out[n], const uint16_t a[n], size_t n)\n"
                     "requires:\n  - aliased(out, a)\n"
                     "writes:\n  out: '[a[i - 1] if i > 0 else 0 for i in range(n)]'\noptimize: size\n")
    assert notes(down, "x86_64")[0].endswith("; written out[n - round : n]")


@pytest.mark.parametrize(("element", "instructions"), [
    ("row[i // 3]", 4 * 4 + 3), ("row[i // 3] + i % 3", 4 * 6 + 3)])
def test_elements_by_turns_are_written_in_one_round(element: str, instructions: int) -> None:
    contract = load_text("intent: A test.\nsignature: void f(uint8_t out[3*n], const uint8_t row[n], size_t n)\n"
                         f"writes:\n  out: (u8({element}) for i in range(3 * n))\n")
    odd, whole = notes(contract, "riscv64")
    assert odd.endswith("<= 3 * ((n & 3) - 1); written out[0 : round]")
    assert whole.endswith("<= 3 * (n - 4); written out[0 : round]")
    assert len(loop_of(contract, "riscv64")) == instructions


def test_prefix_sums_take_one_addition_each() -> None:
    contract = load_text("intent: A test.\nsignature: void f(uint32_t out[n], const uint32_t a[n], size_t n)\n"
                         "writes:\n  out: '[u32(sum(a[:i + 1])) for i in range(n)]'\noptimize: size\n")
    assert len(loop_of(contract, "x86_64")) == 5
    assert "fold(0)[0]; written out[0 : round]" in notes(contract, "x86_64")[0]


@pytest.mark.parametrize(("width", "polynomial", "step"), [
    (32, 0xEDB88320, "(c >> 1) ^ (P if c & 1 else 0)"),
    (32, 0x82F63B78, "(c >> 1) ^ P if c & 1 else c >> 1"),
    (16, 0xA001, "(c >> 1) ^ (c & 1) * P"),
    (8, 0x8C, "(c >> 1) ^ (P if c % 2 == 1 else 0)"),
    (64, 0xC96C5795D7870F42, "(c >> 1) ^ (P if c & 1 else 0)"),
])
def test_a_linear_step_becomes_a_table(width: int, polynomial: int, step: str) -> None:
    contract = load_text(f"intent: A test.\nsignature: uint{width}_t f(const uint8_t data[n], size_t n)\n"
                         f"where:\n  P: {polynomial}\n  shift(c, _): |\n    {step}\n"
                         "  step(c, byte): reduce(shift, range(8), c ^ byte)\n"
                         "returns: reduce(step, data, 0)\n")
    (table,) = generated(contract, "x86_64").tables
    size, oracle = width // 8, Oracle(contract)
    assert len(table.data) == 256 * size
    assert [int.from_bytes(table.data[k:k + size], "little") for k in range(0, len(table.data), size)] == [
        oracle.returns(((value,), 1)) for value in range(256)]


@pytest.mark.parametrize("step", [
    "(c >> 1) ^ (0xEDB88320 if c & 3 else 0)", "(c >> 1) + (c & 1) * 0xEDB88320 & 0xFFFFFFFF",
    "(c >> 2) ^ (0xEDB88320 if c & 1 else 0)",
])
def test_another_step_does_not(step: str) -> None:
    contract = load_text("intent: A test.\nsignature: uint32_t f(const uint8_t data[n], size_t n)\n"
                         f"where:\n  shift(c, _): {step}\n  step(c, byte): reduce(shift, range(8), c ^ byte)\n"
                         "returns: reduce(step, data, 0)\n")
    assert not generated(contract, "x86_64").tables


def test_fold_sites_are_in_the_order_of_the_text() -> None:
    contract = load_text("intent: A test.\nsignature: bool f(const uint8_t a[n], size_t n)\n"
                         "where:\n  total: sum(a)\nrequires:\n  - n > 0\n"
                         "returns: max(x for x in a if x in a) > total\n")
    assert [(s.line, s.column) for s in fold_sites(contract)] == [(4, 10), (7, 10), (7, 25), (7, 30)]


@pytest.mark.parametrize("target", ["x86_64", "arm64", "riscv64"])
def test_no_round_asks_whether_it_is_the_first(target: str) -> None:
    contract = load_text("intent: A test.\nsignature: void f(int16_t out[n], const int16_t a[n], size_t n)\n"
                         "writes:\n  out: '[i16(a[i] - a[i - 1] & 0x7FFF) if i > 0 else 7 for i in range(n)]'\n")
    # Four rounds read five elements: each but the first for two rounds.
    loop = [line.split()[0] for line in loop_of(contract, target)]
    assert sum(loop.count(load) for load in ("movsx", "ldrsh", "lh")) == 5
    assert len(loop) == {"x86_64": 23, "arm64": 21, "riscv64": 20}[target]


@pytest.mark.parametrize(("target", "few", "turns", "instructions"), [
    ("x86_64", "round %rcx <= (n & 3) - 1; %rdx = fold(0)[0]", "round %rcx <= n - 4; %rdx = fold(0)[0]", 11),
    ("arm64", "round %x4 <= (n & 3) - 1; %x5 = fold(0)[0]", "round (%x0 - data) <= n - 4; %x5 = fold(0)[0]", 11),
    ("riscv64", "round %a4 <= (n & 3) - 1; %a5 = fold(0)[0]", "round (%a2 - data) <= n - 4; %a5 = fold(0)[0]", 10),
])
def test_four_rounds_a_turn_after_those_that_are_left_over(target: str, few: str, turns: str, instructions: int
                                                           ) -> None:
    contract = intent("uint64_t f(const uint8_t data[n], size_t n)", returns="sum(data)", optimize="speed")
    assert notes(contract, target) == [few, turns]
    assert len(loop_of(contract, target)) == instructions
    assert sum(line.split()[0] in ("movzx", "ldrb", "lbu") for line in loop_of(contract, target)) == 4


@pytest.mark.parametrize(("signature", "formula", "why"), [
    ("uint32_t f(const uint8_t data[n], size_t n)", "reduce(lambda s, x: (s + x) % 251, data, 0)", "divides"),
    ("bool f(const uint8_t data[n], size_t n)", "any(data)", "leaves early"),
    ("uint32_t f(const uint8_t data[7])", "sum(data)", "has a constant number of rounds"),
])
def test_one_round_a_turn(signature: str, formula: str, why: str) -> None:
    assert not any("& 3" in note for note in notes(intent(signature, formula, "speed"), "riscv64")), why


@pytest.mark.parametrize("element", [0, 1, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("target", ["x86_64", "arm64", "riscv64", "riscv64_zb"])
def test_lengths_around_whole_turns(target: str, element: int) -> None:
    """Sums of all prefixes that wrap around, in place, and the last of them: checked by examples of each length."""
    lines = ["intent: A test.", "signature: uint32_t f(uint32_t a[n], size_t n)", "writes:",
             "  a: (u32(sum(a[:i + 1])) for i in range(n))", "returns: u32(sum(a) * 3)", "examples:"]
    for n in range(14):
        before = [(element + k) % 2 ** 32 for k in range(n)]
        after = [sum(before[:k + 1]) % 2 ** 32 for k in range(n)]
        lines += [f"  - given: a={before}, n={n}",
                  f"    then: result == {sum(before) * 3 % 2 ** 32} and a == {after}"]
    contract = load_text("\n".join(lines) + "\n")
    assert sum("& 3" in note for note in notes(contract, target)) > 0
    binary = write_object(TARGETS[target], "f", assemble(generated(contract, target), TARGETS[target]))
    verdict = judge_function(contract, TARGETS[target], binary, "f", vectors=200, seconds=0)
    assert verdict.accepted, verdict.problems


@pytest.mark.parametrize("target", ["x86_64", "arm64", "riscv64"])
def test_a_round_of_many_elements_is_one_a_turn(target: str) -> None:
    """Of turns of four rounds, which are too long, all is lowered anew."""
    contract = load_text("intent: A test.\nsignature: void f(uint8_t out[8*n], const uint8_t data[n], size_t n)\n"
                         "writes:\n  out: ((data[i // 8] >> (7 - i % 8)) & 1 for i in range(8 * n))\n")
    assembly = generated(contract, target)
    assert len(assembly.notes) == 1 and assembly.notes[0].text.endswith("written out[0 : round]")


@pytest.mark.parametrize("target", ["x86_64", "arm64", "riscv64"])
def test_an_index_that_fits_a_word_makes_no_other_address(target: str) -> None:
    """Every second element of a buffer that is known to be short: a pointer that goes on by two bytes."""
    contract = load_text("intent: A test.\nsignature: uint32_t f(const uint8_t data[n], size_t n)\n"
                         "requires: [n < 60000]\nreturns: sum(data[2 * i] for i in range(n // 2))\noptimize: size\n")
    loop = loop_of(contract, target)
    assert len(loop) <= 5, loop
