"""Sequences: lengths, elements, slices, comparison, order. What is present may depend on the inputs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

from intent_tool.judge.bitvector import Term
from intent_tool.judge.meaning_bits import Bits
from intent_tool.judge.meaning_facts import Here
from intent_tool.judge.meaning_values import NOWHERE, Nothing, NotUnderstood, Number, Sequence, Value
from intent_tool.language.diagnostics import Span

MOST_ELEMENTS = 4096
"""Of one sequence."""
MOST_GATHERED = 512
"""Elements of a sequence whose places must be computed, one by one for each element."""


class Sequences(Bits):
    # Which elements there are.

    def presence(self, sequence: Sequence) -> tuple[Term, ...]:
        """For each value, whether it is an element."""
        graph = self.graph
        if sequence.present is not None:
            return sequence.present
        if sequence.count is None:
            return (graph.true,) * len(sequence.values)
        start, count = sequence.start or self.zero, sequence.count
        end = self.add(start, count, NOWHERE) if start.hi else count
        return tuple(graph.and_(graph.not_(self.less(self.const(k), start)), self.less(self.const(k), end))
                     for k in range(len(sequence.values)))

    def counted(self, present: Iterable[Term]) -> Number:
        """How many of the conditions hold."""
        return self.linear([(1, self.flag(p)) for p in present], 0, NOWHERE)

    def length(self, sequence: Sequence) -> Number:
        if sequence.is_dense:
            return self.const(len(sequence.values))
        return sequence.count if sequence.count is not None else self.counted(self.presence(sequence))

    def is_empty(self, sequence: Sequence) -> Term:
        if sequence.present is None:
            return self.graph.not_(self.truth(self.length(sequence)))
        found = self.graph.false
        for condition in sequence.present:
            found = self.graph.or_(found, condition)
        return self.graph.not_(found)

    def window(self, values: tuple[Value, ...], start: Number, count: Number) -> Sequence:
        """The values from number `start` on, `count` of them."""
        if start.lo == start.hi:
            values, start = values[start.lo:], self.zero
        if start.hi == 0:
            values = values[:count.hi]
            if count.lo == count.hi == len(values):
                return Sequence(values)
        return Sequence(values, start, count)

    def sparse(self, values: Iterable[Value], present: Iterable[Term]) -> Sequence:
        kept = [(v, p) for v, p in zip(values, present, strict=True) if not (p.is_const and not p.data)]
        values = tuple(v for v, _ in kept)
        conditions = tuple(p for _, p in kept)
        return Sequence(values) if all(p.is_const for p in conditions) else Sequence(values, present=conditions)

    def gathered(self, sequence: Sequence, span: Span) -> Sequence:
        """The same with the elements first: number k is value number k."""
        if sequence.is_dense or (sequence.count is not None and (sequence.start or self.zero).hi == 0):
            return sequence
        if sequence.count is not None:
            start, most = sequence.start or self.zero, min(sequence.count.hi, len(sequence.values))
            values = tuple(self._at(sequence.values, self.linear([(1, start)], k, span), span) for k in range(most))
            return self.window(values, self.zero, sequence.count)
        if len(sequence.values) > MOST_GATHERED:
            raise NotUnderstood(span, f"a filtered sequence of more than {MOST_GATHERED} elements, in this place")
        assert sequence.present is not None
        places: list[Value] = []
        before = self.zero
        for value, present in zip(sequence.values, sequence.present, strict=True):
            for k in range(before.lo, min(before.hi, len(places) - 1) + 1):
                here = self.graph.and_(present, self.equals(before, self.const(k)))
                places[k] = self.choose(here, value, places[k], span)
            if before.hi == len(places):
                places.append(value)
            before = self.add(before, self.flag(present), span)
        return self.window(tuple(places), self.zero, before)

    # Choice.

    def choose(self, condition: Term, a: Value, b: Value, span: Span) -> Value:
        """a where `condition` holds, else b."""
        if condition.op == "const":
            return a if condition.data else b
        if a is b:
            return a
        if isinstance(a, Nothing) or isinstance(b, Nothing):
            return b if isinstance(a, Nothing) else a
        if isinstance(a, Number) and isinstance(b, Number):
            return self.choose_number(condition, a, b, span)
        if isinstance(a, Number) or isinstance(b, Number):
            raise NotUnderstood(span, "a choice between an integer and a sequence")
        if a.is_dense and b.is_dense and len(a.values) == len(b.values):
            pairs = zip(a.values, b.values, strict=True)
            return Sequence(tuple(self.choose(condition, x, y, span) for x, y in pairs))
        if all(s.is_dense or (s.count is not None and (s.start or self.zero).hi == 0) for s in (a, b)):
            shared = [self.choose(condition, x, y, span) for x, y in zip(a.values, b.values, strict=False)]
            rest = max(a.values, b.values, key=len)[len(shared):]
            count = self.choose_number(condition, self.length(a), self.length(b), span)
            return self.window((*shared, *rest), self.zero, count)
        graph = self.graph
        return self.sparse((*a.values, *b.values), (
            *(graph.and_(condition, p) for p in self.presence(a)),
            *(graph.and_(graph.not_(condition), p) for p in self.presence(b))))

    def _at(self, values: tuple[Value, ...], index: Number, span: Span) -> Value:
        """values[index], where the index is inside."""
        lo, hi = max(index.lo, 0), min(index.hi, len(values) - 1)
        if lo >= hi:
            return values[min(lo, len(values) - 1)]
        if all(isinstance(v, Number) and v.lo == v.hi for v in values[lo:hi + 1]):
            return self._table([v.lo for v in values[lo:hi + 1] if isinstance(v, Number)], lo, index)
        # By the bits of the index, lowest first; what is below the least index is never asked for.
        layer = [values[max(k, lo)] for k in range(hi + 1)]
        for bit in range(hi.bit_length()):
            test = self.graph.extract(index.at(self.graph, hi.bit_length()), bit, bit)
            pairs = zip_longest(layer[::2], layer[1::2])
            layer = [self.choose(test, odd, even, span) if odd is not None else even for even, odd in pairs]
        return layer[0]

    def _table(self, numbers: list[int], start: int, index: Number) -> Number:
        lo, hi = min(numbers), max(numbers)
        width = (self.const(lo).term.width if lo < 0 else 0)
        width = max(width, self.const(hi).term.width + (lo < 0))
        table = self.graph.table(index.term, start, tuple(n & (1 << width) - 1 for n in numbers), width)
        return self.make(table, lo, hi)

    # Elements.

    def element(self, sequence: Sequence, index: Number, span: Span, here: Here) -> Value:
        """sequence[index], negative ones from the end."""
        length = self.length(sequence)
        index, _ = self.inside(index, length, span, here)
        if length.hi <= 0 or not sequence.values:
            return Nothing()
        index = self.from_start(index, length, span)
        if sequence.present is None:
            start = sequence.start or self.zero
            return self._at(sequence.values, self.add(index, start, span) if start.hi else index, span)
        return self._sparse_element(sequence, index, span)

    def inside(self, index: Number, length: Number, span: Span, here: Here) -> tuple[Number, Here]:
        """The index, demanded to be inside of a sequence, and the place where it is."""
        graph = self.graph
        if index.lo < -length.lo or index.hi >= length.lo:
            inside = self.less(index, length)
            if index.lo < 0:
                lowest = graph.not_(self.less(index, self.negative(length, span)))
                inside = graph.and_(inside, lowest)
            here = self.demand(here, "index", span, "the index is inside the sequence", inside)
            index = self.refined(index, here)
        return index, here

    def from_start(self, index: Number, length: Number, span: Span) -> Number:
        """An index that is inside, counted from the start where it was from the end."""
        if index.lo < 0:
            moved = self.add(index, length, span)
            if index.hi < 0:
                index = self.make(moved.term, max(moved.lo, 0), max(moved.hi, 0))
            else:
                index = self.choose_number(self.less(index, self.zero), moved, index, span, 0,
                                           max(moved.hi, index.hi))
        if index.hi >= length.hi:
            index = self.make(index.term, min(index.lo, length.hi - 1), length.hi - 1)
        return index

    def _sparse_element(self, sequence: Sequence, index: Number, span: Span) -> Value:
        """The element that has as many present ones before it."""
        assert sequence.present is not None
        before = self.zero
        ranked: list[tuple[Term, Value]] = []
        for value, present in zip(sequence.values, sequence.present, strict=True):
            ranked.append((self.graph.and_(present, self.equals(before, index)), value))
            before = self.add(before, self.flag(present), span)
        possible = [(c, v) for c, v in ranked if not (c.is_const and not c.data)] or ranked[-1:]
        result = possible[-1][1]
        for condition, value in reversed(possible[:-1]):
            result = self.choose(condition, value, result, span)
        return result

    def sliced(self, sequence: Sequence, start: Number | None, stop: Number | None, span: Span) -> Sequence:
        """sequence[start:stop], with Python's clamping."""
        sequence = self.gathered(sequence, span)
        length = self.length(sequence)
        first = self._clamped(start, length, span) if start is not None else self.zero
        last = self._clamped(stop, length, span) if stop is not None else length
        count = self.greatest(self.subtract(last, first, span), self.zero, span)
        return self.window(sequence.values, first, count)

    def _clamped(self, bound: Number, length: Number, span: Span) -> Number:
        if bound.lo < 0:
            moved = self.greatest(self.add(bound, length, span), self.zero, span)
            bound = self.choose_number(self.less(bound, self.zero), moved, bound, span, 0, max(moved.hi, bound.hi))
        return self.least(bound, length, span)

    def reversed(self, sequence: Sequence, span: Span) -> Sequence:
        values = sequence.values[::-1]
        if sequence.present is not None:
            return Sequence(values, present=sequence.present[::-1])
        if sequence.count is None:
            return Sequence(values)
        start = sequence.start or self.zero
        after = self.linear([(-1, start), (-1, sequence.count)], len(values), span)
        return self.window(values, self.make(after.term, max(after.lo, 0), max(after.hi, 0)), sequence.count)

    def joined(self, a: Sequence, b: Sequence, span: Span) -> Sequence:
        """a + b."""
        if len(a.values) + len(b.values) > MOST_ELEMENTS:
            raise NotUnderstood(span, f"a sequence of more than {MOST_ELEMENTS} elements")
        values = a.values + b.values
        if a.is_dense and b.present is None and (b.start or self.zero).hi == 0:
            return self.window(values, self.zero, self.add(self.length(a), self.length(b), span))
        return self.sparse(values, self.presence(a) + self.presence(b))

    # Comparison.

    def same(self, a: Value, b: Value, span: Span) -> Term:
        """a == b."""
        if isinstance(a, Number) and isinstance(b, Number):
            return self.equals(a, b)
        if not isinstance(a, Sequence) or not isinstance(b, Sequence):
            return self.graph.false
        a, b = self.gathered(a, span), self.gathered(b, span)
        length = self.length(a)
        result = self.equals(length, self.length(b))
        for k, (x, y) in enumerate(zip(a.values, b.values, strict=False)):
            beyond = self.graph.not_(self.less(self.const(k), length))
            result = self.graph.and_(result, self.graph.or_(beyond, self.same(x, y, span)))
        return result

    def before(self, a: Value, b: Value, span: Span) -> Term:
        """a < b; sequences by their first elements that differ."""
        if isinstance(a, Number) and isinstance(b, Number):
            return self.less(a, b)
        if isinstance(a, Nothing) or isinstance(b, Nothing):
            return self.graph.false
        if isinstance(a, Number) or isinstance(b, Number):
            raise NotUnderstood(span, "a comparison of an integer with a sequence")
        a, b = self.gathered(a, span), self.gathered(b, span)
        first, second = self.length(a), self.length(b)
        result = self.less(first, second)
        graph = self.graph
        for k in reversed(range(min(len(a.values), len(b.values)))):
            both = graph.and_(self.less(self.const(k), first), self.less(self.const(k), second))
            x, y = a.values[k], b.values[k]
            ordered = graph.ite(self.same(x, y, span), result, self.before(x, y, span))
            result = graph.ite(both, ordered, self.less(first, second))
        return result

    def extreme(self, name: str, a: Value, b: Value, span: Span) -> Value:
        """min(a, b) or max(a, b): the first where they are equal."""
        if isinstance(a, Number) and isinstance(b, Number):
            return self.least(a, b, span) if name == "min" else self.greatest(a, b, span)
        second = self.before(b, a, span) if name == "min" else self.before(a, b, span)
        return self.choose(second, b, a, span)

    def ordered(self, sequence: Sequence, span: Span) -> Sequence:
        """The elements from least to greatest; absent ones after all others."""
        values = list(sequence.values)
        if len(values) > MOST_GATHERED:
            raise NotUnderstood(span, f"`sorted` of more than {MOST_GATHERED} elements")
        absent = [self.graph.not_(p) for p in self.presence(sequence)]
        for i, j in _exchanges(len(values)):
            a, b = values[i], values[j]
            if absent[i] is absent[j] is self.graph.false and isinstance(a, Number) and isinstance(b, Number):
                values[i], values[j] = self.least(a, b, span), self.greatest(a, b, span)
                continue
            graph = self.graph
            swap = graph.and_(graph.not_(absent[j]), graph.or_(absent[i], self.before(b, a, span)))
            values[i], values[j] = self.choose(swap, b, a, span), self.choose(swap, a, b, span)
            absent[i], absent[j] = graph.and_(absent[i], absent[j]), graph.or_(absent[i], absent[j])
        return self.window(tuple(values), self.zero, self.length(sequence))


def _exchanges(count: int) -> list[tuple[int, int]]:
    """Pairs to compare and exchange, in order, that sort `count` elements: Batcher's merge exchange (D. E. Knuth, The
    Art of Computer Programming 3, 5.2.2, algorithm M)."""
    pairs: list[tuple[int, int]] = []
    top = 1 << max(count - 1, 1).bit_length() - 1
    p = top
    while p:
        q, r, d = top, 0, p
        pairs += [(i, i + d) for i in range(count - d) if i & p == r]
        while q != p:
            q, r, d = q >> 1, p, q - p
            pairs += [(i, i + d) for i in range(count - d) if i & p == r]
        p >>= 1
    return pairs
