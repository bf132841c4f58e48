"""x86-64 shifts and rotates. The count is masked to 5 bits, to 6 for 64-bit operands; a count of 0 leaves all flags.

Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2. What it leaves undefined becomes a
fresh variable, which p-code does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.flags_x86_64 import FROM_RESULT, flags_of_result, is_zero, set_unless, top
from intent_tool.judge.instruction import Run
from intent_tool.judge.operands_x86_64 import Meaning, Operand, Operands, get, put


def _count(run: Run, operand: Operand, width: int) -> Term:
    """The masked count, 8 bits."""
    g = run.graph
    return g.and_(get(run, operand, 8), g.const(63 if width == 64 else 31, 8))


def _out_on_the_left(g: Graph, a: Term, count: Term) -> Term:
    """The last bit that leaves when `a` is shifted to the left: with a bit more there, that bit."""
    wide = a.width + 1
    return top(g, g.shl(g.zext(a, wide), g.zext(count, wide)))


def _out_on_the_right(g: Graph, a: Term, count: Term, shift: Callable[[Term, Term], Term]) -> Term:
    return g.extract(shift(g.concat(a, g.false), g.zext(count, a.width + 1)), 0, 0)


def _overflow(run: Run, count: Term, once: Callable[[], Term]) -> None:
    """OF of a shift: kept for a count of 0, `once` for 1, else undefined."""
    g = run.graph

    def value() -> Term:
        if count.op == "const":
            return run.state["of"] if count.data == 0 else once() if count.data == 1 else run.undefined(1)
        several = g.ite(g.eq(count, g.const(1, 8)), once(), run.undefined(1))
        return g.ite(is_zero(g, count), run.state["of"], several)

    run.flag("of", value)


def shift(name: str) -> Meaning:
    """SHL, SHR, SAR."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, by) = run.graph, operands
        width = target.width
        a, count = get(run, target), _count(run, by, width)
        zero = is_zero(g, count)
        if name == "shl":
            result = g.shl(a, g.zext(count, width))
            carry, once = partial(_out_on_the_left, g, a, count), partial(_differ, g, a)
        elif name == "shr":
            result = g.lshr(a, g.zext(count, width))
            carry, once = partial(_out_on_the_right, g, a, count, g.lshr), partial(top, g, a)
        else:
            result = g.ashr(a, g.zext(count, width))
            carry, once = partial(_out_on_the_right, g, a, count, g.ashr), partial(g.const, 0, 1)

        def defined_carry() -> Term:
            if name == "sar" or width >= 32:
                return carry()
            # SHL, SHR by the width or more.
            return g.ite(g.ult(count, g.const(width, 8)), carry(), run.undefined(1))

        put(run, target, result)
        _overflow(run, count, once)
        set_unless(run, "cf", zero, defined_carry)
        flags_of_result(run, result, zero)
    return meaning


def _differ(g: Graph, a: Term) -> Term:
    """Whether the two highest bits differ."""
    return g.xor(top(g, a), g.extract(a, a.width - 2, a.width - 2))


def rotate(name: str) -> Meaning:
    """ROL, ROR."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, by) = run.graph, operands
        width = target.width
        a, count = get(run, target), _count(run, by, width)
        result = _rotated(g, a, g.zext(count, width), left=name == "rol")
        put(run, target, result)
        lowest, highest = g.extract(result, 0, 0), top(g, result)
        carry = lowest if name == "rol" else highest
        _overflow(run, count, partial(g.xor, highest, lowest) if name == "rol" else partial(_differ, g, result))
        set_unless(run, "cf", is_zero(g, count), lambda: carry)
    return meaning


def _rotated(g: Graph, a: Term, count: Term, *, left: bool) -> Term:
    """`count` is taken modulo the width, a power of two."""
    mask = g.const(a.width - 1, a.width)
    there, back = g.and_(count, mask), g.and_(g.neg(count), mask)
    return g.or_(g.shl(a, there if left else back), g.lshr(a, back if left else there))


def rotate_through_carry(name: str) -> Meaning:
    """RCL, RCR: rotate CF and the operand as one value of a bit more."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, by) = run.graph, operands
        width = target.width
        a, count = get(run, target), _count(run, by, width)
        whole = g.concat(run.state["cf"], a)
        # 8 and 16 bits: the count is taken modulo 9 and 17.
        turns = g.zext(count if width >= 32 else g.urem(count, g.const(width + 1, 8)), width + 1)
        rest = g.sub(g.const(width + 1, width + 1), turns)
        left, right = (turns, rest) if name == "rcl" else (rest, turns)
        after = g.or_(g.shl(whole, left), g.lshr(whole, right))
        put(run, target, g.extract(after, width - 1, 0))
        # RCL: of what it has become; RCR: of what it was.
        _overflow(run, count, partial(_differ, g, after if name == "rcl" else whole))
        run.flag("cf", partial(top, g, after))
    return meaning


def double_shift(name: str) -> Meaning:
    """SHLD, SHRD. 16 bits by more than 16: everything is undefined."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, source, by) = run.graph, operands
        width = target.width
        a, b, count = get(run, target), get(run, source), _count(run, by, width)
        there = g.zext(count, width)
        back = g.sub(g.const(width, width), there)
        if name == "shld":
            shifted = g.or_(g.shl(a, there), g.lshr(b, back))
            carry = partial(_out_on_the_left, g, a, count)
        else:
            shifted = g.or_(g.lshr(a, there), g.shl(b, back))
            carry = partial(_out_on_the_right, g, a, count, g.lshr)
        zero, too_far = is_zero(g, count), g.ult(g.const(width, 8), count)

        def unless_too_far(value: Callable[[], Term]) -> Term:
            if too_far is g.false:
                return value()
            return g.ite(too_far, run.undefined(value().width), value())

        result = unless_too_far(lambda: shifted)
        put(run, target, result)
        _overflow(run, count, lambda: top(g, g.xor(a, result)))
        set_unless(run, "cf", zero, partial(unless_too_far, carry))
        for flag, of in FROM_RESULT:
            set_unless(run, flag, zero, partial(unless_too_far, partial(of, g, result)))
    return meaning


def shift_without_flags(name: str) -> Meaning:
    """SHLX, SHRX, SARX, by the name of the operator."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, source, by) = run.graph, operands
        count = g.and_(get(run, by), g.const(target.width - 1, target.width))
        put(run, target, getattr(g, name)(get(run, source), count))
    return meaning


def rorx(run: Run, operands: Operands) -> None:
    target, source, by = operands
    put(run, target, _rotated(run.graph, get(run, source), get(run, by, target.width), left=False))
