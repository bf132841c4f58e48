"""x86-64 for the judge: which instructions mean what their p-code says, and which have a meaning by hand."""

from __future__ import annotations

from intent_tool.judge.arithmetic_x86_64 import divide, multiply, mulx, signed_divide, signed_multiply, with_carry
from intent_tool.judge.bits_x86_64 import (
    andn,
    bextr,
    bit_scan,
    bit_test,
    bswap,
    bzhi,
    lowest_bit,
    movbe,
    pdep,
    pext,
    popcnt,
    zero_count,
)
from intent_tool.judge.flags_x86_64 import FLAGS
from intent_tool.judge.forms_x86_64 import FORMS, form
from intent_tool.judge.instruction import Isa, Own, Run
from intent_tool.judge.operands_x86_64 import GENERAL, VECTORS, Operands, address, get, put, read_operands
from intent_tool.judge.pcode import Language
from intent_tool.judge.shifts_x86_64 import (
    double_shift,
    rorx,
    rotate,
    rotate_through_carry,
    shift,
    shift_without_flags,
)
from intent_tool.judge.vector_x86_64 import OWN as VECTOR_MEANINGS

_LIFTED = (*((name, 64) for name in GENERAL), *((name, 1) for name in FLAGS), ("df", 1))
"""What p-code may touch: vectors are ours alone."""
REGISTERS = (*_LIFTED, *((name, 256) for name in VECTORS))


def _lea(run: Run, operands: Operands) -> None:
    target, source = operands
    put(run, target, run.graph.extract(address(run, source), target.width - 1, 0))


def _exchange(run: Run, operands: Operands) -> None:
    a, b = get(run, operands[0]), get(run, operands[1])
    put(run, operands[0], b)
    put(run, operands[1], a)


def _nothing(_run: Run, _operands: Operands) -> None:
    """No effect, or none besides going to the instruction's destination."""


def _return(run: Run, _operands: Operands) -> None:
    stack = run.state["rsp"]
    run.step.target = run.memory.load(stack, 8)
    run.state["rsp"] = run.graph.add(stack, run.graph.const(8, 64))


_ALL = frozenset(FLAGS)
_WITHOUT_ZF = _ALL - {"zf"}

OWN: dict[str, Own] = {
    "adc": Own(with_carry(True), reads=frozenset({"cf"}), writes=_ALL),
    "sbb": Own(with_carry(False), reads=frozenset({"cf"}), writes=_ALL),
    **{name: Own(shift(name)) for name in ("shl", "shr", "sar")},
    **{name: Own(rotate(name)) for name in ("rol", "ror")},
    **{name: Own(rotate_through_carry(name), reads=frozenset({"cf"})) for name in ("rcl", "rcr")},
    **{name: Own(double_shift(name)) for name in ("shld", "shrd")},
    "shlx": Own(shift_without_flags("shl")), "shrx": Own(shift_without_flags("lshr")),
    "sarx": Own(shift_without_flags("ashr")), "rorx": Own(rorx),
    "mul": Own(multiply, writes=_ALL), "imul": Own(signed_multiply, writes=_ALL), "mulx": Own(mulx),
    "div": Own(divide, writes=_ALL), "idiv": Own(signed_divide, writes=_ALL),
    "bt": Own(bit_test(None), writes=_WITHOUT_ZF),
    "bts": Own(bit_test(lambda g, a, bit: g.or_(a, bit)), writes=_WITHOUT_ZF),
    "btr": Own(bit_test(lambda g, a, bit: g.and_(a, g.not_(bit))), writes=_WITHOUT_ZF),
    "btc": Own(bit_test(lambda g, a, bit: g.xor(a, bit)), writes=_WITHOUT_ZF),
    "bsf": Own(bit_scan(True), writes=_ALL), "bsr": Own(bit_scan(False), writes=_ALL),
    "tzcnt": Own(zero_count(True), writes=_ALL), "lzcnt": Own(zero_count(False), writes=_ALL),
    "popcnt": Own(popcnt, writes=_ALL), "bswap": Own(bswap), "movbe": Own(movbe),
    "andn": Own(andn, writes=_ALL), "bextr": Own(bextr, writes=_ALL), "bzhi": Own(bzhi, writes=_ALL),
    **{name: Own(lowest_bit(name), writes=_ALL) for name in ("blsi", "blsmsk", "blsr")},
    "pext": Own(pext), "pdep": Own(pdep),
    "lea": Own(_lea), "xchg": Own(_exchange), "nop": Own(_nothing), "endbr64": Own(_nothing), "jmp": Own(_nothing),
    "ret": Own(_return), **VECTOR_MEANINGS,
}

X86_64 = Isa(
    language=Language("x86:LE:64:default", dict(_LIFTED), {name: name.upper() for name, _ in _LIFTED}),
    flags=frozenset(FLAGS), registers=REGISTERS, form=form, pc_relative=lambda d: "[rip" in d.text, forms=FORMS,
    own=OWN, operands=read_operands, fixed_length=False)
