"""Walks over sequences as Python walks over iterators: an element is evaluated only when it is asked for.

Whoever asks says under which conditions, so that what a walk never reaches demands nothing."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from intent_tool.judge.bitvector import Term
from intent_tool.judge.meaning_facts import Here
from intent_tool.judge.meaning_sequences import MOST_ELEMENTS, Sequences
from intent_tool.judge.meaning_values import Nothing, NotUnderstood, Number, Sequence, Value
from intent_tool.language import tree
from intent_tool.language.diagnostics import Span

Env = Mapping[str, Value]
Item: TypeAlias = tuple[Term, Value]
"""Whether there is such an element, and its value."""
Walk: TypeAlias = Generator[Item, Here, None]

LAZY = frozenset({"zip", "enumerate"})


@dataclass
class Stream:
    """A sequence being walked over. `count` is its length where elements come first: where one is absent, so are
    all that follow it."""

    walk: Walk
    count: Number | None

    def next(self, here: Here) -> Item | None:
        """The next element, evaluated at that place; None after the last possible one."""
        try:
            return self.walk.send(here)
        except StopIteration:
            return None


class Streams(Sequences):
    def eval(self, node: tree.Expression, env: Env, here: Here) -> Value:
        raise NotImplementedError

    def number(self, node: tree.Expression, env: Env, here: Here) -> Number:
        raise NotImplementedError

    def condition(self, node: tree.Expression, env: Env, here: Here) -> Term:
        raise NotImplementedError

    def is_lazy(self, node: tree.Expression) -> bool:
        """Whether evaluation gives an iterator."""
        raise NotImplementedError

    def stream_of_definition(self, node: tree.CallDefinition, env: Env, here: Here) -> Stream:
        raise NotImplementedError

    def stream_of_range(self, node: tree.Call, env: Env, here: Here) -> Stream:
        raise NotImplementedError

    # Starting a walk.

    def started(self, walk: Walk, count: Number | None) -> Stream:
        next(walk)
        return Stream(walk, count)

    def stream(self, node: tree.Expression, env: Env, here: Here) -> Stream:
        """What `for` and the functions of sequences walk over; parts that Python evaluates at once are evaluated
        here."""
        match node:
            case tree.Comprehension() if not node.is_list:
                return self.stream_of_comprehension(node, env, here)
            case tree.Conditional() if self.is_lazy(node):
                return self.stream_of_choice(node, env, here)
            case tree.CallDefinition() if self.is_lazy(node):
                return self.stream_of_definition(node, env, here)
            case tree.Call() if node.function == "range":
                return self.stream_of_range(node, env, here)
            case tree.Call() if node.function == "zip":
                return self.stream_of_zip([self.stream(a, env, here) for a in node.arguments], node.span, here)
            case tree.Call() if node.function == "enumerate":
                source = self.stream(node.arguments[0], env, here)
                first = self.number(node.arguments[1], env, here) if len(node.arguments) > 1 else self.zero
                return self.started(self.walk_enumerate(source, first, node.span), source.count)
            case _:
                return self.stream_of(self.sequence(self.eval(node, env, here), node.span))

    def sequence(self, value: Value, span: Span) -> Sequence:
        if isinstance(value, Number):
            raise NotUnderstood(span, "an integer where a sequence is needed")
        return value if isinstance(value, Sequence) else Sequence(())

    def integer(self, value: Value, span: Span) -> Number:
        if isinstance(value, Sequence):
            raise NotUnderstood(span, "a sequence where an integer is needed")
        return value if isinstance(value, Number) else self.zero

    def stream_of(self, sequence: Sequence) -> Stream:
        count = None
        if sequence.present is None and (sequence.start or self.zero).hi == 0:
            count = self.length(sequence)
        return self.started(self.walk_values(sequence), count)

    def walk_values(self, sequence: Sequence) -> Walk:
        yield self.graph.false, self.zero
        for value, present in zip(sequence.values, self.presence(sequence), strict=True):
            yield present, value

    def walk_enumerate(self, source: Stream, first: Number, span: Span) -> Walk:
        here = yield self.graph.false, self.zero
        index = first
        while (item := source.next(here)) is not None:
            present, value = item
            # Where elements come first, the number before this one is known.
            step = self.flag(present) if source.count is None else self.one
            following = self.add(index, step, span)
            here = yield present, Sequence((index, value))
            index = following

    def stream_of_zip(self, sources: list[Stream], span: Span, here: Here) -> Stream:
        sources = [s if s.count is not None else self.stream_of(self.gathered(self.strict(s, span, here), span))
                   for s in sources]
        counts = [s.count for s in sources if s.count is not None]
        count = counts[0]
        for other in counts[1:]:
            count = self.least(count, other, span)
        return self.started(self.walk_zip(sources), count)

    def strict(self, stream: Stream, span: Span, here: Here) -> Sequence:
        """The elements, where Python would evaluate them later: the same unless they demand something."""
        record = self.record
        demands, record.demands = record.demands, {}
        found = self.listed(stream, span, here)
        if record.demands:
            raise NotUnderstood(span, "a filtered sequence in `zip`")
        record.demands = demands
        return found

    def walk_zip(self, sources: list[Stream]) -> Walk:
        here = yield self.graph.false, self.zero
        previous = self.graph.true
        while True:
            place = here.learn(previous)
            if place is None:
                return
            values, present = [], self.graph.true
            for source in sources:
                item = source.next(place)
                following = None if item is None else place.learn(item[0])
                if item is None or following is None:
                    return
                place, present = following, self.graph.and_(present, item[0])
                values.append(item[1])
            previous = present
            here = yield present, Sequence(tuple(values))

    def stream_of_choice(self, node: tree.Conditional, env: Env, here: Here) -> Stream:
        test = self.condition(node.test, env, here)
        there, otherwise = here.learn(test), here.learn(test, False)
        if there is None or otherwise is None:
            node_, place = (node.then, there) if there is not None else (node.otherwise, otherwise)
            return self.stream(node_, env, place or here)
        first, second = self.stream(node.then, env, there), self.stream(node.otherwise, env, otherwise)
        return self.started(self.walk_choice(test, first, second), None)

    def walk_choice(self, test: Term, first: Stream, second: Stream) -> Walk:
        here = yield self.graph.false, self.zero
        for source, condition in ((first, test), (second, self.graph.not_(test))):
            while True:
                place = here.learn(condition)
                item = source.next(place) if place is not None else None
                if item is None:
                    break
                here = yield self.graph.and_(condition, item[0]), item[1]

    # Comprehensions.

    def stream_of_comprehension(self, node: tree.Comprehension, env: Env, here: Here) -> Stream:
        source = self.stream(node.clauses[0].sequence, env, here)
        is_plain = len(node.clauses) == 1 and not node.clauses[0].conditions
        return self.started(self.walk_comprehension(node, source, env), source.count if is_plain else None)

    def walk_comprehension(self, node: tree.Comprehension, source: Stream, env: Env) -> Walk:
        here = yield self.graph.false, self.zero
        yield from self.walk_clause(node, 0, source, env, (), here)

    def walk_clause(self, node: tree.Comprehension, level: int, source: Stream, env: Env, passed: tuple[Term, ...],
                    here: Here) -> Generator[Item, Here, Here]:
        """The elements from the clause number `level` on; `passed` are the conditions of those before it."""
        clause, is_last = node.clauses[level], level + 1 == len(node.clauses)
        asked: Here | None = None
        inside: Here | None = None
        while True:
            if here is not asked:
                asked, inside = here, here.learn_all(passed)
            item = source.next(inside) if inside is not None else None
            if item is None or inside is None:
                return here
            present, value = item
            conditions = passed if present.is_const and present.data else (*passed, present)
            place = inside.learn(present)
            if place is None:
                if source.count is not None:
                    return here
                continue
            bound = self.bound(clause.target, value, env)
            for condition in clause.conditions:
                test = self.condition(condition, bound, place)
                place = place.learn(test)
                if place is None:
                    break
                if not test.is_const:
                    conditions = (*conditions, test)
            if place is None:
                continue
            if is_last:
                element = self.eval(node.element, bound, place)
                here = yield self.all_of(conditions), element
            else:
                inner = self.stream(node.clauses[level + 1].sequence, bound, place)
                here = yield from self.walk_clause(node, level + 1, inner, bound, conditions, here)

    def all_of(self, conditions: tuple[Term, ...]) -> Term:
        result = self.graph.true
        for condition in conditions:
            result = self.graph.and_(result, condition)
        return result

    def bound(self, pattern: tree.Pattern, value: Value, env: Env) -> Env:
        """`env`, with the names of a pattern."""
        if pattern.name is not None:
            return {**env, pattern.name: value}
        if isinstance(value, Nothing):
            value = Sequence((value,) * len(pattern.items))
        if isinstance(value, Number) or not value.is_dense or len(value.values) != len(pattern.items):
            raise NotUnderstood(pattern.span, "unpacking of what is not a tuple of this size")
        for part, item in zip(pattern.items, value.values, strict=True):
            env = self.bound(part, item, env)
        return env

    def listed(self, stream: Stream, span: Span, here: Here) -> Sequence:
        """All elements, as a sequence."""
        values: list[Value] = []
        present: list[Term] = []
        while (item := stream.next(here)) is not None:
            present.append(item[0])
            values.append(item[1])
            if len(values) > MOST_ELEMENTS:
                raise NotUnderstood(span, f"a sequence of more than {MOST_ELEMENTS} elements")
        if stream.count is not None:
            return self.window(tuple(values), self.zero, stream.count)
        return self.sparse(values, present)
