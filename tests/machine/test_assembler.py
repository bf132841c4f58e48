"""The assembler: agreement with LLVM, branches, tables, and everything that it must refuse."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from peers import llvm
from random_lines import broken_lines, random_lines

from intent_tool.language.diagnostics import IntentError
from intent_tool.machine import keystone_encoder, layout
from intent_tool.machine.assembler import AssemblyError, assemble
from intent_tool.machine.assembly import Assembly, MachineCode, Table
from intent_tool.machine.branches import branch
from intent_tool.machine.layout import Piece, Unencodable, lay_out
from intent_tool.machine.riscv_encoder import encode_line
from intent_tool.machine.target import Target, load_targets

TARGETS = load_targets()
WIDEST = {"x86_64": TARGETS["x86_64_v3"], "arm64": TARGETS["arm64"], "riscv64": TARGETS["riscv64_zb"]}
TABLE = Table(".Lt", 4, b"abcdefg")


def made(isa: str, *lines: str, tables: tuple[Table, ...] = ()) -> MachineCode:
    return assemble(Assembly(lines, tables), WIDEST[isa])


def refusal(target: Target, *lines: str, tables: tuple[Table, ...] = ()) -> AssemblyError:
    with pytest.raises(AssemblyError) as caught:
        assemble(Assembly(lines, tables), target)
    return caught.value


# Agreement with LLVM

@pytest.mark.parametrize("isa", ["x86_64", "arm64"])
def test_random_lines_have_llvms_bytes(isa: str, tmp_path: Path) -> None:
    lines = list(random_lines(isa, 3000, seed=5))
    code = made(isa, *lines)
    assert code.code == llvm(isa, lines, tmp_path)
    assert [i.text for i in code.instructions] == lines
    assert b"".join(i.code for i in code.instructions) == code.code


SPELLINGS = {
    "x86_64": ["mov rax, [rdi]", "mov [rdi+rsi*1+5], eax", "MOV EAX, EDI", "shl eax", "sal eax, 3",
               "imul eax, 5", "jz .L0", "setnz al", "cmovnae eax, edi", "xchg rax, rbx", "test esi, edi",
               "lea rax, [2*rdi + 8]", "mov al, -1", "lea rax, [8+rdi]", "lea rax, [2*rdi+rsi]", "and rax, -16",
               "add eax, 0xffffffff", "movabs rax, 5", "push -1", "jmp .L0", "lea eax, [rsp + rdi]",
               "cmp byte ptr [rdi-1], 0xff",
               "mov rax, 0x80000000", "nop", "ret"],
    "arm64": ["mov x0, #-1", "mov w0, 0xffff0000", "movz x0, #0, lsl #16", "movn w1, #4",
              "mov x0, #0xff00ff00ff00ff00", "add x0, x1, #4096", "sub x0, x1, #-5", "cmp w0, #-7",
              "and w0, w0, #0xfffffff0", "and x0, x0, #-16", "csinc x0, x1, x1, ne", "cset w0, cs",
              "ubfm x0, x1, #4, #8", "orr x0, xzr, x1", "orr w0, wzr, #0xff", "ldr x0, [x1, #-8]", "ldr x0, [x1, #0]",
              "ldr w0, [x1, w2, uxtw #2]", "stp x29, x30, [sp, #-16]!", "ldp x29, x30, [sp], #16",
              "add x0, x1, x2, lsl #0", "mov sp, x0", "uxtw x0, w1", "ret x30", "b.cc .L0", "tbz w0, #31, .L0",
              "fmov d0, x0", "cnt v0.8b, v0.8b", "addv b0, v0.8b", "fmov w0, s0", "msub x0, x1, x2, xzr",
              "nop"],
    "riscv64": ["ld a0, (a1)", "addi a0,a0,0x10", "mv x10, x11", "mv a0, fp", "li a0, -0x800", "c.li a0, 1"],
}


@pytest.mark.parametrize("isa", SPELLINGS)
def test_other_spellings_of_an_instruction_are_taken(isa: str, tmp_path: Path) -> None:
    lines = [".L0:", *SPELLINGS[isa]]
    assert made(isa, *lines).code == llvm(isa, lines, tmp_path)


# Branches

SHORT_BRANCHES = {
    "x86_64": ["jne .Lfar", "jmp .Lfar", "jbe .Lnear"],
    "arm64": ["b .Lfar", "b.hi .Lnear", "cbz w3, .Lnear", "cbnz x3, .Lfar", "tbz x3, #40, .Lnear",
              "tbnz w3, #1, .Lfar"],
    "riscv64": ["j .Lfar", "beqz a0, .Lnear", "bnez a5, .Lfar", "blt a0, s3, .Lfar", "bgtu t0, a0, .Lnear",
                "beqz t1, .Lfar"],
}
NOPS = {"x86_64": 1, "arm64": 4, "riscv64": 2}


@pytest.mark.parametrize("isa", SHORT_BRANCHES)
@pytest.mark.parametrize("distance", [0, 2, 100, 124, 126, 128, 130, 240, 250, 252, 254, 256, 258, 2030, 2046, 2048,
                                      4094, 4096])
def test_branches_are_as_short_as_llvms(isa: str, distance: int, tmp_path: Path) -> None:
    nops = ["nop"] * (distance // NOPS[isa])
    lines = [".Lnear:", *SHORT_BRANCHES[isa], *nops, *SHORT_BRANCHES[isa], ".Lfar:", *SHORT_BRANCHES[isa]]
    assert made(isa, *lines).code == llvm(isa, lines, tmp_path)


def test_riscv_inverts_a_branch_that_is_too_far(tmp_path: Path) -> None:
    lines = ["bltu a0, t3, .Lfar", "beqz a0, .Lfar", *["nop"] * 3000, "bne t4, zero, .Lback", ".Lfar:", "ret"]
    lines.insert(0, ".Lback:")
    code = made("riscv64", *lines)
    assert code.code == llvm("riscv64", lines, tmp_path)
    assert [i.text for i in code.instructions][:4] == [
        "bgeu a0, t3, . + 8", "j .Lfar", "bne a0, zero, . + 6", "j .Lfar"]


def test_arm64_inverts_a_test_that_is_too_far() -> None:
    far = 40_000 // 4
    code = made("arm64", "tbz x0, #40, .Lfar", "tbnz w1, #3, .Lfar", *["nop"] * far, ".Lfar:", "ret")
    from capstone import CS_ARCH_ARM64, CS_MODE_ARM, Cs

    found = [f"{m} {o}" for _, _, m, o in Cs(CS_ARCH_ARM64, CS_MODE_ARM).disasm_lite(code.code[:16], 0)]
    target = f"b #{16 + 4 * far:#x}"
    assert found == ["tbnz x0, #0x28, #8", target, "tbz w1, #3, #0x10", target]


def reached(isa: str, line: str, distance: int, back: bool = False) -> int:
    """The size of a branch whose label lies `distance` bytes behind its end, or before its start. Raises
    `Unencodable`."""
    found = encode_line(line, 0, WIDEST[isa].features) if isa == "riscv64" else branch(isa, line, 0)
    assert found is not None
    gap = Piece(1, "", bytes(distance))
    if back:
        starts = lay_out((gap, found[0]), {".Lfar": 0}).starts
        return starts[2] - starts[1]
    return lay_out((found[0], gap, Piece(2, "", b"end.")), {".Lfar": 2}).starts[1]


@pytest.mark.parametrize(("isa", "line", "bits"), [
    ("arm64", "b.eq .Lfar", 21), ("arm64", "cbnz x9, .Lfar", 21), ("arm64", "tbz x9, #63, .Lfar", 16),
    ("riscv64", "blt a0, t0, .Lfar", 13),
])
def test_the_last_distance_that_a_conditional_branch_reaches(isa: str, line: str, bits: int) -> None:
    unit = 4 if isa == "arm64" else 2
    last = (1 << bits - 1) - unit
    assert reached(isa, line, last - 4) == 4
    # Inverted, it is 8 bytes.
    assert reached(isa, line, last + unit - 4) == 8
    assert reached(isa, line, last + unit, back=True) == 4
    assert reached(isa, line, last + 2 * unit, back=True) == 8


@pytest.mark.parametrize(("isa", "line", "bits"), [("arm64", "b .Lfar", 28), ("arm64", "cbz w1, .Lfar", 28),
                                                   ("riscv64", "j .Lfar", 21), ("riscv64", "beqz a0, .Lfar", 21)])
def test_the_last_distance_that_anything_reaches(isa: str, line: str, bits: int) -> None:
    unit = 4 if isa == "arm64" else 2
    size = {"b .Lfar": 4, "cbz w1, .Lfar": 8, "j .Lfar": 4, "beqz a0, .Lfar": 6}[line]
    # Counted from the jump, which is the last instruction of the piece.
    gap = (1 << bits - 1) - unit - 4
    assert reached(isa, line, gap) == size
    with pytest.raises(Unencodable) as caught:
        reached(isa, line, gap + unit)
    assert caught.value.args == (f"the branch cannot reach .Lfar, {size + gap + unit} bytes away", 0)
    gap = (1 << bits - 1) - (size - 4)
    assert reached(isa, line, gap, back=True) == size
    with pytest.raises(Unencodable):
        reached(isa, line, gap + unit, back=True)


def test_a_jump_that_nothing_reaches_names_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_starts", lambda pieces, chosen: [n << 30 for n in range(len(pieces) + 1)])
    problem = refusal(WIDEST["arm64"], "nop", "b .Lfar", ".Lfar:", "ret")
    assert (problem.line, problem.reason) == (1, "the branch cannot reach .Lfar, 1073741824 bytes away")


# Tables

def test_tables_are_aligned_and_referred_to() -> None:
    tables = (Table(".La", 1, b"xyz"), Table(".Lb", 16, b"0123"), Table(".Lc", 8, b"q"))
    code = made("x86_64", "lea rax, [rip + .Lb]", "movzx ecx, byte ptr [rip + .Lc + 2]",
                "cmp dword ptr [rip + .La], 5", "ret", tables=tables)
    assert code.rodata == b"xyz" + bytes(13) + b"0123" + bytes(4) + b"q"
    assert code.rodata_alignment == 16
    # The addend counts from the displacement's place: an immediate may stand behind it.
    assert [(r.offset, r.type, r.symbol, r.addend) for r in code.relocations] == [
        (3, "R_X86_64_PC32", ".rodata", 16 - 4), (10, "R_X86_64_PC32", ".rodata", 24 + 2 - 4),
        (16, "R_X86_64_PC32", ".rodata", 0 - 5)]


def test_tables_on_arm64_and_riscv() -> None:
    code = made("arm64", "nop", "adrp x3, .Lt", "add x3, x3, :lo12:.Lt", "ret", tables=(TABLE,))
    assert [(r.offset, r.type, r.symbol, r.addend) for r in code.relocations] == [
        (4, "R_AARCH64_ADR_PREL_PG_HI21", ".rodata", 0), (8, "R_AARCH64_ADD_ABS_LO12_NC", ".rodata", 0)]
    code = made("riscv64", "nop", ".Lh:", "auipc a0, %pcrel_hi(.Lt)", "addi a0, a0, %pcrel_lo(.Lh)", "ret",
                tables=(Table(".Ls", 1, b"z"), TABLE))
    assert [(r.offset, r.type, r.symbol, r.addend) for r in code.relocations] == [
        (2, "R_RISCV_PCREL_HI20", ".rodata", 4), (6, "R_RISCV_PCREL_LO12_I", ".text+2", 0)]


# What is refused

MISMATCH = "; the operands do not fit this instruction"


@pytest.mark.parametrize(("isa", "line", "reason"), [
    # What keystone lets through, changes or drops.
    ("x86_64", "cmp $,1;hlt", "a line holds one label or one instruction, without comments"),
    ("arm64", "add x0,x1,$;ret;ret", "a line holds one label or one instruction, without comments"),
    ("x86_64", "cmp $, 1", "`$` is not a register, a number or memory"),
    ("arm64", "add x0, x1, $", "`$` is not a register, a number, an address or a condition"),
    ("x86_64", "mov eax, 0x1ffffffff", "8589934591 does not fit 32 bits"),
    ("x86_64", "mov al, 256", "256 does not fit 8 bits"),
    ("x86_64", "mov al, -129", "-129 does not fit 8 bits"),
    ("x86_64", "add rax, 0x80000000", "the operands do not fit this instruction"),
    ("x86_64", "and rax, 0xfffffff0", "the operands do not fit this instruction"),
    ("arm64", "mov w0, #0xfffffffff", "68719476735 does not fit 32 bits"),
    ("arm64", "mov x0, #0x12345", "the operands do not fit this instruction"),
    ("x86_64", '.incbin "/etc/passwd"', "not an instruction"),
    ("arm64", '.incbin "/etc/passwd"', "not an instruction"),
    ("x86_64", ".rept 1000000000", "not an instruction"),
    ("x86_64", ".fill 0x7fffffff", "not an instruction"),
    ("x86_64", "nop\nhlt", "a line holds one label or one instruction, without comments"),
    ("x86_64", "nop # comment", "`# comment` is not a register, a number or memory"),
    ("x86_64", "lea eax, [rdi + rsp]", "rsp cannot be an index; write it first"),
    ("x86_64", "mov eax, 010", "`010` is not a number; write it in decimal or with 0x, without leading zeros"),
    ("x86_64", "mov eax, 10h", "`10h` is not a number; write it in decimal or with 0x, without leading zeros"),
    ("x86_64", "mov eax, 5 + 3", "`5 + 3` is not a number; write it in decimal or with 0x, without leading zeros"),
    # Operands.
    ("x86_64", "add eax, ebq", "`ebq` is not a register, a number or memory"),
    ("x86_64", "add eax,", "an operand is missing"),
    ("x86_64", "add eax, rdi", "the operands do not fit this instruction"),
    ("x86_64", "mov eax, dword ptr fs:[0]", "`dword ptr fs:[0]` is not a register, a number or memory"),
    ("x86_64", "mov eax, [edi]", "an address is made of 64-bit registers; `edi` is none"),
    ("x86_64", "mov eax, [rdi + rsi + rdx]", "`[rdi + rsi + rdx]` has more than a base, an index and a displacement"),
    ("x86_64", "mov eax, [rdi*3]", "`rdi*3` is not a register times 1, 2, 4 or 8"),
    ("x86_64", "mov eax, [rdi - rsi]", "`[rdi - rsi]` is not an address"),
    ("x86_64", "mov eax, [rdi 8]", "`[rdi 8]` is not an address"),
    ("x86_64", "mov eax, [0x1000]", "`[0x1000]` is a fixed address"),
    ("x86_64", "mov eax, [rdi + 0x80000000]", "the displacement 2147483648 does not fit 32 signed bits"),
    ("x86_64", "inc [rdi]", "the size of the memory operand is missing; write `dword ptr [...]` or the like"),
    ("x86_64", "movzx eax, [rdi]", "the size of the memory operand is missing; write `dword ptr [...]` or the like"),
    ("x86_64", "shl [rdi], cl", "the size of the memory operand is missing; write `dword ptr [...]` or the like"),
    ("x86_64", "lea rax, [rip + 8]", "an address relative to rip needs a table's label"),
    ("x86_64", "lea rax, [rip + rdi + .Lt]", "a table is addressed as [rip + label], without other registers"),
    ("x86_64", "lea rax, [.Lt]", "a table is addressed as [rip + label], without other registers"),
    ("x86_64", "mov rax, .Lt", "`.Lt` cannot stand here; the address of a table is `lea reg, [rip + .Lt]`"),
    ("x86_64", "lock add dword ptr [rdi], eax",
     "`add dword ptr [rdi]` is not a register, a number or memory"),
    ("x86_64", "rep stosb", "`stosb` is not a register, a number or memory"),
    ("arm64", "add x0, x1", "the operands do not fit this instruction"),
    ("arm64", "add x0, x1, #5000", "the operands do not fit this instruction"),
    ("arm64", "and x0, x1, #5", "the operands do not fit this instruction"),
    ("arm64", "add x0, x1, x31", "`x31` is not a register, a number, an address or a condition"),
    ("arm64", "add x0, x1,", "an operand is missing"),
    ("arm64", "ldr x0, [x1", "`x0, [x1` is not a list of operands"),
    ("arm64", "ldr x0, []", "`[]` is not an address"),
    ("arm64", "lsl x0, x1, #64", "a shift count goes from 0 to 63"),
    ("arm64", "ubfx w0, w1, #30, #4", "a field of 4 bits at bit 30 is not inside 32 bits"),
    ("arm64", "ldp x0, x0, [sp]", "its bytes are no valid instruction"),
    ("arm64", "adr x0, .Lt", "the address of a table is `adrp reg, label`, then `add reg, reg, :lo12:label`"),
    ("arm64", "ldr x0, .Lt", "the address of a table is `adrp reg, label`, then `add reg, reg, :lo12:label`"),
    # Branches.
    ("x86_64", "jmp rax", "a branch goes to a label that starts with `.L`, not to `rax`"),
    ("x86_64", "je 0x10", "a branch goes to a label that starts with `.L`, not to `0x10`"),
    ("x86_64", "jmp .Lnone", ".Lnone is not a label of this code"),
    ("x86_64", "jmp .Lt", ".Lt is a table"),
    ("arm64", "b #8", "a branch goes to a label that starts with `.L`, not to `#8`"),
    ("arm64", "b .Lt, .Lt", "`b` is written `b label`"),
    ("arm64", "b.xx .Lt", "no condition is named `xx`"),
    ("arm64", "b.eq x0, .Lt", "`b.eq` is written `b.eq label`"),
    ("arm64", "cbz .Lt", "`cbz` is written `cbz register, label`"),
    ("arm64", "cbz sp, .Lt", "`sp` is not a general register"),
    ("arm64", "tbz x0, .Lt", "`tbz` is written `tbz register, #bit, label`"),
    ("arm64", "tbz w0, #32, .Lt", "w0 has no bit 32"),
    ("riscv64", "beqz a0, .Lnone", ".Lnone is not a label of this code"),
    ("riscv64", "j .Lt", ".Lt is a table"),
    # Tables.
    ("x86_64", "lea rax, [rip + .Lnone]", "no table has the label .Lnone"),
    ("arm64", "adrp x0, .Lnone", "no table has the label .Lnone"),
    ("riscv64", "auipc a0, %pcrel_hi(.Lnone)", "no table has the label .Lnone"),
    ("riscv64", "addi a0, a0, %pcrel_lo(.Lt)", ".Lt is not the label of an `auipc reg, %pcrel_hi(table)`"),
    # Instructions.
    ("x86_64", "fnord eax", "no instruction is named `fnord`"),
    ("arm64", "fnord x0", "no instruction is named `fnord`"),
    ("riscv64", "fnord a0", "no instruction is named `fnord`"),
    ("x86_64", "hlt", "`hlt` is not among the instructions of x86_64_v3"),
    ("x86_64", "call rax", "a branch goes to a label that starts with `.L`, not to `rax`"),
    ("arm64", "blr x0", "`blr` is not among the instructions of arm64"),
    ("arm64", "mrs x0, nzcv", "`nzcv` is not a register, a number, an address or a condition"),
    # Labels.
    ("x86_64", "loop:", "a label starts with `.L`"),
    ("x86_64", ".Lt:", "the label .Lt is defined twice"),
    ("x86_64", "", "a line holds one label or one instruction, without comments"),
    ("x86_64", "nop" + " " * 300, "a line holds one label or one instruction, without comments"),
    ("x86_64", "mov eax, \N{DEGREE SIGN}", "a line holds one label or one instruction, without comments"),
])
def test_refused_lines(isa: str, line: str, reason: str) -> None:
    problem = refusal(WIDEST[isa], "nop", line, "ret", tables=(TABLE,))
    assert problem.reason == reason
    assert problem.line == 1
    assert problem.text == line.strip()
    shown = problem.diagnostics[0]
    assert shown.span is not None and (shown.code, shown.span.line) == ("E801", 2)


@pytest.mark.parametrize("isa", WIDEST)
def test_of_broken_lines_those_are_taken_that_llvm_reads_in_the_same_way(isa: str, tmp_path: Path) -> None:
    taken: list[str] = []
    code = b""
    for line in broken_lines(isa, 4000, seed=3):
        try:
            made_of_it = assemble(Assembly((line,)), WIDEST[isa])
        except AssemblyError as problem:
            assert problem.line == 0
        else:
            if re.fullmatch(r"v.*[xy]mm(8|9|1\d)", line) and isa == "x86_64":
                # LLVM exchanges the operands of those that commute, for a shorter prefix.
                continue
            taken.append(line)
            code += made_of_it.code
    assert len(taken) > 150
    assert code == llvm(isa, taken, tmp_path)


def test_an_instruction_of_a_newer_processor_is_refused_on_an_older_one() -> None:
    for line in ("popcnt eax, edi", "shlx eax, edi, esi", "andn eax, edi, esi"):
        made("x86_64", line)
        assert "is not among the instructions of x86_64" in refusal(TARGETS["x86_64"], line).reason


def test_a_silent_change_of_operands_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever keystone makes of a line: bytes of another instruction, more than one, or none are refused."""
    for code, count, reason in ((b"\x89\xf0", 1, "it would become `mov eax, esi`" + MISMATCH),
                                (b"\x89\xf8\xc3", 1, "it does not assemble to exactly one instruction"),
                                (b"\x89\xf8", 2, "it does not assemble to exactly one instruction"),
                                (b"\x0f\x58\xc1", 1, "it would become `addps xmm0, xmm1`" + MISMATCH),
                                (b"\x06", 1, "its bytes are no valid instruction"),
                                (b"", 1, "its bytes are no valid instruction")):
        monkeypatch.setattr(keystone_encoder, "_assembled", lambda isa, text, made=(code, count): made)
        monkeypatch.setattr(keystone_encoder, "_cache", {})
        assert refusal(WIDEST["x86_64"], "mov eax, edi").reason == reason


@pytest.mark.parametrize(("tables", "reason"), [
    ((Table("t", 4, b"a"),), "the table's label `t` does not start with `.L`"),
    ((TABLE, TABLE), "two tables have the label .Lt"),
    ((Table(".Lt", 3, b"a"),), "the alignment of table .Lt is 3, not a power of two up to 4096"),
    ((Table(".Lt", 8192, b"a"),), "the alignment of table .Lt is 8192, not a power of two up to 4096"),
    ((Table(".Lt", 4, b""),), "the table .Lt is empty"),
])
def test_refused_tables(tables: tuple[Table, ...], reason: str) -> None:
    problem = refusal(WIDEST["x86_64"], "ret", tables=tables)
    assert (problem.line, problem.reason) == (None, reason)


def test_no_instruction_and_too_many() -> None:
    assert refusal(WIDEST["arm64"]).reason == "there is no instruction"
    assert refusal(WIDEST["arm64"], ".L0:").reason == "there is no instruction"
    assert refusal(WIDEST["arm64"], *["nop"] * 100_001).reason == "100001 lines; at most 100000 are assembled"


def test_the_error_is_an_intent_error_with_the_line_and_its_place() -> None:
    problem = refusal(WIDEST["x86_64"], "nop", "  mov  al,  256")
    assert isinstance(problem, IntentError)
    assert problem.diagnostics[0].render() == (
        "<assembly>:2:1: error[E801]: `mov  al,  256`: 256 does not fit 8 bits\n"
        "    2 | mov al, 256\n"
        "      | ^^^^^^^^^^^")


def test_threads_get_what_one_thread_gets() -> None:
    """Keystone's objects are not for several threads; SCons builds with threads."""
    lines = {isa: list(random_lines(isa, 400, seed=9)) for isa in WIDEST}
    alone = {isa: made(isa, *text).code for isa, text in lines.items()}
    wrong: list[str] = []

    def work(isa: str) -> None:
        for _ in range(5):
            keystone_encoder._cache.clear()
            if made(isa, *lines[isa]).code != alone[isa]:
                wrong.append(isa)

    threads = [threading.Thread(target=work, args=(isa,)) for isa in list(WIDEST) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
