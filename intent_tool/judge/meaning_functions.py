"""The built-in functions."""

from __future__ import annotations

from intent_tool.judge.bitvector import Term
from intent_tool.judge.meaning_facts import Here
from intent_tool.judge.meaning_folds import Folds
from intent_tool.judge.meaning_sequences import MOST_ELEMENTS
from intent_tool.judge.meaning_streams import Env, Stream, Walk
from intent_tool.judge.meaning_values import NotUnderstood, Number, Sequence, Value
from intent_tool.language import tree
from intent_tool.language.diagnostics import Span
from intent_tool.language.vocabulary import CASTS

MOST_EXPONENT_BITS = 128
"""Of `pow`."""


class Functions(Folds):
    def apply(self, function: tree.Expression, arguments: list[Value], env: Env, here: Here) -> Value:
        raise NotImplementedError

    def call(self, node: tree.Call, env: Env, here: Here) -> Value:
        function, given, span = node.function, node.arguments, node.span
        if function in CASTS:
            return self.wrapped(self.number(given[0], env, here), *CASTS[function])
        match function:
            case "zip" | "enumerate" | "range":
                return self.listed(self.stream(node, env, here), span, here)
            case "len":
                if isinstance(given[0], tree.Call) and given[0].function == "range":
                    return self.range_ends(given[0], env, here)[3]
                return self.length(self.sequence(self.eval(given[0], env, here), span))
            case "any" | "all":
                wanted = function == "any"
                found = self.found(self.stream(given[0], env, here), lambda value: (
                    self.holds(value) if wanted else self.graph.not_(self.holds(value))), here)
                return self.flag(found if wanted else self.graph.not_(found))
            case "sum":
                return self.sum(node, env, here)
            case "min" | "max" if len(given) == 1:
                return self.extreme_of(node, env, here)
            case "min" | "max":
                values = [self.eval(a, env, here) for a in given]
                result = values[0]
                for value in values[1:]:
                    result = self.extreme(function, result, value, span)
                return result
            case "reduce":
                stream = self.stream(given[1], env, here)
                initial = self.eval(given[2], env, here)
                return self.folded(stream, initial, lambda state, value, there: self.apply(
                    given[0], [state, value], env, there), span, here)
            case "next":
                stream = self.stream(given[0], env, here)
                default = self.eval(given[1], env, here)
                return self.first(stream, default, span, here)
            case "reversed":
                return self.reversed(self.listed(self.stream(given[0], env, here), span, here), span)
            case "sorted":
                return self.ordered(self.listed(self.stream(given[0], env, here), span, here), span)
            case "bytes":
                return self.bytes(node, env, here)
        return self.arithmetic_call(node, [self.number(a, env, here) for a in given], here)

    def arithmetic_call(self, node: tree.Call, numbers: list[Number], here: Here) -> Value:
        span = node.span
        match node.function:
            case "abs":
                return self.absolute(numbers[0], span)
            case "divmod":
                divisor = self.nonzero(numbers[1], node.arguments[1].span, here)
                return Sequence((self.divide(numbers[0], divisor, span), self.remainder(numbers[0], divisor, span)))
            case "pow":
                base, exponent, modulus = numbers
                return self.modular_power(base, exponent, modulus, span, here)
            case "bits":
                x, high, low = numbers
                return self.field(x, high, low, span, here)
            case "popcount" | "parity" | "clz" | "ctz" | "bswap" | "bitrev" | "rotl" | "rotr":
                return self.vocabulary(node.function, numbers, span, here)
        raise NotUnderstood(span, f"`{node.function}` in a function's contract")

    # Ranges.

    def range_ends(self, node: tree.Call, env: Env, here: Here) -> tuple[Number, Number, int, Number]:
        """Start, stop, step and length of a range."""
        numbers = [self.number(a, env, here) for a in node.arguments]
        start, stop = (numbers[0], numbers[1]) if len(numbers) > 1 else (self.zero, numbers[0])
        if len(numbers) == 3 and numbers[2].lo != numbers[2].hi:
            raise NotUnderstood(node.arguments[2].span, "a step that is not a constant")
        step = numbers[2].lo if len(numbers) == 3 else 1
        span = node.span
        if step == 0:
            self.demand(here, "domain", node.arguments[2].span, "the step of range() is not zero", self.graph.false)
            return start, stop, 1, self.zero
        distance = self.subtract(stop, start, span) if step > 0 else self.subtract(start, stop, span)
        rounds = self.divide(self.linear([(1, distance)], abs(step) - 1, span), self.const(abs(step)), span)
        return start, stop, step, self.refined(self.greatest(self.refined(rounds, here), self.zero, span), here)

    def stream_of_range(self, node: tree.Call, env: Env, here: Here) -> Stream:
        start, stop, step, count = self.range_ends(node, env, here)
        return self.started(self.walk_range(start, stop, step, count, node.span), count)

    def walk_range(self, start: Number, stop: Number, step: int, count: Number, span: Span) -> Walk:
        yield self.graph.false, self.zero
        lo, hi = (start.lo, stop.hi - 1) if step > 0 else (stop.lo + 1, start.hi)
        for k in range(count.hi):
            if k == MOST_ELEMENTS:
                raise NotUnderstood(span, f"a range of more than {MOST_ELEMENTS} elements")
            value = self.linear([(1, start)], k * step, span)
            # Where it is an element, it lies between the two ends.
            value = self.make(value.term, max(value.lo, lo), min(value.hi, hi))
            yield self.less(self.const(k), count), value

    def in_range(self, element: Value, node: tree.Call, env: Env, here: Here) -> Term:
        """``element in range(…)``, by arithmetic."""
        start, stop, step, _ = self.range_ends(node, env, here)
        if not isinstance(element, Number):
            return self.graph.false
        graph = self.graph
        if step > 0:
            inside = graph.and_(graph.not_(self.less(element, start)), self.less(element, stop))
        else:
            inside = graph.and_(graph.not_(self.less(start, element)), self.less(stop, element))
        if abs(step) == 1:
            return inside
        offset = self.remainder(self.subtract(element, start, node.span), self.const(abs(step)), node.span)
        return graph.and_(inside, self.equals(offset, self.zero))

    # Others.

    def bytes(self, node: tree.Call, env: Env, here: Here) -> Sequence:
        found = self.listed(self.stream(node.arguments[0], env, here), node.span, here)
        values: list[Value] = []
        for element, present in zip(found.values, self.presence(found), strict=True):
            value = self.integer(element, node.span)
            place = here.learn(present)
            if place is not None and (value.lo < 0 or value.hi > 255):
                self.demand(place, "domain", node.span, "every element of bytes() is from 0 to 255",
                            self.within(value, 0, 255))
            values.append(self.make(value.term, max(value.lo, 0), min(max(value.hi, 0), 255)))
        return Sequence(tuple(values), found.start, found.count, found.present)

    def within(self, number: Number, lo: int, hi: int) -> Term:
        below, above = self.less(number, self.const(lo)), self.less(self.const(hi), number)
        return self.graph.not_(self.graph.or_(below, above))

    def modular_power(self, base: Number, exponent: Number, modulus: Number, span: Span, here: Here) -> Number:
        """By squaring, from the exponent's top bit down."""
        modulus = self.nonzero(modulus, span, here)
        if exponent.lo < 0 or exponent.hi.bit_length() > MOST_EXPONENT_BITS:
            raise NotUnderstood(span, "an exponent of pow() that is negative, or too large")
        base = self.remainder(base, modulus, span)
        result = self.remainder(self.one, modulus, span)
        for k in reversed(range(exponent.hi.bit_length())):
            bit = self.graph.extract(exponent.at(self.graph, k + 1), k, k)
            square = self.remainder(self.multiply(result, result, span), modulus, span)
            if bit.is_const and not bit.data:
                result = square
                continue
            product = self.remainder(self.multiply(square, base, span), modulus, span)
            result = self.choose_number(bit, product, square, span)
        return result
