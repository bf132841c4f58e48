"""What the contract demands of each call, from the oracle alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from intent_tool.judge.calls import Arguments
from intent_tool.language.contract import Contract
from intent_tool.language.oracle import Oracle


@dataclass(frozen=True, slots=True)
class Expectation:
    """For a list of inputs."""

    results: Sequence[int] | None
    """None when the contract has no formula for the result, or none is returned."""
    contents: Sequence[dict[str, tuple[int, ...]]] | None
    """Of the buffers that the contract says the content of, by name; None when there are none."""


def expect(contract: Contract, oracle: Oracle, inputs: Sequence[Arguments]) -> Expectation:
    """Evaluates `returns` and `writes`. Raises `OracleFault` where the contract has no value."""
    results = [int(oracle.returns(i)) for i in inputs] if contract.returns is not None else None
    contents = [oracle.writes(i) for i in inputs] if contract.writes else None
    return Expectation(results, contents)
