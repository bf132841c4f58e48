"""What is known at a place of a contract: the conditions on the way to it, and intervals that follow from them."""

from __future__ import annotations

from collections.abc import Mapping

from intent_tool.judge.bitvector import Graph, Term, signed

Key = tuple[int, bool]
"""A term's id, and whether it is read as two's complement."""
Interval = tuple[int, int]

MOST_RELATIONS = 6
"""Comparisons of two values that are gone through again when more is known."""
MOST_VISITS = 300
"""Parts of one condition that are looked at; knowing less is always right."""


class Reads:
    """Which intervals an evaluation has asked for: with the same ones it would go the same way."""

    __slots__ = ("keys",)

    def __init__(self) -> None:
        self.keys: set[Key] = set()


class Here:
    """A place: the conjunction of the conditions under which it is evaluated, and intervals that hold under them."""

    __slots__ = ("_guard", "bounds", "condition", "graph", "parent", "reads", "relations")

    def __init__(self, graph: Graph, reads: Reads, bounds: Mapping[Key, Interval], guard: Term | None = None,
                 parent: Here | None = None, condition: Term | None = None,
                 relations: tuple[tuple[Term, bool], ...] = ()) -> None:
        self.graph, self.reads, self.bounds, self.relations = graph, reads, bounds, relations
        self.parent, self.condition, self._guard = parent, condition, guard

    @property
    def guard(self) -> Term:
        """Made when it is asked for: most places demand nothing."""
        if self._guard is None:
            pending: list[Here] = []
            place = self
            while place._guard is None:
                pending.append(place)
                assert place.parent is not None
                place = place.parent
            guard = place._guard
            for place in reversed(pending):
                assert place.condition is not None
                guard = place._guard = self.graph.and_(guard, place.condition)
        assert self._guard is not None
        return self._guard

    def apart(self) -> Here:
        """The same knowledge, without the conditions that it comes from."""
        return Here(self.graph, self.reads, self.bounds, self.graph.true)

    def interval(self, term: Term, is_signed: bool) -> Interval:
        """The interval of a term's value that holds here."""
        key = term.id, is_signed
        self.reads.keys.add(key)
        lo, hi = (term.slo, term.shi) if is_signed else (term.lo, term.hi)
        known = self.bounds.get(key)
        return _both((lo, hi), known) if known is not None else (lo, hi)

    def decided(self, condition: Term) -> bool | None:
        """Whether a condition of width 1 is known to hold, or known to fail."""
        truth = True
        while condition.op == "not":
            condition, truth = condition.args[0], not truth
        lo, hi = self.interval(condition, False)
        return (lo == 1) == truth if lo == hi else None

    def learn(self, condition: Term, truth: bool = True) -> Here | None:
        """The place where `condition` holds too (or fails, with `truth` False); None where it cannot."""
        if condition.op == "const":
            return self if bool(condition.data) == truth else None
        known = self.decided(condition)
        if known is not None:
            return self if known == truth else None
        learning = _Learning(self)
        learning.condition(condition, truth)
        # What orders two values tells more of one, now that more is known of the other.
        relations = tuple(dict.fromkeys((*self.relations, *learning.relations)))[-MOST_RELATIONS:]
        if condition.op in ("and", "or") or self.relations:
            for relation in relations:
                learning.condition(*relation)
        if learning.is_impossible:
            return None
        wanted = condition if truth else self.graph.not_(condition)
        return Here(self.graph, self.reads, {**self.bounds, **learning.found}, None, self, wanted, relations)

    def learn_all(self, conditions: tuple[Term, ...]) -> Here | None:
        place: Here | None = self
        for condition in conditions:
            if place is None:
                return None
            place = place.learn(condition)
        return place

    def under(self, condition: Term) -> Here:
        """The place where `condition` holds too, with nothing concluded from it."""
        return self if condition.op == "const" else Here(
            self.graph, self.reads, self.bounds, None, self, condition, self.relations)


def _both(a: Interval, b: Interval) -> Interval:
    return max(a[0], b[0]), min(a[1], b[1])


class _Learning:
    """Intervals that follow from conditions."""

    def __init__(self, here: Here) -> None:
        self.here = here
        self.found: dict[Key, Interval] = {}
        self.relations: list[tuple[Term, bool]] = []
        self.is_impossible = False
        self.visits = 0

    def interval(self, term: Term, is_signed: bool) -> Interval:
        known = self.found.get((term.id, is_signed))
        if known is None:
            known = self.here.interval(term, is_signed)
        if term.op == ("sext" if is_signed else "zext"):
            # More may be known of what it extends.
            known = _both(known, self.interval(term.args[0], is_signed))
        return known

    def condition(self, term: Term, truth: bool) -> None:
        self.visits += 1
        if self.visits > MOST_VISITS or self.is_impossible:
            return
        if term.op == "not":
            self.condition(term.args[0], not truth)
            return
        if term.op in ("ult", "slt", "eq") and not any(a.is_const for a in term.args):
            self.relations.append((term, truth))
        self.narrow(term, False, int(truth), int(truth))
        match term.op:
            case "and" | "or" if truth == (term.op == "and"):
                self.condition(term.args[0], truth)
                self.condition(term.args[1], truth)
            case "and" | "or":
                # One of the two decides: where the other cannot, this one does.
                for this, other in (term.args, term.args[::-1]):
                    known = self.interval(other, False)
                    if known == (int(not truth), int(not truth)):
                        self.condition(this, truth)
            case "eq" if truth:
                self.equal(*term.args)
            case "eq":
                self.different(*term.args)
                self.different(*term.args[::-1])
            case "ult" | "slt":
                self.less(term.args, term.op == "slt", truth)
            case "extract" if term.data[0] == term.args[0].width - 1:
                inner = term.args[0]
                half = 1 << (inner.width - 1)
                self.narrow(inner, True, *((-half, -1) if truth else (0, half - 1)))
            case _:
                pass

    def equal(self, a: Term, b: Term) -> None:
        for is_signed in (False, True):
            (alo, ahi), (blo, bhi) = self.interval(a, is_signed), self.interval(b, is_signed)
            lo, hi = max(alo, blo), min(ahi, bhi)
            self.narrow(a, is_signed, lo, hi)
            self.narrow(b, is_signed, lo, hi)

    def different(self, a: Term, b: Term) -> None:
        """Where b is one value at an end of a's interval, a ends before it."""
        for is_signed in (False, True):
            lo, hi = self.interval(a, is_signed)
            value, end = self.interval(b, is_signed)
            if value == end and lo == value:
                self.narrow(a, is_signed, lo + 1, hi)
            elif value == end and hi == value:
                self.narrow(a, is_signed, lo, hi - 1)

    def less(self, args: tuple[Term, ...], is_signed: bool, truth: bool) -> None:
        a, b = args if truth else args[::-1]
        gap = int(truth)
        (alo, ahi), (blo, bhi) = self.interval(a, is_signed), self.interval(b, is_signed)
        self.narrow(a, is_signed, alo, min(ahi, bhi - gap))
        self.narrow(b, is_signed, max(blo, alo + gap), bhi)

    def narrow(self, term: Term, is_signed: bool, lo: int, hi: int) -> None:
        """Records that a term's value lies in lo..hi, and what follows for its arguments and its other reading."""
        old = self.interval(term, is_signed)
        lo, hi = max(lo, old[0]), min(hi, old[1])
        if lo > hi:
            self.is_impossible = True
        if (lo, hi) == old or self.is_impossible:
            return
        self.found[term.id, is_signed] = lo, hi
        self.visits += 1
        if self.visits > MOST_VISITS:
            return
        half = 1 << (term.width - 1)
        if is_signed and (lo >= 0 or hi < 0):
            offset = 0 if lo >= 0 else 2 * half
            self.narrow(term, False, lo + offset, hi + offset)
        elif not is_signed and (hi < half or lo >= half):
            offset = 0 if hi < half else -2 * half
            self.narrow(term, True, lo + offset, hi + offset)
        self.narrow_arguments(term, is_signed, lo, hi)

    def narrow_arguments(self, term: Term, is_signed: bool, lo: int, hi: int) -> None:
        args, data = term.args, term.data
        match term.op:
            case "zext" if not is_signed:
                self.narrow(args[0], False, lo, hi)
            case "sext" if is_signed:
                self.narrow(args[0], True, lo, hi)
            case "not":
                top = -1 if is_signed else (1 << term.width) - 1
                self.narrow(args[0], is_signed, top - hi, top - lo)
            case "sum":
                self.narrow_sum(term, is_signed, lo, hi)
            case "extract":
                shift = data[1]
                if data[0] == args[0].width - 1:
                    self.narrow(args[0], is_signed, lo << shift, (hi << shift) + (1 << shift) - 1)
                elif shift == 0 and not is_signed and self.interval(args[0], False)[1] < 1 << term.width:
                    self.narrow(args[0], False, lo, hi)
            case "concat" if not is_signed:
                self.narrow(args[0], False, lo >> args[1].width, hi >> args[1].width)
            case "or" if not is_signed:
                for arg in args:
                    self.narrow(arg, False, 0, hi)
            case "and" if not is_signed:
                for arg in args:
                    self.narrow(arg, False, lo, (1 << term.width) - 1)
            case "udiv" if not is_signed and args[1].op == "const" and args[1].data:
                self.narrow(args[0], False, lo * args[1].data, hi * args[1].data + args[1].data - 1)
            case "ite":
                self.narrow_extreme(term, is_signed, lo, hi)
                outside = []
                for arg in args[1:]:
                    known = self.interval(arg, is_signed)
                    outside.append(known[1] < lo or known[0] > hi)
                if outside[0] and outside[1]:
                    self.is_impossible = True
                elif outside[0] or outside[1]:
                    self.condition(args[0], outside[1])
                    self.narrow(args[1 + outside[0]], is_signed, lo, hi)
            case _:
                pass

    def narrow_extreme(self, term: Term, is_signed: bool, lo: int, hi: int) -> None:
        """Both of two values, when `term` is the lesser or the greater of them."""
        test, *arms = term.args
        if test.op == ("slt" if is_signed else "ult") and {*test.args} == {*arms}:
            is_least = test.args[0] is arms[0]
            for arm in arms:
                known = self.interval(arm, is_signed)
                self.narrow(arm, is_signed, lo if is_least else known[0], known[1] if is_least else hi)

    def narrow_sum(self, term: Term, is_signed: bool, lo: int, hi: int) -> None:
        """Each addend, where the sum over the integers is known not to wrap."""
        width, (coefficients, constant) = term.width, term.data
        parts: list[tuple[int, Interval]] = []
        for coefficient, arg in zip(coefficients, term.args, strict=True):
            factor = signed(coefficient, width)
            low, high = self.interval(arg, is_signed)
            parts.append((factor, (min(factor * low, factor * high), max(factor * low, factor * high))))
        base = signed(constant, width)
        least, most = base + sum(p[1][0] for p in parts), base + sum(p[1][1] for p in parts)
        bottom, top = (-(1 << width - 1), (1 << width - 1) - 1) if is_signed else (0, (1 << width) - 1)
        # Equal modulo 2**width; which of the numbers that are tells the interval.
        around = (least - bottom) >> width << width
        least, most = least - around, most - around
        if most > top:
            return
        for (factor, (low, high)), arg in zip(parts, term.args, strict=True):
            # factor*arg = sum - the rest
            part_lo, part_hi = lo - (most - high), hi - (least - low)
            ends = (-(-part_lo // factor), part_hi // factor) if factor > 0 else (
                -(part_hi // -factor), -part_lo // -factor)
            self.narrow(arg, is_signed, *ends)
