"""The meanings of x86-64's vector instructions, lane by lane.

Intel SDM volume 2, under each instruction. The state has the sixteen ymm registers whole; an SSE instruction leaves
the upper half as it was, a VEX-encoded one of 128 bits clears it (volume 1, 14.3).
"""

from __future__ import annotations

from collections.abc import Callable

from intent_tool.judge import lanes
from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.flags_x86_64 import FLAGS
from intent_tool.judge.instruction import Own, Run
from intent_tool.judge.lanes import joined, lanewise
from intent_tool.judge.operands_x86_64 import VECTORS, Meaning, Operand, Operands, address, get, put_register
from intent_tool.judge.vector_forms_x86_64 import BROADCASTS, MOVES, SHUFFLES, WIDENING

Binary = Callable[[Graph, Term, Term], Term]
"""From two whole vectors to one."""


def _put(run: Run, operand: Operand, value: Term) -> None:
    g = run.graph
    if operand.kind == "m":
        run.memory.store(address(run, operand), value)
    elif run.instruction.mnemonic.startswith("v"):
        run.state[operand.register] = g.zext(value, 256)
    else:
        old = run.state[operand.register]
        run.state[operand.register] = g.concat(g.extract(old, 255, value.width), value)


def _binary(operator: Binary) -> Meaning:
    """Of destination and source, or of destination and two sources."""
    def meaning(run: Run, operands: Operands) -> None:
        first, second = operands[-2:]
        p, q = get(run, first), get(run, second)
        _put(run, operands[0], operator(run.graph, p, q))
    return meaning


def _lanes(width: int, operator: lanes.Lane) -> Binary:
    return lambda g, p, q: lanewise(g, width, operator, p, q)


def _halves(operator: Binary) -> Binary:
    """An operator on 128 bits, done on each half of longer vectors."""
    return lambda g, p, q: lanewise(g, 128, operator, p, q)


def _multiply_and_add(left_signed: bool, saturates: bool, width: int) -> Binary:
    """Sums of two neighbouring products, twice as wide as the factors."""
    def result(g: Graph, p: Term, q: Term) -> Term:
        wide = 2 * width
        multiply = lanes.product(left_signed, True)
        sums = []
        for (a, c), (b, d) in zip(lanes.pairs(g, p, width), lanes.pairs(g, q, width), strict=True):
            both = [multiply(g, a, b), multiply(g, c, d)]
            if saturates:
                sums.append(lanes.saturated(g, lanes.total(g, both, wide + 1, True), wide, True, True))
            else:
                sums.append(g.add(*both))
        return joined(g, sums)
    return result


def _sum_of_differences(g: Graph, p: Term, q: Term) -> Term:
    """Of each eight bytes, in 64 bits."""
    apart = lanes.lanes(g, lanewise(g, 8, lanes.difference(False), p, q), 8)
    return joined(g, [lanes.total(g, apart[k:k + 8], 64, False) for k in range(0, len(apart), 8)])


def _packed(width: int, to_signed: bool) -> Binary:
    """Signed lanes of twice `width` bits, each as the nearest number that fits."""
    def half(g: Graph, p: Term, q: Term) -> Term:
        parts = lanes.lanes(g, p, 2 * width) + lanes.lanes(g, q, 2 * width)
        return joined(g, [lanes.saturated(g, part, width, True, to_signed) for part in parts])
    return _halves(half)


def _interleaved(width: int, high: bool) -> Binary:
    def half(g: Graph, p: Term, q: Term) -> Term:
        a, b = lanes.lanes(g, p, width), lanes.lanes(g, q, width)
        middle = len(a) // 2
        return lanes.interleaved(g, *((a[middle:], b[middle:]) if high else (a[:middle], b[:middle])))
    return _halves(half)


def _shuffled_bytes(g: Graph, p: Term, q: Term) -> Term:
    values, zero = lanes.lanes(g, p, 8), g.const(0, 8)
    return joined(g, [g.ite(g.extract(control, 7, 7), zero, lanes.chosen(g, g.extract(control, 3, 0), values))
                      for control in lanes.lanes(g, q, 8)])


def _low_halves(is_signed: bool) -> Binary:
    """Products of the low halves of lanes of 64 bits."""
    multiply = lanes.product(is_signed, is_signed)
    return _lanes(64, lambda g, a, b: multiply(g, g.extract(a, 31, 0), g.extract(b, 31, 0)))


_WIDTHS = {"b": 8, "w": 16, "d": 32, "q": 64}
_BINARY: dict[str, Binary] = {
    "pand": Graph.and_, "por": Graph.or_, "pxor": Graph.xor,
    "pandn": lambda g, p, q: g.and_(g.not_(p), q),
    **{f"padd{c}": _lanes(w, lanes.add) for c, w in _WIDTHS.items()},
    **{f"psub{c}": _lanes(w, lanes.subtract) for c, w in _WIDTHS.items()},
    **{f"p{name}{sign}{c}": _lanes(_WIDTHS[c], lanes.saturating(operator, sign == "s"))
       for name, operator in (("add", lanes.add), ("sub", lanes.subtract)) for sign in ("s", "us") for c in "bw"},
    **{f"pavg{c}": _lanes(_WIDTHS[c], lanes.halving(lanes.add, False, 1)) for c in "bw"},
    **{f"pmin{sign}{c}": _lanes(_WIDTHS[c], lanes.minimum(sign == "s")) for sign in "su" for c in "bwd"},
    **{f"pmax{sign}{c}": _lanes(_WIDTHS[c], lanes.maximum(sign == "s")) for sign in "su" for c in "bwd"},
    **{f"pcmpeq{c}": _lanes(w, lanes.equal) for c, w in _WIDTHS.items()},
    **{f"pcmpgt{c}": _lanes(w, lanes.greater(True)) for c, w in _WIDTHS.items()},
    "pmullw": _lanes(16, lanes.multiply), "pmulld": _lanes(32, lanes.multiply),
    "pmulhw": _lanes(16, lanes.high_product(True)), "pmulhuw": _lanes(16, lanes.high_product(False)),
    "pmuludq": _low_halves(False), "pmuldq": _low_halves(True),
    "pmaddwd": _multiply_and_add(True, False, 16), "pmaddubsw": _multiply_and_add(False, True, 8),
    "psadbw": _sum_of_differences,
    "packsswb": _packed(8, True), "packssdw": _packed(16, True), "packuswb": _packed(8, False),
    "packusdw": _packed(16, False),
    **{f"punpck{side}{pair}": _interleaved(width, side == "h") for side in "lh"
       for pair, width in (("bw", 8), ("wd", 16), ("dq", 32), ("qdq", 64))},
    "pshufb": _halves(_shuffled_bytes),
}


def _shift(name: str, width: int) -> Meaning:
    def meaning(run: Run, operands: Operands) -> None:
        g = run.graph
        source = get(run, operands[-2])
        _put(run, operands[0], lanewise(g, width, lanes.shifted(name, operands[-1].value & 255), source))
    return meaning


def _byte_shift(left: bool) -> Meaning:
    """By whole bytes, in each half on its own."""
    def meaning(run: Run, operands: Operands) -> None:
        by = 8 * min(operands[-1].value & 255, 16)
        shift = lanes.shifted("shl" if left else "lshr", by)
        _put(run, operands[0], lanewise(run.graph, 128, shift, get(run, operands[-2])))
    return meaning


def _shuffle(name: str) -> Meaning:
    """pshufd of lanes of 32 bits; pshuflw and pshufhw of those of 16 bits in one half of each 128."""
    def meaning(run: Run, operands: Operands) -> None:
        control = operands[2].value & 255
        order = [control >> 2 * k & 3 for k in range(4)]
        if name == "pshuflw":
            order += range(4, 8)
        elif name == "pshufhw":
            order = [*range(4), *(4 + place for place in order)]
        width = 128 // len(order)

        def half(g: Graph, vector: Term) -> Term:
            parts = lanes.lanes(g, vector, width)
            return joined(g, [parts[place] for place in order])
        _put(run, operands[0], lanewise(run.graph, 128, half, get(run, operands[1])))
    return meaning


def _move(run: Run, operands: Operands) -> None:
    _put(run, operands[0], get(run, operands[1]))


def _move_part(width: int) -> Meaning:
    """movd, movq: the low `width` bits; the rest of a vector register's 128 bits becomes 0."""
    def meaning(run: Run, operands: Operands) -> None:
        g = run.graph
        target, source = operands
        value = g.extract(get(run, source), width - 1, 0)
        if target.kind == "r" and target.register in VECTORS:
            _put(run, target, g.zext(value, 128))
        elif target.kind == "r":
            put_register(run, target.register, value)
        else:
            _put(run, target, value)
    return meaning


def _signs(run: Run, operands: Operands) -> None:
    g = run.graph
    signs = [g.extract(byte, 7, 7) for byte in lanes.lanes(g, get(run, operands[1]), 8)]
    put_register(run, operands[0].register, g.zext(joined(g, signs), 32))


def _extract_word(run: Run, operands: Operands) -> None:
    g = run.graph
    word = lanes.lanes(g, get(run, operands[1]), 16)[operands[2].value & 7]
    put_register(run, operands[0].register, g.zext(word, 32))


def _insert_word(run: Run, operands: Operands) -> None:
    g = run.graph
    parts = lanes.lanes(g, get(run, operands[-3] if len(operands) == 4 else operands[0]), 16)
    parts[operands[-1].value & 7] = g.extract(get(run, operands[-2]), 15, 0)
    _put(run, operands[0], joined(g, parts))


def _absolute(width: int) -> Meaning:
    def meaning(run: Run, operands: Operands) -> None:
        _put(run, operands[0], lanewise(run.graph, width, lanes.absolute, get(run, operands[1])))
    return meaning


def _widen(width: int, ratio: int, is_signed: bool) -> Meaning:
    """Lanes of `width` bits to those `ratio` times as wide."""
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, source) = run.graph, operands
        value = g.extract(get(run, source), target.width // ratio - 1, 0)
        wide = [lanes.widened(g, part, ratio * width, is_signed) for part in lanes.lanes(g, value, width)]
        _put(run, target, joined(g, wide))
    return meaning


def _broadcast(width: int) -> Meaning:
    def meaning(run: Run, operands: Operands) -> None:
        g, (target, source) = run.graph, operands
        part = g.extract(get(run, source), width - 1, 0)
        _put(run, target, joined(g, [part] * (target.width // width)))
    return meaning


def _extract_half(run: Run, operands: Operands) -> None:
    target, source, which = operands
    _put(run, target, lanes.lanes(run.graph, get(run, source), 128)[which.value & 1])


def _insert_half(run: Run, operands: Operands) -> None:
    g = run.graph
    target, source, half, which = operands
    parts = lanes.lanes(g, get(run, source), 128)
    parts[which.value & 1] = get(run, half)
    _put(run, target, joined(g, parts))


def _permute_quarters(run: Run, operands: Operands) -> None:
    g = run.graph
    target, source, control = operands
    parts = lanes.lanes(g, get(run, source), 64)
    _put(run, target, joined(g, [parts[control.value >> 2 * k & 3] for k in range(4)]))


def _permute_halves(run: Run, operands: Operands) -> None:
    g = run.graph
    target, first, second, control = operands
    parts = lanes.lanes(g, get(run, first), 128) + lanes.lanes(g, get(run, second), 128)
    chosen = [control.value >> low & 15 for low in (0, 4)]
    _put(run, target, joined(g, [g.const(0, 128) if c & 8 else parts[c & 3] for c in chosen]))


def _align(run: Run, operands: Operands) -> None:
    """Bytes out of both sources' halves, one behind the other."""
    target, first, second, count = operands
    by = 8 * min(count.value & 255, 32)

    def half(g: Graph, high: Term, low: Term) -> Term:
        return g.extract(lanes.shifted("lshr", by)(g, g.concat(high, low)), 127, 0)
    _put(run, target, lanewise(run.graph, 128, half, get(run, first), get(run, second)))


def _blend(run: Run, operands: Operands) -> None:
    target, first, second, control = operands

    def byte(g: Graph, a: Term, b: Term, c: Term) -> Term:
        return g.ite(g.extract(c, 7, 7), b, a)
    _put(run, target, lanewise(run.graph, 8, byte, get(run, first), get(run, second), get(run, control)))


def _test(run: Run, operands: Operands) -> None:
    g = run.graph
    p, q = get(run, operands[0]), get(run, operands[1])
    zero = g.const(0, p.width)
    run.flag("zf", lambda: g.eq(g.and_(p, q), zero))
    run.flag("cf", lambda: g.eq(g.and_(g.not_(p), q), zero))
    for name in ("of", "sf", "pf"):
        run.flag(name, lambda: g.false)


def _clear_upper_halves(run: Run, _operands: Operands) -> None:
    g = run.graph
    for name in VECTORS:
        run.state[name] = g.zext(g.extract(run.state[name], 127, 0), 256)


_SHARED: dict[str, Meaning] = {
    **{name: _binary(operator) for name, operator in _BINARY.items()},
    **{f"p{way}{c}": _shift(operator, _WIDTHS[c]) for way, operator, letters in (
        ("sll", "shl", "wdq"), ("srl", "lshr", "wdq"), ("sra", "ashr", "wd")) for c in letters},
    "pslldq": _byte_shift(True), "psrldq": _byte_shift(False),
    **{name: _shuffle(name) for name in SHUFFLES},
    **{name: _move for name in (*MOVES, "movdqa", "movaps")},
    "movd": _move_part(32), "movq": _move_part(64),
    "pmovmskb": _signs, "pextrw": _extract_word, "pinsrw": _insert_word,
}
"""With and without VEX."""
_VEX_ONLY: dict[str, Meaning] = {
    "pabsb": _absolute(8), "pabsw": _absolute(16), "pabsd": _absolute(32),
    **{name: _widen(_WIDTHS[name[6]], ratio, name[4] == "s") for name, ratio in WIDENING.items()},
    **{name: _broadcast(width) for name, width in BROADCASTS.items()}, "broadcasti128": _broadcast(128),
    "extracti128": _extract_half, "inserti128": _insert_half, "permq": _permute_quarters,
    "perm2i128": _permute_halves, "palignr": _align, "pblendvb": _blend, "zeroupper": _clear_upper_halves,
}
OWN: dict[str, Own] = {
    **{name: Own(meaning) for name, meaning in _SHARED.items()},
    **{"v" + name: Own(meaning) for name, meaning in (_SHARED | _VEX_ONLY).items()},
    "vptest": Own(_test, writes=frozenset(FLAGS)),
}
