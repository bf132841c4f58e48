"""Programs whose output is the same on every run: write it, exit with the status.

System calls of Linux: the numbers and registers of syscall(2), "Architecture calling conventions".
"""

from __future__ import annotations

from dataclasses import dataclass

from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import error
from intent_tool.language.oracle import Oracle, OracleFault
from intent_tool.language.tree import CallDefinition, Expression, FunctionReference, Name
from intent_tool.language.walk import descendants
from intent_tool.machine.assembly import Assembly, Table
from intent_tool.machine.target import Target

EINTR = 4


def constant_program(contract: Contract, target: Target) -> Assembly | None:
    """None for a program whose output depends on its input. Raises IntentError for one without output."""
    if any(e is not None and _reads_input(contract, e, set()) for e in (contract.stdout, contract.stderr,
                                                                        contract.exit)):
        return None
    try:
        stdout, stderr, status = Oracle(contract).program((), b"")
    except OracleFault as fault:
        raise error("E507", f"the program has no output: {fault.message}", fault.span or contract.span) from None
    isa = _ISAS[target.isa]
    lines: list[str] = []
    tables: list[Table] = []
    for descriptor, data in ((1, stdout), (2, stderr)):
        if data:
            label = f".Ltable{len(tables)}"
            tables.append(Table(label, 1, data))
            lines += isa.address(label, len(tables))
            lines += isa.constant(isa.count, len(data))
            lines += _formatted(isa.write, again=f".Lwrite{len(tables)}", descriptor=descriptor, eintr=EINTR)
    lines += isa.constant(isa.status, status)
    lines += isa.exit
    if tables:
        # A write that fails ends the program with status 1, as the common tools do.
        lines += [".Lfail:", *isa.constant(isa.status, 1), isa.leave]
    return Assembly(tuple(lines), tuple(tables))


def _reads_input(contract: Contract, expression: Expression, seen: set[str]) -> bool:
    for node in descendants(expression):
        if isinstance(node, Name) and node.name in ("stdin", "args"):
            return True
        if isinstance(node, CallDefinition | FunctionReference) and node.name in contract.where \
                and node.name not in seen:
            seen.add(node.name)
            if _reads_input(contract, contract.where[node.name].body, seen):
                return True
    return False


def _formatted(lines: list[str], **values: object) -> list[str]:
    return [line.format(**values) for line in lines]


@dataclass(frozen=True)
class _Isa:
    """`write` sends what is between two registers' address and count to a descriptor, again after a short write."""

    count: str
    status: str
    write: list[str]
    exit: list[str]
    leave: str

    def address(self, label: str, number: int) -> list[str]:
        raise NotImplementedError

    def constant(self, register: str, value: int) -> list[str]:
        raise NotImplementedError


class _X86(_Isa):
    def address(self, label: str, number: int) -> list[str]:
        return [f"lea rsi, [rip + {label}]"]

    def constant(self, register: str, value: int) -> list[str]:
        return [f"mov {register}, {value}"]


class _Arm(_Isa):
    def address(self, label: str, number: int) -> list[str]:
        return [f"adrp x1, {label}", f"add x1, x1, :lo12:{label}"]

    def constant(self, register: str, value: int) -> list[str]:
        high = [f"movk {register}, #{value >> 16}, lsl #16"] if value >> 16 else []
        return [f"movz {register}, #{value & 0xFFFF}, lsl #0", *high]


class _Riscv(_Isa):
    def address(self, label: str, number: int) -> list[str]:
        return [f".Laddress{number}:", f"auipc a1, %pcrel_hi({label})", f"addi a1, a1, %pcrel_lo(.Laddress{number})"]

    def constant(self, register: str, value: int) -> list[str]:
        low = (value + 0x800 & 0xFFF) - 0x800
        if value == low:
            return [f"li {register}, {value}"]
        return [f"lui {register}, {value - low >> 12}", *([f"addiw {register}, {register}, {low}"] if low else [])]


_ISAS: dict[str, _Isa] = {
    "x86_64": _X86(
        "edx", "edi",
        ["{again}:", "mov edi, {descriptor}", "mov eax, 1", "syscall", "cmp rax, -{eintr}", "je {again}",
         "test rax, rax", "js .Lfail", "add rsi, rax", "sub rdx, rax", "jne {again}"],
        [".Lexit:", "mov eax, 60", "syscall", "jmp .Lexit"], "jmp .Lexit"),
    "arm64": _Arm(
        "x2", "x0",
        ["{again}:", "movz x0, #{descriptor}, lsl #0", "movz x8, #64, lsl #0", "svc #0", "cmn x0, #{eintr}",
         "b.eq {again}", "tbnz x0, #63, .Lfail", "add x1, x1, x0", "subs x2, x2, x0", "b.ne {again}"],
        [".Lexit:", "movz x8, #93, lsl #0", "svc #0", "b .Lexit"], "b .Lexit"),
    "riscv64": _Riscv(
        "a2", "a0",
        ["{again}:", "li a0, {descriptor}", "li a7, 64", "ecall", "addi t0, a0, {eintr}", "beqz t0, {again}",
         "bltz a0, .Lfail", "add a1, a1, a0", "sub a2, a2, a0", "bnez a2, {again}"],
        [".Lexit:", "li a7, 93", "ecall", "j .Lexit"], "j .Lexit"),
}
