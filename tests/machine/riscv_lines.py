"""Random RISC-V lines, drawn from the table's own operand kinds with weight on what compresses and on edges."""

from __future__ import annotations

import random
from collections.abc import Iterator

from intent_tool.machine.instruction import Operand
from intent_tool.machine.riscv64 import ENCODINGS, REGISTERS, TABLE
from intent_tool.machine.riscv64_compressed import COMPRESSED

COMPRESSIBLE = frozenset(form.base_mnemonic for form in COMPRESSED)


def random_lines(count: int, seed: int) -> Iterator[str]:
    """Lines without labels: every row at least once, then at random, half of them of compressible mnemonics."""
    source = random.Random(seed)
    rows = [row for row in TABLE.values() if not any(o.kind in ("label", "table") for o in row.operands)]
    expansions = {row.form: (ENCODINGS[row.form].expansion or row.text).split()[0] for row in rows}
    compressible = [row for row in rows if expansions[row.form] in COMPRESSIBLE]
    for number in range(count):
        row = rows[number] if number < len(rows) else source.choice(compressible if number % 2 else rows)
        values: dict[str, str] = {}
        for operand in row.operands:
            values[operand.name] = _operand(operand, source, values)
        yield row.text.format_map(values)


def _operand(operand: Operand, source: random.Random, before: dict[str, str]) -> str:
    if operand.kind == "x":
        chance = source.random()
        if chance < 0.35 and "d" in before:
            return before["d"]
        if chance < 0.5:
            return source.choice(("zero", "sp", "ra"))
        return source.choice(REGISTERS[8:16]) if chance < 0.8 else source.choice(REGISTERS)
    signed, bits = operand.kind[0] == "i", int(operand.kind[1:])
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    edges = [low, high, 0, 1, 31, 32, -32, -33, 4, 8, 16, 124, 128, 248, 252, 256, 504, 512, 496, -512, 0xFFFE0, 0xFFFDF]
    value = source.choice(edges) if source.random() < 0.4 else source.randint(low, high)
    if source.random() < 0.3:
        value = value & -8 if source.random() < 0.5 else value & 0x1F8
    value = min(max(value, low), high)
    return hex(value) if source.random() < 0.3 else str(value)
