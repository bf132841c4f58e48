"""The inputs of a contract as free variables: scalars, and buffers of a known length byte by byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from intent_tool.judge.bitvector import Graph, Term, evaluate
from intent_tool.judge.calls import Arguments, buffer_groups
from intent_tool.judge.meaning import Input, Number
from intent_tool.language.contract import Contract, Parameter, ScalarType
from intent_tool.language.oracle import length_of
from intent_tool.language.tree import Name
from intent_tool.language.walk import descendants


@dataclass(frozen=True, slots=True)
class Memory:
    """The bytes of one buffer, or of several that start at one address."""

    parameters: tuple[Parameter, ...]
    content: tuple[Term, ...]

    @property
    def writable(self) -> bool:
        return any(p.buffer is not None and p.buffer.writable for p in self.parameters)


@dataclass(frozen=True, slots=True)
class SymbolicInputs:
    inputs: Mapping[str, Input]
    """What the contract's parameters are, in their order."""
    memories: tuple[Memory, ...]
    lengths: Mapping[str, int]
    """Elements of each buffer."""


def symbolic_inputs(contract: Contract, graph: Graph, fixed: Mapping[str, int]) -> SymbolicInputs:
    """`fixed` are the values of the parameters that lengths are made of; all else is free within its type."""
    assert contract.signature is not None
    parameters = contract.signature.parameters
    inputs: dict[str, Input] = {}
    lengths: dict[str, int] = {}
    for p in parameters:
        if p.buffer is None:
            inputs[p.name] = _scalar(graph, p.name, p.type, fixed.get(p.name))
        else:
            known = p.buffer.constant_length
            lengths[p.name] = known if known is not None else length_of(p.buffer.length, fixed)
    memories = []
    for group in buffer_groups(contract):
        members = tuple(parameters[i] for i in group)
        # The longest one's elements are the free variables; the others see the same bytes.
        longest = max(members, key=lambda p: lengths[p.name] * p.type.bytes)
        memory = Memory(members, tuple(_bytes(graph, longest, lengths[longest.name])))
        memories.append(memory)
        for p in members:
            size = p.type.bytes
            inputs[p.name] = tuple(element(graph, p, memory.content[k * size:(k + 1) * size])
                                   for k in range(lengths[p.name]))
    return SymbolicInputs({p.name: inputs[p.name] for p in parameters}, tuple(memories), lengths)


def element(graph: Graph, p: Parameter, content: Sequence[Term]) -> Number:
    """The number that some bytes in memory are, as an element of `p`."""
    value = content[0]
    for byte in content[1:]:
        value = graph.concat(byte, value)
    if p.type.is_bool:
        is_bit = value.op == "zext" and value.args[0].width == 1
        return Number(value.args[0], 0, 1) if is_bit else Number(value, 0, 255)
    return Number(value, p.type.minimum, p.type.maximum)


def length_parameters(contract: Contract) -> list[str]:
    """The parameters that lengths of buffers are made of."""
    assert contract.signature is not None
    found: dict[str, None] = {}
    for p in contract.signature.parameters:
        if p.buffer is not None and p.buffer.constant_length is None:
            found |= {node.name: None for node in descendants(p.buffer.length) if isinstance(node, Name)}
    return list(found)


def integer_of(number: Number, model: Mapping[str, int]) -> int:
    """The integer where the free variables have the model's values."""
    (value,) = evaluate([number.term], model)
    width = number.term.width
    return value - (1 << width) if number.lo < 0 and value >> (width - 1) else value


def arguments_of(inputs: Mapping[str, Input], model: Mapping[str, int]) -> Arguments:
    """The input that a model means."""
    return tuple(tuple(integer_of(n, model) for n in value) if isinstance(value, tuple) else integer_of(value, model)
                 for value in inputs.values())


def _scalar(graph: Graph, name: str, type_: ScalarType, fixed: int | None = None) -> Number:
    if fixed is not None:
        return Number(graph.const(fixed, type_.bits), fixed, fixed)
    if type_.is_bool:
        return Number(graph.var(name, 1), 0, 1)
    return Number(graph.var(name, type_.bits), type_.minimum, type_.maximum)


def _bytes(graph: Graph, p: Parameter, count: int) -> list[Term]:
    memory: list[Term] = []
    for k in range(count):
        value = _scalar(graph, f"{p.name}[{k}]", p.type).at(graph, p.type.bits)
        memory += [graph.extract(value, 8 * j + 7, 8 * j) for j in range(p.type.bytes)]
    return memory
