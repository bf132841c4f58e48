"""Symbolic execution of single instructions over a machine state of terms.

An instruction means what its p-code says (pcode.py), or what semantics_x86_64.py, semantics_arm64.py and
semantics_riscv64.py say where p-code is wrong, silent or unwieldy. Only forms that those list are executed.
"""

from __future__ import annotations

from collections.abc import Callable

from intent_tool.judge import pcode
from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.instruction import Instruction, Isa, Memory, Run, Step
from intent_tool.judge.lift import lift
from intent_tool.judge.pcode import Program
from intent_tool.machine.target import Target

__all__ = ["Instruction", "Memory", "Semantics", "Step", "isa_of"]


def isa_of(name: str) -> Isa:
    if name == "x86_64":
        from intent_tool.judge.semantics_x86_64 import X86_64
        return X86_64
    if name == "arm64":
        from intent_tool.judge.semantics_arm64 import ARM64
        return ARM64
    if name == "riscv64":
        from intent_tool.judge.semantics_riscv64 import RISCV64
        return RISCV64
    raise ValueError(f"no semantics for {name}")


class Semantics:
    """Lifts and executes the instructions of one target; makes its terms in one graph."""

    def __init__(self, target: Target, graph: Graph) -> None:
        self.target, self.graph = target, graph
        self.isa = isa_of(target.isa)
        self.registers = self.isa.registers
        """Names and widths of all that makes up the machine's state besides memory."""
        self.locate: Callable[[Instruction, int], Term] = lambda _instruction, address: graph.const(address, 64)
        """The term for an address that an instruction computes from its own."""
        self._undefined = 0
        self._binary: list[Callable[[Term, Term], Term]] = [
            self._carry if name == "carry" else getattr(graph, name) for name in pcode.BINARY]

    def lift(self, code: bytes, address: int) -> dict[int, Instruction]:
        """The instructions of a function that stands at `address`, by absolute address. Raises `Refused`."""
        return lift(code, address, self.target, self.isa)

    def execute(self, instruction: Instruction, state: dict[str, Term], memory: Memory) -> Step:
        """Executes one instruction: changes `state` and `memory`."""
        step = Step(destination=instruction.destination)
        if instruction.program is not None:
            self._run(instruction, instruction.program, state, memory, step)
        else:
            assert instruction.own is not None
            instruction.own.meaning(Run(self.graph, instruction, state, memory, step, self.undefined, self.locate),
                                    instruction.operands)
        return step

    def undefined(self, width: int) -> Term:
        """A variable of which nothing is known, and that is used nowhere else."""
        self._undefined += 1
        return self.graph.var(f"undefined.{self._undefined}", width)

    def _run(self, instruction: Instruction, program: Program, state: dict[str, Term], memory: Memory,
             step: Step) -> None:
        graph, binary = self.graph, self._binary
        slots: list[Term] = [graph.true] * program.slots
        for slot, value, width in program.constants:
            slots[slot] = graph.const(value, width)
        for slot, name in program.reads:
            slots[slot] = state[name]
        for kind, out, a, b, c in program.operations:
            if kind < len(binary):
                slots[out] = binary[kind](slots[a], slots[b])
                if kind in pcode.DIVISIONS:
                    step.timing += [slots[a], slots[b]]
            elif kind == pcode.EXTRACT:
                slots[out] = graph.extract(slots[a], b, c)
            elif kind == pcode.ZEXT:
                slots[out] = graph.zext(slots[a], b)
            elif kind == pcode.SEXT:
                slots[out] = graph.sext(slots[a], b)
            elif kind == pcode.NOT:
                slots[out] = graph.not_(slots[a])
            elif kind == pcode.NEG:
                slots[out] = graph.neg(slots[a])
            elif kind == pcode.ITE:
                slots[out] = graph.ite(slots[a], slots[b], slots[c])
            elif kind == pcode.LOAD:
                slots[out] = memory.load(slots[a], b)
            elif kind == pcode.STORE:
                memory.store(slots[a], slots[b])
            else:
                slots[out] = self._rare(kind, slots[a], b, instruction)
        for name, slot in program.writes:
            state[name] = slots[slot]
        if program.condition is not None:
            step.condition = slots[program.condition]

    def _rare(self, kind: int, a: Term, b: int, instruction: Instruction) -> Term:
        graph = self.graph
        match kind:
            case pcode.POPCOUNT:
                return graph.popcount(a, b)
            case pcode.CLZ:
                return graph.clz(a, b)
            case pcode.LOCATE:
                return self.locate(instruction, instruction.address + b & (1 << 64) - 1)
            case pcode.BIT:
                assert a.hi <= 1, f"{instruction.text}: a truth value may be neither 0 nor 1"
                return graph.extract(a, 0, 0)
            case pcode.COUNT:
                largest = graph.const((1 << b) - 1, a.width)
                return graph.extract(graph.ite(graph.ult(a, largest), a, largest), b - 1, 0)
        raise AssertionError(kind)

    def _carry(self, a: Term, b: Term) -> Term:
        """Whether the unsigned sum does not fit: whether b is more than what is left above a."""
        graph = self.graph
        if a.op == "const":
            a, b = b, a
        if b.op == "const":
            return graph.not_(graph.ult(a, graph.neg(b))) if b.data else graph.false
        return graph.ult(graph.not_(b), a)
