"""A strict reader of little-endian ELF64 files, for the judge alone.

Written from the System V gABI 4.1, chapters 4 and 5. Whatever lies outside the file, overlaps oddly or is not
understood is refused; nothing is repaired.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from intent_tool.judge.refusal import Refused

ET_REL, ET_EXEC, ET_DYN = 1, 2, 3
SHT_NULL, SHT_PROGBITS, SHT_SYMTAB, SHT_RELA, SHT_NOBITS, SHT_REL = 0, 1, 2, 4, 8, 9
SHT_INIT_ARRAY, SHT_FINI_ARRAY, SHT_PREINIT_ARRAY = 14, 15, 16
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 1, 2, 4, 0x400
SHN_UNDEF, SHN_LORESERVE, SHN_ABS = 0, 0xff00, 0xfff1
STB_LOCAL, STB_GLOBAL, STB_WEAK = 0, 1, 2
STT_NOTYPE, STT_OBJECT, STT_FUNC, STT_SECTION, STT_FILE = 0, 1, 2, 3, 4
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_TLS, PT_GNU_STACK = 1, 2, 3, 7, 0x6474e551
PF_X, PF_W, PF_R = 1, 2, 4

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELA = struct.Struct("<QQq")


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    type: int
    flags: int
    address: int
    size: int
    """Bytes in memory."""
    link: int
    info: int
    alignment: int
    data: bytes
    """Empty for SHT_NOBITS."""

    def has(self, flag: int) -> bool:
        return bool(self.flags & flag)


@dataclass(frozen=True, slots=True)
class Segment:
    type: int
    flags: int
    address: int
    memory_bytes: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Symbol:
    name: str
    value: int
    """An offset into its section in a relocatable file, an address otherwise."""
    size: int
    binding: int
    type: int
    section: int
    """Section index, or one of the SHN_ values."""


@dataclass(frozen=True, slots=True)
class Relocation:
    offset: int
    type: int
    symbol: int
    """Index into `Elf.symbols`."""
    addend: int


@dataclass(frozen=True, slots=True)
class Elf:
    type: int
    machine: int
    flags: int
    entry: int
    sections: tuple[Section, ...]
    segments: tuple[Segment, ...]
    symbols: tuple[Symbol, ...]
    relocations: dict[int, tuple[Relocation, ...]]
    """By the index of the section that they apply to; relocatable files only."""


def read_elf(binary: bytes) -> Elf:
    """The content of `binary`. Raises `Refused` when it is no well-formed little-endian ELF64 file."""
    try:
        return _read(binary)
    except (struct.error, IndexError, OverflowError):
        raise Refused("the file is damaged: an ELF table is cut short or out of bounds") from None


def _read(binary: bytes) -> Elf:
    if binary[:4] != b"\x7fELF":
        raise Refused("the file is no ELF file")
    if binary[4:7] != b"\x02\x01\x01":
        raise Refused("the file is no little-endian 64-bit ELF file")
    (_, type_, machine, _, entry, segment_table, section_table, flags, _, segment_bytes, segment_count,
     section_bytes, section_count, names_index) = _HEADER.unpack_from(binary)
    if type_ not in (ET_REL, ET_EXEC, ET_DYN):
        raise Refused(f"the file is of ELF type {type_}; only objects, executables and shared objects are judged")
    if (section_count and section_bytes != _SECTION.size) or (segment_count and segment_bytes != _SEGMENT.size):
        raise Refused("the file is damaged: ELF table entries have an unknown size")

    raw = [_SECTION.unpack_from(binary, section_table + i * _SECTION.size) for i in range(section_count)]
    contents = [b"" if r[1] in (SHT_NOBITS, SHT_NULL) else _part(binary, r[4], r[5]) for r in raw]
    names = contents[names_index] if raw else b""
    sections = tuple(
        Section(_string(names, r[0]), r[1], r[2], r[3], r[5], r[6], r[7], r[8], data)
        for r, data in zip(raw, contents, strict=True))
    segments = tuple(
        Segment(s[0], s[1], s[3], s[6], _part(binary, s[2], s[5]))
        for s in (_SEGMENT.unpack_from(binary, segment_table + i * _SEGMENT.size) for i in range(segment_count)))

    tables = [i for i, s in enumerate(sections) if s.type == SHT_SYMTAB]
    if len(tables) > 1:
        raise Refused("the file has more than one symbol table")
    symbols: tuple[Symbol, ...] = ()
    if tables:
        table = sections[tables[0]]
        strings = sections[table.link].data
        if len(table.data) % _SYMBOL.size:
            raise Refused("the file is damaged: its symbol table ends inside an entry")
        symbols = tuple(
            Symbol(_string(strings, name), value, size, info >> 4, info & 15, section)
            for name, info, _, section, value, size in _SYMBOL.iter_unpack(table.data))
        for symbol in symbols:
            if len(sections) <= symbol.section < SHN_LORESERVE:
                raise Refused(f"the file is damaged: symbol {symbol.name} is in a section that is not there")

    relocations: dict[int, tuple[Relocation, ...]] = {}
    if type_ == ET_REL:
        for section in sections:
            if section.type == SHT_REL:
                raise Refused(f"section {section.name} has relocations without addends")
            if section.type != SHT_RELA:
                continue
            if section.info in relocations or section.link not in tables or section.info >= len(sections):
                raise Refused(f"the file is damaged: relocation section {section.name} does not fit the others")
            found = tuple(
                Relocation(offset, info & 0xffffffff, info >> 32, addend)
                for offset, info, addend in _RELA.iter_unpack(section.data))
            if any(r.symbol >= len(symbols) for r in found):
                raise Refused(f"the file is damaged: a relocation of {section.name} names no symbol")
            relocations[section.info] = found
    return Elf(type_, machine, flags, entry, sections, segments, symbols, relocations)


def _part(binary: bytes, offset: int, size: int) -> bytes:
    if offset + size > len(binary):
        raise Refused("the file is damaged: a part of it lies past its end")
    return binary[offset:offset + size]


def _string(table: bytes, offset: int) -> str:
    end = table.find(b"\0", offset)
    if offset > len(table) or (end < 0 and offset != len(table)):
        raise Refused("the file is damaged: a name lies past the end of its table")
    return table[offset:max(end, offset)].decode("utf-8", "backslashreplace")
