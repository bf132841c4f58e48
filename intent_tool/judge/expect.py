"""What the contract demands of each call, from the oracle alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from intent_tool.judge.calls import Arguments
from intent_tool.language.contract import Contract
from intent_tool.language.oracle import Oracle

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Expectation:
    """For a list of inputs."""

    results: Sequence[int] | None
    """None when the contract has no formula for the result, or none is returned."""
    contents: Sequence[dict[str, tuple[int, ...]]] | None
    """Of the buffers that the contract says the content of, by name; None when there are none."""


def expect(contract: Contract, oracle: Oracle, inputs: Sequence[Arguments]) -> Expectation:
    """Evaluates `returns` and `writes`, once for an input that is repeated. Raises `OracleFault` where the contract
    has no value."""
    results = _each(lambda i: int(oracle.returns(i)), inputs) if contract.returns is not None else None
    contents = _each(oracle.writes, inputs) if contract.writes else None
    return Expectation(results, contents)


def _each(function: Callable[[Arguments], T], inputs: Sequence[Arguments]) -> list[T]:
    found: list[T] = []
    for number, arguments in enumerate(inputs):
        found.append(found[-1] if number and arguments is inputs[number - 1] else function(arguments))
    return found
