"""Static libraries: GNU's `ar` format with its symbol index, and nothing in it that differs from run to run."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from intent_tool.machine.elf_format import HEADER_SIZE, SECTION_HEADER_SIZE, SHT_SYMTAB, STB_GLOBAL, SYMBOL_SIZE

_MAGIC = b"!<arch>\n"


def write_archive(members: Sequence[tuple[str, bytes]]) -> bytes:
    """An archive of ELF objects (file name, content). The index is made of their global symbols.

    Raises ValueError for a name that an archive cannot hold, or an archive of 4 GiB."""
    long_names, headers = b"", []
    for name, _ in members:
        if not name.isascii() or not name.isprintable() or "/" in name or not name:
            raise ValueError(f"an archive cannot hold a member named {name!r}")
        if len(name) < 16:
            headers.append(name + "/")
        else:
            headers.append(f"/{len(long_names)}")
            long_names += name.encode("ascii") + b"/\n"
    # The size of these two lists, unlike a member's, includes their padding.
    long_names += b"\n" * (len(long_names) % 2)
    symbols = [(index, symbol) for index, (_, data) in enumerate(members) for symbol in global_symbols(data)]
    names = b"".join(symbol + b"\0" for _, symbol in symbols)
    names += bytes(len(names) % 2)
    index_size = 4 + 4 * len(symbols) + len(names)
    start = len(_MAGIC) + _even(60 + index_size) + (_even(60 + len(long_names)) if long_names else 0)
    offsets = []
    for _, data in members:
        offsets.append(start)
        start += _even(60 + len(data))
    if start >= 1 << 32:
        raise ValueError("an archive holds less than 4 GiB")
    index = struct.pack(f">{1 + len(symbols)}I", len(symbols), *(offsets[member] for member, _ in symbols)) + names
    parts = [_MAGIC, _member("/", index)]
    if long_names:
        parts.append(_member("//", long_names))
    parts += (_member(name, data) for name, (_, data) in zip(headers, members, strict=True))
    return b"".join(parts)


def _even(size: int) -> int:
    return size + size % 2


def _member(name: str, data: bytes) -> bytes:
    # Date, user and group are 0, as `ar D` has them; the list of long names has none of these.
    fields = " " * 32 if name == "//" else f"{0:<12}{0:<6}{0:<6}{'0' if name == '/' else '644':<8}"
    return f"{name:<16}{fields}{len(data):<10}`\n".encode("ascii") + data + b"\n" * (len(data) % 2)


def global_symbols(data: bytes) -> list[bytes]:
    """The names of the global symbols that an ELF64 little-endian object defines, in the file's order."""
    section_offset, = struct.unpack_from("<Q", data, 40)
    count, = struct.unpack_from("<H", data, 60)
    assert data[:4] == b"\x7fELF" and len(data) >= HEADER_SIZE
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, section_offset + SECTION_HEADER_SIZE * number)
                for number in range(count)]
    found = []
    for _, kind, _, _, offset, size, link, first, _, _ in sections:
        if kind != SHT_SYMTAB:
            continue
        strings = sections[link][4]
        for place in range(offset + SYMBOL_SIZE * first, offset + size, SYMBOL_SIZE):
            name, info, _, section = struct.unpack_from("<IBBH", data, place)
            if info >> 4 == STB_GLOBAL and section:
                found.append(data[strings + name:data.index(b"\0", strings + name)])
    return found
