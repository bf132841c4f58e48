"""What a contract's expressions are worth: integers of known range, and sequences of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.language.diagnostics import Source, Span

NOWHERE = Span(Source("", ""), 1, 1)
"""Where nothing can go wrong."""


class NotUnderstood(Exception):
    """What has no finite meaning here, or one that is too large: `construct` at `span`."""

    def __init__(self, span: Span, construct: str) -> None:
        super().__init__(construct)
        self.span, self.construct = span, construct


@dataclass(frozen=True, slots=True)
class Demand:
    """Something that must hold for the contract to have a meaning.

    `kind`: fits, division, index, shift, length (of a written buffer or an argument), domain (of an operation) or
    requires (of a used function)."""

    kind: str
    span: Span
    message: str
    """What must hold: `the divisor is not zero`."""
    guard: Term
    """Width 1: whether the contract evaluates this place."""
    holds: Term
    """Width 1; means something where `guard` holds."""


@dataclass(frozen=True, slots=True)
class Number:
    """An unbounded integer: its value is `term` read as unsigned where lo >= 0, else as two's complement; it lies in
    lo..hi wherever the contract evaluates it. The term may be wider than that interval needs."""

    term: Term
    lo: int
    hi: int

    def at(self, graph: Graph, width: int) -> Term:
        """The value modulo ``2**width``."""
        if width <= self.term.width:
            return graph.extract(self.term, width - 1, 0)
        return graph.zext(self.term, width) if self.lo >= 0 else graph.sext(self.term, width)


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """A list or tuple, whose length may depend on the inputs: those of `values` that are present, in order.

    Without `count` and `present` all are. With `count`, value number k is where start <= k < start + count. With
    `present` (conditions of width 1, one for each value) those are whose condition holds."""

    values: tuple[Value, ...]
    start: Number | None = None
    count: Number | None = None
    present: tuple[Term, ...] | None = None

    @property
    def is_dense(self) -> bool:
        return self.count is None and self.present is None


@dataclass(frozen=True, slots=True)
class Nothing:
    """What an element of an empty sequence would be: a demand fails wherever it is evaluated."""


Value = Union[Number, Sequence, Nothing]


def bits_of(lo: int, hi: int) -> int:
    """The width that holds lo..hi: as unsigned where lo >= 0, else in two's complement."""
    if lo >= 0:
        return max(hi.bit_length(), 1)
    return max((~lo).bit_length(), hi.bit_length() if hi > 0 else 0) + 1
