"""Folds that stay loops."""

from __future__ import annotations

from collections.abc import Callable

from intent_tool.language.diagnostics import error
from intent_tool.language.terms import Loop, Term
from intent_tool.propose.lower_bits import Bits
from intent_tool.propose.lower_values import MOST_WORDS, Scope, Words, exact_bits


class Loops(Bits):
    def loop(self, index: Term | None, rounds: int, initial: tuple[Words, ...],
             variables: tuple[Term | None, ...], body: Callable[[int, tuple[Words, ...]], list[Words]]
             ) -> tuple[Words, ...]:
        """`rounds` (at least one) times `body(index word, states)`; the states afterwards."""
        b = self.b
        before = b.block
        depth = before.depth + 1
        zero = b.const(0, 64)
        head = b.new_block(depth)
        b.start(head)
        number = b.function.value(64)
        states = tuple(tuple(b.function.value(b.width(w)) for w in words) for words in initial)
        head.params = (number, *(w for words in states for w in words))
        bound = frozenset(v.id for v in (index, *variables) if v is not None)
        scope = Scope(before, depth, bound | {-head.number - 1})
        self.scopes.append(scope)
        with b.scope():
            if index is not None:
                scope.words[index.id, 64] = (number,)
            for variable, words in zip(variables, states, strict=True):
                if variable is not None:
                    scope.words[variable.id, self.state_bits(variable)] = words
            following = body(number, states)
            after = b.op("add", number, b.const(1, 64))
            again = b.op("ne", after, b.const(rounds, 64))
            latch, leave = b.new_block(depth), b.new_block(depth - 1)
            b.branch(again, latch, leave)
        self.scopes.pop()
        b.start(latch)
        flat = [w for words in following for w in words]
        b.jump(head, after, *flat)
        # The block before may have grown while invariants were computed there.
        last = scope.block
        assert last is not None
        at, b.block = b.block, last
        b.jump(head, zero, *(w for words in initial for w in words))
        b.block = at
        b.start(leave)
        return tuple(following)

    def state_bits(self, variable: Term) -> int:
        return exact_bits(variable.lo, variable.hi)

    def low_loop(self, term: Term, bits: int) -> Words:
        """All final states, one after the other, each at its own width."""
        count, *initial = term.args
        body: Loop = term.data
        if count.op != "const":
            raise error("E711", "cannot generate yet: a fold over a sequence whose length is known only at run time",
                        body.span, "a buffer of constant length, or a constant range, can be generated")
        if any(exact_bits(s.lo, s.hi) > 64 * MOST_WORDS for s in body.states):
            raise error("E713", "cannot generate: a state of more than 512 bits", body.span)
        start = tuple(self.low(t, self.state_bits(s)) for t, s in zip(initial, body.states, strict=True))

        def one_round(index: int, states: tuple[Words, ...]) -> list[Words]:
            return [self.low(n, self.state_bits(s)) for n, s in zip(body.next, body.states, strict=True)]
        final = self.loop(body.index, count.data, start, body.states, one_round)
        return tuple(w for words in final for w in words)

    def low_state(self, term: Term, bits: int) -> Words:
        loop = term.args[0]
        body: Loop = loop.data
        words = self.low(loop, 0)
        at = 0
        for state in body.states[:term.data]:
            at += max(self.state_bits(state) // 64, 1)
        have = self.state_bits(body.states[term.data])
        own = words[at:at + max(have // 64, 1)]
        if bits <= have:
            return (self.b.trunc(own[0]),) if bits <= 32 < have else own[:max(bits // 64, 1)]
        return self.extended(own, have, bits, term)
