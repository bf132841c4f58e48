"""Assembly as the proposers write it, and machine code as the assembler gives it back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Constant data in `.rodata`. `label` is referred to from the code; the label starts with ``.L``."""

    label: str
    alignment: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """What the author says of the loop whose head is `label`: how far the contract is there, and which of its folds'
    states are held where. Nobody has to believe it: it is a help for a proof by induction, and does not become code.
    The docstring of `judge/loop_notes.py` is its grammar."""

    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function inside of a program: from its label to that of the next one, or to the end."""

    symbol: str
    label: str


@dataclass(frozen=True, slots=True)
class Assembly:
    """Lines: a label (``.L1:``), or one instruction. Intel syntax on x86-64, the manufacturers' elsewhere.

    Address of a table: ``lea rax, [rip + .Ltable0]``; ``adrp x0, .Ltable0`` then ``add x0, x0, :lo12:.Ltable0``;
    ``auipc a0, %pcrel_hi(.Ltable0)`` under a label of its own, then ``addi a0, a0, %pcrel_lo(.Lthat_label)``."""

    lines: tuple[str, ...]
    tables: tuple[Table, ...] = ()
    notes: tuple[Note, ...] = ()
    functions: tuple[Function, ...] = ()
    """Of a program, in the order of their labels; a function has none."""

    def text(self) -> str:
        """For people."""
        body = []
        symbols = {f.label: f.symbol for f in self.functions}
        for line in self.lines:
            if not line.endswith(":"):
                body.append("    " + line)
                continue
            body += [f"{symbols[line[:-1]]}:"] if line[:-1] in symbols else []
            body.append(line)
            body += [f"    # loop: {note.text}" for note in self.notes if note.label == line[:-1]]
        for table in self.tables:
            body.append(f"{table.label}:  # .rodata, {len(table.data)} bytes, aligned to {table.alignment}")
            body += ["    .byte " + ", ".join(f"0x{b:02x}" for b in table.data[i:i + 16])
                     for i in range(0, len(table.data), 16)]
        return "\n".join(body) + "\n"


@dataclass(frozen=True, slots=True)
class Relocation:
    """A place in `.text` that the linker fills in. `type` is the psABI's name (``R_X86_64_PC32``).

    `symbol` is ``.rodata`` (then `addend` includes the table's offset), or, for RISC-V's ``PCREL_LO12_I``,
    a local label in `.text`, given by its offset as ``.text+OFFSET``."""

    offset: int
    type: str
    symbol: str
    addend: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line of the listing: its place in `.text`, its bytes, its text."""

    offset: int
    code: bytes
    text: str


@dataclass(frozen=True, slots=True)
class MachineCode:
    code: bytes
    instructions: tuple[Instruction, ...]
    rodata: bytes
    rodata_alignment: int
    relocations: tuple[Relocation, ...]
    notes: tuple[tuple[int, str], ...] = ()
    """The offset of a loop's head in `.text`, and what its `Note` says."""
    functions: tuple[tuple[str, int], ...] = ()
    """Symbols and offsets in `.text` of the functions inside of a program, in order; each goes to the next."""
