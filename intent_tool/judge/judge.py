"""The judge of functions: a contract, a target and bytes go in, a verdict comes out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from intent_tool.judge.admit import admit_function
from intent_tool.judge.budget import proof_seconds
from intent_tool.judge.calls import Arguments, buffer_groups
from intent_tool.judge.embedded import run_embedded, run_harness_embedded, supports
from intent_tool.judge.emulate import run_harness, runner_path
from intent_tool.judge.evidence import Evidence, establish
from intent_tool.judge.examples import Answers, example_calls, example_problems
from intent_tool.judge.harness.protocol import Job, Outcome
from intent_tool.judge.image import read_image
from intent_tool.judge.refusal import Refused
from intent_tool.judge.trial import Run, Subject, Trial, lay_down, repeat, run_trial
from intent_tool.judge.verdict import Verdict
from intent_tool.language.contract import Contract
from intent_tool.language.oracle import Oracle, OracleFault
from intent_tool.machine.target import Target

_SECOND_OPINION = 100
"""Inputs, besides the examples, for the second emulator and for a second layout in memory."""
_SHORT = 5000
"""Elements of the longest buffers for the second emulator, which is slow."""
_MOST_SHOWN = 4
_REPEATS = 32
_ROUNDS = 8
"""How deep the calls of an example may be nested."""


def judge_function(contract: Contract, target: Target, binary: bytes, symbol: str,
                   inputs: Sequence[Arguments] | None = None, *, vectors: int = 10_000, seed: int = 1,
                   seconds: float | None = None) -> Verdict:
    """Judges the function `symbol` of a finished file against its contract: first tests, then a proof.

    `inputs` replaces the judge's own choice of `vectors` inputs, which depends on `seed` alone. `seconds` is what
    each proof may take, of the contract and of the function (`proof_seconds()` for None); with 0 there is none.
    Whatever is wrong with the binary is in the verdict's problems; nothing is raised for it.
    """
    instructions = size = 0
    try:
        image = read_image(binary, symbol, target)
        decoded, problems = admit_function(lay_down(image, 2 * seed), target, contract.limits)
        instructions, size = len(decoded), len(image.code)
        if problems:
            raise Refused(*problems)
        oracle = Oracle(contract)
        runner = runner_path(target)
        lacking = supports(target, {i.mnemonic for i in decoded})
        if runner is None and lacking is not None:
            raise Refused(f"it cannot be run: {target.runner[0]} is not installed, and {lacking}")
        first: Run = partial(_harness, target, runner) if runner is not None else partial(_embedded_harness, target)
        subject = Subject(contract, target, oracle, image, first)
        emulators = _Emulators(target.runner[0] if runner is not None else None, lacking)
        verdict = _run(subject, emulators, _inputs(contract, oracle, inputs, vectors, seed), seed)
        if verdict.accepted:
            verdict = _proved(subject, emulators, verdict, proof_seconds() if seconds is None else seconds)
    except Refused as refused:
        verdict = Verdict(False, "none", refused.problems, 0, (), 0, 0)
    except OracleFault as fault:
        verdict = Verdict(False, "none", (f"the contract has no value for an input: {fault.message}",), 0, (), 0, 0)
    return replace(verdict, instructions=instructions, bytes=size)


@dataclass(frozen=True, slots=True)
class _Emulators:
    """Which there are."""

    runner: str | None
    """The user-mode emulator's name."""
    lacking: str | None
    """Why unicorn cannot run the code; None when it can."""


def _harness(target: Target, runner: str, job: Job, _starts: Sequence[int]) -> Outcome:
    return run_harness(target, runner, job)


def _embedded_harness(target: Target, job: Job, _starts: Sequence[int]) -> Outcome:
    return run_harness_embedded(target, job)


def _inputs(contract: Contract, oracle: Oracle, inputs: Sequence[Arguments] | None, vectors: int,
            seed: int) -> list[Arguments]:
    if inputs is None:
        from intent_tool.language.samples import sample_inputs
        inputs = sample_inputs(contract, oracle, vectors, seed)
    return list(inputs)


def _run(subject: Subject, emulators: _Emulators, inputs: list[Arguments], seed: int) -> Verdict:
    """Runs all inputs under the first emulator and some under the second, there with the constants elsewhere."""
    contract = subject.contract
    asked = example_calls(contract, {})
    # Smallest first, so that the first failure is the smallest one.
    everything = _on_both_sides(sorted({*asked, *inputs}, key=_size))
    trial = run_trial(subject, everything, 2 * seed, asked=frozenset(asked))
    problems = _problems(subject, everything, trial, seed)
    depth = trial.depth
    if not problems:
        problems += _examples(subject, dict(trial.answers), seed)
    ran = [emulators.runner or "unicorn"]
    second = subject
    if emulators.lacking is None:
        second = replace(subject, run=partial(run_embedded, subject.target))
        ran = list(dict.fromkeys([*ran, "unicorn"]))
    if not problems and (emulators.lacking is None or subject.image.blocks):
        selection = _on_both_sides(sorted({*asked, *_selected(inputs)}, key=_size))
        again = run_trial(second, selection, 2 * seed + 1)
        under = "under unicorn, " if second is not subject else ""
        problems += [under + p for p in _problems(second, selection, again, seed)]
        depth = max(depth, again.depth)
    if "stack" in contract.limits and depth > contract.limits["stack"]:
        problems.append(f"it uses {depth} bytes of stack, the limit is {contract.limits['stack']}")
    return Verdict(not problems, "none" if problems else "tested", tuple(problems), trial.calls, tuple(ran), 0, 0)


def _on_both_sides(inputs: list[Arguments]) -> list[Arguments]:
    """The inputs, those twice with a buffer that no other input has with that length: of calls with a buffer of one
    length every second has the inaccessible page at its other end."""
    lengths = [[(i, len(a)) for i, a in enumerate(arguments) if isinstance(a, tuple)] for arguments in inputs]
    number = Counter(chain.from_iterable(lengths))
    return [arguments for arguments, those in zip(inputs, lengths, strict=True)
            for _ in range(2 if any(number[one] == 1 for one in those) else 1)]


def _selected(inputs: Sequence[Arguments]) -> list[Arguments]:
    """The first inputs, and two of every extent that buffers have, for either end of them."""
    found = list(inputs[:_SECOND_OPINION])
    seen: dict[int, int] = {}
    for arguments in inputs[_SECOND_OPINION:]:
        extent = sum(len(a) for a in arguments if isinstance(a, tuple))
        seen[extent] = seen.get(extent, 0) + 1
        if seen[extent] <= 2 and extent <= _SHORT and len(found) < 4 * _SECOND_OPINION:
            found.append(arguments)
    return found


def _proved(subject: Subject, emulators: _Emulators, verdict: Verdict, seconds: float) -> Verdict:
    """The verdict on a function that passed its tests, with as much more as a proof shows."""
    evidence = establish(subject, seconds) if seconds else Evidence("tested", unproved=("not proved: not asked for",))
    return replace(verdict, accepted=not evidence.problems, evidence=evidence.level, problems=evidence.problems,
                   unchecked=(*_unchecked(subject, emulators, evidence), *evidence.unproved),
                   longest=evidence.longest, solvers=evidence.solvers, kept=evidence.kept)


def _size(arguments: Arguments) -> int:
    """Which of two failing inputs a person would rather read."""
    total = 0
    for argument in arguments:
        if isinstance(argument, int):
            total += abs(argument)
        elif isinstance(argument, tuple):
            total += 1000 * len(argument) + sum(map(abs, argument))
    return total


def _problems(subject: Subject, inputs: Sequence[Arguments], trial: Trial, seed: int) -> list[str]:
    """The first failure, others of the same call, and the call that stopped the run."""
    problems: list[str] = []
    if trial.failures:
        first = trial.failures[0].index
        problems += [f.what for f in trial.failures if f.index == first]
        problems[0] += _diagnosis(subject, inputs[first], seed)
    if trial.stop is not None:
        problems.append(trial.stop.what)
    return problems[:_MOST_SHOWN]


def _diagnosis(subject: Subject, arguments: Arguments, seed: int) -> str:
    """A hint at why the call with `arguments` goes wrong, from making it again with other junk all around."""
    calls = repeat(subject, arguments, _REPEATS, 2 * seed)
    if calls is None:
        return ""
    if subject.target.abi.narrow_values == "undefined":
        clean = repeat(subject, arguments, _REPEATS, 2 * seed, junk=False)
        if clean is not None and not clean.failed:
            return " (it depends on the upper bits of a narrow argument, which may hold anything)"
    if any(answer != calls.answers[0] for answer in calls.answers):
        from intent_tool.judge.prove import unwritten_registers

        names = ", ".join(unwritten_registers(subject.contract, subject.target, subject.image))
        moves = ", or depends on where a buffer is" if not names and buffer_groups(subject.contract) else ""
        return (f" (and changes from call to call: it uses {names or 'a register or memory'} before writing to it"
                f"{moves})")
    return ""


def _examples(subject: Subject, answers: Answers, seed: int) -> list[str]:
    """The examples that do not hold; makes the calls that only the answers of other calls lead to."""
    for _ in range(_ROUNDS):
        missing = example_calls(subject.contract, answers)
        if not missing:
            return example_problems(subject.contract, answers)
        bad = [a for a in missing if not subject.oracle.requires(a)]
        if bad:
            return [f"an example calls the function with {bad[0]}, which does not keep `requires`"]
        trial = run_trial(subject, missing, 2 * seed, asked=frozenset(missing))
        problems = _problems(subject, missing, trial, seed)
        if problems:
            return problems
        answers |= trial.answers
    return [f"an example nests more than {_ROUNDS} calls"]


def _unchecked(subject: Subject, emulators: _Emulators, evidence: Evidence) -> Iterable[str]:
    contract = subject.contract
    if emulators.runner is None:
        yield f"a second emulator: {subject.target.runner[0]} is not installed"
    elif emulators.lacking is not None:
        yield f"a second emulator: {emulators.lacking}"
    if contract.secret and not evidence.followed:
        yield f"secret: whether {', '.join(sorted(contract.secret))} influence timing"
    if "stack" in contract.limits and not evidence.followed:
        yield "stack: measured on the calls that were made, not bounded for all"
