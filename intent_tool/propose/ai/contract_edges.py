"""Calls at a contract's boundaries that no example covers, written as examples: a person sees what was decided."""

from __future__ import annotations

from collections.abc import Iterator

from intent_tool.language.contract import Contract
from intent_tool.language.oracle import Arguments, Oracle, OracleFault, shown, shown_call
from intent_tool.language.sample_hints import hints_of
from intent_tool.language.samples import example_inputs, sample_inputs
from intent_tool.propose.ai.contract_readings import smallness

MOST = 4
MOST_ELEMENTS = 6
"""Of a buffer; a longer one is no example that anybody reads."""
_LOOKED_AT = 400


def uncovered(contract: Contract) -> tuple[str, ...]:
    """At most `MOST` items for `examples`: first where the result bends (one more makes another difference than one
    less did), then the ends of the types. None for a contract that `ensures` defines, which has no one value."""
    if contract.ensures:
        return ()
    oracle = Oracle(contract)
    covered = set(example_inputs(contract, oracle))
    found = [given for given in dict.fromkeys(_candidates(contract, oracle)) if given not in covered and all(
        isinstance(v, int) or len(v) <= MOST_ELEMENTS for v in given)]
    ends = {bound for p in oracle.signature.parameters for bound in (p.type.minimum, p.type.maximum)}
    ranked = sorted(found, key=lambda given: (not _bends(oracle, given), not any(v in ends for v in given),
                                              smallness(given)))
    lines = (_line(oracle, given) for given in ranked)
    return tuple(line for line, _ in zip((line for line in lines if line), range(MOST), strict=False))


def _candidates(contract: Contract, oracle: Oracle) -> Iterator[Arguments]:
    parameters = oracle.signature.parameters
    if len(parameters) == 1 and parameters[0].buffer is None:
        low, high = parameters[0].type.minimum, parameters[0].type.maximum
        around = [low, high, *(c + step for c in hints_of(contract, oracle).constants for step in (-1, 0, 1))]
        yield from ((v,) for v in around if low <= v <= high and _keeps(oracle, (v,)))
        return
    for example in example_inputs(contract, oracle):
        if all(isinstance(v, int) for v in example):
            yield from (given for given in _near(example, oracle) if _keeps(oracle, given))
    yield from sample_inputs(contract, oracle, _LOOKED_AT, seed=1)


def _near(example: Arguments, oracle: Oracle) -> Iterator[Arguments]:
    """An example with one argument that is another's, or next to it, or at the end of its type."""
    for index, parameter in enumerate(oracle.signature.parameters):
        low, high = parameter.type.minimum, parameter.type.maximum
        others = [v + step for i, v in enumerate(example) if i != index and isinstance(v, int) for step in (0, -1, 1)]
        for value in (*others, low, high):
            if low <= value <= high:
                yield (*example[:index], value, *example[index + 1:])


def _keeps(oracle: Oracle, given: Arguments) -> bool:
    try:
        return oracle.requires(given)
    except OracleFault:
        return False


def _bends(oracle: Oracle, given: Arguments) -> bool:
    for index, value in enumerate(given):
        if isinstance(value, int) and all(isinstance(v, int) for v in given) and oracle.contract.returns is not None:
            near = [(*given[:index], value + step, *given[index + 1:]) for step in (-1, 0, 1)]
            type = oracle.signature.parameters[index].type
            if not type.minimum < value < type.maximum:
                continue
            try:
                before, here, after = (oracle.returns(g) for g in near if oracle.requires(g))
            except (OracleFault, ValueError):
                continue
            if here - before != after - here:
                return True
    return False


def _line(oracle: Oracle, given: Arguments) -> str:
    signature = oracle.signature
    try:
        if not oracle.writable:
            return f"{shown_call(signature.name, given)} == {shown(oracle.returns(given))}"
        after = oracle.writes(given)
        then = [f"{name} == {shown(content)}" for name, content in after.items()]
        then += [f"result == {shown(oracle.returns(given))}"] if signature.result is not None else []
    except OracleFault:
        return ""
    names = (p.name for p in signature.parameters)
    arguments = ", ".join(f"{name}={shown(value)}" for name, value in zip(names, given, strict=True))
    return f"given: {arguments}\n  then: {' and '.join(then)}"
