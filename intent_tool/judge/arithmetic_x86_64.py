"""x86-64 arithmetic whose meaning is written by hand: with carry, multiplication, division.

P-code leaves the undefined flags of multiplication and division alone, and the fault of division out. Source: Intel
64 and IA-32 Architectures Software Developer's Manual, volume 2. What it leaves undefined becomes a fresh variable.
"""

from __future__ import annotations

import functools

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.flags_x86_64 import FLAGS, flags_of_result, is_zero, top
from intent_tool.judge.instruction import Run
from intent_tool.judge.operands_x86_64 import Meaning, Operands, get, put, put_register


def with_carry(is_sum: bool) -> Meaning:
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

        def below() -> Term:
            found = g.ite(borrow, g.ule(a, b), g.ult(a, b))
            return g.not_(found) if is_sum else found

        run.flag("cf", below)
        run.flag("of", lambda: g.xor(top(g, result), g.ite(borrow, g.sle(a, b), g.slt(a, b))))
        flags_of_result(run, result)
    return meaning


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


def multiply(run: Run, operands: Operands) -> None:
    """MUL."""
    g, (source,) = run.graph, operands
    width = source.width
    product = g.mul(g.zext(_low(run, "rax", width), 2 * width), g.zext(get(run, source), 2 * width))
    high, low = _halves(g, product)
    _put_wide(run, high, low)
    overflow = functools.cache(lambda: g.not_(is_zero(g, high)))
    run.flag("cf", overflow)
    run.flag("of", overflow)
    run.undefined_flags("zf", "sf", "pf")


def signed_multiply(run: Run, operands: Operands) -> None:
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


def mulx(run: Run, operands: Operands) -> None:
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


def divide(run: Run, operands: Operands) -> None:
    """DIV. The quotient fits exactly when the upper half of the dividend is below the divisor."""
    g, (source,) = run.graph, operands
    width = source.width
    high, low = _dividend(run, width)
    b = get(run, source)
    run.step.timing += [high, low, b]
    run.step.traps += [(is_zero(g, b), "division by zero"),
                       (g.and_(g.not_(is_zero(g, b)), g.ule(b, high)), "the quotient does not fit")]
    if high.op == "const" and high.data == 0:
        quotient, remainder = g.udiv(low, b), g.urem(low, b)
    else:
        whole, wide = g.concat(high, low), g.zext(b, 2 * width)
        quotient = g.extract(g.udiv(whole, wide), width - 1, 0)
        remainder = g.extract(g.urem(whole, wide), width - 1, 0)
    _put_wide(run, remainder, quotient)
    run.undefined_flags(*FLAGS)


def signed_divide(run: Run, operands: Operands) -> None:
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
        overflow = g.and_(g.not_(is_zero(g, b)), g.ne(g.sext(quotient, 2 * width), full))
        # The least number by -1 does not even fit the double width.
        overflow = g.or_(overflow, g.and_(g.eq(whole, g.const(1 << (2 * width - 1), 2 * width)),
                                          g.eq(b, g.const(-1, width))))
    run.step.traps += [(is_zero(g, b), "division by zero"), (overflow, "the quotient does not fit")]
    _put_wide(run, remainder, quotient)
    run.undefined_flags(*FLAGS)
