"""What a row's meaning says happens to a machine state: evaluated in Python, independent of any emulator."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from intent_tool.language.oracle_runtime import BIT_OPERATIONS
from intent_tool.machine.instruction import Row


class Undefined:
    """The value of `undefined`: any value whatever."""


UNDEFINED = Undefined()


@dataclass
class State:
    """Registers by their 64-bit names, flags, the program counter, and one window of memory."""

    registers: dict[str, int]
    flags: dict[str, int]
    pc: int
    base: int
    memory: bytes
    vectors: dict[str, int] = field(default_factory=dict)
    """Without an entry: 0."""


@dataclass
class Outcome:
    """The state afterwards. Of what is named in `undefined` the meaning promises nothing."""

    registers: dict[str, int]
    flags: dict[str, int]
    pc: int
    memory: bytes
    vectors: dict[str, int] = field(default_factory=dict)
    undefined: set[str] = field(default_factory=set)
    low_half: set[str] = field(default_factory=set)
    """Registers of which only the low 32 bits are promised."""


@dataclass(frozen=True)
class Store:
    address: int
    data: bytes


def _unsigned(width: int) -> Callable[[int], int]:
    return lambda x: int(x) & (1 << width) - 1


def _signed(width: int) -> Callable[[int], int]:
    def cast(x: int) -> int:
        x = int(x) & (1 << width) - 1
        return x - (x >> width - 1 << width)
    return cast


VOCABULARY: dict[str, Any] = {
    **{f"u{width}": _unsigned(width) for width in (8, 16, 32, 64)},
    **{f"i{width}": _signed(width) for width in (8, 16, 32, 64)},
    **BIT_OPERATIONS,
    "store": lambda address, size, value: Store(address, value.to_bytes(size, "little")),
    "undefined": UNDEFINED,
    "abs": abs, "min": min, "max": max, "sum": sum, "range": range,
    "__builtins__": {},
}


@functools.cache
def _compiled(text: str) -> CodeType:
    return compile(text, f"<{text}>", "eval")


def evaluate(text: str, names: Mapping[str, Any]) -> Any:
    return eval(_compiled(text), {**VOCABULARY, **names})


def widths(kind: str) -> int:
    """Bits of a register kind."""
    if found := re.fullmatch(r"v\.(\d*)([bhsd])", kind):
        # Of a lane the whole register.
        return int(found[1]) * widths(found[2]) if found[1] else 128
    return {"r8": 8, "r16": 16, "r32": 32, "r64": 64, "w": 32, "wsp": 32, "x": 64, "xsp": 64, "xmm": 128, "ymm": 256,
            "b": 8, "h": 16, "s": 32, "d": 64, "q": 128}[kind]


def environment(row: Row, operands: Mapping[str, Any], state: State, next_pc: int,
                conditions: Mapping[str, str]) -> dict[str, Any]:
    """Every name a meaning may use. `operands` are 64-bit registers' names, integers, or conditions' names."""
    def load(address: int, size: int) -> int:
        start = address - state.base
        assert 0 <= start <= len(state.memory) - size, f"{row.form} loads outside the window"
        return int.from_bytes(state.memory[start:start + size], "little")

    names: dict[str, Any] = {**state.registers, **state.vectors, **state.flags, "load": load, "pc": state.pc,
                             "next_pc": next_pc}
    for operand in row.operands:
        value = operands[operand.name]
        if operand.kind == "cond":
            value = int(evaluate(conditions[value], state.flags))
        elif isinstance(value, str):
            whole = state.vectors if operand.is_vector else state.registers
            value = whole.get(value, 0) & (1 << widths(operand.kind)) - 1
        names[operand.name] = value
    return names


def outcome(row: Row, operands: Mapping[str, Any], state: State, next_pc: int,
            conditions: Mapping[str, str]) -> Outcome:
    """The state after the instruction. The zero registers (``xzr``, ``zero``) are not part of the state."""
    names = environment(row, operands, state, next_pc, conditions)
    values = {key: evaluate(text, names) for key, text in row.meaning.items()}
    after = Outcome(dict(state.registers), dict(state.flags), next_pc, state.memory, dict(state.vectors))
    kinds = {operand.name: operand.kind for operand in row.operands}
    for key, value in values.items():
        if key == "pc":
            after.pc = value
        elif key == "upper" and kinds["d"] == "xmm":
            assert value == 0
            after.vectors[operands["d"]] &= (1 << 128) - 1
        elif key == "upper":
            assert value == 0 or value is UNDEFINED
            if value is UNDEFINED:
                after.low_half.add(operands["d"])
        elif key == "memory":
            if value is UNDEFINED:
                after.undefined.add("memory")
            else:
                start = value.address - state.base
                assert 0 <= start <= len(state.memory) - len(value.data), f"{row.form} stores outside the window"
                after.memory = state.memory[:start] + value.data + state.memory[start + len(value.data):]
        else:
            _write(after, operands[key] if key in kinds else key, kinds.get(key, ""), value)
    return after


def _write(after: Outcome, name: str, kind: str, value: Any) -> None:
    if name in after.flags:
        after.flags[name] = 0
        if value is UNDEFINED:
            after.undefined.add(name)
        else:
            assert value in (0, 1), f"flag {name} becomes {value}"
            after.flags[name] = int(value)
    elif name in after.vectors:
        width = widths(kind) if kind else 256
        assert 0 <= value < 1 << width, f"{name} ({kind}) becomes {value}"
        # On ARM64 what is not written becomes 0.
        kept = after.vectors[name] >> width << width if kind == "xmm" else 0
        after.vectors[name] = kept | value
    elif name in after.registers:
        after.undefined.discard(name)
        if value is UNDEFINED:
            after.undefined.add(name)
            return
        width = widths(kind) if kind else 64
        assert 0 <= value < 1 << width, f"{name} ({kind}) becomes {value}"
        kept = after.registers[name] >> width << width if kind in ("r8", "r16") else 0
        after.registers[name] = kept | value
    else:
        assert name in ("xzr", "zero"), name
