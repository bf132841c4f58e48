"""May this code run at all? A static look at every instruction and at every way through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from intent_tool.judge.decode import BRANCH, CALL, JUMP, RETURN, SYSTEM, Decoded, decode, surroundings
from intent_tool.judge.layout import Placed
from intent_tool.machine.target import Target

_SHOWN = 10
"""How many problems are listed before the rest is only counted."""


def admit_function(placed: Placed, target: Target, limits: Mapping[str, int]) -> tuple[Sequence[Decoded],
                                                                                    tuple[str, ...]]:
    """The decoded instructions of a function, and why it may not run (nothing when it may)."""
    code = placed.code
    instructions = decode(code, surroundings(target, placed))
    problems = flow_problems(instructions, len(code), target)
    problems += [_line(i, "a function may make no system call") for i in instructions if i.flow == SYSTEM]
    return instructions, (*shortened(problems), *limit_problems(instructions, len(code), limits))


def flow_problems(instructions: Sequence[Decoded], size: int, target: Target) -> list[str]:
    """What is wrong with single instructions and with the ways between them. `size` is that of the code in bytes."""
    starts = {i.offset for i in instructions}
    problems = []
    for instruction in instructions:
        reasons = list(instruction.objections)
        if instruction.mnemonic and instruction.mnemonic not in target.instructions:
            reasons.append(f"`{instruction.mnemonic}` is not among the instructions of {target.name}")
        if instruction.flow in (JUMP, BRANCH, CALL) and instruction.destination is not None:
            if not 0 <= instruction.destination < size:
                reasons.append("it jumps out of the code")
            elif instruction.destination not in starts:
                reasons.append("it jumps into the middle of an instruction")
        if instruction.offset + instruction.size == size and instruction.flow not in (JUMP, RETURN):
            reasons.append("control runs past the end of the code")
        problems += [_line(instruction, reason) for reason in reasons]
    return problems


def _line(instruction: Decoded, reason: str) -> str:
    return f"at offset {instruction.offset:#x}, {instruction.text}: {reason}"


def shortened(problems: Sequence[str]) -> list[str]:
    """The first problems, and how many more there are."""
    rest = len(problems) - _SHOWN
    return [*problems[:_SHOWN], f"and {rest} more"] if rest > 0 else list(problems)


def limit_problems(instructions: Sequence[Decoded], size: int, limits: Mapping[str, int]) -> list[str]:
    """Where the code exceeds the contract's `limits` on instructions and bytes."""
    problems = []
    if "instructions" in limits and len(instructions) > limits["instructions"]:
        problems.append(f"it has {len(instructions)} instructions, the limit is {limits['instructions']}")
    if "bytes" in limits and size > limits["bytes"]:
        problems.append(f"it has {size} bytes, the limit is {limits['bytes']}")
    return problems
