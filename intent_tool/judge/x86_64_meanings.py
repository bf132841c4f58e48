"""x86-64 instructions whose meaning is written by hand: where p-code leaves flags or faults out, loops, or is long.

Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2. A flag that it leaves undefined
becomes a fresh variable. AF is not modelled.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.instruction import Own, Run
from intent_tool.judge.x86_64_operands import FLAGS, Operand, address, get, put, put_register

Operands = tuple[Operand, ...]
_Meaning = Callable[[Run, Operands], None]


# Flags

def _top(g: Graph, value: Term) -> Term:
    return g.extract(value, value.width - 1, value.width - 1)


def _is_zero(g: Graph, value: Term) -> Term:
    return g.eq(value, g.const(0, value.width))


def _even_parity(g: Graph, value: Term) -> Term:
    """PF: whether the lowest byte has an even number of ones."""
    return g.not_(g.extract(g.popcount(g.extract(value, 7, 0)), 0, 0))


def _flags_of_result(run: Run, value: Term, unless: Term | None = None) -> None:
    """ZF, SF and PF; they are kept where `unless` holds."""
    g = run.graph
    for name, of in (("zf", _is_zero), ("sf", _top), ("pf", _even_parity)):
        _set_unless(run, name, unless, lambda of=of: of(g, value))  # type: ignore[misc]


def _set_unless(run: Run, flag: str, unless: Term | None, value: Callable[[], Term]) -> None:
    run.flag(flag, value if unless is None else lambda: run.graph.ite(unless, run.state[flag], value()))


def _clear(run: Run, *flags: str) -> None:
    for flag in flags:
        run.flag(flag, lambda: run.graph.false)


# Addition and subtraction with carry

def _with_carry(is_sum: bool) -> _Meaning:
    """ADC, SBB. A sum is taken as a - ~b less a borrow, so that the flags tell how the two compare."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, source) = run.graph, operands
        width, carry = target.width, run.state["cf"]
        a, b = get(run, target), get(run, source, target.width)
        if is_sum:
            b, borrow = g.not_(b), g.not_(carry)
        else:
            borrow = carry
        result = g.linear([(1, a), (-1, b), (-1, g.zext(borrow, width))], 0, width)
        put(run, target, result)
        negative, less = _top(g, result), g.ite(borrow, g.sle(a, b), g.slt(a, b))
        below = g.ite(borrow, g.ule(a, b), g.ult(a, b))
        run.flag("cf", lambda: g.not_(below) if is_sum else below)
        run.flag("of", lambda: g.xor(negative, less))
        _flags_of_result(run, result)
    return meaning


# Shifts and rotates. The count is masked to 5 bits, to 6 for 64-bit operands; a count of 0 leaves all flags.

def _count(run: Run, operand: Operand, width: int) -> Term:
    """The masked count, 8 bits."""
    g = run.graph
    return g.and_(get(run, operand, 8), g.const(63 if width == 64 else 31, 8))


def _overflow(run: Run, count: Term, once: Callable[[], Term]) -> None:
    """OF of a shift: kept for a count of 0, `once` for 1, else undefined."""
    g = run.graph

    def value() -> Term:
        if count.op == "const" and count.data == 0:
            return run.state["of"]
        many = once() if count.op == "const" and count.data == 1 else run.undefined(1)
        several = g.ite(g.eq(count, g.const(1, 8)), once(), many)
        return g.ite(_is_zero(g, count), run.state["of"], several)
    run.flag("of", value)


def _shift(name: str) -> _Meaning:
    """SHL, SHR, SAR."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, by) = run.graph, operands
        width = target.width
        a, count = get(run, target), _count(run, by, target.width)
        by_count = g.zext(count, width)
        zero = _is_zero(g, count)
        # With a bit more at the end where bits leave, that bit is the carry.
        wide_count = g.zext(count, width + 1)
        if name == "shl":
            result = g.shl(a, by_count)
            once = lambda: g.xor(_top(g, a), g.extract(a, width - 2, width - 2))  # noqa: E731
            carry = lambda: _top(g, g.shl(g.zext(a, width + 1), wide_count))  # noqa: E731
        else:
            shift = g.lshr if name == "shr" else g.ashr
            result = shift(a, by_count)
            once = (lambda: _top(g, a)) if name == "shr" else (lambda: g.false)
            carry = lambda: g.extract(shift(g.concat(a, g.false), wide_count), 0, 0)  # noqa: E731
        put(run, target, result)

        def defined_carry() -> Term:
            if name == "sar" or width >= 32:
                return carry()
            # SHL, SHR by the width or more.
            return g.ite(g.ult(count, g.const(width, 8)), carry(), run.undefined(1))
        _overflow(run, count, once)
        _set_unless(run, "cf", zero, defined_carry)
        _flags_of_result(run, result, zero)
    return meaning


def _rotate(name: str) -> _Meaning:
    """ROL, ROR."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, by) = run.graph, operands
        width = target.width
        a, count = get(run, target), _count(run, by, target.width)
        result = _rotated(g, a, g.zext(count, width), name == "rol")
        put(run, target, result)
        if name == "rol":
            carry = g.extract(result, 0, 0)
            once = lambda: g.xor(_top(g, result), carry)  # noqa: E731
        else:
            carry = _top(g, result)
            once = lambda: g.xor(carry, g.extract(result, width - 2, width - 2))  # noqa: E731
        _overflow(run, count, once)
        _set_unless(run, "cf", _is_zero(g, count), lambda: carry)
    return meaning


def _rotated(g: Graph, a: Term, count: Term, left: bool) -> Term:
    """`count` is taken modulo the width, a power of two."""
    mask = g.const(a.width - 1, a.width)
    there, back = g.and_(count, mask), g.and_(g.neg(count), mask)
    return g.or_(g.shl(a, there if left else back), g.lshr(a, back if left else there))


def _rotate_through_carry(name: str) -> _Meaning:
    """RCL, RCR: rotate CF and the operand as one value of a bit more."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, by) = run.graph, operands
        width = target.width
        a, count = get(run, target), _count(run, by, target.width)
        old_carry = run.state["cf"]
        # 8 and 16 bits: the count is taken modulo 9 and 17.
        turns = g.zext(count if width >= 32 else g.urem(count, g.const(width + 1, 8)), width + 1)
        rest = g.sub(g.const(width + 1, width + 1), turns)
        whole = g.concat(old_carry, a)
        left, right = (turns, rest) if name == "rcl" else (rest, turns)
        whole = g.or_(g.shl(whole, left), g.lshr(whole, right))
        result, carry = g.extract(whole, width - 1, 0), _top(g, whole)
        put(run, target, result)
        _overflow(run, count, lambda: g.xor(_top(g, result), carry) if name == "rcl" else g.xor(_top(g, a), old_carry))
        run.flag("cf", lambda: carry)
    return meaning


def _double_shift(name: str) -> _Meaning:
    """SHLD, SHRD. 16 bits by more than 16: everything is undefined."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, source, by) = run.graph, operands
        width = target.width
        a, b, count = get(run, target), get(run, source), _count(run, by, target.width)
        there = g.zext(count, width)
        back = g.sub(g.const(width, width), there)
        wide_count = g.zext(count, width + 1)
        if name == "shld":
            result = g.or_(g.shl(a, there), g.lshr(b, back))
            carry = lambda: _top(g, g.shl(g.zext(a, width + 1), wide_count))  # noqa: E731
        else:
            result = g.or_(g.lshr(a, there), g.shl(b, back))
            carry = lambda: g.extract(g.lshr(g.concat(a, g.false), wide_count), 0, 0)  # noqa: E731
        zero, too_far = _is_zero(g, count), g.ult(g.const(width, 8), count)

        def unless_too_far(value: Term) -> Term:
            return value if too_far is g.false else g.ite(too_far, run.undefined(value.width), value)
        result = unless_too_far(result)
        put(run, target, result)
        _overflow(run, count, lambda: _top(g, g.xor(a, result)))
        _set_unless(run, "cf", zero, lambda: unless_too_far(carry()))
        for flag, of in (("zf", _is_zero), ("sf", _top), ("pf", _even_parity)):
            _set_unless(run, flag, zero, lambda of=of: unless_too_far(of(g, result)))  # type: ignore[misc]
    return meaning


def _shift_without_flags(name: str) -> _Meaning:
    """SHLX, SHRX, SARX."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, source, by) = run.graph, operands
        count = g.and_(get(run, by), g.const(target.width - 1, target.width))
        put(run, target, getattr(g, name)(get(run, source), count))
    return meaning


def _rorx(run: Run, operands: Operands) -> None:
    target, source, by = operands
    put(run, target, _rotated(run.graph, get(run, source), get(run, by, target.width), left=False))


# Multiplication and division

def _halves(g: Graph, value: Term) -> tuple[Term, Term]:
    width = value.width // 2
    return g.extract(value, 2 * width - 1, width), g.extract(value, width - 1, 0)


def _low(run: Run, name: str, width: int) -> Term:
    return run.graph.extract(run.state[name], width - 1, 0)


def _put_wide(run: Run, high: Term, low: Term) -> None:
    """To rdx:rax at the operand's width; of 8 bits to ah:al."""
    if low.width == 8:
        put_register(run, "rax", run.graph.concat(high, low))
    else:
        put_register(run, "rax", low)
        put_register(run, "rdx", high)


def _multiply(run: Run, operands: Operands) -> None:
    """MUL."""
    g, (source,) = run.graph, operands
    width = source.width
    product = g.mul(g.zext(_low(run, "rax", width), 2 * width), g.zext(get(run, source), 2 * width))
    high, low = _halves(g, product)
    _put_wide(run, high, low)
    overflow = functools.cache(lambda: g.not_(_is_zero(g, high)))
    run.flag("cf", overflow)
    run.flag("of", overflow)
    run.undefined_flags("zf", "sf", "pf")


def _signed_multiply(run: Run, operands: Operands) -> None:
    """IMUL with one, two and three operands."""
    g, width = run.graph, operands[0].width
    if len(operands) == 1:
        a, b = _low(run, "rax", width), get(run, operands[0])
    else:
        a, b = get(run, operands[-2]), get(run, operands[-1], width)
    product = functools.cache(lambda: g.mul(g.sext(a, 2 * width), g.sext(b, 2 * width)))
    if len(operands) == 1:
        _put_wide(run, *_halves(g, product()))
    else:
        put(run, operands[0], g.mul(a, b))
    overflow = functools.cache(lambda: g.ne(g.sext(g.extract(product(), width - 1, 0), 2 * width), product()))
    run.flag("cf", overflow)
    run.flag("of", overflow)
    run.undefined_flags("zf", "sf", "pf")


def _mulx(run: Run, operands: Operands) -> None:
    g, (high_to, low_to, source) = run.graph, operands
    width = source.width
    product = g.mul(g.zext(_low(run, "rdx", width), 2 * width), g.zext(get(run, source), 2 * width))
    high, low = _halves(g, product)
    # Where both are one register, it gets the high half.
    put(run, low_to, low)
    put(run, high_to, high)


def _dividend(run: Run, width: int) -> tuple[Term, Term]:
    """rdx:rax at the operand's width; of 8 bits ah:al."""
    if width == 8:
        return _halves(run.graph, _low(run, "rax", 16))
    return _low(run, "rdx", width), _low(run, "rax", width)


def _divide(run: Run, operands: Operands) -> None:
    """DIV. The quotient fits exactly when the upper half of the dividend is below the divisor."""
    g, (source,) = run.graph, operands
    width = source.width
    high, low = _dividend(run, width)
    b = get(run, source)
    run.step.timing += [high, low, b]
    run.step.traps += [(_is_zero(g, b), "division by zero"),
                       (g.and_(g.not_(_is_zero(g, b)), g.ule(b, high)), "the quotient does not fit")]
    if high.op == "const" and high.data == 0:
        quotient, remainder = g.udiv(low, b), g.urem(low, b)
    else:
        whole, wide = g.concat(high, low), g.zext(b, 2 * width)
        quotient = g.extract(g.udiv(whole, wide), width - 1, 0)
        remainder = g.extract(g.urem(whole, wide), width - 1, 0)
    _put_wide(run, remainder, quotient)
    run.undefined_flags(*FLAGS)


def _signed_divide(run: Run, operands: Operands) -> None:
    """IDIV."""
    g, (source,) = run.graph, operands
    width = source.width
    high, low = _dividend(run, width)
    b = get(run, source)
    run.step.timing += [high, low, b]
    least = g.const(1 << (width - 1), width)
    if high is g.extract(g.sext(low, 2 * width), 2 * width - 1, width):
        quotient, remainder = g.sdiv(low, b), g.srem(low, b)
        overflow = g.and_(g.eq(low, least), g.eq(b, g.const(-1, width)))
    else:
        whole, wide = g.concat(high, low), g.sext(b, 2 * width)
        full = g.sdiv(whole, wide)
        quotient, remainder = (g.extract(t, width - 1, 0) for t in (full, g.srem(whole, wide)))
        overflow = g.and_(g.not_(_is_zero(g, b)), g.ne(g.sext(quotient, 2 * width), full))
        # The least number by -1 does not even fit the double width.
        overflow = g.or_(overflow, g.and_(g.eq(whole, g.const(1 << (2 * width - 1), 2 * width)),
                                          g.eq(b, g.const(-1, width))))
    run.step.traps += [(_is_zero(g, b), "division by zero"), (overflow, "the quotient does not fit")]
    _put_wide(run, remainder, quotient)
    run.undefined_flags(*FLAGS)


# Bits

def _bit_test(change: Callable[[Graph, Term, Term], Term] | None) -> _Meaning:
    """BT, BTS, BTR, BTC on a register, or on memory by a constant. ZF is kept."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, by) = run.graph, operands
        width = target.width
        a = get(run, target)
        place = g.and_(get(run, by, width), g.const(width - 1, width))
        if change is not None:
            put(run, target, change(g, a, g.shl(g.const(1, width), place)))
        run.flag("cf", lambda: g.extract(g.lshr(a, place), 0, 0))
        run.undefined_flags("of", "sf", "pf")
    return meaning


def _bit_scan(forward: bool) -> _Meaning:
    """BSF, BSR. For 0 the destination is kept (AMD64 Architecture Programmer's Manual, volume 3; so do Intel's
    processors), but with 32-bit operands processors differ on the upper half."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, source) = run.graph, operands
        width = target.width
        a, old = get(run, source), run.state[target.register]
        zero = _is_zero(g, a)
        found = g.ctz(a) if forward else g.sub(g.const(width - 1, width), g.clz(a))
        put(run, target, found)
        kept = old if width != 32 or zero is g.false else g.concat(run.undefined(32), g.extract(old, 31, 0))
        run.state[target.register] = g.ite(zero, kept, run.state[target.register])
        run.flag("zf", lambda: zero)
        run.undefined_flags("cf", "of", "sf", "pf")
    return meaning


def _zero_count(trailing: bool) -> _Meaning:
    """TZCNT, LZCNT."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, source) = run.graph, operands
        a = get(run, source)
        result = g.ctz(a) if trailing else g.clz(a)
        put(run, target, result)
        run.flag("cf", lambda: _is_zero(g, a))
        run.flag("zf", lambda: _is_zero(g, result))
        run.undefined_flags("of", "sf", "pf")
    return meaning


def _popcnt(run: Run, operands: Operands) -> None:
    g, (target, source) = run.graph, operands
    a = get(run, source)
    put(run, target, g.popcount(a))
    run.flag("zf", lambda: _is_zero(g, a))
    _clear(run, "cf", "of", "sf", "pf")


def _swapped(g: Graph, a: Term) -> Term:
    result = g.extract(a, 7, 0)
    for low in range(8, a.width, 8):
        result = g.concat(result, g.extract(a, low + 7, low))
    return result


def _bswap(run: Run, operands: Operands) -> None:
    put(run, operands[0], _swapped(run.graph, get(run, operands[0])))


def _movbe(run: Run, operands: Operands) -> None:
    put(run, operands[0], _swapped(run.graph, get(run, operands[1])))


def _andn(run: Run, operands: Operands) -> None:
    g, (target, a, b) = run.graph, operands
    result = g.and_(g.not_(get(run, a)), get(run, b))
    put(run, target, result)
    run.flag("zf", lambda: _is_zero(g, result))
    run.flag("sf", lambda: _top(g, result))
    _clear(run, "cf", "of")
    run.undefined_flags("pf")


def _bextr(run: Run, operands: Operands) -> None:
    """Control: start in bits 7:0, length in bits 15:8."""
    g, (target, source, control) = run.graph, operands
    width, how = target.width, get(run, control)
    start, length = (g.zext(g.extract(how, low + 7, low), width) for low in (0, 8))
    mask = g.sub(g.shl(g.const(1, width), length), g.const(1, width))
    result = g.and_(g.lshr(get(run, source), start), mask)
    put(run, target, result)
    run.flag("zf", lambda: _is_zero(g, result))
    _clear(run, "cf", "of")
    run.undefined_flags("sf", "pf")


def _bzhi(run: Run, operands: Operands) -> None:
    g, (target, source, index) = run.graph, operands
    width = target.width
    count = g.extract(get(run, index), 7, 0)
    mask = g.sub(g.shl(g.const(1, width), g.zext(count, width)), g.const(1, width))
    result = g.and_(get(run, source), mask)
    put(run, target, result)
    run.flag("cf", lambda: g.ult(g.const(width - 1, 8), count))
    run.flag("zf", lambda: _is_zero(g, result))
    run.flag("sf", lambda: _top(g, result))
    _clear(run, "of")
    run.undefined_flags("pf")


def _lowest_bit(name: str) -> _Meaning:
    """BLSI, BLSMSK, BLSR. CF is whether the source is 0, of BLSI whether it is not; BLSMSK clears ZF."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, source) = run.graph, operands
        a = get(run, source)
        less = g.sub(a, g.const(1, a.width))
        result = {"blsi": lambda: g.and_(a, g.neg(a)), "blsmsk": lambda: g.xor(a, less),
                  "blsr": lambda: g.and_(a, less)}[name]()
        put(run, target, result)
        run.flag("cf", lambda: g.not_(_is_zero(g, a)) if name == "blsi" else _is_zero(g, a))
        run.flag("zf", lambda: g.false if name == "blsmsk" else _is_zero(g, result))
        run.flag("sf", lambda: _top(g, result))
        _clear(run, "of")
        run.undefined_flags("pf")
    return meaning


def _places(g: Graph, mask: Term) -> list[Term]:
    """For each bit of the mask, the number of ones below it."""
    return [g.const(0, mask.width), *(g.zext(g.popcount(g.extract(mask, at - 1, 0), 8), mask.width)
                                      for at in range(1, mask.width))]


def _pext(run: Run, operands: Operands) -> None:
    """Bits of the source under the mask's ones, packed to the right."""
    g, (target, source, by) = run.graph, operands
    a, mask = get(run, source), get(run, by)
    result = g.const(0, a.width)
    for at, place in enumerate(_places(g, mask)):
        bit = g.and_(g.extract(a, at, at), g.extract(mask, at, at))
        result = g.or_(result, g.shl(g.zext(bit, a.width), place))
    put(run, target, result)


def _pdep(run: Run, operands: Operands) -> None:
    """The source's lowest bits, spread over the mask's ones."""
    g, (target, source, by) = run.graph, operands
    a, mask = get(run, source), get(run, by)
    bits = [g.and_(g.extract(g.lshr(a, place), 0, 0), g.extract(mask, at, at))
            for at, place in enumerate(_places(g, mask))]
    put(run, target, functools.reduce(lambda low, high: g.concat(high, low), bits))


# Moves and control

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
    "adc": Own(_with_carry(True), reads=frozenset({"cf"}), writes=_ALL),
    "sbb": Own(_with_carry(False), reads=frozenset({"cf"}), writes=_ALL),
    **{name: Own(_shift(name)) for name in ("shl", "shr", "sar")},
    **{name: Own(_rotate(name)) for name in ("rol", "ror")},
    **{name: Own(_rotate_through_carry(name), reads=frozenset({"cf"})) for name in ("rcl", "rcr")},
    **{name: Own(_double_shift(name)) for name in ("shld", "shrd")},
    "shlx": Own(_shift_without_flags("shl")), "shrx": Own(_shift_without_flags("lshr")),
    "sarx": Own(_shift_without_flags("ashr")), "rorx": Own(_rorx),
    "mul": Own(_multiply, writes=_ALL), "imul": Own(_signed_multiply, writes=_ALL), "mulx": Own(_mulx),
    "div": Own(_divide, writes=_ALL), "idiv": Own(_signed_divide, writes=_ALL),
    "bt": Own(_bit_test(None), writes=_WITHOUT_ZF),
    "bts": Own(_bit_test(lambda g, a, bit: g.or_(a, bit)), writes=_WITHOUT_ZF),
    "btr": Own(_bit_test(lambda g, a, bit: g.and_(a, g.not_(bit))), writes=_WITHOUT_ZF),
    "btc": Own(_bit_test(lambda g, a, bit: g.xor(a, bit)), writes=_WITHOUT_ZF),
    "bsf": Own(_bit_scan(True), writes=_ALL), "bsr": Own(_bit_scan(False), writes=_ALL),
    "tzcnt": Own(_zero_count(True), writes=_ALL), "lzcnt": Own(_zero_count(False), writes=_ALL),
    "popcnt": Own(_popcnt, writes=_ALL), "bswap": Own(_bswap), "movbe": Own(_movbe),
    "andn": Own(_andn, writes=_ALL), "bextr": Own(_bextr, writes=_ALL), "bzhi": Own(_bzhi, writes=_ALL),
    **{name: Own(_lowest_bit(name), writes=_ALL) for name in ("blsi", "blsmsk", "blsr")},
    "pext": Own(_pext), "pdep": Own(_pdep),
    "lea": Own(_lea), "xchg": Own(_exchange), "nop": Own(_nothing), "endbr64": Own(_nothing), "jmp": Own(_nothing),
    "ret": Own(_return),
}
