"""Terms lane by lane: which width of lanes each is computed in, and how.

`value(term, lane)` is the term modulo ``2**lane`` for as many rounds as a loop does at once, in one vector or more.
Like scalar lowering it computes sums, products and bitwise operators in lanes of the width that is asked for, and
everything else where its operands fit; where that is another width, lanes are made wider or narrower.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from intent_tool.language.terms import Loop, Term, walk
from intent_tool.propose.division import reciprocal
from intent_tool.propose.lower_choices import range_of
from intent_tool.propose.lower_values import Values
from intent_tool.propose.vector_bounds import bounds
from intent_tool.propose.vector_lanes import Lanes, Unfit
from intent_tool.propose.vector_target import VectorTarget

LANES = (8, 16, 32, 64)
Parts = tuple[int, ...]
Mask = tuple[Parts, bool]
"""Ones where a condition holds, and whether they are to be turned round."""


def fits(term: Term, lane: int, is_signed: bool) -> bool:
    low, high = bounds(term)
    if is_signed:
        return -(1 << lane - 1) <= low and high < 1 << lane - 1
    return low >= 0 and high < 1 << lane


def signedness(lane: int, *terms: Term) -> Iterator[bool]:
    """In which ways lanes can hold all of the terms."""
    return (s for s in (True, False) if all(fits(t, lane, s) for t in terms))


def holds(lane: int, *terms: Term) -> bool:
    """Whether lanes can hold all of the terms."""
    return any(all(fits(t, lane, s) for t in terms) for s in (True, False))


def is_condition(term: Term) -> bool:
    return term.lo >= 0 and term.hi <= 1


@dataclass(frozen=True, slots=True)
class Place:
    """Which element a load reads in round i: ``sign * i + constant`` + the sum of `parts`, each times its factor."""

    sign: int
    constant: int = 0
    parts: tuple[tuple[Term, int], ...] = ()

    def plus(self, other: Place, factor: int) -> Place:
        return Place(self.sign + factor * other.sign, self.constant + factor * other.constant,
                     (*self.parts, *((t, f * factor) for t, f in other.parts)))


class LaneTerms(Lanes):
    """`index` is the number of the round, `bound` has the ids of all that changes from round to round. `count` rounds
    are done at once, from `offset` on after the round that the loop is at.

    With `lane`, all is done in lanes of this width, in one vector, which may have more of them than rounds."""

    def __init__(self, values: Values, machine: VectorTarget, index: Term, bound: frozenset[int], count: int,
                 is_natural: bool, lane: int | None = None) -> None:
        super().__init__(values, machine)
        self.lane = lane
        self.index, self.bound, self.count, self.is_natural = index, bound, count, is_natural
        self.offset = 0
        self.memo: dict[tuple[int, int], Parts | None] = {}
        self.masks: dict[tuple[int, int], Mask | None] = {}
        self.states: dict[int, int] = {}
        """Words of states that are the same in all rounds that are done at once, by the variable's id."""
        self.address: Callable[[int, int], tuple[tuple[int, ...], int]]
        """Of a base and a step a round: the arguments of an access, and the index's scale."""

    def begin(self, offset: int) -> None:
        self.offset = offset
        self.memo, self.masks = {}, {}

    # Which width

    def value(self, term: Term, lane: int) -> Parts:
        if not self.parts(lane):
            raise Unfit
        if term.op == "const":
            return (self.const(term.data, lane),) * self.parts(lane)
        if self.is_invariant(term):
            return (self.invariant(term, lane),) * self.parts(lane)
        if term.bare.op == "load":
            found = self.extended_load(term.bare, lane)
            if found is not None:
                return found
        for width in self.widths(term, lane):
            if not self.parts(width):
                continue
            found = self.direct(term, width)
            if found is not None:
                return self.resized(found, width, lane, term)
        raise Unfit

    def widths(self, term: Term, lane: int) -> Iterator[int]:
        """First what is asked for, or less where all that it is made of is narrower and so is the result; then what
        has to be made narrower."""
        narrow = [w for w in LANES if w < lane and holds(w, term)]
        if narrow and self.widest_load(term) < lane:
            yield from narrow
            yield lane
        else:
            yield lane
            yield from reversed(narrow)
        yield from (w for w in LANES if w > lane)

    def widest_load(self, term: Term) -> int:
        return max((self.values.types[t.data].bits for t in walk([term]) if t.op == "load"), default=64)

    def parts(self, lane: int) -> int:
        """How many vectors hold one turn's rounds."""
        return self.count * lane // self.bits if self.lane is None else int(lane == self.lane)

    def is_invariant(self, term: Term) -> bool:
        return not self.values.free(term) & self.bound

    def resized(self, parts: Parts, have: int, lane: int, term: Term) -> Parts:
        """From lanes that hold the term, exactly where they are to become wider."""
        while have < lane:
            is_signed = not fits(term, have, False)
            parts = tuple(p for x in parts for p in self.widened(x, have, is_signed, self.is_natural))
            have *= 2
        while have > lane:
            half = have // 2
            how = "us" if fits(term, half, False) and self.has("v_pack_us", half) else \
                "ss" if fits(term, half, True) and self.has("v_pack_ss", half) else "trunc"
            # A value that fits without a sign still has to look positive to an instruction that saturates.
            parts = self.halved(parts, half, how)
            have = half
        return parts

    def halved(self, parts: Parts, lane: int, how: str) -> Parts:
        if not self.parts(lane):
            raise Unfit
        return tuple(self.packed(a, b, lane, how, self.is_natural)
                     for a, b in zip(parts[::2], parts[1::2], strict=True))

    def direct(self, term: Term, lane: int) -> Parts | None:
        """In lanes of this width, if that can be; its operands may have others."""
        key = term.id, lane
        if key not in self.memo:
            # Nothing is made of itself.
            self.memo[key] = None
            if term.op == "assume":
                self.memo[key] = self.direct(term.args[0], lane)
                return self.memo[key]
            method: Callable[[Term, int], Parts] | None = getattr(self, "lanes_" + term.op, None)
            try:
                self.memo[key] = None if method is None else method(term, lane)
            except Unfit:
                self.memo[key] = None
        return self.memo[key]

    def each(self, f: Callable[..., int], *columns: Parts) -> Parts:
        return tuple(f(*row) for row in zip(*columns, strict=True))

    def exactly(self, lane: int, *terms: Term) -> bool:
        """Whether lanes hold all of the terms, and if so with a sign; Unfit if not."""
        for is_signed in signedness(lane, *terms):
            return is_signed
        raise Unfit

    def lanes_var(self, term: Term, lane: int) -> Parts:
        word = self.states.get(term.id)
        if word is None or lane > self.b.width(word):
            raise Unfit
        word = self.b.trunc(word) if lane < 64 == self.b.width(word) else word
        return (self.splat(word, lane),) * self.parts(lane)

    # Of what only the lowest lanes count

    def counted(self, a: int, other: int = 0) -> int:
        """The same in the lanes that count, and `other`, of `self.lane` bits, in those beyond."""
        if self.lane is None:
            return a
        length = self.count * self.lane // 8
        made = self.b.defined.get(a)
        if made is not None and made.op == "v_load" and made.imm[1] == length and other == 0:
            return a
        with self.before():
            mask = self.constant(bytes([255]) * length + bytes(self.bits // 8 - length))
        return self.select(mask, a, self.const(other, self.lane))

    # Memory

    def place_of(self, index: Term) -> Place:
        index = index.bare
        if index is self.index:
            return Place(1)
        if index.op == "const":
            return Place(0, index.data)
        if self.is_invariant(index):
            return Place(0, 0, ((index, 1),))
        if index.op in ("add", "sub"):
            a, b = map(self.place_of, index.args)
            return a.plus(b, 1 if index.op == "add" else -1)
        if index.op == "mul" and index.args[1].op == "const":
            return Place(0).plus(self.place_of(index.args[0]), index.args[1].data)
        raise Unfit

    def lanes_load(self, term: Term, lane: int) -> Parts:
        type = self.values.types[term.data]
        if type.bits != lane:
            raise Unfit
        sign = self.place_of(term.args[0]).sign
        if self.lane is not None and sign != 1 and not (sign == -1 and lane == 8):
            raise Unfit
        if sign == 2:
            return tuple(self.every_second(term, k) for k in range(self.parts(lane)))
        return tuple(self.part_of_load(term, k, self.bits_of_part(lane)) for k in range(self.parts(lane)))

    def bits_of_part(self, lane: int) -> int:
        return self.bits if self.lane is None else self.count * lane

    def part_of_load(self, term: Term, number: int, bits: int) -> int:
        """The `number`-th vector of `bits` of what a load reads."""
        size = self.values.types[term.data].bytes
        place = self.place_of(term.args[0])
        if place.sign not in (1, -1):
            raise Unfit
        each = bits // (8 * size)
        start = self.offset + number * each
        first = place.constant + (start if place.sign > 0 else -start - each + 1)
        args, scale = self.address(self.base(term.data, place), place.sign * size)
        made = self.emit("v_load", *args, imm=(first * size, bits // 8, scale))
        if place.sign > 0:
            return made
        return self.reverse(made, 8 * size) if self.lane is None else self.bswap(made, bits)

    def every_second(self, term: Term, number: int) -> int:
        """The same of a load of every second element, which has the others loaded, too: each pair's first or second,
        out of lanes twice as wide."""
        size, lane = self.values.types[term.data].bytes, self.values.types[term.data].bits
        if lane == 64:
            raise Unfit
        place = self.place_of(term.args[0])
        second = place.constant & 1
        first = place.constant - second + 2 * (self.offset + number * self.bits // lane)
        args, scale = self.address(self.base(term.data, place), 2 * size)
        pairs = [self.emit("v_load", *args, imm=(first * size + k * self.bits // 8, self.bits // 8, scale))
                 for k in (0, 1)]
        how = "trunc"
        if second and not self.has("v_pack_trunc", lane):
            how = "us" if self.has("v_pack_us", lane) else "ss"
        if second:
            pairs = [self.shift("ashr" if how == "ss" else "lshr", x, lane, 2 * lane) for x in pairs]
        return self.packed(pairs[0], pairs[1], lane, how, True)

    def base(self, name: str, place: Place) -> int:
        """The address of a buffer's element in round 0 but for the constant."""
        values, size = self.values, self.values.types[name].bytes
        result = values.raw[name]
        for term, factor in place.parts:
            if values.level(term) >= self.level:
                raise Unfit
            word = values.word(term, 64)
            with self.before():
                moved = self.b.op("mul", word, self.b.const(abs(factor) * size, 64))
                result = self.b.op("add" if factor > 0 else "sub", result, moved)
        return result

    def extended_load(self, term: Term, lane: int) -> Parts | None:
        """A load into wider lanes, where that is one instruction more for each vector."""
        have = self.values.types[term.data].bits
        if have >= lane or not self.is_natural or not self.has("v_extend", have) \
                or self.place_of(term.args[0]).sign != 1:
            return None
        imm = have, lane, self.values.types[term.data].signed
        return tuple(self.emit("v_extend", self.part_of_load(term, k, self.bits * have // lane), imm=imm)
                     for k in range(self.parts(lane)))

    def store(self, name: str, terms: tuple[Term, ...]) -> None:
        """Of each round as many elements as there are terms."""
        type, lane, many = self.values.types[name], self.values.types[name].bits, len(terms)
        if many & many - 1 or (self.lane is not None and many > 1):
            raise Unfit
        columns = [self.value(term, lane) for term in terms]
        while len(columns) > 1:
            # Each with the one that is half of all further on: so those that are to be neighbours meet at the end.
            half = len(columns) // 2
            columns = [tuple(p for x, y in zip(columns[k], columns[k + half], strict=True)
                             for p in self.zipped(x, y, lane, True)) for k in range(half)]
        args, scale = self.address(self.values.raw[name], type.bytes * many)
        for k, part in enumerate(columns[0]):
            at = self.offset * type.bytes * many + k * self.bits // 8
            self.b.emit("v_store", (), (part, *args), (at, self.bits_of_part(lane) // 8, scale), share=False)

    # Arithmetic

    def lanes_add(self, term: Term, lane: int) -> Parts:
        return self.each(lambda a, b: self.add(a, b, lane), *(self.value(a, lane) for a in term.args))

    def lanes_sub(self, term: Term, lane: int) -> Parts:
        return self.each(lambda a, b: self.sub(a, b, lane), *(self.value(a, lane) for a in term.args))

    def lanes_mul(self, term: Term, lane: int) -> Parts:
        a, b = term.args
        if b.op == "const" and b.data > 0 and b.data & b.data - 1 == 0:
            count = b.data.bit_length() - 1
            return self.each(lambda x: self.shift("shl", x, count, lane), self.value(a, lane))
        if lane == 32:
            for is_signed in signedness(16, a, b):
                high = "v_mulhi_s" if is_signed else "v_mulhi_u"
                if self.has(high, 16):
                    return self.wide_product(high, self.value(a, 16), self.value(b, 16))
        if not self.has("v_mul", lane):
            raise Unfit
        return self.each(lambda x, y: self.mul(x, y, lane), self.value(a, lane), self.value(b, lane))

    def wide_product(self, high: str, a: Parts, b: Parts) -> Parts:
        """Of lanes of 16 bits, in 32."""
        return tuple(p for x, y in zip(a, b, strict=True)
                     for p in self.zipped(self.mul(x, y, 16), self.emit(high, x, y, imm=16), 16, self.is_natural))

    def lanes_bitwise(self, term: Term, lane: int) -> Parts:
        return self.each(lambda a, b: self.bitwise(term.op, a, b), *(self.value(a, lane) for a in term.args))

    lanes_and = lanes_or = lanes_xor = lanes_bitwise

    def lanes_inv(self, term: Term, lane: int) -> Parts:
        return self.each(self.inv, self.value(term.args[0], lane))

    def lanes_shl(self, term: Term, lane: int) -> Parts:
        a, count = term.args
        if count.op != "const":
            raise Unfit
        return self.each(lambda x: self.shift("shl", x, count.data, lane), self.value(a, lane))

    def lanes_shr(self, term: Term, lane: int) -> Parts:
        a, count = term.args
        if count.op != "const":
            raise Unfit
        averaged = self.average(a, lane) if count.data == 1 else None
        if averaged is not None:
            return averaged
        if a.op == "mul" and lane == 16 and 1 <= count.data <= 16 and self.has("v_mulhi_u", 16):
            for is_signed in signedness(16, *a.args):
                return self.shifted_product(a, count.data, is_signed)
        is_signed = self.exactly(lane, a)
        return self.each(lambda x: self.shift("ashr" if is_signed and a.lo < 0 else "lshr", x, count.data, lane),
                         self.value(a, lane))

    def average(self, total: Term, lane: int) -> Parts | None:
        """Half of a sum that lanes do not hold."""
        if total.op != "add" or holds(lane, total):
            return None
        a, b = total.args
        if b.op == "const" and b.data == 1 and a.op == "add" and self.has("v_avg", lane) \
                and all(fits(x, lane, False) for x in a.args):
            return self.each(lambda x, y: self.emit("v_avg", x, y, imm=lane), *(self.value(x, lane) for x in a.args))
        for is_signed in signedness(lane, a, b):
            return tuple(self.middle(x, y, lane, is_signed)
                         for x, y in zip(self.value(a, lane), self.value(b, lane), strict=True))
        return None

    def middle(self, a: int, b: int, lane: int, is_signed: bool) -> int:
        """The average, rounded down: what both have, and half of what one has (Warren, Hacker's Delight, 2-5)."""
        differ = self.shift("ashr" if is_signed else "lshr", self.bitwise("xor", a, b), 1, lane)
        return self.add(self.bitwise("and", a, b), differ, lane)

    def shifted_product(self, product: Term, count: int, is_signed: bool) -> Parts:
        """Of a product of 32 bits the 16 from bit `count` on."""
        a, b = (self.value(x, 16) for x in product.args)
        high = self.each(lambda x, y: self.emit("v_mulhi_s" if is_signed else "v_mulhi_u", x, y, imm=16), a, b)
        if count == 16:
            return high
        low = self.each(lambda x, y: self.mul(x, y, 16), a, b)
        return self.each(lambda above, below: self.bitwise("or", self.shift("shl", above, 16 - count, 16),
                                                           self.shift("lshr", below, count, 16)), high, low)

    def lanes_floordiv(self, term: Term, lane: int) -> Parts:
        a, divisor = term.args
        if divisor.op != "const" or divisor.data <= 1 or not fits(a, lane, False):
            raise Unfit
        most = bounds(a)[1]
        multiplier, shift = reciprocal(divisor.data, most)
        if most * multiplier < 1 << lane and self.has("v_mul", lane):
            by = self.const(multiplier, lane)
            return self.each(lambda x: self.shift("lshr", self.mul(x, by, lane), shift, lane), self.value(a, lane))
        if shift < 16:
            multiplier, shift = multiplier << 16 - shift, 16
        if multiplier >= 1 << 16 or lane != 16 or not self.has("v_mulhi_u", 16):
            raise Unfit
        by = self.const(multiplier, 16)
        return self.each(lambda x: self.shift("lshr", self.emit("v_mulhi_u", x, by, imm=16), shift - 16, 16),
                         self.value(a, 16))

    def lanes_mod(self, term: Term, lane: int) -> Parts:
        a, divisor = term.args
        if divisor.op != "const":
            raise Unfit
        terms = self.values.terms
        quotient = terms.binary("floordiv", a, divisor)
        return self.value(terms.binary("sub", a, terms.binary("mul", quotient, divisor)), lane)

    def lanes_abs(self, term: Term, lane: int) -> Parts:
        a = term.args[0]
        if a.op == "sub":
            for is_signed in signedness(lane, *a.args):
                return tuple(self.distance(x, y, lane, is_signed)
                             for x, y in zip(self.value(a.args[0], lane), self.value(a.args[1], lane), strict=True))
        if not fits(a, lane, True):
            raise Unfit
        return self.each(lambda x: self.abs(x, lane), self.value(a, lane))

    def distance(self, a: int, b: int, lane: int, is_signed: bool) -> int:
        """``abs(a - b)``."""
        if self.has(f"v_abd_{'s' if is_signed else 'u'}", lane):
            return self.emit(f"v_abd_{'s' if is_signed else 'u'}", a, b, imm=lane)
        if not is_signed and self.has("v_sub_us", lane):
            return self.bitwise("or", self.emit("v_sub_us", a, b, imm=lane), self.emit("v_sub_us", b, a, imm=lane))
        letter = "s" if is_signed else "u"
        return self.sub(self.extreme(f"max_{letter}", a, b, lane), self.extreme(f"min_{letter}", a, b, lane), lane)

    def lanes_wrap(self, term: Term, lane: int) -> Parts:
        bits, is_signed = term.data
        a = term.args[0]
        if bits >= lane:
            return self.value(a, lane)
        if bits in LANES:
            raise Unfit
        if not is_signed:
            ones = self.const((1 << bits) - 1, lane)
            return self.each(lambda x: self.bitwise("and", x, ones), self.value(a, lane))
        return self.each(lambda x: self.shift("ashr", self.shift("shl", x, lane - bits, lane), lane - bits, lane),
                         self.value(a, lane))

    def lanes_bswap(self, term: Term, lane: int) -> Parts:
        if term.data != lane or not self.has("v_bswap", lane):
            raise Unfit
        return self.each(lambda x: self.bswap(x, lane), self.value(term.args[0], lane))

    def lanes_rotl(self, term: Term, lane: int) -> Parts:
        a, count = term.args
        if term.data != lane or count.op != "const":
            raise Unfit
        return self.each(lambda x: self.bitwise("or", self.shift("shl", x, count.data, lane),
                                                self.shift("lshr", x, lane - count.data, lane)), self.value(a, lane))

    def lanes_popcount(self, term: Term, lane: int) -> Parts:
        a = term.args[0]
        if lane != 8 or not fits(a, 8, False):
            raise Unfit
        return self.each(self.popcount, self.value(a, 8))

    # Least and greatest

    def lanes_min(self, term: Term, lane: int) -> Parts:
        if not holds(lane, *term.args):
            saturated = self.saturated(term, lane)
            if saturated is not None:
                return saturated
        is_signed = self.exactly(lane, *term.args)
        # Unsigned bytes and signed words are what every target has.
        if lane == 8 and all(fits(a, 8, False) for a in term.args):
            is_signed = False
        op = f"{term.op}_{'s' if is_signed else 'u'}"
        return self.each(lambda a, b: self.extreme(op, a, b, lane), *(self.value(a, lane) for a in term.args))

    lanes_max = lanes_min

    def saturated(self, term: Term, lane: int) -> Parts | None:
        """A sum or difference, or a wider number, that is brought into the lane's range."""
        inner, low, high = term, None, None
        while inner.op in ("min", "max", "assume"):
            if inner.op == "assume":
                inner = inner.args[0]
                continue
            bound = inner.args[1]
            if bound.op != "const":
                break
            if inner.op == "min":
                high = bound.data if high is None else min(high, bound.data)
            else:
                low = bound.data if low is None else max(low, bound.data)
            inner = inner.args[0]
        if inner is term:
            return None
        for is_signed in (False, True):
            least, most = (-(1 << lane - 1), (1 << lane - 1) - 1) if is_signed else (0, (1 << lane) - 1)
            if (low != least and inner.lo < least) or (high != most and inner.hi > most) \
                    or (low is not None and low > least) or (high is not None and high < most):
                continue
            suffix = "ss" if is_signed else "us"
            if inner.op in ("add", "sub") and all(fits(a, lane, is_signed) for a in inner.args) \
                    and self.has(f"v_{inner.op}_{suffix}", lane):
                return tuple(self.emit(f"v_{inner.op}_{suffix}", a, b, imm=lane) for a, b in
                             zip(self.value(inner.args[0], lane), self.value(inner.args[1], lane), strict=True))
            # A constant less than nothing is subtracted.
            if inner.op == "add" and inner.args[1].op == "const" and not is_signed and self.has("v_sub_us", lane) \
                    and -(1 << lane) < inner.args[1].data < 0 and fits(inner.args[0], lane, False):
                by = self.const(-inner.args[1].data, lane)
                return tuple(self.emit("v_sub_us", a, by, imm=lane) for a in self.value(inner.args[0], lane))
            if fits(inner, 2 * lane, True) and self.has(f"v_pack_{suffix}", lane):
                return self.halved(self.value(inner, 2 * lane), lane, suffix)
        return None

    # Conditions

    def leaving(self, test: Term, value: bool) -> Mask:
        """Where the loop is to be left."""
        narrowest = min(self.values.types[t.data].bits for t in walk([test]) if t.op == "load")
        parts, is_inverted = self.mask(test, narrowest)
        return parts, is_inverted == value

    def any_of(self, masks: list[Mask]) -> int:
        """The condition that one of them holds anywhere."""
        parts = [p for some, _ in masks for p in some]
        is_inverted = masks[0][1]
        while len(parts) > 1:
            joined = [self.bitwise("and" if is_inverted else "or", a, b)
                      for a, b in zip(parts[::2], parts[1::2], strict=False)]
            parts = joined + parts[len(joined) * 2:]
        return self.tested(parts, is_inverted, True)

    def tested(self, parts: list[int], is_ones: bool, is_not: bool) -> int:
        """Whether a mask is all ones, or else all zeros; or whether it `is_not`."""
        size = self.bits // 8 * self.machine.mask_bits
        width = max(size, 32)
        word = self.b.emit("v_mask", width, (parts[0],))[0]
        if self.lane is not None:
            size = self.count * self.lane // 8 * self.machine.mask_bits
            word = self.b.op("and", word, self.b.const((1 << size) - 1, width))
        limit = self.b.const((1 << size) - 1 if is_ones else 0, width)
        return self.b.op("ne" if is_not else "eq", word, limit)

    def lanes_eq(self, term: Term, lane: int) -> Parts:
        parts, is_inverted = self.mask(term, lane)
        one = self.const(1, lane)
        return self.each(lambda m: self.andn(m, one) if is_inverted else self.bitwise("and", m, one), parts)

    lanes_ne = lanes_lt = lanes_le = lanes_eq

    def lanes_ite(self, term: Term, lane: int) -> Parts:
        condition, then, otherwise = term.args
        extreme = as_extreme(self.values.terms.binary, term)
        found = None if extreme is None else self.direct(extreme, lane)
        if found is not None:
            return found
        if is_condition(term) and not self.is_number(term):
            return self.lanes_eq(term, lane)
        mask, is_inverted = self.mask(condition, lane)
        for arm, other, turned in ((then, otherwise, False), (otherwise, then, True)):
            plain = arm.args[0] if arm.op == "assume" else arm
            # A constant more in some lanes: by a mask on the constant.
            if plain.op == "add" and plain.args[1].op == "const" and plain.args[0].bare is other.bare:
                more = self.const(plain.args[1].data, lane)
                chosen = [self.bitwise("and", m, more) if turned == is_inverted else self.andn(m, more) for m in mask]
                return tuple(self.add(x, c, lane) for x, c in zip(self.value(other, lane), chosen, strict=True))
        x, y = self.value(then, lane), self.value(otherwise, lane)
        if is_inverted:
            x, y = y, x
        return self.each(self.select, mask, x, y)

    def is_number(self, term: Term) -> bool:
        """Whether an arm is a bit that comes from memory, which no comparison gives."""
        return term.op == "load"

    def mask(self, condition: Term, lane: int) -> Mask:
        if not self.parts(lane):
            raise Unfit
        key = condition.id, lane
        if key not in self.masks:
            try:
                self.masks[key] = self.make_mask(condition, lane)
            except Unfit:
                self.masks[key] = None
        found = self.masks[key]
        if found is None:
            raise Unfit
        return found

    def make_mask(self, condition: Term, lane: int) -> Mask:
        if condition.op == "assume":
            return self.mask(condition.args[0], lane)
        terms = self.values.terms
        if condition.op == "const":
            return self.value(terms.const(-1 if condition.data else 0), lane), False
        if self.is_invariant(condition):
            if not is_condition(condition):
                condition = terms.truth(condition)
            return self.value(terms.binary("sub", terms.const(0), condition), lane), False
        within = range_of(condition)
        if within is not None:
            return self.range_mask(*within, lane)
        if condition.op == "ite" and is_condition(condition):
            return self.joined_mask(condition, lane)
        if condition.op in ("and", "or", "xor") and all(map(is_condition, condition.args)):
            return self.both(condition.op, *(self.mask(a, lane) for a in condition.args))
        if condition.op in ("eq", "ne") and all(map(is_condition, condition.args)):
            parts, is_inverted = self.both("xor", *(self.mask(a, lane) for a in condition.args))
            return parts, is_inverted != (condition.op == "eq")
        if condition.op in ("eq", "ne", "lt", "le"):
            for width in LANES:
                for is_signed in signedness(width, *condition.args):
                    found = self.compared(condition, width, is_signed)
                    if found is not None:
                        return self.resized_mask(found[0], width, lane), found[1]
            raise Unfit
        for width in LANES:
            if holds(width, condition):
                values = self.try_value(condition, width)
                if values is not None and self.has("v_eq", width):
                    zero = self.const(0, width)
                    parts = tuple(self.equal(x, zero, width) for x in values)
                    return self.resized_mask(parts, width, lane), True
        raise Unfit

    def joined_mask(self, condition: Term, lane: int) -> Mask:
        test, then, otherwise = condition.args
        first = self.mask(test, lane)
        if otherwise.op == "const" and otherwise.data == 0:
            return self.both("and", first, self.mask(then, lane))
        if then.op == "const" and then.data == 1:
            return self.both("or", first, self.mask(otherwise, lane))
        negated = first[0], not first[1]
        if then.op == "const" and then.data == 0:
            return self.both("and", negated, self.mask(otherwise, lane))
        if otherwise.op == "const" and otherwise.data == 1:
            return self.both("or", negated, self.mask(then, lane))
        x, y = self.straight(self.mask(then, lane)), self.straight(self.mask(otherwise, lane))
        if first[1]:
            x, y = y, x
        return self.each(self.select, first[0], x, y), False

    def straight(self, mask: Mask) -> Parts:
        return self.each(self.inv, mask[0]) if mask[1] else mask[0]

    def both(self, op: str, a: Mask, b: Mask) -> Mask:
        (x, is_x_inverted), (y, is_y_inverted) = a, b
        if op == "xor":
            return self.each(lambda p, q: self.bitwise("xor", p, q), x, y), is_x_inverted != is_y_inverted
        if is_x_inverted and is_y_inverted:
            opposite = "or" if op == "and" else "and"
            return self.each(lambda p, q: self.bitwise(opposite, p, q), x, y), True
        if not (is_x_inverted or is_y_inverted):
            return self.each(lambda p, q: self.bitwise(op, p, q), x, y), False
        if is_y_inverted:
            x, y = y, x
        # Of x the opposite is meant.
        if op == "and":
            return self.each(self.andn, x, y), False
        return self.each(lambda p, q: self.andn(q, p), x, y), True

    def range_mask(self, x: Term, low: int, high: int, is_inside: bool, lane: int) -> Mask:
        """``low <= x <= high`` by one comparison of the distance to `low`."""
        for width in LANES:
            if not holds(width, x) or not self.has("v_gt_s", width) or low > high:
                continue
            low, high = max(low, x.lo), min(high, x.hi)
            values = self.try_value(x, width)
            if values is None:
                continue
            if high - low + 1 >= 1 << width or low > high:
                raise Unfit
            bottom = -(1 << width - 1)
            moved, above = self.const(bottom - low, width), self.const(bottom + high - low + 1, width)
            parts = tuple(self.emit_gt(True, above, self.add(v, moved, width), width) for v in values)
            return self.resized_mask(parts, width, lane), not is_inside
        raise Unfit

    def try_value(self, term: Term, lane: int) -> Parts | None:
        try:
            return self.value(term, lane)
        except Unfit:
            return None

    def compared(self, condition: Term, width: int, is_signed: bool) -> Mask | None:
        a, b = condition.args
        try:
            if condition.op in ("eq", "ne"):
                x, y = self.value(a, width), self.value(b, width)
                return self.each(lambda p, q: self.equal(p, q, width), x, y), condition.op == "ne"
            turned = condition.op == "le"
            # a < b is b > a; a <= b is not a > b.
            more, less = (a, b) if turned else (b, a)
            if not is_signed:
                found = self.compared_unsigned(more, less, width)
                if found is not None:
                    return found[0], found[1] != turned
            masks = [self.greater(is_signed, p, q, width)
                     for p, q in zip(self.value(more, width), self.value(less, width), strict=True)]
            return tuple(m for m, _ in masks), masks[0][1] != turned
        except Unfit:
            return None

    def compared_unsigned(self, more: Term, less: Term, width: int) -> Mask | None:
        """``more > less`` with a constant, where the target has no such instruction."""
        if self.has("v_gt_u", width) or not self.has("v_gt_s", width):
            return None
        half = 1 << width - 1
        zero = self.const(0, width)
        if less.op == "const" and less.data == half - 1:
            return self.each(lambda x: self.emit_gt(True, zero, x, width), self.value(more, width)), False
        if more.op == "const" and more.data == half:
            return self.each(lambda x: self.emit_gt(True, zero, x, width), self.value(less, width)), True
        if not self.has("v_max_u", width):
            return None
        if less.op == "const" and less.data < (1 << width) - 1:
            least = self.const(less.data + 1, width)
            return self.each(lambda x: self.equal(self.emit("v_max_u", x, least, imm=width), x, width),
                             self.value(more, width)), False
        if more.op == "const" and more.data > 0:
            most = self.const(more.data - 1, width)
            return self.each(lambda x: self.equal(self.emit("v_min_u", x, most, imm=width), x, width),
                             self.value(less, width)), False
        return None

    def resized_mask(self, parts: Parts, have: int, lane: int) -> Parts:
        while have < lane:
            parts = tuple(p for x in parts for p in self.zipped(x, x, have, self.is_natural))
            have *= 2
        while have > lane:
            have //= 2
            parts = self.halved(parts, have, "ss" if self.has("v_pack_ss", have) else "trunc")
        return parts


def as_extreme(binary: Callable[[str, Term, Term], Term], term: Term) -> Term | None:
    """A choice of the less or the greater of two, as that."""
    condition, then, otherwise = term.args
    if condition.op not in ("lt", "le"):
        return None
    a, b = condition.args
    if (then.bare, otherwise.bare) == (a.bare, b.bare):
        return binary("min", a, b)
    if (then.bare, otherwise.bare) == (b.bare, a.bare):
        return binary("max", a, b)
    strict = condition.op == "lt"
    for x, limit, is_least in ((b, a, True), (a, b, False)):
        if limit.op != "const" or x.op == "const":
            continue
        # The least (greatest) x for which the condition holds, and the one next to it.
        edge = limit.data + strict if is_least else limit.data - strict
        beyond = edge - 1 if is_least else edge + 1
        for chosen, kept, holds in ((then, otherwise, True), (otherwise, then, False)):
            if chosen.op == "const" and kept.bare is x.bare and chosen.data in (edge, beyond):
                return binary("min" if is_least == holds else "max", x, chosen)
    return None


def loads_of(terms: tuple[Term, ...]) -> list[Term]:
    """All loads; Unfit where a loop is inside."""
    found = []
    for t in walk(terms):
        if isinstance(t.data, Loop):
            raise Unfit
        if t.op == "load":
            found.append(t)
    return found
