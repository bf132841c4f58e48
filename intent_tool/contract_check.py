"""The whole check of a contract: what the language finds by trying, and what the judge proves for every input."""

from __future__ import annotations

from intent_tool.judge.budget import proof_seconds
from intent_tool.judge.evidence import contract_proof, is_formless
from intent_tool.language.check import check_contract, problem_at
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import Diagnostic, IntentError, error


def check(contract: Contract) -> tuple[Diagnostic, ...]:
    """Notes on what stays open. Raises IntentError for what is wrong, with a counterexample."""
    notes = check_contract(contract)
    if contract.signature is None or is_formless(contract):
        return notes
    proof, _ = contract_proof(contract, proof_seconds())
    if proof.status == "unsatisfiable":
        raise error("E502", "no input can keep `requires`", contract.key_spans.get("requires", contract.span))
    if proof.status == "refuted" and proof.counterexample is not None and proof.demand is not None:
        problem = problem_at(contract, proof.counterexample, proof.demand.span)
        if problem is None:
            raise RuntimeError(f"{contract.name}: proof and oracle differ on whether {proof.demand.message}, at "
                               f"{proof.counterexample}")
        raise IntentError(problem)
    if proof.status == "proved":
        return tuple(n for n in notes if n.code not in ("N501", "N502"))
    if proof.status == "bounded":
        proved = Diagnostic("N503", f"proved for buffers of up to {proof.longest} elements only: that every value "
                            "fits and every operation is defined", contract.span, severity="note")
        return (*(n for n in notes if n.code != "N501"), proved)
    return notes
