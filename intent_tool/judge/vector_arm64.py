"""The meanings of ARM64's vector instructions, lane by lane.

Arm Architecture Reference Manual (DDI 0487), C7.2, under each instruction. Whatever writes less than 128 bits of a
vector register clears the rest, except for inserting a lane and for narrowing into the upper half.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from intent_tool.judge import lanes
from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.instruction import Own, Run
from intent_tool.judge.lanes import joined, lanewise
from intent_tool.judge.operands_arm64 import (
    base_register,
    extended_index,
    general,
    move_base,
    set_general,
    signed_field,
)
from intent_tool.judge.vector_forms_arm64 import (
    ACROSS,
    ACROSS_LONG,
    FORMS,
    LONG,
    MEMORY,
    NARROW,
    ONE,
    PAIRS,
    PAIRWISE_LONG,
    SAME,
    SHIFTS,
    STRUCTURES,
    WIDE,
    WIDTHS,
    ZERO_COMPARES,
    lane_width,
    size,
)

Meaning = Callable[[Run, int], None]
"""The integer is the instruction word."""
VECTORS = tuple(f"v{n}" for n in range(32))


def _source(run: Run, number: int, bits: int) -> Term:
    return run.graph.extract(run.state[f"v{number}"], bits - 1, 0)


def _first(run: Run, word: int, bits: int) -> Term:
    return _source(run, word >> 5 & 31, bits)


def _second(run: Run, word: int, bits: int) -> Term:
    return _source(run, word >> 16 & 31, bits)


def _old(run: Run, word: int, bits: int) -> Term:
    return _source(run, word & 31, bits)


def _put(run: Run, word: int, value: Term) -> None:
    run.state[f"v{word & 31}"] = run.graph.zext(value, 128)


# Two sources of one arrangement.

def _multiplied_into(sign: int) -> lanes.Lane:
    return lambda g, old, a, b: g.linear([(1, old), (sign, g.mul(a, b))], 0, old.width)


def _any_common_bit(g: Graph, a: Term, b: Term) -> Term:
    return lanes.mask(g, g.ne(g.and_(a, b), g.const(0, a.width)), a.width)


_LANE: dict[str, lanes.Lane] = {
    "add": lanes.add, "sub": lanes.subtract, "mul": lanes.multiply, "cmeq": lanes.equal, "cmtst": _any_common_bit,
    "cmhi": lanes.greater(False), "cmgt": lanes.greater(True), "cmhs": lanes.greater_or_equal(False),
    "cmge": lanes.greater_or_equal(True),
    **{f"{'su'[u]}q{name}": lanes.saturating(operator, not u) for u in (0, 1)
       for name, operator in (("add", lanes.add), ("sub", lanes.subtract))},
    **{f"{'su'[u]}{r}hadd": lanes.halving(lanes.add, not u, len(r)) for u in (0, 1) for r in ("", "r")},
    "umin": lanes.minimum(False), "smin": lanes.minimum(True), "umax": lanes.maximum(False),
    "smax": lanes.maximum(True), "uabd": lanes.difference(False), "sabd": lanes.difference(True),
    "and": Graph.and_, "orr": Graph.or_, "eor": Graph.xor,
    "bic": lambda g, a, b: g.and_(a, g.not_(b)), "orn": lambda g, a, b: g.or_(a, g.not_(b)),
}
_LANE_WITH_OLD: dict[str, lanes.Lane] = {
    "mla": _multiplied_into(1), "mls": _multiplied_into(-1),
    "bsl": lanes.selected,
    "bit": lambda g, old, a, b: lanes.selected(g, b, a, old),
    "bif": lambda g, old, a, b: lanes.selected(g, b, old, a),
}
_PAIRWISE: dict[str, lanes.Lane] = {"addp": lanes.add, **{f"{name}p": _LANE[name]
                                                         for name in ("umin", "umax", "smin", "smax")}}
_WHOLE = frozenset({"and", "orr", "eor", "bic", "orn"})
"""Bit by bit: the lanes stay as they came."""


def _same(name: str, width: int, bits: int) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        g = run.graph
        a, b = _first(run, word, bits), _second(run, word, bits)
        if name in _WHOLE:
            _put(run, word, _LANE[name](g, a, b))
        elif name in _LANE:
            _put(run, word, lanewise(g, width, _LANE[name], a, b))
        elif name in _LANE_WITH_OLD:
            _put(run, word, lanewise(g, width, _LANE_WITH_OLD[name], _old(run, word, bits), a, b))
        elif name in _PAIRWISE:
            both = lanes.pairs(g, a, width) + lanes.pairs(g, b, width)
            _put(run, word, joined(g, [_PAIRWISE[name](g, low, high) for low, high in both]))
        else:
            _put(run, word, _permuted(g, name, lanes.lanes(g, a, width), lanes.lanes(g, b, width)))
    return meaning


def _permuted(g: Graph, name: str, a: list[Term], b: list[Term]) -> Term:
    """ZIP, UZP and TRN."""
    part = int(name[3]) - 1
    half = len(a) // 2
    match name[:3]:
        case "zip":
            return lanes.interleaved(g, a[part * half:][:half], b[part * half:][:half])
        case "uzp":
            return joined(g, (a + b)[part::2])
        case _:
            return lanes.interleaved(g, a[part::2], b[part::2])


# One source.

def _leading_sign_bits(g: Graph, a: Term) -> Term:
    """How many bits below the sign bit are equal to it."""
    changes = g.xor(a, g.ashr(a, g.const(1, a.width)))
    return g.sub(g.clz(changes), g.const(1, a.width))


def _reversed_bits(g: Graph, a: Term) -> Term:
    return joined(g, lanes.lanes(g, a, 1)[::-1])


_ONE: dict[str, lanes.Lane] = {
    "abs": lanes.absolute, "neg": Graph.neg, "mvn": Graph.not_, "mov": lambda _g, a: a,
    "cnt": Graph.popcount, "rbit": _reversed_bits, "clz": Graph.clz,
    "cls": _leading_sign_bits,
}
_COMPARE_WITH_ZERO: dict[str, lanes.Lane] = {
    "cmeq": lanes.equal, "cmgt": lanes.greater(True), "cmge": lanes.greater_or_equal(True),
    "cmlt": lambda g, a, zero: lanes.greater(True)(g, zero, a),
    "cmle": lambda g, a, zero: lanes.greater_or_equal(True)(g, zero, a),
}


def _one(name: str, width: int, bits: int) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        g = run.graph
        a = _first(run, word, bits)
        if name in _ONE:
            _put(run, word, lanewise(g, bits if name in ("mvn", "mov") else width, _ONE[name], a))
        else:
            # REV16, REV32, REV64: the lanes of each group the other way round.
            groups = lanes.lanes(g, a, int(name[3:]))
            _put(run, word, joined(g, [part for group in groups for part in lanes.lanes(g, group, width)[::-1]]))
    return meaning


def _with_zero(name: str, width: int, bits: int) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        g = run.graph
        _put(run, word, lanewise(g, width, _COMPARE_WITH_ZERO[name], _first(run, word, bits), g.const(0, bits)))
    return meaning


def _shift(name: str, width: int, bits: int) -> Meaning:
    """By immh:immb: to the left by that less the width, to the right by twice the width less that."""
    def meaning(run: Run, word: int) -> None:
        field = word >> 16 & 127
        left, right = field - width, 2 * width - field

        def lane(g: Graph, old: Term, a: Term) -> Term:
            match name:
                case "shl":
                    return lanes.shifted("shl", left)(g, a)
                case "sli":
                    return g.concat(g.extract(a, width - 1 - left, 0), g.extract(old, left - 1, 0)) if left else a
                case "sri":
                    return g.concat(g.extract(old, width - 1, width - right), g.extract(a, width - 1, right)) \
                        if right < width else old
            shifted = lanes.shifted("lshr" if name[0] == "u" else "ashr", right)(g, a)
            return g.add(old, shifted) if name.endswith("a") else shifted
        _put(run, word, lanewise(run.graph, width, lane, _old(run, word, bits), _first(run, word, bits)))
    return meaning


# Between lanes and lanes twice as wide. `upper`: the narrow ones are those of the upper half.

def _narrow_lanes(run: Run, number: int, width: int, upper: bool) -> list[Term]:
    return lanes.lanes(run.graph, lanes.lanes(run.graph, run.state[f"v{number}"], 64)[upper], width)


def _long(name: str, width: int, upper: bool) -> Meaning:
    is_signed, kind = name[0] == "s", name[1:]

    def meaning(run: Run, word: int) -> None:
        g, wide = run.graph, 2 * width
        found = []
        for a, b, old in zip(_narrow_lanes(run, word >> 5 & 31, width, upper),
                             _narrow_lanes(run, word >> 16 & 31, width, upper),
                             lanes.lanes(g, _old(run, word, 128), wide), strict=True):
            if kind in ("mull", "mlal"):
                value = lanes.product(is_signed, is_signed)(g, a, b)
            elif kind in ("abdl", "abal"):
                value = g.zext(lanes.difference(is_signed)(g, a, b), wide)
            else:
                operator = lanes.add if kind == "addl" else lanes.subtract
                value = operator(g, lanes.widened(g, a, wide, is_signed), lanes.widened(g, b, wide, is_signed))
            found.append(g.add(old, value) if kind in ("mlal", "abal") else value)
        _put(run, word, joined(g, found))
    return meaning


def _wide(name: str, width: int, upper: bool) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        g, wide = run.graph, 2 * width
        operator = lanes.add if name[1:] == "addw" else lanes.subtract
        _put(run, word, joined(g, [
            operator(g, a, lanes.widened(g, b, wide, name[0] == "s"))
            for a, b in zip(lanes.lanes(g, _first(run, word, 128), wide),
                            _narrow_lanes(run, word >> 16 & 31, width, upper), strict=True)]))
    return meaning


def _shift_long(name: str, width: int, upper: bool) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        g = run.graph
        shift = lanes.shifted("shl", (word >> 16 & 127) - width)
        _put(run, word, joined(g, [shift(g, lanes.widened(g, part, 2 * width, name[0] == "s"))
                                   for part in _narrow_lanes(run, word >> 5 & 31, width, upper)]))
    return meaning


def _narrow(name: str, width: int, upper: bool) -> Meaning:
    def lane(g: Graph, a: Term, word: int) -> Term:
        match name:
            case "xtn":
                return g.extract(a, width - 1, 0)
            case "shrn":
                return g.extract(lanes.shifted("lshr", 2 * width - (word >> 16 & 127))(g, a), width - 1, 0)
        return lanes.saturated(g, a, width, name[0] == "s", name == "sqxtn")

    def meaning(run: Run, word: int) -> None:
        g = run.graph
        parts = joined(g, [lane(g, a, word) for a in lanes.lanes(g, _first(run, word, 128), 2 * width)])
        _put(run, word, g.concat(parts, _old(run, word, 64)) if upper else parts)
    return meaning


def _pairwise_long(name: str, width: int, bits: int) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        g, wide = run.graph, 2 * width
        sums = [lanes.total(g, pair, wide, name[0] == "s")
                for pair in lanes.pairs(g, _first(run, word, bits), width)]
        if name.endswith("adalp"):
            sums = [g.add(old, both) for old, both in zip(
                lanes.lanes(g, _old(run, word, bits), wide), sums, strict=True)]
        _put(run, word, joined(g, sums))
    return meaning


# From all lanes to one.

def _across(name: str, width: int, bits: int) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        g = run.graph
        parts = lanes.lanes(g, _first(run, word, bits), width)
        if name == "addv":
            _put(run, word, _sum(g, parts, width, False))
            return
        result = parts[0]
        for part in parts[1:]:
            result = _LANE[name[:4]](g, result, part)
        _put(run, word, result)
    return meaning


def _across_long(name: str, width: int, bits: int) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        g = run.graph
        parts = lanes.lanes(g, _first(run, word, bits), width)
        _put(run, word, _sum(g, parts, 2 * width, name[0] == "s"))
    return meaning


def _sum(g: Graph, parts: list[Term], width: int, is_signed: bool) -> Term:
    counted = [c for c in map(_counted, parts) if c is not None]
    if len(counted) == len(parts):
        # Ones counted byte by byte: those of the bytes together, which are 128 at most.
        return g.popcount(joined(g, counted), width)
    return lanes.total(g, parts, width, is_signed)


def _counted(byte: Term) -> Term | None:
    """What `byte` is the number of ones of."""
    while byte.op == "zext":
        byte = byte.args[0]
    return byte.args[0] if byte.op == "popcount" else None


def _sum_of_pair(run: Run, word: int) -> None:
    g = run.graph
    _put(run, word, g.add(*lanes.lanes(g, _first(run, word, 128), 64)))


# Moves.

def _index(word: int, width: int) -> int:
    """Of the lane that imm5 names."""
    return (word >> 16 & 31) >> (width // 8).bit_length()


def _repeat_general(width: int, bits: int) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        _put(run, word, joined(run.graph, [general(run, word >> 5 & 31, width)] * (bits // width)))
    return meaning


def _lane(width: int, number: int = 1) -> Meaning:
    """A lane `number` times over."""
    def meaning(run: Run, word: int) -> None:
        part = lanes.lanes(run.graph, _first(run, word, 128), width)[_index(word, width)]
        _put(run, word, joined(run.graph, [part] * number))
    return meaning


def _lane_to_general(width: int, to: int, is_signed: bool) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        part = lanes.lanes(run.graph, _first(run, word, 128), width)[_index(word, width)]
        set_general(run, word & 31, lanes.widened(run.graph, part, to, is_signed))
    return meaning


def _insert(width: int, from_general: bool) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        g = run.graph
        parts = lanes.lanes(g, _old(run, word, 128), width)
        if from_general:
            part = general(run, word >> 5 & 31, width)
        else:
            place = (word >> 11 & 15) // (width // 8)
            part = lanes.lanes(g, _first(run, word, 128), width)[place]
        parts[_index(word, width)] = part
        _put(run, word, joined(g, parts))
    return meaning


def _from_general(width: int) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        _put(run, word, general(run, word >> 5 & 31, width))
    return meaning


def _to_general(width: int) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        set_general(run, word & 31, _first(run, word, width))
    return meaning


def _low(width: int) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        _put(run, word, _first(run, word, width))
    return meaning


def _upper_from_general(run: Run, word: int) -> None:
    g = run.graph
    _put(run, word, g.concat(general(run, word >> 5 & 31, 64), _old(run, word, 64)))


def _upper_to_general(run: Run, word: int) -> None:
    set_general(run, word & 31, run.graph.extract(_first(run, word, 128), 127, 64))


def _constant(name: str, width: int, bits: int) -> Meaning:
    """MOVI, MVNI (AdvSIMDExpandImm): a byte in each lane, shifted by multiples of 8; of 64 bits a bit for each
    byte."""
    def meaning(run: Run, word: int) -> None:
        byte, mode = (word >> 16 & 7) << 5 | word >> 5 & 31, word >> 12 & 15
        if width == 64:
            value = sum(0xff << 8 * k for k in range(8) if byte >> k & 1)
        else:
            value = byte << 8 * {8: 0, 16: mode >> 1 & 1, 32: mode >> 1 & 3}[width]
        lane = run.graph.const(~value if name == "mvni" else value, width)
        _put(run, word, joined(run.graph, [lane] * (bits // width)))
    return meaning


def _extract(bits: int) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        g = run.graph
        both = lanes.lanes(g, _first(run, word, bits), 8) + lanes.lanes(g, _second(run, word, bits), 8)
        start = word >> 11 & 15
        _put(run, word, joined(g, both[start:start + bits // 8]))
    return meaning


def _look_up(bits: int) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        g = run.graph
        values = lanes.lanes(g, _first(run, word, 128), 8)

        def lane(g: Graph, index: Term) -> Term:
            inside = g.ult(index, g.const(16, 8))
            return g.ite(inside, lanes.chosen(g, g.extract(index, 3, 0), values), g.const(0, 8))
        _put(run, word, lanewise(g, 8, lane, _second(run, word, bits)))
    return meaning


# Memory (C4.1.96).

def _load_store(width: int) -> Meaning:
    scale = (width // 8).bit_length() - 1

    def meaning(run: Run, word: int) -> None:
        g, base = run.graph, base_register(run, word)
        before, after = True, False
        if word >> 24 & 1:
            offset: Term = g.const((word >> 10 & 0xfff) << scale, 64)
        elif word >> 21 & 1:
            offset = extended_index(run, word, scale)
        else:
            # 0 unscaled, 1 post-indexed, 3 pre-indexed.
            offset = g.const(signed_field(word >> 12 & 0x1ff, 9), 64)
            before, after = word >> 10 & 3 != 1, bool(word >> 10 & 1)
        moved = g.add(base, offset)
        _transfer(run, word, moved if before else base, [word & 31], width)
        if after:
            move_base(run, word, moved)
    return meaning


def _load_store_pair(width: int) -> Meaning:
    def meaning(run: Run, word: int) -> None:
        g, base = run.graph, base_register(run, word)
        moved = g.add(base, g.const(signed_field(word >> 15 & 0x7f, 7) * width // 8, 64))
        # 1 post-indexed, 2 offset, 3 pre-indexed.
        mode = word >> 23 & 3
        _transfer(run, word, base if mode == 1 else moved, [word & 31, word >> 10 & 31], width)
        if mode & 1:
            move_base(run, word, moved)
    return meaning


def _load_store_several(count: int) -> Meaning:
    """LD1, ST1 of whole registers, whose numbers follow each other around."""
    def meaning(run: Run, word: int) -> None:
        base = base_register(run, word)
        _transfer(run, word, base, [(word + k) & 31 for k in range(count)], 128)
        if word >> 23 & 1:
            move_base(run, word, run.graph.add(base, run.graph.const(16 * count, 64)))
    return meaning


def _transfer(run: Run, word: int, start: Term, registers: list[int], width: int) -> None:
    g = run.graph
    places = [g.add(start, g.const(k * width // 8, 64)) for k in range(len(registers))]
    if word >> 22 & 1:
        values = [run.memory.load(place, width // 8) for place in places]
        for number, value in zip(registers, values, strict=True):
            run.state[f"v{number}"] = g.zext(value, 128)
    else:
        for number, place in zip(registers, places, strict=True):
            run.memory.store(place, _source(run, number, width))


# By form.

def _by_arrangement(form: str) -> Meaning | None:
    """Of forms whose operands are all vectors, or vectors and an immediate."""
    name, _, operands = form.partition(" ")
    kinds = operands.split(", ")
    arrangements = [kind[2:] for kind in kinds if re.fullmatch(r"v\.\d+[bhsd]", kind)]
    stem, upper = (name[:-1], True) if name.endswith("2") and name not in SAME else (name, False)
    if not arrangements:
        return None
    last = arrangements[-1]
    width, bits = lane_width(last), size(last)
    if name in SAME and kinds.count(f"v.{last}") == 3 == len(kinds):
        return _same(name, width, bits)
    if name in ONE and kinds == [f"v.{last}"] * 2:
        return _one(name, width, bits)
    if name in ZERO_COMPARES and kinds[2:] == ["i"]:
        return _with_zero(name, width, bits)
    if name in SHIFTS:
        return _shift(name, width, bits)
    if stem in LONG:
        return _long(stem, width, upper)
    if stem in WIDE:
        return _wide(stem, width, upper)
    if stem in ("ushll", "sshll"):
        return _shift_long(stem, width, upper)
    if stem in (*NARROW, "shrn"):
        return _narrow(stem, width // 2, upper)
    if name in PAIRWISE_LONG:
        return _pairwise_long(name, width, bits)
    if name in ACROSS:
        return _across(name, width, bits)
    if name in ACROSS_LONG:
        return _across_long(name, width, bits)
    if name in ("movi", "mvni"):
        return _constant(name, width, bits)
    return {"ext": _extract, "tbl": _look_up}[name](bits) if name in ("ext", "tbl") else None


def _by_lane(form: str) -> Meaning | None:
    """Of forms with a lane, or with a general register and lanes."""
    if found := re.fullmatch(r"dup v\.(\d+[bhsd]), [wx]", form):
        return _repeat_general(lane_width(found[1]), size(found[1]))
    if found := re.fullmatch(r"dup v\.(\d+([bhsd])), v\.\2\[i\]", form):
        return _lane(lane_width(found[1]), size(found[1]) // lane_width(found[1]))
    if found := re.fullmatch(r"mov ([bhsd]), v\.\1\[i\]", form):
        return _lane(WIDTHS[found[1]])
    if found := re.fullmatch(r"mov v\.([bhsd])\[i\], (.+)", form):
        return _insert(WIDTHS[found[1]], found[2] in ("w", "x"))
    if found := re.fullmatch(r"(u?mov|smov) ([wx]), v\.([bhsd])\[i\]", form):
        return _lane_to_general(WIDTHS[found[3]], {"w": 32, "x": 64}[found[2]], found[1] == "smov")
    return None


_SCALAR: dict[str, Meaning] = {
    "fmov d, x": _from_general(64), "fmov s, w": _from_general(32), "fmov x, d": _to_general(64),
    "fmov w, s": _to_general(32), "fmov d, d": _low(64), "fmov s, s": _low(32), "fmov x, v.d[i]": _upper_to_general,
    "fmov v.d[i], x": _upper_from_general, "movi d, i": _constant("movi", 64, 64), "addp d, v.2d": _sum_of_pair,
    **{f"{name} d, d, d": _same(name, 64, 64) for name in ("add", "sub", "cmeq")},
    **{f"{name} d, d, i": _shift(name, 64, 64) for name in ("shl", "ushr", "sshr")},
    **{form: _load_store(WIDTHS[r]) for form, r in MEMORY.items()},
    **{form: _load_store_pair(WIDTHS[r]) for form, r in PAIRS.items()},
    **{form: _load_store_several(count) for form, count in STRUCTURES.items()},
}


def _meanings() -> Iterator[tuple[str, Own]]:
    for form in FORMS:
        meaning = _SCALAR.get(form) or _by_lane(form) or _by_arrangement(form)
        assert meaning is not None, form
        yield form, Own(meaning)


OWN = dict(_meanings())
