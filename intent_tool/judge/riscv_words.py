"""RISC-V instructions as mask and match: what a 32-bit word means, and what a compressed halfword expands to.

Written from the RISC-V Instruction Set Manual, volume I (20240411): RV64I (chapters 2 and 4), M (13), C (26, tables
"RVC instruction set listing"), and the bit-manipulation extensions Zba, Zbb, Zbs (30). Reserved encodings are no
instructions here. Hints are decoded as the instruction whose encoding they use.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A decoded instruction. Registers are numbers; those that the form lacks are 0."""

    name: str
    form: str
    """``R``, ``I``, ``L`` (load), ``S``, ``B``, ``U``, ``J``, ``H6``/``H5`` (shift by 6 or 5 bits), ``1`` (one
    source), ``N`` (nothing)."""
    rd: int
    rs1: int
    rs2: int
    imm: int
    """Sign-extended, in bytes where it is a displacement; for ``U`` the upper 20 bits as a signed number."""
    feature: str


_OPCODES = {
    # name: (form, mask, match, feature)
    "lui": ("U", 0x7f, 0x37, "i"), "auipc": ("U", 0x7f, 0x17, "i"), "jal": ("J", 0x7f, 0x6f, "i"),
    "ecall": ("N", 0xffffffff, 0x73, "i"),
}


def _add(form: str, opcode: int, feature: str, rows: str, funct7_bits: int = 7) -> None:
    """Rows ``name funct3 [funct7 [rs2]]`` in hexadecimal, separated by commas."""
    for row in rows.split(","):
        name, *numbers = row.split()
        mask, match = 0x7f, opcode
        fields = [(0x7000, 12), (((1 << funct7_bits) - 1) << (32 - funct7_bits), 32 - funct7_bits), (0x1f00000, 20)]
        for number, (field, shift) in zip(numbers, fields, strict=False):
            mask |= field
            match |= int(number, 16) << shift
        _OPCODES[name] = (form, mask, match, feature)


_add("I", 0x67, "i", "jalr 0")
_add("B", 0x63, "i", "beq 0,bne 1,blt 4,bge 5,bltu 6,bgeu 7")
_add("L", 0x03, "i", "lb 0,lh 1,lw 2,ld 3,lbu 4,lhu 5,lwu 6")
_add("S", 0x23, "i", "sb 0,sh 1,sw 2,sd 3")
_add("I", 0x13, "i", "addi 0,slti 2,sltiu 3,xori 4,ori 6,andi 7")
_add("H6", 0x13, "i", "slli 1 0,srli 5 0,srai 5 10", 6)
_add("R", 0x33, "i", "add 0 0,sub 0 20,sll 1 0,slt 2 0,sltu 3 0,xor 4 0,srl 5 0,sra 5 20,or 6 0,and 7 0")
_add("I", 0x1b, "i", "addiw 0")
_add("H5", 0x1b, "i", "slliw 1 0,srliw 5 0,sraiw 5 20")
_add("R", 0x3b, "i", "addw 0 0,subw 0 20,sllw 1 0,srlw 5 0,sraw 5 20")
_add("R", 0x33, "m", "mul 0 1,mulh 1 1,mulhsu 2 1,mulhu 3 1,div 4 1,divu 5 1,rem 6 1,remu 7 1")
_add("R", 0x3b, "m", "mulw 0 1,divw 4 1,divuw 5 1,remw 6 1,remuw 7 1")
_add("R", 0x33, "zba", "sh1add 2 10,sh2add 4 10,sh3add 6 10")
_add("R", 0x3b, "zba", "add.uw 0 4,sh1add.uw 2 10,sh2add.uw 4 10,sh3add.uw 6 10")
_add("H6", 0x1b, "zba", "slli.uw 1 2", 6)
_add("R", 0x33, "zbb", "andn 7 20,orn 6 20,xnor 4 20,min 4 5,minu 5 5,max 6 5,maxu 7 5,rol 1 30,ror 5 30")
_add("R", 0x3b, "zbb", "rolw 1 30,rorw 5 30")
_add("H6", 0x13, "zbb", "rori 5 18", 6)
_add("H5", 0x1b, "zbb", "roriw 5 30")
_add("1", 0x13, "zbb", "clz 1 30 0,ctz 1 30 1,cpop 1 30 2,sext.b 1 30 4,sext.h 1 30 5,orc.b 5 14 7,rev8 5 35 18")
_add("1", 0x1b, "zbb", "clzw 1 30 0,ctzw 1 30 1,cpopw 1 30 2")
_add("1", 0x3b, "zbb", "zext.h 4 4 0")
_add("R", 0x33, "zbs", "bclr 1 24,bext 5 24,binv 1 34,bset 1 14")
_add("H6", 0x13, "zbs", "bclri 1 12,bexti 5 12,binvi 1 1a,bseti 1 a", 6)

_ROWS: dict[int, list[tuple[str, str, int, int, str]]] = {}
for _name, (_form, _mask, _match, _feature) in _OPCODES.items():
    _ROWS.setdefault(_match & 0x7f, []).append((_name, _form, _mask, _match, _feature))


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def decode_word(word: int) -> Word | None:
    """The instruction that the 32 bits `word` are, or None."""
    row = next((row for row in _ROWS.get(word & 0x7f, ()) if word & row[2] == row[3]), None)
    if row is None:
        return None
    name, form, _, _, feature = row
    rd, rs1, rs2 = word >> 7 & 31, word >> 15 & 31, word >> 20 & 31
    match form:
        case "R":
            return Word(name, form, rd, rs1, rs2, 0, feature)
        case "1":
            return Word(name, form, rd, rs1, 0, 0, feature)
        case "I" | "L":
            return Word(name, form, rd, rs1, 0, _signed(word >> 20, 12), feature)
        case "H6":
            return Word(name, form, rd, rs1, 0, word >> 20 & 63, feature)
        case "H5":
            return Word(name, form, rd, rs1, 0, rs2, feature)
        case "S":
            return Word(name, form, 0, rs1, rs2, _signed(word >> 25 << 5 | rd, 12), feature)
        case "B":
            imm = (word >> 31 << 12 | (word >> 7 & 1) << 11 | (word >> 25 & 0x3f) << 5 | (word >> 8 & 0xf) << 1)
            return Word(name, form, 0, rs1, rs2, _signed(imm, 13), feature)
        case "U":
            return Word(name, form, rd, 0, 0, _signed(word >> 12, 20), feature)
        case "J":
            imm = (word >> 31 << 20 | (word >> 12 & 0xff) << 12 | (word >> 20 & 1) << 11 | (word >> 21 & 0x3ff) << 1)
            return Word(name, form, rd, 0, 0, _signed(imm, 21), feature)
        case _:
            return Word(name, form, 0, 0, 0, 0, feature)


def decode_halfword(half: int) -> Word | None:
    """What the compressed instruction `half` (16 bits, the lowest two not 11) expands to, or None."""
    match half & 3:
        case 0:
            return _quadrant_0(half)
        case 1:
            return _quadrant_1(half)
        case 2:
            return _quadrant_2(half)
    return None


def _bits(half: int, *places: tuple[int, int]) -> int:
    """Gathers bits: each pair is (place in the halfword, place in the number)."""
    return sum((half >> source & 1) << to for source, to in places)


def _word(name: str, rd: int = 0, rs1: int = 0, rs2: int = 0, imm: int = 0) -> Word:
    return Word(name, _OPCODES[name][0], rd, rs1, rs2, imm, "c")


def _offset_of_words(half: int) -> int:
    return _bits(half, (12, 5), (11, 4), (10, 3), (6, 2), (5, 6))


def _offset_of_doublewords(half: int) -> int:
    return _bits(half, (12, 5), (11, 4), (10, 3), (6, 7), (5, 6))


def _quadrant_0(half: int) -> Word | None:
    rd, rs1 = 8 + (half >> 2 & 7), 8 + (half >> 7 & 7)
    match half >> 13:
        case 0:
            imm = _bits(half, (12, 5), (11, 4), (10, 9), (9, 8), (8, 7), (7, 6), (6, 2), (5, 3))
            return _word("addi", rd, 2, imm=imm) if imm else None
        case 2:
            return _word("lw", rd, rs1, imm=_offset_of_words(half))
        case 3:
            return _word("ld", rd, rs1, imm=_offset_of_doublewords(half))
        case 6:
            return _word("sw", 0, rs1, rd, _offset_of_words(half))
        case 7:
            return _word("sd", 0, rs1, rd, _offset_of_doublewords(half))
    return None


def _quadrant_1(half: int) -> Word | None:
    rd = half >> 7 & 31
    imm = _signed((half >> 12 & 1) << 5 | half >> 2 & 31, 6)
    match half >> 13:
        case 0:
            return _word("addi", rd, rd, imm=imm)
        case 1:
            return _word("addiw", rd, rd, imm=imm) if rd else None
        case 2:
            return _word("addi", rd, 0, imm=imm)
        case 3 if rd == 2:
            imm = _signed(_bits(half, (12, 9), (6, 4), (5, 6), (4, 8), (3, 7), (2, 5)), 10)
            return _word("addi", 2, 2, imm=imm) if imm else None
        case 3:
            return _word("lui", rd, imm=imm) if imm else None
        case 4:
            return _arithmetic(half, imm)
        case 5:
            offset = _bits(half, (12, 11), (11, 4), (10, 9), (9, 8), (8, 10), (7, 6), (6, 7), (5, 3), (4, 2), (3, 1),
                           (2, 5))
            return _word("jal", 0, imm=_signed(offset, 12))
        case branch:
            offset = _bits(half, (12, 8), (11, 4), (10, 3), (6, 7), (5, 6), (4, 2), (3, 1), (2, 5))
            return _word("beq" if branch == 6 else "bne", 0, 8 + (rd & 7), 0, _signed(offset, 9))


def _arithmetic(half: int, imm: int) -> Word | None:
    rd, rs2 = 8 + (half >> 7 & 7), 8 + (half >> 2 & 7)
    match half >> 10 & 3:
        case 0:
            return _word("srli", rd, rd, imm=imm & 63)
        case 1:
            return _word("srai", rd, rd, imm=imm & 63)
        case 2:
            return _word("andi", rd, rd, imm=imm)
    names = ("subw", "addw", None, None) if half >> 12 & 1 else ("sub", "xor", "or", "and")
    name = names[half >> 5 & 3]
    return _word(name, rd, rd, rs2) if name else None


def _quadrant_2(half: int) -> Word | None:
    rd, rs2 = half >> 7 & 31, half >> 2 & 31
    match half >> 13:
        case 0:
            return _word("slli", rd, rd, imm=(half >> 12 & 1) << 5 | rs2)
        case 2:
            imm = _bits(half, (12, 5), (6, 4), (5, 3), (4, 2), (3, 7), (2, 6))
            return _word("lw", rd, 2, imm=imm) if rd else None
        case 3:
            imm = _bits(half, (12, 5), (6, 4), (5, 3), (4, 8), (3, 7), (2, 6))
            return _word("ld", rd, 2, imm=imm) if rd else None
        case 4:
            if rs2:
                return _word("add", rd, rd if half >> 12 & 1 else 0, rs2)
            # With rd = 0 these are reserved, and ebreak.
            return _word("jalr", half >> 12 & 1, rd) if rd else None
        case 6:
            imm = _bits(half, (12, 5), (11, 4), (10, 3), (9, 2), (8, 7), (7, 6))
            return _word("sw", 0, 2, rs2, imm)
        case 7:
            imm = _bits(half, (12, 5), (11, 4), (10, 3), (9, 8), (8, 7), (7, 6))
            return _word("sd", 0, 2, rs2, imm)
    return None
