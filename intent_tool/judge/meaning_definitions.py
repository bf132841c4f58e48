"""Functions: the definitions of `where`, lambdas, and the functions of used contracts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from intent_tool.judge.meaning_bounds import close_bounds
from intent_tool.judge.meaning_facts import Here, Interval, Key
from intent_tool.judge.meaning_functions import Functions
from intent_tool.judge.meaning_numbers import Record
from intent_tool.judge.meaning_streams import LAZY, Env, Stream
from intent_tool.judge.meaning_values import Demand, NotUnderstood, Number, Sequence, Value
from intent_tool.language import tree
from intent_tool.language.contract import Contract, ScalarType
from intent_tool.language.diagnostics import Span

MOST_REMEMBERED = 8
"""Evaluations of one definition with the same arguments that are remembered."""

Demands: TypeAlias = dict[tuple[object, ...], Demand]


@dataclass(frozen=True, slots=True)
class Remembered:
    """An evaluation of a definition, and what it depended on besides its arguments."""

    arguments: tuple[Value, ...]
    reads: Mapping[Key, Interval | None]
    value: Value
    demands: Demands
    """With guards that hold where the definition is evaluated at all."""


class Definitions(Functions):
    """The functions of one contract. `scope` has its parameters."""

    def __init__(self, contract: Contract, record: Record, scope: Env) -> None:
        super().__init__(record)
        self.contract, self.scope = contract, scope
        self.memory: dict[tuple[object, ...], list[Remembered]] = {}
        self.lazy: set[str] = set()
        for name, definition in contract.where.items():
            if self.is_lazy(definition.body):
                self.lazy.add(name)

    def is_lazy(self, node: tree.Expression) -> bool:
        match node:
            case tree.Comprehension():
                return not node.is_list
            case tree.Conditional():
                return self.is_lazy(node.then) or self.is_lazy(node.otherwise)
            case tree.CallDefinition():
                return node.name in self.lazy
            case tree.Call():
                return node.function in LAZY
        return False

    def of(self, contract: Contract, scope: Env) -> Definitions:
        """An evaluator of the same kind for a used contract."""
        return type(self)(contract, self.record, scope)

    def apply(self, function: tree.Expression, arguments: list[Value], env: Env, here: Here) -> Value:
        match function:
            case tree.Lambda():
                bound = dict(zip(function.parameters, arguments, strict=True))
                return self.eval(function.body, {**env, **bound}, here)
            case tree.FunctionReference(kind="definition"):
                return self.definition(function.name, arguments, here)
            case tree.FunctionReference(kind="intent"):
                return self.used(function.name, arguments, function.span, here)
            case tree.FunctionReference():
                return self.extreme(function.name, arguments[0], arguments[1], function.span)
        raise NotUnderstood(function.span, "this function")

    def stream_of_definition(self, node: tree.CallDefinition, env: Env, here: Here) -> Stream:
        """Evaluated at once where that demands nothing, so that it is done once only; else as it is walked over."""
        arguments = [self.eval(a, env, here) for a in node.arguments or ()]
        remembered = self.remembered(node.name, arguments, here)
        if not remembered.demands:
            return self.stream_of(self.sequence(remembered.value, node.span))
        definition = self.contract.where[node.name]
        bound = dict(zip(definition.parameters or (), arguments, strict=True))
        return self.stream(definition.body, {**self.scope, **bound}, here)

    def definition(self, name: str, arguments: list[Value], here: Here) -> Value:
        remembered = self.remembered(name, arguments, here)
        self.restate(remembered.demands, here)
        return remembered.value

    def remembered(self, name: str, arguments: list[Value], here: Here) -> Remembered:
        """The evaluation of a definition, done before where everything that it depends on was the same."""
        key = (name, *((a.term.id, a.lo, a.hi) if isinstance(a, Number) else id(a) for a in arguments))
        known = self.memory.setdefault(key, [])
        get = here.bounds.get
        for entry in known:
            if all(get(read) == interval for read, interval in entry.reads.items()):
                here.reads.keys.update(entry.reads)
                return entry
        definition = self.contract.where[name]
        env = {**self.scope, **dict(zip(definition.parameters or (), arguments, strict=True))}
        value, demands, reads = self.apart(lambda place: self.eval(definition.body, env, place), here)
        entry = Remembered(tuple(arguments), {read: get(read) for read in reads}, value, demands)
        known.append(entry)
        del known[:-MOST_REMEMBERED]
        return entry

    def apart(self, evaluate: Callable[[Here], Value], here: Here) -> tuple[Value, Demands, set[Key]]:
        """A value, with what it demands and the intervals it depends on, whatever led here."""
        record = self.record
        demands, reads = record.demands, record.reads.keys
        record.demands, record.reads.keys = {}, set()
        try:
            value = evaluate(here.apart())
            return value, record.demands, record.reads.keys
        finally:
            reads.update(record.reads.keys)
            record.demands, record.reads.keys = demands, reads

    def restate(self, demands: Demands, here: Here) -> None:
        for demand in demands.values():
            self.demand(here.under(demand.guard), demand.kind, demand.span, demand.message, demand.holds)

    def used(self, name: str, arguments: list[Value], span: Span, here: Here) -> Number:
        """A call of a used contract: its formula, where the arguments are what it takes and requires."""
        callee = self.contract.uses.get(name)
        if callee is None or callee.signature is None or callee.returns is None:
            raise NotUnderstood(span, f"a call of `{name}`, which has no formula")
        scope: dict[str, Value] = {}
        for parameter, value in zip(callee.signature.parameters, arguments, strict=True):
            what = f"the argument `{parameter.name}` of {name}"
            if parameter.buffer is None:
                scope[parameter.name] = self.fitting(self.integer(value, span), parameter.type, what, span, here)
            else:
                content = self.gathered(self.sequence(value, span), span)
                elements: list[Value] = []
                for element, present in zip(content.values, self.presence(content), strict=True):
                    number, place = self.integer(element, span), here.learn(present)
                    elements.append(number if place is None else self.fitting(
                        number, parameter.type, f"every element of {what}", span, place))
                scope[parameter.name] = Sequence(tuple(elements), content.start, content.count)
        inner = self.of(callee, scope)
        for parameter in callee.signature.parameters:
            given = scope[parameter.name]
            if parameter.buffer is not None and isinstance(given, Sequence):
                length = inner.number(parameter.buffer.length, scope, here)
                here = self.demand(here, "length", span, f"the argument `{parameter.name}` of {name} has as many "
                                   "elements as it needs", self.equals(self.length(given), length))
        for predicate in callee.requires:
            condition = inner.condition(predicate, scope, here)
            here = self.demand(here, "requires", span, f"what {name} requires of its arguments holds", condition)
        return inner.number(callee.returns, scope, here)

    def fitting(self, number: Number, type: ScalarType, what: str, span: Span, here: Here) -> Number:
        """The number, demanded to fit a type."""
        if number.lo < type.minimum or number.hi > type.maximum:
            number = self.make(number.term, *close_bounds(number, here))
        if type.minimum <= number.lo and number.hi <= type.maximum:
            return number
        self.demand(here, "fits", span, f"{what} fits {type.name}", self.within(number, type.minimum, type.maximum))
        lo, hi = max(number.lo, type.minimum), min(number.hi, type.maximum)
        return self.make(number.term, lo, hi) if lo <= hi else self.const(type.minimum)
