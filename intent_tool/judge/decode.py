"""The instructions of one function, as all that the judge lets pass them for.

Each ISA has a decoder of its own (decode_x86_64.py, decode_arm64.py, decode_riscv64.py). A decoder sweeps linearly
from the first byte, names every instruction, says how control goes on from it, and lists what it objects to. What
a decoder does not understand is an objection, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from intent_tool.judge.layout import Placed
from intent_tool.machine.target import Target

PLAIN, JUMP, BRANCH, CALL, RETURN, SYSTEM = "plain", "jump", "branch", "call", "return", "system"
"""How control goes on: to the next instruction; to `destination`; to either; to `destination` and back; out of the
code for good; into the kernel and back."""


@dataclass(frozen=True, slots=True)
class Decoded:
    offset: int
    """From the start of the function."""
    size: int
    mnemonic: str
    """As the target record spells it. Empty when the bytes are no instruction."""
    text: str
    flow: str = PLAIN
    destination: int | None = None
    """Of a jump, branch or call: offset from the start of the function; may lie outside."""
    objections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a decoder may know besides the bytes."""

    target: Target
    entry: int
    """Address of the first byte."""
    tables: tuple[tuple[int, int], ...] = ()
    """Address ranges of the constants."""
    relocations: Mapping[int, str] = field(default_factory=dict)
    """Type of each relocated field, by its offset."""
    linked: bool = False
    """The relocations are gone, the distances final."""
    whole_program: bool = False
    """Nobody calls the code: it may call within itself, and the stack pointer starts where the kernel put it."""

    def in_table(self, address: int, size: int) -> bool:
        return any(start <= address and address + size <= end for start, end in self.tables)


def surroundings(target: Target, placed: Placed) -> Surroundings:
    types = {f.offset: f.type for f in placed.image.fixups}
    return Surroundings(target, placed.entry, placed.tables, types, placed.image.linked)


def decode(code: bytes, around: Surroundings) -> Sequence[Decoded]:
    """Every instruction of `code`. The sweep ends at the first bytes that are none."""
    return _decoder(around.target.isa)(code, around)


def _decoder(isa: str) -> Callable[[bytes, Surroundings], list[Decoded]]:
    if isa == "x86_64":
        from intent_tool.judge.decode_x86_64 import decode_x86_64
        return decode_x86_64
    if isa == "arm64":
        from intent_tool.judge.decode_arm64 import decode_arm64
        return decode_arm64
    if isa == "riscv64":
        from intent_tool.judge.decode_riscv64 import decode_riscv64
        return decode_riscv64
    raise ValueError(f"no decoder for {isa}")
