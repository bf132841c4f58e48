"""Calls of built-in functions, casts and the bit vocabulary."""

from __future__ import annotations

from collections.abc import Sequence

from intent_tool.language import tree
from intent_tool.language.elaborate_operators import Operators
from intent_tool.language.elaborate_values import (
    CannotElaborate,
    Env,
    Filtered,
    Function,
    Group,
    Items,
    Mapped,
    Value,
    flatten,
    unflatten,
)
from intent_tool.language.facts import Facts
from intent_tool.language.terms import Term

CASTS = {"u8": (8, False), "u16": (16, False), "u32": (32, False), "u64": (64, False),
         "i8": (8, True), "i16": (16, True), "i32": (32, True), "i64": (64, True)}


class Calls(Operators):
    def call(self, node: tree.Call, env: Env, facts: Facts) -> Value:
        arguments = [self.eval(a, env, facts) for a in node.arguments]
        return getattr(self, "call_" + node.function, self.call_bits)(node, arguments, facts)

    def call_bits(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        """Casts and the bit vocabulary."""
        terms, name = self.terms, node.function
        numbers = [self.number(v, n.span) for v, n in zip(arguments, node.arguments, strict=True)]
        x = numbers[0]
        if name in CASTS:
            return terms.wrap(x, *CASTS[name])
        if name == "bits":
            high, low = numbers[1:]
            if low.lo < 0 or not facts.less_equal(low, high):
                self.obligation("domain", node.span, "bits(x, high, low) needs high >= low >= 0")
                low = terms.assume(low, 0, low.hi)
            if high.op != "const" or low.op != "const":
                size = terms.binary("add", terms.binary("sub", high, low), terms.const(1))
                size = terms.assume(size, 0, size.hi)
                mask = terms.binary("add", terms.binary("shl", terms.const(1), size), terms.const(-1))
            else:
                mask = terms.const((1 << max(high.data - low.data + 1, 0)) - 1)
            return terms.binary("and", terms.binary("shr", x, low), mask)
        if name not in ("popcount", "parity", "clz", "ctz", "bitrev", "bswap", "rotl", "rotr"):
            raise CannotElaborate(node.span, f"`{name}(...)`")
        width = 0
        if name not in ("popcount", "parity"):
            if numbers[-1].op != "const":
                raise CannotElaborate(node.span, f"a width of `{name}` that is not a constant")
            width = numbers[-1].data * (8 if name == "bswap" else 1)
        if x.lo < 0 or (width and x.hi >= 1 << width):
            fits = f"fits {width} bits" if width else "is not negative"
            self.obligation("domain", node.arguments[0].span, f"the argument of {name} {fits}")
            x = terms.assume(x, 0, (1 << width) - 1 if width else x.hi)
            if x.lo < 0 or (width and x.hi >= 1 << width):
                # The interval lies wholly outside: the place cannot be reached with a right input.
                return terms.const(0)
        if not width and x.hi >= 1 << 64:
            raise CannotElaborate(node.span, f"`{name}` of a number above 64 bits")
        return terms.bits(name, width, x, *numbers[1:-1]) if width else terms.bits(name, 0, x)

    def call_abs(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        return self.terms.abs(self.number(arguments[0], node.span))

    def call_min(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        op = node.function
        if len(arguments) > 1:
            result = self.number(arguments[0], node.span)
            for value in arguments[1:]:
                result = self.terms.binary(op, result, self.number(value, node.span))
            return result
        sequence = self.sequence(arguments[0], node.span)
        if isinstance(sequence, Filtered):
            # The first element that passes starts the fold; until then there is none.
            found, best = self.fold(sequence, (self.terms.const(0), self.terms.const(0)), lambda v, s, f: (
                self.terms.const(1), self.terms.ite(s[0], self.terms.binary(op, s[1], self.number(v, node.span)),
                                                    self.number(v, node.span))), facts, node.span)
            if found.op != "const":
                self.obligation("domain", node.span, f"{op}() has at least one element")
            return best
        count = facts.refine(self.terms, self.length(sequence))
        if count.lo < 1 and not facts.less(self.terms.const(0), count):
            self.obligation("domain", node.span, f"{op}() has at least one element")
            if count.hi < 1:
                return self.terms.const(0)
        first = self.number(self.at(sequence, self.terms.const(0), facts, node.span), node.span)
        rest = Items(sequence.items[1:]) if isinstance(sequence, Items) else Mapped(
            self.terms.binary("max", self.terms.binary("add", count, self.terms.const(-1)), self.terms.const(0)),
            lambda i, there: self.at(sequence, self.terms.binary("add", i, self.terms.const(1)), there, node.span))
        return self.fold(rest, (first,), lambda v, s, f: (
            self.terms.binary(op, s[0], self.number(v, node.span)),), facts, node.span)[0]

    call_max = call_min

    def call_sum(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        start = self.number(arguments[1], node.span) if len(arguments) > 1 else self.terms.const(0)
        return self.fold(self.sequence(arguments[0], node.span), (start,), lambda v, s, f: (
            self.terms.binary("add", s[0], self.number(v, node.span)),), facts, node.span)[0]

    def call_any(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        return self.fold(self.sequence(arguments[0], node.span), (self.terms.const(0),), lambda v, s, f: (
            self.terms.ite(s[0], self.terms.const(1), self.terms.truth(self.number(v, node.span))),),
            facts, node.span)[0]

    def call_all(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        return self.fold(self.sequence(arguments[0], node.span), (self.terms.const(1),), lambda v, s, f: (
            self.terms.ite(s[0], self.terms.truth(self.number(v, node.span)), self.terms.const(0)),),
            facts, node.span)[0]

    def call_len(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        sequence = self.sequence(arguments[0], node.span)
        if isinstance(sequence, Filtered):
            return self.fold(sequence, (self.terms.const(0),), lambda v, s, f: (
                self.terms.binary("add", s[0], self.terms.const(1)),), facts, node.span)[0]
        return self.length(sequence)

    def call_range(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        terms = self.terms
        numbers = [self.number(v, node.span) for v in arguments]
        start, stop = (terms.const(0), numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])
        step = numbers[2] if len(numbers) > 2 else terms.const(1)
        if step.op != "const":
            raise CannotElaborate(node.span, "a step of `range` that is not a constant")
        if step.data == 0:
            self.obligation("domain", node.span, "the step of range() is not zero")
            return Items(())
        distance = terms.binary("sub", stop, start) if step.data > 0 else terms.binary("sub", start, stop)
        distance = facts.refine(terms, distance)
        rounds = terms.binary("floordiv", terms.binary("add", distance, terms.const(abs(step.data) - 1)),
                              terms.const(abs(step.data)))
        length = rounds if rounds.lo >= 0 else terms.binary("max", rounds, terms.const(0))

        def at(i: Term, there: Facts) -> Term:
            value = terms.binary("add", start, terms.binary("mul", i, step))
            # Every element lies between the two ends.
            lo, hi = (start.lo, stop.hi - 1) if step.data > 0 else (stop.lo + 1, start.hi)
            return there.refine(terms, terms.assume(value, lo, hi))
        return Mapped(length, at)

    def call_enumerate(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        sequence = self.indexable(arguments[0], node.span, facts)
        start = self.number(arguments[1], node.span) if len(arguments) > 1 else self.terms.const(0)
        return Mapped(self.length(sequence), lambda i, there: Group(
            (self.terms.binary("add", i, start), self.at(sequence, i, there, node.span))))

    def call_zip(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        parts = [self.indexable(v, node.span, facts) for v in arguments]
        length = self.length(parts[0])
        for part in parts[1:]:
            other = self.length(part)
            if not facts.less_equal(length, other):
                length = other if facts.less_equal(other, length) else self.terms.binary("min", length, other)
        return Mapped(length, lambda i, there: Group(tuple(self.at(p, i, there, node.span) for p in parts)))

    def call_reversed(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        sequence = self.indexable(arguments[0], node.span, facts)
        last = self.terms.binary("add", self.length(sequence), self.terms.const(-1))
        return Mapped(self.length(sequence), lambda i, there: self.at(
            sequence, there.refine(self.terms, self.terms.assume(
                self.terms.binary("sub", last, i), 0, max(last.hi, 0))), there, node.span))

    def call_sorted(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        items = [self.number(v, node.span) for v in
                 self.listed(self.sequence(arguments[0], node.span), facts, node.span).items]
        for low, high in _sorting_network(len(items)):
            a, b = items[low], items[high]
            items[low], items[high] = self.terms.binary("min", a, b), self.terms.binary("max", a, b)
        return Items(tuple(items))

    def call_divmod(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        a, b = (self.number(v, node.span) for v in arguments)
        span = node.arguments[1].span
        quotient = self.arithmetic("//", a, b, span, facts)
        mark = len(self.open)
        remainder = self.arithmetic("%", a, b, span, facts)
        del self.open[mark:]
        return Group((quotient, remainder))

    def call_pow(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        numbers = [self.number(v, node.span) for v in arguments]
        if len(numbers) == 2:
            return self.power(numbers[0], numbers[1], node.span)
        base, exponent, modulus = numbers
        if exponent.lo < 0:
            self.obligation("shift", node.arguments[1].span, "the exponent of pow(a, b, m) is not negative")
            exponent = self.terms.assume(exponent, 0, max(exponent.hi, 0))
        span, terms = node.arguments[2].span, self.terms
        base = self.arithmetic("%", base, modulus, span, facts)
        result = self.arithmetic("%", terms.const(1), modulus, span, facts)
        modulus = terms.assume(modulus, 1, modulus.hi) if modulus.lo == 0 else modulus
        bits = max(exponent.hi, 0).bit_length()
        if bits > 64:
            raise CannotElaborate(node.span, "an exponent above 64 bits")

        def step(k: Value, states: tuple[Term, ...], here: Facts) -> tuple[Term, ...]:
            bit = terms.binary("and", terms.binary("shr", exponent, self.number(k, span)), terms.const(1))
            square = terms.binary("mod", terms.binary("mul", states[0], states[0]), modulus)
            times = terms.binary("mod", terms.binary("mul", square, base), modulus)
            return (terms.ite(bit, times, square),)
        down = Mapped(terms.const(bits), lambda i, there: terms.binary("sub", terms.const(bits - 1), i))
        return self.fold(down, (result,), step, facts, node.span)[0]

    def call_reduce(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        function, sequence = arguments[0], self.sequence(arguments[1], node.span)
        if not isinstance(function, Function):
            raise CannotElaborate(node.span, "`reduce` with something that is not a function")
        if len(arguments) > 2:
            initial = arguments[2]
        else:
            items = self.indexable(sequence, node.span, facts)
            count = facts.refine(self.terms, self.length(items))
            if count.lo < 1 and not facts.less(self.terms.const(0), count):
                self.obligation("domain", node.span, "reduce() without a start has at least one element")
                if count.hi < 1:
                    return self.terms.const(0)
            initial = self.at(items, self.terms.const(0), facts, node.span)
            shorter = self.terms.binary("max", self.terms.binary("add", count, self.terms.const(-1)),
                                        self.terms.const(0))
            sequence = Mapped(shorter, lambda i, there: self.at(
                items, self.terms.binary("add", i, self.terms.const(1)), there, node.span))
        states = tuple(flatten(initial, node.span))

        def step(element: Value, current: tuple[Term, ...], here: Facts) -> tuple[Term, ...]:
            value, rest = unflatten(initial, current)
            assert not rest
            following = tuple(flatten(function.call((value, element), here), node.span))
            if len(following) != len(current):
                raise CannotElaborate(node.span, "`reduce` with a state that changes its shape")
            return following
        return unflatten(initial, self.fold(sequence, states, step, facts, node.span))[0]

    def call_next(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        default = arguments[1]
        states = (self.terms.const(0), *flatten(default, node.span))

        def step(element: Value, current: tuple[Term, ...], here: Facts) -> tuple[Term, ...]:
            values = flatten(element, node.span)
            return (self.terms.const(1), *(self.terms.ite(current[0], old, new)
                                           for old, new in zip(current[1:], values, strict=True)))
        final = self.fold(self.sequence(arguments[0], node.span), states, step, facts, node.span)
        return unflatten(default, final[1:])[0]

    def call_bytes(self, node: tree.Call, arguments: Sequence[Value], facts: Facts) -> Value:
        return self.sequence(arguments[0], node.span)


def _sorting_network(n: int) -> list[tuple[int, int]]:
    """Compare-exchanges of Batcher's odd-even merge sort (Knuth, TAOCP 3, 5.2.2, algorithm M)."""
    pairs: list[tuple[int, int]] = []
    top = 1 << max(n - 1, 0).bit_length() >> 1
    p = top
    while p > 0:
        q, r, d = top, 0, p
        while d > 0:
            pairs += [(i, i + d) for i in range(n - d) if i & p == r]
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return pairs
