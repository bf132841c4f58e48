"""One instruction's line of assembly, taken apart: mnemonic and operands, with the registers known by name."""

from __future__ import annotations

import re
from dataclasses import dataclass

NUMBER = re.compile(r"(?<![\w.:])-?(?:0x[0-9a-f]+|\d+)(?![\w.:])")
"""An immediate, displacement, scale or shift count; no digit of a register's or label's name is one."""

_X86_FAMILIES = (
    *((f"r{n}", f"e{n}", n, f"{n[0]}l") for n in ("ax", "bx", "cx", "dx")),
    *((f"r{n}", f"e{n}", n, f"{n}l") for n in ("si", "di", "bp")),
    *((f"r{n}", f"r{n}d", f"r{n}w", f"r{n}b") for n in range(8, 16)),
)
X86_WIDTHS = (64, 32, 16, 8)
_X86 = {name: (family[0], width) for family in _X86_FAMILIES for name, width in zip(family, X86_WIDTHS, strict=True)}
_X86_NAMES = {place: name for name, place in _X86.items()}
_RISCV = {"zero", "ra", *(f"a{n}" for n in range(8)), *(f"t{n}" for n in range(7)), *(f"s{n}" for n in range(12))}


@dataclass(frozen=True)
class Line:
    mnemonic: str
    operands: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.mnemonic} {', '.join(self.operands)}".strip()

    def with_operand(self, index: int, operand: str) -> Line:
        return Line(self.mnemonic, (*self.operands[:index], operand, *self.operands[index + 1:]))


def parse(text: str) -> Line:
    """Operands are separated by commas outside of brackets."""
    mnemonic, _, rest = text.strip().partition(" ")
    operands = re.split(r",\s*(?![^\[(]*[\])])", rest) if rest.strip() else []
    return Line(mnemonic, tuple(o.strip() for o in operands))


def register_class(operand: str, isa: str) -> str | None:
    """Which registers could stand in its place as far as the width goes; None when it is no register alone."""
    if isa == "x86_64":
        return str(_X86[operand][1]) if operand in _X86 else None
    if isa == "arm64":
        return operand[0] if re.fullmatch(r"[wx](?:\d+|zr)", operand) else None
    return "x" if operand in _RISCV else None


def resized(operand: str, isa: str, old: str, new: str) -> str:
    """The register with its name of class `new` where it has class `old`; any other operand as it is."""
    if register_class(operand, isa) != old:
        return operand
    if isa == "x86_64":
        return _X86_NAMES[_X86[operand][0], int(new)]
    return new + operand[1:] if isa == "arm64" else operand
