"""The content of buffers of any length: what was there on entry, and the writes since.

An element is known by its index. Two accesses are told apart by the distance of their offsets, which in code that
walks over memory is a constant; where it is not, nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias, Union

from intent_tool.judge.bitvector import Graph, Term, signed
from intent_tool.judge.memory import INDEX_BITS, Region

MOST_NEW = 512
"""Elements that one round may write."""
MOST_APART = 64
"""The same where it is not known how they lie to each other."""
_INDICES = 1 << 48
"""Above all indices of elements: a buffer takes less than so many bytes."""

Range: TypeAlias = tuple[Term, Term]
"""Indices from the one up to the other, which is not among them; 64 bits, unsigned."""


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
    """The elements in any of `ranges` have the content that the contract says, all others that of entry."""

    region: LongRegion
    ranges: tuple[Range, ...]
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
    inside = graph.false
    for low, high in history.ranges:
        after, before = graph.sub(index, low), graph.sub(index, high)
        if (after.is_const and signed(after.data, INDEX_BITS) < 0) \
                or (before.is_const and signed(before.data, INDEX_BITS) >= 0):
            # An index is far below 2**63, as are the ends.
            continue
        inside = graph.or_(inside, _within(graph, index, (low, high)))
    initial = history.region.initially(index)
    return initial if inside is graph.false else graph.ite(inside, history.final(index), initial)


def _within(graph: Graph, index: Term, range: Range) -> Term:
    return graph.and_(graph.ule(range[0], index), graph.ult(index, range[1]))


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


def settles(graph: Graph, history: History, ranges: tuple[Range, ...], final: Callable[[Term], Term]
            ) -> Iterator[Claim]:
    """What makes a history one with exactly the elements in `ranges` settled. Raises `Untold`."""
    yield from _settles(graph, history, ranges, final, graph.true)


def _settles(graph: Graph, history: History, ranges: tuple[Range, ...], final: Callable[[Term], Term],
             guard: Term) -> Iterator[Claim]:
    if isinstance(history, Either):
        yield from _settles(graph, history.then, ranges, final, graph.and_(guard, history.condition))
        yield from _settles(graph, history.otherwise, ranges, final,
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
        yield from _settles(graph, Either(base.condition, then, otherwise), ranges, final, guard)
        return
    before = base.ranges if isinstance(base, Settled) else ()
    holds = _grown(graph, history, stores, base.region, before, ranges, final)
    if holds is None:
        holds = _apart(graph, stores, base.region, before, ranges, final)
    for condition in holds:
        yield Claim(guard, condition)


def _grown(graph: Graph, history: History, stores: list[Stored], region: LongRegion, before: tuple[Range, ...],
           ranges: tuple[Range, ...], final: Callable[[Term], Term]) -> Iterator[Term] | None:
    """What has to hold where what was written lies next to the one range that was settled; None where that does not
    show."""
    if len(ranges) != 1 or len(before) > 1:
        return None
    low, high = ranges[0]
    if not before and not stores:
        # Nothing was written: nothing may be wanted.
        return iter([graph.eq(low, high)])
    # Where none is settled so far: those from `low` up to `low`.
    first, last = before[0] if before else (low, low)
    above, below = (_written(graph, stores, region, origin) for origin in (last, first))
    if above is not None and min(above, default=0) == 0:
        # The new ones follow those that were settled.
        origin, new = last, range(max(above, default=-1) + 1)
        ends = first, graph.add(last, graph.const(len(new), INDEX_BITS))
    elif below is not None and max(below) == -1:
        origin, new = first, range(min(below), 0)
        ends = graph.sub(first, graph.const(len(new), INDEX_BITS)), last
    else:
        return None
    if len(new) > MOST_NEW:
        raise Untold("a round that writes too many elements")
    return chain([graph.and_(graph.eq(ends[0], low), graph.eq(ends[1], high))], (
        _has(graph, history, region, graph.add(origin, graph.const(k, INDEX_BITS)), final) for k in new))


def _has(graph: Graph, history: History, region: LongRegion, index: Term, final: Callable[[Term], Term]) -> Term:
    offset = graph.linear([(region.element, index)], 0, INDEX_BITS)
    return graph.eq(read(graph, history, offset, region.element), final(index))


def _apart(graph: Graph, stores: list[Stored], region: LongRegion, before: tuple[Range, ...],
           ranges: tuple[Range, ...], final: Callable[[Term], Term]) -> Iterator[Term]:
    """What has to hold wherever what was written lies: each element that was is in the ranges and has its final
    content, unless it is written once more; and any other one is in the ranges if, and only if, it was before."""
    most = graph.const(_INDICES, INDEX_BITS)
    for end in chain.from_iterable(ranges):
        yield graph.ult(end, most)
    later: list[Term] = []
    for index, value in _stored(graph, stores, region):
        good = graph.and_(graph.ult(index, most), graph.eq(value, final(index)))
        yield _any(graph, [graph.and_(good, _any(graph, [_within(graph, index, r) for r in ranges])),
                           *(graph.eq(index, other) for other in later)])
        later.append(index)
    half = 1 << INDEX_BITS - 1
    index = graph.bounded_var(f"any element of {region.name}", INDEX_BITS, 0, _INDICES - 1, -half, half - 1)
    end = graph.linear([(region.element, index)], 0, INDEX_BITS)
    was, is_now = (_any(graph, [_within(graph, index, r) for r in some]) for some in (before, ranges))
    yield _any(graph, [graph.ule(region.extent, end), *(graph.eq(index, other) for other in later),
                       graph.eq(was, is_now)])


def _any(graph: Graph, conditions: list[Term]) -> Term:
    total = graph.false
    for condition in conditions:
        total = graph.or_(total, condition)
    return total


def _stored(graph: Graph, stores: list[Stored], region: LongRegion) -> Iterator[tuple[Term, Term]]:
    """The elements that were written, the last one first: their indices and their bits."""
    bits = 8 * region.element
    if sum(store.value.width for store in stores) > MOST_APART * bits:
        raise Untold("a round that writes too many elements, not next to what was written before")
    for store in stores:
        index, rest = element_index(graph, store.offset, region.element)
        if rest or store.value.width % bits:
            raise Untold("a write of a part of an element, not next to what was written before")
        for k in range(store.value.width // bits):
            yield (graph.add(index, graph.const(k, INDEX_BITS)),
                   graph.extract(store.value, (k + 1) * bits - 1, k * bits))


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
