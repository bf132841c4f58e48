"""Contracts over sequences whose length has no bound: folds as recurrences instead of walks.

Every fold over such a sequence is a function S of the number of rounds: S(0) is where it starts, S(k + 1) is its step
applied to S(k) and element number k. The values of S at some place are free variables within intervals that every
round keeps, and the step says how they hang together: a proof by induction needs no more. A search (`any`, `next`, …)
is a fold with a state that stays as it is once something was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from intent_tool.judge.assume import replaced
from intent_tool.judge.bitvector import Graph, Term, signed, topological
from intent_tool.judge.meaning_definitions import Demands, Remembered
from intent_tool.judge.meaning_evaluator import Evaluator
from intent_tool.judge.meaning_facts import Here, Key
from intent_tool.judge.meaning_numbers import Record
from intent_tool.judge.meaning_streams import Env, Item, Stream, Walk
from intent_tool.judge.meaning_values import NOWHERE, Nothing, NotUnderstood, Number, Sequence, Value
from intent_tool.judge.memory import INDEX_BITS
from intent_tool.language import tree
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import Span

SHORT = 256
"""Ranges of at most as many elements are walked over one by one."""
MOST_UNFOLDED = 256
"""Rounds that are worked out one after the other from a known one."""
_ATTEMPTS = 14
_WIDTHS = (1, 7, 8, 15, 16, 31, 32, 63, 64, 96, 128, 192, 256, 512)

Numbers: TypeAlias = tuple[Number, ...]
Elements: TypeAlias = dict[str, tuple[Callable[[Term], Term], Term]]
"""For variables that are elements of buffers on entry: what makes one of an index, and the index."""
Step: TypeAlias = Callable[[Numbers, list[Item], Here], Numbers]
"""The states after one round, whose elements are given; none, one or several."""


class Long(Sequence):
    """A sequence of `count` elements, each known by its place. What wants all of them in a row refuses it."""

    __slots__ = ("at",)
    at: Callable[[Number, Here], Value]
    """The element at a place inside."""

    def __init__(self, count: Number, at: Callable[[Number, Here], Value]) -> None:
        for name, value in (("start", None), ("count", count), ("present", None), ("at", at)):
            object.__setattr__(self, name, value)

    @property
    def values(self) -> tuple[Value, ...]:
        raise NotUnderstood(NOWHERE, "a sequence of unbounded length in such a place")


class LongStream(Stream):
    """A walk over `rounds` places, each with the elements there. Whoever walks step by step refuses it."""

    def __init__(self, rounds: Number, items: Callable[[Number, Here], list[Item]], is_plain: bool) -> None:
        """`is_plain`: each place has exactly one element."""
        super().__init__(_nothing(), rounds if is_plain else None)
        self.rounds, self.items, self.is_plain = rounds, items, is_plain

    def next(self, here: Here) -> Item | None:
        raise NotUnderstood(NOWHERE, "a walk over a sequence of unbounded length in such a place")


def _nothing() -> Walk:
    yield from ()


@dataclass(frozen=True, slots=True)
class Use:
    """Where the contract asks for the states of a fold."""

    guard: Term
    """Width 1: the conditions that it does so under, on which the intervals known there rest."""
    count: Number
    """After how many rounds."""


@dataclass(eq=False)
class Fold:
    """One recurrence.

    Several places of a contract may ask for it. At each of them the same formula says what a round does, by what is
    known there. So what is worked out for the only one may rest on that, too; once there is another one nothing but
    the formula counts."""

    number: int
    evaluator: Unbounded
    stream: LongStream
    initial: Numbers
    step: Step
    place: Here
    """The first that asks for it."""
    depth: int
    """How many folds are around it."""
    bounds: tuple[tuple[int, int], ...]
    """Intervals of the states, in every round, where one of the uses' guards holds."""
    spans: list[Span]
    """Where it is written: the call, and the clause that goes over the sequence."""
    index: Number
    """Any element's number."""
    states: Numbers
    """Any states, and what they are after that element's round."""
    formula: Numbers
    uses: list[Use] = field(default_factory=list)
    values: dict[Term, Numbers] = field(default_factory=dict)
    """The states after some numbers of rounds."""
    worked_out: set[Term] = field(default_factory=set)
    """Those numbers whose states were made of others."""
    milestones: list[Term] = field(default_factory=list)
    """Numbers of rounds after which code may be done: none, and those at the heads of its loops and after a round."""
    absorbing: tuple[int, int] | None = None
    """A state and its value with which all states stay as they are from then on."""
    growth: tuple[Growth | None, ...] = ()
    """Of each state."""
    is_idle: bool = False
    """Until that value is reached, the other states stay as they were in the beginning."""
    sources: frozenset[str] = frozenset()
    """The variables that the step reads, besides the states."""

    def after(self, rounds: Term) -> Numbers:
        """The states after a number of rounds."""
        graph = self.evaluator.graph
        known = self.values.get(rounds)
        if known is not None:
            return known
        if rounds.op == "ite":
            # Where paths met that had come from loops, or past them.
            test, then, otherwise = rounds.args
            return tuple(self.evaluator.choose_number(test, a, b, NOWHERE)
                         for a, b in zip(self.after(then), self.after(otherwise), strict=True))
        constant = rounds.data if rounds.is_const else signed(rounds.data[1], INDEX_BITS) if rounds.op == "sum" else 0
        for back in range(1, min(constant, MOST_UNFOLDED) + 1):
            earlier = graph.sub(rounds, graph.const(back, INDEX_BITS))
            if earlier.slo < 0:
                # There may be no such round: what is one more than it may be none at all.
                continue
            if earlier in self.values or back == constant:
                states = self.after(earlier)
                for k in range(back, 0, -1):
                    states = self.round(states, graph.sub(rounds, graph.const(k, INDEX_BITS)))
                    number = graph.sub(rounds, graph.const(k - 1, INDEX_BITS))
                    self.values[number] = states
                    self.worked_out.add(number)
                return states
        states = self.initial if rounds is graph.const(0, INDEX_BITS) else tuple(
            self.evaluator.free(f"fold {self.number}.{i} after {rounds.id}", *bounds)
            for i, bounds in enumerate(self.bounds))
        self.values[rounds] = states
        return states

    def round(self, states: Numbers, index: Term) -> Numbers:
        """The states after the round of element number `index`; means something where there is one."""
        if len(self.uses) > 1:
            return self._instance(states, index)
        evaluator = self.evaluator
        place = self.place.learn(evaluator.graph.ult(index, self.stream.rounds.at(evaluator.graph, INDEX_BITS)))
        if place is None:
            # A round that is never gone: code that would go it is never there.
            return tuple(evaluator.free(f"fold {self.number}.{i} never after {index.id}", *bounds)
                         for i, bounds in enumerate(self.bounds))
        with evaluator.quiet(), evaluator.within_folds(self.depth + 1):
            items = self.stream.items(Number(index, 0, self.stream.rounds.hi - 1), place)
            return self.step(states, items, place)

    def _instance(self, states: Numbers, index: Term) -> Numbers:
        """The round by the formula. Raises NotUnderstood where that has folds in it which are others each round."""
        graph, formula = self.evaluator.graph, [n.term for n in self.formula]
        given = {any_.term: state for any_, state in zip(self.states, states, strict=True) if not any_.term.is_const}
        by = {term: state.at(graph, term.width) for term, state in given.items()}
        by[self.index.term] = index
        for t in topological(formula):
            # In the width that a state is extended to a sum of several rounds is a sum.
            if t.op in ("zext", "sext") and t.args[0] in given and (t.op == "sext") == (self._lowest(t.args[0]) < 0):
                by[t] = given[t.args[0]].at(graph, t.width)
        terms = self._replaced(formula, by, _names(n.term for n in (self.index, *self.states)))
        return tuple(self.evaluator.make(term, n.lo, n.hi) for term, n in zip(terms, self.formula, strict=True))

    def _lowest(self, state: Term) -> int:
        """Of the values that any state may have."""
        return next(n.lo for n in self.states if n.term is state)

    def _replaced(self, terms: list[Term], by: dict[Term, Term], own: set[str]) -> list[Term]:
        """`terms` with variables replaced, and with them the elements of buffers whose places they tell. `own` are
        their names."""
        folds = self.evaluator.folds
        for t in topological(terms):
            if t.op != "var" or t in by:
                continue
            if t.data in folds.elements:
                make, place = folds.elements[t.data]
                by[t] = make(*self._replaced([place], by, own))
            elif t.data.startswith("fold ") and own & folds.reads([t.data]):
                raise NotUnderstood(self.spans[0], "a fold in several places with another one in it")
        return replaced(self.evaluator.graph, terms, by)

    def used(self, use: Use) -> None:
        """The contract asks for it at another place, too."""
        if use in self.uses:
            return
        self.uses.append(use)
        if len(self.uses) == 2:
            # What was made of it so far stands where the first use's guard holds. From now on it is made anew.
            numbers, self.worked_out = self.worked_out, set()
            for number in numbers:
                del self.values[number]
            self.evaluator.learn_what_stays(self)
            for number in sorted(numbers & {*self.milestones}, key=lambda term: term.id):
                self.after(number)

    def asked(self) -> set[str]:
        """The variables that the states the contract asks for depend on."""
        return {*self.sources, *_names(count.term for count in self.counts)}

    @property
    def counts(self) -> list[Number]:
        """How many rounds the contract asks for."""
        return list(dict.fromkeys(use.count for use in self.uses))

    def covers(self, rounds: Term, last: Mapping[Term, Term]) -> Term:
        """Whether the contract asks for so many rounds at one of the places. `last` is as in `LongMeaning`: what is
        asked for at any index of a written buffer, and does not depend on it, is so at the last."""
        graph = self.evaluator.graph
        if self.evaluator.folds.reads(self.sources) & {t.data for t in last}:
            last = {}
        found = graph.false
        for use in self.uses:
            guard, count = replaced(graph, [use.guard, use.count.at(graph, INDEX_BITS)], last)
            found = graph.or_(found, graph.and_(guard, graph.ule(rounds, count)))
        return found

    def facts(self) -> Iterator[Term]:
        """What is known of the final states: they are those after as many rounds; and what absorbs stays. Of states
        in the middle of what code does in one go this is left out."""
        graph = self.evaluator.graph
        for asked in self.counts:
            count = asked.at(graph, INDEX_BITS)
            final = self.after(count)
            for rounds, states in list(self.values.items()):
                if rounds is count or rounds not in self.milestones:
                    continue
                same = graph.true
                for a, b in zip(states, final, strict=True):
                    same = graph.and_(same, self.evaluator.equals(a, b))
                there = graph.eq(rounds, count)
                if self.absorbing is not None:
                    number, value = self.absorbing
                    found = self.evaluator.equals(states[number], self.evaluator.const(value))
                    there = graph.or_(there, graph.and_(found, graph.ule(rounds, count)))
                fact = graph.or_(graph.not_(there), same)
                if fact is not graph.true:
                    yield fact


    def grown(self) -> Iterator[Term]:
        """Final states to which each round adds an amount are within so many times that."""
        evaluator, graph = self.evaluator, self.evaluator.graph
        for rounds in self.counts:
            final = self.after(rounds.at(graph, INDEX_BITS))
            for state, start, growth in zip(final, self.initial, self.growth, strict=True):
                if growth is None or growth.step == (0, 0) or state.lo == state.hi:
                    continue
                lo, hi = growth.after(start, 0)
                least = evaluator.linear([(min(0, growth.step[0]), rounds)], lo, NOWHERE)
                most = evaluator.linear([(max(0, growth.step[1]), rounds)], hi, NOWHERE)
                for fact in (graph.not_(evaluator.less(state, least)), graph.not_(evaluator.less(most, state))):
                    if fact is not graph.true:
                        yield fact


Asked: TypeAlias = tuple[Fold, Use]


@dataclass
class Folds:
    """All folds of an evaluation, and how many are around what is evaluated now: a variable that stands for any
    round, or any state, of one must not be that of another inside of it."""

    by_meaning: dict[tuple[object, ...], Fold] = field(default_factory=dict)
    depth: int = 0
    elements: Elements = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    """What was asked for, by guards that hold where the definition is evaluated at all."""
    asked_by: dict[int, tuple[Remembered, list[Asked]]] = field(default_factory=dict)
    """The same of each evaluation that is remembered, by its id."""

    def of_state(self, name: str) -> Fold:
        """The fold whose state the variable is."""
        number, _, _ = name.removeprefix("fold ").partition(".")
        return list(self.by_meaning.values())[int(number)]

    def reads(self, names: Iterable[str]) -> set[str]:
        """What variables depend on, themselves included: elements on their places, states of folds on what is folded
        and how often."""
        found: set[str] = set()
        left = set(names)
        while left:
            name = left.pop()
            found.add(name)
            if name in self.elements:
                left |= _names([self.elements[name][1]])
            elif name.startswith("fold "):
                left |= self.of_state(name).asked()
            left -= found
        return found


class Unbounded(Evaluator):
    """The evaluator that knows sequences of unbounded length."""

    def __init__(self, contract: Contract, record: Record, scope: Env, folds: Folds) -> None:
        super().__init__(contract, record, scope)
        self.folds = folds
        self.outer = self.graph.true
        """The conditions that `apart` leaves out."""

    def of(self, contract: Contract, scope: Env) -> Unbounded:
        return Unbounded(contract, self.record, scope, self.folds)

    def free(self, name: str, lo: int, hi: int) -> Number:
        """A variable known to lie in lo..hi."""
        if lo == hi:
            return self.const(lo)
        width = (hi.bit_length() if lo >= 0 else max((~lo).bit_length(), hi.bit_length() if hi > 0 else 0) + 1)
        half = 1 << (width - 1)
        if lo >= 0:
            term = self.graph.bounded_var(name, width, lo, hi, -half, half - 1)
        else:
            term = self.graph.bounded_var(name, width, 0, 2 * half - 1, lo, hi)
        return Number(term, lo, hi)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """What is evaluated here demands nothing: it was evaluated for any place before."""
        demands, self.record.demands = self.record.demands, {}
        try:
            yield
        finally:
            self.record.demands = demands

    @contextmanager
    def within_folds(self, depth: int) -> Iterator[None]:
        """Evaluation with so many folds around it."""
        before, self.folds.depth = self.folds.depth, depth
        try:
            yield
        finally:
            self.folds.depth = before

    def apart(self, evaluate: Callable[[Here], Value], here: Here) -> tuple[Value, Demands, set[Key]]:
        outer = self.outer
        self.outer = self.graph.and_(outer, here.guard)
        try:
            return super().apart(evaluate, here)
        finally:
            self.outer = outer

    def remembered(self, name: str, arguments: list[Value], here: Here) -> Remembered:
        folds, graph = self.folds, self.graph
        before = len(folds.asked)
        entry = super().remembered(name, arguments, here)
        if id(entry) not in folds.asked_by:
            folds.asked_by[id(entry)] = entry, folds.asked[before:]
            del folds.asked[before:]
        _, asked = folds.asked_by[id(entry)]
        for fold, use in asked:
            # Of an evaluation that is remembered this is another place that asks.
            self.ask(fold, Use(graph.and_(here.guard, use.guard), use.count))
        return entry

    def ask(self, fold: Fold, use: Use) -> None:
        """The guard is that of where the definition is evaluated."""
        self.folds.asked.append((fold, use))
        fold.used(Use(self.graph.and_(self.outer, use.guard), use.count))

    def round_index(self, count: Number) -> Number:
        """Any place of a sequence of `count` elements that is walked over here."""
        return self.index(f"round at depth {self.folds.depth}", count)

    def index(self, name: str, count: Number) -> Number:
        """Any place of a sequence of `count` elements."""
        half = 1 << (INDEX_BITS - 1)
        hi = count.hi - 1
        return Number(self.graph.bounded_var(name, INDEX_BITS, 0, hi, -half, half - 1), 0, hi)

    # Streams.

    def stream(self, node: tree.Expression, env: Env, here: Here) -> Stream:
        if isinstance(node, tree.Call) and node.function == "enumerate":
            source = self.stream(node.arguments[0], env, here)
            first = self.number(node.arguments[1], env, here) if len(node.arguments) > 1 else self.zero
            if not isinstance(source, LongStream):
                return self.started(self.walk_enumerate(source, first, node.span), source.count)
            if not source.is_plain:
                raise NotUnderstood(node.span, "`enumerate` of a filtered sequence of unbounded length")
            return LongStream(source.rounds, lambda k, there: [
                (self.graph.true, Sequence((self.add(k, first, node.span), source.items(k, there)[0][1])))], True)
        return super().stream(node, env, here)

    def stream_of(self, sequence: Sequence) -> Stream:
        if not isinstance(sequence, Long):
            return super().stream_of(sequence)
        assert sequence.count is not None
        return LongStream(sequence.count, lambda k, there: [(self.graph.true, sequence.at(k, there))], True)

    def stream_of_zip(self, sources: list[Stream], span: Span, here: Here) -> Stream:
        long = [s for s in sources if isinstance(s, LongStream)]
        if not long:
            return super().stream_of_zip(sources, span, here)
        if len(long) < len(sources) or not all(s.is_plain for s in long):
            raise NotUnderstood(span, "`zip` of sequences of which some are filtered, or of bounded length")
        count = long[0].rounds
        for other in long[1:]:
            count = self.least(count, other.rounds, span)
        return LongStream(count, lambda k, there: [
            (self.graph.true, Sequence(tuple(s.items(k, there)[0][1] for s in long)))], True)

    def stream_of_range(self, node: tree.Call, env: Env, here: Here) -> Stream:
        start, stop, step, count = self.range_ends(node, env, here)
        if count.hi <= SHORT or count.lo == count.hi:
            return self.started(self.walk_range(start, stop, step, count, node.span), count)
        lo, hi = (start.lo, stop.hi - 1) if step > 0 else (stop.lo + 1, start.hi)

        def items(k: Number, there: Here) -> list[Item]:
            value = self.linear([(1, start), (step, k)], 0, node.span)
            return [(self.graph.true, self.refined(self.make(value.term, max(value.lo, lo), min(value.hi, hi)),
                                                   there))]
        return LongStream(count, items, True)

    def stream_of_comprehension(self, node: tree.Comprehension, env: Env, here: Here) -> Stream:
        source = self.stream(node.clauses[0].sequence, env, here)
        is_plain = len(node.clauses) == 1 and not node.clauses[0].conditions
        if not isinstance(source, LongStream):
            return self.started(self.walk_comprehension(node, source, env), source.count if is_plain else None)

        def items(k: Number, there: Here) -> list[Item]:
            found: list[Item] = []
            for present, value in source.items(k, there):
                place = there.learn(present)
                if place is not None:
                    self._elements(node, 0, value, env, (present,), place, found)
            return found
        return LongStream(source.rounds, items, is_plain and source.is_plain)

    def _elements(self, node: tree.Comprehension, level: int, value: Value, env: Env, passed: tuple[Term, ...],
                  place: Here, found: list[Item]) -> None:
        """What one element of the clause number `level` gives."""
        clause = node.clauses[level]
        bound = self.bound(clause.target, value, env)
        for condition in clause.conditions:
            test = self.condition(condition, bound, place)
            following = place.learn(test)
            if following is None:
                return
            place, passed = following, (*passed, test)
        if level + 1 == len(node.clauses):
            found.append((self.all_of(passed), self.eval(node.element, bound, place)))
            return
        inner = self.stream(node.clauses[level + 1].sequence, bound, place)
        while (item := inner.next(place)) is not None:
            there = place.learn(item[0])
            if there is not None:
                self._elements(node, level + 1, item[1], bound, (*passed, item[0]), there, found)

    def listed(self, stream: Stream, span: Span, here: Here) -> Sequence:
        if not isinstance(stream, LongStream):
            return super().listed(stream, span, here)
        if not stream.is_plain:
            raise NotUnderstood(span, "a filtered sequence of unbounded length, in this place")
        # All elements are made, whatever is taken of them: each has to have a value.
        index = self.round_index(stream.rounds)
        place = here.learn(self.less(index, stream.rounds)) if stream.rounds.hi > 0 else None
        if place is not None:
            with self.within_folds(self.folds.depth + 1):
                stream.items(index, place)
        return Long(stream.rounds, lambda k, there: stream.items(k, there)[0][1])

    # Sequences.

    def element(self, sequence: Sequence, index: Number, span: Span, here: Here) -> Value:
        if not isinstance(sequence, Long):
            return super().element(sequence, index, span, here)
        length = self.length(sequence)
        if index.lo < 0 <= index.hi and self._is_ordered(index, here, span):
            index = self.make(index.term, 0, index.hi)
        index, here = self.inside(index, length, span, here)
        return sequence.at(self.from_start(index, length, span), here) if length.hi > 0 else Nothing()

    def _is_ordered(self, number: Number, here: Here, span: Span) -> bool:
        """Whether a number is not negative for the known order of two others: ``n - 1 - i`` where ``i < n``."""
        for relation, truth in here.relations:
            if relation.op not in ("ult", "slt"):
                continue
            less, more = (self._read(term, relation.op == "slt") for term in relation.args[::1 if truth else -1])
            rest = self.linear([(1, number), (-1, more), (1, less)], int(truth), span)
            if rest.lo >= 0:
                return True
        return False

    def _read(self, term: Term, is_signed: bool) -> Number:
        return Number(term, term.slo, term.shi) if is_signed else Number(term, term.lo, term.hi)

    def sliced(self, sequence: Sequence, start: Number | None, stop: Number | None, span: Span) -> Sequence:
        if not isinstance(sequence, Long):
            return super().sliced(sequence, start, stop, span)
        length = self.length(sequence)
        # Where the start lies beyond the end there are no elements, wherever they would be.
        first = self.zero if start is None else start if start.lo >= 0 else self._clamped(start, length, span)
        last = self._clamped(stop, length, span) if stop is not None else length
        count = self.greatest(self.subtract(last, first, span), self.zero, span)
        return Long(count, lambda k, there: sequence.at(
            self._placed(self.add(first, k, span), length), there))

    def reversed(self, sequence: Sequence, span: Span) -> Sequence:
        if not isinstance(sequence, Long):
            return super().reversed(sequence, span)
        length = self.length(sequence)
        return Long(length, lambda k, there: sequence.at(
            self._placed(self.linear([(1, length), (-1, k)], -1, span), length), there))

    def _placed(self, index: Number, length: Number) -> Number:
        """An index that is known to be inside."""
        return self.make(index.term, max(index.lo, 0), max(min(index.hi, length.hi - 1), 0))

    # Folds.

    def call(self, node: tree.Call, env: Env, here: Here) -> Value:
        if node.function == "len" and isinstance(node.arguments[0], tree.Comprehension):
            stream = self.stream(node.arguments[0], env, here)
            if isinstance(stream, LongStream) and not stream.is_plain:
                return self.fold(stream, (self.zero,), lambda states, items, place: (self.linear(
                    [(1, states[0]), *((1, self.flag(p)) for p, _ in items)], 0, node.span),), _places(node), here)[0]
        if node.function in ("any", "all"):
            stream = self.stream(node.arguments[0], env, here)
            if isinstance(stream, LongStream):
                return self._search(node, stream, here)
            wanted = node.function == "any"
            found = self.found(stream, lambda value: (
                self.holds(value) if wanted else self.graph.not_(self.holds(value))), here)
            return self.flag(found if wanted else self.graph.not_(found))
        if node.function == "reduce":
            stream = self.stream(node.arguments[1], env, here)
            initial = self.eval(node.arguments[2], env, here)

            def apply(state: Value, value: Value, there: Here) -> Value:
                return self.apply(node.arguments[0], [state, value], env, there)
            if isinstance(stream, LongStream):
                return self._reduced(node, stream, initial, apply, here)
            return self.folded(stream, initial, apply, node.span, here)
        if node.function == "next":
            stream = self.stream(node.arguments[0], env, here)
            default = self.eval(node.arguments[1], env, here)
            return self._first(node, stream, default, here) if isinstance(stream, LongStream) else (
                self.first(stream, default, node.span, here))
        return super().call(node, env, here)

    def sum(self, node: tree.Call, env: Env, here: Here) -> Number:
        stream = self.stream(node.arguments[0], env, here)
        if not isinstance(stream, LongStream):
            return super().sum(node, env, here)
        start = self.number(node.arguments[1], env, here) if len(node.arguments) > 1 else self.zero

        def step(states: Numbers, items: list[Item], place: Here) -> Numbers:
            parts = [(1, self.choose_number(p, self.integer(v, node.span), self.zero, node.span)) for p, v in items]
            return (self.linear([(1, states[0]), *parts], 0, node.span),)
        return self.fold(stream, (start,), step, _places(node), here)[0]

    def extreme_of(self, node: tree.Call, env: Env, here: Here) -> Value:
        stream, span, graph = self.stream(node.arguments[0], env, here), node.span, self.graph
        if not isinstance(stream, LongStream):
            return super().extreme_of(node, env, here)
        if stream.is_plain:
            some = graph.not_(self.less(stream.rounds, self.one))
            here = self.demand(here, "domain", span, f"{node.function}() has at least one element", some)
            first = self.integer(stream.items(self.zero, here)[0][1], span)
            rounds = self.refined(stream.rounds, here)
            rest = self.greatest(self.linear([(1, rounds)], -1, span), self.zero, span)
            following = LongStream(self.refined(rest, here), lambda k, there: stream.items(
                self.add(k, self.one, span), there), True)
            return self.fold(following, (first,), lambda states, items, place: (self.integer(self.extreme(
                node.function, states[0], items[0][1], span), span),), _places(node), here)[0]

        def step(states: Numbers, items: list[Item], place: Here) -> Numbers:
            have, best = states
            for present, value in items:
                number = self.integer(value, span)
                better = self.integer(self.extreme(node.function, best, number, span), span)
                better = self.choose_number(self.truth(have), better, number, span)
                best = self.choose_number(present, better, best, span)
                have = self.choose_number(present, self.one, have, span)
            return have, best
        found, best = self.fold(stream, (self.zero, self.zero), step, _places(node), here)
        self.demand(here, "domain", span, f"{node.function}() has at least one element", self.truth(found))
        return best

    def contains(self, element: Value, node: tree.Expression, env: Env, here: Here, span: Span) -> Term:
        is_range = isinstance(node, tree.Call) and node.function == "range"
        stream = None if is_range else self.stream(node, env, here)
        if not isinstance(stream, LongStream):
            return super().contains(element, node, env, here, span)

        def step(states: Numbers, items: list[Item], place: Here) -> Numbers:
            state = states[0]
            for present, value in items:
                hit = self.graph.and_(present, self.same(element, value, node.span))
                state = self.choose_number(hit, self.one, state, span)
            return (state,)
        return self.truth(self.fold(stream, (self.zero,), step, (span,), here, (0, 1))[0])

    def _search(self, node: tree.Call, stream: LongStream, here: Here) -> Number:
        """`any` and `all`: nothing is evaluated after the element that decides."""
        wanted = node.function == "any"

        def step(states: Numbers, items: list[Item], place: Here) -> Numbers:
            state = states[0]
            for present, value in items:
                test = self.holds(value)
                hit = self.graph.and_(present, test if wanted else self.graph.not_(test))
                state = self.choose_number(hit, self.const(wanted), state, node.span)
            return (state,)
        return self.fold(stream, (self.const(not wanted),), step, _places(node), here, (0, int(wanted)))[0]

    def _first(self, node: tree.Call, stream: LongStream, default: Value, here: Here) -> Value:
        span = node.span
        before = self._flat(default, span)

        def step(states: Numbers, items: list[Item], place: Here) -> Numbers:
            found, *values = states
            for present, value in items:
                new = self._flat(value, span)
                if len(new) != len(values):
                    raise NotUnderstood(span, "`next` whose default has another shape than its elements")
                take = self.graph.and_(present, self.graph.not_(self.truth(found)))
                values = [self.choose_number(take, a, b, span) for a, b in zip(new, values, strict=True)]
                found = self.choose_number(present, self.one, found, span)
            return (found, *values)
        final = self.fold(stream, (self.zero, *before), step, _places(node), here, (0, 1))
        return self._shaped(default, list(final[1:]))

    def _reduced(self, node: tree.Call, stream: LongStream, initial: Value,
                 apply: Callable[[Value, Value, Here], Value], here: Here) -> Value:
        span = node.span
        start = self._flat(initial, span)

        def step(states: Numbers, items: list[Item], place: Here) -> Numbers:
            for present, value in items:
                there = place.learn(present)
                if there is None:
                    continue
                after = self._flat(apply(self._shaped(initial, list(states)), value, there), span)
                if len(after) != len(states):
                    raise NotUnderstood(span, "`reduce` with a state that changes its shape")
                states = tuple(self.choose_number(present, a, b, span)
                               for a, b in zip(after, states, strict=True))
            return states
        return self._shaped(initial, list(self.fold(stream, start, step, _places(node), here)))

    def _flat(self, value: Value, span: Span) -> Numbers:
        if isinstance(value, Number):
            return (value,)
        if isinstance(value, Nothing | Long) or not value.is_dense:
            raise NotUnderstood(span, "a state that is not made of integers")
        return tuple(n for item in value.values for n in self._flat(item, span))

    def _shaped(self, shape: Value, numbers: list[Number]) -> Value:
        """`numbers`, taken from the front of the list, arranged like `shape`."""
        if isinstance(shape, Sequence):
            return Sequence(tuple(self._shaped(item, numbers) for item in shape.values))
        return numbers.pop(0)

    def fold(self, stream: LongStream, initial: Numbers, step: Step, places: tuple[Span, ...], here: Here,
             stays: tuple[int, int] | None = None) -> Numbers:
        """The states after all rounds. `places` are where it is written. With `stays`, nothing is evaluated any more
        once that state has that value."""
        graph, span = self.graph, places[0]
        count = self.refined(stream.rounds, here)
        if count.hi <= 0:
            return initial
        stream = LongStream(count, stream.items, stream.is_plain)
        depth, index = self.folds.depth, self.round_index(count)
        place = here.learn(self.less(index, count))
        if place is None:
            return initial
        bounds = tuple((n.lo, n.hi) for n in initial)
        demands = self.record.demands
        settled = None
        for attempt in range(_ATTEMPTS):
            self.record.demands = dict(demands)
            states = tuple(self.free(f"state {i} at depth {depth} in {lo}..{hi}", lo, hi)
                           for i, (lo, hi) in enumerate(bounds))
            there: Here | None = place
            if stays is not None:
                there = place.learn(self.equals(states[stays[0]], self.const(stays[1])), False)
            with self.within_folds(depth + 1):
                after = states if there is None else step(states, stream.items(index, there), there)
            reached = tuple(_reach(graph, *several, count.hi) for several in zip(initial, states, after, strict=True))
            if all(b[0] <= r[0] and r[1] <= b[1] for b, r in zip(bounds, reached, strict=True)):
                if settled is not None or reached == bounds:
                    break
                # Widening overshoots: the intervals that this round keeps to may hold in every round, too.
                settled, bounds = bounds, reached
            elif settled is not None:
                bounds = settled
            else:
                bounds = tuple(_widened((min(b[0], r[0]), max(b[1], r[1])), attempt)
                               for b, r in zip(bounds, reached, strict=True))
        else:
            self.record.demands = demands
            raise NotUnderstood(span, "a fold whose values grow without a bound that the intervals can find")
        key = ("fold", tuple((n.term.id, n.lo, n.hi) for n in (*initial, *after)), bounds, stays)
        known = self.folds.by_meaning.get(key)
        if known is None:
            formula = after
            if stays is not None:
                # Whatever stays does not ask whether anything was found before: that is one more choice.
                plain, number, value = step, *stays

                def step(states: Numbers, items: list[Item], place: Here) -> Numbers:
                    return kept(states, plain(states, items, place))

                def kept(states: Numbers, after: Numbers) -> Numbers:
                    found = self.equals(states[number], self.const(value))
                    return tuple(self.choose_number(found, a, b, span) for a, b in zip(states, after, strict=True))
                formula = kept(states, after)
            known = self.folds.by_meaning[key] = Fold(
                len(self.folds.by_meaning), self, stream, initial, step, here, depth, bounds, [span], index,
                states, formula)
            known.milestones.append(graph.const(0, INDEX_BITS))
            known.growth = tuple(_growth(graph, a.term, a, s) for a, s in zip(after, states, strict=True))
            self.learn_what_stays(known)
            own = _names(n.term for n in (index, *states))
            known.sources = frozenset(_names(n.term for n in (*after, *initial)) - own)
        known.spans += [written for written in places if written not in known.spans]
        self.ask(known, Use(here.guard, count))
        return known.after(count.at(graph, INDEX_BITS))

    def learn_what_stays(self, fold: Fold) -> None:
        fold.absorbing = self._absorbing(fold)
        fold.is_idle = fold.absorbing is not None and self._is_idle(fold, fold.absorbing)

    def _absorbing(self, fold: Fold) -> tuple[int, int] | None:
        """A state and a value of it that a round never changes, nor anything else then."""
        for number, (lo, hi) in enumerate(fold.bounds):
            for value in (1, 0) if (lo, hi) == (0, 1) else ():
                states = tuple(
                    self.const(value) if i == number else self.free(f"absorbed {i} at depth {fold.depth}", *bounds)
                    for i, bounds in enumerate(fold.bounds))
                after = fold.round(states, fold.index.term)
                if all(self.equals(a, b) is self.graph.true for a, b in zip(after, states, strict=True)):
                    return number, value
        return None

    def _is_idle(self, fold: Fold, absorbing: tuple[int, int]) -> bool:
        """Whether a round after which that state has not that value has changed nothing."""
        number, value = absorbing
        states = tuple(self.const(1 - value) if i == number else self.free(f"idle {i} at depth {fold.depth}", *bounds)
                       for i, bounds in enumerate(fold.bounds))
        after = fold.round(states, fold.index.term)
        reached, unmet = self.equals(after[number], self.const(value)), self.graph.false
        if reached.op == "not":
            reached, unmet = reached.args[0], self.graph.true
        same = [self.equals(a, b) for k, (a, b) in enumerate(zip(after, states, strict=True)) if k != number]
        return all(s is self.graph.true for s in replaced(self.graph, same, {reached: unmet}))


@dataclass(frozen=True, slots=True)
class Growth:
    """What a round does to a state: it adds an amount, or sets it to something that does not depend on it."""

    step: tuple[int, int]
    """The least and the most that is added."""
    fresh: tuple[int, int] | None
    """The interval of what it is set to; None where it never is."""

    def joined(self, other: Growth) -> Growth:
        fresh = self.fresh if other.fresh is None else other.fresh if self.fresh is None else (
            min(self.fresh[0], other.fresh[0]), max(self.fresh[1], other.fresh[1]))
        return Growth((min(self.step[0], other.step[0]), max(self.step[1], other.step[1])), fresh)

    def after(self, start: Number, rounds: int) -> tuple[int, int]:
        """The interval after at most so many rounds."""
        lo, hi = start.lo, start.hi
        if self.fresh is not None:
            lo, hi = min(lo, self.fresh[0]), max(hi, self.fresh[1])
        return lo + rounds * min(0, self.step[0]), hi + rounds * max(0, self.step[1])


def _places(node: tree.Call) -> tuple[Span, ...]:
    """Where a fold is written: the call, and the clause that goes over the sequence."""
    argument = node.arguments[1 if node.function == "reduce" else 0]
    return (node.span, *((argument.clauses[0].span,) if isinstance(argument, tree.Comprehension) else ()))


def _names(terms: Iterable[Term]) -> set[str]:
    """Of the variables in them."""
    return {t.data for t in topological(list(terms)) if t.op == "var"}


def _reach(graph: Graph, start: Number, state: Number, after: Number, rounds: int) -> tuple[int, int]:
    """What a state can be, given the interval of `state` that `after` was computed with.

    Where a round adds an amount (a running sum, a counter) the sum over all rounds bounds it, too."""
    lo, hi = min(start.lo, after.lo), max(start.hi, after.hi)
    growth = _growth(graph, after.term, after, state)
    if growth is not None:
        low, high = growth.after(start, rounds)
        lo, hi = max(lo, low), min(hi, high)
    return lo, hi


def _growth(graph: Graph, term: Term, after: Number, state: Number) -> Growth | None:
    """How `term`, read as `after` is, comes from the state; None where that is in some other way."""
    bottom, top = (0, (1 << term.width) - 1) if after.lo >= 0 else (-(1 << term.width - 1), (1 << term.width - 1) - 1)
    if term is state.term and bottom <= state.lo and state.hi <= top:
        # The same bits, read in the same way.
        return Growth((0, 0), None)
    if term.op == "ite":
        arms = [_growth(graph, arm, after, state) for arm in term.args[1:]]
        return arms[0].joined(arms[1]) if arms[0] is not None and arms[1] is not None else None
    if term.op in ("zext", "sext") and (term.op == "zext") == (after.lo >= 0):
        return _growth(graph, term.args[0], after, state)
    if state.term not in topological([term]):
        return Growth((0, 0), (term.lo, term.hi) if after.lo >= 0 else (term.slo, term.shi))
    if term.width < state.term.width:
        return None
    rest = graph.sub(term, state.at(graph, term.width))
    if state.term in topological([rest]):
        return None
    # The sum over the integers must not wrap in the term's width.
    if not (bottom <= state.lo + rest.slo and state.hi + rest.shi <= top):
        return None
    return Growth((rest.slo, rest.shi), None)


def _widened(bounds: tuple[int, int], attempt: int) -> tuple[int, int]:
    lo, hi = bounds
    if attempt >= 2:
        hi = hi if hi <= 0 else next(((1 << s) - 1 for s in _WIDTHS if hi < 1 << s), hi)
        # A lower bound that sinks below a start above zero settles at zero first.
        lo = 0 if lo > 0 else lo if lo == 0 else next((-(1 << s) for s in _WIDTHS if lo >= -(1 << s)), lo)
    return lo, hi
