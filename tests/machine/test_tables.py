"""Every row of every instruction table does in an emulator what its meaning says, and nothing else.

A row that cannot be run fails. Nothing is listed here by name: a new row is tested by being in its table.
"""

from __future__ import annotations

import dataclasses
import functools
import random

import pytest
from table_cases import HERE, instances, states
from table_emulators import Fault, run_all
from table_isas import ARM64, ISAS, RISCV64, X86_64, Isa
from table_meaning import Outcome, State, environment, evaluate, outcome

from intent_tool.machine import arm64, x86_64
from intent_tool.machine.assembler import assemble
from intent_tool.machine.assembly import Assembly, Table
from intent_tool.machine.instruction import Row
from intent_tool.machine.target import load_targets

ROWS = [pytest.param(isa, row, id=f"{isa.name}: {row.form}") for isa in ISAS for row in isa.table.values()]


@pytest.mark.parametrize(("isa", "row"), ROWS)
def test_row_does_what_it_means(isa: Isa, row: Row) -> None:
    compared, faults, targets = 0, 0, set()
    for text, size, state, expected, got in run(isa, row):
        if expected is None:
            assert isinstance(got, Fault), f"{text} does not fault; from {state}"
            faults += 1
            continue
        assert isinstance(got, State), f"{text}: {got}; from {state}"
        assert not differences(isa, expected, got), f"{text}: {differences(isa, expected, got)}; from {state}"
        targets.add(expected.pc == HERE + size)
        compared += 1
    assert compared >= 100
    assert (faults > 0) == (row.traps is not None)
    if "next_pc" in row.meaning.get("pc", ""):
        assert targets == {True, False}, "a conditional branch must be seen taken and not taken"


@pytest.mark.parametrize(("isa", "row"), ROWS)
def test_sizes(isa: Isa, row: Row) -> None:
    sizes = {len(instance.code) for instance in instances(isa, row.form)}
    if isa.name == "riscv64":
        # What is compressible is a matter of operands and of `riscv64_compressed`, not of a row.
        assert row.size[0] <= min(sizes) <= max(sizes) <= row.size[1]
    else:
        assert (min(sizes), max(sizes)) == row.size


@pytest.mark.parametrize(("isa", "row"), ROWS)
def test_targets_allow_it(isa: Isa, row: Row) -> None:
    having = [target for target in targets().values()
              if target.isa == isa.name and (row.feature is None or row.feature in target.features)]
    assert having, f"no target has {row.feature}"
    for instance in instances(isa, row.form):
        mnemonic = isa.mnemonic(row, instance.code)
        for target in having:
            assert mnemonic in target.instructions, f"{instance.text} is {mnemonic}: not listed in {target.name}"


@pytest.mark.parametrize(("isa", "row"), ROWS)
def test_assembler_accepts_it(isa: Isa, row: Row) -> None:
    target = targets()[isa.full_target]
    kinds = {operand.kind for operand in row.operands}
    for instance in instances(isa, row.form):
        texts = dict(instance.texts)
        texts |= {operand.name: ".Lt" for operand in row.operands if operand.kind in ("label", "table")}
        lines = [".Lt:"] if "label" in kinds else []
        if row.form == "addi x, x, table":
            lines += ["auipc a0, %pcrel_hi(.Ltable)"]
        lines.append(row.text.format(**texts))
        tables = (Table(".Ltable" if "label" in kinds else ".Lt", 8, bytes(8)),)
        code = assemble(Assembly(tuple(lines), tables), target)
        if not kinds & {"label", "table"}:
            assert code.code == instance.code, f"{instance.text}: {code.code.hex()}, not {instance.code.hex()}"
        else:
            assert len(code.instructions) == len(lines) - ("label" in kinds)


@pytest.mark.parametrize(("isa", "form", "key", "wrong"), [
    (X86_64, "add r64, r64", "d", "u64(d + a + 1)"),
    (X86_64, "add r64, r64", "of", "i64(d) + i64(a) < 0"),
    (X86_64, "shl r32, cl", "cf", "d >> 31 & 1"),
    (X86_64, "bzhi r64, r64, r64", "d", "a & (1 << (b & 63)) - 1"),
    (X86_64, "mov byte [r64 + i32], r8", "memory", "store(u64(b + i), 2, a)"),
    (X86_64, "jl label", "pc", "t if sf else next_pc"),
    (ARM64, "subs x, x, x", "c", "a < b"),
    (ARM64, "sdiv w, w, w", "d", "a // b if b else 0"),
    (ARM64, "ldp x, x, [xsp], i", "b", "b"),
    (RISCV64, "remw x, x, x", "d", "u32(a) % u32(b) if u32(b) else a"),
    (RISCV64, "sext.b x, x", "d", "u8(a)"),
    (X86_64, "paddb xmm, xmm", "d", X86_64.table["psubb xmm, xmm"].meaning["d"]),
    (X86_64, "vpaddb xmm, xmm, xmm", "d", X86_64.table["vpaddusb xmm, xmm, xmm"].meaning["d"]),
    (X86_64, "vpunpcklbw ymm, ymm, ymm", "d", X86_64.table["vpunpckhbw ymm, ymm, ymm"].meaning["d"]),
    (X86_64, "vzeroupper", "ymm9", "ymm9"),
    (ARM64, "uadalp v.4h, v.8b", "d", ARM64.table["uaddlp v.4h, v.8b"].meaning["d"]),
    (ARM64, "mov v.h[u3], w", "d", "a"),
    (ARM64, "ldr q, [xsp], i", "b", "b"),
])
def test_wrong_meaning_is_noticed(isa: Isa, form: str, key: str, wrong: str) -> None:
    row = isa.table[form]
    mutant = dataclasses.replace(row, meaning={**row.meaning, key: wrong})
    assert any(expected is not None and isinstance(got, State) and differences(isa, expected, got)
               for _, _, _, expected, got in run(isa, mutant))


def run(isa: Isa, row: Row) -> list[tuple[str, int, State, Outcome | None, State | Fault]]:
    """The text, its size, the state before, what must come of it (None: a fault), and what came of it."""
    rng = random.Random(row.form)
    cases = [(instance, state) for instance in instances(isa, row.form)
             for state in states(isa, isa.table[row.form], instance.operands, rng)]
    results = run_all(isa, row, [(instance.code, state) for instance, state in cases])
    found = []
    for (instance, state), got in zip(cases, results, strict=True):
        size, operands = len(instance.code), instance.operands
        names = environment(row, operands, state, HERE + size, isa.conditions)
        traps = row.traps is not None and evaluate(row.traps, names)
        expected = None if traps else outcome(row, operands, state, HERE + size, isa.conditions)
        found.append((instance.text, size, state, expected, got))
    return found


def differences(isa: Isa, expected: Outcome, got: State) -> list[str]:
    """What is not as the meaning says, of all that it promises (also that the rest is left alone)."""
    masks = {name: (1 << (32 if name in expected.low_half else 64)) - 1 for name in isa.registers}
    values = [(name, expected.registers[name] & mask, got.registers[name] & mask) for name, mask in masks.items()]
    values += [(name, expected.flags[name], got.flags[name]) for name in isa.flags]
    values += [(name, value, got.vectors[name]) for name, value in expected.vectors.items()]
    values.append(("pc", expected.pc, got.pc))
    found = [f"{name} is {there:#x}, must be {must:#x}" for name, must, there in values
             if there != must and name not in expected.undefined]
    if expected.memory != got.memory and "memory" not in expected.undefined:
        found.append("memory differs")
    return found


targets = functools.cache(load_targets)


# Names

def test_x86_64_register_names() -> None:
    assert [x86_64.register_name("rax", kind) for kind in ("r8", "r16", "r32", "r64")] == ["al", "ax", "eax", "rax"]
    assert [x86_64.register_name(4, kind) for kind in ("r8", "r16", "r32", "r64")] == ["spl", "sp", "esp", "rsp"]
    assert [x86_64.register_name("r8", kind) for kind in ("r8", "r16", "r32", "r64")] == ["r8b", "r8w", "r8d", "r8"]
    assert [x86_64.register_name("rdi", kind) for kind in ("r8", "r16")] == ["dil", "di"]
    with pytest.raises(ValueError):
        x86_64.register_name("eax", "r64")


def test_arm64_register_names() -> None:
    assert [arm64.register_name("x3", kind) for kind in ("w", "x", "wsp", "xsp")] == ["w3", "x3", "w3", "x3"]
    assert [arm64.register_name(31, kind) for kind in ("w", "x", "wsp", "xsp")] == ["wzr", "xzr", "wsp", "sp"]
    assert arm64.register_name("sp", "wsp") == "wsp"
    for name, kind in (("sp", "x"), ("xzr", "xsp"), ("w0", "w"), (32, "x"), ("x0", "r64")):
        with pytest.raises(ValueError):
            arm64.register_name(name, kind)


@pytest.mark.parametrize("width", [32, 64])
def test_logical_immediates(width: int) -> None:
    encodable = {decode_bit_masks(n, imms, immr, width) for n in (0, 1) for imms in range(64) for immr in range(64)}
    encodable.discard(None)
    assert len(encodable) == {32: 1302, 64: 5334}[width]
    near = {value ^ 1 << bit for value in encodable for bit in range(width)} | {0, (1 << width) - 1}
    assert all(arm64.is_logical_immediate(value, width) == (value in encodable) for value in near | encodable)


def decode_bit_masks(n: int, imms: int, immr: int, width: int) -> int | None:
    """DecodeBitMasks of the Arm ARM's shared pseudocode; None where it is undefined."""
    length = (n << 6 | ~imms & 63).bit_length() - 1
    if length < 1 or 1 << length > width:
        return None
    size = 1 << length
    s, r = imms & size - 1, immr & size - 1
    if s == size - 1:
        return None
    ones = (1 << s + 1) - 1
    element = (ones >> r | ones << size - r) & (1 << size) - 1
    return sum(element << start for start in range(0, width, size))
