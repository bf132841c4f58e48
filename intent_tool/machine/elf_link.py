"""Several functions as one `.text` and one `.rodata`, and relocations applied where addresses are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from intent_tool.machine.assembly import MachineCode, Relocation
from intent_tool.machine.elf_format import aligned

_FILL = {62: b"\xcc", 183: b"\x1f\x20\x03\xd5", 243: b"\x01\x00"}
"""Between functions: int3, nop, c.nop."""


@dataclass(frozen=True, slots=True)
class Function:
    symbol: str
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Linked:
    """Sections that hold all functions; relocations' offsets and addends are the sections'."""

    text: bytes
    rodata: bytes
    rodata_alignment: int
    relocations: tuple[Relocation, ...]
    functions: tuple[Function, ...]


def join(functions: Sequence[tuple[str, MachineCode]], machine: int, alignment: int) -> Linked:
    """The functions one behind the other, each at `alignment`."""
    text, rodata = bytearray(), bytearray()
    relocations: list[Relocation] = []
    placed: list[Function] = []
    fill = _FILL[machine]
    for symbol, code in functions:
        gap = aligned(len(text), alignment) - len(text)
        text += (fill * gap)[:gap]
        rodata += bytes(aligned(len(rodata), code.rodata_alignment) - len(rodata))
        relocations += (_moved(r, len(text), len(rodata)) for r in code.relocations)
        ends = [*(offset for _, offset in code.functions), len(code.code)]
        placed += (Function(name, len(text) + start, end - start) for (name, start), end in zip(
            [(symbol, 0), *code.functions], ends, strict=True))
        text += code.code
        rodata += code.rodata
    alignments = (code.rodata_alignment for _, code in functions if code.rodata)
    return Linked(bytes(text), bytes(rodata), max(alignments, default=1), tuple(relocations), tuple(placed))


def _moved(relocation: Relocation, text: int, rodata: int) -> Relocation:
    moved = replace(relocation, offset=relocation.offset + text)
    if relocation.symbol == ".rodata":
        return replace(moved, addend=relocation.addend + rodata)
    return replace(moved, symbol=f".text+{text_offset(relocation) + text}")


def loop_notes(functions: Sequence[tuple[str, MachineCode]]) -> bytes:
    """The content of `.intent.loops`: a line for each note, at the offset from its function's symbol."""
    lines = ""
    for symbol, code in functions:
        places = [(symbol, 0), *code.functions]
        for offset, text in code.notes:
            name, start = [place for place in places if place[1] <= offset][-1]
            lines += f"{name}+{offset - start:#x}: {text}\n"
    return lines.encode("ascii")


def text_offset(relocation: Relocation) -> int:
    """The offset in `.text` of the label that a RISC-V PCREL_LO12 relocation names."""
    return int(relocation.symbol.removeprefix(".text+"))


def relocated(linked: Linked, text_address: int, rodata_address: int) -> bytes:
    """`.text` as it runs at `text_address`. Raises OverflowError when `.rodata` is too far away.

    Formulas: x86-64 psABI table 4.9; AAELF64 "Static AArch64 relocations"; RISC-V psABI "Relocations"."""
    text = bytearray(linked.text)
    upper = {r.offset: r for r in linked.relocations if r.type == "R_RISCV_PCREL_HI20"}
    for relocation in linked.relocations:
        offset = relocation.offset
        word = int.from_bytes(text[offset:offset + 4], "little")
        place, target = text_address + offset, rodata_address + relocation.addend
        if relocation.type == "R_X86_64_PC32":
            word = _fits(target - place, 32) & 0xFFFFFFFF
        elif relocation.type == "R_AARCH64_ADR_PREL_PG_HI21":
            pages = _fits((target >> 12) - (place >> 12), 21)
            word |= (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5
        elif relocation.type == "R_AARCH64_ADD_ABS_LO12_NC":
            word |= (target & 0xFFF) << 10
        elif relocation.type == "R_RISCV_PCREL_HI20":
            word |= _fits(target - place + 0x800, 32) >> 12 << 12 & 0xFFFFF000
        else:
            assert relocation.type == "R_RISCV_PCREL_LO12_I", relocation.type
            start = text_offset(relocation)
            distance = rodata_address + upper[start].addend - (text_address + start)
            word |= (distance & 0xFFF) << 20
        text[offset:offset + 4] = word.to_bytes(4, "little")
    return bytes(text)


def _fits(value: int, bits: int) -> int:
    if not -(1 << bits - 1) <= value < 1 << bits - 1:
        raise OverflowError(f"a distance of {value} does not fit {bits} bits")
    return value
