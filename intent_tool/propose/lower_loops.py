"""Folds that stay loops, and buffers that are written in one."""

from __future__ import annotations

from collections.abc import Callable

from intent_tool.language.diagnostics import Span, error
from intent_tool.language.terms import Loop, Term, walk
from intent_tool.propose.byte_tables import with_byte_tables
from intent_tool.propose.fold_plan import Plan, plan_fold
from intent_tool.propose.ir import Block, Formula, LoopNote, Shape
from intent_tool.propose.lower_values import MOST_WORDS, Scope, Words
from intent_tool.propose.substitute import Substitution
from intent_tool.propose.vector_loops import VectorLoops, positive

MOST_ROUNDS = 1 << 64

TURN = 4
"""Rounds of a scalar loop that are done at once."""
LONGEST = 12
"""Instructions of a round, at most, where several are done at once: the longer it is, the less is won."""

SLOW = frozenset({"table", "floordiv", "mod", "loop"})
"""Terms beside which the counting of rounds costs nothing."""

Round = Callable[[int, Words], Words]
"""From the number of a round and the values before it to those after it."""

Ways = list[tuple[Block, Words]]
"""Blocks that go on behind a loop, with the results that each of them has."""


class TooLong(Exception):
    """All has to be lowered anew: rounds are too long for several at once in the loop of this index's id."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


class Loops(VectorLoops):
    rolled: set[int]
    """The ids of the indices of loops that do one round at a time."""
    is_rolled: bool
    """All do."""

    def cycle(self, limit: int, initial: Words, bound: frozenset[int], body: Round,
              first: int | None = None, step: int = 1) -> tuple[Shape, Words]:
        """`limit` (at least one) times `body(number of the round, values)`, which gives the next values. Rounds are
        counted from `first`, where it is given (below `limit`); `step` rounds are done at once, of which there are
        as many as to come to the limit.

        Goes on behind the loop, with the values of the last round. `bound` are the ids of the variables that the body
        binds."""
        b = self.b
        before = b.block
        depth = before.depth + 1
        first = b.const(0, 64) if first is None else first
        head = b.new_block(depth)
        b.start(head)
        number = b.function.value(64)
        values = tuple(b.function.value(b.width(w)) for w in initial)
        head.params = (number, *values)
        scope = Scope(before, depth, bound | {-head.number - 1})
        self.scopes.append(scope)
        with b.scope():
            following = values
            for k in range(step):
                scope.words.clear()
                following = body(b.op("add", number, b.const(k, 64)), following)
            after = b.op("add", number, b.const(step, 64))
            again = b.op("ne", after, limit)
            last, latch, leave = b.block, b.new_block(depth), b.new_block(depth - 1)
            b.branch(again, latch, leave)
        self.scopes.pop()
        b.start(latch)
        b.jump(head, after, *following)
        # The block before may have grown while invariants were computed there.
        outside = scope.block
        assert outside is not None
        at, b.block = b.block, outside
        b.jump(head, first, *initial)
        b.block = at
        b.start(leave)
        shape = Shape(outside, head, last, latch, number, after, again, limit, first, step)
        b.function.loops.append(shape)
        return shape, following

    def loop(self, rounds: int, initial: tuple[Words, ...],
             body: Callable[[int, tuple[Words, ...]], list[Words]]) -> tuple[Words, ...]:
        """`rounds` times (at least one) `body(number of the round, states)`; the states afterwards."""
        sizes = [len(words) for words in initial]

        def flat(number: int, values: Words) -> Words:
            return _flat(body(number, _split(values, sizes)))
        _, final = self.cycle(self.b.const(rounds, 64), _flat(initial), frozenset(), flat)
        return _split(final, sizes)

    def low_loop(self, term: Term, bits: int) -> Words:
        """All final states, one after the other, each as wide as it is carried."""
        count, *initial = term.args
        body: Loop = term.data
        many = count.op != "const"
        plan = plan_fold(self.terms, body, tuple(initial), self.free, many and not self.contract.secret)
        if many and self.contract.optimize == "speed" and not self.contract.secret:
            plan = with_byte_tables(self.terms, plan)
        words = self.rounds(plan, count, body.span)
        return _flat(words[:len(body.states)])

    def rounds(self, plan: Plan, count: Term, span: Span, values: tuple[Term, ...] = (), width: int = 32,
               store: Callable[[int, list[int]], None] | None = None, written: tuple[Formula, ...] = (),
               into: str | None = None) -> tuple[Words, ...]:
        """The final states of `plan` after `count` rounds. With `store`, each round ends by ``store(number, words)``
        of `width` bits of each of `values`; `into` is the buffer that they go to, where they do in this order."""
        if count.hi >= MOST_ROUNDS:
            raise error("E711", "cannot generate yet: a fold that may have 2**64 rounds or more", span,
                        "bound the number of rounds in `requires`")
        if any(self.state_bits(s) > 64 * MOST_WORDS for s in plan.states):
            raise error("E713", "cannot generate: a state of more than 512 bits", span)
        b = self.b
        start = tuple(self.low(t, self.state_bits(s)) for t, s in zip(plan.initial, plan.states, strict=True))
        asked = (*plan.next, *values)
        safe = self.asked(asked if plan.exit is None else (plan.exit.test,))
        ways: Ways = []
        outside = len(self.scopes)

        def enter(condition: int) -> None:
            """Go on where there are rounds to do, else behind the loop."""
            depth = b.block.depth
            inside, skip = b.new_block(depth), b.new_block(depth)
            b.branch(condition, inside, skip)
            ways.append((skip, _flat(start)))
            b.start(inside)
            self.scopes.append(Scope(None, depth, frozenset(), guard=True, safe=safe))
            b.scopes.append({})
        runs = self.runs(plan, count, start)
        if runs is not None:
            enter(runs)
        limit = self.word(positive(count) if runs is not None else count, 64)
        carried = plan.carried()
        sizes = [len(start[k]) for k in carried]
        bound = frozenset((plan.index.id, *(s.id for s in plan.states)))

        def one_round(number: int, current: Words) -> Words:
            scope = self.scopes[-1]
            scope.safe = safe
            self.bind(plan, start, number, dict(zip(carried, _split(current, sizes), strict=True)))
            if plan.exit is not None:
                self.leave(plan, ways)
                scope.safe |= self.asked(asked)
            following = _flat([self.low(plan.next[k], self.state_bits(plan.states[k])) for k in carried])
            if store is not None:
                store(number, [self.word(value, width) for value in values])
            return following

        def scalar(first: int, end: int, current: Words) -> Words:
            return self.cycle(end, current, bound, one_round, first)[1]

        first: int | None = None
        later = self.after_the_first(plan.index, values) if into is not None and store is not None else None
        if later is not None and store is not None:
            self.store_first(plan.index, values, width, store)
            values = asked = later
            safe = self.asked(asked)
            first = b.const(1, 64)
            enter(b.op("ne", first, limit))
        done = self.in_vectors(plan, count, limit, start, values, written, into, safe, int(later is not None), scalar)
        if done is not None:
            first, start, loop = done
            enter(b.op("ne", first, limit))
            further = self.in_a_part_of_a_vector(loop, first)
            if further is not None:
                first = further
                enter(b.op("ne", first, limit))


        def noted(shape: Shape, most: Formula) -> None:
            if count.op != "const":
                shape.head.note = self.note(plan, shape, most, start, written)
                shape.head.note.elements = len(values) if into is not None else 1

        text, step = self.text(positive(count)), 1
        body: Round = one_round
        # What is written from both ends may meet itself: the judge follows one round of that at a time.
        if done is None and len(written) < 2 and self.is_unrolled(plan, count, values, sizes):
            step, body = TURN, self.measured(plan, one_round)
            odd, ways_on = self.odd_rounds(limit, _flat([start[k] for k in carried]), bound, one_round, first, safe)
            noted(odd, _last_odd_round(text, odd, int(later is not None)))
            (first,), *current = self.joined(ways_on, [1, *sizes])
            changed = dict(zip(carried, current, strict=True))
            start = tuple(changed.get(k, words) for k, words in enumerate(start))
            enter(b.op("ne", first, limit))
        shape, following = self.cycle(limit, _flat([start[k] for k in carried]), bound, body, first, step)
        noted(shape, (f"{text} - {step}", ()) if text else (f"{{0}} - {step}", (limit,)))
        last = dict(zip(carried, _split(following, sizes), strict=True))
        if plan.constant is not None and plan.exit is not None:
            last[plan.constant] = (b.const(1 - plan.exit.value, 32),)
        results = tuple(last.get(k, words) for k, words in enumerate(start))
        while len(self.scopes) > outside:
            self.scopes.pop()
            b.scopes.pop()
        if ways:
            results = self.joined([*ways, (b.block, _flat(results))], [len(words) for words in results])
        return results

    def is_unrolled(self, plan: Plan, count: Term, values: tuple[Term, ...], sizes: list[int]) -> bool:
        """Whether turns of several rounds are to be tried."""
        return plan.exit is None and count.op != "const" and count.hi >= 2 * TURN \
            and self.contract.optimize == "speed" and not self.is_rolled and plan.index.id not in self.rolled \
            and all(size == 1 for size in sizes) and not any(t.op in SLOW for t in walk([*plan.next, *values]))

    def measured(self, plan: Plan, body: Round) -> Round:
        """The same; raises TooLong where a round is too long, or has branches."""
        b = self.b

        def one_round(number: int, values: Words) -> Words:
            block, so_far = b.block, len(b.block.instructions)
            following = body(number, values)
            made = [i for i in block.instructions[so_far:] if i.op != "const"]
            if b.block is not block or len(made) > LONGEST:
                raise TooLong(plan.index.id)
            return following
        return one_round

    def odd_rounds(self, limit: int, initial: Words, bound: frozenset[int], body: Round, first: int | None,
                   safe: frozenset[int]) -> tuple[Shape, Ways]:
        """The first rounds, as many as leave whole turns: their loop, and what comes behind it or instead of it, with
        the number of the next round and the values there."""
        b = self.b
        depth = b.block.depth
        first = b.const(0, 64) if first is None else first
        end = b.op("add", first, b.op("and", b.op("sub", limit, first), b.const(TURN - 1, 64)))
        inside, skip = b.new_block(depth), b.new_block(depth)
        b.branch(b.op("ne", first, end), inside, skip)
        b.start(inside)
        self.scopes.append(Scope(None, depth, frozenset(), guard=True, safe=safe))
        with b.scope():
            shape, following = self.cycle(end, initial, bound, body, first)
        self.scopes.pop()
        # What is known of states is known for the number of a round, not for a limit that equals it.
        return shape, [(skip, (first, *initial)), (b.block, (shape.after, *following))]

    def after_the_first(self, index: Term, values: tuple[Term, ...]) -> tuple[Term, ...] | None:
        """The values in all rounds but the first, where that is another case."""
        if self.contract.optimize == "size":
            return None
        terms = self.terms
        zero, one = terms.const(0), terms.const(1)
        conditions = [("lt", zero, index), ("le", one, index), ("ne", index, zero)]
        known = {terms.binary(*condition).id: one for condition in conditions}
        known |= {terms.negate(terms.binary(*condition)).id: zero for condition in conditions}
        later = tuple(map(Substitution(terms, known), values))
        return later if any(a is not b for a, b in zip(values, later, strict=True)) else None

    def store_first(self, index: Term, values: tuple[Term, ...], width: int,
                    store: Callable[[int, list[int]], None]) -> None:
        """What the first round writes."""
        first = tuple(map(Substitution(self.terms, {index.id: self.terms.const(0)}), values))
        self.scopes.append(Scope(None, self.b.block.depth, frozenset(), safe=self.asked(first)))
        with self.b.scope():
            store(self.b.const(0, 64), [self.word(value, width) for value in first])
        self.scopes.pop()

    def asked(self, terms: tuple[Term, ...]) -> frozenset[int]:
        return frozenset().union(*map(self.surely, terms))

    def runs(self, plan: Plan, count: Term, start: tuple[Words, ...]) -> int | None:
        """The condition that there is a round to do, where it is not sure."""
        terms, conditions = self.terms, []
        if count.lo < 1:
            zero, likely = terms.const(0), positive(count)
            some = terms.binary("ne", count, zero) if likely.lo == 0 else terms.binary("lt", zero, likely)
            conditions.append(self.word(some, 32))
        if plan.exit is not None and plan.constant is not None:
            (state,) = start[plan.constant]
            open = state if plan.exit.value == 0 else self.b.op("xor", state, self.b.const(1, 32))
            if self.b.constant_of(open) != 1:
                conditions.append(open)
        if not conditions:
            return None
        return conditions[0] if len(conditions) == 1 else self.b.op("and", *conditions)

    def bind(self, plan: Plan, start: tuple[Words, ...], number: int, carried: dict[int, Words]) -> None:
        scope = self.scopes[-1]
        scope.words[plan.index.id, 64] = (number,)
        for k, variable in enumerate(plan.states):
            if k != plan.constant:
                scope.words[variable.id, self.state_bits(variable)] = carried.get(k, start[k])

    def leave(self, plan: Plan, ways: Ways) -> None:
        """Out of the loop, if this round ends it; go on in a block where it does not."""
        b = self.b
        assert plan.exit is not None
        depth = b.block.depth
        out, on = b.new_block(depth - 1), b.new_block(depth)
        self.either(plan.exit.test, *((out, on) if plan.exit.value else (on, out)))
        b.start(out)
        self.scopes.append(Scope(None, depth - 1, frozenset(), safe=self.asked(plan.exit.results)))
        with b.scope():
            words = _flat([self.low(r, self.state_bits(s))
                           for r, s in zip(plan.exit.results, plan.states, strict=True)])
        ways.append((b.block, words))
        self.scopes.pop()
        b.start(on)

    def either(self, condition: Term, then: Block, otherwise: Block) -> None:
        """Go on in one of two blocks; the second part of an ``and`` or ``or`` is looked at only where it decides."""
        if condition.op == "ite" and condition.lo >= 0 and condition.hi <= 1 and self.between(condition) is None:
            first, yes, no = condition.args
            is_and, is_or = no.op == "const" and no.data == 0, yes.op == "const" and yes.data == 1
            if is_and or is_or:
                b = self.b
                depth = b.block.depth
                second = b.new_block(depth)
                self.either(first, *((second, otherwise) if is_and else (then, second)))
                b.start(second)
                rest = yes if is_and else no
                self.scopes.append(Scope(None, depth, frozenset(), safe=self.surely(rest)))
                with b.scope():
                    self.either(rest, then, otherwise)
                self.scopes.pop()
                return
        self.b.branch(self.word(condition, 32), then, otherwise)

    def joined(self, ways: Ways, sizes: list[int]) -> tuple[Words, ...]:
        b = self.b
        join = b.new_block(ways[-1][0].depth)
        columns = [*zip(*(words for _, words in ways), strict=True)]
        # What is the same on every way has been there before the loop.
        common = [column[0] if len(set(column)) == 1 else None for column in columns]
        join.params = tuple(b.function.value(b.width(column[0]))
                            for column, one in zip(columns, common, strict=True) if one is None)
        for block, words in ways:
            b.block = block
            b.jump(join, *(w for w, one in zip(words, common, strict=True) if one is None))
        b.start(join)
        params = iter(join.params)
        return _split(tuple(next(params) if one is None else one for one in common), sizes)

    # Notes

    def note(self, plan: Plan, shape: Shape, most: Formula, start: tuple[Words, ...],
             written: tuple[Formula, ...]) -> LoopNote:
        note = LoopNote(("{0}", (shape.number,)), most)
        params = iter(shape.head.params[1:])
        carried = plan.carried()
        for k, ((span, state, index), words) in enumerate(zip(plan.sites, start, strict=True)):
            name = self.folds.name(span, index)
            if name is None:
                continue
            what = f"{name}[{state}]"
            if k == plan.constant and plan.exit is not None:
                note.statements.append((f"{what} == {1 - plan.exit.value}", ()))
                continue
            at_head = tuple(next(params) for _ in words) if k in carried else words
            known = self.b.constant_of(at_head[0])
            if len(words) == 1 and known is not None:
                signed = known - (1 << self.b.width(words[0])) if plan.states[k].lo < 0 and \
                    known >> self.b.width(words[0]) - 1 else known
                note.statements.append((f"{what} == {signed}", ()))
                continue
            # Upper words cannot be noted.
            note.statements.append((f"{{0}} = {what}", at_head[:1]))
        note.statements += written
        return note

    def low_state(self, term: Term, bits: int) -> Words:
        loop = term.args[0]
        body: Loop = loop.data
        words = self.low(loop, 0)
        at = 0
        for state in body.states[:term.data]:
            at += max(self.state_bits(state) // 64, 1)
        have = self.state_bits(body.states[term.data])
        own = words[at:at + max(have // 64, 1)]
        return self.part(own, have, bits, term, body.states[term.data])


def _last_odd_round(count: str | None, shape: Shape, first: int) -> Formula:
    """The most rounds that are done before a round of the loop that leaves whole turns; it begins with the round
    number `first`."""
    if count is None:
        return "{0} - 1", (shape.limit,)
    return (f"(({count} - {first}) & {TURN - 1}) + {first} - 1" if first else f"({count} & {TURN - 1}) - 1"), ()


def _flat(words: list[Words] | tuple[Words, ...]) -> Words:
    return tuple(w for part in words for w in part)


def _split(words: Words, sizes: list[int]) -> tuple[Words, ...]:
    parts, at = [], 0
    for size in sizes:
        parts.append(words[at:at + size])
        at += size
    return tuple(parts)
