"""A contract's meaning as terms, compared with what the oracle says, input by input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random

from intent_tool.judge.bitvector import Graph, Term, evaluate, signed
from intent_tool.judge.meaning import Demand, Input, Meaning, Number, ensured, meaning
from intent_tool.language.contract import Contract, Parameter
from intent_tool.language.oracle import Argument, Arguments, Oracle, OracleFault, length_of
from intent_tool.language.tree import Name
from intent_tool.language.walk import descendants

KINDS = {"division": {"division"}, "index": {"index"}, "shift": {"shift"}, "range": {"domain", "fits"},
         "empty": {"domain"}, "length": {"length"}, "requires": {"requires"}}
"""The kinds of demand that a fault of the oracle breaks."""
MOST_ELEMENTS = 64
"""Of all buffers whose length is variable together."""


def length_names(contract: Contract) -> frozenset[str]:
    assert contract.signature is not None
    return frozenset(n.name for p in contract.signature.parameters if p.buffer is not None
                     for n in descendants(p.buffer.length) if isinstance(n, Name))


def bound_inputs(contract: Contract, graph: Graph, lengths: Mapping[str, int]) -> dict[str, Input]:
    """A variable for each scalar and each element; the lengths are constants."""
    assert contract.signature is not None
    inputs: dict[str, Input] = {}
    for p in contract.signature.parameters:
        low, high = p.type.minimum, p.type.maximum
        if p.buffer is not None:
            count = length_of(p.buffer.length, lengths)
            inputs[p.name] = tuple(Number(graph.var(f"{p.name}[{k}]", p.type.bits), low, high) for k in range(count))
        elif p.name in lengths:
            inputs[p.name] = Number(graph.const(lengths[p.name], p.type.bits), lengths[p.name], lengths[p.name])
        else:
            inputs[p.name] = Number(graph.var(p.name, p.type.bits), low, high)
    for pair in contract.aliases:
        first, second = pair
        inputs[second] = inputs[first]
    return inputs


def assignment(contract: Contract, arguments: Arguments) -> dict[str, int]:
    """Values for the variables."""
    assert contract.signature is not None
    values: dict[str, int] = {}
    for p, argument in zip(contract.signature.parameters, arguments, strict=True):
        if isinstance(argument, tuple):
            values.update((f"{p.name}[{k}]", x & (1 << p.type.bits) - 1) for k, x in enumerate(argument))
        else:
            values[p.name] = argument & (1 << p.type.bits) - 1
    return values


def lengths_of(contract: Contract, arguments: Arguments) -> tuple[tuple[str, int], ...]:
    assert contract.signature is not None
    names = length_names(contract)
    return tuple((p.name, a) for p, a in zip(contract.signature.parameters, arguments, strict=True)
                 if p.name in names and isinstance(a, int))


def random_inputs(contract: Contract, lengths: Mapping[str, int], count: int, seed: int) -> list[Arguments]:
    """Inputs with these lengths, whether or not they keep what is required."""
    assert contract.signature is not None
    random = Random(seed)

    def value(p: Parameter) -> int:
        low, high = p.type.minimum, p.type.maximum
        small = [v for v in (0, 1, 2, 3, -1, 8, 31, 64) if low <= v <= high]
        return random.choice([low, high, *small, random.randint(low, high), random.randint(low, high)])

    found: list[Arguments] = []
    for _ in range(count):
        given: dict[str, Argument] = {}
        for p in contract.signature.parameters:
            if p.buffer is None:
                given[p.name] = lengths.get(p.name, value(p))
            else:
                given[p.name] = tuple(value(p) for _ in range(length_of(p.buffer.length, lengths)))
        for pair in contract.aliases:
            first, second = pair
            given[second] = given[first]
        found.append(tuple(given[p.name] for p in contract.signature.parameters))
    return found


class Compared:
    """One contract, for inputs of some lengths."""

    def __init__(self, contract: Contract, oracle: Oracle, lengths: Mapping[str, int]) -> None:
        self.contract, self.oracle = contract, oracle
        self.graph = Graph()
        self.inputs = bound_inputs(contract, self.graph, lengths)
        self.meaning: Meaning = meaning(contract, self.graph, self.inputs)

    def check(self, inputs: Iterable[Arguments]) -> None:
        for arguments in inputs:
            self.check_one(arguments)

    def check_one(self, arguments: Arguments) -> None:
        contract, found = self.contract, self.meaning
        numbers = [] if found.result is None else [found.result]
        numbers += [n for content in found.writes.values() for n in content]
        roots: list[Term] = [found.requires, *(n.term for n in numbers)]
        roots += [t for d in found.demands for t in (d.guard, d.holds)]
        values = evaluate(roots, assignment(contract, arguments))
        broken = broken_demands(found.demands, values[1 + len(numbers):])
        shown = f"{contract.source.text}\n{arguments}: broken {[(d.kind, d.message) for d in broken]}"
        fault, required, expected = self.expected(arguments)
        if fault is not None:
            if fault.kind != "cost":
                assert fault.kind in KINDS, f"{shown}, the oracle says {fault.kind}: {fault.message}"
                assert {d.kind for d in broken} & KINDS[fault.kind], f"{shown}, the oracle says {fault.kind}"
            return
        assert not broken or expected == "does not fit", shown
        assert bool(values[0]) == required, f"{shown}, required: {required}"
        if expected == "does not fit":
            assert any(d.kind == "fits" for d in broken), shown
        elif required:
            read = [read_number(n, v) for n, v in zip(numbers, values[1:], strict=False)]
            assert read == expected, f"{shown}\n{read}\n{expected}"
            assert all(n.lo <= v <= n.hi for n, v in zip(numbers, read, strict=True)), shown

    def expected(self, arguments: Arguments) -> tuple[OracleFault | None, bool, list[int] | str]:
        """The fault, whether the input is allowed, and the result followed by all that is written."""
        oracle, signature = self.oracle, self.contract.signature
        assert signature is not None
        try:
            if not oracle.requires(arguments):
                return None, False, []
            values: list[int] = []
            does_fit = True
            if self.contract.returns is not None and signature.result is not None:
                values.append(oracle.returns(arguments))
                does_fit = signature.result.minimum <= values[0] <= signature.result.maximum
            for name, content in oracle.writes(arguments).items():
                type = signature.parameter(name).type
                values += content
                does_fit = does_fit and all(type.minimum <= v <= type.maximum for v in content)
        except OracleFault as fault:
            return fault, False, []
        return None, True, values if does_fit else "does not fit"

    def check_ensures(self, arguments: Arguments, result: int | None, after: Mapping[str, tuple[int, ...]]) -> None:
        """`ensures` for one result and content of the written buffers, whether or not they are right."""
        signature, graph = self.contract.signature, self.graph
        assert signature is not None
        type = signature.result
        number = None if type is None else Number(graph.var("result", type.bits), type.minimum, type.maximum)
        contents = {name: tuple(Number(graph.var(f"{name}'[{k}]", p.bits), p.minimum, p.maximum)
                                for k in range(len(content)))
                    for name, content in after.items() for p in [signature.parameter(name).type]}
        condition, demands = ensured(self.contract, graph, self.inputs, number, contents)
        variables = assignment(self.contract, arguments)
        if type is not None and result is not None:
            variables["result"] = result & (1 << type.bits) - 1
        for name, content in after.items():
            bits = signature.parameter(name).type.bits
            variables.update((f"{name}'[{k}]", x & (1 << bits) - 1) for k, x in enumerate(content))
        values = evaluate([condition, *(t for d in demands for t in (d.guard, d.holds))], variables)
        broken = broken_demands(demands, values[1:])
        try:
            wanted = self.oracle.ensures(arguments, result, after)
        except OracleFault as fault:
            assert fault.kind == "cost" or {d.kind for d in broken} & KINDS[fault.kind]
            return
        assert not broken
        assert bool(values[0]) == wanted, f"{self.contract.source.text}\n{arguments}: {result} {after}"


def broken_demands(demands: tuple[Demand, ...], flags: list[int]) -> list[Demand]:
    return [d for d, guard, holds in zip(demands, flags[::2], flags[1::2], strict=True) if guard and not holds]


def read_number(number: Number, value: int) -> int:
    return value if number.lo >= 0 else signed(value, number.term.width)
