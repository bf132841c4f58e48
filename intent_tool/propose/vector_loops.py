"""Loops of run-time length in vectors: several vectors a turn, then one a turn, then what is left by the scalar loop.

Nothing is read or written outside of what the rounds done read and write. After Allen and Kennedy, Optimizing
Compilers for Modern Architectures, chapter 5, for innermost loops whose rounds do not depend on each other but for
sums and the like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from intent_tool.language.terms import Term
from intent_tool.propose.element_groups import Group
from intent_tool.propose.fold_plan import Plan
from intent_tool.propose.ir import Block, Formula, LoopNote
from intent_tool.propose.linear import least, linear
from intent_tool.propose.lower_bits import Bits
from intent_tool.propose.lower_values import Scope, Words
from intent_tool.propose.vector_folds import VectorFold, folds_of
from intent_tool.propose.vector_lanes import Unfit
from intent_tool.propose.vector_target import VectorTarget, vector_target
from intent_tool.propose.vector_terms import LaneTerms, Place, loads_of

LEAST_TURNS = 2
"""A loop that can never have as many turns of one vector stays scalar."""
RECORD_ROUNDS = 16
"""At least as many a turn where records are looked for: each turn with one takes as many scalar rounds."""
LEAST_RECORD_TURNS = 4
"""The first elements have most of the records."""

ScalarRounds = Callable[[int, int, Words], Words]
"""From one number up to another, above it, with the states at first: the states afterwards."""


class NotThisWay(Exception):
    """All has to be lowered anew: a loop cannot be done as it was wished for."""


@dataclass(slots=True)
class VectorWishes:
    """How to do loops in vectors; they are named by the id of their index."""

    unroll: int
    """At most so many vectors a turn."""
    parts: bool
    """Whether folds and searches go on in parts of a vector, which takes registers."""
    scalar: set[int] = field(default_factory=set)
    """Loops that stay scalar."""
    whole: set[int] = field(default_factory=set)
    """Loops that leave to scalar rounds what is less than a vector."""
    dense: set[int] = field(default_factory=set)
    """Loops that do at once as many rounds as a vector has of their narrowest elements, not of their widest."""
    groups: dict[int, Group | None] = field(default_factory=dict)
    """Writes of several elements at once, by the index of the elements."""
    done: list[int] = field(default_factory=list)
    """Loops that were done in vectors."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One loop that is to be done in vectors."""

    plan: Plan
    count: Term
    limit: int
    start: tuple[Words, ...]
    values: tuple[Term, ...]
    into: str | None
    written: tuple[Formula, ...]
    first: int
    """Rounds that are done already."""
    folds: tuple[VectorFold, ...]
    record: Term | None
    """The condition without which a round changes nothing, where it rarely holds."""
    kept: tuple[int, ...]
    """The numbers of the states that change with it."""
    scalar: ScalarRounds
    loads: tuple[Term, ...]
    safe: frozenset[int]


@dataclass(slots=True)
class _Cursor:
    """Where a turn is: the number of rounds done, and pointers that go on with it."""

    number: int
    first: int
    entry: Block
    pointers: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    """By base and step a round: the value in the loop, and the first one."""


class VectorLoops(Bits):
    vectors: VectorWishes | None = None

    def in_vectors(self, plan: Plan, count: Term, limit: int, start: tuple[Words, ...], values: tuple[Term, ...],
                   written: tuple[Formula, ...], into: str | None, safe: frozenset[int], first: int,
                   scalar: ScalarRounds
                   ) -> tuple[int, tuple[Words, ...], _VectorLoop] | None:
        """The number of rounds done, the states then, and the loop; None where none are."""
        machine = vector_target(self.target)
        if self.vectors is None or machine is None or plan.index.id in self.vectors.scalar or count.op == "const" \
                or (values and into is None):
            return None
        try:
            loads = tuple(loads_of((*plan.next, *values, *((plan.exit.test,) if plan.exit is not None else ()))))
            record = None if values else self.record(plan, start)
            folds = () if values or record is not None else folds_of(self, plan, start)
            kept = () if record is None else tuple(plan.carried())
            job = _Job(plan, count, limit, start, values, into, written, first, tuple(folds), record, kept, scalar,
                       loads, safe)
            loop = _VectorLoop(self, machine, job, self.vectors)
        except Unfit:
            self.vectors.scalar.add(plan.index.id)
            raise NotThisWay from None
        try:
            number, states = loop.run()
        except Unfit:
            wishes = self.vectors.whole if loop.is_in_parts else \
                self.vectors.scalar if loop.is_dense else self.vectors.dense
            wishes.add(plan.index.id)
            raise NotThisWay from None
        self.vectors.done.append(plan.index.id)
        return number, states, loop

    def in_a_part_of_a_vector(self, loop: _VectorLoop, number: int) -> int | None:
        """The number of rounds done; None where that are no more than those given."""
        assert self.vectors is not None
        index = loop.job.plan.index.id
        if loop.job.into is None or not loop.part():
            return None
        try:
            return loop.run_part(number)
        except Unfit:
            self.vectors.whole.add(index)
            raise NotThisWay from None

    def record(self, plan: Plan, start: tuple[Words, ...]) -> Term | None:
        """What a record is, in a fold of several states that change together."""
        carried = plan.carried()
        if plan.exit is not None or len(carried) < 2 or self.contract.secret or \
                any(len(start[k]) != 1 for k in carried):
            return None
        return plan.record(self.terms)

    def text(self, term: Term) -> str | None:
        """The term as a note writes it, if it can: over parameters."""
        if term.op == "assume":
            return self.text(term.args[0])
        if term.op in ("const", "param"):
            return str(term.data)
        symbol = {"add": "+", "sub": "-", "mul": "*", "floordiv": "//", "and": "&", "shl": "<<", "shr": ">>"}
        if term.op not in symbol:
            return None
        left, right = self.text(term.args[0]), self.text(term.args[1])
        return f"({left} {symbol[term.op]} {right})" if left and right else None


class _VectorLoop:
    def __init__(self, values: VectorLoops, machine: VectorTarget, job: _Job, wishes: VectorWishes) -> None:
        self.v, self.b, self.machine, self.job, self.wishes = values, values.b, machine, job, wishes
        sizes = [values.types[t.data].bits for t in job.loads]
        if job.into is not None:
            sizes.append(values.types[job.into].bits)
        if not sizes:
            raise Unfit
        # Elements that become wider on the way from memory leave room for them.
        self.is_dense = job.plan.index.id in wishes.dense or not machine.has("v_extend", min(sizes)) \
            or min(sizes) == max(sizes)
        size = min(sizes) if self.is_dense else max(sizes)
        self.turn = machine.bits // size
        """Rounds of the loop of one turn of vectors."""
        self.unroll = max(1, min(wishes.unroll, wishes.unroll * size // max(sizes)) // max(1, len(job.values)))
        self.is_natural = len(set(sizes)) > 1
        least_turns = 1
        if job.record is not None:
            self.turn, self.unroll, least_turns = max(self.turn, RECORD_ROUNDS), 1, LEAST_RECORD_TURNS
        self.is_in_parts = False
        """Whether a part of a vector is being tried."""
        self.least = least_turns * self.turn
        if job.count.hi < max(LEAST_TURNS, least_turns) * self.turn:
            raise Unfit
        self.bound = frozenset((job.plan.index.id, *(s.id for s in job.plan.states)))
        self.depth = self.b.block.depth

    def run(self) -> tuple[int, tuple[Words, ...]]:
        v, b, job = self.v, self.b, self.job
        enough, few = b.new_block(self.depth), b.new_block(self.depth)
        # Rounds that the first vector of all is worth, where the folds start with elements like all others.
        alike = bool(job.folds) and all(fold.starts_alike for fold in job.folds)
        self.ahead = ahead = self.turn - 1 if alike else job.first
        part = 0 if job.into is not None else self.part()
        least = ahead if alike else (2 * part or self.least) + ahead
        # Here, where all that comes later may share it.
        none = b.const(job.first, 64)
        # Of what is written this is how far whole vectors go, even where there is none.
        total = self.end_of(b.const(0, 64), 1) if job.into is not None and not ahead else None
        b.branch(b.op("ult", b.const(least - 1, 64), job.limit), enough, few)
        b.start(enough)
        self.open()
        self.lanes = lanes = LaneTerms(v, self.machine, job.plan.index, self.bound, self.turn, self.is_natural)
        self.check_loads()
        with self.lanes.before():
            if alike:
                self.lanes.begin(-1)
                self.lanes.address = lambda base, _: ((base,), 1)
            first = tuple(fold.first_of_all(self.lanes) if alike else fold.first(self.lanes) for fold in job.folds) \
                or tuple(job.start[k][0] for k in job.kept)
            number = b.const(ahead, 64)
            whole = self.end_of(number, 1)
        setup = b.new_block(self.depth)
        b.start(setup)
        state = first
        if self.unroll > 1:
            number, state = self.guarded(number, state, self.end_of(number, self.unroll), self.unroll)
        if self.unroll > 1 or ahead or part:
            number, state = self.guarded(number, state, whole, 1)
        else:
            number, state = self.looped(number, state, whole, 1)
        if part:
            number, state = self.rest_in_part(number, state, part)
        with b.scope():
            finals = dict(zip(job.kept, state, strict=True)) if job.kept else {
                fold.state: fold.final(lanes, vector) for fold, vector in zip(job.folds, state, strict=True)}
        self.close(setup)
        last = b.block
        join = b.new_block(self.depth)
        after = b.function.value(64)
        params = {k: b.function.value(b.width(job.start[k][0])) for k in finals}
        join.params = (after, *params.values())
        b.block = last
        b.jump(join, number, *finals.values())
        b.block = few
        b.start(few)
        b.jump(join, none, *(job.start[k][0] for k in finals))
        b.start(join)
        states = tuple((params[k],) if k in params else words for k, words in enumerate(job.start))
        return after if total is None else total, states

    def open(self) -> None:
        """Let what does not change be put at the end of this block, behind which loops are to follow."""
        v, b = self.v, self.b
        v.scopes.append(Scope(None, self.depth, frozenset(), guard=True, safe=self.job.safe))
        self.scope = Scope(b.block, self.depth + 1, self.bound)
        v.scopes.append(self.scope)
        b.scopes += [{}, {}]

    def close(self, setup: Block) -> None:
        """All that does not change is there; the loops begin at `setup`."""
        at, entry = self.b.block, self.scope.block
        assert entry is not None
        self.b.block = entry
        self.b.jump(setup)
        self.b.block = at
        del self.v.scopes[-2:], self.b.scopes[-2:]

    def part(self) -> int:
        """How many rounds are done at once where less than a vector is left, 0 for none. A quarter of a vector leaves
        few rounds over, whatever there are."""
        job = self.job
        is_plain = job.record is None and self.wishes.parts if job.into is None else len(job.values) == 1
        if not is_plain or self.is_natural or self.turn < 4 or job.plan.index.id in self.wishes.whole:
            return 0
        return max(self.turn // 4, 2)

    def rest_in_part(self, number: int, state: Words, part: int) -> tuple[int, Words]:
        """What is left, by vectors of which only the lowest lanes count."""
        self.is_in_parts = True
        lane, self.turn = self.machine.bits // self.turn, part
        self.lanes = LaneTerms(self.v, self.machine, self.job.plan.index, self.bound, part, False, lane)
        with self.lanes.before():
            end = self.end_of(self.b.const(self.ahead, 64), 1)
        result = self.guarded(number, state, end, 1)
        self.is_in_parts = False
        return result

    def run_part(self, number: int) -> int:
        v, b = self.v, self.b
        lane, self.turn = self.machine.bits // self.turn, self.part()
        self.depth = b.block.depth
        self.open()
        self.lanes = LaneTerms(v, self.machine, self.job.plan.index, self.bound, self.turn, False, lane)
        with self.lanes.before():
            end = self.end_of(b.const(self.ahead, 64), 1)
        setup = b.new_block(self.depth)
        b.start(setup)
        number, _ = self.guarded(number, (), end, 1)
        self.close(setup)
        return number

    def check_loads(self) -> None:
        """Every load of every round that a turn does has to be one that may be done."""
        v, job = self.v, self.job
        asked = frozenset() if job.plan.exit is not None else \
            frozenset().union(*(v.surely(t) for t in (*job.plan.next, *job.values)))
        for load in job.loads:
            place = self.lanes.place_of(load.args[0])
            is_safe = load.id in asked or not v.can_fail(load)
            if not (is_safe and abs(place.sign) < 2) and not self.is_inside(load, place):
                raise Unfit

    def is_inside(self, load: Term, place: Place) -> bool:
        terms = self.v.terms
        pair = place.sign == 2
        # Of every second element the whole pair is read.
        start = terms.const(place.constant - (place.constant & 1 if pair else 0))
        for term, factor in place.parts:
            start = terms.binary("add", start, terms.binary("mul", term, terms.const(factor)))
        last = terms.binary("sub", positive(self.job.count), terms.const(1))
        if pair:
            last = terms.binary("add", terms.binary("mul", last, terms.const(2)), terms.const(1))
        end = terms.binary("add" if place.sign > 0 else "sub", start, last)
        low, high = (start, end) if place.sign > 0 else (end, start)
        room = terms.binary("sub", self.v.elaborated.lengths[load.data], high)
        return least(linear(low)) >= 0 and least(linear(room)) >= 1

    def end_of(self, number: int, unroll: int) -> int:
        """Where whole turns end that start with round `number`."""
        b = self.b
        rest = b.op("and", b.op("sub", self.job.limit, number), b.const(-self.turn * unroll, 64))
        return b.op("add", number, rest)

    # Control flow

    def guarded(self, number: int, state: Words, end: int, unroll: int) -> tuple[int, Words]:
        """The loop, where it has a turn to do."""
        b = self.b
        inside, skip = b.new_block(self.depth), b.new_block(self.depth)
        b.branch(b.op("ne", number, end), inside, skip)
        b.start(inside)
        after, done = self.looped(number, state, end, unroll)
        join = b.new_block(self.depth)
        params = tuple(b.function.value(b.width(w)) for w in (after, *done))
        b.jump(join, after, *done)
        b.block = skip
        b.jump(join, number, *state)
        join.params = params
        b.start(join)
        # The end itself, where it is sure to be reached, tells the judge more.
        return end if self.job.into is not None and not self.ahead else params[0], params[1:]

    def looped(self, number: int, state: Words, end: int, unroll: int) -> tuple[int, Words]:
        """Turns of `unroll` times as many rounds, at least one, until `end` or until the loop is to be left."""
        b, job = self.b, self.job
        rounds = self.turn * unroll
        entry = b.block
        head = b.new_block(self.depth + 1)
        b.start(head)
        at = b.function.value(64)
        params = tuple(b.function.value(b.width(w)) for w in state)
        self.cursor = _Cursor(at, number, entry)
        self.lanes.address = self.address
        exits: list[Block] = []
        with b.scope():
            following = self.body(params, unroll, exits)
            after = b.op("add", at, b.const(rounds, 64))
            again = b.op("ne", after, end)
            steps = [b.op("add", value, b.const(step * rounds, 64))
                     for (_, step), (value, _) in self.cursor.pointers.items()]
            latch, leave = b.new_block(self.depth + 1), b.new_block(self.depth)
            b.branch(again, latch, leave)
        pointers = [*self.cursor.pointers.values()]
        head.params = (at, *params, *(value for value, _ in pointers))
        b.start(latch)
        b.jump(head, after, *following, *steps)
        b.block = entry
        b.jump(head, number, *state, *(first for _, first in pointers))
        head.note = self.note(at, params, end, rounds)
        b.start(leave)
        if not exits:
            return after, following
        assert not job.folds
        join = b.new_block(self.depth)
        left = b.function.value(64)
        join.params = (left,)
        b.jump(join, after)
        for block in exits:
            b.block = block
            b.start(block)
            b.jump(join, at)
        b.start(join)
        return left, state

    def body(self, state: Words, unroll: int, exits: list[Block]) -> Words:
        b, job, lanes = self.b, self.job, self.lanes
        offsets = [k * self.turn for k in range(unroll)]
        if job.into is not None:
            for offset in offsets:
                lanes.begin(offset)
                lanes.store(job.into, job.values)
            return ()
        if job.plan.exit is not None:
            masks = []
            for offset in offsets:
                lanes.begin(offset)
                masks.append(lanes.leaving(job.plan.exit.test, bool(job.plan.exit.value)))
            found = lanes.any_of(masks)
            out, on = b.new_block(self.depth), b.new_block(self.depth + 1)
            b.branch(found, out, on)
            exits.append(out)
            b.start(on)
            return ()
        if job.record is not None:
            return self.past_records(job.record, state)
        return tuple(fold.turn(lanes, vector, offsets) for fold, vector in zip(job.folds, state, strict=True))

    def past_records(self, record: Term, state: Words) -> Words:
        """A turn that changes nothing, where the states at its start have no record in it; else its rounds in scalar
        code."""
        b, job, lanes, at = self.b, self.job, self.lanes, self.cursor.number
        lanes.begin(0)
        lanes.states = {job.plan.states[k].id: word for k, word in zip(job.kept, state, strict=True)}
        found = lanes.any_of([lanes.leaving(record, True)])
        some, none = b.new_block(self.depth + 1), b.new_block(self.depth + 1)
        b.branch(found, some, none)
        b.start(some)
        with b.scope():
            following = job.scalar(at, b.op("add", at, b.const(self.turn, 64)), state)
        join = b.new_block(self.depth + 1)
        b.jump(join, *following)
        b.start(none)
        b.jump(join, *state)
        join.params = tuple(b.function.value(b.width(w)) for w in state)
        b.start(join)
        return join.params

    def address(self, base: int, step: int) -> tuple[tuple[int, ...], int]:
        cursor, b = self.cursor, self.b
        if self.machine.indexed and step in (1, 2, 4, 8):
            return (base, cursor.number), step
        key = base, step
        if key not in cursor.pointers:
            at, scopes = b.block, b.scopes
            b.block, b.scopes = cursor.entry, [{}]
            way = b.op("mul", cursor.first, b.const(abs(step), 64))
            first = b.op("add" if step > 0 else "sub", base, way)
            b.block, b.scopes = at, scopes
            cursor.pointers[key] = b.function.value(64), first
        return (cursor.pointers[key][0],), 1

    # Notes

    def note(self, at: int, params: Words, end: int, rounds: int) -> LoopNote:
        v, job = self.v, self.job
        text = v.text(positive(job.count))
        rest = f"({text} - {self.ahead})" if self.ahead else text
        most: Formula = (f"({rest} & -{rounds}) + {self.ahead} - {rounds}" if self.ahead else
                         f"({rest} & -{rounds}) - {rounds}", ()) if text else (f"{{0}} - {rounds}", (end,))
        note = LoopNote(("{0}", (at,)), most, elements=max(len(job.values), 1))
        kept = dict(zip(job.kept, params, strict=False))
        vectors = {fold.state: (fold, vector) for fold, vector in zip(job.folds, params, strict=False)}
        for k, ((span, state, index), words) in enumerate(zip(job.plan.sites, job.start, strict=True)):
            name = v.folds.name(span, index)
            if name is None:
                continue
            what = f"{name}[{state}]"
            if k == job.plan.constant and job.plan.exit is not None:
                note.statements.append((f"{what} == {1 - job.plan.exit.value}", ()))
            elif k in vectors:
                fold, vector = vectors[k]
                if fold.kind is not None:
                    note.statements.append((f"{fold.kind} {fold.lane}: {{0}} = {what}", (vector,)))
            elif k in kept:
                note.statements.append((f"{{0}} = {what}", (kept[k],)))
            else:
                known = v.b.constant_of(words[0]) if len(words) == 1 else None
                if known is not None and job.plan.states[k].lo < 0 and known >> v.b.width(words[0]) - 1:
                    known -= 1 << v.b.width(words[0])
                note.statements.append((f"{{0}} = {what}", words[:1]) if known is None else
                                       (f"{what} == {known}", ()))
        note.statements += job.written
        return note


def positive(count: Term) -> Term:
    """The count, where there is a round to do."""
    while count.op == "assume":
        count = count.args[0]
    if count.op == "max" and count.args[1].op == "const" and count.args[1].data <= 0:
        return positive(count.args[0])
    return count
