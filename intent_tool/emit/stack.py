"""How deep a function's stack frame is, read off its listing."""

from __future__ import annotations

import re

from intent_tool.machine.assembly import MachineCode
from intent_tool.machine.target import Target

# Bytes that an instruction moves the stack pointer down by; negative patterns are the way back up.
_MOVES: dict[str, tuple[tuple[str, int], ...]] = {
    "x86_64": ((r"sub rsp, (\w+)", 1), (r"add rsp, (\w+)", -1), (r"push \w+", 8), (r"pop \w+", -8)),
    "arm64": ((r"sub sp, sp, #(\w+)", 1), (r"add sp, sp, #(\w+)", -1),
              (r"st[rp] .*\[sp, #-(\w+)\]!", 1), (r"ld[rp] .*\[sp\], #(\w+)", -1)),
    "riscv64": ((r"(?:c\.)?addi(?:16sp)? sp, (?:sp, )?-(\w+)", 1), (r"(?:c\.)?addi(?:16sp)? sp, (?:sp, )?(\w+)", -1)),
}
_WRITES = {
    "x86_64": r"(?:mov|lea|and|or|xor|neg|imul|xchg|leave)\b ?rsp\b|leave|enter",
    "arm64": r"(?:mov|and|add|sub|ldr) sp,",
    "riscv64": r"[\w.]+ sp,",
}


def stack_bytes(code: MachineCode, target: Target) -> int | None:
    """The largest depth in bytes below the stack pointer at entry; None when the frame is not of constant size.

    Instructions are taken in the order in which they stand, which is right for one prologue and its epilogues."""
    depth = deepest = 0
    for instruction in code.instructions:
        text = " ".join(instruction.text.lower().split())
        for pattern, unit in _MOVES[target.isa]:
            found = re.fullmatch(pattern, text)
            if found:
                depth += unit * int(found[1], 0) if found.groups() else unit
                break
        else:
            if re.match(_WRITES[target.isa], text):
                return None
        deepest = max(deepest, depth)
        if text in ("ret", "c.jr ra", "jr ra"):
            depth = deepest  # What follows a return is another path, with the whole frame still there.
    return deepest
