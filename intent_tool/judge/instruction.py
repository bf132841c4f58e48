"""What a lifted instruction is, what executing one yields, and what a meaning written by hand has to work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.decode import Decoded
from intent_tool.judge.pcode import Language, Program


class Memory(Protocol):
    """Where loads and stores go. Sizes are in bytes; bytes are in little-endian order."""

    def load(self, address: Term, size: int) -> Term:
        """A term of ``8 * size`` bits."""

    def store(self, address: Term, value: Term) -> None:
        """Of `value.width` bits."""


@dataclass(frozen=True, slots=True)
class Instruction:
    address: int
    code: bytes
    mnemonic: str
    text: str
    form: str
    """Mnemonic and shape of the operands: ``add r64, m64``, ``ldr x, [x, x, lsl]``, ``addw``."""
    destination: int | None
    """Absolute address that a jump or branch goes to."""
    pc_relative: bool
    """It computes an address from its own: goes through `Semantics.locate`."""
    program: Program | None
    """Its p-code, unless it has a meaning of our own."""
    own: Own | None
    operands: Any
    """What `own` works on."""
    live: frozenset[str]
    """The flags that something may read before they are written again. The others keep old values."""

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.code)


@dataclass(slots=True)
class Step:
    """What one instruction did, besides to registers and memory."""

    condition: Term | None = None
    """Width 1: when it holds, control goes to `destination`. None with a destination: it always does."""
    destination: int | None = None
    """Absolute address, of jumps and branches."""
    target: Term | None = None
    """The 64-bit address that a return goes to."""
    traps: list[tuple[Term, str]] = field(default_factory=list)
    """Conditions (width 1) on which the processor raises an exception, and which."""
    timing: list[Term] = field(default_factory=list)
    """Operands on which the instruction's duration may depend."""


@dataclass(slots=True)
class Run:
    """One execution of one instruction with a meaning of our own."""

    graph: Graph
    instruction: Instruction
    state: dict[str, Term]
    memory: Memory
    step: Step
    undefined: Callable[[int], Term]
    """A fresh variable of so many bits."""
    locate: Callable[[Instruction, int], Term]

    def flag(self, name: str, value: Callable[[], Term]) -> None:
        """Sets a flag, computing its value only where anything can read it."""
        if name in self.instruction.live:
            self.state[name] = value()

    def undefined_flags(self, *names: str) -> None:
        for name in names:
            if name in self.instruction.live:
                self.state[name] = self.undefined(1)


@dataclass(frozen=True, slots=True)
class Own:
    """A meaning written by hand."""

    meaning: Callable[[Run, Any], None]
    reads: frozenset[str] = frozenset()
    """Flags that it reads (those that it only keeps left out)."""
    writes: frozenset[str] = frozenset()
    """Flags that it always writes."""


@dataclass(frozen=True, eq=False, slots=True)
class Isa:
    """All that lifting and executing need to know of one instruction set."""

    language: Language
    flags: frozenset[str]
    registers: tuple[tuple[str, int], ...]
    form: Callable[[Decoded, bytes], str]
    """From what the decoder found, and the bytes."""
    forms: frozenset[str]
    """Every form that is accepted. Each one is compared with a processor's emulator by the tests."""
    own: Mapping[str, Own]
    """By form, or else by mnemonic. Whatever is not here is done by its p-code."""
    operands: Callable[[bytes], Any]
    """The operands of an instruction, for `own`."""
    pc_relative: Callable[[Decoded], bool]
    fixed_length: bool
    """The encoding says its length in the same way for all instructions."""
