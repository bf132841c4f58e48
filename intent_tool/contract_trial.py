"""A proposed contract on trial, in a worker process: whatever its expressions come to, it has limits on time and
memory, and no key of a provider."""

from __future__ import annotations

import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from intent_tool.contract_check import check
from intent_tool.judge.evidence import is_formless
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import Diagnostic, IntentError
from intent_tool.language.load import load_text
from intent_tool.language.oracle import Arguments, Oracle, OracleFault, shown_call
from intent_tool.language.samples import sample_inputs
from intent_tool.propose.ai.contract_bare import bare_contract
from intent_tool.propose.ai.contract_edges import uncovered
from intent_tool.propose.ai.contract_readings import compare
from intent_tool.propose.ai.contract_table import restates_examples

CHECK_SECONDS, COMPARE_SECONDS = 90, 20
"""By the clock, for all checks of one contract, and for comparing those that passed. What takes longer ends the
process, by SIGALRM."""
PROBED, PROBE_SECONDS = 48, 1.0
"""Inputs that a contract is tried on before it is checked, and the processor time that this may take."""


def tried(text: str, path: str, root: str) -> dict[str, Any]:
    """What is wrong with a contract under `problems`, what stays open under `notes`; rendered diagnostics, in which
    the file has no folder."""
    signal.alarm(CHECK_SECONDS)
    try:
        contract = load_text(text, path, Path(root))
        if is_formless(contract):
            return {"problems": ["the contract leaves something to the examples"]}
        if restates_examples(contract):
            return {"problems": ["`returns` only repeats the examples, one by one; say the rule that the prose "
                                 "states, which holds for all other inputs, too"]}
        costly = _costly(contract)
        if costly:
            return {"problems": [costly]}
        notes = check(contract)
    except IntentError as failure:
        return {"problems": [_rendered(d) for d in failure.diagnostics]}
    finally:
        signal.alarm(0)
    shown = [f"open: {note.message}" for note in notes]
    if contract.ensures:
        shown.append("open: whether every input has a result that `ensures` allows")
    elif not any(note.code in {"N501", "N503"} for note in notes):
        shown.append("proved: every result fits its type, and every operation is defined, for all inputs that keep "
                     "`requires`")
    return {"problems": [], "notes": shown}


def compared(texts: list[str], bare: str, path: str, root: str) -> dict[str, Any]:
    """The comparison of contracts that passed, and the boundary calls of the one that is proposed."""
    signal.alarm(2 * COMPARE_SECONDS + CHECK_SECONDS)
    try:
        contracts = [load_text(text, path, Path(root)) for text in texts]
        found = compare(contracts, bare_contract(Path(path), bare.encode(), Path(root)), COMPARE_SECONDS)
        return {"chosen": found.chosen, "distinct": found.distinct, "inputs": found.inputs,
                "questions": list(found.questions), "complete": found.is_complete,
                "uncovered": list(uncovered(contracts[found.chosen]))}
    finally:
        signal.alarm(0)


def _costly(contract: Contract) -> str:
    """Why the contract is too expensive to check; empty when it is not."""
    plain = replace(contract, requires=(), returns=None, ensures=(), writes={})
    oracle = Oracle(contract)
    start = time.process_time()
    given: Arguments = ()
    for given in sample_inputs(plain, Oracle(plain), PROBED, seed=2):
        try:
            if oracle.requires(given):
                _ = oracle.returns(given) if contract.returns is not None else 0
                oracle.writes(given)
        except OracleFault:
            pass
        if time.process_time() - start > PROBE_SECONDS:
            return (f"evaluating the contract takes too long: {shown_call(contract.name, given)} and those before it "
                    f"took more than {PROBE_SECONDS:g} s; compute the result in fewer steps")
    return ""


def _rendered(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    if span is not None:
        span = replace(span, source=replace(span.source, path=Path(span.source.path).name))
    return replace(diagnostic, span=span).render()
