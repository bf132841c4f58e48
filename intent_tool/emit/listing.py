"""The listing of a binary, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from intent_tool.judge.verdict import Verdict
from intent_tool.machine.assembly import MachineCode


def listing_text(code: MachineCode) -> str:
    """A line for each instruction: offset, bytes, assembly; then the constant tables. Hexadecimal. Before a loop's
    head stands what is said of the loop."""
    width = max((len(i.code.hex(" ")) for i in code.instructions), default=0)
    notes = dict(code.notes)
    lines = []
    for i in code.instructions:
        if i.offset in notes:
            lines.append(f"{'':8}# loop: {notes[i.offset]}")
        lines.append(f"{i.offset:6x}  {i.code.hex(' '):{width}}  {i.text}")
    if code.rodata:
        lines.append(f".rodata, {len(code.rodata)} bytes:")
        lines += [f"{offset:6x}  {code.rodata[offset:offset + 16].hex(' ')}"
                  for offset in range(0, len(code.rodata), 16)]
    return "\n".join(lines) + "\n"


def listing_json(code: MachineCode) -> dict[str, Any]:
    """The same as plain data; bytes as hexadecimal text, offsets in bytes."""
    return {
        "instructions": [{"offset": i.offset, "bytes": i.code.hex(), "text": i.text} for i in code.instructions],
        "loops": [{"offset": offset, "text": text} for offset, text in code.notes],
        "rodata": code.rodata.hex(),
        "relocations": [{"offset": r.offset, "type": r.type, "symbol": r.symbol, "addend": r.addend}
                        for r in code.relocations],
    }


def size_text(instructions: int, bytes: int) -> str:
    """``1 instruction, 4 bytes``"""
    plural = ["" if number == 1 else "s" for number in (instructions, bytes)]
    return f"{instructions} instruction{plural[0]}, {bytes} byte{plural[1]}"


def made_by(generator: str, origin: Mapping[str, str | int], locked: bool) -> str:
    """``ai (llama.cpp, local, 3 attempts), locked``"""
    text = generator
    if origin:
        plural = "" if origin["attempts"] == 1 else "s"
        text += f" ({origin['provider']}, {origin['model']}, {origin['attempts']} attempt{plural})"
    return text + (", locked" if locked else "")


def evidence_text(evidence: str, vectors: int, emulators: Sequence[str], longest: int | None = None,
                  solvers: Sequence[str] = (), parts: Sequence[str] = ()) -> str:
    """``tested (10,000 vectors, qemu-aarch64 + unicorn)``: never more than what was reached. A proof says how it was
    found first: ``proved (bitwuzla; …)``, ``bounded (up to 16 elements, bitwuzla; …)``. `parts` has the evidence of
    each part of a program: ``tested (…; 3 parts proved, 1 bounded)``."""
    details = []
    if evidence in ("proved", "bounded"):
        how = " + ".join(solvers) or "by simplification"
        details.append(f"up to {longest} elements, {how}" if evidence == "bounded" else how)
    if vectors:
        details.append(f"{vectors:,} vectors, {' + '.join(emulators)}")
    if parts:
        (level, number), *more = [(v, n) for v in ("proved", "bounded", "tested") if (n := parts.count(v))]
        counts = [f"{number} part{'s' if number > 1 else ''} {level}", *(f"{n} {v}" for v, n in more)]
        details.append(", ".join(counts))
    return f"{evidence} ({'; '.join(details)})" if details else evidence


def verdict_text(verdict: Verdict) -> str:
    """The evidence of a verdict."""
    return evidence_text(verdict.evidence, verdict.vectors, verdict.emulators, verdict.longest, verdict.solvers,
                         [part.evidence for part in verdict.parts])


def parts_json(verdict: Verdict) -> list[dict[str, Any]]:
    """The parts of a program as plain data."""
    return [{"symbol": part.symbol, "evidence": part.evidence, "longest": part.longest} for part in verdict.parts]
