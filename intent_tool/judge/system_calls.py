"""Which system calls a program makes, read off its code.

A program may read, write and exit, and nothing else. The number must be seen to be a constant at each call, so
that a program that has not been run yet is known to be harmless.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from intent_tool.judge.decode import BRANCH, CALL, JUMP, PLAIN, RETURN, SYSTEM, Decoded

_NAMES = {
    "x86_64": {0: "read", 1: "write", 60: "exit", 231: "exit_group"},
    "arm64": {63: "read", 64: "write", 93: "exit", 94: "exit_group"},
    "riscv64": {63: "read", 64: "write", 93: "exit", 94: "exit_group"},
}
"""Linux: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h."""
_NUMBER_REGISTER = {"x86_64": ("rax", "eax", "ax", "al", "ah"), "arm64": ("x8", "w8"), "riscv64": ("a7",)}
_WRITES_FIRST_OPERAND = {
    "x86_64": frozenset({"mov", "movabs", "movzx", "lea", "xor", "add", "sub", "inc", "dec", "and", "or"}),
    "arm64": frozenset({"mov", "movz", "movk", "adrp", "add", "sub", "ldr", "ldrb", "lsl", "lsr", "str", "strb",
                        "cmp"}),
    "riscv64": frozenset({"addi", "lui", "auipc", "add", "sub", "ld", "lb", "lbu", "slli", "srli", "sd", "sb"}),
}
"""Instructions known to change no register but their first operand; a look back ends at any other."""


def with_exits(instructions: Sequence[Decoded], isa: str) -> list[Decoded]:
    """The instructions, with the system calls that end the program marked as leaving the code."""
    numbers = _numbers(instructions, isa)
    return [replace(i, flow=RETURN) if _NAMES[isa].get(numbers.get(i.offset) or 0, "").startswith("exit") else i
            for i in instructions]


def system_call_problems(instructions: Sequence[Decoded], isa: str) -> list[str]:
    """One line for each system call that is not seen to be an accepted one."""
    problems = []
    for instruction in instructions:
        if instruction.flow != SYSTEM:
            continue
        number = _numbers(instructions, isa)[instruction.offset]
        reason = None
        if isa == "arm64" and instruction.text != "svc #0":
            reason = "a system call is `svc #0`"
        elif number is None:
            reason = "the system call's number is not seen to be a constant"
        elif number not in _NAMES[isa]:
            reason = f"system call {number} is not accepted; a program may {', '.join(_NAMES[isa].values())}"
        if reason is not None:
            problems.append(f"at offset {instruction.offset:#x}, {instruction.text}: {reason}")
    return problems


def _numbers(instructions: Sequence[Decoded], isa: str) -> dict[int, int | None]:
    """The number of each system call by its offset; None where it is not seen to be a constant."""
    joins = {i.destination for i in instructions if i.flow in (JUMP, BRANCH, CALL)}
    return {i.offset: None if i.offset in joins else _number(instructions[:at], joins, isa)
            for at, i in enumerate(instructions) if i.flow == SYSTEM}


def _number(before: Sequence[Decoded], joins: set[int | None], isa: str) -> int | None:
    """The constant in the number's register after `before`, if it is seen to be one."""
    names = _NUMBER_REGISTER[isa]
    for instruction in reversed(before):
        # An address register that moves on is a second one that changes.
        moves_on = "!" in instruction.text or "], " in instruction.text
        if instruction.flow != PLAIN or moves_on or instruction.mnemonic not in _WRITES_FIRST_OPERAND[isa]:
            return None
        operands = instruction.text.partition(" ")[2].split(", ")
        if operands[0] in names:
            return _constant(instruction.mnemonic, operands, isa)
        if instruction.offset in joins:
            return None
    return None


def _constant(mnemonic: str, operands: list[str], isa: str) -> int | None:
    value = None
    if isa == "x86_64" and operands[0] in ("eax", "rax"):
        if mnemonic == "xor" and operands[0] == operands[1]:
            return 0
        value = operands[1] if mnemonic == "mov" else None
    elif isa == "arm64":
        value = operands[1].removeprefix("#") if mnemonic in ("mov", "movz") and len(operands) == 2 else None
    elif isa == "riscv64":
        value = operands[2] if mnemonic == "addi" and operands[1] == "zero" else None
    try:
        return int(value, 0) if value is not None else None
    except ValueError:
        return None
