"""The judge of programs: static executables that read, write, get memory and exit.

Every run is made in unicorn first, where nothing can happen to this machine, then under the user-mode emulator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from intent_tool.judge.calls import Arguments
from intent_tool.judge.embedded import supports
from intent_tool.judge.emulate import runner_path
from intent_tool.judge.judge import judge_function
from intent_tool.judge.kernel import ALL
from intent_tool.judge.program_cases import Case, piece_cases, trouble_cases, typical_runs
from intent_tool.judge.program_image import admit_program, read_program
from intent_tool.judge.program_inputs import BLOCKS, Run, choose_runs, example_runs, has_formula
from intent_tool.judge.program_outcome import outcome_problems
from intent_tool.judge.program_runs import Emulator, Executable, run_embedded
from intent_tool.judge.refusal import Refused
from intent_tool.judge.verdict import PartVerdict, Verdict
from intent_tool.language.contract import Contract
from intent_tool.language.oracle import Oracle, OracleFault
from intent_tool.machine.target import Target

_PART_VECTORS, _MOST_COSTLY = 2_000, 8
"""Inputs of a part, and how many of them may take too long before no more are looked for."""
_SECOND_RUNS = 24
"""Inputs, besides the examples, for the user-mode emulator where unicorn has run all."""
_SECOND_PIECES = 6
_FEW = 100
"""Bytes of standard input that may come one by one under the user-mode emulator."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """A function inside of the executable: a global symbol, and what it must do."""

    symbol: str
    contract: Contract


def judge_program(contract: Contract, target: Target, executable: bytes, parts: Sequence[Part] = ()) -> Verdict:
    """Judges a static executable against a program's contract, and the functions in it that have contracts of their
    own. Whatever is wrong with it is in the verdict."""
    instructions = size = 0
    try:
        image = read_program(executable, target)
        admission = admit_program(image, contract, target)
        instructions, size = len(admission.instructions), len(image.code)
        if admission.problems:
            raise Refused(*admission.problems)
        runner = runner_path(target)
        lacking = supports(target, {i.mnemonic for i in admission.instructions})
        if runner is None and lacking is not None:
            raise Refused(f"it cannot be run: {target.runner[0]} is not installed, and {lacking}")
        subject = _Subject(contract, target, Executable(target.isa, contract.name, executable, admission.calls),
                           runner, lacking)
        verdict = _run_all(subject)
        if verdict.accepted:
            verdict = _with_parts(verdict, target, executable, parts)
    except Refused as refused:
        verdict = Verdict(False, "none", refused.problems, 0, (), 0, 0)
    except OracleFault as fault:
        verdict = Verdict(False, "none", (f"the contract has no value for an input: {fault.message}",), 0, (), 0, 0)
    return replace(verdict, instructions=instructions, bytes=size)


@dataclass(frozen=True, slots=True)
class _Subject:
    contract: Contract
    target: Target
    executable: Executable
    runner: str | None
    """Where the user-mode emulator is."""
    lacking: str | None
    """Why unicorn cannot run the code; None when it can."""


def _run_all(subject: _Subject) -> Verdict:
    blocks = _blocks(subject)
    chosen = choose_runs(subject.contract, blocks)
    if not any(run.is_known for run in chosen.runs):
        raise Refused("there is nothing to judge it by: no examples, and no input for which the contract has a value",
                      *chosen.unchecked)
    problems: list[str] = []
    emulators = []
    made = 0
    used = frozenset({"read", "write", "mmap"})
    if subject.lacking is None:
        emulators.append("unicorn")
        found, used = _embedded_runs(subject, chosen.runs)
        cases = [*(piece_cases(chosen.runs, blocks) if "read" in used else ()),
                 *trouble_cases(chosen.runs, used)]
        problems = found or _first(_embedded_cases(subject, cases))
        made = len(chosen.runs) + len(cases)
    if subject.runner is not None and not problems:
        emulators.insert(0, subject.target.runner[0])
        command = (subject.runner, *subject.target.runner[1:])
        with closing(Emulator(command, subject.executable)) as emulator:
            trials = list(_emulated_trials(subject, emulator, chosen.runs, used))
            problems = _first(trial() for trial in trials)
        made = max(made, len(trials))
    return Verdict(not problems, "none" if problems else "tested", tuple(problems), made, tuple(emulators), 0, 0,
                   (*_unchecked(subject), *chosen.unchecked))


def _first(found: Iterable[list[str]]) -> list[str]:
    """The problems of the first run that has any."""
    return next((problems for problems in found if problems), [])


def _blocks(subject: _Subject) -> tuple[int, ...]:
    """How many bytes the program reads at once, where that can be seen and is not enormous."""
    if subject.lacking is not None:
        return ()
    _, process = run_embedded(subject.executable, next(iter(example_runs(subject.contract)), Run((), b"")))
    return (process.most_read,) if 0 < process.most_read <= max(BLOCKS) else ()


def _embedded_runs(subject: _Subject, runs: Sequence[Run]) -> tuple[list[str], frozenset[str]]:
    """The problems of the first bad run, and the system calls that were made, by name."""
    used: frozenset[str] = frozenset()
    for run in runs:
        outcome, process = run_embedded(subject.executable, run)
        used |= process.used
        problems = list(outcome_problems(subject.contract.name, run, outcome))
        if problems:
            return problems, used
    return [], used


def _embedded_cases(subject: _Subject, cases: Iterable[Case]) -> Iterator[list[str]]:
    for case in cases:
        outcome, _ = run_embedded(subject.executable, case.run, case.situation)
        yield list(outcome_problems(subject.contract.name, case.run, outcome, case.when))


def _emulated_trials(subject: _Subject, emulator: Emulator, runs: Sequence[Run],
                     used: frozenset[str]) -> Iterator[Callable[[], list[str]]]:
    """What is to be run under the user-mode emulator; a selection where unicorn has run all."""
    is_second = subject.lacking is None
    name = subject.contract.name

    def trial(run: Run, when: str = "", **given: Any) -> Callable[[], list[str]]:
        return lambda: list(outcome_problems(name, run, emulator.run(run, **given), when))

    asked = len(subject.contract.program_examples)
    for run in (*runs[:asked], *_spread(runs[asked:], _SECOND_RUNS if is_second else len(runs))):
        yield trial(run)
    if "read" in used:
        cases = [c for c in piece_cases(runs) if c.situation.reads.then > 1 or len(c.run.stdin) <= _FEW]
        for case in _spread(cases, _SECOND_PIECES if is_second else len(cases)):
            yield trial(case.run, case.when, pieces=(*case.situation.reads.first, case.situation.reads.then))
        for run in typical_runs(runs, _FEW):
            yield trial(run, "where standard input is a folder", stdin="/", fails=True if is_second else None)
    if "write" in used:
        for run in typical_runs(runs, ALL):
            fails = bool(run.stdout)
            yield trial(run, "where standard output is full", stdout="/dev/full", fails=fails)
            yield trial(run, "where standard output cannot be written", stdout="/dev/null", fails=fails)
            yield trial(run, "where nobody reads standard output", stdout="|", fails=fails)


def _spread(items: Sequence[T], most: int) -> list[T]:
    """At most so many of the items, evenly, with the last."""
    if len(items) <= most:
        return list(items)
    return [items[(number + 1) * len(items) // most - 1] for number in range(most)]


def _with_parts(verdict: Verdict, target: Target, executable: bytes, parts: Iterable[Part]) -> Verdict:
    """The verdict with those on the parts; one that is refused refuses the program."""
    found, unchecked = [], list(verdict.unchecked)
    for part in parts:
        inputs, is_costly = _inputs(part.contract)
        if is_costly:
            unchecked.append(f"part {part.symbol} on inputs that its contract takes too long to evaluate")
        judged = judge_function(part.contract, target, executable, part.symbol, inputs)
        if not judged.accepted:
            raise Refused(*(f"part {part.symbol}: {problem}" for problem in judged.problems))
        found.append(PartVerdict(part.symbol, judged.evidence, judged.longest, judged.instructions, judged.bytes,
                                 judged.solvers))
    return replace(verdict, parts=tuple(found), unchecked=tuple(unchecked))


def _inputs(contract: Contract) -> tuple[list[Arguments], bool]:
    """What a part is run on, and whether what its contract takes too long to say the value of was left out."""
    from intent_tool.language.samples import sample_inputs

    oracle, found, costly = Oracle(contract), [], 0
    for arguments in sample_inputs(contract, oracle, _PART_VECTORS, 1):
        try:
            if contract.returns is not None:
                oracle.returns(arguments)
            oracle.writes(arguments)
        except OracleFault as fault:
            if fault.kind == "cost":
                costly += 1
                if costly == _MOST_COSTLY:
                    break
                continue
        found.append(arguments)
    return found, costly > 0


def _unchecked(subject: _Subject) -> Iterable[str]:
    if subject.runner is None:
        yield f"a second emulator: {subject.target.runner[0]} is not installed"
    elif subject.lacking is not None:
        yield f"a second emulator: {subject.lacking}"
    if subject.lacking is not None:
        yield f"interrupted system calls, short writes and memory that is refused: {subject.lacking}"
    if "stack" in subject.contract.limits:
        yield "stack: a program's stack is not measured"
    if not has_formula(subject.contract):
        yield "the output, but for the examples: the contract has no formula"
