"""x86-64 instructions on single bits and on bytes: tests, scans, counts, fields.

Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2. What it leaves undefined becomes a
fresh variable. P-code does not know that, loops in the scans, and takes many operations for some of the rest.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.flags_x86_64 import clear, is_zero, top
from intent_tool.judge.instruction import Run
from intent_tool.judge.operands_x86_64 import Meaning, Operands, get, put


def bit_test(change: Callable[[Graph, Term, Term], Term] | None) -> Meaning:
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


def bit_scan(forward: bool) -> Meaning:
    """BSF, BSR. For 0 the destination is kept (AMD64 Architecture Programmer's Manual, volume 3; so do Intel's
    processors), but with 32-bit operands processors differ on the upper half."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, source) = run.graph, operands
        width = target.width
        a, old = get(run, source), run.state[target.register]
        zero = is_zero(g, a)
        found = g.ctz(a) if forward else g.sub(g.const(width - 1, width), g.clz(a))
        put(run, target, found)
        kept = old if width != 32 or zero is g.false else g.concat(run.undefined(32), g.extract(old, 31, 0))
        run.state[target.register] = g.ite(zero, kept, run.state[target.register])
        run.flag("zf", lambda: zero)
        run.undefined_flags("cf", "of", "sf", "pf")
    return meaning


def zero_count(trailing: bool) -> Meaning:
    """TZCNT, LZCNT."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, source) = run.graph, operands
        a = get(run, source)
        result = g.ctz(a) if trailing else g.clz(a)
        put(run, target, result)
        run.flag("cf", lambda: is_zero(g, a))
        run.flag("zf", lambda: is_zero(g, result))
        run.undefined_flags("of", "sf", "pf")
    return meaning


def popcnt(run: Run, operands: Operands) -> None:
    g, (target, source) = run.graph, operands
    a = get(run, source)
    put(run, target, g.popcount(a))
    run.flag("zf", lambda: is_zero(g, a))
    clear(run, "cf", "of", "sf", "pf")


def _swapped(g: Graph, a: Term) -> Term:
    result = g.extract(a, 7, 0)
    for low in range(8, a.width, 8):
        result = g.concat(result, g.extract(a, low + 7, low))
    return result


def bswap(run: Run, operands: Operands) -> None:
    put(run, operands[0], _swapped(run.graph, get(run, operands[0])))


def movbe(run: Run, operands: Operands) -> None:
    put(run, operands[0], _swapped(run.graph, get(run, operands[1])))


def andn(run: Run, operands: Operands) -> None:
    g, (target, a, b) = run.graph, operands
    result = g.and_(g.not_(get(run, a)), get(run, b))
    put(run, target, result)
    run.flag("zf", lambda: is_zero(g, result))
    run.flag("sf", lambda: top(g, result))
    clear(run, "cf", "of")
    run.undefined_flags("pf")


def bextr(run: Run, operands: Operands) -> None:
    """Control: start in bits 7:0, length in bits 15:8."""
    g, (target, source, control) = run.graph, operands
    width, how = target.width, get(run, control)
    start, length = (g.zext(g.extract(how, low + 7, low), width) for low in (0, 8))
    mask = g.sub(g.shl(g.const(1, width), length), g.const(1, width))
    result = g.and_(g.lshr(get(run, source), start), mask)
    put(run, target, result)
    run.flag("zf", lambda: is_zero(g, result))
    clear(run, "cf", "of")
    run.undefined_flags("sf", "pf")


def bzhi(run: Run, operands: Operands) -> None:
    g, (target, source, index) = run.graph, operands
    width = target.width
    count = g.extract(get(run, index), 7, 0)
    mask = g.sub(g.shl(g.const(1, width), g.zext(count, width)), g.const(1, width))
    result = g.and_(get(run, source), mask)
    put(run, target, result)
    run.flag("cf", lambda: g.ult(g.const(width - 1, 8), count))
    run.flag("zf", lambda: is_zero(g, result))
    run.flag("sf", lambda: top(g, result))
    clear(run, "of")
    run.undefined_flags("pf")


def lowest_bit(name: str) -> Meaning:
    """BLSI, BLSMSK, BLSR. CF is whether the source is 0, of BLSI whether it is not; BLSMSK clears ZF."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, source) = run.graph, operands
        a = get(run, source)
        less = g.sub(a, g.const(1, a.width))
        result = {"blsi": lambda: g.and_(a, g.neg(a)), "blsmsk": lambda: g.xor(a, less),
                  "blsr": lambda: g.and_(a, less)}[name]()
        put(run, target, result)
        run.flag("cf", lambda: g.not_(is_zero(g, a)) if name == "blsi" else is_zero(g, a))
        run.flag("zf", lambda: g.false if name == "blsmsk" else is_zero(g, result))
        run.flag("sf", lambda: top(g, result))
        clear(run, "of")
        run.undefined_flags("pf")
    return meaning


def _places(g: Graph, mask: Term) -> list[Term]:
    """For each bit of the mask, the number of ones below it."""
    return [g.const(0, mask.width), *(g.zext(g.popcount(g.extract(mask, at - 1, 0), 8), mask.width)
                                      for at in range(1, mask.width))]


def pext(run: Run, operands: Operands) -> None:
    """Bits of the source under the mask's ones, packed to the right."""
    g, (target, source, by) = run.graph, operands
    a, mask = get(run, source), get(run, by)
    result = g.const(0, a.width)
    for at, place in enumerate(_places(g, mask)):
        bit = g.and_(g.extract(a, at, at), g.extract(mask, at, at))
        result = g.or_(result, g.shl(g.zext(bit, a.width), place))
    put(run, target, result)


def pdep(run: Run, operands: Operands) -> None:
    """The source's lowest bits, spread over the mask's ones."""
    g, (target, source, by) = run.graph, operands
    a, mask = get(run, source), get(run, by)
    bits = [g.and_(g.extract(g.lshr(a, place), 0, 0), g.extract(mask, at, at))
            for at, place in enumerate(_places(g, mask))]
    put(run, target, functools.reduce(lambda low, high: g.concat(high, low), bits))
