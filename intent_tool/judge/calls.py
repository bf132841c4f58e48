"""From arguments to registers, stack and memory: the calling conventions as the judge sees them.

AMD64 ABI 3.2.3, AAPCS64 6.8.2 and the RISC-V psABI's integer calling convention, for integers and pointers.
What an ABI leaves undefined in a narrow argument is filled with junk.
"""

from __future__ import annotations

import random
import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from intent_tool.judge.harness.protocol import ARGUMENT_REGISTERS, MAX_REGIONS
from intent_tool.judge.refusal import Refused
from intent_tool.language.contract import Contract, Parameter, ScalarType
from intent_tool.machine.target import Target

Arguments = tuple[int | tuple[int, ...], ...]
"""One input: an int for a scalar, a tuple of ints for a buffer, in the parameters' order."""

_WORD = (1 << 64) - 1
_GUARD = 32
"""Least number of bytes kept between a buffer and an end of its window that is not at an inaccessible page."""
_ROOM = 2 * _GUARD + 7 * 8 + 8
"""What a region has, at least, besides its longest buffer."""
_CODES = {8: "B", 16: "H", 32: "I", 64: "Q"}
REGIONS_AT = 0x18_0000_0000
REGION_STEP = 0x8000_0000
"""Regions start here, one in each step, at a random page: over 4 GiB, so that a truncated pointer is noticed."""


@dataclass(frozen=True, slots=True)
class Region:
    """The place of one buffer, or of several that start at the same address."""

    parameters: tuple[int, ...]
    """Indexes of the buffers."""
    buffers: tuple[Parameter, ...]
    writable: bool
    """Whether one of them is."""
    address: int
    size: int
    element: int
    """Bytes of the largest element: as much as a caller must align the buffers."""


class Window(NamedTuple):
    """A part of a region during one call. (There are tens of thousands, so no dataclass.)"""

    address: int
    content: bytes
    buffer: int
    """Offset of the buffer in the content."""
    length: int
    """Bytes of the buffer."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs, ready for the harness."""

    inputs: Sequence[Arguments]
    vectors: bytes
    stack_words: int
    regions: tuple[Region, ...]
    windows: tuple[tuple[Window, ...], ...]
    """For each input one window a region; empty without regions."""
    starts: Sequence[int]
    """Offset of each input's record in `vectors`, and the end."""
    result_starts: Sequence[int]
    """Offset of each input's record in the results, and the end."""


def mask(type_: ScalarType) -> int:
    return (1 << type_.bits) - 1


def sign_extended(value: int, type_: ScalarType) -> int:
    """`value` of `type_` as RISC-V passes it: extended by its own sign to 32 bits, then sign-extended to 64."""
    if type_.bits < 32:
        return value & _WORD
    low = value & mask(type_)
    return (low | -(low & 1 << type_.bits - 1)) & _WORD


def typed(word: int, type_: ScalarType) -> int:
    """The value of the lowest bits of a register."""
    value = word & mask(type_)
    return value - (1 << type_.bits) if type_.signed and value >> type_.bits - 1 else value


def encode_elements(values: Iterable[int], type_: ScalarType) -> bytes:
    """A buffer's bytes, little-endian."""
    code = _CODES[type_.bits]
    if code == "B" and not type_.signed:
        return bytes(values)
    return array(code.lower() if type_.signed else code, values).tobytes()


def decode_elements(content: bytes, type_: ScalarType) -> tuple[int, ...]:
    code = _CODES[type_.bits]
    items = array(code.lower() if type_.signed else code)
    items.frombytes(content)
    return tuple(items)


def shown_bytes(number: int) -> str:
    return "1 byte" if number == 1 else f"{number} bytes"


def make_batch(contract: Contract, target: Target, inputs: Sequence[Arguments], *, page: int, seed: int,
               junk: bool = True) -> Batch:
    """Lays out the calls with `inputs`. With `junk` off, what the ABI leaves undefined in narrow arguments is their
    zero or sign extension."""
    assert contract.signature is not None
    parameters = contract.signature.parameters
    rng = random.Random(seed)
    registers = ARGUMENT_REGISTERS[target.isa]
    stack_words = max(0, len(parameters) - registers)
    stride = 1 + registers + stack_words
    total = len(inputs)
    head = array("Q", rng.randbytes(8 * stride * total))
    regions, windows = _place_buffers(contract, inputs, page, rng)
    region_of = {p: r for r, region in enumerate(regions) for p in region.parameters}
    for index, column in enumerate(zip(*inputs, strict=True)):
        place = 1 + index if index < registers else 1 + registers + index - registers
        if parameters[index].buffer is not None:
            r = region_of[index]
            words = [w[r].address + w[r].buffer for w in windows]
        else:
            words = _scalar_words(parameters[index].type, column, target, rng if junk else None)
        head[place::stride] = array("Q", words)
    packed = head.tobytes()
    if not regions:
        starts = [8 * stride * i for i in range(total + 1)]
        return Batch(inputs, packed, stack_words, (), ((),) * total, starts, [16 * i for i in range(total + 1)])
    starts, result_starts = [0], [0]
    pieces = []
    for i, row in enumerate(windows):
        pieces.append(packed[8 * stride * i:8 * stride * (i + 1)])
        size, result_size = 8 * stride, 16
        for window in row:
            pieces += [struct.pack("<QQ", window.address, len(window.content)), window.content]
            size += 16 + len(window.content)
            result_size += len(window.content)
        starts.append(starts[-1] + size)
        result_starts.append(result_starts[-1] + result_size)
    return Batch(inputs, b"".join(pieces), stack_words, regions, windows, starts, result_starts)


def _scalar_words(type_: ScalarType, column: Sequence[object], target: Target,
                  rng: random.Random | None) -> list[int]:
    values: list[int] = column  # type: ignore[assignment]
    if target.abi.narrow_values == "sign-extended" or type_.bits == 64:
        return [sign_extended(v, type_) for v in values]
    if rng is None:
        return [v & _WORD for v in values]
    low, high = mask(type_), _WORD ^ mask(type_)
    noise = array("Q", rng.randbytes(8 * len(values)))
    # All ones and all zeros are likelier to hurt than random bits are.
    noise[0::4] = array("Q", [_WORD] * len(noise[0::4]))
    noise[2::4] = array("Q", bytes(8 * len(noise[2::4])))
    return [v & low | n & high for v, n in zip(values, noise, strict=True)]


def _place_buffers(contract: Contract, inputs: Sequence[Arguments], page: int,
                   rng: random.Random) -> tuple[tuple[Region, ...], tuple[tuple[Window, ...], ...]]:
    assert contract.signature is not None
    parameters = contract.signature.parameters
    groups = buffer_groups(contract)
    if not groups:
        return (), ((),) * len(inputs)
    if len(groups) > MAX_REGIONS:
        raise Refused(f"it cannot be run: the judge knows at most {MAX_REGIONS} buffers")
    contents = [[_content(arguments, group, parameters) for group in groups] for arguments in inputs]
    regions = []
    for r, group in enumerate(groups):
        buffers = tuple(parameters[i] for i in group)
        element = max(p.type.bytes for p in buffers)
        size = max((len(row[r]) for row in contents), default=0) + _ROOM
        size += -size % page
        address = REGIONS_AT + r * REGION_STEP + page * rng.randrange(1, 1 << 16)
        writable = any(p.buffer is not None and p.buffer.writable for p in buffers)
        regions.append(Region(group, buffers, writable, address, size, element))
    places = _Places(rng)
    windows = tuple(tuple(_window(region, r, row[r], places) for r, region in enumerate(regions)) for row in contents)
    return tuple(regions), windows


def buffer_groups(contract: Contract) -> list[tuple[int, ...]]:
    """The buffers, those together that share their start; by index."""
    assert contract.signature is not None
    parameters = contract.signature.parameters
    group_of = {p.name: {i} for i, p in enumerate(parameters) if p.buffer is not None}
    for pair in contract.aliases:
        merged: set[int] = set().union(*(group_of[name] for name in pair))
        for i in merged:
            group_of[parameters[i].name] = merged
    return sorted({tuple(sorted(group)) for group in group_of.values()})


def _content(arguments: Arguments, group: tuple[int, ...], parameters: Sequence[Parameter]) -> bytes:
    """The bytes of the buffers of `group`: of the longest, which the others must agree with."""
    encoded = [encode_elements(arguments[i], parameters[i].type) for i in group]  # type: ignore[arg-type]
    if len(encoded) == 1:
        return encoded[0]
    longest = max(encoded, key=len)
    if not all(longest.startswith(e) for e in encoded):
        names = " and ".join(parameters[i].name for i in group)
        raise Refused(f"{names} start at one address, but an input gives them different contents")
    return longest


class _Places:
    """Where each buffer lies in its region: against the inaccessible page before it or the one after it, by turns,
    for each region and each length by itself.

    Calls with buffers of one length come in pairs, with the buffer once at either page; at which first differs, so
    that two buffers are not always on the same side. Where both places would align a buffer better than its elements
    need, it lies between the pages after every first pair of two, with a start that is aligned no better than that.
    """

    def __init__(self, rng: random.Random) -> None:
        self.pool = rng.randbytes(1 << 16)
        self.at = 0
        self.turns: dict[tuple[int, int], Iterator[int]] = {}

    def offset(self, number: int, length: int, element: int) -> int:
        """Of the next buffer with so many bytes in region `number`, from the region's start on; negative for at the
        region's end."""
        turns = self.turns.get((number, length))
        if turns is None:
            turns = self.turns[number, length] = self._turns(length % (2 * element) == 0, element)
        return next(turns)

    def _turns(self, overaligned: bool, element: int) -> Iterator[int]:
        for pair in count():
            first = self.pool[self.at] & 1
            yield -first
            yield first - 1
            if overaligned and pair % 2 == 0:
                yield _GUARD + element * (2 * (self.pool[self.at] % 4) + 1)

    def junk(self, size: int) -> bytes:
        """Cut from one pool, since asking the generator anew for every window would take longer than the calls."""
        if self.at + size + 8 > len(self.pool):
            # An odd step, so that the next round through the pool takes other pieces.
            self.at = (self.at * 7 + 1) % 61
        start = self.at
        self.at += size + 3
        return self.pool[start:start + size]


def _window(region: Region, number: int, content: bytes, places: _Places) -> Window:
    """Puts the buffer into region `number`, and junk on each side of it where there is no inaccessible page."""
    length = len(content)
    offset = places.offset(number, length, region.element)
    if offset < 0:
        junk = places.junk(_GUARD + -length % 8)
        return Window(region.address + region.size - len(junk) - length, junk + content, len(junk), length)
    junk = places.junk(offset + _GUARD + -(offset + length) % 8)
    return Window(region.address, junk[:offset] + content + junk[offset:], offset, length)
