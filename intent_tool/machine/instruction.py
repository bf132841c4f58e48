"""One row of an instruction table: assembly text beside meaning, size and latency class.

A row's `form` is its key and reads like the manual's: ``add r64, r64``, ``lea r64, [r64 + r64*4]``. Operand
kinds that are registers: ``r8 r16 r32 r64 xmm ymm`` (x86-64); ``w x`` (ARM64; ``wsp``/``xsp`` admit the stack
pointer), and for its vectors ``v.16b`` or the like, ``v.b`` (of which a lane is used), ``b h s d q``; ``x`` (RISC-V).
Immediate kinds name a range, ``i8``, ``i32`` (sign-extended), ``u6`` …; `label` is a branch target, `table` the
address of constant data.

The meaning is written in the intent language itself: a map from what is written (an operand's name, a flag, a
fixed register, ``pc``, ``memory``; ``upper`` is the upper half of a 32-bit destination `d` where it is not simply
cleared, and of an ``xmm`` where it is not simply kept) to an expression over the operands' values before the
instruction. A register operand stands for its unsigned value at the operand's width, an immediate for its signed or
unsigned value as its kind says, a label or a table for its address. ``load(address, bytes)`` reads memory, ``memory``
becomes ``store(address, bytes, value)``, ``next_pc`` is the address of the next instruction, and ``undefined`` (the
whole meaning, or a branch of it) is any value whatever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Operand:
    name: str
    kind: str
    role: str
    """``use``, ``def``, or ``both`` (x86-64's two-address destination, or a partial write)."""

    @property
    def is_vector(self) -> bool:
        """Whether it is a vector register."""
        return self.kind in ("xmm", "ymm", "b", "h", "s", "d", "q") or self.kind.startswith("v.")


@dataclass(frozen=True, slots=True)
class Row:
    form: str
    text: str
    """With ``{name}`` for each operand."""
    operands: tuple[Operand, ...]
    meaning: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    """Fixed registers and ``flags`` read besides the operands."""
    writes: tuple[str, ...] = ()
    """Fixed registers and ``flags`` written besides the operands."""
    size: tuple[int, int] = (1, 15)
    """Smallest and largest encoding in bytes."""
    latency: str = "alu"
    """``alu mul mulh div load store branch move shift``: the target's cost classes."""
    feature: str | None = None
    """The target feature that the instruction needs."""
    traps: str | None = None
    """Condition, in the intent language, under which it faults (``b == 0`` of x86-64's div)."""

    @property
    def uses_vectors(self) -> bool:
        """Whether it reads or writes a vector register."""
        return any(operand.is_vector for operand in self.operands) or any(n.startswith("ymm") for n in self.writes)
