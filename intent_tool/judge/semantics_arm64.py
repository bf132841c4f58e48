"""ARM64 for the judge: what means what its p-code says, and what has a meaning by hand.

By hand is what p-code gets wrong (loads with sign extension to 32 bits, flags of a difference with borrow that goes
to the zero register), what it leaves opaque, and what it takes many operations for. Operands of these are the
instruction's word.

Source: Arm Architecture Reference Manual (DDI 0487), C6.2 and C7.2, and its pseudocode.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from intent_tool.judge.bitvector import Term
from intent_tool.judge.forms_arm64 import FORMS, shape
from intent_tool.judge.instruction import Isa, Own, Run
from intent_tool.judge.pcode import Language

_FLAGS = {"n": "NG", "z": "ZR", "c": "CY", "v": "OV"}
_VECTORS = tuple(f"v{n}" for n in (*range(8), *range(16, 32)))
"""What a function may write freely (AAPCS64 6.1.2)."""
_GENERAL = tuple((name, 64) for name in (*(f"x{n}" for n in range(31)), "sp"))
REGISTERS = (*_GENERAL, *((name, 1) for name in _FLAGS), *((name, 128) for name in _VECTORS))


def _operands(code: bytes) -> int:
    return int.from_bytes(code, "little")


def _get(run: Run, number: int, width: int) -> Term:
    """A general register's low bits; register 31 is the zero register."""
    if number == 31:
        return run.graph.const(0, width)
    return run.graph.extract(run.state[f"x{number}"], width - 1, 0)


def _set(run: Run, number: int, value: Term) -> None:
    if number != 31:
        run.state[f"x{number}"] = run.graph.zext(value, 64)


def _bitfield(run: Run, word: int) -> None:
    """SBFM, BFM, UBFM and all their aliases."""
    g, width = run.graph, 64 if word >> 31 else 32
    rotation, last = word >> 16 & 63, word >> 10 & 63
    source = _get(run, word >> 5 & 31, width)
    if last >= rotation:
        field, place = g.extract(source, last, rotation), 0
    else:
        field, place = g.extract(source, last, 0), width - rotation
    top = place + field.width
    if word >> 29 & 3 == 2 and top == width:
        # LSL: a multiple, as addresses are made of.
        _set(run, word & 31, g.shl(source, g.const(place, width)))
        return
    match word >> 29 & 3:
        case 0:
            result = g.sext(field, width - place)
        case 1:
            old = _get(run, word & 31, width)
            result = g.concat(g.extract(old, width - 1, top), field) if top < width else field
            if place:
                result = g.concat(result, g.extract(old, place - 1, 0))
            place = 0
        case _:
            result = g.zext(field, width - place)
    if place:
        result = g.concat(result, g.const(0, place))
    _set(run, word & 31, result)


def _add_with_carry(run: Run, word: int) -> None:
    """ADC, ADCS, SBC, SBCS and their aliases: a + b + C, where SBC inverts b.

    That is a - ~b less the borrow, so that the flags tell how a and ~b compare."""
    g, width = run.graph, 64 if word >> 31 else 32
    a, b = _get(run, word >> 5 & 31, width), _get(run, word >> 16 & 31, width)
    carry = run.state["c"]
    other = b if word >> 30 & 1 else g.not_(b)
    result = g.linear([(1, a), (-1, other), (1, g.zext(carry, width))], -1, width)
    if word >> 29 & 1:
        negative = g.extract(result, width - 1, width - 1)
        less = g.ite(carry, g.slt(a, other), g.sle(a, other))
        run.flag("n", lambda: negative)
        run.flag("z", lambda: g.eq(result, g.const(0, width)))
        run.flag("c", lambda: g.ite(carry, g.ule(other, a), g.ult(other, a)))
        run.flag("v", lambda: g.xor(negative, less))
    _set(run, word & 31, result)


def _permutation(element: int, group: int) -> Callable[[Run, int], None]:
    """Reverses elements of `element` bits inside each group of `group` bits (0: the whole register)."""
    def meaning(run: Run, word: int) -> None:
        g, width = run.graph, 64 if word >> 31 else 32
        source = _get(run, word >> 5 & 31, width)
        size = group or width
        parts = [g.extract(source, low + element - 1, low)
                 for base in range(width - size, -1, -size) for low in range(base, base + size, element)]
        _set(run, word & 31, functools.reduce(lambda low, high: g.concat(high, low), reversed(parts)))
    return meaning


def _base(run: Run, word: int) -> Term:
    """The address register, which may be the stack pointer."""
    number = word >> 5 & 31
    return run.state["sp" if number == 31 else f"x{number}"]


def _move_base(run: Run, word: int, address: Term) -> None:
    number = word >> 5 & 31
    run.state["sp" if number == 31 else f"x{number}"] = address


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def _load_store(run: Run, word: int) -> None:
    """Loads and stores of one general register (C4.1.96, "Load/store register")."""
    g, scale, kind = run.graph, word >> 30, word >> 22 & 3
    base = _base(run, word)
    offset: Term
    after = before = True
    if word >> 24 & 1:
        offset = g.const((word >> 10 & 0xfff) << scale, 64)
        after = False
    elif word >> 21 & 1:
        offset = _extended(run, word, scale)
        after = False
    else:
        # 0 unscaled, 1 post-indexed, 3 pre-indexed.
        offset = g.const(_signed(word >> 12 & 0x1ff, 9), 64)
        before, after = word >> 10 & 3 != 1, bool(word >> 10 & 1)
    moved = g.add(base, offset)
    address = moved if before else base
    width = 8 << scale
    if kind == 0:
        run.memory.store(address, _get(run, word & 31, width))
    else:
        value = run.memory.load(address, width // 8)
        if kind > 1:
            value = g.sext(value, 64 if kind == 2 else 32)
        _set(run, word & 31, value)
    if after:
        _move_base(run, word, moved)


def _extended(run: Run, word: int, scale: int) -> Term:
    """The index register, extended and scaled (C6.1, "Load/store (register offset)")."""
    g, option = run.graph, word >> 13 & 7
    index = _get(run, word >> 16 & 31, 64 if option & 1 else 32)
    index = g.sext(index, 64) if option & 4 else g.zext(index, 64)
    return g.shl(index, g.const(scale if word >> 12 & 1 else 0, 64))


def _load_store_pair(run: Run, word: int) -> None:
    """LDP, LDPSW, STP (C4.1.96, "Load/store register pair")."""
    g, kind = run.graph, word >> 30
    size = 8 if kind == 2 else 4
    base = _base(run, word)
    moved = g.add(base, g.const(_signed(word >> 15 & 0x7f, 7) * size, 64))
    # 1 post-indexed, 2 offset, 3 pre-indexed.
    mode = word >> 23 & 3
    first = base if mode == 1 else moved
    second = g.add(first, g.const(size, 64))
    registers = (word & 31, word >> 10 & 31)
    if word >> 22 & 1:
        values = [run.memory.load(address, size) for address in (first, second)]
        for register, value in zip(registers, values, strict=True):
            _set(run, register, g.sext(value, 64) if kind == 1 else value)
    else:
        for register, address in zip(registers, (first, second), strict=True):
            run.memory.store(address, _get(run, register, 8 * size))
    if mode & 1:
        _move_base(run, word, moved)


def _nothing(_run: Run, _word: int) -> None:
    """No effect, or none besides going to the instruction's destination."""


def _return(run: Run, _word: int) -> None:
    run.step.target = run.state["x30"]


def _address(run: Run, word: int) -> None:
    """ADR, ADRP."""
    distance = (word >> 5 & 0x7ffff) << 2 | word >> 29 & 3
    distance -= (distance >> 20) << 21
    address = run.instruction.address
    address = (address >> 12) + distance << 12 if word >> 31 else address + distance
    _set(run, word & 31, run.locate(run.instruction, address & (1 << 64) - 1))


def _to_vector(width: int) -> Callable[[Run, int], None]:
    """FMOV from a general register; the rest of the vector register becomes 0."""
    def meaning(run: Run, word: int) -> None:
        run.state[f"v{word & 31}"] = run.graph.zext(_get(run, word >> 5 & 31, width), 128)
    return meaning


def _from_vector(width: int) -> Callable[[Run, int], None]:
    def meaning(run: Run, word: int) -> None:
        _set(run, word & 31, run.graph.extract(run.state[f"v{word >> 5 & 31}"], width - 1, 0))
    return meaning


def _vector_bytes(run: Run, word: int) -> list[Term]:
    """The low eight bytes of the source, lowest first."""
    source = run.state[f"v{word >> 5 & 31}"]
    return [run.graph.extract(source, low + 7, low) for low in range(0, 64, 8)]


def _count_ones(run: Run, word: int) -> None:
    g = run.graph
    counts = [g.popcount(byte) for byte in _vector_bytes(run, word)]
    run.state[f"v{word & 31}"] = g.zext(functools.reduce(lambda low, high: g.concat(high, low), counts), 128)


def _sum_of_bytes(width: int) -> Callable[[Run, int], None]:
    """ADDV modulo 256, UADDLV in 16 bits; the rest of the vector register becomes 0."""
    def meaning(run: Run, word: int) -> None:
        g = run.graph
        counted = [_counted(byte) for byte in _vector_bytes(run, word)]
        if all(c is not None for c in counted):
            # Ones counted byte by byte: those of the bytes together, which are 64 at most.
            whole = functools.reduce(lambda low, high: g.concat(high, low), [c for c in counted if c is not None])
            total = g.popcount(whole, width)
        else:
            total = g.linear([(1, g.zext(byte, width)) for byte in _vector_bytes(run, word)], 0, width)
        run.state[f"v{word & 31}"] = g.zext(total, 128)
    return meaning


def _counted(byte: Term) -> Term | None:
    """What `byte` is the number of ones of."""
    while byte.op == "zext":
        byte = byte.args[0]
    return byte.args[0] if byte.op == "popcount" else None


_FIELDS = [f for f in FORMS if re.match(r"[us]bf(x|iz) |bf(i|xil|c) |[us]xt[bhw] |(lsl|lsr|asr) \w, \w, i$", f)]
_OWN = {
    **{form: Own(_bitfield) for form in _FIELDS},
    **{name: Own(_add_with_carry, reads=frozenset("c")) for name in ("adc", "sbc", "ngc")},
    **{name: Own(_add_with_carry, reads=frozenset("c"), writes=frozenset(_FLAGS))
       for name in ("adcs", "sbcs", "ngcs")},
    **{f.split()[0]: Own(_load_store) for f in FORMS if "[" in f},
    **{name: Own(_load_store_pair) for name in ("ldp", "ldpsw", "stp")},
    "rbit": Own(_permutation(1, 0)), "rev": Own(_permutation(8, 0)), "rev16": Own(_permutation(8, 16)),
    "rev32": Own(_permutation(8, 32)),
    "b": Own(_nothing), "nop": Own(_nothing), "ret": Own(_return), "adr": Own(_address), "adrp": Own(_address),
    "fmov d, x": Own(_to_vector(64)), "fmov s, w": Own(_to_vector(32)), "fmov x, d": Own(_from_vector(64)),
    "fmov w, s": Own(_from_vector(32)), "cnt": Own(_count_ones), "addv": Own(_sum_of_bytes(8)),
    "uaddlv": Own(_sum_of_bytes(16)),
}

ARM64 = Isa(
    language=Language("AARCH64:LE:64:v8A", dict([*_GENERAL, *((f, 1) for f in _FLAGS)]), _FLAGS),
    flags=frozenset(_FLAGS), registers=REGISTERS, form=lambda d, _: shape(d.text),
    pc_relative=lambda d: d.mnemonic in ("adr", "adrp"), forms=FORMS, own=_OWN, operands=_operands,
    fixed_length=True)
