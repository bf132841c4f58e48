"""Does a mutant do what the original does? On so many inputs that a wrong proof would have to be lucky.

The oracle says of the first inputs what is right, also for the original; for the others the original itself does,
since it answers a thousand times as fast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from mutants import Mutant, Original

from intent_tool.judge.calls import Arguments, make_batch
from intent_tool.judge.compare import Context, failures, finished, returned
from intent_tool.judge.emulate import run_harness, runner_path
from intent_tool.judge.expect import Expectation, expect
from intent_tool.judge.image import read_image
from intent_tool.judge.stops import stop_problem
from intent_tool.judge.trial import PAGE, lay_down, make_job
from intent_tool.language.contract import Contract
from intent_tool.language.oracle import Oracle
from intent_tool.language.samples import sample_inputs

VECTORS = 1_000_000
_IN_ONE_RUN = 50_000
_BY_ORACLE = 10_000
_SEED = 11


class OriginalWrong(Exception):
    """The original does not do what its contract demands."""


def inputs_of(contract: Contract, vectors: int = VECTORS) -> Callable[[], Sequence[Arguments]]:
    """So many inputs, or all that there are when those are fewer; drawn when they are asked for, and once only."""
    return cache(lambda: sample_inputs(contract, Oracle(contract), vectors, _SEED))


def differences(original: Original, mutants: Sequence[Mutant], inputs: Sequence[Arguments]) -> list[str | None]:
    """For each mutant the first input on which it does not do what the original does, and what it does there; None
    where there is no such input."""
    runner = runner_path(original.target)
    if runner is None:
        raise OSError(f"{original.target.runner[0]} is not installed")
    found: list[str | None] = [None] * len(mutants)
    for start in range(0, len(inputs), _IN_ONE_RUN):
        part = inputs[start:start + _IN_ONE_RUN]
        calls = _Calls(original, part, runner, start // _IN_ONE_RUN, by_oracle=start < _BY_ORACLE)
        for number, mutant in enumerate(mutants):
            found[number] = found[number] or calls.difference(mutant)
    return found


class _Calls:
    """The original's calls on some inputs, for others to be compared with."""

    def __init__(self, original: Original, inputs: Sequence[Arguments], runner: str, seed: int, *,
                 by_oracle: bool) -> None:
        contract, target = original.contract, original.target
        self.original, self.runner, self.seed = original, runner, seed
        batch = make_batch(contract, target, inputs, page=PAGE, seed=seed)
        self.job = make_job(lay_down(read_image(original.binary, contract.name, target), seed), batch, seed)
        oracle = Oracle(contract)
        outcome = run_harness(target, runner, self.job)
        expected = expect(contract, oracle, inputs) if by_oracle else None
        self.context = Context(contract, target, oracle, batch, expected or Expectation(None, None), outcome)
        self.is_expected = by_oracle
        done = finished(batch, outcome)
        if done < len(inputs):
            raise OriginalWrong(stop_problem(contract, batch, self.job, outcome, done))
        if outcome.outside:
            raise OriginalWrong(f"it writes to {outcome.outside:#x}, outside its buffers")
        for failure in failures(self.context) if by_oracle else ():
            raise OriginalWrong(failure.what)

    def difference(self, mutant: Mutant) -> str | None:
        """What the first call says in which the mutant does something else."""
        contract, batch = self.original.contract, self.context.batch
        placed = lay_down(read_image(mutant.binary, contract.name, self.original.target), self.seed)
        job = replace(self.job, image_address=placed.address, image=placed.content, entry=placed.entry)
        outcome = run_harness(self.original.target, self.runner, job)
        if outcome.results == self.context.outcome.results and not outcome.outside:
            return None
        if not self.is_expected:
            # Late, since hardly any mutant that was proved comes here.
            self.context, self.is_expected = replace(self.context, expected=self._as_it_did()), True
        failure = next(failures(replace(self.context, outcome=outcome)), None)
        if failure is not None:
            return failure.what
        done = finished(batch, outcome)
        if done < len(batch.inputs):
            return stop_problem(contract, batch, job, outcome, done)
        return f"it writes to {outcome.outside:#x}, outside its buffers" if outcome.outside else None

    def _as_it_did(self) -> Expectation:
        """The results and contents that the contract has a formula for, from what the calls left behind."""
        contract = self.original.contract
        left = [returned(self.context, i) for i in range(len(self.context.batch.inputs))]
        results = [one.result or 0 for one in left] if contract.returns is not None else None
        contents = [{name: one.after[name] for name in contract.writes} for one in left] if contract.writes else None
        return Expectation(results, contents)
