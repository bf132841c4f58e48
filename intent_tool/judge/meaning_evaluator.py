"""The walk over a contract's expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from intent_tool.judge.bitvector import Term
from intent_tool.judge.meaning_bounds import close_bounds
from intent_tool.judge.meaning_facts import Here, Interval, Key
from intent_tool.judge.meaning_functions import Functions
from intent_tool.judge.meaning_numbers import Record
from intent_tool.judge.meaning_streams import LAZY, Env, Stream
from intent_tool.judge.meaning_values import Demand, Nothing, NotUnderstood, Number, Sequence, Value
from intent_tool.language import tree
from intent_tool.language.contract import Contract, ScalarType
from intent_tool.language.diagnostics import Span

MOST_STEPS = 200_000
MOST_TERMS = 400_000
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


class Evaluator(Functions):
    """Evaluates the expressions of one contract. `scope` has its parameters."""

    def __init__(self, contract: Contract, record: Record, scope: Env) -> None:
        super().__init__(record)
        self.contract, self.scope = contract, scope
        self.memory: dict[tuple[object, ...], list[Remembered]] = {}
        self.literals: dict[tree.Node, Sequence] = {}
        self.most_terms = len(self.graph) + MOST_TERMS
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

    # Values.

    def eval(self, node: tree.Expression, env: Env, here: Here) -> Value:
        record = self.record
        record.steps += 1
        if record.steps > MOST_STEPS or len(self.graph) > self.most_terms:
            raise NotUnderstood(node.span, "a contract of this size, with its definitions and folds expanded")
        value = self.value(node, env, here)
        return self.refined(value, here) if isinstance(value, Number) else value

    def number(self, node: tree.Expression, env: Env, here: Here) -> Number:
        return self.integer(self.eval(node, env, here), node.span)

    def value(self, node: tree.Expression, env: Env, here: Here) -> Value:
        match node:
            case tree.Integer():
                return self.const(node.value)
            case tree.Name():
                return env[node.name]
            case tree.Binary():
                return self.binary(node, env, here)
            case tree.Call():
                return self.call(node, env, here)
            case tree.Conditional():
                return self.conditional(node, env, here)
            case tree.Compare():
                return self.flag(self.compare(node, env, here))
            case tree.Index():
                sequence = self.sequence(self.eval(node.sequence, env, here), node.span)
                return self.element(sequence, self.number(node.index, env, here), node.index.span, here)
            case tree.CallDefinition():
                return self.definition(node.name, [self.eval(a, env, here) for a in node.arguments or ()], here)
            case tree.Unary() if node.op == "not":
                return self.flag(self.graph.not_(self.condition(node.operand, env, here)))
            case tree.Unary():
                operand = self.number(node.operand, env, here)
                return (operand if node.op == "+" else self.inverted(operand, node.span) if node.op == "~" else
                        self.negative(operand, node.span))
            case tree.Logical():
                return self.logical(node.op, node.operands, env, here)
            case tree.Tuple():
                return Sequence(tuple(self.eval(item, env, here) for item in node.items))
            case tree.List():
                return self.items(node, env, here)
            case tree.Bytes():
                return Sequence(tuple(map(self.const, node.value)))
            case tree.Slice():
                sequence = self.sequence(self.eval(node.sequence, env, here), node.span)
                start = self.number(node.start, env, here) if node.start is not None else None
                stop = self.number(node.stop, env, here) if node.stop is not None else None
                return self.sliced(sequence, start, stop, node.span)
            case tree.Comprehension():
                return self.listed(self.stream_of_comprehension(node, env, here), node.span, here)
            case tree.CallIntent():
                return self.used(node.name, [self.eval(a, env, here) for a in node.arguments], node.span, here)
        raise NotUnderstood(node.span, "text, or a function, as a value")

    def items(self, node: tree.List, env: Env, here: Here) -> Sequence:
        known = self.literals.get(node)
        if known is None:
            known = Sequence(tuple(self.eval(item, env, here) for item in node.items))
            if all(isinstance(item, tree.Integer) for item in node.items):
                self.literals[node] = known
        return known

    def binary(self, node: tree.Binary, env: Env, here: Here) -> Value:
        left, right = self.eval(node.left, env, here), self.eval(node.right, env, here)
        op, span = node.op, node.span
        if isinstance(left, Nothing) or isinstance(right, Nothing):
            return Nothing()
        if not isinstance(left, Number) or not isinstance(right, Number):
            if op == "+" and isinstance(left, Sequence) and isinstance(right, Sequence):
                return self.joined(left, right, span)
            left, right = self.integer(left, span), self.integer(right, span)
        match op:
            case "+":
                return self.add(left, right, span)
            case "-":
                return self.subtract(left, right, span)
            case "*":
                return self.multiply(left, right, span)
            case "&" | "|" | "^":
                return self.bitwise(op, left, right, span)
            case "<<":
                return self.shift_left(left, self.count(right, node.right.span, here), span)
            case ">>":
                return self.shift_right(left, self.count(right, node.right.span, here), span)
            case "//":
                return self.divide(left, self.nonzero(right, node.right.span, here), span)
            case "%":
                return self.remainder(left, self.nonzero(right, node.right.span, here), span)
        return self.power(left, right, span, here)

    # Conditions.

    def condition(self, node: tree.Expression, env: Env, here: Here) -> Term:
        """The value as a condition, of width 1."""
        graph = self.graph
        match node:
            case tree.Logical():
                is_and = node.op == "and"
                result, place = graph.const(is_and, 1), here
                for operand in node.operands:
                    condition = self.condition(operand, env, place)
                    result = graph.and_(result, condition) if is_and else graph.or_(result, condition)
                    following = place.learn(condition, is_and)
                    if following is None:
                        return graph.const(not is_and, 1)
                    place = following
                return result
            case tree.Unary() if node.op == "not":
                return graph.not_(self.condition(node.operand, env, here))
            case tree.Compare():
                found = self.compare(node, env, here)
            case _:
                found = self.holds(self.eval(node, env, here))
        known = here.decided(found)
        return found if known is None else graph.const(known, 1)

    def conditional(self, node: tree.Conditional, env: Env, here: Here) -> Value:
        test = self.condition(node.test, env, here)
        if test.is_const:
            return self.eval(node.then if test.data else node.otherwise, env, here)
        values: list[Value | None] = []
        for part, truth in ((node.then, True), (node.otherwise, False)):
            if isinstance(part, tree.Integer):
                values.append(self.const(part.value))
                continue
            place = here.learn(test, truth)
            values.append(self.eval(part, env, place) if place is not None else None)
        then, otherwise = values
        if then is None or otherwise is None:
            found = then if then is not None else otherwise
            return found if found is not None else self.zero
        return self.choose(test, then, otherwise, node.span)

    def logical(self, op: str, operands: tuple[tree.Expression, ...], env: Env, here: Here) -> Value:
        """`and` and `or` as values: the operand that decides."""
        value = self.eval(operands[0], env, here)
        if len(operands) == 1:
            return value
        test = self.holds(value)
        wanted = op == "and"
        following, decided = here.learn(test, wanted), here.learn(test, not wanted)
        if following is None:
            return value
        rest = self.logical(op, operands[1:], env, following)
        if decided is None:
            return rest
        if isinstance(value, Number):
            value = self.zero if wanted else self.refined(value, decided)
        return self.choose(test, rest, value, operands[0].span) if wanted else self.choose(
            test, value, rest, operands[0].span)

    def compare(self, node: tree.Compare, env: Env, here: Here) -> Term:
        """A chain, evaluated up to the first link that fails."""
        graph = self.graph
        left = self.eval(node.first, env, here)
        result, place = graph.true, here
        for number, (op, operand) in enumerate(node.rest):
            if op in ("in", "not in"):
                is_last = number + 1 == len(node.rest)
                right = self.zero if is_last else self.eval(operand, env, place)
                found = self.contains(left, operand, env, place)
                link = found if op == "in" else graph.not_(found)
            else:
                right = self.eval(operand, env, place)
                link = self.link(op, left, right, node.span)
            result = graph.and_(result, link)
            following = place.learn(link)
            if following is None:
                return graph.false
            place, left = following, right
        return result

    def link(self, op: str, left: Value, right: Value, span: Span) -> Term:
        not_ = self.graph.not_
        match op:
            case "==":
                return self.same(left, right, span)
            case "!=":
                return not_(self.same(left, right, span))
            case "<":
                return self.before(left, right, span)
            case ">":
                return self.before(right, left, span)
            case "<=":
                return not_(self.before(right, left, span))
        return not_(self.before(left, right, span))

    def contains(self, element: Value, node: tree.Expression, env: Env, here: Here) -> Term:
        if isinstance(node, tree.Call) and node.function == "range":
            return self.in_range(element, node, env, here)
        return self.found(self.stream(node, env, here), lambda value, _: self.same(element, value, node.span), here)

    # Functions.

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
        inner = Evaluator(callee, self.record, scope)
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
