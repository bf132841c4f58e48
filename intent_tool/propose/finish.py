"""From allocated machine instructions to assembly: frame, saved registers, labels, text."""

from __future__ import annotations

from collections.abc import Callable

from intent_tool.machine.assembly import Assembly, Note, Table
from intent_tool.machine.target import Target
from intent_tool.propose.ir import Function
from intent_tool.propose.machine_ir import Code, CodeBlock, Slot, StackArgument, is_register_kind


def finish(function: Function, blocks: list[CodeBlock], slots: int, target: Target,
           notes: tuple[Note, ...] = ()) -> Assembly:
    """Lay out the frame (saved registers above the slots) and write everything as text."""
    used = {v for b in blocks for c in b.codes() for v in c.writes() if isinstance(v, str)}
    saved = [r for r in target.abi.callee_saved if r in used]
    frame = FRAMES[target.isa](saved, slots)
    lines: list[str] = list(frame.enter)
    writes_ymm = any(o.kind == "ymm" and o.role != "use" for b in blocks for c in b.codes() for o in c.row.operands)
    jumped_to = {v for b in blocks for c in b.end for v in c.values if isinstance(v, str)}
    for block in blocks:
        if block.label in jumped_to:
            lines.append(block.label + ":")
        codes = block.codes()
        for k, code in enumerate(codes):
            if code.label:
                lines.append(code.label + ":")
            if code.row.form == "ret":
                # Else code without AVX that follows would be slow (Intel's optimization manual, 11.3).
                lines += ["vzeroupper"] * writes_ymm + frame.leave
            lines.append(_text(code, codes[k + 1:], target, frame))
    tables = tuple(Table(f".Ltable{k}", size, data) for k, (size, data) in enumerate(function.tables))
    labels = {line[:-1] for line in lines if line.endswith(":")}
    return Assembly(tuple(lines), tables, tuple(note for note in notes if note.label in labels))


class _Frame:
    """`enter` and `leave` as lines; where slots and stack arguments are, in bytes above the stack pointer."""

    def __init__(self, enter: list[str], leave: list[str], arguments: int) -> None:
        self.enter, self.leave, self.arguments = enter, leave, arguments


def _x86_64(saved: list[str], slots: int) -> _Frame:
    size = 8 * slots
    enter = [f"push {r}" for r in saved] + ([f"sub rsp, {size}"] if size else [])
    leave = ([f"add rsp, {size}"] if size else []) + [f"pop {r}" for r in reversed(saved)]
    # Above the frame: the saved registers, and the return address.
    return _Frame(enter, leave, size + 8 * len(saved) + 8)


def _arm64(saved: list[str], slots: int) -> _Frame:
    size = 8 * (len(saved) + slots) + 15 & ~15
    pairs = [(saved[k:k + 2], 8 * (slots + k)) for k in range(0, len(saved), 2)]

    def each(pair: str, single: str) -> list[str]:
        # stp reaches 504 bytes; spilling further than that falls back to single stores.
        lines = []
        for registers, at in pairs:
            if len(registers) == 2 and at <= 504:
                lines.append(f"{pair} {registers[0]}, {registers[1]}, [sp, #{at}]")
            else:
                lines += [f"{single} {r}, [sp, #{at + 8 * k}]" for k, r in enumerate(registers)]
        return lines

    def move(op: str) -> list[str]:
        return [f"{op} sp, sp, #{size & 4095}"] * (size & 4095 > 0) + \
            [f"{op} sp, sp, #{size >> 12}, lsl #12"] * (size >> 12 > 0)
    return _Frame(move("sub") + each("stp", "str"), each("ldp", "ldr") + move("add"), size)


def _riscv64(saved: list[str], slots: int) -> _Frame:
    size = 8 * (len(saved) + slots) + 15 & ~15

    def move(by: int) -> list[str]:
        lines = []
        while by:
            step = max(-2048, min(2032, by))
            lines.append(f"addi sp, sp, {step}")
            by -= step
        return lines
    enter = move(-size) + [f"sd {r}, {8 * (slots + k)}(sp)" for k, r in enumerate(saved)]
    leave = [f"ld {r}, {8 * (slots + k)}(sp)" for k, r in enumerate(saved)] + move(size)
    return _Frame(enter, leave, size)


FRAMES: dict[str, Callable[[list[str], int], _Frame]] = {"x86_64": _x86_64, "arm64": _arm64, "riscv64": _riscv64}


def _text(code: Code, following: list[Code], target: Target, frame: _Frame) -> str:
    row = code.row
    if row.form == "mov r32, i32u" and code.values[1] == 0 and not _flags_wanted(following):
        name = register_name(code.values[0], "r32", target)
        return f"xor {name}, {name}"
    names: dict[str, str] = {}
    for operand, value in zip(row.operands, code.values, strict=True):
        if isinstance(value, Slot):
            names[operand.name] = str(8 * value.number)
        elif isinstance(value, StackArgument):
            names[operand.name] = str(frame.arguments + 8 * value.number)
        elif is_register_kind(operand.kind):
            names[operand.name] = register_name(value, operand.kind, target)
        else:
            names[operand.name] = str(value)
    return row.text.format(**names)


def _flags_wanted(following: list[Code]) -> bool:
    """Whether a later instruction reads the flags that hold now. At a block's end nobody does: each block that
    branches compares first."""
    for code in following:
        if "flags" in code.row.reads:
            return True
        if "flags" in code.row.writes:
            return False
    return False


def register_name(register: object, kind: str, target: Target) -> str:
    """As assembly writes it at the width of `kind`."""
    assert isinstance(register, str)
    if target.isa == "x86_64":
        from intent_tool.machine.x86_64 import register_name as x86_64_name
        return x86_64_name(register, kind)
    if target.isa == "arm64":
        if register.startswith("v"):
            from intent_tool.machine.arm64 import register_name as arm64_name
            return arm64_name(register, kind)
        if register in ("sp", "xzr"):
            return register if kind.startswith("x") else {"sp": "wsp", "xzr": "wzr"}[register]
        return ("w" if kind.startswith("w") else "x") + register[1:]
    return register
