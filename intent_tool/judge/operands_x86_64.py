"""Operands of x86-64 instructions: reading them from the bytes, and their values in a machine's state."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from intent_tool.judge.bitvector import Term
from intent_tool.judge.instruction import Run

GENERAL = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{n}" for n in range(8, 16)))
VECTORS = tuple(f"ymm{n}" for n in range(16))


def _register_bits() -> dict[str, tuple[str, int, int]]:
    found = {}
    for name in GENERAL:
        short = name[1:]
        if short.isdigit():
            names = (name, name + "d", name + "w", name + "b")
        else:
            names = (name, "e" + short, short, (short[0] if short.endswith("x") else short) + "l")
        found.update({each: (name, 0, width) for each, width in zip(names, (64, 32, 16, 8), strict=True)})
    for number, name in enumerate(VECTORS):
        found |= {f"xmm{number}": (name, 0, 128), name: (name, 0, 256)}
    return found | {f"{letter}h": (f"r{letter}x", 8, 8) for letter in "abcd"}


REGISTER_BITS = _register_bits()
"""For each name of a register: the 64-bit or 256-bit register, the lowest bit in it, and how many bits."""


@dataclass(frozen=True, slots=True)
class Operand:
    kind: str
    """``r``, ``m`` or ``i``."""
    width: int
    """In bits."""
    register: str = ""
    """64-bit name, or ``ymm…``; of memory the base, ``rip`` included. Empty: none."""
    low: int = 0
    """Lowest bit of the register."""
    index: str = ""
    scale: int = 1
    value: int = 0
    """The immediate, signed; the displacement."""


Operands = tuple[Operand, ...]
Meaning = Callable[[Run, Operands], None]
"""Of an instruction, by hand."""


@functools.lru_cache(8192)
def read_operands(code: bytes) -> Operands:
    """The explicit operands of an instruction that the judge's decoder has accepted."""
    from capstone.x86 import X86_OP_MEM, X86_OP_REG

    (instruction,) = _engine().disasm(code, 0)
    found = []
    for operand in instruction.operands:
        width = 8 * operand.size
        if operand.type == X86_OP_REG:
            register, low, width = REGISTER_BITS[instruction.reg_name(operand.reg)]
            found.append(Operand("r", width, register, low))
        elif operand.type == X86_OP_MEM:
            memory = operand.mem
            found.append(Operand("m", width, instruction.reg_name(memory.base) if memory.base else "", 0,
                                 instruction.reg_name(memory.index) if memory.index else "", memory.scale,
                                 memory.disp))
        else:
            found.append(Operand("i", width, value=operand.imm))
    return tuple(found)


@functools.cache
def _engine() -> Any:
    import capstone

    engine = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    engine.detail = True
    return engine


def address(run: Run, operand: Operand) -> Term:
    """Of a memory operand: 64 bits."""
    g = run.graph
    if operand.register == "rip":
        instruction = run.instruction
        return run.locate(instruction, instruction.address + instruction.size + operand.value & (1 << 64) - 1)
    parts = []
    if operand.register:
        parts.append((1, run.state[operand.register]))
    if operand.index:
        parts.append((operand.scale, run.state[operand.index]))
    return g.linear(parts, operand.value, 64)


def get(run: Run, operand: Operand, width: int = 0) -> Term:
    """The value of an operand; an immediate's is sign-extended to `width` (0: its own)."""
    match operand.kind:
        case "r":
            return run.graph.extract(run.state[operand.register], operand.low + operand.width - 1, operand.low)
        case "m":
            return run.memory.load(address(run, operand), operand.width // 8)
        case _:
            return run.graph.const(operand.value, width or operand.width)


def put(run: Run, operand: Operand, value: Term) -> None:
    """Writes an operand: of 32 bits the upper half becomes 0, of fewer the rest is kept."""
    if operand.kind == "m":
        run.memory.store(address(run, operand), value)
    else:
        put_register(run, operand.register, value, operand.low)


def put_register(run: Run, name: str, value: Term, low: int = 0) -> None:
    g = run.graph
    if value.width >= 32:
        run.state[name] = g.zext(value, 64)
        return
    old = run.state[name]
    value = g.concat(g.extract(old, 63, low + value.width), value)
    run.state[name] = g.concat(value, g.extract(old, low - 1, 0)) if low else value
