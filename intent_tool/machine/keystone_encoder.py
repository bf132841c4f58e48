"""x86-64 and ARM64 lines to bytes by keystone, none of which is believed before capstone has read it back.

Keystone alone is not to be trusted: ``mov eax, 0x1ffffffff`` is cut off in silence, ``cmp $,1;hlt`` assembles to
``hlt``, ``lea eax, [rdi + rsp]`` loses its index, and directives read files. So a line has to be one plain
instruction by our own reading, and the bytes have to read back as that instruction.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Union

from intent_tool.machine import arm64_syntax, x86_64_syntax
from intent_tool.machine.layout import Fixup, Unencodable


@dataclass(frozen=True, slots=True)
class Encoded:
    code: bytes
    mnemonic: str
    """As the disassembler names it; target records list instructions by these names."""
    fixups: tuple[Fixup, ...] = ()


_CACHE_LINES = 50_000
_cache: dict[tuple[str, str], Encoded] = {}
"""Of lines that were accepted. Assigning to a dict is atomic, and losing an entry costs only time."""


class _Tools(threading.local):
    """An assembler and a disassembler for each thread: keystone's objects cannot be shared."""

    def __init__(self) -> None:
        self.assemblers: dict[str, Any] = {}
        self.disassemblers: dict[tuple[str, bool], Any] = {}

    def assembler(self, isa: str) -> Any:
        if isa not in self.assemblers:
            import keystone

            self.assemblers[isa] = {
                "x86_64": lambda: keystone.Ks(keystone.KS_ARCH_X86, keystone.KS_MODE_64),
                "arm64": lambda: keystone.Ks(keystone.KS_ARCH_ARM64, keystone.KS_MODE_LITTLE_ENDIAN)}[isa]()
        return self.assemblers[isa]

    def disassembler(self, isa: str, detail: bool = False) -> Any:
        if (isa, detail) not in self.disassemblers:
            import capstone

            made = {"x86_64": lambda: capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64),
                    "arm64": lambda: capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)}[isa]()
            made.detail = detail
            self.disassemblers[isa, detail] = made
        return self.disassemblers[isa, detail]


_tools = _Tools()

Line = Union[x86_64_syntax.Line, arm64_syntax.Line]


def encode_lines(isa: str, lines: Sequence[str]) -> list[Encoded | Unencodable]:
    """Each line, in `line_syntax.normalised` form and none a branch: its encoding, or why there is none.

    Every line is encoded as if alone; they are handed over together because that is ten times as fast."""
    results: dict[str, Encoded | Unencodable] = {}
    parsed: dict[str, Line] = {}
    for line in dict.fromkeys(lines):
        known = _cache.get((isa, line))
        if known is not None:
            results[line] = known
            continue
        try:
            parsed[line] = _parse(isa, line)
        except Unencodable as problem:
            results[line] = problem
    plain = [line for line in parsed if not _symbols(parsed[line])]
    together = _together(isa, plain, parsed)
    for line, instruction in parsed.items():
        if line in together:
            results[line] = together[line]
        else:
            try:
                results[line] = _alone(isa, line, instruction)
            except Unencodable as problem:
                results[line] = problem
    if len(_cache) > _CACHE_LINES:
        _cache.clear()
    for line in parsed:
        made = results[line]
        if isinstance(made, Encoded):
            _cache[isa, line] = made
    return [results[line] for line in lines]


def _parse(isa: str, line: str) -> Line:
    if isa == "arm64":
        return arm64_syntax.parse(line)
    parsed = x86_64_syntax.parse(line)
    if any(isinstance(o, x86_64_syntax.Memory) and o.base == "rip" and o.symbol is None for o in parsed.operands):
        raise Unencodable("an address relative to rip needs a table's label")
    return parsed


def _symbols(parsed: Line) -> list[arm64_syntax.Symbol | x86_64_syntax.Memory]:
    return [o for o in parsed.operands if isinstance(o, arm64_syntax.Symbol)
            or (isinstance(o, x86_64_syntax.Memory) and o.symbol is not None)]


def _same(written: Line, made: Line) -> bool:
    if isinstance(written, x86_64_syntax.Line) and isinstance(made, x86_64_syntax.Line):
        return x86_64_syntax.same(written, made)
    assert isinstance(written, arm64_syntax.Line) and isinstance(made, arm64_syntax.Line)
    return arm64_syntax.same(written, made)


def _together(isa: str, lines: list[str], parsed: dict[str, Line]) -> dict[str, Encoded]:
    """The lines that came out right when assembled as one text; those that are missing have to be tried alone."""
    try:
        code, count = _assembled(isa, "\n".join(lines))
    except Unencodable:
        return {}
    found = list(_tools.disassembler(isa).disasm_lite(code, 0))
    if count != len(lines) or len(found) != len(lines) or sum(size for _, size, _, _ in found) != len(code):
        return {}
    encoded: dict[str, Encoded] = {}
    for line, (start, size, mnemonic, operands) in zip(lines, found, strict=True):
        try:
            made = _read(isa, f"{mnemonic} {operands}")
        except Unencodable:
            continue
        if _same(parsed[line], made):
            encoded[line] = Encoded(code[start:start + size], mnemonic)
    return encoded


def _alone(isa: str, line: str, parsed: Line) -> Encoded:
    symbols = _symbols(parsed)
    # The assembler sees 0 in place of a table's address.
    text = (re.sub(r"\[[^\]]*rip[^\]]*\]", "[rip]", line) if isa == "x86_64"
            else re.sub(r"#?(:lo12:)?\.L\w+", "#0", line))
    code, count = _assembled(isa, text)
    found = list(_tools.disassembler(isa).disasm_lite(code, 0))
    if not found:
        raise Unencodable("its bytes are no valid instruction")
    if count != 1 or len(found) != 1 or found[0][1] != len(code):
        raise Unencodable("it does not assemble to exactly one instruction")
    made_text = f"{found[0][2]} {found[0][3]}".strip()
    try:
        agrees = _same(parsed, _read(isa, made_text))
    except Unencodable:
        agrees = False
    if not agrees:
        raise Unencodable(f"it would become `{made_text}`; the operands do not fit this instruction")
    return Encoded(code, found[0][2], tuple(_fixup(code, found[0][2], symbol) for symbol in symbols))


def _read(isa: str, text: str) -> Line:
    text = " ".join(text.split())
    return x86_64_syntax.parse(text) if isa == "x86_64" else arm64_syntax.parse(text)


def _assembled(isa: str, text: str) -> tuple[bytes, int]:
    import keystone

    try:
        code, count = _tools.assembler(isa).asm(text, as_bytes=True)
    except keystone.KsError as problem:
        if problem.errno == keystone.KS_ERR_ASM_MNEMONICFAIL:
            raise Unencodable(f"no instruction is named `{text.split(maxsplit=1)[0]}`") from None
        raise Unencodable("the operands do not fit this instruction") from None
    return (code or b""), count


def _fixup(code: bytes, mnemonic: str, symbol: arm64_syntax.Symbol | x86_64_syntax.Memory) -> Fixup:
    if isinstance(symbol, x86_64_syntax.Memory):
        assert symbol.symbol is not None
        instruction = next(_tools.disassembler("x86_64", True).disasm(code, 0))
        place = instruction.disp_offset
        # The processor adds the displacement to the end of the instruction, the linker to the displacement's place.
        return Fixup(place, "R_X86_64_PC32", symbol.symbol, symbol.displacement - (len(code) - place))
    if mnemonic == "adrp" and not symbol.low:
        return Fixup(0, "R_AARCH64_ADR_PREL_PG_HI21", symbol.name)
    # With the stack pointer and an offset of 0, as here, the disassembler calls it a move.
    if mnemonic in ("add", "mov") and symbol.low:
        return Fixup(0, "R_AARCH64_ADD_ABS_LO12_NC", symbol.name)
    raise Unencodable("the address of a table is `adrp reg, label`, then `add reg, reg, :lo12:label`")
