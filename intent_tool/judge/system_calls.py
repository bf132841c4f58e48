"""Which system calls a program makes, read off its code.

A program may read, write, get memory and exit, and nothing else. The number must be seen to be a constant at each
call, and so must what is asked of memory: none of it may be executable, or hold a file. So a program that has not
been run yet is known to be harmless, as long as it returns to where it was called from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from intent_tool.judge.decode import BRANCH, CALL, JUMP, PLAIN, RETURN, SYSTEM, Decoded

_GENERIC = {63: "read", 64: "write", 222: "mmap", 215: "munmap", 216: "mremap", 93: "exit", 94: "exit_group"}
SYSTEM_CALLS: Mapping[str, Mapping[int, str]] = {
    "x86_64": {0: "read", 1: "write", 9: "mmap", 11: "munmap", 25: "mremap", 60: "exit", 231: "exit_group"},
    "arm64": _GENERIC,
    "riscv64": _GENERIC,
}
"""What a program may call, by number. Linux: arch/x86/entry/syscalls/syscall_64.tbl,
include/uapi/asm-generic/unistd.h."""
PROT_EXEC = 4
_ANONYMOUS = 0x22
"""MAP_PRIVATE | MAP_ANONYMOUS, on all three (include/uapi/linux/mman.h, include/uapi/asm-generic/mman-common.h)."""
_NUMBER_REGISTER = {"x86_64": ("rax", "eax", "ax", "al", "ah"), "arm64": ("x8", "w8"), "riscv64": ("a7",)}
_THIRD_REGISTER = {"x86_64": ("rdx", "edx", "dx", "dl", "dh"), "arm64": ("x2", "w2"), "riscv64": ("a2",)}
_FOURTH_REGISTER = {"x86_64": ("r10", "r10d", "r10w", "r10b"), "arm64": ("x3", "w3"), "riscv64": ("a3",)}
_WHOLE = frozenset({"rax", "eax", "rdx", "edx", "r10", "r10d"})
"""Writing to other names of these registers keeps a part of them (SDM volume 1, 3.4.1.1)."""
_WRITES_FIRST_OPERAND = {
    "x86_64": frozenset({"mov", "movabs", "movzx", "lea", "xor", "add", "sub", "inc", "dec", "and", "or", "shl",
                         "shr", "neg"}),
    "arm64": frozenset({"mov", "movz", "movk", "adrp", "add", "sub", "ldr", "ldrb", "lsl", "lsr", "str", "strb",
                        "cmp"}),
    "riscv64": frozenset({"addi", "addiw", "lui", "auipc", "add", "sub", "ld", "lb", "lbu", "slli", "srli", "sd",
                          "sb"}),
}
"""Instructions known to change no register but their first operand; a look back ends at any other."""


def with_exits(instructions: Sequence[Decoded], isa: str, entry: int) -> list[Decoded]:
    """The instructions, with the system calls that end the program marked as leaving the code. `entry` is the
    offset at which the program starts."""
    numbers = call_numbers(instructions, isa, entry)
    return [replace(i, flow=RETURN) if SYSTEM_CALLS[isa].get(numbers.get(i.offset) or 0, "").startswith("exit") else i
            for i in instructions]


def system_call_problems(instructions: Sequence[Decoded], isa: str, entry: int) -> list[str]:
    """One line for each system call that is not seen to be an accepted one."""
    accepted = SYSTEM_CALLS[isa]
    joins = _joins(instructions, entry)
    problems = []
    for at, instruction in enumerate(instructions):
        if instruction.flow != SYSTEM:
            continue
        number = _constant_at(instructions, at, joins, _NUMBER_REGISTER[isa], isa)
        reason = None
        if isa == "arm64" and instruction.text != "svc #0":
            reason = "a system call is `svc #0`"
        elif number is None:
            reason = "the system call's number is not seen to be a constant"
        elif number not in accepted:
            reason = f"system call {number} is not accepted; a program may {', '.join(accepted.values())}"
        elif accepted[number] == "mmap":
            reason = _mapping_problem(_constant_at(instructions, at, joins, _THIRD_REGISTER[isa], isa),
                                      _constant_at(instructions, at, joins, _FOURTH_REGISTER[isa], isa))
        if reason is not None:
            problems.append(f"at offset {instruction.offset:#x}, {instruction.text}: {reason}")
    return problems


def call_numbers(instructions: Sequence[Decoded], isa: str, entry: int) -> dict[int, int | None]:
    """The number of each system call by its offset; None where it is not seen to be a constant."""
    joins = _joins(instructions, entry)
    return {i.offset: _constant_at(instructions, at, joins, _NUMBER_REGISTER[isa], isa)
            for at, i in enumerate(instructions) if i.flow == SYSTEM}


def _mapping_problem(rights: int | None, flags: int | None) -> str | None:
    if rights is None:
        return "the rights that mmap is asked for are not seen to be a constant"
    if rights & PROT_EXEC:
        return "it maps executable memory"
    if flags is None:
        return "the flags of mmap are not seen to be a constant"
    if flags != _ANONYMOUS:
        return f"the flags of mmap are {flags:#x}, must be {_ANONYMOUS:#x} (private and anonymous)"
    return None


def _joins(instructions: Sequence[Decoded], entry: int) -> set[int | None]:
    """The offsets that are reached from elsewhere than the instruction before."""
    return {entry, *(i.destination for i in instructions if i.flow in (JUMP, BRANCH, CALL))}


def _constant_at(instructions: Sequence[Decoded], at: int, joins: Collection[int | None], names: Collection[str],
                 isa: str) -> int | None:
    """The constant in the register called `names` before the instruction with index `at`, if it is seen to be one."""
    if instructions[at].offset in joins:
        return None
    for position in range(at - 1, -1, -1):
        instruction = instructions[position]
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
    """What an instruction with these operands leaves in all of its first one, if that is a constant."""
    value = None
    if isa == "x86_64" and operands[0] in _WHOLE:
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
