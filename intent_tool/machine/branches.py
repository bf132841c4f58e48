"""Direct branches of x86-64 and ARM64, written here because their size depends on where their label comes to lie."""

from __future__ import annotations

import re

from intent_tool.machine import arm64_syntax, x86_64_syntax
from intent_tool.machine.layout import Piece, Unencodable, Variant
from intent_tool.machine.line_syntax import LABEL, number


def branch(isa: str, line: str, index: int) -> tuple[Piece, str] | None:
    """The piece of a branch and the mnemonic as the disassembler names it; None for any other instruction.

    Raises `Unencodable`."""
    return _x86_64(line, index) if isa == "x86_64" else _arm64(line, index)


def _label(text: str) -> str:
    if not LABEL.fullmatch(text):
        raise Unencodable(f"a branch goes to a label that starts with `.L`, not to `{text}`")
    return text


def _x86_64(line: str, index: int) -> tuple[Piece, str] | None:
    """Intel SDM volume 2: JMP (EB cb, E9 cd), Jcc (70+cc cb, 0F 80+cc cd) and CALL (E8 cd)."""
    mnemonic, _, rest = line.partition(" ")
    mnemonic = x86_64_syntax.mnemonic_name(mnemonic)
    if mnemonic == "jmp":
        short, near = b"\xeb", b"\xe9"
    elif mnemonic[:1] == "j" and mnemonic[1:] in x86_64_syntax.CONDITIONS:
        condition = x86_64_syntax.CONDITIONS.index(mnemonic[1:])
        short, near = bytes([0x70 + condition]), bytes([0x0F, 0x80 + condition])
    elif mnemonic == "call":
        short, near = b"", b"\xe8"
    else:
        return None
    label = _label(rest)
    # Distances count from the start of the branch, displacements from its end.
    variants = tuple(
        Variant(size, size - (1 << bits - 1), size + (1 << bits - 1) - 1,
                lambda distance, opcode=opcode, size=size, bits=bits: (  # type: ignore[misc]
                    (opcode + (distance - size).to_bytes(bits // 8, "little", signed=True), line),))
        for opcode, size, bits in ((short, len(short) + 1, 8), (near, len(near) + 4, 32))
        if opcode)
    return Piece(index, line, label=label, variants=variants), mnemonic


def _arm64(line: str, index: int) -> tuple[Piece, str] | None:
    """Arm ARM C6.2: B, BL, B.cond, CBZ, CBNZ, TBZ, TBNZ; a conditional one that is too far goes over its inverse."""
    mnemonic, _, rest = line.partition(" ")
    operands = [part.strip() for part in rest.split(",")]
    if mnemonic in ("b", "bl"):
        if len(operands) != 1:
            raise Unencodable(f"`{mnemonic}` is written `{mnemonic} label`")
        label = _label(operands[0])
        word = 0x94000000 if mnemonic == "bl" else 0x14000000
        return Piece(index, line, label=label, variants=(_direct(word, 26, 0, line),)), mnemonic
    if mnemonic.startswith("b."):
        condition = arm64_syntax.condition_name(mnemonic[2:])
        place = arm64_syntax.CONDITIONS.index(condition)
        if len(operands) != 1:
            raise Unencodable(f"`{mnemonic}` is written `{mnemonic} label`")
        opposite = arm64_syntax.CONDITIONS[place ^ 1]
        return _both(line, index, operands[0], word=0x54000000 | place, opposite=0x54000000 | place ^ 1,
                     bits=19, skip=f"b.{opposite} . + 8"), f"b.{condition}"
    if mnemonic in ("cbz", "cbnz"):
        if len(operands) != 2:
            raise Unencodable(f"`{mnemonic}` is written `{mnemonic} register, label`")
        register, wide = _register(operands[0])
        word = 0x34000000 | wide << 31 | register
        negated = mnemonic == "cbnz"
        opposite = "cbz" if negated else "cbnz"
        return _both(line, index, operands[1], word=word | negated << 24, opposite=word | (not negated) << 24,
                     bits=19, skip=f"{opposite} {operands[0]}, . + 8"), mnemonic
    if mnemonic in ("tbz", "tbnz"):
        if len(operands) != 3:
            raise Unencodable(f"`{mnemonic}` is written `{mnemonic} register, #bit, label`")
        register, wide = _register(operands[0])
        bit = number(operands[1].removeprefix("#"))
        if not 0 <= bit < (64 if wide else 32):
            raise Unencodable(f"{operands[0]} has no bit {bit}")
        word = 0x36000000 | (bit >> 5) << 31 | (bit & 31) << 19 | register
        negated = mnemonic == "tbnz"
        opposite = "tbz" if negated else "tbnz"
        return _both(line, index, operands[2], word=word | negated << 24, opposite=word | (not negated) << 24,
                     bits=14, skip=f"{opposite} {operands[0]}, {operands[1]}, . + 8"), mnemonic
    return None


def _register(text: str) -> tuple[int, bool]:
    found = re.fullmatch(r"([xw])([12]?[0-9]|30|zr)", text)
    if found is None:
        raise Unencodable(f"`{text}` is not a general register")
    return 31 if found[2] == "zr" else int(found[2]), found[1] == "x"


def _word(word: int, bits: int, place: int, distance: int) -> bytes:
    return (word | (distance >> 2 & (1 << bits) - 1) << place).to_bytes(4, "little")


def _direct(word: int, bits: int, place: int, text: str) -> Variant:
    reach = 4 << bits - 1
    return Variant(4, -reach, reach - 4, lambda distance: ((_word(word, bits, place, distance), text),))


def _both(line: str, index: int, target: str, *, word: int, opposite: int, bits: int, skip: str) -> Piece:
    label = _label(target)
    reach = 4 << 25
    far = Variant(8, 4 - reach, reach, lambda distance: (
        (_word(opposite, bits, 5, 8), skip), (_word(0x14000000, 26, 0, distance - 4), f"b {label}")))
    return Piece(index, line, label=label, variants=(_direct(word, bits, 5, line), far))
