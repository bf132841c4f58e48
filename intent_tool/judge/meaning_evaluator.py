"""The walk over a contract's expressions."""

from __future__ import annotations

from intent_tool.judge.bitvector import Term
from intent_tool.judge.meaning_definitions import Definitions
from intent_tool.judge.meaning_facts import Here
from intent_tool.judge.meaning_numbers import Record
from intent_tool.judge.meaning_streams import Env
from intent_tool.judge.meaning_values import Nothing, NotUnderstood, Number, Sequence, Value
from intent_tool.language import tree
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import Span

MOST_STEPS = 200_000
"""Evaluations of an expression."""
MOST_TERMS = 400_000


class Evaluator(Definitions):
    """Evaluates the expressions of one contract."""

    def __init__(self, contract: Contract, record: Record, scope: Env) -> None:
        super().__init__(contract, record, scope)
        self.literals: dict[tree.Node, Sequence] = {}

    # Values.

    def eval(self, node: tree.Expression, env: Env, here: Here) -> Value:
        record = self.record
        record.steps += 1
        if record.steps > MOST_STEPS or len(self.graph) - record.first_term > MOST_TERMS:
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
                found = self.contains(left, operand, env, place, node.span)
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

    def contains(self, element: Value, node: tree.Expression, env: Env, here: Here, span: Span) -> Term:
        """Whether the element is in the sequence that `node` is; `span` is that of the comparison."""
        if isinstance(node, tree.Call) and node.function == "range":
            return self.in_range(element, node, env, here)
        return self.found(self.stream(node, env, here), lambda value: self.same(element, value, node.span), here)
