"""RISC-V for the judge: accepted instructions, and the meaning of those that p-code gets wrong or does not know.

Source: The RISC-V Instruction Set Manual, volume I (20240411): RV64I (chapters 2, 4), M (13), Zba, Zbb, Zbs (28).
"""

from __future__ import annotations

from collections.abc import Callable

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.decode import Decoded
from intent_tool.judge.instruction import Isa, Own, Run
from intent_tool.judge.pcode import Language
from intent_tool.judge.riscv_words import Word, decode_halfword, decode_word

_NAMES = ("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", *(f"a{i}" for i in range(8)),
          *(f"s{i}" for i in range(2, 12)), *(f"t{i}" for i in range(3, 7)))
REGISTERS = tuple((name, 64) for name in _NAMES[1:])


def _operands(code: bytes) -> Word:
    number = int.from_bytes(code, "little")
    word = decode_word(number) if len(code) == 4 else decode_halfword(number)
    assert word is not None
    return word


def _get(run: Run, register: int) -> Term:
    return run.state[_NAMES[register]] if register else run.graph.const(0, 64)


def _set(run: Run, register: int, value: Term) -> None:
    if register:
        run.state[_NAMES[register]] = value


# The value of an instruction from its two sources, the second one a register or the immediate.

_Value = Callable[[Graph, Term, Term], Term]


def _writes(value: _Value) -> Own:
    def meaning(run: Run, word: Word) -> None:
        second = _get(run, word.rs2) if word.form == "R" else run.graph.const(word.imm, 64)
        _set(run, word.rd, value(run.graph, _get(run, word.rs1), second))
    return Own(meaning)


def _division(value: _Value) -> Own:
    def meaning(run: Run, word: Word) -> None:
        a, b = _get(run, word.rs1), _get(run, word.rs2)
        run.step.timing += [a, b]
        _set(run, word.rd, value(run.graph, a, b))
    return Own(meaning)


def _in_words(value: _Value) -> _Value:
    """On the low 32 bits of both; the result is sign-extended."""
    return lambda g, a, b: g.sext(value(g, g.extract(a, 31, 0), g.extract(b, 31, 0)), 64)


def _low_word(g: Graph, a: Term) -> Term:
    return g.zext(g.extract(a, 31, 0), 64)


# M (13.2, table "Semantics for division by zero and division overflow"): a quotient by zero has all bits set, a
# remainder by zero is the dividend, and the overflowing quotient is the dividend. SMT-LIB's unsigned division says
# the same; its signed one differs by zero only.

def _div(g: Graph, a: Term, b: Term) -> Term:
    return g.ite(g.eq(b, g.const(0, b.width)), g.const(-1, a.width), g.sdiv(a, b))


def _rotation(left: bool) -> _Value:
    def value(g: Graph, a: Term, b: Term) -> Term:
        count = g.and_(b, g.const(a.width - 1, a.width))
        back = g.and_(g.neg(b), g.const(a.width - 1, a.width))
        if not left:
            count, back = back, count
        return g.or_(g.shl(a, count), g.lshr(a, back))
    return value


def _choice(less: str, smaller: bool) -> _Value:
    def value(g: Graph, a: Term, b: Term) -> Term:
        condition = getattr(g, less)(a, b)
        return g.ite(condition, a, b) if smaller else g.ite(condition, b, a)
    return value


def _shifted_add(shift: int) -> _Value:
    return lambda g, a, b: g.add(g.shl(a, g.const(shift, 64)), b)


def _reversed_bytes(g: Graph, a: Term, _: Term) -> Term:
    result = g.extract(a, 7, 0)
    for low in range(8, 64, 8):
        result = g.concat(result, g.extract(a, low + 7, low))
    return result


def _or_combined(g: Graph, a: Term, _: Term) -> Term:
    result: Term | None = None
    for low in range(0, 64, 8):
        byte = g.extract(a, low + 7, low)
        full = g.sext(g.ne(byte, g.const(0, 8)), 8)
        result = full if result is None else g.concat(full, result)
    assert result is not None
    return result


def _bit(g: Graph, b: Term) -> Term:
    """The mask of the bit that the low six bits of b name (28.4)."""
    return g.shl(g.const(1, 64), g.and_(b, g.const(63, 64)))


def _bit_extract(g: Graph, a: Term, b: Term) -> Term:
    return g.and_(g.lshr(a, g.and_(b, g.const(63, 64))), g.const(1, 64))


_BITS: dict[str, _Value] = {
    "bset": lambda g, a, b: g.or_(a, _bit(g, b)),
    "bclr": lambda g, a, b: g.and_(a, g.not_(_bit(g, b))),
    "binv": lambda g, a, b: g.xor(a, _bit(g, b)),
    "bext": _bit_extract,
}

_VALUES: dict[str, _Value] = {
    "add.uw": lambda g, a, b: g.add(_low_word(g, a), b),
    "slli.uw": lambda g, a, b: g.shl(_low_word(g, a), b),
    **{f"sh{n}add": _shifted_add(n) for n in (1, 2, 3)},
    "sh1add.uw": lambda g, a, b: _shifted_add(1)(g, _low_word(g, a), b),
    "sh2add.uw": lambda g, a, b: _shifted_add(2)(g, _low_word(g, a), b),
    "sh3add.uw": lambda g, a, b: _shifted_add(3)(g, _low_word(g, a), b),
    "andn": lambda g, a, b: g.and_(a, g.not_(b)),
    "orn": lambda g, a, b: g.or_(a, g.not_(b)),
    "xnor": lambda g, a, b: g.not_(g.xor(a, b)),
    "clz": lambda g, a, _: g.clz(a),
    "ctz": lambda g, a, _: g.ctz(a),
    "cpop": lambda g, a, _: g.popcount(a),
    "clzw": lambda g, a, _: g.clz(g.extract(a, 31, 0), 64),
    "ctzw": lambda g, a, _: g.ctz(g.extract(a, 31, 0), 64),
    "cpopw": lambda g, a, _: g.popcount(g.extract(a, 31, 0), 64),
    "min": _choice("slt", True), "max": _choice("slt", False),
    "minu": _choice("ult", True), "maxu": _choice("ult", False),
    "sext.b": lambda g, a, _: g.sext(g.extract(a, 7, 0), 64),
    "sext.h": lambda g, a, _: g.sext(g.extract(a, 15, 0), 64),
    "zext.h": lambda g, a, _: g.zext(g.extract(a, 15, 0), 64),
    "rol": _rotation(True), "ror": _rotation(False), "rori": _rotation(False),
    "rolw": _in_words(_rotation(True)), "rorw": _in_words(_rotation(False)), "roriw": _in_words(_rotation(False)),
    "orc.b": _or_combined, "rev8": _reversed_bytes,
    **_BITS, **{f"{name}i": value for name, value in _BITS.items()},
}

_DIVISIONS: dict[str, _Value] = {
    "div": _div, "divu": lambda g, a, b: g.udiv(a, b),
    "rem": lambda g, a, b: g.srem(a, b), "remu": lambda g, a, b: g.urem(a, b),
    "divw": _in_words(_div), "divuw": _in_words(lambda g, a, b: g.udiv(a, b)),
    "remw": _in_words(lambda g, a, b: g.srem(a, b)), "remuw": _in_words(lambda g, a, b: g.urem(a, b)),
}


def _lui(run: Run, word: Word) -> None:
    _set(run, word.rd, run.graph.const(word.imm << 12, 64))


def _auipc(run: Run, word: Word) -> None:
    address = run.instruction.address + (word.imm << 12) & (1 << 64) - 1
    _set(run, word.rd, run.locate(run.instruction, address))


def _jump(_run: Run, _word: Word) -> None:
    """Goes to the instruction's destination. It links nothing: `lift` accepts jumps with rd = zero only."""


def _return(run: Run, _word: Word) -> None:
    run.step.target = run.state["ra"]


_BASE = frozenset({
    "addi", "slti", "sltiu", "xori", "ori", "andi", "slli", "srli", "srai", "add", "sub", "sll", "slt", "sltu", "xor",
    "srl", "sra", "or", "and", "addiw", "slliw", "srliw", "sraiw", "addw", "subw", "sllw", "srlw", "sraw",
    "mul", "mulh", "mulhsu", "mulhu", "mulw", "lb", "lh", "lw", "ld", "lbu", "lhu", "lwu", "sb", "sh", "sw", "sd",
    "beq", "bne", "blt", "bge", "bltu", "bgeu",
})
"""What p-code does right."""

_OWN = {
    **{name: _writes(value) for name, value in _VALUES.items()},
    **{name: _division(value) for name, value in _DIVISIONS.items()},
    "lui": Own(_lui), "auipc": Own(_auipc), "jal zero": Own(_jump), "jalr zero, 0(ra)": Own(_return),
}


def _form(decoded: Decoded, _code: bytes) -> str:
    """The mnemonic; of jumps with what they link and where a register leads to, since only some are accepted."""
    if decoded.mnemonic == "jal":
        return decoded.text.partition(",")[0]
    return decoded.text if decoded.mnemonic == "jalr" else decoded.mnemonic


RISCV64 = Isa(
    language=Language("RISCV:LE:64:RV64GC", dict(REGISTERS), {}),
    flags=frozenset(), registers=REGISTERS, form=_form, pc_relative=lambda d: d.mnemonic == "auipc",
    forms=frozenset([*_BASE, *_OWN]), own=_OWN, operands=_operands, fixed_length=True)
