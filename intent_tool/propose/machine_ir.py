"""Machine instructions over virtual registers: what instruction selection makes and register allocation rewrites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Union

from intent_tool.machine.instruction import Row


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of 8 bytes in the frame, as an immediate until the frame's layout is known."""

    number: int


@dataclass(frozen=True, slots=True)
class StackArgument:
    """Where the caller left an argument, counted in words of 8 bytes; an immediate until the layout is known."""

    number: int


Register = Union[int, str]
"""Virtual by number, physical by its 64-bit name."""
Value = Union[Register, Slot, StackArgument]
IMMEDIATE_KINDS = ("label", "table", "cond")


@dataclass(slots=True, eq=False)
class Code:
    """One instruction: a row of the target's table and what stands in its places.

    `values` are aligned with the row's operands: registers in register places, else integers, labels, slots."""

    row: Row
    values: list[Value]
    copy: bool = False
    """A plain move of the whole value, which allocation may make unnecessary."""
    also_reads: tuple[str, ...] = ()
    label: str | None = None
    """A label that stands before this instruction (RISC-V's pairs of relocations need one)."""

    def reads(self) -> list[Register]:
        return [*self._registers("def"), *(r for r in self.row.reads if r != "flags"), *self.also_reads]

    def writes(self) -> list[Register]:
        return [*self._registers("use"), *(r for r in self.row.writes if r != "flags")]

    def _registers(self, without: str) -> list[Register]:
        return [v for o, v in zip(self.row.operands, self.values, strict=True)
                if o.role != without and is_register_kind(o.kind) and isinstance(v, int | str)]


REGISTER_KINDS = frozenset({"r8", "r16", "r32", "r64", "w", "x", "wsp", "xsp"})


def is_register_kind(kind: str) -> bool:
    return kind in REGISTER_KINDS


@dataclass(slots=True, eq=False)
class CodeBlock:
    label: str
    depth: int
    body: list[Code] = field(default_factory=list)
    end: list[Code] = field(default_factory=list)
    """The compare and branches that leave the block; constants for loops are put before them."""
    successors: list[CodeBlock] = field(default_factory=list)

    def codes(self) -> list[Code]:
        return self.body + self.end


@dataclass(slots=True)
class Backend:
    """What register allocation needs to know of a target."""

    table: Mapping[str, Row]
    registers: tuple[str, ...]
    """Allocatable, in the order of preference; those that must be saved come last."""
    load: Callable[[int, Slot], Code]
    """Reload a virtual register from the frame."""
    store: Callable[[int, Slot], Code]
    remake: dict[int, Callable[[int], list[Code]]] = field(default_factory=dict)
    """Virtual registers that hold constants: how to make them again in another register."""
    counting: set[Register] = field(default_factory=set)
    """Virtual registers that say how many rounds of a loop are done."""
    virtual: int = 0
    """How many virtual registers there are."""

    def new(self) -> int:
        self.virtual += 1
        return self.virtual - 1
