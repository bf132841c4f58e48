"""Memory during symbolic execution: disjoint regions, each with a base address that is a free variable.

An address is `base + offset` with exactly one base in it. Regions with one base (those of a linked file, whose
distances are final) are told apart by the offset. Contents are kept byte by byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from intent_tool.judge.bitvector import Graph, Term

INDEX_BITS = 64
"""Addresses, offsets and indices of elements are terms of this width, in contracts as in machine code."""
MOST_CANDIDATES = 4096
"""Places that one access through a variable index may fall on."""


class Wild(Exception):
    """An address that is known to lie in no region, or that has a form the judge does not follow."""


class TooMany(Exception):
    """An index with too many possible values."""


@dataclass(frozen=True, eq=False)
class Region:
    """`size` bytes from `start` (bytes after `base`) on."""

    name: str
    """As messages call it: ``data``, ``its constants``."""
    base: Term
    start: int
    size: int
    writable: bool
    initial: Callable[[int], Term]
    """The byte at an offset from the start, on entry."""
    kind: str
    """``buffer``, ``constants`` or ``frame``."""

    @property
    def is_frame(self) -> bool:
        return self.kind == "frame"

    @property
    def is_buffer(self) -> bool:
        return self.kind == "buffer"


Contents = dict[tuple[Region, int], Term]
"""Bytes that were written, by region and offset from its start."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an access goes: `offset` bytes (64 bits wide) from the region's start, under `condition`."""

    region: Region
    offset: Term
    condition: Term


@dataclass
class Layout:
    """All regions that an address may lie in."""

    graph: Graph
    regions: list[Region] = field(default_factory=list)

    def add(self, region: Region) -> Region:
        self.regions.append(region)
        return region

    def places(self, address: Term, condition: Term) -> list[Place]:
        """What `address` points at; a choice between addresses has several. Raises `Wild`."""
        graph = self.graph
        if address.op == "ite":
            test, then, otherwise = address.args
            found: list[Place] = []
            for side, holds in ((then, test), (otherwise, graph.not_(test))):
                here = graph.and_(condition, holds)
                if here is not graph.false:
                    found += self.places(side, here)
            return found
        atoms, coefficients, constant = (
            (address.args, address.data[0], address.data[1]) if address.op == "sum" else ((address,), (1,), 0))
        bases = {r.base for r in self.regions}
        pointers = [(a, c) for a, c in zip(atoms, coefficients, strict=True) if a in bases]
        if len(pointers) != 1 or pointers[0][1] != 1:
            choice = next((a for a in atoms if a.op == "ite" and a.width == 64), None)
            if not pointers and choice is not None:
                return self._chosen(address, choice, condition)
            raise Wild
        base = pointers[0][0]
        offset = graph.sub(address, base)
        candidates = [r for r in self.regions if r.base is base]
        if len(candidates) > 1:
            # The constant part says which table a linked file's code means; the bounds are an obligation anyway.
            low = constant - (1 << 64) if constant >> 63 else constant
            candidates = [r for r in candidates if r.start <= low < r.start + r.size]
            if not candidates:
                raise Wild
        region = candidates[0]
        return [Place(region, graph.sub(offset, graph.const(region.start, 64)), condition)]

    def _chosen(self, address: Term, choice: Term, condition: Term) -> list[Place]:
        """The places of an address one of whose addends is a choice."""
        graph = self.graph
        rest = graph.sub(address, choice)
        return self.places(graph.ite(choice.args[0], graph.add(rest, choice.args[1]),
                                     graph.add(rest, choice.args[2])), condition)

    # Contents.

    def read(self, contents: Contents, place: Place, size: int) -> Term:
        """`size` bytes, little-endian; anything at all where the offset is outside."""
        if place.offset.op == "const":
            return self._read_at(contents, place.region, _offset(place.offset), size)
        start, stride, index, count = self._candidates(place, size)
        values = [self._read_at(contents, place.region, start + k * stride, size) for k in range(count)]
        if not values:
            raise Wild
        if all(v.op == "const" for v in values):
            return self.graph.table(index, 0, [v.data for v in values], 8 * size)
        return self._selected(index, values)

    def _selected(self, index: Term, values: list[Term]) -> Term:
        """`values[index]`, by the bits of the index."""
        graph = self.graph
        layer, bit = values, 0
        while len(layer) > 1:
            test = graph.extract(index, bit, bit)
            layer = [graph.ite(test, layer[k + 1], layer[k]) if k + 1 < len(layer) else layer[k]
                     for k in range(0, len(layer), 2)]
            bit += 1
        return layer[0]

    def write(self, contents: Contents, place: Place, value: Term) -> None:
        """Changes `contents` where the place's condition holds."""
        graph, size = self.graph, value.width // 8
        always = place.condition is graph.true
        pieces = [graph.extract(value, 8 * j + 7, 8 * j) for j in range(size)]
        if place.offset.op == "const":
            at = _offset(place.offset)
            for j, piece in enumerate(pieces):
                old = None if always else self._byte(contents, place.region, at + j)
                contents[place.region, at + j] = piece if old is None else graph.ite(place.condition, piece, old)
            return
        start, stride, index, count = self._candidates(place, size)
        before = dict(contents)
        for k in range(count):
            here = graph.eq(index, graph.const(k, index.width))
            if not always:
                here = graph.and_(here, place.condition)
            for j, piece in enumerate(pieces):
                at = start + k * stride + j
                old = contents.get((place.region, at), before.get((place.region, at)))
                if old is None:
                    old = self._byte(contents, place.region, at)
                contents[place.region, at] = graph.ite(here, piece, old)

    def byte(self, contents: Contents, region: Region, at: int) -> Term:
        return self._byte(contents, region, at)

    def _byte(self, contents: Contents, region: Region, at: int) -> Term:
        known = contents.get((region, at))
        return known if known is not None else region.initial(at)

    def _read_at(self, contents: Contents, region: Region, at: int, size: int) -> Term:
        value = self._byte(contents, region, at)
        for j in range(1, size):
            value = self.graph.concat(self._byte(contents, region, at + j), value)
        return value

    def _candidates(self, place: Place, size: int) -> tuple[int, int, Term, int]:
        """Where an access with a variable offset may fall inside of its region: the first place, the distance
        between two, which of them it is, and how many there are."""
        graph, region = self.graph, place.region
        offset = place.offset
        whole = offset.args[0] if offset.op in ("zext", "sext") and offset.args[0].op == "sum" else offset
        coefficients, constant = whole.data if whole.op == "sum" else ((1,), 0)
        stride = min((c & -c for c in coefficients), default=1)
        if offset.op == "concat" or (offset.op in ("zext", "sext") and offset.args[0].op == "concat"):
            stride = 1
        stride = min(stride, 4096)
        first = (constant if constant >> (whole.width - 1) == 0 else constant - (1 << whole.width)) % stride
        # Only offsets inside of the region matter: being inside is an obligation of its own.
        low = max(0, offset.slo) if not region.is_frame else offset.slo
        high = min(region.size - size, offset.shi) if not region.is_frame else min(offset.shi, -size)
        low += (first - low) % stride
        count = (high - low) // stride + 1 if high >= low else 0
        if count > MOST_CANDIDATES:
            raise TooMany
        distance = graph.sub(offset, graph.const(low, 64))
        index = graph.lshr(distance, graph.const(stride.bit_length() - 1, 64))
        bits = max(count - 1, 1).bit_length()
        return low, stride, graph.extract(index, bits - 1, 0), count


def _offset(term: Term) -> int:
    value: int = term.data
    return value - (1 << 64) if value >> 63 else value
