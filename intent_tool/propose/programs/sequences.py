"""Going over sequences: the statements of a loop, or of several, with what each element comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count

from intent_tool.language import tree
from intent_tool.language.tree import Expression
from intent_tool.language.walk import descendants
from intent_tool.propose.programs import kinds
from intent_tool.propose.programs.inputs import Inputs
from intent_tool.propose.programs.resolve import opened, substitute
from intent_tool.propose.programs.script import (
    Done,
    If,
    LoadByte,
    Once,
    Operand,
    Set,
    Test,
    Variable,
    While,
)
from intent_tool.propose.programs.unparse import text_of

_INVERSE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<"}
_TESTS = ("==", "!=", "<", "<=", ">", ">=")
_numbers = count()
Each = Callable[[Expression], None]
MOST_COPIES = 32
"""Elements of a list, for each of which what is done with it is written down anew."""


class Sequences(Inputs):
    going_through: Callable[[Expression, Each], bool] | None = None
    """Another way to go over some sequences; it says whether it did."""

    def each(self, node: Expression, body: Each) -> None:
        """`body` writes what is done with an element."""
        if self.going_through is not None and self.going_through(node, body):
            return
        match node:
            case _ if self.is_bytes(node):
                self.each_byte(node, body)
            case tree.Name(name="args"):
                self.each_argument(kinds.number(node, 0), self.tree(node, self.arguments()), body)
            case tree.Slice(sequence=tree.Name(name="args")):
                count = self.tree(node, self.arguments())
                start = self.bound(node.start, count, kinds.number(node, 0))
                self.each_argument(start, self.bound(node.stop, count, count), body)
            case tree.Call(function="range"):
                self.each_number(node, body)
            case tree.Call(function="enumerate"):
                self.each_numbered(node, body)
            case tree.Call(function="reversed"):
                self.each_reversed(node.arguments[0], body)
            case tree.Call(function="zip"):
                self.each_together(node, body)
            case tree.Call(function="bytes"):
                self.each(node.arguments[0], body)
            case tree.List() | tree.Tuple() if len(node.items) <= MOST_COPIES:
                for item in node.items:
                    body(self.atom(item))
            case tree.List() | tree.Bytes():
                size = len(node.items) if isinstance(node, tree.List) else len(node.value)
                self.counted(node, 0, size, 1, lambda i: body(self.atom(tree.Index(node.span, node, i))))
            case tree.Binary(op="+"):
                self.each(node.left, body)
                self.each(node.right, body)
            case tree.Conditional():
                self.either(node.test, lambda: self.each(node.then, body), lambda: self.each(node.otherwise, body))
            case tree.Comprehension():
                self.comprehended(node, body)
            case _:
                raise self.cannot("going over a sequence of this kind", node.span)

    def comprehended(self, node: tree.Comprehension, body: Each) -> None:
        def level(number: int, env: Mapping[str, Expression]) -> None:
            if number == len(node.clauses):
                body(substitute(node.element, env))
                return
            clause = node.clauses[number]

            def each(element: Expression) -> None:
                inner = {**env, **self.bind(clause.target, element)}
                self.when([substitute(c, inner) for c in clause.conditions], lambda: level(number + 1, inner))
            self.each(substitute(clause.sequence, env), each)
        level(0, {})

    def bind(self, pattern: tree.Pattern, element: Expression) -> dict[str, Expression]:
        if pattern.name is not None:
            return {pattern.name: self.atom(element)}
        items: Sequence[Expression]
        if isinstance(element, tree.Tuple | tree.List) and len(element.items) == len(pattern.items):
            items = element.items
        else:
            items = [tree.Index(element.span, element, kinds.number(element, k)) for k in range(len(pattern.items))]
        found: dict[str, Expression] = {}
        for inner, item in zip(pattern.items, items, strict=True):
            found |= self.bind(inner, item)
        return found

    def when(self, conditions: Sequence[Expression], then: Callable[[], None]) -> None:
        if not conditions:
            then()
            return
        self.either(conditions[0], lambda: self.when(conditions[1:], then), None)

    def either(self, test: Expression, then: Callable[[], None], otherwise: Callable[[], None] | None) -> None:
        test = self.opened(test)
        match test:
            case tree.Unary(op="not"):
                self.either(test.operand, otherwise or _nothing, then)
                return
            case tree.Logical(op="or"):
                each = tuple(tree.Unary(o.span, "not", o) for o in test.operands)
                self.either(tree.Logical(test.span, "and", each), otherwise or _nothing, then)
                return
            case tree.Logical():
                self.both(test.operands, then, otherwise)
                return
        condition, fact = self.condition(test)
        text = text_of(self.plain(test)) if isinstance(test, tree.Call) else ""
        if isinstance(condition, bool):
            if condition:
                then()
            elif otherwise is not None:
                otherwise()
            return
        made = If(condition)
        with self.block(made.then):
            self.learn(fact)
            self.holding |= {text}
            self.narrow(condition.left, condition.op, condition.right)
            then()
        if otherwise is not None:
            with self.block(made.otherwise):
                self.learn(tree.Unary(test.span, "not", fact))
                self.narrow(condition.left, _INVERSE[condition.op], condition.right)
                otherwise()
        self.add(made)

    def both(self, tests: Sequence[Expression], then: Callable[[], None],
             otherwise: Callable[[], None] | None) -> None:
        """`then` where all hold, one asked after the other, so that each is known where the next is asked."""
        if otherwise is None:
            self.when(tests, then)
            return
        once = Once(next(_numbers))
        with self.block(once.body):
            def all_hold() -> None:
                then()
                self.add(Done(once.number))
            self.when(tests, all_hold)
            otherwise()
        self.add(once)

    def opened(self, test: Expression) -> Expression:
        """What a definition says, and a chain of comparisons as several of them: so more is known where it holds."""
        while isinstance(test, tree.CallDefinition):
            test = opened(test, self.program.where)
        match test:
            case tree.Compare(first=first, rest=((one, middle), (two, last))) if one in _TESTS and two in _TESTS:
                middle = self.tree(middle, self.integer(middle)) if self.kind(middle) == kinds.INTEGER else middle
                return tree.Logical(test.span, "and", (
                    kinds.compare(first, one, middle), kinds.compare(middle, two, last)))
        return test

    def condition(self, test: Expression) -> tuple[Test | bool, Expression]:
        """What is branched on, and how parts may say it: a comparison of two integers as it is, anything else by its
        value."""
        if isinstance(test, tree.Compare) and len(test.rest) == 1 and test.rest[0][0] in _TESTS \
                and self.kind(test.first) == kinds.INTEGER == self.kind(test.rest[0][1]):
            ((op, other),) = test.rest
            left, right = self.integer(test.first), self.integer(other)
            fact = kinds.compare(self.tree(test, left), op, self.tree(test, right))
            if op in (">", "<="):
                left, right = right, left
            op = {">": "<", "<=": ">="}.get(op, op)
            if isinstance(left, int) and isinstance(right, int):
                return {"==": left == right, "!=": left != right, "<": left < right, ">=": left >= right}[op], fact
            if self.are_comparable(left, right):
                return self.test(op, left, right), fact
            test = fact
        value = self.integer(test)
        fact = self.tree(test, value)
        return (bool(value) if isinstance(value, int) else self.test("!=", value, 0)), fact

    # Loops

    def counted(self, like: tree.Node, start: Operand, stop: Operand, step: int, body: Each) -> None:
        """`body` for each number from `start` until `stop` is reached or passed."""
        lows, highs = ([self.ends(x)[k] for x in (start, stop)] for k in (0, 1))
        lo, hi = (lows[0], max(highs[1] - 1, lows[0])) if step > 0 else (min(lows[1] + 1, highs[0]), highs[0])
        # The variable steps past the end once, which its type has to hold.
        beyond = max(hi, hi + step) if abs(step) > 1 else hi
        if beyond > ((1 << 63) - 1 if min(lows) < 0 else (1 << 64) - 1) or min(lo, lo + step) < -(1 << 63):
            raise self.cannot("a range that may reach the end of what 64 bits hold", like.span,
                              "bound it with min()")
        at = self.variable(min(lo, lo + step), min(max(hi, hi + step), (1 << 64) - 1))
        self.assign(at, start)
        number = self.variable(lo, hi)
        loop = While(self.test("<", at, stop) if step > 0 else self.test("<", stop, at))
        with self.block(loop.body):
            self.assign(number, at)
            here, first, last = (self.tree(like, x) for x in (number, start, stop))
            self.learn(kinds.compare(first, "<=" if step > 0 else ">=", here),
                       kinds.compare(here, "<" if step > 0 else ">", last))
            body(here)
            self.add(Set(at, at, "+" if step > 0 else "-", abs(step)))
        self.add(loop)

    def each_number(self, node: tree.Call, body: Each) -> None:
        given = [self.integer(a) for a in node.arguments]
        start, stop = (0, given[0]) if len(given) == 1 else given[:2]
        step = given[2] if len(given) == 3 else 1
        if not isinstance(step, int) or step == 0:
            raise self.cannot("a range whose step is not a constant", node.span)
        self.counted(node, start, stop, step, body)

    def each_byte(self, node: Expression, body: Each) -> None:
        source = self.bytes_of(node)

        def load(index: Expression) -> None:
            element = self.variable(0, 255)
            self.add(LoadByte(element, source.address, self.integer(index)))
            body(self.tree(node, element))
        self.counted(node, 0, source.length, 1, load)

    def each_argument(self, start: Expression, stop: Expression, body: Each) -> None:
        def one(index: Expression) -> None:
            source = self.argument(self.integer(index), index)
            body(tree.Name(index.span, source.name))
        self.counted(start, self.integer(start), self.integer(stop), 1, one)

    def each_numbered(self, node: tree.Call, body: Each) -> None:
        start: Operand = self.integer(node.arguments[1]) if len(node.arguments) == 2 else 0
        inner = node.arguments[0]
        if self.is_bytes(inner) and start == 0:
            source = self.bytes_of(inner)

            def load(index: Expression) -> None:
                element = self.variable(0, 255)
                self.add(LoadByte(element, source.address, self.integer(index)))
                body(tree.Tuple(node.span, (index, self.tree(node, element))))
            self.counted(node, 0, source.length, 1, load)
            return
        lo, _ = self.ends(start)
        number = self.variable(lo, max(lo, 1 << 48))
        self.assign(number, start)

        def one(element: Expression) -> None:
            # Kept as it is, whatever comes after it.
            here = self.copied(number)
            self.add(Set(number, number, "+", 1))
            body(tree.Tuple(node.span, (self.tree(node, here), element)))
        self.each(inner, one)

    def each_reversed(self, node: Expression, body: Each) -> None:
        if self.is_bytes(node):
            source = self.bytes_of(node)
            last = self.variable(-1, 1 << 48)
            self.add(Set(last, source.length, "-", 1))

            def load(index: Expression) -> None:
                element = self.variable(0, 255)
                self.add(LoadByte(element, source.address, self.integer(index)))
                body(self.tree(node, element))
            self.counted(node, last, -1, -1, load)
            return
        if isinstance(node, tree.Call) and node.function == "range" and len(node.arguments) < 3:
            given = [self.integer(a) for a in node.arguments]
            start, stop = (0, given[0]) if len(given) == 1 else given
            zero = kinds.number(node, 1)
            first, last_number = (self.integer(kinds.binary("-", self.tree(node, x), zero)) for x in (stop, start))
            self.counted(node, first, last_number, -1, body)
            return
        if isinstance(node, tree.List | tree.Tuple):
            self.each(tree.List(node.span, node.items[::-1]), body)
            return
        if isinstance(node, tree.Bytes):
            self.each(tree.Bytes(node.span, node.value[::-1]), body)
            return
        raise self.cannot("`reversed` of a sequence of this kind", node.span)

    def each_together(self, node: tree.Call, body: Each) -> None:
        count = kinds.call("min", *(self.tree(node, self.integer(kinds.call("len", a))) for a in node.arguments)) \
            if len(node.arguments) > 1 else kinds.call("len", node.arguments[0])
        self.counted(node, 0, self.integer(count), 1, lambda i: body(tree.Tuple(node.span, tuple(
            self.atom(tree.Index(a.span, a, i)) for a in node.arguments))))

    # Folds whose elements are found step by step

    def is_stepwise(self, node: Expression) -> bool:
        """Whether it goes over arguments, or reads numbers for each element."""
        for inner in descendants(node):
            if isinstance(inner, tree.Clause) and _goes_over_arguments(inner.sequence):
                return True
            if isinstance(inner, tree.Comprehension) and any(
                    isinstance(n, tree.Call) and n.function == "int" for n in descendants(inner.element)):
                return True
        if isinstance(node, tree.Call) and node.function == "reduce":
            return _goes_over_arguments(node.arguments[1])
        return False

    def folded(self, node: tree.Call) -> Operand:
        sequence = node.arguments[1] if node.function == "reduce" else node.arguments[0]
        zero, one = kinds.number(node, 0), kinds.number(node, 1)
        match node.function:
            case "sum" | "len":
                start = node.arguments[1] if len(node.arguments) > 1 else zero
                return self.carried([start], sequence, lambda states, x: [
                    kinds.binary("+", states[0], x if node.function == "sum" else one)])[0]
            case "any" | "all":
                first = zero if node.function == "any" else one
                return self.carried([first], sequence, lambda states, x: [
                    kinds.choice(x, states[0] if node.function == "all" else one,
                                 states[0] if node.function == "any" else zero)])[0]
            case "reduce":
                function = node.arguments[0]
                if self.kind(node) == kinds.INTEGER and isinstance(function, tree.Lambda):
                    return self.carried([node.arguments[2]], sequence, lambda states, x: [substitute(
                        function.body, dict(zip(function.parameters, (states[0], x), strict=True)))])[0]
        raise self.cannot(f"`{node.function}` over a sequence of this kind", node.span)

    def carried(self, initial: Sequence[Expression], sequence: Expression,
                step: Callable[[list[Expression], Expression], list[Expression]]) -> list[Variable]:
        """The last states of a fold."""
        states = [self.copied(self.integer(i)) for i in initial]
        # What they come to is not known before the loop is written: anything, as far as the machine goes.
        states = [self.widened(s) for s in states]
        names = [self.tree(sequence, s) for s in states]

        def one(element: Expression) -> None:
            following = [self.integer(n) for n in step(names, self.atom(element))]
            copies = [self.copied(v) if len(states) > 1 else v for v in following]
            for state, value in zip(states, copies, strict=True):
                self.assign(state, value)
        self.each(sequence, one)
        return states

    def widened(self, state: Variable) -> Variable:
        made = self.variable(-(1 << 63), (1 << 63) - 1)
        self.assign(made, state)
        return made


def _nothing() -> None:
    pass


def _goes_over_arguments(node: Expression) -> bool:
    return any(isinstance(n, tree.Name) and n.name == "args" for n in descendants(node)) and not (
        isinstance(node, tree.Index)) and not any(
        isinstance(n, tree.Index) and isinstance(n.sequence, tree.Name) and n.sequence.name == "args"
        for n in descendants(node))
