"""What a mistaken programmer might have written for a mnemonic or a condition."""

from __future__ import annotations


def _conditions(unsigned: str, signed: str) -> dict[str, tuple[str, ...]]:
    """For each condition its inverse, its neighbour with or without equality, and that of the other signedness.
    `unsigned` and `signed` name "above", "at least", "below", "at most"."""
    found = {}
    for own, other in ((unsigned.split(), signed.split()), (signed.split(), unsigned.split())):
        above, at_least, below, at_most = own
        for name, inverse, neighbour in ((above, at_most, at_least), (at_least, below, above),
                                         (below, at_least, at_most), (at_most, above, below)):
            found[name] = (inverse, neighbour, other[own.index(name)])
    return found


CONDITIONS = {
    "x86_64": _conditions("a ae b be", "g ge l le") | {
        "e": ("ne", "be", "le"), "ne": ("e", "a", "g"), "s": ("ns", "l"), "ns": ("s", "ge"),
        "o": ("no",), "no": ("o",), "p": ("np",), "np": ("p",)},
    "arm64": _conditions("hi hs lo ls", "gt ge lt le") | {
        "eq": ("ne", "ls", "le"), "ne": ("eq", "hi", "gt"), "mi": ("pl", "lt"), "pl": ("mi", "ge"), "vs": ("vc",),
        "vc": ("vs",)},
}

RISCV_CONDITIONS = {
    "beq": ("bne",), "bne": ("beq",), "beqz": ("bnez",), "bnez": ("beqz",), "seqz": ("snez",), "snez": ("seqz",),
    "blt": ("bge", "bltu"), "bge": ("blt", "bgeu"), "bltu": ("bgeu", "blt"), "bgeu": ("bltu", "bge"),
    "slt": ("sltu",), "sltu": ("slt",), "slti": ("sltiu",), "sltiu": ("slti",),
    "min": ("max", "minu"), "max": ("min", "maxu"), "minu": ("maxu", "min"), "maxu": ("minu", "max"),
}
RISCV_TURNED = {"blt": "bge", "bge": "blt", "bltu": "bgeu", "bgeu": "bltu"}
"""With the operands exchanged: a < b becomes b >= a, which differs where they are equal."""

ARM_CONDITIONAL = frozenset({"csel", "csinc", "csinv", "csneg", "cset", "csetm", "cinc", "cinv", "cneg", "ccmp",
                             "ccmn"})
"""The last operand is a condition."""
ARM_INVERTED = {"cbz": "cbnz", "cbnz": "cbz", "tbz": "tbnz", "tbnz": "tbz"}


def _pairs(text: str) -> dict[str, tuple[str, ...]]:
    """`a/b` means either for the other."""
    found: dict[str, tuple[str, ...]] = {}
    for pair in text.split():
        first, second = pair.split("/")
        found[first] = (*found.get(first, ()), second)
        found[second] = (*found.get(second, ()), first)
    return found


EXTENSIONS = {
    "x86_64": _pairs("movzx/movsx shr/sar div/idiv shrx/sarx lzcnt/tzcnt"),
    "arm64": _pairs("uxtb/sxtb uxth/sxth uxtw/sxtw ldrb/ldrsb ldrh/ldrsh ldurb/ldursb lsr/asr udiv/sdiv umulh/smulh "
                    "umull/smull umaddl/smaddl ubfx/sbfx ubfiz/sbfiz cset/csetm movz/movn add/adds sub/subs"),
    "riscv64": _pairs("lbu/lb lhu/lh lwu/lw add/addw sub/subw addi/addiw sll/sllw srl/srlw sra/sraw slli/slliw "
                      "srli/srliw srai/sraiw srl/sra srlw/sraw srli/srai srliw/sraiw mul/mulw div/divw divu/divuw "
                      "rem/remw remu/remuw div/divu rem/remu divw/divuw remw/remuw mulh/mulhu neg/negw sext.w/mv "
                      "zext.w/mv sext.w/zext.w sext.h/zext.h clz/clzw ctz/ctzw cpop/cpopw rol/rolw ror/rorw "
                      "rori/roriw add/add.uw slli/slli.uw sh1add/sh1add.uw sh2add/sh2add.uw sh3add/sh3add.uw"),
}
"""Signed for unsigned, and 32 bits for 64 where the mnemonic says so."""

ACCESS_WIDTHS = {
    "x86_64": _pairs("byte/word word/dword dword/qword"),
    "arm64": _pairs("ldrb/ldrh strb/strh ldrsb/ldrsh uxtb/uxth sxtb/sxth sxth/sxtw ldrh/ldr strh/str rev/rev16"),
    "riscv64": _pairs("lb/lh lh/lw lw/ld lbu/lhu lhu/lwu sb/sh sh/sw sw/sd"),
}
"""Of a load, store or extension; on x86-64 of the memory operand."""

COMMUTATIVE = {
    "x86_64": frozenset({"test", "xchg"}),
    "arm64": frozenset({"add", "adds", "and", "ands", "orr", "eor", "eon", "mul", "mneg", "madd", "msub", "umull",
                        "smull", "umulh", "smulh", "tst", "cmn", "adc"}),
    "riscv64": frozenset({"add", "addw", "and", "or", "xor", "xnor", "mul", "mulw", "mulh", "mulhu", "min", "max",
                          "minu", "maxu", "beq", "bne"}),
}
"""The sources may be exchanged."""
WITHOUT_DESTINATION = frozenset({"test", "cmp", "tst", "cmn", "beq", "bne", "blt", "bge", "bltu", "bgeu", "xchg"})
