"""Integers of known range: made, compared and chosen between, with what is demanded of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.meaning_facts import Here, Reads
from intent_tool.judge.meaning_values import Demand, NotUnderstood, Number, bits_of
from intent_tool.language.diagnostics import Span

MOST_BITS = 4096
"""The widest integer that is followed."""


@dataclass
class Record:
    """What evaluations share: the graph, the demands so far, and how much was done."""

    graph: Graph
    demands: dict[tuple[object, ...], Demand] = field(default_factory=dict)
    """By what they say; one that is met at several places has one guard for all."""
    reads: Reads = field(default_factory=Reads)
    steps: int = 0
    first_term: int = 0
    spans: list[Span] = field(default_factory=list)
    """Kept alive, since their identity is part of the demands' keys."""

    def __post_init__(self) -> None:
        self.first_term = len(self.graph)


class Numbers:
    """Operations on `Number`; what is not defined everywhere records a demand and goes on as if it held."""

    def __init__(self, record: Record) -> None:
        self.record, self.graph = record, record.graph
        self.constants: dict[int, Number] = {}
        self.zero, self.one = self.const(0), self.const(1)

    # Making numbers.

    def const(self, value: int) -> Number:
        known = self.constants.get(value)
        if known is None:
            known = Number(self.graph.const(value, bits_of(value, value)), value, value)
            self.constants[value] = known
        return known

    def make(self, term: Term, lo: int, hi: int) -> Number:
        """The number with that term and range, narrowed by what the term knows, on the term that it extends."""
        low, high = (term.lo, term.hi) if lo >= 0 else (term.slo, term.shi)
        lo, hi = max(lo, low), min(hi, high)
        if lo >= hi:
            # lo > hi where the place cannot be reached: any value will do.
            return self.const(lo)
        if lo >= 0:
            while term.op == "zext" or (term.op == "sext" and hi < 1 << (term.args[0].width - 1)):
                term = term.args[0]
        else:
            while term.op == "sext":
                term = term.args[0]
        return Number(term, lo, hi)

    def flag(self, condition: Term) -> Number:
        """A truth value as a number."""
        return self.make(condition, 0, 1)

    def refined(self, number: Number, here: Here) -> Number:
        """The number with the range that holds here."""
        while number.lo != number.hi:
            lo, hi = here.interval(number.term, number.lo < 0)
            if lo <= number.lo and hi >= number.hi:
                break
            number = self.make(number.term, max(lo, number.lo), min(hi, number.hi))
        return number

    def width(self, lo: int, hi: int, span: Span, *operands: Number) -> int:
        """The width for a result in lo..hi.

        Not less than the operands' own widths, even where their ranges are known to be narrower: there machine code
        computes the same."""
        width = bits_of(lo, hi)
        for operand in operands:
            width = max(width, operand.term.width)
        if width > MOST_BITS:
            raise NotUnderstood(span, f"an integer of more than {MOST_BITS} bits")
        return width

    def demand(self, here: Here, kind: str, span: Span, message: str, holds: Term) -> Here:
        """Records that `holds` must hold here; gives the place where it does."""
        if here.decided(holds):
            return here
        guard = here.guard
        if guard.is_const and not guard.data:
            return here
        key = (kind, id(span), message, holds.id)
        known = self.record.demands.get(key)
        if known is None:
            self.record.spans.append(span)
        else:
            guard = self.graph.or_(known.guard, guard)
        self.record.demands[key] = Demand(kind, span, message, guard, holds)
        return here.learn(holds) or here

    # Conditions.

    def truth(self, number: Number) -> Term:
        if number.lo > 0 or number.hi < 0:
            return self.graph.true
        if number.term.width == 1 and number.lo >= 0:
            return number.term
        return self.graph.ne(number.term, self.graph.const(0, number.term.width))

    def _comparable(self, a: Number, b: Number) -> tuple[Term, Term, bool]:
        """Both in one width, and whether to read them as two's complement."""
        if a.lo >= 0 and b.lo >= 0:
            width = max(a.term.width, b.term.width)
            return a.at(self.graph, width), b.at(self.graph, width), False
        width = max(n.term.width + (n.lo >= 0 and n.hi >> (n.term.width - 1) != 0) for n in (a, b))
        return a.at(self.graph, width), b.at(self.graph, width), True

    def less(self, a: Number, b: Number) -> Term:
        """Whether a < b."""
        if a.hi < b.lo:
            return self.graph.true
        if a.lo >= b.hi:
            return self.graph.false
        left, right, is_signed = self._comparable(a, b)
        return self.graph.slt(left, right) if is_signed else self.graph.ult(left, right)

    def equals(self, a: Number, b: Number) -> Term:
        if a.hi < b.lo or b.hi < a.lo:
            return self.graph.false
        left, right, _ = self._comparable(a, b)
        return self.graph.eq(left, right)

    def choose_number(self, condition: Term, a: Number, b: Number, span: Span,
                      lo: int | None = None, hi: int | None = None) -> Number:
        """a where `condition` holds, else b; in lo..hi, where given."""
        if condition.op == "const":
            return a if condition.data else b
        if a == b:
            return a
        lo = min(a.lo, b.lo) if lo is None else lo
        hi = max(a.hi, b.hi) if hi is None else hi
        width = self.width(lo, hi, span, a, b)
        return self.make(self.graph.ite(condition, a.at(self.graph, width), b.at(self.graph, width)), lo, hi)

    def least(self, a: Number, b: Number, span: Span) -> Number:
        lo, hi = min(a.lo, b.lo), min(a.hi, b.hi)
        return self.choose_number(self.less(b, a), b, a, span, lo, hi)

    def greatest(self, a: Number, b: Number, span: Span) -> Number:
        lo, hi = max(a.lo, b.lo), max(a.hi, b.hi)
        return self.choose_number(self.less(a, b), b, a, span, lo, hi)
