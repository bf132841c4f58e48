"""Lays an image down in memory and applies its relocations.

Field layouts: System V ABI AMD64 supplement 4.4; ELF for the Arm 64-bit Architecture 5.7 with the A64 encodings
of ADRP, ADD and LDR (immediate); RISC-V ELF psABI "Relocations" with the unprivileged manual's instruction formats.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

from intent_tool.judge.image import Fixup, Image
from intent_tool.judge.refusal import Refused

_BETWEEN = 64
"""Bytes of junk kept between the code and every block of constants."""
_HIGH_OF_PAIR = "R_RISCV_PCREL_HI20"
_LOW_OF_PAIR = ("R_RISCV_PCREL_LO12_I", "R_RISCV_PCREL_LO12_S")


@dataclass(frozen=True, slots=True)
class Placed:
    """An image in memory: `content` starts at `address`, both multiples of the page size."""

    address: int
    content: bytes
    entry: int
    code_bytes: int
    tables: tuple[tuple[int, int], ...]
    """Address ranges of the constants, end excluded."""
    image: Image

    @property
    def code(self) -> bytes:
        start = self.entry - self.address
        return self.content[start:start + self.code_bytes]


def place(image: Image, address: int, page: int, seed: int) -> Placed:
    """Lays the image down from `address` (a multiple of `page`) on, with junk in between, and relocates it.

    An even seed puts the constants after the code, with their end as near to the end of the last page as their
    alignment permits, so that reading past them faults; an odd one puts them before the code, from the start of
    the first page on. Raises `Refused` when a relocation does not fit.
    """
    rng = random.Random(seed)
    code, starts, size = _linked_layout(image, page) if image.linked else _free_layout(image, page, seed, rng)
    content = bytearray(rng.randbytes(size))
    content[code:code + len(image.code)] = image.code
    for start, block in zip(starts, image.blocks, strict=True):
        content[start:start + len(block.data)] = block.data
    points_at = {f.offset: f.addend + (code if f.block is None else starts[f.block]) for f in image.fixups}
    for fixup in image.fixups:
        pair = fixup.addend if fixup.type in _LOW_OF_PAIR else None
        if pair is None:
            value, origin = points_at[fixup.offset], code + fixup.offset
        elif pair in points_at and any(f.offset == pair and f.type == _HIGH_OF_PAIR for f in image.fixups):
            value, origin = points_at[pair], code + pair
        else:
            raise Refused(f"the relocation at offset {fixup.offset:#x} has no {_HIGH_OF_PAIR} beside it")
        _apply(content, code + fixup.offset, fixup, address + value, address + origin)
    tables = tuple((address + s, address + s + len(b.data)) for s, b in zip(starts, image.blocks, strict=True))
    return Placed(address, bytes(content), address + code, len(image.code), tables, image)


def _free_layout(image: Image, page: int, seed: int, rng: random.Random) -> tuple[int, list[int], int]:
    """Offsets of the code and of the blocks, and the whole size."""
    order = list(range(len(image.blocks)))
    rng.shuffle(order)
    starts = [0] * len(order)
    modulus = max(image.alignment, 64)
    if seed % 2:
        end = 0
        for i in order:
            starts[i] = _congruent(end, image.blocks[i].alignment, 0)
            end = starts[i] + len(image.blocks[i].data) + _BETWEEN
        code = _congruent(end + rng.randrange(3 * page), modulus, image.misalignment)
        return code, starts, _congruent(code + len(image.code), page, 0)
    code = _congruent(rng.randrange(page), modulus, image.misalignment)
    end = code + len(image.code)
    for i in order:
        starts[i] = _congruent(end + _BETWEEN, image.blocks[i].alignment, 0)
        end = starts[i] + len(image.blocks[i].data)
    size = _congruent(end, page, 0)
    coarsest = max([1, *(b.alignment for b in image.blocks)])
    shift = (size - end) // coarsest * coarsest
    return code, [s + shift for s in starts], size


def _linked_layout(image: Image, page: int) -> tuple[int, list[int], int]:
    distances = [b.distance or 0 for b in image.blocks]
    code = _congruent(-min([0, *distances]), image.alignment, image.misalignment)
    starts = [code + d for d in distances]
    end = max([code + len(image.code), *(s + len(b.data) for s, b in zip(starts, image.blocks, strict=True))])
    return code, starts, _congruent(end, page, 0)


def _congruent(least: int, modulus: int, remainder: int) -> int:
    """The smallest number from `least` on that leaves `remainder`."""
    return least + (remainder - least) % modulus


def _apply(content: bytearray, at: int, fixup: Fixup, value: int, origin: int) -> None:
    """Writes the field at `content[at]`: `value` is what is pointed at, `origin` the place it counts from."""
    distance = value - origin
    if fixup.type in ("R_X86_64_PC32", "R_X86_64_PLT32"):
        _fits(fixup, distance, 32, 1)
        struct.pack_into("<i", content, at, distance)
        return
    if "_RVC_" in fixup.type:
        half = int.from_bytes(content[at:at + 2], "little")
        struct.pack_into("<H", content, at, _compressed_field(fixup, half, distance))
        return
    word = int.from_bytes(content[at:at + 4], "little")
    struct.pack_into("<I", content, at, _word_field(fixup, word, value, distance, origin))


def _fits(fixup: Fixup, distance: int, bits: int, unit: int) -> None:
    if distance % unit or not -(1 << (bits - 1)) <= distance < 1 << (bits - 1):
        raise Refused(f"the relocation {fixup.type} at offset {fixup.offset:#x} cannot reach its place")


def _word_field(fixup: Fixup, word: int, value: int, distance: int, origin: int) -> int:
    match fixup.type:
        case "R_AARCH64_ADR_PREL_PG_HI21":
            pages = (value >> 12) - (origin >> 12)
            _fits(fixup, pages, 21, 1)
            return word & 0x9f00001f | (pages & 3) << 29 | (pages >> 2 & 0x7ffff) << 5
        case "R_AARCH64_ADD_ABS_LO12_NC":
            return word & ~(0xfff << 10) | (value & 0xfff) << 10
        case _ if fixup.type.startswith("R_AARCH64_LDST"):
            unit = int(fixup.type[len("R_AARCH64_LDST"):].split("_")[0]) // 8
            if value % unit:
                raise Refused(f"{fixup.type} at offset {fixup.offset:#x} points at an address that {unit} "
                              "does not divide")
            return word & ~(0xfff << 10) | (value & 0xfff) // unit << 10
        case "R_RISCV_PCREL_HI20":
            _fits(fixup, distance + 0x800, 32, 1)
            return word & 0xfff | (distance + 0x800) & 0xfffff000
        case "R_RISCV_PCREL_LO12_I":
            return word & 0xfffff | (distance & 0xfff) << 20
        case "R_RISCV_PCREL_LO12_S":
            return word & 0x01fff07f | (distance >> 5 & 0x7f) << 25 | (distance & 0x1f) << 7
        case "R_RISCV_BRANCH":
            _fits(fixup, distance, 13, 2)
            return (word & 0x01fff07f | (distance >> 12 & 1) << 31 | (distance >> 5 & 0x3f) << 25
                    | (distance >> 1 & 0xf) << 8 | (distance >> 11 & 1) << 7)
        case "R_RISCV_JAL":
            _fits(fixup, distance, 21, 2)
            return (word & 0xfff | (distance >> 20 & 1) << 31 | (distance >> 1 & 0x3ff) << 21
                    | (distance >> 11 & 1) << 20 | (distance >> 12 & 0xff) << 12)
    raise Refused(f"relocation {fixup.type} is not understood")


def _compressed_field(fixup: Fixup, half: int, distance: int) -> int:
    def bit(number: int, to: int) -> int:
        return (distance >> number & 1) << to

    if fixup.type == "R_RISCV_RVC_BRANCH":
        _fits(fixup, distance, 9, 2)
        return (half & 0xe383 | bit(8, 12) | bit(4, 11) | bit(3, 10) | bit(7, 6) | bit(6, 5) | bit(2, 4) | bit(1, 3)
                | bit(5, 2))
    _fits(fixup, distance, 12, 2)
    return (half & 0xe003 | bit(11, 12) | bit(4, 11) | bit(9, 10) | bit(8, 9) | bit(10, 8) | bit(6, 7) | bit(7, 6)
            | bit(3, 5) | bit(2, 4) | bit(1, 3) | bit(5, 2))
