"""What a contract means, as bit-vector terms: the judge's own reading of it, by symbolic evaluation.

The expressions are evaluated as Python would, on integers whose value is a term and whose range is known. Every
integer is as wide as its range needs, so that terms of fixed width mean what unbounded integers do. Nothing here is
shared with the code that searches for machine code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.meaning_evaluator import Evaluator
from intent_tool.judge.meaning_facts import Here
from intent_tool.judge.meaning_numbers import Record
from intent_tool.judge.meaning_values import Demand, NotUnderstood, Number, Sequence, Value
from intent_tool.language import tree
from intent_tool.language.contract import Contract, Parameter
from intent_tool.language.deep import with_deep_stack

__all__ = ["Demand", "Input", "Meaning", "NotUnderstood", "Number", "ensured", "meaning"]

Input: TypeAlias = Number | tuple[Number, ...]
"""A scalar; a buffer by its elements."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """Everything but `requires` means something only where that holds, and no demand is broken."""

    requires: Term
    """Width 1: whether the inputs keep what the contract requires."""
    result: Number | None
    writes: Mapping[str, tuple[Number, ...]]
    """The whole content of each written buffer afterwards."""
    demands: tuple[Demand, ...]
    """Of `requires` (each item where the earlier ones hold), and of the result and the writes (where all hold)."""


def meaning(contract: Contract, graph: Graph, inputs: Mapping[str, Input]) -> Meaning:
    """The meaning for `inputs`, which bind every parameter. Raises NotUnderstood."""
    return with_deep_stack(lambda: _meaning(contract, graph, inputs))


def ensured(contract: Contract, graph: Graph, inputs: Mapping[str, Input], result: Number | None,
            after: Mapping[str, tuple[Number, ...]]) -> tuple[Term, tuple[Demand, ...]]:
    """The conjunction of `ensures` for a result and the written buffers' contents, of width 1, and its demands where
    the inputs keep what is required. Raises NotUnderstood."""
    return with_deep_stack(lambda: _ensured(contract, graph, inputs, result, after))


def _meaning(contract: Contract, graph: Graph, inputs: Mapping[str, Input]) -> Meaning:
    evaluator = _evaluator(contract, Record(graph), inputs)
    requires, here = required(evaluator)
    assert contract.signature is not None
    result: Number | None = None
    writes: dict[str, tuple[Number, ...]] = {}
    type = contract.signature.result
    if contract.returns is not None and type is not None:
        result = evaluator.zero
        if here is not None:
            value = evaluator.number(contract.returns, evaluator.scope, here)
            result = evaluator.fitting(value, type, "the result", contract.returns.span, here)
    for name, expression in contract.writes.items():
        content = inputs[name]
        assert isinstance(content, tuple)
        writes[name] = (evaluator.zero,) * len(content) if here is None else written(
            evaluator, contract.signature.parameter(name), len(content), expression, here)
    return Meaning(requires, result, writes, tuple(evaluator.record.demands.values()))


def _ensured(contract: Contract, graph: Graph, inputs: Mapping[str, Input], result: Number | None,
             after: Mapping[str, tuple[Number, ...]]) -> tuple[Term, tuple[Demand, ...]]:
    _, here = required(_evaluator(contract, Record(graph), inputs))
    if here is None:
        return graph.true, ()
    record = Record(graph, reads=here.reads)
    evaluator = _evaluator(contract, record, {**inputs, **after})
    scope = dict(evaluator.scope) if result is None else {**evaluator.scope, "result": result}
    conjunction = graph.true
    for predicate in contract.ensures:
        condition = evaluator.condition(predicate, scope, here)
        conjunction = graph.and_(conjunction, condition)
        following = here.learn(condition)
        if following is None:
            return graph.false, tuple(record.demands.values())
        here = following
    return conjunction, tuple(record.demands.values())


def _evaluator(contract: Contract, record: Record, inputs: Mapping[str, Input]) -> Evaluator:
    assert contract.signature is not None
    scope: dict[str, Value] = {}
    for parameter in contract.signature.parameters:
        given = inputs[parameter.name]
        scope[parameter.name] = Sequence(given) if isinstance(given, tuple) else given
    return Evaluator(contract, record, scope)


def required(evaluator: Evaluator) -> tuple[Term, Here | None]:
    """The conjunction of `requires`, and the place where it holds; None where it cannot."""
    graph, record = evaluator.graph, evaluator.record
    here = Here(graph, record.reads, {}, graph.true)
    conjunction = graph.true
    for predicate in evaluator.contract.requires:
        condition = evaluator.condition(predicate, evaluator.scope, here)
        conjunction = graph.and_(conjunction, condition)
        following = here.learn(condition)
        if following is None:
            return graph.false, None
        here = following
    return conjunction, here


def written(evaluator: Evaluator, parameter: Parameter, length: int, expression: tree.Expression,
             here: Here) -> tuple[Number, ...]:
    """The content of a buffer of `length` elements afterwards."""
    span, name = expression.span, parameter.name
    found = evaluator.listed(evaluator.stream(expression, evaluator.scope, here), span, here)
    found = evaluator.gathered(found, span)
    here = evaluator.demand(here, "length", span, f"the content of {name} has as many elements as the buffer",
                            evaluator.equals(evaluator.length(found), evaluator.const(length)))
    elements: list[Number] = []
    for value in found.values[:length]:
        element = evaluator.integer(value, span)
        elements.append(evaluator.fitting(element, parameter.type, f"every element of {name}", span, here))
    # Too few elements only where the demand above fails.
    return (*elements, *(evaluator.zero,) * (length - len(elements)))
