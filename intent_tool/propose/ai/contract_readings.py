"""Several readings of one prose, compared: where they differ, the prose is silent or ambiguous."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Union

from intent_tool.language.contract import Contract
from intent_tool.language.oracle import Arguments, Oracle, OracleFault, shown, shown_call
from intent_tool.language.sample_hints import hints_of
from intent_tool.language.sample_values import boundary_values
from intent_tool.language.samples import sample_inputs

COMPARED = 300
"""Inputs from each contract."""
MOST_QUESTIONS = 8
_READERS = ("one reading", "another", "a third", "a fourth", "a fifth")


@dataclass(frozen=True, slots=True)
class Value:
    result: int | None
    writes: tuple[tuple[str, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class Allowed:
    """Of the results that were tried, those that `ensures` allows."""

    results: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """No value: `why` is ``not allowed`` (by `requires`), ``no value``, or ``not compared``."""

    why: str


Outcome = Union[Value, Allowed, Nothing]


@dataclass(frozen=True, slots=True)
class Comparison:
    chosen: int
    """Which of the contracts most agree with, the first where none agrees with another."""
    distinct: int
    """How many behave differently."""
    inputs: int
    """How many they were compared on."""
    questions: tuple[str, ...]
    is_complete: bool
    """False when time was up, or something cannot be compared."""


def compare(contracts: Sequence[Contract], bare: Contract, seconds: float) -> Comparison:
    """Compares contracts of one function; `bare` is it without a formula. Takes about `seconds` at most."""
    oracles = [Oracle(contract) for contract in contracts]
    inputs = _inputs([bare, *contracts])
    deadline = time.monotonic() + seconds
    rows: list[tuple[Arguments, list[Outcome]]] = []
    for given in inputs:
        if time.monotonic() > deadline:
            break
        rows.append((given, _outcomes(oracles, given)))
    behaviours = [tuple(row[i] for _, row in rows) for i in range(len(contracts))]
    known = [any(o == Nothing("not compared") for o in behaviour) for behaviour in behaviours]
    groups = {i: [j for j in range(len(contracts)) if j == i or (behaviours[j] == behaviours[i] and not known[i])]
              for i in range(len(contracts))}
    chosen = max(groups, key=lambda i: (len(groups[i]), -i))
    firsts = [i for i, group in groups.items() if group[0] == i]
    order = [chosen, *(i for i in firsts if i not in groups[chosen])]
    differing = [(given, [row[i] for i in order]) for given, row in rows if len({row[i] for i in order}) > 1]
    differing.sort(key=lambda found: smallness(found[0]))
    questions = [_question(bare.name, given, row) for given, row in differing[:MOST_QUESTIONS]]
    return Comparison(chosen, len(order), len(rows), tuple(questions), len(rows) == len(inputs) and not any(known))


def smallness(given: Arguments) -> tuple[int, int, str]:
    """What inputs are sorted by: how long they are, how great their numbers."""
    numbers = [n for value in given for n in (value if isinstance(value, tuple) else (value,))]
    return len(numbers), sum(map(abs, numbers)), repr(given)


def _inputs(contracts: Sequence[Contract]) -> list[Arguments]:
    found: dict[Arguments, None] = {}
    for contract in contracts:
        found |= dict.fromkeys(sample_inputs(contract, Oracle(contract), COMPARED, seed=0x0F0A))
    return list(found)


def _outcomes(oracles: Sequence[Oracle], given: Arguments) -> list[Outcome]:
    by_formula = {i: _value(oracle, given) for i, oracle in enumerate(oracles) if not oracle.contract.ensures}
    seen = {o.result for o in by_formula.values() if isinstance(o, Value) and o.result is not None}
    return [by_formula[i] if i in by_formula else _allowed(oracle, given, seen) for i, oracle in enumerate(oracles)]


def _value(oracle: Oracle, given: Arguments) -> Outcome:
    try:
        if not oracle.requires(given):
            return Nothing("not allowed")
        result = int(oracle.returns(given)) if oracle.contract.returns is not None else None
        return Value(result, tuple(sorted(oracle.writes(given).items())))
    except OracleFault:
        return Nothing("no value")


def _allowed(oracle: Oracle, given: Arguments, seen: set[int]) -> Outcome:
    type = oracle.signature.result
    try:
        if not oracle.requires(given):
            return Nothing("not allowed")
        if type is None or oracle.writable:
            return Nothing("not compared")
        constants = hints_of(oracle.contract, oracle).constants
        if type.bits == 8:
            seen = {*seen, *range(type.minimum, type.maximum + 1)}
        tried = {*boundary_values(type.minimum, type.maximum, constants), *seen, *range(17)}
        results = sorted(r for r in tried if type.minimum <= r <= type.maximum and oracle.ensures(given, r, {}))
    except OracleFault:
        return Nothing("no value")
    # The only result that is left is what a formula would say.
    return Value(results[0], ()) if len(results) == 1 else Allowed(tuple(results))


def _question(name: str, given: Arguments, row: Sequence[Outcome]) -> str:
    different = list(dict.fromkeys(row))
    parts = [f"{_shown(outcome)} by {_READERS[min(i, len(_READERS) - 1)]}" for i, outcome in enumerate(different)]
    return f"{shown_call(name, given)}: {', '.join(parts)}"


def _shown(outcome: Outcome) -> str:
    if isinstance(outcome, Nothing):
        return outcome.why
    if isinstance(outcome, Allowed):
        return "any of " + shown(outcome.results) if outcome.results else "no result"
    parts = [shown(outcome.result)] if outcome.result is not None else []
    return "; ".join([*parts, *(f"{buffer} == {shown(content)}" for buffer, content in outcome.writes)])
