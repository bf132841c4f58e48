"""What the functions of `intents/buffers` are called with, for the benchmark and for the comparison with C."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy

from intent_tool.language.contract import Contract, Parameter, ScalarType
from intent_tool.language.oracle import Oracle, length_of

Value = Any
"""An integer, or the elements of a buffer as an array of numpy."""
Values = dict[str, Value]
"""One for each parameter, by name."""
Random = numpy.random.Generator

COMMA, SEMICOLON = 0x2C, 0x3B
CANARY = 0xA5A5A5A5


@dataclass(frozen=True)
class Case:
    """How a kernel is measured."""

    scalars: dict[str, int] = field(default_factory=dict)
    buffers: dict[str, Callable[[Random, int], Any]] = field(default_factory=dict)
    """Contents by the number of elements; random where nothing is said."""
    stop: tuple[str, int | None] | None = None
    """The buffer whose middle element, when it has this value (None: other bits than now), ends the search there."""
    most: int | None = None
    """The greatest length that the contract allows."""


def _bytes_without(*excluded: int) -> Callable[[Random, int], Any]:
    allowed = numpy.setdiff1d(numpy.arange(256, dtype=numpy.uint8), numpy.array(excluded, dtype=numpy.uint8))
    return lambda rng, n: rng.choice(allowed, n)


def _all(value: int, type: Any = numpy.uint8) -> Callable[[Random, int], Any]:
    return lambda rng, n: numpy.full(n, value, type)


def _same_bytes(rng: Random, n: int) -> Any:
    """The same for every buffer of a call: two that are equal."""
    return numpy.resize(numpy.arange(251, dtype=numpy.uint8), n)


def _runs(rng: Random, n: int) -> Any:
    """Runs of eight equal bytes on average."""
    return numpy.cumsum(rng.random(n) < 0.125).astype(numpy.uint8)


def _ascending(type: Any, first: int) -> Callable[[Random, int], Any]:
    return lambda rng, n: (first + numpy.cumsum(rng.integers(1, 100, n))).astype(type)


def _between(low: int, high: int, type: Any) -> Callable[[Random, int], Any]:
    return lambda rng, n: rng.integers(low, high, n).astype(type)


EQUAL = Case(buffers={"a": _same_bytes, "b": _same_bytes}, stop=("b", None))

CASES: dict[str, Case] = {
    "find_byte": Case({"wanted": COMMA}, {"data": _bytes_without(COMMA)}, ("data", COMMA)),
    "find_last_byte": Case({"wanted": COMMA}, {"data": _bytes_without(COMMA)}, ("data", COMMA)),
    "find_either_byte": Case({"first": COMMA, "second": SEMICOLON}, {"data": _bytes_without(COMMA, SEMICOLON)},
                             ("data", SEMICOLON)),
    "find_difference": EQUAL,
    "compare_bytes": EQUAL,
    "subtract_first_difference": EQUAL,
    "buffers_are_equal": EQUAL,
    "string_length": Case({}, {"text": _bytes_without(0)}, ("text", 0)),
    "count_unused_words": Case({"pattern": CANARY}, {"stack": _all(CANARY, numpy.uint32)}, ("stack", 7)),
    "find_first_zero_bit": Case({}, {"bitmap": _all(0xFFFFFFFF, numpy.uint32)}, ("bitmap", 0xFFF0FFFF)),
    "is_all_zero": Case({}, {"data": _all(0)}, ("data", 1)),
    "is_erased": Case({}, {"flash": _all(0xFF)}, ("flash", 0xFE)),
    "all_bytes_same": Case({}, {"data": _all(7)}, ("data", 8)),
    "is_sorted_i32": Case({}, {"data": _ascending(numpy.int32, -1000)}, ("data", -2 ** 31)),
    "is_strictly_ascending_u32": Case({}, {"data": _ascending(numpy.uint32, 0)}, ("data", 0)),
    "count_byte": Case({"wanted": COMMA}),
    "count_runs": Case({}, {"data": _runs}),
    "longest_run": Case({}, {"data": _runs}),
    "load_be_bytes": Case(most=8),
    "fill_bytes": Case({"value": 0xA5}),
    "fill_words": Case({"value": CANARY}),
    "xor_with_byte": Case({"key": 0x58}),
    "narrow_u16_to_u8_saturating": Case({}, {"data": _between(0, 512, numpy.uint16)}),
    "narrow_i32_to_i16_saturating": Case({}, {"data": _between(-65536, 65536, numpy.int32)}),
}
"""Of a function that is not here, every buffer is random, and there is no scalar but the length."""


def type_of(type: ScalarType) -> Any:
    return numpy.dtype(f"{'i' if type.signed else 'u'}{type.bytes}")


def parameters(contract: Contract) -> tuple[Parameter, ...]:
    assert contract.signature is not None
    return contract.signature.parameters


def element_bytes(contract: Contract) -> int:
    """The bytes that one more element takes, of that buffer of which it is most."""
    return max(length_of(p.buffer.length, {"n": 1}) * p.type.bytes for p in parameters(contract) if p.buffer)


def random_elements(rng: Random, n: int, type: ScalarType) -> Any:
    return numpy.frombuffer(rng.bytes(n * type.bytes), type_of(type)).copy()


def measured_values(contract: Contract, n: int, rng: Random, middle: bool = False) -> Values:
    """A call of `n` elements that goes through all of them or, with `middle`, stops at the middle one."""
    case = CASES.get(contract.name, Case())
    values: Values = {}
    for p in parameters(contract):
        if p.buffer is None:
            values[p.name] = n if p.name == "n" else case.scalars[p.name]
        else:
            count = length_of(p.buffer.length, {"n": n})
            make = case.buffers.get(p.name)
            content = make(rng, count) if make else random_elements(rng, count, p.type)
            values[p.name] = content.astype(type_of(p.type))
    if middle and case.stop and n > 0:
        buffer, value = case.stop
        content = values[buffer]
        content[n // 2] = ~content[n // 2] if value is None else value
    return values


def compared_values(contract: Contract, oracle: Oracle, n: int, rng: Random) -> Iterator[Values]:
    """Calls of `n` elements that C and this tool should agree on: the measured ones, random ones, ones of few
    different elements, and ones that are regular but for one element."""
    measured = measured_values(contract, n, rng)
    scalars = {p.name: n if p.name == "n" else int(random_elements(rng, 1, p.type)[0])
               for p in parameters(contract) if p.buffer is None}

    def buffer(p: Parameter, kind: str) -> Any:
        regular = measured[p.name]
        content = regular.copy() if kind == "regular" else random_elements(rng, regular.size, p.type)
        edges = [p.type.minimum, 0, 1, p.type.maximum - 1, p.type.maximum,
                 *(value for value in scalars.values() if p.type.minimum <= value <= p.type.maximum)]
        if kind == "few":
            content = rng.choice(numpy.array(edges, type_of(p.type)), len(content))
        elif kind == "regular" and len(content) > 0:
            content[rng.integers(len(content))] = rng.choice(numpy.array(edges, type_of(p.type)))
        return content

    tried = [measured, measured_values(contract, n, rng, middle=True)]
    for kind in ("random", "few", "regular", "regular"):
        given = measured if kind == "regular" else scalars
        tried.append({p.name: buffer(p, kind) if p.buffer else given[p.name] for p in parameters(contract)})
    for values in tried:
        if oracle.requires(tuple(v if isinstance(v, int) else tuple(v.tolist()) for v in values.values())):
            yield values
