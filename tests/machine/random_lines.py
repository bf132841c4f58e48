"""Random lines of assembly, drawn from an instruction table's own rows and operand kinds."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from intent_tool.machine import arm64, riscv64, x86_64
from intent_tool.machine.instruction import Operand, Row
from intent_tool.machine.riscv64_compressed import COMPRESSED

TABLES = {"x86_64": x86_64.TABLE, "arm64": arm64.TABLE, "riscv64": riscv64.TABLE}
COMPRESSIBLE = frozenset(form.base_mnemonic for form in COMPRESSED)
_RANGE = re.compile(r"([iu])(\d+)u?(?:\*(\d+))?")


def plain_rows(isa: str) -> list[Row]:
    """The rows without a label or a table."""
    return [row for row in TABLES[isa].values() if all(o.kind not in ("label", "table") for o in row.operands)]


def random_lines(isa: str, count: int, seed: int) -> Iterator[str]:
    """Every row at least once, then at random; half of RISC-V's lines are of mnemonics that may compress."""
    source = random.Random(seed)
    rows = plain_rows(isa)
    compressible = [row for row in rows if _base(row) in COMPRESSIBLE] if isa == "riscv64" else rows
    for number in range(count):
        row = rows[number] if number < len(rows) else source.choice(compressible if number % 2 else rows)
        values: dict[str, str] = {}
        for operand in row.operands:
            values[operand.name] = _operand(isa, operand, source, values)
        yield row.text.format_map(values)


def _base(row: Row) -> str:
    return (riscv64.ENCODINGS[row.form].expansion or row.text).split()[0]


def _operand(isa: str, operand: Operand, source: random.Random, before: dict[str, str]) -> str:
    kind = operand.kind
    if isa == "riscv64" and kind == "x":
        return _riscv_register(source, before)
    if kind in ("r8", "r16", "r32", "r64"):
        # The stack pointer cannot be an index.
        names = [name for name in x86_64.REGISTERS if operand.name != "x" or name != "rsp"]
        return x86_64.register_name(source.choice(names), kind)
    if kind in ("xmm", "ymm"):
        # LLVM exchanges sources where that makes the encoding shorter: not where the first one is an upper register.
        lower = operand.name == "b" and int(before["a"].removeprefix("xmm").removeprefix("ymm")) < 8
        return x86_64.register_name(source.randrange(8 if lower else 16), kind)
    if kind.startswith("shift"):
        return str(source.randint(1, int(kind[5:])))
    if operand.is_vector:
        taken = [int(found[1]) for text in before.values() if (found := re.match(r"[bhsdqv](\d+)", text))]
        return arm64.register_name(source.choice([n for n in range(32) if n not in taken]), kind)
    if kind in ("x", "w", "xsp", "wsp"):
        taken = [int(text[1:]) for text in before.values() if re.fullmatch(r"[xw]\d+", text)]
        # Pairs may not load one register twice, nor write back over what they transfer.
        return arm64.register_name(source.choice([n for n in range(31) if n not in taken]), kind)
    if kind == "cond":
        return source.choice(list(arm64.CONDITIONS))
    if kind == "bitmask":
        narrow = next(iter(before.values())).startswith("w")
        return hex(source.choice((1, 0xFF0, 0x7FFFFFFE, 0xC0000001 if narrow else 0xFF00FF00FF00FF)))
    if kind == "lsl":
        return source.choice(("0", "16"))
    if kind == "width":
        return "1"
    return _immediate(kind, source)


def _riscv_register(source: random.Random, before: dict[str, str]) -> str:
    chance = source.random()
    if chance < 0.4 and "d" in before:
        return before["d"]
    if chance < 0.5:
        return source.choice(("zero", "sp", "ra"))
    # s0, s1 and a0 to a5 are those of the short forms.
    return source.choice(riscv64.REGISTERS if chance > 0.85 else ("s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5"))


_EDGES = (0, 1, 31, 32, -32, -33, 4, 8, 16, 124, 128, 248, 252, 256, 504, 512, 496, -512, 0xFFFE0, 0xFFFDF)


def _immediate(kind: str, source: random.Random) -> str:
    found = _RANGE.fullmatch(kind)
    assert found, kind
    bits, scale = int(found[2]), int(found[3] or 1)
    signed = found[1] == "i" and not kind.endswith("u")
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    value = source.choice((*_EDGES, low, high)) if source.random() < 0.4 else source.randint(low, high)
    if source.random() < 0.3:
        value &= source.choice((-8, 0x1F8))
    value = min(max(value, low), high) * scale
    return hex(value) if source.random() < 0.3 else str(value)


_FRAGMENTS = (
    ",", "[", "]", "!", "#", "+", "-", "*", "$", ":", "(", ")", "{", "}", "@", "/", "=", "<", ">", "&", "|",
    "~", "^", "%", "'", "\"", "\\", "\t", "\0", "0x", "010", "10h", "1f", "1b", "0b1", "-1", "1", "5", "64",
    "0xffffffffffffffff", "18446744073709551615", "99999999999999999999", "rip", ".Lt", ".L0", ":lo12:",
    "%pcrel_hi(", "%pcrel_lo(", "lsl", "uxtw", "ptr", "byte", "qword", "dword", "rsp", "sp", "xzr", "wzr",
    "eax", "x0", "w0", "a0", "zero", "st(0)", "xmm0", "cr0", "es:", "v0.8b", "v0.b[0]", "rep", "lock", "je",
    "b.eq", "cbz", "j", "call", "nop", ".byte", ".incbin", "eq",
)


def broken_lines(isa: str, count: int, seed: int) -> Iterator[str]:
    """Lines as `random_lines` has them, with fragments put in, cut out, swapped or joined."""
    source = random.Random(seed)
    lines = list(random_lines(isa, 1000, seed))
    for _ in range(count):
        line = source.choice(lines)
        for _ in range(source.randint(1, 2)):
            place = source.randrange(len(line) + 1)
            kind = source.randrange(4)
            if kind == 0:
                line = line[:place] + source.choice(_FRAGMENTS) + line[place:]
            elif kind == 1:
                line = line[:place] + line[place + source.randint(1, 3):]
            elif kind == 2:
                words = line.split(" ")
                source.shuffle(words)
                line = " ".join(words)
            else:
                other = source.choice(lines)
                line = line[:place] + other[source.randrange(len(other)):]
        yield line
