"""Whether a contract's examples agree with its formula, and with each other."""

from __future__ import annotations

from typing import Any

from intent_tool.language.contract import Contract, FunctionExample
from intent_tool.language.diagnostics import Diagnostic, IntentError, Span
from intent_tool.language.oracle import Arguments, Oracle, OracleFault, shown, shown_call
from intent_tool.language.tree import CallIntent, Compare, Expression, Name
from intent_tool.language.walk import descendants, free_names


def check_examples(contract: Contract) -> None:
    """Raises `IntentError` with every example that does not agree with the formula, or with another example."""
    oracle = Oracle(contract)
    problems: list[Diagnostic] = []
    for program_example in contract.program_examples:
        wanted = (program_example.stdout, program_example.stderr, program_example.exit)
        problems += _program_problems(oracle, program_example.args, program_example.stdin, wanted,
                                      program_example.span)
    table: dict[Arguments, tuple[int, Span]] = {}
    for example in contract.function_examples:
        try:
            message = (_call_problem(oracle, example, table) if example.given is None else
                       _given_problem(oracle, example))
        except OracleFault as fault:
            message = f"the example has no value: {fault.message}"
        if message is not None:
            problems.append(Diagnostic("E501", message, example.span))
    if problems:
        raise IntentError(*problems)


def _program_problems(oracle: Oracle, args: tuple[bytes, ...], stdin: bytes, wanted: tuple[bytes, bytes, int],
                      span: Span) -> list[Diagnostic]:
    try:
        found = oracle.program(args, stdin)
    except OracleFault as fault:
        return [Diagnostic("E501", f"the program has no result here: {fault.message}", fault.span or span)]
    contract = oracle.contract
    problems = []
    for key, formula, is_value, should in zip(("stdout", "stderr", "exit"), (
            contract.stdout, contract.stderr, contract.exit), found, wanted, strict=True):
        if is_value != should and (formula is not None or contract.stdout or contract.stderr or contract.exit):
            message = f"`{key}` is {shown(is_value)}, the example says {shown(should)}"
            problems.append(Diagnostic("E501", message, span))
    return problems


def _call_problem(oracle: Oracle, example: FunctionExample, table: dict[Arguments, tuple[int, Span]]) -> str | None:
    contract, check = oracle.contract, example.check
    pair = check.rest[0] if isinstance(check, Compare) and len(check.rest) == 1 else None
    calls = [n for n in descendants(check) if isinstance(n, CallIntent) and n.name == oracle.signature.name]
    arguments = called_with(oracle, check)
    direct = (isinstance(check, Compare) and pair is not None and pair[0] == "==" and check.first is calls[0]
              and len(calls) == len(arguments) == 1)
    for given in arguments:
        if not oracle.requires(oracle.checked(given)):
            return f"{shown_call(oracle.signature.name, given)} does not keep `requires`"
    wanted = oracle.evaluator(pair[1], [])() if direct and pair is not None else None
    if contract.returns is None:
        if not direct:
            return None
        return _relation_problem(oracle, oracle.checked(arguments[0]), wanted, example.span, table)
    if direct:
        value = oracle.call(*arguments[0])
        if value == wanted:
            return None
        called = shown_call(oracle.signature.name, arguments[0])
        return f"{called} is {shown(value)}, the example says {shown(wanted)}"
    return None if oracle.evaluator(check, [])() else f"the example is not true: {example.text}"


def called_with(oracle: Oracle, check: Expression) -> list[tuple[Any, ...]]:
    """The arguments of the example's calls of the function, where they are constant. Raises `OracleFault`."""
    calls = [n for n in descendants(check) if isinstance(n, CallIntent) and n.name == oracle.signature.name]
    return [tuple(oracle.evaluator(a, [])() for a in call.arguments) for call in calls
            if not free_names(call, oracle.generator.reads)]


def _relation_problem(oracle: Oracle, given: Arguments, wanted: Any, span: Span,
                      table: dict[Arguments, tuple[int, Span]]) -> str | None:
    """An example of a contract without a formula: the value must fit its type, `ensures`, and the other examples."""
    called, result = shown_call(oracle.signature.name, given), oracle.signature.result
    if result is None or not isinstance(wanted, int) or not result.minimum <= wanted <= result.maximum:
        return f"{called} cannot be {shown(wanted)}, which does not fit its type"
    if oracle.contract.ensures:
        if not oracle.writable and not oracle.ensures(given, int(wanted), {}):
            return f"{called} cannot be {shown(wanted)}: `ensures` does not hold"
        return None
    before = table.setdefault(given, (int(wanted), span))
    if before[0] != wanted:
        return f"{called} is {shown(wanted)} here, but {shown(before[0])} in line {before[1].line}"
    return None


def _given_problem(oracle: Oracle, example: FunctionExample) -> str | None:
    contract, signature = oracle.contract, oracle.signature
    assert example.given is not None
    given: Arguments = tuple(example.given[p.name] for p in signature.parameters)
    if not oracle.requires(given):
        return f"{shown_call(signature.name, given)} does not keep `requires`"
    names = {n.name for n in descendants(example.check) if isinstance(n, Name)}
    after = oracle.writes(given)
    if "result" in names and contract.returns is None:
        return None
    if any(n in names and n not in after for n in oracle.writable):
        return None
    values: dict[str, Any] = {**example.given, **after}
    if "result" in names:
        values["result"] = oracle.returns(given)
    if oracle.evaluator(example.check, list(values))(*values.values()):
        return None
    check = example.check
    if isinstance(check, Compare) and len(check.rest) == 1 and check.rest[0][0] == "==" and isinstance(
            check.first, Name):
        wanted = oracle.evaluator(check.rest[0][1], list(values))(*values.values())
        return f"`{check.first.name}` is {shown(values[check.first.name])}, the example says {shown(wanted)}"
    return f"the example is not true: {example.text}"
