"""What a contract must satisfy, proved for every input: `requires` can be kept, results fit, no divisor is zero, no
index outside, no shift count negative."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from intent_tool.judge.bitvector import Graph, topological
from intent_tool.judge.budget import SECONDS, Budget
from intent_tool.judge.calls import Arguments
from intent_tool.judge.meaning import Demand, NotUnderstood, meaning
from intent_tool.judge.portfolio import PROVED, REFUTED, Answer, Question, decide
from intent_tool.judge.prove import LONGEST, smaller
from intent_tool.judge.symbolic_inputs import arguments_of, length_parameters, symbolic_inputs
from intent_tool.judge.symbolic_lengths import long_meaning
from intent_tool.language.contract import Contract


@dataclass(frozen=True, slots=True)
class ContractProof:
    status: str
    """``proved``, ``bounded`` (for lengths up to `longest`), ``refuted``, ``unsatisfiable`` or ``unknown``."""
    why: str = ""
    """What is left open, where it is not proved."""
    counterexample: Arguments | None = None
    """For ``refuted``: an input at which the contract has no value, or one that does not fit."""
    demand: Demand | None = None
    """What fails there."""
    longest: int | None = None


def prove_contract(contract: Contract, seconds: float = SECONDS) -> ContractProof:
    """Proves a function's contract, or says what is wrong with it."""
    assert contract.signature is not None
    budget = Budget(seconds)
    names = length_parameters(contract)
    for_all = bool(names) and has_a_value_for_every_length(contract, Budget(seconds / 2))
    if for_all and _can_be_kept(contract, budget):
        return ContractProof(PROVED)
    bound = LONGEST.get(len(names), 2) if names else 0
    satisfiable = False
    longest, why = -1, ""
    for size in range(bound + 1):
        for values in (v for v in product(range(size + 1), repeat=len(names)) if max(v, default=0) == size):
            proof, possible = _instance(contract, dict(zip(names, values, strict=True)), budget)
            satisfiable = satisfiable or possible
            if proof.status == REFUTED:
                return proof
            if proof.status != PROVED:
                why = proof.why
                break
        else:
            longest = size
            continue
        break
    if why and longest < 1:
        return ContractProof("unknown", why)
    if not satisfiable:
        # With buffers a longer one might do; without, this is final.
        return ContractProof("unknown", "no input up to the bound keeps `requires`") if names else (
            ContractProof("unsatisfiable"))
    return ContractProof("bounded", why, longest=longest) if names and not for_all else ContractProof(PROVED)


def _can_be_kept(contract: Contract, budget: Budget) -> bool:
    """Whether an input is known that keeps `requires`, with buffers of whatever length."""
    graph = Graph()
    requires = long_meaning(contract, graph).requires
    if any(t.op == "var" and t.data.startswith("fold ") for t in topological([requires])):
        # Final states are free here, and may be such as no buffer leads to.
        return False
    return _ask(graph, [Question((), graph.not_(requires))], budget)[0].status == REFUTED


def has_a_value_for_every_length(contract: Contract, budget: Budget) -> bool:
    """Whether the contract is proved to have a value for buffers of every length: in any round of each fold, too."""
    graph = Graph()
    try:
        wanted = long_meaning(contract, graph)
    except NotUnderstood:
        return False
    facts = wanted.facts()
    questions = [Question((wanted.requires, *facts, d.guard), d.holds) for d in wanted.demands
                 if d.holds is not graph.true and d.guard is not graph.false]
    return not contract.ensures and all(a.status == PROVED for a in _ask(graph, questions, budget))


def _instance(contract: Contract, fixed: Mapping[str, int], budget: Budget) -> tuple[ContractProof, bool]:
    """One choice of lengths; and whether `requires` can be kept there, as far as that is known."""
    graph = Graph()
    inputs = symbolic_inputs(contract, graph, fixed).inputs
    try:
        wanted = meaning(contract, graph, inputs)
    except NotUnderstood as problem:
        return ContractProof("unknown", f"the contract holds {problem.construct}, too much for a proof"), True
    if wanted.requires is graph.false:
        return ContractProof(PROVED), False
    possible = True
    if wanted.requires is not graph.true:
        answer = _ask(graph, [Question((), graph.not_(wanted.requires))], budget)[0]
        if answer.status == PROVED:
            return ContractProof(PROVED), False
        if answer.status != REFUTED:
            return ContractProof("unknown", "no solver could tell in time whether `requires` can be kept"), True
    # What `requires` itself demands holds under its own guard: the predicates before it.
    open_demands = [d for d in wanted.demands if d.holds is not graph.true and d.guard is not graph.false]
    questions = [Question((d.guard,), d.holds) for d in open_demands]
    for demand, question, answer in zip(open_demands, questions, _ask(graph, questions, budget), strict=True):
        if answer.status == REFUTED:
            model = smaller(question, answer.model)
            return ContractProof(REFUTED, demand.message, arguments_of(inputs, model), demand), possible
        if answer.status != PROVED:
            return ContractProof("unknown", f"no solver could tell in time that {demand.message}"), possible
    return ContractProof(PROVED), possible


def _ask(graph: Graph, questions: list[Question], budget: Budget) -> list[Answer]:
    return decide(graph, questions, budget)
