"""How strong the evidence for a tested function is: the contract's own proof, the function's, and what was kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from intent_tool.judge.contract_proof import ContractProof, prove_contract
from intent_tool.judge.digests import contract_digest, image_digest, judge_digest
from intent_tool.judge.proof_store import proof_store
from intent_tool.judge.prove import Proof, prove_image
from intent_tool.judge.refusal import Refused
from intent_tool.judge.replay import replay
from intent_tool.judge.trial import Subject
from intent_tool.language.contract import Contract


@dataclass(frozen=True, slots=True)
class Evidence:
    """`level` is ``proved``, ``bounded`` or ``tested``; ``none`` when `problems` says what is wrong."""

    level: str
    problems: tuple[str, ...] = ()
    unproved: tuple[str, ...] = ()
    """Why it is not ``proved``, a line each."""
    longest: int | None = None
    """Elements of the longest buffers that were covered; for ``bounded``."""
    followed: bool = False
    """All paths were followed to their end, so what is secret and how much stack is used is known."""
    depth: int = 0
    """Bytes of stack, when `followed`."""
    solvers: tuple[str, ...] = ()
    kept: bool = False
    """The proofs are of an earlier run."""


def establish(subject: Subject, seconds: float) -> Evidence:
    """What can be said of a function that passed its tests; takes about `seconds` at most."""
    contract = subject.contract
    formless = tuple(_formless(contract))
    if formless:
        return Evidence("tested", unproved=formless)
    sound, contract_was_kept = contract_proof(contract, seconds)
    if sound.status == "refuted":
        return Evidence("none", (f"the contract has no value at {sound.counterexample}: not {sound.why}",))
    if sound.status == "unsatisfiable":
        return Evidence("none", ("no input can keep the contract's `requires`",))
    proof, was_kept = _proof(subject, seconds)
    if proof.status == "refuted":
        return Evidence("none", _seen(subject, proof), solvers=proof.solvers)
    if proof.status == "refused":
        # The tests admitted it, so what is missing is a meaning for proofs.
        return Evidence("tested", unproved=tuple(f"not proved: {p}" for p in proof.problems))
    found = Evidence(proof.status, longest=proof.longest, followed=proof.followed, depth=proof.depth,
                     solvers=proof.solvers, kept=was_kept and contract_was_kept)
    if proof.status == "unknown":
        return replace(found, level="tested", unproved=tuple(f"not proved: {p}" for p in proof.problems))
    if sound.status == "unknown":
        return replace(found, level="tested", unproved=(f"the contract is not proved to have a value: {sound.why}",))
    open_ = tuple(f"not proved for every length: {p}" for p in proof.problems)
    if sound.status == "bounded" and sound.longest is not None:
        longest = sound.longest if found.longest is None else min(sound.longest, found.longest)
        why = f"the contract is proved to have a value for lengths up to {sound.longest} only"
        return replace(found, level="bounded", longest=longest, unproved=open_ or (why,))
    return replace(found, unproved=open_)


def contract_proof(contract: Contract, seconds: float) -> tuple[ContractProof, bool]:
    """The contract's own proof, and whether it is an earlier run's."""
    store = proof_store()
    about = ("contract", contract_digest(contract), judge_digest()) if store is not None else ()
    entry = store.get(*about) if store is not None else None
    if entry is not None and (entry["status"] != "unknown" or entry["seconds"] >= seconds):
        return ContractProof(entry["status"], entry["why"], longest=entry["longest"]), True
    proof = prove_contract(contract, seconds)
    if store is not None and proof.status in ("proved", "bounded", "unknown"):
        store.put({"status": proof.status, "why": proof.why, "longest": proof.longest, "seconds": seconds}, *about)
    return proof, False


def _proof(subject: Subject, seconds: float) -> tuple[Proof, bool]:
    store = proof_store()
    about = ("function", contract_digest(subject.contract), image_digest(subject.image), subject.target.digest,
             judge_digest()) if store is not None else ()
    entry = store.get(*about) if store is not None else None
    if entry is not None and (entry["status"] != "unknown" or entry["allowed"] >= seconds):
        entry.pop("allowed")
        return Proof(**{**entry, "problems": tuple(entry["problems"]), "solvers": tuple(entry["solvers"])}), True
    try:
        proof = prove_image(subject.contract, subject.target, subject.image, seconds)
    except Refused as refused:
        proof = Proof("refused", refused.problems)
    if store is not None and proof.status in ("proved", "bounded", "unknown"):
        store.put({**asdict(proof), "allowed": seconds}, *about)
    return proof, False


def _seen(subject: Subject, proof: Proof) -> tuple[str, ...]:
    """The problem as an emulator shows it. A counterexample that shows nothing there is a fault of the tool."""
    if proof.counterexample is None:
        return proof.problems
    found = replay(subject, proof.counterexample.arguments, proof.counterexample.model)
    if found is not None:
        same = found.split(" at offset")[0] == proof.problems[0].split(" at offset")[0]
        return (found,) if same else (proof.problems[0], f"as seen in the emulator, {found}")
    if not proof.counterexample.noticeable:
        return proof.problems
    return (f"{proof.problems[0]}, says the proof, but not the emulator: this is a fault of the tool, not yours; "
            "please report it",)


def is_formless(contract: Contract) -> bool:
    """Whether the contract leaves something to its examples alone, so that there is nothing to prove."""
    return any(True for _ in _formless(contract))


def _formless(contract: Contract) -> Iterator[str]:
    """What the contract says nothing of but in examples."""
    assert contract.signature is not None
    if contract.signature.result is not None and contract.returns is None and not contract.ensures:
        yield "the result, but for the examples: the contract has no formula"
    names = [p.name for p in contract.signature.parameters
             if p.buffer is not None and p.buffer.writable and p.name not in contract.writes]
    if names and not contract.ensures:
        yield f"the content of {', '.join(names)}, but for the examples: the contract has no formula"
