"""Static executables that need nothing but the kernel."""

from __future__ import annotations

from intent_tool.machine import elf_format as gabi
from intent_tool.machine.assembly import MachineCode
from intent_tool.machine.elf_link import join, loop_notes, relocated
from intent_tool.machine.elf_read_back import read_back
from intent_tool.machine.elf_symbols import function_symbols, mapping_symbol
from intent_tool.machine.target import Target

BASE = 0x400000
"""Where executables are loaded; the linkers' usual place on x86-64 and ARM64, and free on RISC-V."""


def write_executable(target: Target, code: MachineCode, entry: str = "_start") -> bytes:
    """A static executable that starts at the first instruction: no libc, no writable memory but the stack."""
    linked = join([(entry, code)], target.elf.machine, target.elf.text_alignment)
    page = target.elf.page_size
    rodata_offset = gabi.aligned(gabi.HEADER_SIZE + 3 * gabi.PROGRAM_HEADER_SIZE, linked.rodata_alignment)
    rodata_end = rodata_offset + len(linked.rodata)
    text_offset = gabi.aligned(rodata_end, target.elf.text_alignment)
    # The file has no gaps; in memory each segment has pages of its own, at the same place within the page.
    text_address = gabi.aligned(BASE + text_offset, page) + text_offset % page
    text = relocated(linked, text_address, BASE + rodata_offset)
    sections = [gabi.text(text, target.elf.text_alignment, text_address, text_offset)]
    if linked.rodata:
        sections.append(gabi.rodata(linked.rodata, linked.rodata_alignment, BASE + rodata_offset, rodata_offset))
    notes = loop_notes([(entry, code)])
    if notes:
        sections.append(gabi.Section(".intent.loops", gabi.SHT_PROGBITS, 0, notes, 1))
    symbols = mapping_symbol(target, "$x", 1, text_address) + function_symbols(linked, 1, text_address)
    data = gabi.write_file(
        gabi.ET_EXEC, target.elf.machine, target.elf.flags,
        [*sections, *gabi.symbol_sections(symbols, len(sections) + 2)], entry=text_address,
        segments=[gabi.Segment(gabi.PT_LOAD, gabi.PF_R, 0, BASE, rodata_end, page),
                  gabi.Segment(gabi.PT_LOAD, gabi.PF_R | gabi.PF_X, text_offset, text_address, len(text), page),
                  gabi.Segment(gabi.PT_GNU_STACK, gabi.PF_R | gabi.PF_W, 0, 0, 0, 16)])
    read_back(target, data, [(entry, code)])
    return data
