"""Relocatable objects."""

from __future__ import annotations

from collections.abc import Sequence

from intent_tool.machine import elf_format as gabi
from intent_tool.machine.assembly import MachineCode
from intent_tool.machine.elf_link import Linked, join, loop_notes, text_offset
from intent_tool.machine.elf_read_back import read_back
from intent_tool.machine.elf_symbols import function_symbols, mapping_symbol
from intent_tool.machine.riscv_attributes import attributes
from intent_tool.machine.target import Target


def write_object(target: Target, symbol: str, code: MachineCode) -> bytes:
    """A relocatable object with one global function."""
    return write_objects(target, [(symbol, code)])


def write_objects(target: Target, functions: Sequence[tuple[str, MachineCode]]) -> bytes:
    """A relocatable object with several global functions in one `.text`."""
    linked = join(functions, target.elf.machine, target.elf.text_alignment)
    sections = [gabi.text(linked.text, target.elf.text_alignment)]
    text, rodata = 1, 0
    if linked.rodata:
        sections.append(gabi.rodata(linked.rodata, linked.rodata_alignment))
        rodata = len(sections)
    if target.isa == "riscv64":
        sections.append(gabi.Section(".riscv.attributes", gabi.SHT_RISCV_ATTRIBUTES, 0, attributes(target), 1))
    # Without it linkers assume that the code needs an executable stack.
    sections.append(gabi.Section(".note.GNU-stack", gabi.SHT_PROGBITS, 0, b"", 1))
    notes = loop_notes(functions)
    if notes:
        # Not loaded: what the proof of the loops goes by, so that it can be done again wherever the file gets to.
        sections.append(gabi.Section(".intent.loops", gabi.SHT_PROGBITS, 0, notes, 1))
    marks = mapping_symbol(target, "$x", text) + (mapping_symbol(target, "$d", rodata) if rodata else [])
    anchors = _anchors(linked, text, rodata)
    if linked.relocations:
        numbers = {name: number for number, name in enumerate(anchors, 1 + len(marks))}
        entries = b"".join(gabi.rela(r.offset, gabi.RELOCATION_NUMBERS[r.type], numbers[r.symbol], r.addend)
                           for r in linked.relocations)
        sections.append(gabi.Section(".rela.text", gabi.SHT_RELA, gabi.SHF_INFO_LINK, entries, 8,
                                     len(sections) + 2, text, gabi.RELA_SIZE))
    symbols = [*marks, *anchors.values(), *function_symbols(linked, text)]
    sections += gabi.symbol_sections(symbols, len(sections) + 2)
    data = gabi.write_file(gabi.ET_REL, target.elf.machine, target.elf.flags, sections)
    read_back(target, data, functions)
    return data


def _anchors(linked: Linked, text: int, rodata: int) -> dict[str, gabi.Symbol]:
    """The local symbols that relocations refer to, by what the relocations call them."""
    anchors = {}
    for relocation in linked.relocations:
        if relocation.symbol == ".rodata":
            anchors[".rodata"] = gabi.Symbol("", gabi.STB_LOCAL, gabi.STT_SECTION, rodata, 0)
        else:
            place = text_offset(relocation)
            name = f".Lpcrel_hi_{place:x}"
            anchors[relocation.symbol] = gabi.Symbol(name, gabi.STB_LOCAL, gabi.STT_NOTYPE, text, place)
    return anchors
