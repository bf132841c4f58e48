"""From prose and examples to a proposed contract: a model proposes it, and everything that it says is checked.

What its expressions come to is found out in a worker process (`contract_trial`)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from intent_tool.contract_check import check
from intent_tool.contract_trial import compared, tried
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import IntentError, error
from intent_tool.propose.ai.client import Client, Spent
from intent_tool.propose.ai.contract_answer import Formula, Unreadable, read_formula
from intent_tool.propose.ai.contract_bare import bare_contract
from intent_tool.propose.ai.contract_prompt import Failure, question
from intent_tool.propose.ai.contract_text import formula_text, with_formula

FURTHER_ROUNDS = 3
"""For each reading after the first: they only serve to compare."""
SHOWN_REASONS = 6

Progress = Callable[[str, int, float], None]
"""Is told what is asked for, and the tokens and seconds of the answer so far."""


@dataclass(frozen=True, slots=True)
class Formalised:
    text: str
    """The file's new text."""
    formula: Formula
    questions: tuple[str, ...]
    """Inputs that different readings of the prose treat differently."""
    uncovered: tuple[str, ...]
    """Items for `examples`."""
    checked: tuple[str, ...]
    """What was checked, and what stays open."""
    rounds: int
    """Questions that the provider answered."""
    provider: str
    model: str


@dataclass(slots=True)
class _Run:
    path: Path
    root: Path
    text: str
    contract: Contract
    client: Client
    progress: Progress
    worker: Callable[..., dict[str, Any]]
    spent: Spent = field(default_factory=Spent)
    rounds: int = 0
    reasons: list[str] = field(default_factory=list)
    """Of rounds that failed, a line each."""
    last: Failure | None = None


@dataclass(frozen=True, slots=True)
class _Passed:
    formula: Formula
    text: str
    notes: tuple[str, ...]


def formalise(path: Path, data: bytes, root: Path, client: Client, rounds: int, samples: int,
              progress: Progress) -> Formalised:
    """A contract for the intent in `path`, whose content is `data`. Nothing is written.

    Raises `IntentError`: E961 when there is nothing to formalise, E960 when no answer within `rounds` holds a
    contract that passes every check, what is wrong with the file itself, and what the provider raises."""
    contract = bare_contract(path, data, root)
    check(contract)
    from intent_tool.scons.worker import WorkerLost, WorkerPool

    pool = WorkerPool(1)

    def worker(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
        try:
            found: dict[str, Any] = pool.submit(function, *arguments).result()
            return found
        except WorkerLost as lost:
            why = str(lost)
            return {"problems": ["checking the contract takes too long" if "SIGALRM" in why else
                                 f"checking the contract takes too much: {why}"]}

    run = _Run(path, root, data.decode("utf-8"), contract, client, progress, worker)
    try:
        return _formalise(run, rounds, samples)
    finally:
        pool.shutdown(wait=False)


def _formalise(run: _Run, rounds: int, samples: int) -> Formalised:
    passed: list[_Passed] = []
    stopped = ""
    for reading in range(samples):
        try:
            found = _reading(run, reading, rounds if reading == 0 else min(rounds, FURTHER_ROUNDS))
        except IntentError as failure:
            if not passed:
                raise
            stopped = "; ".join(d.message for d in failure.diagnostics)
            break
        if found is None and not passed:
            raise _none_found(run)
        passed += [found] if found is not None else []
    comparison = run.worker(compared, [p.text for p in passed], run.text, str(run.path), str(run.root))
    chosen = passed[comparison.get("chosen", 0)]
    checked = [_examples(run.contract), *chosen.notes, _comparison(passed, samples, comparison)]
    checked += [f"further readings were not asked for: {stopped}"] if stopped else []
    provider = run.client.provider
    questions, examples = comparison.get("questions", ()), comparison.get("uncovered", ())
    return Formalised(chosen.text, chosen.formula, tuple(questions), tuple(examples), tuple(checked), run.rounds,
                      provider.name, provider.model)


def _reading(run: _Run, reading: int, rounds: int) -> _Passed | None:
    last: Failure | None = None
    for round_ in range(rounds):
        about = f"reading {reading + 1}, round {round_ + 1}"
        answer = run.client.ask(question(run.contract, reading, round_, last), run.spent,
                                partial(run.progress, about))
        run.rounds += 1
        # A server that repeats the key does not get it printed.
        text = run.client.provider.key.hidden_in(answer.text)
        if answer.is_cut:
            outcome: _Passed | Failure = Failure(text, (
                f"the answer was cut off after {answer.tokens_out} tokens: it is too long",), is_contract=False)
        else:
            outcome = _tried(run, text)
        if isinstance(outcome, _Passed):
            return outcome
        # A model that repeats itself does not get over what it is shown; it starts afresh.
        last = outcome if last is None or outcome.contract != last.contract else None
        run.reasons.append(f"{about}: {_short(outcome.problems)}")
        run.last = outcome
    return None


def _tried(run: _Run, answer: str) -> _Passed | Failure:
    key = run.client.provider.key
    try:
        formula = read_formula(answer, run.contract)
    except Unreadable as problem:
        return Failure(answer, (key.hidden_in(str(problem)),), is_contract=False)
    if key.hidden_in(repr(formula)) != repr(formula):
        # JSON has more than one way to write it.
        return Failure("", ("the answer holds the provider's key",), is_contract=False)
    try:
        text = with_formula(run.text, formula, str(run.path))
    except Unreadable as problem:
        return Failure(formula_text(formula), (str(problem),))
    reply = run.worker(tried, text, str(run.path), str(run.root))
    if reply["problems"]:
        return Failure(formula_text(formula), tuple(reply["problems"]))
    return _Passed(formula, text, tuple(reply["notes"]))


def _examples(contract: Contract) -> str:
    count = len(contract.function_examples)
    return f"{count} example{'s agree' if count != 1 else ' agrees'}" if count else (
        "there are no examples: nothing but the prose says whether this is what is wanted")


def _comparison(passed: list[_Passed], samples: int, found: dict[str, Any]) -> str:
    if "distinct" not in found:
        return "the readings were not compared: " + "; ".join(found["problems"])
    if len(passed) == 1:
        return f"1 of {samples} readings passed, so there is nothing to compare it with" if samples > 1 else (
            "1 reading was asked for, so there is nothing to compare it with")
    same = "all behave alike" if found["distinct"] == 1 else f"{found['distinct']} behave differently"
    return (f"{len(passed)} of {samples} readings passed; on {found['inputs']} inputs {same}"
            + ("" if found["complete"] else ", as far as they could be compared"))


def _short(problems: tuple[str, ...]) -> str:
    """The first problem without its place, and how many there are."""
    first = re.sub(r"^[^\n]*?: error\[(\w+)\]: ", r"\1: ", problems[0].split("\n")[0])
    return first + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else "")


def _none_found(run: _Run) -> IntentError:
    lines = [f"  {reason}" for reason in run.reasons[-SHOWN_REASONS:]]
    if run.last is not None and run.last.is_contract:
        lines += ["the last contract was", *(f"  {line}" for line in run.last.contract.splitlines())]
    rounds = f"{run.rounds} round{'s' if run.rounds != 1 else ''}"
    return error("E960", f"no contract for `{run.contract.name}` was found in {rounds}; the last reasons:\n"
                 + "\n".join(lines), None, "say more in the prose, add examples, or give more rounds with --rounds")
