"""Folds whose rounds do not wait for each other: sums, extremes and bitwise operators, kept lane by lane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from intent_tool.language.terms import Term, walk
from intent_tool.propose.fold_plan import Plan
from intent_tool.propose.lower_values import Values, Words
from intent_tool.propose.substitute import Substitution
from intent_tool.propose.vector_lanes import Unfit
from intent_tool.propose.vector_terms import LANES, LaneTerms, as_extreme, fits, holds, is_condition, signedness

NOTED = {"add": "sum", "min_u": "umin", "max_u": "umax", "min_s": "smin", "max_s": "smax",
         **{op: op for op in ("and", "or", "xor", "all", "any")}}
"""Operators as notes name them; of others a note can say nothing."""


@dataclass(frozen=True, slots=True)
class VectorFold:
    """`op` over all rounds' values of `terms`, in lanes of `lane` bits of one vector."""

    state: int
    """Its number in the plan."""
    op: str
    lane: int
    terms: tuple[Term, ...]
    variable: Term
    start: int
    """The word that it starts with."""
    width: int
    """Of the state, in bits."""
    wrapped: tuple[int, bool] | None = None
    """Brings the sum into the range of a type."""
    starts_alike: bool = False
    """It starts with what its term is in the round before the first, and to take that twice does no harm."""

    @property
    def kind(self) -> str | None:
        return NOTED.get(self.op) if self.wrapped is None else None

    @property
    def neutral(self) -> int:
        """In lanes that do not count."""
        top = 1 << self.lane - 1
        return {"min_s": top - 1, "max_s": top, "min_u": -1, "and": -1}.get(self.op, 0)

    # Before, in and behind the loop

    def first(self, lanes: LaneTerms) -> int:
        b = lanes.b
        if self.op in ("all", "any"):
            return lanes.splat(b.op("neg", self.start), self.lane)
        if self.op in ("add", "xor"):
            if b.constant_of(self.start) == 0:
                return lanes.emit("v_zero")
            return lanes.emit("v_word", self.start, imm=self.width)
        word = self.start
        if self.width == 64 and self.lane < 64:
            word = b.trunc(word)
        return lanes.splat(word, self.lane)

    def first_of_all(self, lanes: LaneTerms) -> int:
        """What the rounds from -1 on give, one vector of them; the state is not needed, then."""
        (term,) = self.terms
        return _tree(lambda a, b: lanes.combined(self.op, a, b, self.lane), [*lanes.value(term, self.lane)])

    def turn(self, lanes: LaneTerms, vector: int, offsets: list[int]) -> int:
        if self.op == "add":
            for term in self.terms:
                vector = _Sum(lanes, self.lane, offsets).onto(vector, term)
            return vector
        (term,) = self.terms
        if self.op in ("all", "any"):
            op = "and" if self.op == "all" else "or"
            masks: list[int] = []
            for offset in offsets:
                lanes.begin(offset)
                masks += [lanes.counted(m, -1 if op == "and" else 0)
                          for m in lanes.straight(lanes.mask(term, self.lane))]
            return lanes.bitwise(op, vector, _tree(lambda a, b: lanes.bitwise(op, a, b), masks))
        found: list[int] = []
        for offset in offsets:
            lanes.begin(offset)
            found += [lanes.counted(x, self.neutral) for x in lanes.value(term, self.lane)]
        return lanes.combined(self.op, vector, _tree(lambda a, b: lanes.combined(self.op, a, b, self.lane), found),
                              self.lane)

    def final(self, lanes: LaneTerms, vector: int) -> int:
        b = lanes.b
        if self.op in ("all", "any"):
            return lanes.tested([vector], self.op == "all", self.op == "any")
        word = lanes.folded(self.op, vector, self.lane)
        if self.wrapped is not None:
            bits, is_signed = self.wrapped
        elif self.lane < 32:
            bits, is_signed = self.lane, self.variable.lo < 0
        else:
            return word if self.lane == self.width else b.extend(word, self.variable.lo < 0)
        narrow = b.op(f"sext{bits}", word) if is_signed and bits in (8, 16) else \
            b.op("and", word, b.const((1 << bits) - 1, b.width(word)))
        return narrow if b.width(narrow) == self.width else b.extend(narrow, self.variable.lo < 0)


def _tree(f: Callable[[int, int], int], items: list[int]) -> int:
    while len(items) > 1:
        items = [f(items[k], items[k + 1]) if k + 1 < len(items) else items[k] for k in range(0, len(items), 2)]
    return items[0]


# Which folds these are

def folds_of(values: Values, plan: Plan, start: tuple[Words, ...]) -> list[VectorFold]:
    carried = plan.carried()
    if plan.exit is not None:
        if carried:
            raise Unfit
        return []
    if not carried:
        raise Unfit
    return [_fold_of(values, plan, k, start[k]) for k in carried]


def _fold_of(values: Values, plan: Plan, number: int, start: Words) -> VectorFold:
    state, after = plan.states[number], plan.next[number]
    width = values.state_bits(state)
    if len(start) != 1:
        raise Unfit
    states = frozenset(s.id for s in plan.states)
    wrapped: tuple[int, bool] | None = None
    while after.op in ("assume", "wrap"):
        if after.op == "wrap" and (wrapped is None or after.data[0] < wrapped[0]):
            wrapped = after.data
        after = after.args[0]
    if wrapped is not None and wrapped[0] >= width:
        wrapped = None
    if after.op in ("add", "sub"):
        terms = tuple(_addends(values, after, state))
        if any(values.free(t) & states for t in terms) or (wrapped and wrapped[1] and wrapped[0] not in (8, 16)):
            raise Unfit
        return VectorFold(number, "add", width, terms, state, start[0], width, wrapped)
    if wrapped is not None:
        raise Unfit
    if after.op == "ite" and is_condition(state):
        condition, then, otherwise = after.args
        if condition.bare is state and otherwise.op == "const" and otherwise.data == 0:
            op, term = "all", then
        elif condition.bare is state and then.op == "const" and then.data == 1:
            op, term = "any", otherwise
        elif otherwise.bare is state and then.op == "const" and then.data == 1:
            op, term = "any", condition
        elif then.bare is state and otherwise.op == "const" and otherwise.data == 0:
            op, term = "all", condition
        else:
            raise Unfit
        if values.free(term) & states or width != 32:
            raise Unfit
        return VectorFold(number, op, _narrowest_load(values, term), (term,), state, start[0], width)
    if after.op == "ite":
        after = as_extreme(values.terms.binary, after) or after
    if after.op not in ("min", "max", "and", "or", "xor"):
        raise Unfit
    others = [a for a in after.args if a.bare is not state]
    if len(others) != 1 or values.free(others[0]) & states:
        raise Unfit
    (term,) = others
    for lane in LANES:
        for is_signed in sorted(signedness(lane, state, term), reverse=lane != 8):
            op = after.op + ("_s" if is_signed else "_u") if after.op in ("min", "max") else after.op
            if op != "xor" or not is_signed or lane == width:
                before = Substitution(values.terms, {plan.index.id: values.terms.const(-1)})(term)
                alike = after.op in ("min", "max") and before.bare is plan.initial[number].bare
                return VectorFold(number, op, lane, (term,), state, start[0], width, starts_alike=alike)
    raise Unfit


def _addends(values: Values, total: Term, state: Term) -> list[Term]:
    """What is added to the state."""
    terms = values.terms
    if total.bare is state:
        return []
    if total.op == "assume":
        return _addends(values, total.args[0], state)
    if total.op not in ("add", "sub"):
        raise Unfit
    a, b = total.args
    if state.id in values.free(a) and state.id not in values.free(b):
        return [*_addends(values, a, state), b if total.op == "add" else terms.binary("sub", terms.const(0), b)]
    if state.id in values.free(b) and state.id not in values.free(a) and total.op == "add":
        return [*_addends(values, b, state), a]
    raise Unfit


def _narrowest_load(values: Values, term: Term) -> int:
    found = [values.types[t.data].bits for t in walk([term]) if t.op == "load"]
    if not found:
        raise Unfit
    return min(found)


# Sums

@dataclass(frozen=True, slots=True)
class _Part:
    """A vector whose lanes all lie in low..high; the sum of all lanes counts, in whatever order they are."""

    vector: int
    low: int
    high: int


class _Sum:
    """Adds what a turn has of a term: in narrow lanes as long as they hold the sums."""

    def __init__(self, lanes: LaneTerms, lane: int, offsets: list[int]) -> None:
        self.lanes, self.lane, self.offsets = lanes, lane, offsets

    def onto(self, vector: int, term: Term) -> int:
        have, parts = self.parts_of(term)
        while True:
            parts = self.merged(parts, have)
            if have >= self.lane:
                break
            wide = [self.widened(part, have) for part in parts]
            have, parts = wide[0][0], [part for _, part in wide]
        for part in parts:
            vector = self.lanes.add(vector, part.vector, self.lane)
        return vector

    def each_offset(self) -> Iterator[int]:
        for offset in self.offsets:
            self.lanes.begin(offset)
            yield offset

    def parts_of(self, term: Term) -> tuple[int, list[_Part]]:
        lanes = self.lanes
        if term.op == "assume":
            return self.parts_of(term.args[0])
        if term.op == "abs" and term.args[0].op == "sub" and all(fits(a, 8, False) for a in term.args[0].args) \
                and lanes.has("v_sad", 8):
            a, b = term.args[0].args
            return 64, [_Part(lanes.emit("v_sad", lanes.counted(x), lanes.counted(y)), 0, 8 * 255)
                        for _ in self.each_offset()
                        for x, y in zip(lanes.value(a, 8), lanes.value(b, 8), strict=True)]
        if is_condition(term) and term.op not in ("load", "param"):
            return self.conditions(term)
        if term.op == "popcount" and term.args[0].lo >= 0:
            for width in LANES:
                if fits(term.args[0], width, False):
                    return 8, [_Part(lanes.popcount(lanes.counted(x)), 0, 8) for _ in self.each_offset()
                               for x in lanes.value(term.args[0], width)]
        if term.op == "mul" and self.lane >= 32 and all(fits(a, 16, True) for a in term.args) \
                and lanes.has("v_madd", 16):
            a, b = term.args
            low, high = 2 * term.lo, 2 * term.hi
            if fits_range(low, high, 32):
                return 32, [_Part(lanes.emit("v_madd", lanes.counted(x), y), low, high)
                            for _ in self.each_offset()
                            for x, y in zip(lanes.value(a, 16), lanes.value(b, 16), strict=True)]
        for width in LANES:
            if width < self.lane and holds(width, term):
                with suppress(Unfit):
                    return self.values(term, width)
        return self.values(term, self.lane)

    def values(self, term: Term, width: int) -> tuple[int, list[_Part]]:
        low, high = (term.lo, term.hi) if self.lanes.lane is None else (min(term.lo, 0), max(term.hi, 0))
        return width, [_Part(self.lanes.counted(x), low, high)
                       for _ in self.each_offset() for x in self.lanes.value(term, width)]

    def conditions(self, term: Term) -> tuple[int, list[_Part]]:
        """Ones are -1."""
        lanes = self.lanes
        width = min(_narrowest_load(lanes.values, term), self.lane)
        total, inverted = lanes.const(0, width), 0
        for _ in self.each_offset():
            parts, is_inverted = lanes.mask(term, width)
            for part in parts:
                total = lanes.add(total, part, width) if is_inverted else lanes.sub(total, part, width)
                inverted += is_inverted
        many = len(self.offsets) * lanes.parts(width)
        if inverted:
            total = lanes.add(total, lanes.const(inverted, width), width)
        return width, [_Part(lanes.counted(total), 0, many)]

    def merged(self, parts: list[_Part], have: int) -> list[_Part]:
        """As few as may be without overflow; at the full width that does not matter."""
        result = list(parts)
        while len(result) > 1:
            a, b = result[0], result[1]
            low, high = a.low + b.low, a.high + b.high
            if have < self.lane and not fits_range(low, high, have):
                break
            result = [*result[2:], _Part(self.lanes.add(a.vector, b.vector, min(have, self.lane)), low, high)]
        return result

    def widened(self, part: _Part, have: int) -> tuple[int, _Part]:
        lanes, vector = self.lanes, part.vector
        is_signed = part.low < 0
        pair = _Part(0, 2 * part.low, 2 * part.high)
        if lanes.has("v_pairs", have):
            return 2 * have, _Part(lanes.emit("v_pairs", vector, imm=(have, is_signed)), pair.low, pair.high)
        if have == 8:
            if not is_signed:
                return 64, _Part(lanes.emit("v_sad", vector, lanes.const(0, 8)), 0, 8 * part.high)
            moved = lanes.bitwise("xor", vector, lanes.const(0x80, 8))
            total = lanes.emit("v_sad", moved, lanes.const(0, 8))
            lane = min(self.lane, 64)
            return 64, _Part(lanes.sub(total, lanes.const(8 * 128, 64), lane), 8 * part.low, 8 * part.high)
        if have == 16 and fits_range(part.low, part.high, 16, True):
            return 32, _Part(lanes.emit("v_madd", vector, lanes.const(1, 16)), pair.low, pair.high)
        if not is_signed:
            low = lanes.bitwise("and", vector, lanes.const((1 << have) - 1, 2 * have))
            high = lanes.shift("lshr", vector, have, 2 * have)
            return 2 * have, _Part(lanes.add(low, high, 2 * have), pair.low, pair.high)
        halves = lanes.widened(vector, have, True, False)
        return 2 * have, _Part(lanes.add(*halves, 2 * have), pair.low, pair.high)


def fits_range(low: int, high: int, lane: int, is_signed: bool | None = None) -> bool:
    """Whether lanes hold all numbers of the interval; without a sign if there is none among them, if not said."""
    if low < 0 or is_signed:
        return -(1 << lane - 1) <= low and high < 1 << lane - 1
    return high < 1 << lane
