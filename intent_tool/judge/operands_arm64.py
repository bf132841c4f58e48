"""Operands of ARM64 instructions: their values in a machine's state, by the fields of the instruction word."""

from __future__ import annotations

from intent_tool.judge.bitvector import Term
from intent_tool.judge.instruction import Run


def general(run: Run, number: int, width: int) -> Term:
    """A general register's low bits; register 31 is the zero register."""
    if number == 31:
        return run.graph.const(0, width)
    return run.graph.extract(run.state[f"x{number}"], width - 1, 0)


def set_general(run: Run, number: int, value: Term) -> None:
    if number != 31:
        run.state[f"x{number}"] = run.graph.zext(value, 64)


def base_register(run: Run, word: int) -> Term:
    """The address register, which may be the stack pointer."""
    number = word >> 5 & 31
    return run.state["sp" if number == 31 else f"x{number}"]


def move_base(run: Run, word: int, address: Term) -> None:
    number = word >> 5 & 31
    run.state["sp" if number == 31 else f"x{number}"] = address


def signed_field(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def extended_index(run: Run, word: int, scale: int) -> Term:
    """The index register, extended and scaled (C6.1, "Load/store (register offset)")."""
    g, option = run.graph, word >> 13 & 7
    index = general(run, word >> 16 & 31, 64 if option & 1 else 32)
    index = g.sext(index, 64) if option & 4 else g.zext(index, 64)
    return g.shl(index, g.const(scale if word >> 12 & 1 else 0, 64))
