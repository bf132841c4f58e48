"""ELF64, little-endian, as bytes: sections, symbols, relocations, headers.

Source: System V gABI (draft of 10 June 2013), chapters "Object Files" and "Program Loading"; processor supplements
for x86-64 (1.0), ARM64 (AAELF64 2023Q3) and RISC-V (ELF psABI 1.0).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ET_REL, ET_EXEC, ET_DYN = 1, 2, 3
SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_HASH, SHT_DYNAMIC, SHT_DYNSYM = 1, 2, 3, 4, 5, 6, 11
SHT_RISCV_ATTRIBUTES = 0x70000003
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_INFO_LINK = 1, 2, 4, 0x40
STB_LOCAL, STB_GLOBAL = 0, 1
STT_NOTYPE, STT_FUNC, STT_SECTION = 0, 2, 3
PT_LOAD, PT_DYNAMIC, PT_GNU_STACK = 1, 2, 0x6474E551
PF_X, PF_W, PF_R = 1, 2, 4

RELOCATION_NUMBERS = {
    "R_X86_64_PC32": 2,
    "R_AARCH64_ADR_PREL_PG_HI21": 275, "R_AARCH64_ADD_ABS_LO12_NC": 277,
    "R_RISCV_PCREL_HI20": 23, "R_RISCV_PCREL_LO12_I": 24,
}

HEADER_SIZE, SECTION_HEADER_SIZE, PROGRAM_HEADER_SIZE, SYMBOL_SIZE, RELA_SIZE = 64, 64, 56, 24, 24


@dataclass(frozen=True, slots=True)
class Section:
    """`link` and `info` are section indices or counts, as `type` demands; `address` is 0 in objects.

    `offset` is the place in the file; without one, behind all that have one."""

    name: str
    type: int
    flags: int
    data: bytes
    alignment: int
    link: int = 0
    info: int = 0
    entry_size: int = 0
    address: int = 0
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Symbol:
    """`section` is a section index; `value` an offset in it for objects, else an address."""

    name: str
    binding: int
    type: int
    section: int
    value: int
    size: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    type: int
    flags: int
    offset: int
    address: int
    size: int
    alignment: int


class Strings:
    """A string table under construction; equal strings share their place."""

    def __init__(self) -> None:
        self.data = bytearray(b"\0")
        self._places = {"": 0}

    def place(self, text: str) -> int:
        if text not in self._places:
            self._places[text] = len(self.data)
            self.data += text.encode("ascii") + b"\0"
        return self._places[text]


def aligned(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment


def symbol_table(symbols: Sequence[Symbol], strings: Strings) -> bytes:
    """The symbols, local ones first as the gABI demands, behind the null symbol."""
    assert [s.binding for s in symbols] == sorted(s.binding for s in symbols)
    return bytes(SYMBOL_SIZE) + b"".join(
        struct.pack("<IBBHQQ", strings.place(s.name), s.binding << 4 | s.type, 0, s.section, s.value, s.size)
        for s in symbols)


def first_global(symbols: Iterable[Symbol]) -> int:
    """What a symbol table's `info` holds: the index of the first symbol that is not local."""
    return 1 + sum(s.binding == STB_LOCAL for s in symbols)


def rela(offset: int, type: int, symbol: int, addend: int) -> bytes:
    return struct.pack("<QQq", offset, symbol << 32 | type, addend)


def header(kind: int, machine: int, flags: int, *, entry: int = 0, segments: int = 0, sections: int,
           section_offset: int) -> bytes:
    """The ELF header; section names are in the last section."""
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", kind, machine, 1, entry, HEADER_SIZE if segments else 0, section_offset, flags, HEADER_SIZE,
        PROGRAM_HEADER_SIZE if segments else 0, segments, SECTION_HEADER_SIZE, sections, sections - 1)


def text(data: bytes, alignment: int, address: int = 0, offset: int | None = None) -> Section:
    return Section(".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, data, alignment, address=address, offset=offset)


def rodata(data: bytes, alignment: int, address: int = 0, offset: int | None = None) -> Section:
    return Section(".rodata", SHT_PROGBITS, SHF_ALLOC, data, alignment, address=address, offset=offset)


def symbol_sections(symbols: Sequence[Symbol], strings_index: int) -> list[Section]:
    """`.symtab` and `.strtab`; the latter becomes section number `strings_index`."""
    strings = Strings()
    table = symbol_table(symbols, strings)
    return [Section(".symtab", SHT_SYMTAB, 0, table, 8, strings_index, first_global(symbols), SYMBOL_SIZE),
            Section(".strtab", SHT_STRTAB, 0, bytes(strings.data), 1)]


def write_file(kind: int, machine: int, flags: int, sections: Sequence[Section], *, entry: int = 0,
               segments: Sequence[Segment] = ()) -> bytes:
    """A whole file: headers, sections (and `.shstrtab`), section headers."""
    names = Strings()
    for name in (*(section.name for section in sections), ".shstrtab"):
        names.place(name)
    complete = (*sections, Section(".shstrtab", SHT_STRTAB, 0, bytes(names.data), 1))
    head_size = HEADER_SIZE + len(segments) * PROGRAM_HEADER_SIZE
    end = max([head_size, *(s.offset + len(s.data) for s in complete if s.offset is not None)])
    placed: list[tuple[Section, int]] = []
    for section in complete:
        offset = aligned(end, section.alignment) if section.offset is None else section.offset
        placed.append((section, offset))
        end = max(end, offset + len(section.data))
    table = aligned(end, 8)
    content = bytearray(table)
    content[:head_size] = header(kind, machine, flags, entry=entry, segments=len(segments),
                                 sections=len(complete) + 1, section_offset=table) + program_headers(segments)
    for section, offset in placed:
        assert offset >= head_size
        content[offset:offset + len(section.data)] = section.data
    return bytes(content) + bytes(SECTION_HEADER_SIZE) + b"".join(
        struct.pack("<IIQQQQIIQQ", names.place(s.name), s.type, s.flags, s.address, offset, len(s.data), s.link,
                    s.info, s.alignment, s.entry_size)
        for s, offset in placed)


def program_headers(segments: Iterable[Segment]) -> bytes:
    return b"".join(
        struct.pack("<IIQQQQQQ", s.type, s.flags, s.offset, s.address, s.address, s.size, s.size, s.alignment)
        for s in segments)
