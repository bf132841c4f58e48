"""What walks over whole sequences: folds, searches, sums, extremes."""

from __future__ import annotations

from collections.abc import Callable

from intent_tool.judge.bitvector import Term
from intent_tool.judge.meaning_facts import Here
from intent_tool.judge.meaning_streams import Env, Item, Stream, Streams
from intent_tool.judge.meaning_values import NOWHERE, Nothing, Number, Value
from intent_tool.language import tree
from intent_tool.language.diagnostics import Span

MOST_LEARNT = 64
"""Elements that a search has passed by from which something is concluded for those that follow."""


class Folds(Streams):
    def holds(self, value: Value) -> Term:
        """Whether a value counts as true."""
        return self.truth(value) if isinstance(value, Number) else (
            self.graph.not_(self.is_empty(self.sequence(value, NOWHERE))))

    def folded(self, stream: Stream, state: Value, step: Callable[[Value, Value, Here], Value], span: Span,
               here: Here) -> Value:
        """The state after all elements."""
        while (item := stream.next(here)) is not None:
            present, value = item
            place = here.learn(present)
            if place is None:
                continue
            state = self.choose(present, step(state, value, place), state, span)
        return state

    def found(self, stream: Stream, test: Callable[[Value], Term], here: Here) -> Term:
        """Whether an element passes the test; none after it is evaluated."""
        graph = self.graph
        result, place, walked = graph.false, here, 0
        while (item := stream.next(place)) is not None:
            walked += 1
            if place.learn(item[0]) is None:
                continue
            hit = graph.and_(item[0], test(item[1]))
            result = graph.or_(result, hit)
            following = self.past(place, hit, walked)
            if following is None:
                return graph.true
            place = following
        return result

    def past(self, place: Here, hit: Term, walked: int) -> Here | None:
        """Where a walk goes on, since `hit` fails; None where it never does."""
        return place.learn(hit, False) if walked < MOST_LEARNT or hit.is_const else place.under(self.graph.not_(hit))

    def first(self, stream: Stream, default: Value, span: Span, here: Here) -> Value:
        """The first element, or the default."""
        place = here
        items: list[Item] = []
        while (item := stream.next(place)) is not None:
            following = self.past(place, item[0], len(items))
            if following is None:
                # Always present: what follows is never asked for.
                default = item[1]
                break
            items.append(item)
            place = following
        result = default
        for present, value in reversed(items):
            result = self.choose(present, value, result, span)
        return result

    def sum(self, node: tree.Call, env: Env, here: Here) -> Number:
        stream = self.stream(node.arguments[0], env, here)
        start = self.number(node.arguments[1], env, here) if len(node.arguments) > 1 else self.zero
        parts = [(1, start)]
        while (item := stream.next(here)) is not None:
            addend = self.integer(item[1], node.span)
            parts.append((1, self.choose_number(item[0], addend, self.zero, node.span)))
        return self.linear(parts, 0, node.span)

    def extreme_of(self, node: tree.Call, env: Env, here: Here) -> Value:
        """min or max of one sequence, which must have an element."""
        stream, span = self.stream(node.arguments[0], env, here), node.span
        best: Value | None = None
        have = self.graph.false
        while (item := stream.next(here)) is not None:
            present, value = item
            if here.learn(present) is None:
                continue
            if best is None:
                best = value
            else:
                better = self.choose(have, self.extreme(node.function, best, value, span), value, span)
                best = self.choose(present, better, best, span)
            have = self.graph.or_(have, present)
        self.demand(here, "domain", span, f"{node.function}() has at least one element", have)
        return best if best is not None else Nothing()
