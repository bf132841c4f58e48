"""RISC-V (RV64I, M, Zba, Zbb, Zbs): registers' names, and the instruction table with encodings.

Source: The RISC-V Instruction Set Manual, volume I (20240411): chapters 2 "RV32I", 4 "RV64I", 13 "M", 28 "B"
(28.1 Zba, 28.2 Zbb, 28.3 Zbs), and 36 "RV32/64G Instruction Set Listings"; pseudo-instructions from the RISC-V
Assembly Programmer's Manual. The compressed forms stand in `riscv64_compressed`.

Operand kinds: ``x`` is a general register (reading `zero` gives 0, writing it does nothing); ``i12`` is signed,
``u5``, ``u6`` and ``u20`` are unsigned. Operands are named `d` (written), `a` and `b` (read; a store has its value in
`a` and its base in `b`), `i` (immediate or offset), `t` (branch target, or table), `l` (label of an auipc).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from intent_tool.machine import row_notation
from intent_tool.machine.instruction import Row
from intent_tool.machine.registers import RISCV64
from intent_tool.machine.riscv64_compressed import COMPRESSED

REGISTERS = RISCV64
REGISTER_NUMBERS = {name: number for number, name in enumerate(REGISTERS)} | {
    f"x{number}": number for number in range(32)} | {"fp": 8}
"""Every name of a register; `fp` is s0."""


def register_name(register: int | str, kind: str = "x") -> str:
    """The psABI's name of a register, given by its number or any name; `kind` is always ``x`` here.

    Raises KeyError for a name that is none, IndexError for a number that is none."""
    return REGISTERS[REGISTER_NUMBERS[register] if isinstance(register, str) else register]


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a row becomes bits: a 32-bit word, or another row's text that it stands for.

    `fields` names the place of each operand, as in `FIELDS`."""

    match: int
    fields: tuple[tuple[str, str], ...]
    expansion: str | None = None


FIELDS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "rd": ((4, 0, 7),),
    "rs1": ((4, 0, 15),),
    "rs2": ((4, 0, 20),),
    "imm_i": ((11, 0, 20),),
    "imm_s": ((11, 5, 25), (4, 0, 7)),
    "imm_b": ((12, 12, 31), (10, 5, 25), (4, 1, 8), (11, 11, 7)),
    "imm_u": ((19, 0, 12),),
    "imm_j": ((20, 20, 31), (10, 1, 21), (11, 11, 20), (19, 12, 12)),
    "shamt6": ((5, 0, 20),),
    "shamt5": ((4, 0, 20),),
    "none": (),
}
"""Bits of an operand in a word: from bit, to bit, lowest place (section 2.3, "Immediate Encoding Variants").

``none`` is an operand that a relocation fills in."""

_FORMATS = {
    "R": {"d": "rd", "a": "rs1", "b": "rs2"},
    "I": {"d": "rd", "a": "rs1", "i": "imm_i", "l": "none"},
    "I6": {"d": "rd", "a": "rs1", "i": "shamt6"},
    "I5": {"d": "rd", "a": "rs1", "i": "shamt5"},
    "S": {"a": "rs2", "b": "rs1", "i": "imm_s"},
    "B": {"a": "rs1", "b": "rs2", "t": "imm_b"},
    "U": {"d": "rd", "i": "imm_u", "t": "none"},
    "J": {"d": "rd", "t": "imm_j"},
}

_COMPRESSIBLE = frozenset(form.base_mnemonic for form in COMPRESSED)


@dataclass(frozen=True, slots=True)
class _Entry:
    row: Row
    encoding: Encoding


def _make(template: str, **how: Any) -> Row:
    size = (2, 4) if how.pop("base", template).split()[0] in _COMPRESSIBLE else (4, 4)
    return row_notation.row(template, flags=frozenset(), registers=frozenset(REGISTERS), size=size, **how)


def _row(template: str, format: str, match: int, **how: Any) -> _Entry:
    """An instruction. `match` has the bits that are not operands' (opcode, funct3, funct7 …)."""
    row = _make(template, **how)
    places = _FORMATS[format]
    return _Entry(row, Encoding(match, tuple((o.name, places[o.name]) for o in row.operands)))


def _pseudo(template: str, expansion: str, **how: Any) -> _Entry:
    """Another way to write `expansion`, which names the operands as ``{d}``."""
    return _Entry(_make(template, base=expansion, **how), Encoding(0, (), expansion))


def _r_match(funct7: int, funct3: int, opcode: int) -> int:
    return funct7 << 25 | funct3 << 12 | opcode


def _i_match(funct3: int, opcode: int, upper: int = 0) -> int:
    """`upper` is what stands in bits 31:20 above or in place of the immediate."""
    return upper << 20 | funct3 << 12 | opcode


_OP, _OP_32, _OP_IMM, _OP_IMM_32 = 0x33, 0x3B, 0x13, 0x1B
_D_A_B = "{d:x}, {a:x}, {b:x}"
_D_A_I = "{d:x}, {a:x}, {i:i12}"
_D_A = "{d:x}, {a:x}"


def _integer() -> Iterator[_Entry]:
    """Sections 2.4 and 4.2, "Integer Computational Instructions"."""
    for name, funct3, meaning in (
            ("addi", 0, "u64(a + i)"), ("slti", 2, "i64(a) < i"), ("sltiu", 3, "a < u64(i)"),
            ("xori", 4, "a ^ u64(i)"), ("ori", 6, "a | u64(i)"), ("andi", 7, "a & u64(i)")):
        yield _row(f"{name} {_D_A_I}", "I", _i_match(funct3, _OP_IMM), d=meaning)
    for name, funct3, upper, meaning in (
            ("slli", 1, 0x000, "u64(a << i)"), ("srli", 5, 0x000, "a >> i"), ("srai", 5, 0x400, "u64(i64(a) >> i)")):
        yield _row(f"{name} {{d:x}}, {{a:x}}, {{i:u6}}", "I6", _i_match(funct3, _OP_IMM, upper), d=meaning,
                   latency="shift")
    for name, funct7, funct3, meaning, latency in (
            ("add", 0, 0, "u64(a + b)", "alu"), ("sub", 0x20, 0, "u64(a - b)", "alu"),
            ("sll", 0, 1, "u64(a << (b & 63))", "shift"), ("slt", 0, 2, "i64(a) < i64(b)", "alu"),
            ("sltu", 0, 3, "a < b", "alu"), ("xor", 0, 4, "a ^ b", "alu"),
            ("srl", 0, 5, "a >> (b & 63)", "shift"), ("sra", 0x20, 5, "u64(i64(a) >> (b & 63))", "shift"),
            ("or", 0, 6, "a | b", "alu"), ("and", 0, 7, "a & b", "alu")):
        yield _row(f"{name} {_D_A_B}", "R", _r_match(funct7, funct3, _OP), d=meaning, latency=latency)
    yield _row(f"addiw {_D_A_I}", "I", _i_match(0, _OP_IMM_32), d="u64(i32(a + i))")
    for name, funct3, upper, meaning in (
            ("slliw", 1, 0x000, "u64(i32(a << i))"), ("srliw", 5, 0x000, "u64(i32(u32(a) >> i))"),
            ("sraiw", 5, 0x400, "u64(i32(a) >> i)")):
        yield _row(f"{name} {{d:x}}, {{a:x}}, {{i:u5}}", "I5", _i_match(funct3, _OP_IMM_32, upper), d=meaning,
                   latency="shift")
    for name, funct7, funct3, meaning, latency in (
            ("addw", 0, 0, "u64(i32(a + b))", "alu"), ("subw", 0x20, 0, "u64(i32(a - b))", "alu"),
            ("sllw", 0, 1, "u64(i32(a << (b & 31)))", "shift"),
            ("srlw", 0, 5, "u64(i32(u32(a) >> (b & 31)))", "shift"),
            ("sraw", 0x20, 5, "u64(i32(a) >> (b & 31))", "shift")):
        yield _row(f"{name} {_D_A_B}", "R", _r_match(funct7, funct3, _OP_32), d=meaning, latency=latency)
    yield _row("lui {d:x}, {i:u20}", "U", 0x37, d="u64(i32(i << 12))")
    yield _row("auipc {d:x}, {i:u20}", "U", 0x17, d="u64(pc + i32(i << 12))")
    # The upper part of the distance from here to the table, rounded so that the lower part is a signed 12-bit number.
    yield _row("auipc {d:x}, %pcrel_hi({t:table})", "U", 0x17, form="auipc x, table",
               d="u64(pc + ((t - pc + 2048) >> 12 << 12))")
    yield _row("addi {d:x}, {a:x}, %pcrel_lo({l:label})", "I", _i_match(0, _OP_IMM), form="addi x, x, table",
               d="undefined")


def _multiplication() -> Iterator[_Entry]:
    """Chapter 13; division by zero and overflow as in table 13.1: nothing traps."""
    for funct3, name, meaning, latency in (
            (0, "mul", "u64(a * b)", "mul"), (1, "mulh", "u64(i64(a) * i64(b) >> 64)", "mulh"),
            (2, "mulhsu", "u64(i64(a) * b >> 64)", "mulh"), (3, "mulhu", "a * b >> 64", "mulh")):
        yield _row(f"{name} {_D_A_B}", "R", _r_match(1, funct3, _OP), d=meaning, latency=latency, feature="m")
    yield _row(f"mulw {_D_A_B}", "R", _r_match(1, 0, _OP_32), d="u64(i32(a * b))", latency="mul", feature="m")
    for suffix, w, opcode in (("", 64, _OP), ("w", 32, _OP_32)):
        i, u = f"i{w}", f"u{w}"
        quotient = f"abs({i}(a)) // abs({i}(b))"
        remainder = f"abs({i}(a)) % abs({i}(b))"
        unchanged = f"u64({i}(a))"
        for funct3, name, meaning in (
                (4, "div", f"u64(-1) if {u}(b) == 0 else "
                           f"u64({i}(-({quotient}) if ({i}(a) < 0) != ({i}(b) < 0) else {quotient}))"),
                (5, "divu", f"u64(-1) if {u}(b) == 0 else u64({i}({u}(a) // {u}(b)))"),
                (6, "rem", f"{unchanged} if {u}(b) == 0 else u64(-({remainder}) if {i}(a) < 0 else {remainder})"),
                (7, "remu", f"{unchanged} if {u}(b) == 0 else u64({i}({u}(a) % {u}(b)))")):
            yield _row(f"{name}{suffix} {_D_A_B}", "R", _r_match(1, funct3, opcode), d=meaning, latency="div",
                       feature="m")


def _address_generation() -> Iterator[_Entry]:
    """Zba."""
    yield _row(f"add.uw {_D_A_B}", "R", _r_match(4, 0, _OP_32), d="u64(u32(a) + b)", feature="zba")
    for shift in (1, 2, 3):
        yield _row(f"sh{shift}add {_D_A_B}", "R", _r_match(0x10, 2 * shift, _OP), d=f"u64((a << {shift}) + b)",
                   feature="zba")
        yield _row(f"sh{shift}add.uw {_D_A_B}", "R", _r_match(0x10, 2 * shift, _OP_32),
                   d=f"u64((u32(a) << {shift}) + b)", feature="zba")
    yield _row("slli.uw {d:x}, {a:x}, {i:u6}", "I6", _i_match(1, _OP_IMM_32, 0x080), d="u64(u32(a) << i)",
               latency="shift", feature="zba")


def _basic_bits() -> Iterator[_Entry]:
    """Zbb."""
    for name, funct3, meaning in (("andn", 7, "a & ~b"), ("orn", 6, "u64(a | ~b)"), ("xnor", 4, "u64(~(a ^ b))")):
        yield _row(f"{name} {_D_A_B}", "R", _r_match(0x20, funct3, _OP), d=meaning, feature="zbb")
    for name, upper, opcode, meaning in (
            ("clz", 0x600, _OP_IMM, "clz(a, 64)"), ("clzw", 0x600, _OP_IMM_32, "clz(u32(a), 32)"),
            ("ctz", 0x601, _OP_IMM, "ctz(a, 64)"),
            # The manual gives 32 for a zero word; QEMU before 8.0 goes on to the upper half there.
            ("ctzw", 0x601, _OP_IMM_32, "ctz(u32(a), 32) if u32(a) else undefined"),
            ("cpop", 0x602, _OP_IMM, "popcount(a)"), ("cpopw", 0x602, _OP_IMM_32, "popcount(u32(a))")):
        yield _row(f"{name} {_D_A}", "R", _i_match(1, opcode, upper), d=meaning, feature="zbb")
    yield _row(f"sext.b {_D_A}", "R", _i_match(1, _OP_IMM, 0x604), d="u64(i8(a))", feature="zbb")
    yield _row(f"sext.h {_D_A}", "R", _i_match(1, _OP_IMM, 0x605), d="u64(i16(a))", feature="zbb")
    yield _row(f"zext.h {_D_A}", "R", _i_match(4, _OP_32, 0x080), d="u16(a)", feature="zbb")
    for name, funct3, meaning in (("min", 4, "a if i64(a) < i64(b) else b"), ("minu", 5, "min(a, b)"),
                                  ("max", 6, "a if i64(a) > i64(b) else b"), ("maxu", 7, "max(a, b)")):
        yield _row(f"{name} {_D_A_B}", "R", _r_match(5, funct3, _OP), d=meaning, feature="zbb")
    for name, funct3, opcode, meaning in (
            ("rol", 1, _OP, "rotl(a, b & 63, 64)"), ("ror", 5, _OP, "rotr(a, b & 63, 64)"),
            ("rolw", 1, _OP_32, "u64(i32(rotl(u32(a), b & 31, 32)))"),
            ("rorw", 5, _OP_32, "u64(i32(rotr(u32(a), b & 31, 32)))")):
        yield _row(f"{name} {_D_A_B}", "R", _r_match(0x30, funct3, opcode), d=meaning, latency="shift", feature="zbb")
    yield _row("rori {d:x}, {a:x}, {i:u6}", "I6", _i_match(5, _OP_IMM, 0x600), d="rotr(a, i, 64)", latency="shift",
               feature="zbb")
    yield _row("roriw {d:x}, {a:x}, {i:u5}", "I5", _i_match(5, _OP_IMM_32, 0x600),
               d="u64(i32(rotr(u32(a), i, 32)))", latency="shift", feature="zbb")
    yield _row(f"orc.b {_D_A}", "R", _i_match(5, _OP_IMM, 0x287), feature="zbb",
               d="sum((255 if a >> 8 * k & 255 else 0) << 8 * k for k in range(8))")
    yield _row(f"rev8 {_D_A}", "R", _i_match(5, _OP_IMM, 0x6B8), d="bswap(a, 8)", feature="zbb")


def _single_bits() -> Iterator[_Entry]:
    """Zbs."""
    for name, funct7, funct3, meaning in (
            ("bclr", 0x24, 1, "a & ~(1 << {})"), ("bext", 0x24, 5, "a >> {} & 1"),
            ("binv", 0x34, 1, "a ^ 1 << {}"), ("bset", 0x14, 1, "a | 1 << {}")):
        yield _row(f"{name} {_D_A_B}", "R", _r_match(funct7, funct3, _OP), d=meaning.format("(b & 63)"),
                   feature="zbs")
        yield _row(f"{name}i {{d:x}}, {{a:x}}, {{i:u6}}", "I6", _i_match(funct3, _OP_IMM, funct7 << 5),
                   d=meaning.format("i"), feature="zbs")


def _memory() -> Iterator[_Entry]:
    """Sections 2.6 and 4.3, "Load and Store Instructions"."""
    for funct3, name, size, meaning in (
            (0, "lb", 1, "u64(i8({}))"), (1, "lh", 2, "u64(i16({}))"), (2, "lw", 4, "u64(i32({}))"),
            (3, "ld", 8, "{}"), (4, "lbu", 1, "{}"), (5, "lhu", 2, "{}"), (6, "lwu", 4, "{}")):
        yield _row(f"{name} {{d:x}}, {{i:i12}}({{a:x}})", "I", _i_match(funct3, 0x03),
                   d=meaning.format(f"load(u64(a + i), {size})"), latency="load")
    for funct3, name, size in ((0, "sb", 1), (1, "sh", 2), (2, "sw", 4), (3, "sd", 8)):
        value = "a" if size == 8 else f"u{8 * size}(a)"
        yield _row(f"{name} {{a:x}}, {{i:i12}}({{b:x}})", "S", _i_match(funct3, 0x23),
                   memory=f"store(u64(b + i), {size}, {value})", latency="store")


_BRANCHES = (("beq", 0, "a == b"), ("bne", 1, "a != b"), ("blt", 4, "i64(a) < i64(b)"),
             ("bge", 5, "i64(a) >= i64(b)"), ("bltu", 6, "a < b"), ("bgeu", 7, "a >= b"))


def _control() -> Iterator[_Entry]:
    """Section 2.5, "Control Transfer Instructions", and 2.8 for ecall."""
    for name, funct3, condition in _BRANCHES:
        yield _row(f"{name} {{a:x}}, {{b:x}}, {{t:label}}", "B", _i_match(funct3, 0x63),
                   pc=f"t if {condition} else next_pc", latency="branch")
    yield _row("jal {d:x}, {t:label}", "J", 0x6F, d="next_pc", pc="t", latency="branch")
    yield _row("jalr {d:x}, {i:i12}({a:x})", "I", _i_match(0, 0x67), d="next_pc", pc="u64(a + i) & ~1",
               latency="branch")
    yield _row("ecall", "I", 0x73, a0="undefined", memory="undefined", latency="branch",
               opaque=("a0", "a1", "a2", "a3", "a4", "a5", "a7"))


def _pseudo_instructions() -> Iterator[_Entry]:
    """RISC-V Assembly Programmer's Manual, "Pseudoinstructions"."""
    yield _pseudo("nop", "addi zero, zero, 0")
    yield _pseudo("li {d:x}, {i:i12}", "addi {d}, zero, {i}", d="u64(i)", latency="move")
    yield _pseudo(f"mv {_D_A}", "addi {d}, {a}, 0", d="a", latency="move")
    yield _pseudo(f"not {_D_A}", "xori {d}, {a}, -1", d="u64(~a)")
    yield _pseudo(f"neg {_D_A}", "sub {d}, zero, {a}", d="u64(-a)")
    yield _pseudo(f"negw {_D_A}", "subw {d}, zero, {a}", d="u64(i32(-a))")
    yield _pseudo(f"sext.w {_D_A}", "addiw {d}, {a}, 0", d="u64(i32(a))")
    yield _pseudo(f"zext.b {_D_A}", "andi {d}, {a}, 255", d="u8(a)")
    yield _pseudo(f"zext.w {_D_A}", "add.uw {d}, {a}, zero", d="u32(a)", feature="zba")
    yield _pseudo(f"seqz {_D_A}", "sltiu {d}, {a}, 1", d="a == 0")
    yield _pseudo(f"snez {_D_A}", "sltu {d}, zero, {a}", d="a != 0")
    yield _pseudo(f"sltz {_D_A}", "slt {d}, {a}, zero", d="i64(a) < 0")
    yield _pseudo(f"sgtz {_D_A}", "slt {d}, zero, {a}", d="i64(a) > 0")
    for name, expansion, condition in (
            ("beqz", "beq {a}, zero", "a == 0"), ("bnez", "bne {a}, zero", "a != 0"),
            ("blez", "bge zero, {a}", "i64(a) <= 0"), ("bgez", "bge {a}, zero", "i64(a) >= 0"),
            ("bltz", "blt {a}, zero", "i64(a) < 0"), ("bgtz", "blt zero, {a}", "i64(a) > 0")):
        yield _pseudo(f"{name} {{a:x}}, {{t:label}}", expansion + ", {t}", pc=f"t if {condition} else next_pc",
                      latency="branch")
    for name, expansion, condition in (
            ("bgt", "blt", "i64(a) > i64(b)"), ("ble", "bge", "i64(a) <= i64(b)"),
            ("bgtu", "bltu", "a > b"), ("bleu", "bgeu", "a <= b")):
        yield _pseudo(f"{name} {{a:x}}, {{b:x}}, {{t:label}}", expansion + " {b}, {a}, {t}",
                      pc=f"t if {condition} else next_pc", latency="branch")
    yield _pseudo("j {t:label}", "jal zero, {t}", pc="t", latency="branch")
    yield _pseudo("jr {a:x}", "jalr zero, 0({a})", pc="a & ~1", latency="branch")
    yield _pseudo("ret", "jalr zero, 0(ra)", pc="ra & ~1", latency="branch")


def _entries() -> Iterator[_Entry]:
    for family in (_integer, _multiplication, _address_generation, _basic_bits, _single_bits, _memory, _control,
                   _pseudo_instructions):
        yield from family()


_ALL = tuple(_entries())

TABLE: dict[str, Row] = row_notation.table(entry.row for entry in _ALL)
ENCODINGS: dict[str, Encoding] = {entry.row.form: entry.encoding for entry in _ALL}
"""How each row of `TABLE` is encoded, by the same key."""
