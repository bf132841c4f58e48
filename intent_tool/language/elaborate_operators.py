"""Operators, indexing, slices and comprehensions."""

from __future__ import annotations

from collections.abc import Sequence

from intent_tool.language import tree
from intent_tool.language.diagnostics import Span
from intent_tool.language.elaborate_folds import Folds
from intent_tool.language.elaborate_values import CannotElaborate, Env, Filtered, Group, Items, Mapped, Value
from intent_tool.language.facts import Facts
from intent_tool.language.terms import Term


class Operators(Folds):
    def unary(self, node: tree.Unary, env: Env, facts: Facts) -> Term:
        value = self.integer(node.operand, env, facts)
        if node.op == "-":
            return self.terms.binary("sub", self.terms.const(0), value)
        if node.op == "~":
            return self.terms.inv(value)
        if node.op == "not":
            return self.terms.negate(self.terms.truth(value))
        return value

    def binary(self, node: tree.Binary, env: Env, facts: Facts) -> Value:
        left, right = self.eval(node.left, env, facts), self.eval(node.right, env, facts)
        if not isinstance(left, Term) or not isinstance(right, Term):
            return self.sequence_operator(node, left, right, facts)
        return self.arithmetic(node.op, left, right, node.right.span, facts)

    def arithmetic(self, op: str, left: Term, right: Term, span: Span, facts: Facts) -> Term:
        terms = self.terms
        if op in ("//", "%"):
            if right.lo <= 0 <= right.hi and right.bare.id not in facts.not_zero:
                self.obligation("divisor", span, "the divisor is not zero")
                right = terms.assume(right, *((1, right.hi) if right.lo == 0 else (right.lo, -1) if right.hi == 0
                                              else (right.lo, right.hi)))
                if right.op == "const" and right.data == 0:
                    return terms.const(0)
            return terms.binary("floordiv" if op == "//" else "mod", left, right)
        if op in ("<<", ">>"):
            if right.lo < 0:
                self.obligation("shift", span, "the shift count is not negative")
                right = terms.assume(right, 0, max(right.hi, 0))
            return terms.binary("shl" if op == "<<" else "shr", left, right)
        if op == "**":
            return self.power(left, right, span)
        return terms.binary({"+": "add", "-": "sub", "*": "mul", "&": "and", "|": "or", "^": "xor"}[op], left, right)

    def power(self, base: Term, exponent: Term, span: Span) -> Term:
        if exponent.lo < 0:
            self.obligation("shift", span, "the exponent is not negative")
        if exponent.op != "const":
            if base.op == "const" and base.data > 0 and base.data & (base.data - 1) == 0:
                step = self.terms.const(base.data.bit_length() - 1)
                return self.terms.binary("shl", self.terms.const(1), self.terms.binary("mul", exponent, step))
            raise CannotElaborate(span, "an exponent that is not a constant")
        result, square, rest = self.terms.const(1), base, exponent.data
        if rest > 4096:
            raise CannotElaborate(span, "an exponent above 4096")
        while rest > 0:
            if rest & 1:
                result = self.terms.binary("mul", result, square)
            square, rest = self.terms.binary("mul", square, square), rest >> 1
        return result

    def sequence_operator(self, node: tree.Binary, left: Value, right: Value, facts: Facts) -> Value:
        if node.op == "+":
            parts = [self.listed(self.sequence(v, node.span), facts, node.span) for v in (left, right)]
            return Items(parts[0].items + parts[1].items)
        if node.op == "*":
            if isinstance(left, Term):
                left, right = right, left
            if isinstance(right, Term) and right.op == "const" and not isinstance(left, Term):
                part = self.listed(self.sequence(left, node.span), facts, node.span).items
                if len(part) * max(right.data, 0) <= 1 << 16:
                    return Items(part * max(right.data, 0))
        raise CannotElaborate(node.span, f"`{node.op}` of these sequences")

    # Comparisons and logic

    def compare(self, node: tree.Compare, env: Env, facts: Facts) -> Term:
        left = self.eval(node.first, env, facts)
        # Python evaluates a chain from the left and stops at the first link that fails.
        result: Term = self.terms.const(1)
        conditions: list[Term] = []
        here = facts
        for op, right_node in node.rest:
            right = self.eval(right_node, env, here)
            condition = self.link(op, left, right, node.span, here)
            conditions.append(condition)
            here = here.learn(condition)
            left = right
        for condition in reversed(conditions):
            result = self.terms.ite(condition, result, self.terms.const(0))
        return result

    def link(self, op: str, left: Value, right: Value, span: Span, facts: Facts) -> Term:
        terms = self.terms
        if op in ("in", "not in"):
            found = self.contains(left, self.sequence(right, span), facts, span)
            return found if op == "in" else terms.negate(found)
        if isinstance(left, Term) and isinstance(right, Term):
            if op in (">", ">="):
                left, right, op = right, left, {">": "<", ">=": "<="}[op]
            return terms.binary({"<": "lt", "<=": "le", "==": "eq", "!=": "ne"}[op], left, right)
        if op in ("==", "!="):
            equal = self.equal(left, right, span, facts)
            return equal if op == "==" else terms.negate(equal)
        if isinstance(left, Group) and isinstance(right, Group):
            if op in (">", ">="):
                left, right, op = right, left, {">": "<", ">=": "<="}[op]
            return self.lexicographic(left.items, right.items, op == "<=", span)
        raise CannotElaborate(span, f"`{op}` of sequences")

    def equal(self, left: Value, right: Value, span: Span, facts: Facts) -> Term:
        if isinstance(left, Term) and isinstance(right, Term):
            return self.terms.binary("eq", left, right)
        if isinstance(left, Term) or isinstance(right, Term):
            raise CannotElaborate(span, "a comparison of a sequence with a number")
        a, b = (v.items if isinstance(v, Group) else self.listed(self.sequence(v, span), facts, span).items
                for v in (left, right))
        result = self.terms.const(1 if len(a) == len(b) else 0)
        for x, y in zip(a, b, strict=False):
            result = self.terms.ite(self.equal(x, y, span, facts), result, self.terms.const(0))
        return result

    def lexicographic(self, a: Sequence[Value], b: Sequence[Value], or_equal: bool, span: Span) -> Term:
        if not a or not b:
            return self.terms.const(1 if len(a) < len(b) or (or_equal and len(a) == len(b)) else 0)
        x, y = self.number(a[0], span), self.number(b[0], span)
        return self.terms.ite(self.terms.binary("lt", x, y), self.terms.const(1), self.terms.ite(
            self.terms.binary("eq", x, y), self.lexicographic(a[1:], b[1:], or_equal, span), self.terms.const(0)))

    def contains(self, item: Value, sequence: Items | Mapped | Filtered, facts: Facts, span: Span) -> Term:
        def step(element: Value, states: tuple[Term, ...], here: Facts) -> tuple[Term, ...]:
            return (self.terms.ite(states[0], self.terms.const(1), self.equal(item, element, span, here)),)
        return self.fold(sequence, (self.terms.const(0),), step, facts, span)[0]

    def logical(self, node: tree.Logical, env: Env, facts: Facts) -> Term:
        value = self.integer(node.operands[0], env, facts)
        if len(node.operands) == 1:
            return value
        condition = self.terms.truth(value)
        rest = tree.Logical(node.span, node.op, node.operands[1:])
        if condition.op == "const":
            return self.logical(rest, env, facts) if bool(condition.data) == (node.op == "and") else value
        other = self.logical(rest, env, facts.learn(condition, node.op == "and"))
        if node.op == "and":
            return self.terms.ite(condition, other, self.terms.const(0))
        return self.terms.ite(condition, value, other)

    # Parts of sequences

    def comprehension(self, node: tree.Comprehension, env: Env, facts: Facts) -> Value:
        clause = node.clauses[0]
        if len(node.clauses) > 1 or clause.conditions:
            return Filtered(node, env)
        source = self.sequence(self.eval(clause.sequence, env, facts), clause.span)
        if isinstance(source, Filtered):
            source = self.listed(source, facts, clause.span)
        inner = source
        return Mapped(self.length(inner), lambda i, there: self.eval(
            node.element, self.bind(clause.target, self.at(inner, i, there, clause.span), env), there))

    def index(self, node: tree.Index, env: Env, facts: Facts) -> Value:
        value, i = self.eval(node.sequence, env, facts), self.integer(node.index, env, facts)
        sequence = self.sequence(value, node.span)
        if isinstance(sequence, Filtered):
            sequence = self.listed(sequence, facts, node.span)
        n, terms = self.length(sequence), self.terms
        if isinstance(value, Group) and i.op != "const":
            raise CannotElaborate(node.index.span, "an index of a tuple that is not a constant")
        if i.lo < 0:
            if not facts.less_equal(terms.binary("sub", terms.const(0), n), i):
                self.obligation("index", node.index.span, "the index is inside the sequence")
            from_end = facts.refine(terms, terms.binary("add", i, n))
            if i.hi < 0:
                i = from_end
            else:
                i = terms.ite(terms.binary("lt", i, terms.const(0)), from_end, terms.assume(i, 0, i.hi))
        elif not facts.less(i, n):
            self.obligation("index", node.index.span, "the index is inside the sequence")
        if n.hi == 0:
            return terms.const(0)
        i = terms.assume(i, 0, n.hi - 1)
        if i.op == "const" and not 0 <= i.data < n.hi:
            return terms.const(0)
        return self.at(sequence, i, facts, node.span)

    def slice(self, node: tree.Slice, env: Env, facts: Facts) -> Value:
        sequence = self.sequence(self.eval(node.sequence, env, facts), node.span)
        if isinstance(sequence, Filtered):
            sequence = self.listed(sequence, facts, node.span)
        n, terms = self.length(sequence), self.terms

        def bound(part: tree.Expression | None, default: Term) -> Term:
            if part is None:
                return default
            value = self.integer(part, env, facts)
            if value.lo < 0:
                moved = terms.binary("max", terms.binary("add", value, n), terms.const(0))
                value = terms.ite(terms.binary("lt", value, terms.const(0)), moved, terms.assume(value, 0, value.hi))
            return value
        # Where the start lies beyond the end there are no elements: only the stop has to be held back.
        start, stop = bound(node.start, terms.const(0)), bound(node.stop, n)
        stop = stop if facts.less_equal(stop, n) else terms.binary("min", stop, n)
        if isinstance(sequence, Items) and start.op == "const" and stop.op == "const":
            return Items(sequence.items[start.data:stop.data])
        length = facts.refine(terms, terms.binary("sub", stop, start))
        if length.lo < 0:
            length = terms.binary("max", length, terms.const(0))
        return Mapped(length, lambda i, there: self.at(sequence, terms.binary("add", i, start), there, node.span))
