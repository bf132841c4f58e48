"""Shared objects of functions that need no relocation when they are loaded."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from intent_tool.machine import elf_format as gabi
from intent_tool.machine.assembly import MachineCode
from intent_tool.machine.elf_link import join, relocated
from intent_tool.machine.elf_read_back import read_back
from intent_tool.machine.elf_symbols import function_symbols, mapping_symbol
from intent_tool.machine.target import Target

_DT_NULL, _DT_HASH, _DT_STRTAB, _DT_SYMTAB, _DT_STRSZ, _DT_SYMENT, _DT_SONAME = 0, 4, 5, 6, 10, 11, 14

_HASH, _DYNSYM, _DYNSTR, _TEXT, _DYNAMIC = 1, 2, 3, 4, 5
"""Numbers of the sections; `.rodata` follows them where there is one."""


def write_shared(target: Target, functions: Sequence[tuple[str, MachineCode]], soname: str | None = None) -> bytes:
    """A shared object that exports the functions. It needs no relocation at load time and no other library."""
    linked = join(functions, target.elf.machine, target.elf.text_alignment)
    page = target.elf.page_size
    strings = gabi.Strings()
    entries = [(_DT_SONAME, strings.place(soname))] if soname is not None else []
    for function in linked.functions:
        strings.place(function.symbol)
    hash_table = _hash_table([f.symbol for f in linked.functions])

    # One segment to read, one to execute, one that the loader writes; without gaps in the file, and in memory on
    # pages of their own, at the same place within the page.
    hash_offset = gabi.HEADER_SIZE + 5 * gabi.PROGRAM_HEADER_SIZE
    dynsym_offset = gabi.aligned(hash_offset + len(hash_table), 8)
    dynstr_offset = dynsym_offset + gabi.SYMBOL_SIZE * (1 + len(functions))
    rodata_offset = gabi.aligned(dynstr_offset + len(strings.data), linked.rodata_alignment)
    rodata_end = rodata_offset + len(linked.rodata)
    text_offset = gabi.aligned(rodata_end, target.elf.text_alignment)
    text_address = gabi.aligned(text_offset, page) + text_offset % page
    text = relocated(linked, text_address, rodata_offset)
    dynamic_offset = gabi.aligned(text_offset + len(text), 8)
    dynamic_address = gabi.aligned(text_address + len(text), page) + dynamic_offset % page
    entries += [(_DT_HASH, hash_offset), (_DT_STRTAB, dynstr_offset), (_DT_SYMTAB, dynsym_offset),
                (_DT_STRSZ, len(strings.data)), (_DT_SYMENT, gabi.SYMBOL_SIZE), (_DT_NULL, 0)]
    dynamic = b"".join(struct.pack("<QQ", *entry) for entry in entries)

    exported = function_symbols(linked, _TEXT, text_address)
    sections = [
        gabi.Section(".hash", gabi.SHT_HASH, gabi.SHF_ALLOC, hash_table, 8, _DYNSYM, 0, 4, hash_offset, hash_offset),
        gabi.Section(".dynsym", gabi.SHT_DYNSYM, gabi.SHF_ALLOC, gabi.symbol_table(exported, strings), 8, _DYNSTR, 1,
                     gabi.SYMBOL_SIZE, dynsym_offset, dynsym_offset),
        gabi.Section(".dynstr", gabi.SHT_STRTAB, gabi.SHF_ALLOC, bytes(strings.data), 1, address=dynstr_offset,
                     offset=dynstr_offset),
        gabi.text(text, target.elf.text_alignment, text_address, text_offset),
        gabi.Section(".dynamic", gabi.SHT_DYNAMIC, gabi.SHF_ALLOC | gabi.SHF_WRITE, dynamic, 8, _DYNSTR, 0, 16,
                     dynamic_address, dynamic_offset)]
    if linked.rodata:
        sections.append(gabi.rodata(linked.rodata, linked.rodata_alignment, rodata_offset, rodata_offset))
    symbols = mapping_symbol(target, "$x", _TEXT, text_address) + exported
    writable = gabi.PF_R | gabi.PF_W
    data = gabi.write_file(
        gabi.ET_DYN, target.elf.machine, target.elf.flags,
        [*sections, *gabi.symbol_sections(symbols, len(sections) + 2)],
        segments=[gabi.Segment(gabi.PT_LOAD, gabi.PF_R, 0, 0, rodata_end, page),
                  gabi.Segment(gabi.PT_LOAD, gabi.PF_R | gabi.PF_X, text_offset, text_address, len(text), page),
                  gabi.Segment(gabi.PT_LOAD, writable, dynamic_offset, dynamic_address, len(dynamic), page),
                  gabi.Segment(gabi.PT_DYNAMIC, writable, dynamic_offset, dynamic_address, len(dynamic), 8),
                  gabi.Segment(gabi.PT_GNU_STACK, writable, 0, 0, 0, 16)])
    read_back(target, data, functions)
    return data


def _hash_table(names: Sequence[str]) -> bytes:
    """The gABI's symbol hash table ("Hash Table" in chapter "Dynamic Linking"); symbol numbers start at 1."""
    buckets = [0] * max(1, len(names))
    chains = [0] * (1 + len(names))
    for number, name in enumerate(names, 1):
        value = 0
        for byte in name.encode("ascii"):
            value = (value << 4) + byte
            high = value & 0xF0000000
            value = (value ^ high >> 24) & ~high & 0xFFFFFFFF
        bucket = value % len(buckets)
        chains[number], buckets[bucket] = buckets[bucket], number
    return struct.pack(f"<{2 + len(buckets) + len(chains)}I", len(buckets), len(chains), *buckets, *chains)
