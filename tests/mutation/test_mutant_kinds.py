"""Mutants of every kind are made, and are what they say they are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from assembly_line import Line, parse
from edits import LINE_KINDS
from mutants import BIT_FLIP, KINDS, TABLE_BYTE, all_mutants, make_mutants, of_first_candidate

from intent_tool.machine.target import load_targets

GALLERY = Path(__file__).parents[2] / "intents"
TARGETS = load_targets()
RICH = GALLERY / "time/iso_week.intent"
BUFFERS = GALLERY / "crypto/xor_block16.intent"
TABLES = GALLERY / "crypto/aes_substitute_byte.intent"
LOOP = GALLERY / "buffers/sum_i64_wrapping.intent"


@pytest.mark.parametrize(("isa", "kind", "text", "expected"), [
    ("x86_64", "operand swap", "sub eax, ecx", ["sub ecx, eax"]),
    ("x86_64", "operand swap", "test eax, ecx", []),
    ("x86_64", "operand swap", "mov byte ptr [rdi + 1], al", []),
    ("arm64", "operand swap", "sub x0, x1, x2", ["sub x1, x0, x2", "sub x2, x1, x0", "sub x0, x2, x1"]),
    ("arm64", "operand swap", "add w0, w1, w2", ["add w1, w0, w2", "add w2, w1, w0"]),
    ("arm64", "operand swap", "tst w0, w1", []),
    ("riscv64", "operand swap", "xor a0, a0, a1", ["xor a1, a0, a0"]),
    ("riscv64", "operand swap", "bltu a0, a1, .L2", ["bltu a1, a0, .L2"]),
    ("x86_64", "wrong condition", "cmovl eax, ecx", ["cmovge eax, ecx", "cmovle eax, ecx", "cmovb eax, ecx"]),
    ("x86_64", "wrong condition", "setae al", ["setb al", "seta al", "setge al"]),
    ("x86_64", "wrong condition", "je .L3", ["jne .L3", "jbe .L3", "jle .L3"]),
    ("x86_64", "wrong condition", "jmp .L3", []),
    ("arm64", "wrong condition", "csel w0, w1, w2, hi",
     ["csel w0, w1, w2, ls", "csel w0, w1, w2, hs", "csel w0, w1, w2, gt"]),
    ("arm64", "wrong condition", "b.lt .L3", ["b.ge .L3", "b.le .L3", "b.lo .L3"]),
    ("arm64", "wrong condition", "cbz w1, .L3", ["cbnz w1, .L3"]),
    ("riscv64", "wrong condition", "blt a0, a1, .L3", ["bge a0, a1, .L3", "bltu a0, a1, .L3", "bge a1, a0, .L3"]),
    ("riscv64", "wrong condition", "sltiu a0, a0, 1", ["slti a0, a0, 1"]),
    ("x86_64", "off by one", "lea rax, [rsi + rdi*4 - 3]",
     ["lea rax, [rsi + rdi*5 - 3]", "lea rax, [rsi + rdi*3 - 3]", "lea rax, [rsi + rdi*4 - 4]",
      "lea rax, [rsi + rdi*4 - 2]"]),
    ("x86_64", "off by one", "mov r8d, -1", ["mov r8d, 0", "mov r8d, -2"]),
    ("x86_64", "off by one", "lea rax, [rip + .Ltable0]", []),
    ("arm64", "off by one", "ldrb w1, [x0, #3]", ["ldrb w1, [x0, #4]", "ldrb w1, [x0, #2]"]),
    ("riscv64", "off by one", "lbu a1, 0(a0)", ["lbu a1, 1(a0)", "lbu a1, -1(a0)"]),
    ("riscv64", "off by one", "auipc a0, %pcrel_hi(.Ltable0)", []),
    ("x86_64", "wrong extension", "movzx eax, dl", ["movsx eax, dl"]),
    ("x86_64", "wrong extension", "movsxd rax, edi", ["mov eax, edi"]),
    ("x86_64", "wrong extension", "sar eax, 3", ["shr eax, 3"]),
    ("x86_64", "wrong extension", "cqo", ["xor edx, edx"]),
    ("arm64", "wrong extension", "uxtb w0, w1", ["sxtb w0, w1"]),
    ("arm64", "wrong extension", "sxtw x0, w1", ["uxtw x0, w1", "mov w0, w1"]),
    ("arm64", "wrong extension", "add x0, x0, w1, uxtw", ["adds x0, x0, w1, uxtw", "add x0, x0, w1, sxtw"]),
    ("riscv64", "wrong extension", "lbu a0, 0(a0)", ["lb a0, 0(a0)"]),
    ("riscv64", "wrong extension", "addw a0, a0, a1", ["add a0, a0, a1"]),
    ("riscv64", "wrong extension", "srli a0, a0, 4", ["srliw a0, a0, 4", "srai a0, a0, 4"]),
    ("x86_64", "wrong width", "add eax, r9d", ["add rax, r9"]),
    ("x86_64", "wrong width", "mov ecx, dword ptr [rdi]",
     ["mov rcx, qword ptr [rdi]", "mov ecx, word ptr [rdi]", "mov ecx, qword ptr [rdi]"]),
    ("arm64", "wrong width", "lsr x0, x1, #3", ["lsr w0, w1, #3"]),
    ("riscv64", "wrong width", "lhu a0, 2(a0)", ["lbu a0, 2(a0)", "lwu a0, 2(a0)"]),
])
def test_lines_are_changed_so(isa: str, kind: str, text: str, expected: list[str]) -> None:
    old = parse(text)
    assert [str(line) for line in LINE_KINDS[kind](old, isa) if line != old] == expected


@pytest.mark.parametrize(("text", "line"), [
    ("ret", Line("ret", ())),
    ("ldr w1, [x0, x2, lsl #2]", Line("ldr", ("w1", "[x0, x2, lsl #2]"))),
    ("mov dword ptr [rdi + rcx*4], eax", Line("mov", ("dword ptr [rdi + rcx*4]", "eax"))),
    ("orr x0, x0, x1, lsl #63", Line("orr", ("x0", "x0", "x1", "lsl #63"))),
    ("addi a0, a0, %pcrel_lo(.L1)", Line("addi", ("a0", "a0", "%pcrel_lo(.L1)"))),
])
def test_lines_are_taken_apart(text: str, line: Line) -> None:
    assert parse(text) == line and str(line) == text


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_every_kind_is_made(name: str) -> None:
    seen: Counter[str] = Counter()
    for path in (RICH, BUFFERS, TABLES, LOOP):
        original = of_first_candidate(path, TARGETS[name])
        made = make_mutants(original, 200, 1)
        assert len({m.binary for m in made.mutants} | {original.binary}) == len(made.mutants) + 1 > 20
        seen.update(m.kind for m in made.mutants)
    assert set(seen) == set(KINDS)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_the_choice_depends_on_the_seed_alone(name: str) -> None:
    original = of_first_candidate(RICH, TARGETS[name])
    first, again, other = (make_mutants(original, 12, seed) for seed in (1, 1, 2))
    assert first == again and first.mutants != other.mutants
    assert len(first.mutants) == 12
    assert len({m.kind for m in first.mutants}) > 6, "the kinds take turns"


def test_all_bit_flips_can_be_made() -> None:
    original = of_first_candidate(GALLERY / "bits/gray_encode32.intent", TARGETS["riscv64"])
    flips = {m.binary for m in all_mutants(original, BIT_FLIP)}
    assert len(flips) == 8 * len(original.code.code)


def test_a_table_byte_is_changed_in_the_object() -> None:
    original = of_first_candidate(TABLES, TARGETS["arm64"])
    table = original.assembly.tables[0].data
    mutant = next(all_mutants(original, TABLE_BYTE))
    assert table in original.binary and table not in mutant.binary
    assert len(mutant.binary) == len(original.binary)


def test_what_is_inserted() -> None:
    """Beside the function's own lines: past the buffers' 16 bytes, the caller's registers, the stack pointer."""
    original = of_first_candidate(BUFFERS, TARGETS["riscv64"])
    said = {kind: [m.what for m in all_mutants(original, kind)] for kind in KINDS}
    assert "line 1: lbu t6, 16(a1), was nothing" in said["out-of-bounds read"]
    assert "line 1: lhu t6, 15(a1), was nothing" in said["out-of-bounds read"]
    assert "line 1: lbu t6, -1(a1), was nothing" in said["out-of-bounds read"]
    assert "line 1: sb zero, 0(a1), was nothing" in said["stray write"], "which is const"
    assert "line 1: sb zero, 0(a0), was nothing" not in said["stray write"], "which is not"
    last = len(original.assembly.lines)
    assert f"line {last}: addi s11, s11, 1, was nothing" in said["clobbered register"]
    assert f"line {last}: addi sp, sp, -16, was nothing" in said["stack pointer off"]
    assert f"line {last}: nothing, was ret" in said["dropped instruction"]
    assert any(what.endswith(": ret, was nothing") for what in said["early return"])
