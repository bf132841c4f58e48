"""A contract's examples, evaluated with what the binary answered in place of the contract's own function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from intent_tool.judge.calls import Arguments
from intent_tool.judge.compare import Returned
from intent_tool.language.contract import Contract, FunctionExample
from intent_tool.language.oracle import Oracle, OracleFault, shown, shown_call

Answers = dict[Arguments, Returned]
"""What the binary did, by input."""


class _NotAnswered(BaseException):
    """An example needs a call that has not been made. Not an Exception, so that the oracle lets it through."""

    def __init__(self, arguments: Arguments) -> None:
        super().__init__()
        self.arguments = arguments


def example_calls(contract: Contract, answers: Answers) -> list[Arguments]:
    """The calls that the examples need next and that are not in `answers`."""
    needed: dict[Arguments, None] = {}
    oracle = _answering(contract, answers, {})
    for example in contract.function_examples:
        try:
            _evaluate(contract, oracle, example, answers)
        except _NotAnswered as missing:
            needed[missing.arguments] = None
        except OracleFault:
            continue
    return list(needed)


def example_problems(contract: Contract, answers: Answers) -> list[str]:
    """One line for each example that the binary does not keep. `answers` must hold every call that they need."""
    problems = []
    used: Answers = {}
    oracle = _answering(contract, answers, used)
    for example in contract.function_examples:
        used.clear()
        try:
            holds = _evaluate(contract, oracle, example, answers)
        except OracleFault as fault:
            problems.append(f"the example `{example.text}` has no value: {fault.message}")
            continue
        if not holds:
            problems.append(f"the example `{example.text}` does not hold{_because(contract, example, used, answers)}")
    return problems


def _answering(contract: Contract, answers: Answers, used: Answers) -> Oracle:
    """An oracle whose calls of the contract's function are looked up in `answers`, and noted in `used`."""
    assert contract.signature is not None
    oracle = Oracle(contract)

    def call(*given: Any) -> int:
        arguments = oracle.checked(given)
        if arguments not in answers:
            raise _NotAnswered(arguments)
        used[arguments] = answers[arguments]
        return answers[arguments].result or 0

    oracle.names[f"f_{contract.signature.name}"] = call
    return oracle


def _evaluate(contract: Contract, oracle: Oracle, example: FunctionExample, answers: Answers) -> bool:
    assert contract.signature is not None
    if example.given is None:
        evaluator: Callable[..., Any] = oracle.evaluator(example.check, [])
        return bool(evaluator())
    arguments = _given(contract, example)
    if arguments not in answers:
        raise _NotAnswered(arguments)
    answer = answers[arguments]
    values: dict[str, Any] = {**example.given, **answer.after}
    if answer.result is not None:
        values["result"] = answer.result
    return bool(oracle.evaluator(example.check, list(values))(*values.values()))


def _given(contract: Contract, example: FunctionExample) -> Arguments:
    assert contract.signature is not None and example.given is not None
    return tuple(example.given[p.name] for p in contract.signature.parameters)


def _because(contract: Contract, example: FunctionExample, used: Answers, answers: Answers) -> str:
    """`: f(1) is 2`, for the calls that the example made."""
    assert contract.signature is not None
    if example.given is not None:
        used = {_given(contract, example): answers[_given(contract, example)]}
    said = []
    for arguments, answer in used.items():
        call = shown_call(contract.signature.name, arguments)
        if answer.result is not None:
            said.append(f"{call} is {answer.result}")
        said += [f"{call} leaves {p.name} as {shown(answer.after[p.name])}" for p in contract.signature.parameters
                 if p.buffer is not None and p.buffer.writable]
    return ": " + ", ".join(said) if said else ""
