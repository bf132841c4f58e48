"""The inputs of a contract whose buffers have any length, and what the contract means for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.calls import buffer_groups
from intent_tool.judge.meaning import required, written
from intent_tool.judge.meaning_facts import Here
from intent_tool.judge.meaning_numbers import Record
from intent_tool.judge.meaning_unbounded import Elements, Fold, Folds, Long, LongStream, Unbounded
from intent_tool.judge.meaning_values import Demand, NotUnderstood, Number, Sequence, Value
from intent_tool.judge.memory import INDEX_BITS
from intent_tool.judge.symbolic_inputs import Memory, element, length_parameters
from intent_tool.language import tree
from intent_tool.language.contract import Contract, Parameter

LESS_THAN = 1 << 48
"""Bytes that a buffer takes less than (language.md, "Types")."""


@dataclass(frozen=True, eq=False)
class LongMemory:
    """The bytes of one buffer of any length, or of several that start at one address."""

    graph: Graph
    parameters: tuple[Parameter, ...]
    count: Number
    """Elements of the longest one."""
    elements: Elements
    """Those that were asked for, of all buffers."""

    @property
    def name(self) -> str:
        return self.parameters[0].name

    @property
    def size(self) -> int:
        """Bytes of an element."""
        return self.parameters[0].type.bytes

    @property
    def is_writable(self) -> bool:
        return any(p.buffer is not None and p.buffer.writable for p in self.parameters)

    def initial(self, index: Term) -> Term:
        """The bits of an element on entry."""
        return self.graph.zext(self.variable(index), 8 * self.size)

    def variable(self, index: Term) -> Term:
        """What an element on entry is made of; the same index is the same variable."""
        name = f"{self.name}[{index.data if index.is_const else f'#{index.id}'}]"
        self.elements[name] = self.variable, index
        return self.graph.var(name, 1 if all(p.type.is_bool for p in self.parameters) else 8 * self.size)


@dataclass(frozen=True)
class LongMeaning:
    """What the contract says, as `meaning.Meaning`, with the folds that it is made of."""

    evaluator: Unbounded
    requires: Term
    result: Number | None
    writes: Mapping[str, tuple[Number, ...] | Callable[[Term], Number]]
    """The content of each written buffer afterwards: its elements, or the element at an index."""
    demands: tuple[Demand, ...]
    folds: tuple[Fold, ...]
    memories: tuple[LongMemory, ...]
    inputs: Mapping[str, Value]
    lengths: Mapping[str, Number]
    """Elements of each buffer."""
    short: tuple[Memory, ...]
    """The buffers of constant length."""
    last: Mapping[Term, Term]
    """For the variable that stands for any index of a written buffer, the last index: a fold that is the same at all
    of them is one that the contract asks for when it does so at the last."""

    def facts(self) -> tuple[Term, ...]:
        """What may be assumed besides `requires`."""
        return tuple(fact for fold in self.folds for fact in (*fold.facts(), *fold.grown()))

    def grown(self) -> tuple[Term, ...]:
        """What of it bounds final states by how often something was added to them."""
        return tuple(fact for fold in self.folds for fact in fold.grown())


def long_meaning(contract: Contract, graph: Graph) -> LongMeaning:
    """Raises NotUnderstood."""
    from intent_tool.language.deep import with_deep_stack

    return with_deep_stack(lambda: _Reading(contract, graph).read())


@dataclass
class _Reading:
    contract: Contract
    graph: Graph
    evaluator: Unbounded = field(init=False)
    folds: Folds = field(default_factory=Folds)
    inputs: dict[str, Value] = field(default_factory=dict)
    lengths: dict[str, Number] = field(default_factory=dict)
    memories: list[LongMemory] = field(default_factory=list)
    short: list[Memory] = field(default_factory=list)
    limits: list[Term] = field(default_factory=list)
    last: dict[Term, Term] = field(default_factory=dict)

    def read(self) -> LongMeaning:
        signature = self.contract.signature
        assert signature is not None
        folds = self.folds
        self.evaluator = Unbounded(self.contract, Record(self.graph), {}, folds)
        self.scalars()
        self.buffers()
        evaluator = self.evaluator = Unbounded(self.contract, Record(self.graph), {
            p.name: self.inputs[p.name] for p in signature.parameters}, folds)
        requires, here = required(evaluator)
        for limit in self.limits:
            requires = self.graph.and_(requires, limit)
        if here is None:
            raise NotUnderstood(self.contract.span, "a `requires` that nothing keeps")
        result: Number | None = None
        if self.contract.returns is not None and signature.result is not None:
            value = evaluator.number(self.contract.returns, evaluator.scope, here)
            result = evaluator.fitting(value, signature.result, "the result", self.contract.returns.span, here)
        writes = {name: self.written(signature.parameter(name), expression, here)
                  for name, expression in self.contract.writes.items()}
        return LongMeaning(evaluator, requires, result, writes, tuple(evaluator.record.demands.values()),
                           tuple(folds.by_meaning.values()), tuple(self.memories), self.inputs, self.lengths,
                           tuple(self.short), self.last)

    def scalars(self) -> None:
        assert self.contract.signature is not None
        of_lengths = length_parameters(self.contract)
        for p in self.contract.signature.parameters:
            if p.buffer is not None:
                continue
            if p.type.is_bool:
                self.inputs[p.name] = Number(self.graph.var(p.name, 1), 0, 1)
            elif p.name in of_lengths:
                half = 1 << (p.type.bits - 1)
                hi = min(p.type.maximum, LESS_THAN - 1)
                self.inputs[p.name] = Number(
                    self.graph.bounded_var(p.name, p.type.bits, 0, hi, -half, half - 1), 0, hi)
            else:
                self.inputs[p.name] = Number(self.graph.var(p.name, p.type.bits), p.type.minimum, p.type.maximum)

    def buffers(self) -> None:
        assert self.contract.signature is not None
        parameters = self.contract.signature.parameters
        evaluator = Unbounded(self.contract, Record(self.graph), self.inputs, Folds())
        here = Here(self.graph, evaluator.record.reads, {}, self.graph.true)
        for p in parameters:
            if p.buffer is None:
                continue
            constant = p.buffer.constant_length
            length = evaluator.const(constant) if constant is not None else evaluator.number(
                p.buffer.length, self.inputs, here)
            most = (LESS_THAN - 1) // p.type.bytes
            if length.hi > most:
                self.limits.append(self.graph.not_(evaluator.less(evaluator.const(most), length)))
                length = Number(length.term, length.lo, most)
            self.lengths[p.name] = length
        for group in buffer_groups(self.contract):
            members = tuple(parameters[i] for i in group)
            first = members[0]
            if all(self.lengths[p.name].lo == self.lengths[p.name].hi for p in members):
                self._short(members)
                continue
            if any(p.type.bytes != first.type.bytes or p.type.is_bool != first.type.is_bool
                   or self.lengths[p.name] != self.lengths[first.name] for p in members):
                raise NotUnderstood(self.contract.span, "aliased buffers of different lengths or element sizes")
            memory = LongMemory(self.graph, members, self.lengths[first.name], self.folds.elements)
            self.memories.append(memory)
            for p in members:
                self.inputs[p.name] = Long(memory.count, lambda k, here, p=p, memory=memory: (  # type: ignore[misc]
                    element_of(self.graph, p, memory.initial(k.at(self.graph, INDEX_BITS)))))

    def _short(self, members: tuple[Parameter, ...]) -> None:
        """Buffers of constant length, as `symbolic_inputs` has them."""
        longest = max(members, key=lambda p: self.lengths[p.name].hi * p.type.bytes)
        content: list[Term] = []
        for k in range(self.lengths[longest.name].hi):
            name = f"{longest.name}[{k}]"
            value = self.graph.zext(self.graph.var(name, 1), 8) if longest.type.is_bool else (
                self.graph.var(name, longest.type.bits))
            content += [self.graph.extract(value, 8 * j + 7, 8 * j) for j in range(longest.type.bytes)]
        self.short.append(Memory(members, tuple(content)))
        for p in members:
            size = p.type.bytes
            self.inputs[p.name] = Sequence(tuple(
                element(self.graph, p, content[k * size:(k + 1) * size]) for k in range(self.lengths[p.name].hi)))

    def written(self, p: Parameter, expression: tree.Expression, here: Here
                ) -> tuple[Number, ...] | Callable[[Term], Number]:
        evaluator, length = self.evaluator, self.lengths[p.name]
        if length.lo == length.hi:
            return written(evaluator, p, length.hi, expression, here)
        span = expression.span
        stream = evaluator.stream(expression, evaluator.scope, here)
        if not isinstance(stream, LongStream) or not stream.is_plain:
            raise NotUnderstood(span, f"the content of {p.name} given one by one")
        place = evaluator.demand(here, "length", span, f"the content of {p.name} has as many elements as the buffer",
                                 evaluator.equals(stream.rounds, length))

        def final(index: Number) -> Number:
            inside = place.learn(evaluator.less(index, length))
            if inside is None:
                raise NotUnderstood(span, "an element that there never is")
            value = evaluator.integer(stream.items(index, inside)[0][1], span)
            return evaluator.fitting(value, p.type, f"every element of {p.name}", span, inside)

        def quietly(index: Term) -> Number:
            with evaluator.quiet():
                return final(Number(index, 0, length.hi - 1))
        if length.hi > 0:
            anywhere = evaluator.index(f"index of {p.name}", length)
            self.last[anywhere.term] = self.graph.sub(length.at(self.graph, INDEX_BITS),
                                                      self.graph.const(1, INDEX_BITS))
            final(anywhere)
        return quietly


def element_of(graph: Graph, p: Parameter, bits: Term) -> Number:
    """The number that the bits of an element of `p` are."""
    return element(graph, p, [graph.extract(bits, 8 * j + 7, 8 * j) for j in range(p.type.bytes)])


