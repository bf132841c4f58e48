"""One function of a finished file: its bytes, the constants that it may read, and its relocations.

Only relocations that point into the function itself or into read-only data are accepted, and layout.py applies
them; so nothing of what the linker will do is taken on trust.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from intent_tool.judge import elf as E
from intent_tool.judge.refusal import Refused
from intent_tool.machine.target import Target

_RUNS_BY_ITSELF = (E.SHT_INIT_ARRAY, E.SHT_FINI_ARRAY, E.SHT_PREINIT_ARRAY)
_RUNS_BY_NAME = (".init", ".fini", ".ctors", ".dtors")
_TYPES: dict[str, dict[int, str]] = {
    # System V ABI, AMD64 supplement, table 4.9.
    "x86_64": {2: "R_X86_64_PC32", 4: "R_X86_64_PLT32"},
    # ELF for the Arm 64-bit Architecture, 5.7.
    "arm64": {275: "R_AARCH64_ADR_PREL_PG_HI21", 277: "R_AARCH64_ADD_ABS_LO12_NC",
              278: "R_AARCH64_LDST8_ABS_LO12_NC", 284: "R_AARCH64_LDST16_ABS_LO12_NC",
              285: "R_AARCH64_LDST32_ABS_LO12_NC", 286: "R_AARCH64_LDST64_ABS_LO12_NC",
              299: "R_AARCH64_LDST128_ABS_LO12_NC"},
    # RISC-V ELF psABI 1.0, "Relocations".
    "riscv64": {16: "R_RISCV_BRANCH", 17: "R_RISCV_JAL", 23: "R_RISCV_PCREL_HI20", 24: "R_RISCV_PCREL_LO12_I",
                25: "R_RISCV_PCREL_LO12_S", 44: "R_RISCV_RVC_BRANCH", 45: "R_RISCV_RVC_JUMP"},
}
_RELAXATIONS = {43: "R_RISCV_ALIGN", 51: "R_RISCV_RELAX"}

MOST_NOTES = 10_000
"""Lines on loops that a file may hold."""


@dataclass(frozen=True, slots=True)
class Block:
    """Constant data. `distance` is from the start of the code, where the file has fixed it already."""

    name: str
    data: bytes
    alignment: int
    distance: int | None = None


@dataclass(frozen=True, slots=True)
class Fixup:
    """A relocated place: `offset` into the code; what it points at is `addend` bytes into block `block`, or into
    the code itself when that is None."""

    offset: int
    type: str
    block: int | None
    addend: int


@dataclass(frozen=True, slots=True)
class Image:
    code: bytes
    alignment: int
    """Of the code's section, bytes."""
    misalignment: int
    """The function's offset from such a boundary."""
    blocks: tuple[Block, ...]
    fixups: tuple[Fixup, ...]
    linked: bool
    """The distances are final: an executable or a shared object."""
    notes: tuple[tuple[int, str], ...] = ()
    """What the file says of the function's loops, by the offset of their heads; nobody believes it."""


def check_identity(file: E.Elf, target: Target) -> None:
    """Raises `Refused` when the ELF header is not the target's."""
    if file.machine != target.elf.machine:
        raise Refused(f"the file is for ELF machine {file.machine}, and {target.name} is {target.elf.machine}")
    if file.flags != target.elf.flags:
        raise Refused(f"the file's ELF flags are {file.flags:#x}, and {target.name} has {target.elf.flags:#x}")


def read_image(binary: bytes, symbol: str, target: Target) -> Image:
    """The code of `symbol` and the constants that it may use. Raises `Refused`."""
    file = E.read_elf(archive_member(binary, symbol) if binary[:8] == b"!<arch>\n" else binary)
    check_identity(file, target)
    function = _find(file, symbol)
    image = _from_object(file, function, target) if file.type == E.ET_REL else _from_linked(file, function)
    return replace(image, notes=_notes(file, symbol))


def _notes(file: E.Elf, symbol: str) -> tuple[tuple[int, str], ...]:
    """The lines ``SYMBOL+0xOFFSET: TEXT`` of `.intent.loops`; of what is not of this form nothing is taken."""
    notes: list[tuple[int, str]] = []
    for section in file.sections:
        if section.name == ".intent.loops" and section.type == E.SHT_PROGBITS:
            for line in section.data.decode("ascii", "replace").splitlines()[:MOST_NOTES]:
                place, _, text = line.partition(": ")
                name, _, offset = place.partition("+0x")
                if name == symbol and re.fullmatch("[0-9a-f]{1,8}", offset):
                    notes.append((int(offset, 16), text))
    return tuple(notes)


def archive_member(archive: bytes, symbol: str) -> bytes:
    """The member of a `!<arch>` file that defines `symbol` (the format of ar, as GNU and LLVM write it). Raises
    `Refused`."""
    offset = 8
    found = []
    while offset + 60 <= len(archive):
        name, size = archive[offset:offset + 16].rstrip(), archive[offset + 48:offset + 58].strip()
        if archive[offset + 58:offset + 60] != b"`\n" or not size.isdigit():
            raise Refused("the archive is damaged")
        data = archive[offset + 60:offset + 60 + int(size)]
        offset += 60 + int(size) + int(size) % 2
        if name not in (b"/", b"//", b"/SYM64/") and data[:4] == b"\x7fELF":
            symbols = E.read_elf(data).symbols
            if any(s.name == symbol and s.section != E.SHN_UNDEF and s.binding != E.STB_LOCAL for s in symbols):
                found.append(data)
    if len(found) != 1:
        raise Refused(f"{symbol} is defined by {len(found)} members of the archive, must be one")
    return found[0]


def _find(file: E.Elf, name: str) -> E.Symbol:
    named = [s for s in file.symbols if s.name == name and s.section != E.SHN_UNDEF]
    found = [s for s in named if s.binding in (E.STB_GLOBAL, E.STB_WEAK)]
    if not found:
        raise Refused(f"{name} is a local symbol, so nobody can call it" if named else f"{name} is not in the file")
    if len(found) > 1:
        raise Refused(f"the file defines {name} more than once")
    symbol = found[0]
    if symbol.type != E.STT_FUNC:
        raise Refused(f"{name} is not marked as a function (symbol type {symbol.type})")
    if symbol.size == 0:
        raise Refused(f"{name} has size 0")
    if symbol.section >= E.SHN_LORESERVE:
        raise Refused(f"{name} is in no section")
    section = file.sections[symbol.section]
    if section.type != E.SHT_PROGBITS or not section.has(E.SHF_ALLOC) or not section.has(E.SHF_EXECINSTR):
        raise Refused(f"{name} is in section {section.name}, which holds no code")
    if section.has(E.SHF_WRITE):
        raise Refused(f"{name} is in section {section.name}, which is both writable and executable")
    return symbol


def _is_constant(section: E.Section) -> bool:
    return (section.type == E.SHT_PROGBITS and section.has(E.SHF_ALLOC)
            and not section.flags & (E.SHF_WRITE | E.SHF_EXECINSTR | E.SHF_TLS))


def _from_object(file: E.Elf, function: E.Symbol, target: Target) -> Image:
    problems = [f"{s.name} is not defined in the object; a function may not need others"
                for s in file.symbols[1:] if s.section == E.SHN_UNDEF]
    problems += [f"section {s.name} holds code that runs without a call" for s in file.sections
                 if s.type in _RUNS_BY_ITSELF or s.name.startswith(_RUNS_BY_NAME)]
    problems += [f"section {s.name} is writable data" for s in file.sections
                 if s.has(E.SHF_ALLOC) and s.has(E.SHF_WRITE) and s.size and s.type not in _RUNS_BY_ITSELF]
    if problems:
        raise Refused(*problems)
    section = file.sections[function.section]
    start, end = function.value, function.value + function.size
    if end > len(section.data):
        raise Refused(f"{function.name} extends past the end of section {section.name}")

    indexes: list[int] = []
    fixups = []
    for relocation in file.relocations.get(function.section, ()):
        if not start <= relocation.offset < end:
            continue
        fixups.append(_fixup(file, function, relocation, target, indexes))
    for index in indexes:
        if file.relocations.get(index):
            raise Refused(f"section {file.sections[index].name} holds addresses, must be constants only")
    blocks = tuple(Block(s.name, s.data, max(1, s.alignment)) for s in (file.sections[i] for i in indexes))
    for fixup in fixups:
        if fixup.offset + (2 if "_RVC_" in fixup.type else 4) > function.size:
            raise Refused(f"the relocation at {function.name}+{fixup.offset:#x} extends past the function's end")
    alignment = max(1, section.alignment)
    if len({f.offset for f in fixups}) < len(fixups):
        raise Refused(f"two relocations of {function.name} fall on one place")
    return Image(section.data[start:end], alignment, start % alignment, blocks, tuple(fixups), linked=False)


def _fixup(file: E.Elf, function: E.Symbol, relocation: E.Relocation, target: Target, blocks: list[int]) -> Fixup:
    where = f"{function.name}+{relocation.offset - function.value:#x}"
    type_ = _TYPES[target.isa].get(relocation.type)
    if type_ is None:
        if target.isa == "riscv64" and relocation.type in _RELAXATIONS:
            raise Refused(f"{where}: the linker may rewrite the code here ({_RELAXATIONS[relocation.type]}); "
                          "assemble with relaxation off")
        raise Refused(f"{where}: relocation type {relocation.type} is not accepted on {target.name}")
    symbol = file.symbols[relocation.symbol]
    if symbol.section >= E.SHN_LORESERVE or symbol.section == E.SHN_UNDEF:
        raise Refused(f"{where}: {type_} points at {symbol.name or 'nothing'}, which is in no section")
    section = file.sections[symbol.section]
    offset = symbol.value + relocation.addend
    if symbol.section == function.section:
        return Fixup(relocation.offset - function.value, type_, None, offset - function.value)
    if not _is_constant(section):
        raise Refused(f"{where}: {type_} points into section {section.name}, which is not read-only data")
    # x86-64 counts from the end of the instruction, at most 8 bytes after the place (a 4-byte immediate).
    slack = 8 if target.isa == "x86_64" else 0
    if not -slack <= offset <= len(section.data):
        raise Refused(f"{where}: {type_} points outside section {section.name}")
    if symbol.section not in blocks:
        blocks.append(symbol.section)
    return Fixup(relocation.offset - function.value, type_, blocks.index(symbol.section), offset)


def _from_linked(file: E.Elf, function: E.Symbol) -> Image:
    section = file.sections[function.section]
    start = function.value - section.address
    if start < 0 or start + function.size > len(section.data):
        raise Refused(f"{function.name} extends past the end of section {section.name}")
    blocks = tuple(Block(s.name, s.data, max(1, s.alignment), s.address - function.value) for s in file.sections
                   if _is_constant(s) and s.name.startswith(".rodata") and s.data)
    # ADRP counts in pages of 4 KiB, so the address within its page is part of the code's meaning.
    return Image(section.data[start:start + function.size], 4096, function.value % 4096, blocks, (), linked=True)
