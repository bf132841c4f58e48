"""Instructions that do not belong into a function: each is the place and the text of a line to insert."""

from __future__ import annotations

from collections.abc import Iterator

from intent_tool.language.contract import Contract, Parameter
from intent_tool.machine.target import Target

_REACH = 256
"""Bytes; what every ISA's byte and halfword accesses can be displaced by."""


def clobbers(lines: tuple[str, ...], contract: Contract, target: Target) -> Iterator[tuple[int, str]]:
    """A register of the caller's is changed just before the return."""
    form = {"x86_64": "lea {r}, [{r} + 1]", "arm64": "add {r}, {r}, #1", "riscv64": "addi {r}, {r}, 1"}[target.isa]
    for at in _returns(lines):
        for register in target.abi.callee_saved:
            yield at, form.format(r=register)


def stack_moves(lines: tuple[str, ...], contract: Contract, target: Target) -> Iterator[tuple[int, str]]:
    """The stack pointer is another one at the return."""
    forms = {"x86_64": ("add rsp, 16", "sub rsp, 16", "pop rcx", "push rcx"),
             "arm64": ("add sp, sp, #16", "sub sp, sp, #16"),
             "riscv64": ("addi sp, sp, 16", "addi sp, sp, -16")}[target.isa]
    for at in _returns(lines):
        for form in forms:
            yield at, form


def early_returns(lines: tuple[str, ...], contract: Contract, target: Target) -> Iterator[tuple[int, str]]:
    for at, line in enumerate(lines):
        if line != "ret" and not line.endswith(":"):
            yield at, "ret"


def reads_out_of_bounds(lines: tuple[str, ...], contract: Contract, target: Target) -> Iterator[tuple[int, str]]:
    """A byte past the end, a byte before the start, and two bytes across the end are read and not used."""
    byte, two = {"x86_64": ("movzx r11d, byte ptr [{p} + {at}]", "movzx r11d, word ptr [{p} + {at}]"),
                 "arm64": ("ldurb w17, [{p}, #{at}]", "ldurh w17, [{p}, #{at}]"),
                 "riscv64": ("lbu t6, {at}({p})", "lhu t6, {at}({p})")}[target.isa]
    for pointer, _, size in _buffers(contract, target):
        if size < _REACH:
            yield 0, byte.format(p=pointer, at=size)
            yield 0, two.format(p=pointer, at=size - 1)
        yield 0, byte.format(p=pointer, at=-1)


def stray_writes(lines: tuple[str, ...], contract: Contract, target: Target) -> Iterator[tuple[int, str]]:
    """Into the byte past a buffer's end or before its start, into a buffer that is const, into the stack of the
    caller."""
    form = {"x86_64": "mov byte ptr [{p} + {at}], 0", "arm64": "sturb wzr, [{p}, #{at}]",
            "riscv64": "sb zero, {at}({p})"}[target.isa]
    for pointer, parameter, size in _buffers(contract, target):
        assert parameter.buffer is not None
        if size < _REACH:
            yield 0, form.format(p=pointer, at=size)
        yield 0, form.format(p=pointer, at=-1)
        if not parameter.buffer.writable:
            yield 0, form.format(p=pointer, at=0)
    above = {"x86_64": 8, "arm64": 0, "riscv64": 0}[target.isa]
    yield 0, form.format(p=target.abi.stack_pointer, at=above)
    if target.isa != "x86_64":
        # There the 128 bytes below are the function's own.
        yield 0, form.format(p=target.abi.stack_pointer, at=-8)


def _returns(lines: tuple[str, ...]) -> Iterator[int]:
    return (at for at, line in enumerate(lines) if line == "ret")


def _buffers(contract: Contract, target: Target) -> Iterator[tuple[str, Parameter, int]]:
    """Those whose pointer is in a register, with that, and their size in bytes."""
    assert contract.signature is not None
    for register, parameter in zip(target.abi.arguments, contract.signature.parameters, strict=False):
        if parameter.buffer is not None and parameter.buffer.constant_length is not None:
            yield register, parameter, parameter.buffer.constant_length * parameter.type.bytes
