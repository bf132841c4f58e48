"""What a contract must satisfy before any code is looked for.

Intervals refined by the conditions on the way decide what they can. For what they leave open, boundary and random
inputs look for a counterexample; where none is found the note says so, and claims no more.
"""

from __future__ import annotations

from intent_tool.language.contract import Contract, ScalarType
from intent_tool.language.diagnostics import Diagnostic, IntentError, Span, error
from intent_tool.language.elaborate import CannotElaborate, Obligation, elaborate
from intent_tool.language.oracle import Arguments, Oracle, OracleFault, shown_call
from intent_tool.language.oracle_examples import check_examples
from intent_tool.language.samples import sample_inputs

SEARCHED = 3000
"""Inputs tried where something is open."""
WATCHED = 200
"""Inputs tried where the intervals decided everything."""


def check_contract(contract: Contract) -> tuple[Diagnostic, ...]:
    """Notes on what could not be decided. Raises IntentError for what is wrong, with a counterexample."""
    check_examples(contract)
    if contract.signature is None:
        return ()
    oracle = Oracle(contract)
    undecided, infeasible = _undecided(contract)
    if infeasible:
        raise error("E502", "no input can keep `requires`", contract.key_spans.get("requires", contract.span))
    inputs = sample_inputs(contract, oracle, SEARCHED if undecided else WATCHED, seed=0x5EED)
    if not inputs:
        raise error("E502", "no input was found that keeps `requires`",
                    contract.key_spans.get("requires", contract.span),
                    "an example shows the tool one, if there is any")
    costly = 0
    if contract.returns is not None or contract.writes:
        for arguments in inputs:
            try:
                problem = _problem(contract, oracle, arguments, undecided)
            except OracleFault:
                costly += 1
                continue
            if problem is not None:
                raise IntentError(problem)
    notes = [_note(o, len(inputs) - costly) for o in undecided]
    if costly:
        notes.append(Diagnostic("N502", f"not checked: {costly} of {len(inputs)} inputs, which take too long to "
                                "evaluate", contract.span, severity="note"))
    return tuple(notes)


def _undecided(contract: Contract) -> tuple[tuple[Obligation, ...], bool]:
    """What the intervals leave open (each place once), and whether they show that `requires` cannot hold."""
    try:
        graph = elaborate(contract)
    except CannotElaborate as problem:
        # Not analysed at all, so everything is open.
        return (Obligation("all", problem.span, "every value fits and every operation is defined"),), False
    once = {(o.kind, o.span.line, o.span.column): o for o in graph.open}
    return tuple(once.values()), graph.infeasible


def problem_at(contract: Contract, arguments: Arguments, place: Span) -> Diagnostic | None:
    """What is wrong with the contract at one input that keeps `requires`; `place` is shown where the oracle names
    none. Raises OracleFault where that takes too long to say."""
    return _problem(contract, Oracle(contract), arguments, (Obligation("all", place, ""),))


def _problem(contract: Contract, oracle: Oracle, arguments: Arguments,
             undecided: tuple[Obligation, ...]) -> Diagnostic | None:
    """What is wrong with the contract at one input. Raises OracleFault where that takes too long to say."""
    assert contract.signature is not None
    call = shown_call(contract.signature.name, arguments)
    where: Span | None = None
    try:
        if contract.returns is not None and contract.signature.result is not None:
            where = contract.returns.span
            value = oracle.returns(arguments)
            if not _fits(value, contract.signature.result):
                return _does_not_fit(f"the result of {call} is {value}", contract.signature.result, where)
        if contract.writes:
            content = oracle.writes(arguments)
            for name, elements in content.items():
                type, where = contract.signature.parameter(name).type, contract.writes[name].span
                for k, value in enumerate(elements):
                    if not _fits(value, type):
                        return _does_not_fit(f"after {call}, {name}[{k}] is {value}", type, where)
    except OracleFault as fault:
        if fault.kind == "cost":
            raise
        code = {"division": "E504", "index": "E505", "shift": "E506", "length": "E508"}.get(fault.kind, "E507")
        place = fault.span or next((o.span for o in undecided), where)
        return Diagnostic(code, f"{call} has no value: {fault.message}", place,
                          "add what callers must keep to `requires`, or guard the operation with a condition")
    return None


def _fits(value: int, type: ScalarType) -> bool:
    return type.minimum <= value <= type.maximum


def _does_not_fit(what: str, type: ScalarType, span: Span) -> Diagnostic:
    cast = f"{'i' if type.signed else 'u'}{type.bits}"
    return Diagnostic("E503", f"{what}, which does not fit {type.name} ({type.minimum} to {type.maximum})", span,
                      f"bound the inputs with `requires`, saturate with min() and max(), or wrap with {cast}(...)")


def _note(obligation: Obligation, tried: int) -> Diagnostic:
    return Diagnostic("N501", f"not decided: that {obligation.message}; {tried} inputs gave no counterexample",
                      obligation.span, severity="note")
