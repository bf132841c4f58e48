"""Every ELF file that was written is read again by LIEF, which shares no code with the writer, and compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from intent_tool.machine.assembly import MachineCode
from intent_tool.machine.elf_link import Linked, join, relocated, text_offset
from intent_tool.machine.target import Target


class ElfMismatch(RuntimeError):
    """What LIEF reads is not what was to be written: a fault of this tool, never of an intent."""


def read_back(target: Target, data: bytes, functions: Sequence[tuple[str, MachineCode]]) -> None:
    """Compare the file with the functions it was made of: code, symbols, sizes, tables, relocations, permissions.

    Raises `ElfMismatch`."""
    import lief

    lief.logging.disable()
    binary = lief.ELF.parse(list(data))
    if not isinstance(binary, lief.ELF.Binary):
        raise ElfMismatch("LIEF cannot read the file")
    header = binary.header
    _equal("machine", int(header.machine_type.value), target.elf.machine)
    _equal("flags", header.processor_flag, target.elf.flags)
    linked = join(functions, target.elf.machine, target.elf.text_alignment)
    text = binary.get_section(".text")
    if text is None:
        raise ElfMismatch("LIEF finds no .text")
    rodata = binary.get_section(".rodata") if linked.rodata else None
    _equal(".rodata", bytes(rodata.content) if rodata is not None else b"", linked.rodata)
    is_object = header.file_type == lief.ELF.Header.FILE_TYPE.REL
    if is_object:
        _equal(".text", bytes(text.content), linked.text)
        _compare_relocations(binary, linked)
    else:
        address = rodata.virtual_address if rodata is not None else 0
        _equal(".text", bytes(text.content), relocated(linked, text.virtual_address, address))
        _compare_segments(binary, text.virtual_address, bytes(text.content))
    tables = [binary.symtab_symbols]
    if header.file_type == lief.ELF.Header.FILE_TYPE.DYN:
        tables.append(binary.dynamic_symbols)
    for table in tables:
        found = sorted((s.name, s.value, s.size, s.shndx, s.type == lief.ELF.Symbol.TYPE.FUNC)
                       for s in table if s.binding == lief.ELF.Symbol.BINDING.GLOBAL)
        section, start = binary.get_section_idx(".text"), text.virtual_address
        expected = sorted((f.symbol, start + f.offset, f.size, section, True) for f in linked.functions)
        _equal("symbols", found, expected)


def _equal(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise ElfMismatch(f"{what} of the written file: LIEF reads {found!r}, expected {expected!r}")


def _compare_relocations(binary: Any, linked: Linked) -> None:
    found = []
    for relocation in binary.object_relocations:
        symbol = relocation.symbol
        section = symbol.section.name if symbol.section is not None else ""
        found.append((relocation.address, relocation.type.name, section, symbol.type.name, symbol.value,
                      relocation.addend))
    expected = []
    for r in linked.relocations:
        in_rodata = r.symbol == ".rodata"
        name = r.type.removeprefix("R_")
        place = (".rodata", "SECTION", 0) if in_rodata else (".text", "NOTYPE", text_offset(r))
        expected.append((r.offset, name, *place, r.addend))
    _equal("relocations", sorted(found), sorted(expected))


def _compare_segments(binary: Any, text_address: int, text: bytes) -> None:
    import lief

    flags, kinds = lief.ELF.Segment.FLAGS, lief.ELF.Segment.TYPE
    for segment in binary.segments:
        if segment.has(flags.X) and segment.has(flags.W):
            raise ElfMismatch("a segment is writable and executable")
        if segment.type == kinds.LOAD and segment.file_offset % segment.alignment != (
                segment.virtual_address % segment.alignment):
            raise ElfMismatch("a segment's offset and address differ within the page")
    stacks = [s for s in binary.segments if s.type == kinds.GNU_STACK]
    _equal("executable stack", [s.has(flags.X) for s in stacks], [False])
    code = binary.segment_from_virtual_address(text_address)
    if code is None or not code.has(flags.X):
        raise ElfMismatch("the code is not in an executable segment")
    start = text_address - code.virtual_address
    _equal("the code segment", bytes(code.content)[start:start + len(text)], text)
