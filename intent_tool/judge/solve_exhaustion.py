"""Questions of few input bits, answered by trying all inputs."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from intent_tool.judge.bitvector import Term, topological
from intent_tool.judge.solve_bits import Model

MOST_INPUTS = 1 << 32
_CHUNK = 1 << 12
"""Inputs tried at once: their values stay in the processor's cache."""


def exhaustion_cost(conditions: Sequence[Term]) -> int:
    """How many values have to be computed."""
    order = topological(conditions)
    return len(order) * prod(t.hi - t.lo + 1 for t in order if t.op == "var")


def exhaustion_check(conditions: Sequence[Term]) -> tuple[str, Model]:
    """As `solve_bits.bitwuzla_check`; ``unknown`` where the variables have more than 2**32 values together within
    their bounds, or terms are wider than 64 bits."""
    import numpy as np

    order = topological(conditions)
    variables = [t for t in order if t.op == "var"]
    total = prod(t.hi - t.lo + 1 for t in variables)
    if total > MOST_INPUTS or any(t.width > 64 for t in order):
        return "unknown", {}
    with np.errstate(all="ignore"):
        for start in range(0, total, _CHUNK):
            number: Any = np.arange(start, min(start + _CHUNK, total), dtype=np.uint64)
            inputs: dict[str, Any] = {}
            for t in variables:
                size = np.uint64(t.hi - t.lo + 1)
                inputs[t.data] = number % size + np.uint64(t.lo)
                number = number // size
            good = _all_hold(np, order, conditions, inputs, len(number))
            if good.any():
                at = int(good.argmax())
                return "sat", {name: int(values[at]) for name, values in inputs.items()}
    return "unsat", {}


def _all_hold(np: Any, order: Sequence[Term], conditions: Sequence[Term], inputs: dict[str, Any], count: int) -> Any:
    known: dict[int, Any] = {}
    for t in order:
        known[t.id] = _values(np, t, [known[a.id] for a in t.args], inputs)
    total = np.ones(count, dtype=bool)
    for condition in conditions:
        total &= known[condition.id] != 0
    for t in order:
        if t.op == "var":
            top = np.uint64(1 << (t.width - 1))
            total &= (known[t.id] >= np.uint64(t.lo)) & (known[t.id] <= np.uint64(t.hi))
            # With the sign bit flipped unsigned order is signed order.
            flipped = known[t.id] ^ top
            total &= (flipped >= np.uint64(t.slo + int(top))) & (flipped <= np.uint64(t.shi + int(top)))
    return total


def _values(np: Any, t: Term, a: list[Any], inputs: dict[str, Any]) -> Any:
    """One term at all inputs, as 64-bit numbers below ``2**width``."""
    u64, i64 = np.uint64, np.int64
    t_full = (1 << t.width) - 1
    full = u64(t_full)

    def signed(values: Any, width: int) -> Any:
        shift = i64(64 - width)
        return (values.astype(i64) << shift) >> shift

    match t.op:
        case "const":
            return u64(t.data)
        case "var":
            return inputs[t.data]
        case "sum":
            total = u64(t.data[1])
            for coefficient, part in zip(t.data[0], a, strict=True):
                if coefficient == 1:
                    total = total + part
                elif coefficient == t_full:
                    total = total - part
                else:
                    total = total + part * u64(coefficient)
            return total & full
        case "mul":
            return a[0] * a[1] & full
        case "and":
            return a[0] & a[1]
        case "or":
            return a[0] | a[1]
        case "xor":
            return a[0] ^ a[1]
        case "not":
            return a[0] ^ full
        case "shl" | "lshr" | "ashr":
            inside = a[1] < u64(t.width)
            by = np.minimum(a[1], u64(63))
            if t.op == "shl":
                return np.where(inside, (a[0] << by) & full, u64(0))
            if t.op == "lshr":
                return np.where(inside, a[0] >> by, u64(0))
            return (signed(a[0], t.width) >> by.astype(i64)).astype(u64) & full
        case "udiv":
            if t.args[1].lo > 0:
                return a[0] // a[1]
            return np.where(a[1] == 0, full, a[0] // np.maximum(a[1], u64(1)))
        case "urem":
            if t.args[1].lo > 0:
                return a[0] % a[1]
            return np.where(a[1] == 0, a[0], a[0] % np.maximum(a[1], u64(1)))
        case "sdiv" | "srem":
            return _signed_division(np, t, signed(a[0], t.width), signed(a[1], t.width), full)
        case "concat":
            return (a[0] << u64(t.args[1].width)) | a[1]
        case "extract":
            return (a[0] >> u64(t.data[1])) & full
        case "zext":
            return a[0]
        case "sext":
            return signed(a[0], t.args[0].width).astype(u64) & full
        case "eq":
            return (a[0] == a[1]).astype(u64)
        case "ult":
            return (a[0] < a[1]).astype(u64)
        case "slt":
            width = t.args[0].width
            return (signed(a[0], width) < signed(a[1], width)).astype(u64)
        case "ite":
            return np.where(a[0] != 0, a[1], a[2])
        case "popcount":
            return np.bitwise_count(a[0]).astype(u64)
        case "clz" | "ctz":
            return _zeros(np, t, a[0])
        case "saddo" | "ssubo":
            return _overflow(np, t, a)
        case "table":
            table = np.array(t.data, dtype=u64)
            if t.args[0].hi < len(table):
                return table[a[0].astype(i64)]
            return table[np.where(a[0] < u64(len(table)), a[0], u64(0)).astype(i64)]
    raise AssertionError(t.op)


def _signed_division(np: Any, t: Term, a: Any, b: Any, full: Any) -> Any:
    """Rounded towards zero. Magnitudes are unsigned, so that the least number has one."""
    u64 = np.uint64
    x, y = (np.where(v < 0, -v, v).astype(u64) for v in (a, b))
    divisor = np.maximum(y, u64(1))
    quotient, remainder = x // divisor, x % divisor
    if t.op == "sdiv":
        value = np.where((a < 0) != (b < 0), u64(0) - quotient, quotient)
        return np.where(b == 0, np.where(a >= 0, full, u64(1)), value & full)
    value = np.where(a < 0, u64(0) - remainder, remainder)
    return np.where(b == 0, a.astype(u64), value) & full


def _zeros(np: Any, t: Term, a: Any) -> Any:
    """Leading or trailing zeros, from the number of ones below the first one."""
    u64, width = np.uint64, t.args[0].width
    if t.op == "ctz":
        below = (a & (u64(0) - a)) - u64(1)
        return np.minimum(np.bitwise_count(below).astype(u64), u64(width))
    smeared = np.array(a)
    for shift in (1, 2, 4, 8, 16, 32):
        smeared = smeared | smeared >> u64(shift)
    return u64(width) - np.bitwise_count(smeared).astype(u64)


def _overflow(np: Any, t: Term, a: list[Any]) -> Any:
    """Signed overflow: the signs of the operands say what sign the result must have."""
    u64, width = np.uint64, t.args[0].width
    full, top = u64((1 << width) - 1), u64(width - 1)
    x, y = a
    if t.op == "saddo":
        total = (x + y) & full
        return ((total ^ x) & (total ^ y)) >> top & u64(1)
    total = (x - y) & full
    return ((x ^ y) & (x ^ total)) >> top & u64(1)
