"""RISC-V compressed instructions (the C extension, RV64): each beside the instruction that it stands for.

Source: The RISC-V Instruction Set Manual, volume I (20240411), chapter 27 "C", tables 27.1 to 27.3 of "RVC
Instruction Set Listings". Floating-point forms are left out, and c.ebreak.

Operand kinds: ``z`` is any register, ``x`` any but zero, ``y`` any but zero and sp, ``c`` one of x8 to x15; ``i6`` is
signed, ``u6*8`` a multiple of 8 of which the quotient fits 6 unsigned bits; ``n`` in front excludes 0; ``lui`` is
a 20-bit number that sign-extension of its lowest six bits gives back, but for 0; ``label9`` and ``label12`` are
distances of so many signed bits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

Bits = tuple[tuple[int, int, int], ...]
"""From bit, to bit, lowest place in the instruction."""

_OPERAND = re.compile(r"\{(\w):([\w*]+)\}")


@dataclass(frozen=True, slots=True)
class CompressedForm:
    """`text` is how it is written; `base` what it stands for: the same operands, and what is fixed."""

    text: str
    base: str
    kinds: tuple[tuple[str, str], ...]
    match: int
    fields: tuple[tuple[str, Bits], ...]

    @property
    def base_mnemonic(self) -> str:
        return self.base.split()[0]


_RD: Bits = ((4, 0, 7),)
_RS2: Bits = ((4, 0, 2),)
_RD_SHORT: Bits = ((2, 0, 2),)
_RS1_SHORT: Bits = ((2, 0, 7),)
_IMMEDIATE: Bits = ((5, 5, 12), (4, 0, 2))
_WORD: Bits = ((5, 3, 10), (2, 2, 6), (6, 6, 5))
_DOUBLE: Bits = ((5, 3, 10), (7, 6, 5))


def _form(text: str, base: str, match: int, **fields: Bits) -> CompressedForm:
    kinds = tuple(_OPERAND.findall(text))
    assert {name for name, _ in kinds} == set(fields)
    return CompressedForm(_OPERAND.sub(r"{\1}", text), base, kinds, match, tuple(fields.items()))


def _short(name: str, base: str, match: int, order: str = "{d}, {d}, {b}") -> CompressedForm:
    """The two-register forms of quadrant 1."""
    return _form(f"{name} {{d:c}}, {{b:c}}", f"{base} {order}", match, d=_RS1_SHORT, b=_RD_SHORT)


COMPRESSED: tuple[CompressedForm, ...] = (
    _form("c.nop", "addi zero, zero, 0", 0x0001),
    _form("c.addi {d:x}, {i:ni6}", "addi {d}, {d}, {i}", 0x0001, d=_RD, i=_IMMEDIATE),
    _form("c.addi16sp sp, {i:ni6*16}", "addi sp, sp, {i}", 0x6101,
          i=((9, 9, 12), (4, 4, 6), (6, 6, 5), (8, 7, 3), (5, 5, 2))),
    _form("c.addi4spn {d:c}, sp, {i:nu8*4}", "addi {d}, sp, {i}", 0x0000,
          d=_RD_SHORT, i=((5, 4, 11), (9, 6, 7), (2, 2, 6), (3, 3, 5))),
    _form("c.li {d:x}, {i:i6}", "addi {d}, zero, {i}", 0x4001, d=_RD, i=_IMMEDIATE),
    _form("c.li {d:x}, {i:i6}", "addiw {d}, zero, {i}", 0x4001, d=_RD, i=_IMMEDIATE),
    _form("c.mv {d:x}, {a:x}", "addi {d}, {a}, 0", 0x8002, d=_RD, a=_RS2),
    _form("c.mv {d:x}, {a:x}", "add {d}, zero, {a}", 0x8002, d=_RD, a=_RS2),
    _form("c.mv {d:x}, {a:x}", "add {d}, {a}, zero", 0x8002, d=_RD, a=_RS2),
    _form("c.add {d:x}, {b:x}", "add {d}, {d}, {b}", 0x9002, d=_RD, b=_RS2),
    _form("c.add {d:x}, {b:x}", "add {d}, {b}, {d}", 0x9002, d=_RD, b=_RS2),
    _form("c.addiw {d:x}, {i:i6}", "addiw {d}, {d}, {i}", 0x2001, d=_RD, i=_IMMEDIATE),
    _form("c.lui {d:y}, {i:lui}", "lui {d}, {i}", 0x6001, d=_RD, i=_IMMEDIATE),
    _form("c.slli {d:x}, {i:nu6}", "slli {d}, {d}, {i}", 0x0002, d=_RD, i=_IMMEDIATE),
    _form("c.srli {d:c}, {i:nu6}", "srli {d}, {d}, {i}", 0x8001, d=_RS1_SHORT, i=_IMMEDIATE),
    _form("c.srai {d:c}, {i:nu6}", "srai {d}, {d}, {i}", 0x8401, d=_RS1_SHORT, i=_IMMEDIATE),
    _form("c.andi {d:c}, {i:i6}", "andi {d}, {d}, {i}", 0x8801, d=_RS1_SHORT, i=_IMMEDIATE),
    _short("c.sub", "sub", 0x8C01),
    _short("c.xor", "xor", 0x8C21),
    _short("c.xor", "xor", 0x8C21, "{d}, {b}, {d}"),
    _short("c.or", "or", 0x8C41),
    _short("c.or", "or", 0x8C41, "{d}, {b}, {d}"),
    _short("c.and", "and", 0x8C61),
    _short("c.and", "and", 0x8C61, "{d}, {b}, {d}"),
    _short("c.subw", "subw", 0x9C01),
    _short("c.addw", "addw", 0x9C21),
    _short("c.addw", "addw", 0x9C21, "{d}, {b}, {d}"),
    _form("c.lw {d:c}, {i:u5*4}({a:c})", "lw {d}, {i}({a})", 0x4000, d=_RD_SHORT, i=_WORD, a=_RS1_SHORT),
    _form("c.ld {d:c}, {i:u5*8}({a:c})", "ld {d}, {i}({a})", 0x6000, d=_RD_SHORT, i=_DOUBLE, a=_RS1_SHORT),
    _form("c.sw {a:c}, {i:u5*4}({b:c})", "sw {a}, {i}({b})", 0xC000, a=_RD_SHORT, i=_WORD, b=_RS1_SHORT),
    _form("c.sd {a:c}, {i:u5*8}({b:c})", "sd {a}, {i}({b})", 0xE000, a=_RD_SHORT, i=_DOUBLE, b=_RS1_SHORT),
    _form("c.lwsp {d:x}, {i:u6*4}(sp)", "lw {d}, {i}(sp)", 0x4002, d=_RD, i=((5, 5, 12), (4, 2, 4), (7, 6, 2))),
    _form("c.ldsp {d:x}, {i:u6*8}(sp)", "ld {d}, {i}(sp)", 0x6002, d=_RD, i=((5, 5, 12), (4, 3, 5), (8, 6, 2))),
    # Stores may store zero.
    _form("c.swsp {a:z}, {i:u6*4}(sp)", "sw {a}, {i}(sp)", 0xC002, a=_RS2, i=((5, 2, 9), (7, 6, 7))),
    _form("c.sdsp {a:z}, {i:u6*8}(sp)", "sd {a}, {i}(sp)", 0xE002, a=_RS2, i=((5, 3, 10), (8, 6, 7))),
    _form("c.j {t:label12}", "jal zero, {t}", 0xA001,
          t=((11, 11, 12), (4, 4, 11), (9, 8, 9), (10, 10, 8), (6, 6, 7), (7, 7, 6), (3, 1, 3), (5, 5, 2))),
    _form("c.beqz {a:c}, {t:label9}", "beq {a}, zero, {t}", 0xC001,
          a=_RS1_SHORT, t=((8, 8, 12), (4, 3, 10), (7, 6, 5), (2, 1, 3), (5, 5, 2))),
    _form("c.bnez {a:c}, {t:label9}", "bne {a}, zero, {t}", 0xE001,
          a=_RS1_SHORT, t=((8, 8, 12), (4, 3, 10), (7, 6, 5), (2, 1, 3), (5, 5, 2))),
    _form("c.jr {a:x}", "jalr zero, 0({a})", 0x8002, a=_RD),
    _form("c.jalr {a:x}", "jalr ra, 0({a})", 0x9002, a=_RD),
)
"""In the order in which they are tried: LLVM's and GNU's choice where two would fit."""
