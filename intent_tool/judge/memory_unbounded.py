"""The content of buffers of any length: what was there on entry, and the writes since.

An element is known by its index. Two accesses are told apart by the distance of their offsets, which in code that
walks over memory is a constant; where it is not, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, Union

from intent_tool.judge.bitvector import Graph, Term, signed
from intent_tool.judge.memory import INDEX_BITS, Region

MOST_NEW = 512
"""Elements that one round may write."""


class Untold(Exception):
    """Accesses whose order in memory is not known."""


@dataclass(frozen=True, eq=False)
class LongRegion(Region):
    """A buffer of any length: `size` says nothing, `extent` is its bytes as a term of 64 bits."""

    extent: Term
    element: int
    """Bytes of an element."""
    initially: Callable[[Term], Term]
    """The bits of an element on entry."""


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """The elements from `low` up to `high` have the content that the contract says, all others that of entry."""

    region: LongRegion
    low: Term
    high: Term
    final: Callable[[Term], Term]
    """The bits of an element in the end."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """As before, but for a `value` at an `offset` in bytes."""

    before: History
    offset: Term
    value: Term


@dataclass(frozen=True, slots=True, eq=False)
class Either:
    condition: Term
    then: History
    otherwise: History


@dataclass(frozen=True, slots=True, eq=False)
class Untouched:
    """The content on entry."""

    region: LongRegion


History: TypeAlias = Union[Untouched, Settled, Stored, Either]


def read(graph: Graph, history: History, offset: Term, size: int) -> Term:
    """`size` bytes, little-endian. Raises `Untold`."""
    match history:
        case Untouched(region):
            return _elements(graph, region, offset, size, region.initially)
        case Settled():
            return _elements(graph, history.region, offset, size, lambda index: _settled(graph, history, index))
        case Either(condition, then, otherwise):
            a, b = read(graph, then, offset, size), read(graph, otherwise, offset, size)
            return graph.ite(condition, a, b)
        case Stored(before, start, value):
            width = value.width // 8
            distance = graph.sub(offset, start)
            if not distance.is_const:
                raise Untold("a read and a write of one buffer whose distance is not known")
            at = signed(distance.data, INDEX_BITS)
            if at >= width or at + size <= 0:
                return read(graph, before, offset, size)
            if at >= 0 and at + size <= width:
                return graph.extract(value, 8 * (at + size) - 1, 8 * at)
            total: Term | None = None
            for k in range(size):
                byte = read(graph, history, graph.add(offset, graph.const(k, INDEX_BITS)), 1)
                total = byte if total is None else graph.concat(byte, total)
            assert total is not None
            return total


def _settled(graph: Graph, history: Settled, index: Term) -> Term:
    low, high = graph.sub(index, history.low), graph.sub(index, history.high)
    if (low.is_const and signed(low.data, INDEX_BITS) < 0) or (high.is_const and signed(high.data, INDEX_BITS) >= 0):
        return history.region.initially(index)
    # An index is far below 2**63, as are the ends.
    inside = graph.and_(graph.ule(history.low, index), graph.ult(index, history.high))
    return graph.ite(inside, history.final(index), history.region.initially(index))


def _elements(graph: Graph, region: LongRegion, offset: Term, size: int, content: Callable[[Term], Term]) -> Term:
    index, rest = element_index(graph, offset, region.element)
    value: Term | None = None
    for k in range(-(-(rest + size) // region.element)):
        bits = content(graph.add(index, graph.const(k, INDEX_BITS)))
        value = bits if value is None else graph.concat(bits, value)
    assert value is not None
    return graph.extract(value, 8 * (rest + size) - 1, 8 * rest)


def element_index(graph: Graph, offset: Term, size: int) -> tuple[Term, int]:
    """The number of the element of `size` bytes that an offset lies in, and how many bytes into it. Raises
    `Untold` where that is not the same for all values."""
    if size == 1:
        return offset, 0
    if offset.is_const:
        return graph.const(offset.data // size, INDEX_BITS), offset.data % size
    parts, constant = graph.summands(offset)
    if any(factor % size for factor, _ in parts):
        raise Untold("an access that may begin inside of an element")
    quotient, rest = divmod(constant, size)
    return graph.linear([(factor // size, atom) for factor, atom in parts], quotient, INDEX_BITS), rest


@dataclass(frozen=True, slots=True)
class Claim:
    """What must hold, where `guard` does."""

    guard: Term
    holds: Term


def settles(graph: Graph, history: History, low: Term, high: Term, final: Callable[[Term], Term]) -> Iterator[Claim]:
    """What makes a history one with exactly the elements from `low` up to `high` settled. Raises `Untold`."""
    yield from _settles(graph, history, low, high, final, graph.true)


def _settles(graph: Graph, history: History, low: Term, high: Term, final: Callable[[Term], Term],
             guard: Term) -> Iterator[Claim]:
    if isinstance(history, Either):
        yield from _settles(graph, history.then, low, high, final, graph.and_(guard, history.condition))
        yield from _settles(graph, history.otherwise, low, high, final,
                            graph.and_(guard, graph.not_(history.condition)))
        return
    stores: list[Stored] = []
    base: History = history
    while isinstance(base, Stored):
        stores.append(base)
        base = base.before
    if isinstance(base, Either):
        # A store after a choice: the same store in both arms.
        then: History = base.then
        otherwise: History = base.otherwise
        for store in reversed(stores):
            then, otherwise = (Stored(side, store.offset, store.value) for side in (then, otherwise))
        yield from _settles(graph, Either(base.condition, then, otherwise), low, high, final, guard)
        return
    region = base.region
    if isinstance(base, Settled):
        first, last = base.low, base.high
    elif not stores:
        # Nothing was written: nothing may be wanted.
        yield Claim(guard, graph.eq(low, high))
        return
    else:
        # None is settled so far: those from `low` up to `low`.
        first = last = low
    written = _written(graph, stores, region, last)
    before = _written(graph, stores, region, first)
    if written is not None and min(written, default=0) == 0:
        # The new ones follow those that were settled.
        origin, new = last, range(max(written, default=-1) + 1)
        ends = first, graph.add(last, graph.const(len(new), INDEX_BITS))
    elif before is not None and max(before) == -1:
        origin, new = first, range(min(before), 0)
        ends = graph.sub(first, graph.const(len(new), INDEX_BITS)), last
    else:
        raise Untold("a write that is not next to what was written before")
    yield Claim(guard, graph.and_(graph.eq(ends[0], low), graph.eq(ends[1], high)))
    if len(new) > MOST_NEW:
        raise Untold("a round that writes too many elements")
    for k in new:
        index = graph.add(origin, graph.const(k, INDEX_BITS))
        offset = graph.linear([(region.element, index)], 0, INDEX_BITS)
        yield Claim(guard, graph.eq(read(graph, history, offset, region.element), final(index)))


def _written(graph: Graph, stores: list[Stored], region: LongRegion, origin: Term) -> set[int] | None:
    """Which elements are touched, counted from `origin`; None where that is not known."""
    found: set[int] = set()
    for store in stores:
        index, rest = element_index(graph, store.offset, region.element)
        distance = graph.sub(index, origin)
        if not distance.is_const:
            return None
        at = signed(distance.data, INDEX_BITS)
        found |= set(range(at, at + -(-(rest + store.value.width // 8) // region.element)))
    return found
