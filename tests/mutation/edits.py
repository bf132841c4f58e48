"""The single changes to a function's assembly that a mistake in making it might have come to, by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from assembly_line import NUMBER, Line, parse, register_class, resized
from edit_tables import (
    ACCESS_WIDTHS,
    ARM_CONDITIONAL,
    ARM_INVERTED,
    COMMUTATIVE,
    CONDITIONS,
    EXTENSIONS,
    RISCV_CONDITIONS,
    RISCV_TURNED,
    WITHOUT_DESTINATION,
)
from intrusions import clobbers, early_returns, reads_out_of_bounds, stack_moves, stray_writes

from intent_tool.language.contract import Contract
from intent_tool.machine.target import Target


@dataclass(frozen=True)
class Edit:
    """Puts `lines` in the place of `count` lines from `at` on."""

    kind: str
    at: int
    count: int
    lines: tuple[str, ...]

    def applied(self, lines: tuple[str, ...]) -> tuple[str, ...]:
        return (*lines[:self.at], *self.lines, *lines[self.at + self.count:])


def edits(lines: tuple[str, ...], contract: Contract, target: Target) -> Iterator[Edit]:
    """Every one of them. Some do not assemble, some change nothing, some come to the same."""
    for at, text in enumerate(lines):
        if text.endswith(":"):
            continue
        line = parse(text)
        for kind, change in LINE_KINDS.items():
            for new in change(line, target.isa):
                if new != line:
                    yield Edit(kind, at, 1, (str(new),))
        yield Edit("dropped instruction", at, 1, ())
    yield from _wrong_registers(lines, target.isa)
    yield from _exchanged_lines(lines)
    for kind, intrusion in INTRUSIONS.items():
        for at, new_text in intrusion(lines, contract, target):
            yield Edit(kind, at, 0, (new_text,))


def _operand_swaps(line: Line, isa: str) -> Iterator[Line]:
    """Two registers exchanged, unless they are sources whose order does not matter."""
    first_source = 0 if line.mnemonic in WITHOUT_DESTINATION else 1
    for i, j in combinations(range(len(line.operands)), 2):
        first, second = line.operands[i], line.operands[j]
        if register_class(first, isa) is None or register_class(second, isa) is None:
            continue
        # The third source of a multiply-add is another matter than its factors.
        if i >= first_source and j <= 2 and line.mnemonic in COMMUTATIVE[isa]:
            continue
        yield line.with_operand(i, second).with_operand(j, first)


def _wrong_conditions(line: Line, isa: str) -> Iterator[Line]:
    name, operands = line.mnemonic, line.operands
    if isa == "riscv64":
        for other in RISCV_CONDITIONS.get(name, ()):
            yield Line(other, operands)
        if name in RISCV_TURNED:
            yield Line(RISCV_TURNED[name], (operands[1], operands[0], *operands[2:]))
        return
    table = CONDITIONS[isa]
    if isa == "arm64":
        if name in ARM_INVERTED:
            yield Line(ARM_INVERTED[name], operands)
        if name in ARM_CONDITIONAL:
            for other in table.get(operands[-1], ()):
                yield line.with_operand(len(operands) - 1, other)
    for prefix in ("b.",) if isa == "arm64" else ("cmov", "set", "j"):
        if name.startswith(prefix):
            for other in table.get(name.removeprefix(prefix), ()):
                yield Line(prefix + other, operands)


def _off_by_one(line: Line, isa: str) -> Iterator[Line]:
    for index, operand in enumerate(line.operands):
        for number in NUMBER.finditer(operand):
            for step in (1, -1):
                changed = f"{operand[:number.start()]}{int(number[0], 0) + step}{operand[number.end():]}"
                yield line.with_operand(index, changed)


def _wrong_extensions(line: Line, isa: str) -> Iterator[Line]:
    name, operands = line.mnemonic, line.operands
    for other in EXTENSIONS[isa].get(name, ()):
        yield Line(other, operands)
    if isa == "x86_64":
        if name == "movsxd":
            yield Line("mov", (resized(operands[0], isa, "64", "32"), *operands[1:]))
        elif name in ("cqo", "cdq"):
            yield Line("xor", ("edx", "edx"))
        elif name in ("mul", "imul") and len(operands) == 1:
            yield Line({"mul": "imul", "imul": "mul"}[name], operands)
    if isa == "arm64":
        if name == "sxtw":
            yield Line("mov", (resized(operands[0], isa, "x", "w"), *operands[1:]))
        for index, operand in enumerate(operands):
            if operand[:4] in ("uxtb", "uxth", "uxtw", "sxtb", "sxth", "sxtw"):
                yield line.with_operand(index, ("s" if operand[0] == "u" else "u") + operand[1:])


def _wrong_widths(line: Line, isa: str) -> Iterator[Line]:
    table = ACCESS_WIDTHS[isa]
    if isa != "x86_64":
        for other in table.get(line.mnemonic, ()):
            yield Line(other, line.operands)
    if isa == "arm64":
        for old, new in (("w", "x"), ("x", "w")):
            yield Line(line.mnemonic, tuple(resized(o, isa, old, new) for o in line.operands))
    if isa == "x86_64":
        for old, new in (("32", "64"), ("64", "32")):
            yield _x86_resized(line, old, new)
        for index, operand in enumerate(line.operands):
            word, _, rest = operand.partition(" ")
            for other in table.get(word, ()) if rest else ():
                yield line.with_operand(index, f"{other} {rest}")
            if line.mnemonic in ("movzx", "movsx") and index == 1:
                yield line.with_operand(1, resized(operand, isa, "8", "16"))
                yield line.with_operand(1, resized(operand, isa, "16", "8"))


def _x86_resized(line: Line, old: str, new: str) -> Line:
    memory = {"32": "dword ptr", "64": "qword ptr"}
    return Line(line.mnemonic, tuple(
        resized(o, "x86_64", old, new).replace(memory[old], memory[new]) for o in line.operands))


def _wrong_registers(lines: tuple[str, ...], isa: str) -> Iterator[Edit]:
    """Each register replaced by each other one of its width that the function uses."""
    parsed = {at: parse(text) for at, text in enumerate(lines) if not text.endswith(":")}
    names = dict.fromkeys(o for line in parsed.values() for o in line.operands)
    used = {name: register_class(name, isa) for name in names}
    for at, line in parsed.items():
        for index, operand in enumerate(line.operands):
            for other, kind in used.items():
                if kind is not None and kind == used[operand] and other != operand:
                    yield Edit("wrong register", at, 1, (str(line.with_operand(index, other)),))


def _exchanged_lines(lines: tuple[str, ...]) -> Iterator[Edit]:
    for at in range(len(lines) - 1):
        first, second = lines[at:at + 2]
        if first != second and not first.endswith(":") and not second.endswith(":"):
            yield Edit("exchanged lines", at, 2, (second, first))


LINE_KINDS: dict[str, Callable[[Line, str], Iterator[Line]]] = {
    "operand swap": _operand_swaps,
    "wrong condition": _wrong_conditions,
    "off by one": _off_by_one,
    "wrong extension": _wrong_extensions,
    "wrong width": _wrong_widths,
}
INTRUSIONS: dict[str, Callable[[tuple[str, ...], Contract, Target], Iterator[tuple[int, str]]]] = {
    "clobbered register": clobbers,
    "out-of-bounds read": reads_out_of_bounds,
    "stray write": stray_writes,
    "stack pointer off": stack_moves,
    "early return": early_returns,
}
EDIT_KINDS = (*LINE_KINDS, "dropped instruction", "wrong register", "exchanged lines", *INTRUSIONS)
