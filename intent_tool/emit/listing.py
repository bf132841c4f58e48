"""The listing of a binary, for people."""

from __future__ import annotations

from typing import Any

from intent_tool.machine.assembly import MachineCode


def listing_text(code: MachineCode) -> str:
    """A line for each instruction: offset, bytes, assembly; then the constant tables. Hexadecimal."""
    width = max((len(i.code.hex(" ")) for i in code.instructions), default=0)
    lines = [f"{i.offset:6x}  {i.code.hex(' '):{width}}  {i.text}" for i in code.instructions]
    if code.rodata:
        lines.append(f".rodata, {len(code.rodata)} bytes:")
        lines += [f"{offset:6x}  {code.rodata[offset:offset + 16].hex(' ')}"
                  for offset in range(0, len(code.rodata), 16)]
    return "\n".join(lines) + "\n"


def listing_json(code: MachineCode) -> dict[str, Any]:
    """The same as plain data; bytes as hexadecimal text, offsets in bytes."""
    return {
        "instructions": [{"offset": i.offset, "bytes": i.code.hex(), "text": i.text} for i in code.instructions],
        "rodata": code.rodata.hex(),
        "relocations": [{"offset": r.offset, "type": r.type, "symbol": r.symbol, "addend": r.addend}
                        for r in code.relocations],
    }


def size_text(instructions: int, bytes: int) -> str:
    """``1 instruction, 4 bytes``"""
    plural = ["" if number == 1 else "s" for number in (instructions, bytes)]
    return f"{instructions} instruction{plural[0]}, {bytes} byte{plural[1]}"


def evidence_text(evidence: str, vectors: int, emulators: tuple[str, ...] | list[str]) -> str:
    """``tested (10,000 vectors, qemu-aarch64 + unicorn)``: never more than what was reached."""
    if not vectors:
        return evidence
    return f"{evidence} ({vectors:,} vectors, {' + '.join(emulators)})"
