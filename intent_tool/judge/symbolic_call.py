"""One call with symbolic arguments: registers, memory and the contract's inputs, from the same free variables.

The calling conventions are those of calls.py. What an ABI leaves undefined (the upper bits of narrow arguments, all
other registers, flags, the stack below) is a free variable of its own, so a proof covers whatever it holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.layout import Placed
from intent_tool.judge.meaning import Number
from intent_tool.judge.memory import Layout, Region
from intent_tool.judge.memory_unbounded import LongRegion
from intent_tool.judge.semantics import Instruction, Semantics
from intent_tool.judge.symbolic_inputs import SymbolicInputs
from intent_tool.judge.symbolic_lengths import LongMemory
from intent_tool.language.contract import Contract, ScalarType
from intent_tool.machine.target import Target

ARGUMENT_SLOTS = {"x86_64": 8, "arm64": 0, "riscv64": 0}
"""Bytes from the stack pointer on entry to the first argument on the stack: x86-64 has the return address there
(AMD64 ABI 3.2.2, AAPCS64 6.8.2, RISC-V psABI)."""
RED_ZONE = {"x86_64": 128, "arm64": 0, "riscv64": 0}
"""Bytes below the stack pointer that a function may use (AMD64 ABI 3.2.2)."""


@dataclass(frozen=True, slots=True)
class SymbolicCall:
    """Everything before the first instruction."""

    registers: dict[str, Term]
    layout: Layout
    given: SymbolicInputs
    buffers: Mapping[str, Region]
    """The memory of each buffer parameter."""
    stack: Term
    return_address: Term
    stack_arguments: range
    """Offsets from the stack pointer on entry of what the caller passed."""


def symbolic_call(contract: Contract, target: Target, graph: Graph, semantics: Semantics, placed: Placed,
                  given: SymbolicInputs, long_memories: Sequence[LongMemory] = ()) -> SymbolicCall:
    """The call with these inputs, and with buffers of any length."""
    assert contract.signature is not None
    parameters = contract.signature.parameters
    registers = {name: graph.var(f"junk.{name}", width) for name, width in semantics.registers}
    if "df" in registers:
        # AMD64 ABI 3.2.1: the direction flag is clear on entry.
        registers["df"] = graph.false
    stack = graph.var("entry.stack", 64)
    registers[target.abi.stack_pointer] = stack
    return_address = graph.var("entry.return", 64)
    if target.abi.link_register is not None:
        registers[target.abi.link_register] = return_address
    layout = Layout(graph)
    buffers: dict[str, Region] = {}
    for memory in given.memories:
        name = " and ".join(p.name for p in memory.parameters)
        base = graph.var(f"address.{memory.parameters[0].name}", 64)
        region = layout.add(Region(name, base, 0, len(memory.content), memory.writable, memory.content.__getitem__,
                                   "buffer"))
        buffers |= {p.name: region for p in memory.parameters}
    for long in long_memories:
        name = " and ".join(p.name for p in long.parameters)
        extent = graph.linear([(long.size, long.count.at(graph, 64))], 0, 64)
        base = graph.var(f"address.{long.name}", 64)
        region = layout.add(LongRegion(name, base, 0, 0, long.is_writable, _unknown, "buffer", extent, long.size,
                                       long.initial))
        buffers |= {p.name: region for p in long.parameters}
    words: list[Term] = []
    for p in parameters:
        value = given.inputs[p.name]
        words.append(passed(graph, value, p.type, target, f"junk.above.{p.name}") if isinstance(value, Number) else
                     buffers[p.name].base)
    in_registers = target.abi.arguments
    for name, word in zip(in_registers, words, strict=False):
        registers[name] = word
    on_stack = words[len(in_registers):]
    first = ARGUMENT_SLOTS[target.isa]
    _frame(graph, layout, stack, return_address, on_stack, first)
    _constants(graph, layout, semantics, placed)
    return SymbolicCall(registers, layout, given, buffers, stack, return_address,
                        range(first + 8 * len(on_stack)))


def passed(graph: Graph, number: Number, type_: ScalarType, target: Target, junk: str) -> Term:
    """The 64 bits of the register or slot that an argument is passed in."""
    value = number.at(graph, type_.bits)
    if type_.bits == 64:
        return value
    if target.abi.narrow_values == "sign-extended":
        if type_.signed:
            return graph.sext(value, 64)
        # RISC-V psABI: extended by its own sign to 32 bits, then sign-extended.
        return graph.sext(value, 64) if type_.bits == 32 else graph.zext(value, 64)
    return graph.concat(graph.var(junk, 64 - type_.bits), value)


def _unknown(at: int) -> Term:
    raise AssertionError("a byte of a buffer of any length by its number")


def _frame(graph: Graph, layout: Layout, stack: Term, return_address: Term, on_stack: Sequence[Term],
           first: int) -> None:
    passed_bytes: list[Term] = []
    for word in [return_address, *on_stack] if first else on_stack:
        passed_bytes += [graph.extract(word, 8 * j + 7, 8 * j) for j in range(8)]

    def initial(at: int) -> Term:
        return passed_bytes[at] if 0 <= at < len(passed_bytes) else graph.var(f"junk.stack[{at}]", 8)
    layout.add(Region("the stack", stack, 0, 1 << 16, True, initial, "frame"))


def _constants(graph: Graph, layout: Layout, semantics: Semantics, placed: Placed) -> None:
    """The tables, at free addresses: a linked file's keep their distance to the code, an object's have none."""
    image = placed.image
    fixups = {f.offset: f for f in image.fixups}
    starts = [start for start, _ in placed.tables]
    code = graph.var("address.code", 64)
    bases = [code if image.linked else graph.var(f"address.constants.{k}", 64) for k in range(len(starts))]
    for base, start, block in zip(bases, starts, image.blocks, strict=True):
        distance = start - placed.entry if image.linked else 0
        content = block.data
        layout.add(Region("its constants", base, distance, len(content), False,
                          lambda at, data=content: graph.const(data[at], 8), "constants"))  # type: ignore[misc]

    def locate(instruction: Instruction, address: int) -> Term:
        """A relocated field means its table, wherever that will be; all else means the place beside the code."""
        inside = range(instruction.address - placed.entry, instruction.address - placed.entry + instruction.size)
        fixup = next((fixups[offset] for offset in inside if offset in fixups), None)
        if fixup is None or fixup.block is None:
            return graph.add(code, graph.const(address - placed.entry, 64))
        return graph.add(bases[fixup.block], graph.const(address - starts[fixup.block], 64))
    semantics.locate = locate
