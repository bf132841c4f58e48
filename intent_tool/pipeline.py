"""The way of one intent, from its file to judged bytes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from intent_tool.contract_check import check
from intent_tool.emit.header import header_text
from intent_tool.emit.report import FIELDS, Record
from intent_tool.emit.stack import stack_bytes
from intent_tool.judge.judge import judge_function
from intent_tool.judge.programs import judge_program
from intent_tool.judge.verdict import Verdict
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import Diagnostic, IntentError, error
from intent_tool.language.load import load_intent
from intent_tool.machine.assembler import assemble
from intent_tool.machine.assembly import MachineCode
from intent_tool.machine.elf import write_executable, write_object
from intent_tool.machine.target import Target
from intent_tool.propose import candidates
from intent_tool.propose.candidate import Candidate

EVIDENCE = ("none", "tested", "bounded", "proved")
"""What may be said of a binary, from weak to strong."""


@dataclass(frozen=True, slots=True)
class Built:
    """A binary that the judge accepted, and everything that is known about it."""

    contract: Contract
    target: Target
    candidate: Candidate
    code: MachineCode
    binary: bytes
    """The object file of a function, the executable of a program."""
    header: str | None
    """None for a program."""
    verdict: Verdict
    notes: tuple[Diagnostic, ...]
    """What the checks of the contract left open."""
    refused: tuple[Refused, ...]
    """What was tried before."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Refused:
    """A candidate that is not delivered, and why, a line each."""

    generator: str
    problems: tuple[str, ...]


def build(path: Path, target: Target, root: Path | None = None, evidence: str = "tested") -> Built:
    """The binary of the intent in `path` for `target`, judged to have at least the `evidence` asked for.

    `root` is the folder that used intents must lie in. Raises `IntentError`, with the reasons, when the file is
    wrong or no candidate is good enough."""
    start = time.perf_counter()
    contract = load_intent(path, root)
    notes = check(contract)
    _require_target(contract, target)
    refused: list[Refused] = []
    for candidate in candidates(contract, target):
        try:
            code = assemble(candidate.assembly, target)
        except IntentError as failure:
            refused.append(Refused(candidate.generator, tuple(d.message for d in failure.diagnostics)))
            continue
        binary = write_binary(contract, target, code)
        verdict = judge(contract, target, binary)
        if not verdict.accepted:
            refused.append(Refused(candidate.generator, verdict.problems))
        elif EVIDENCE.index(verdict.evidence) < EVIDENCE.index(evidence):
            refused.append(Refused(candidate.generator, (f"is {verdict.evidence}, must be {evidence}",
                                                          *verdict.unchecked)))
        else:
            header = header_text(contract) if contract.signature is not None else None
            return Built(contract, target, candidate, code, binary, header, verdict, notes, tuple(refused),
                         time.perf_counter() - start)
    raise _nothing_left(contract, target, refused)


def write_binary(contract: Contract, target: Target, code: MachineCode) -> bytes:
    """What is delivered and judged: an object file for a function, an executable for a program."""
    if contract.signature is None:
        return write_executable(target, code)
    return write_object(target, contract.signature.name, code)


def judge(contract: Contract, target: Target, binary: bytes, symbol: str | None = None) -> Verdict:
    """What the judge says of any `binary`, whoever made it. `symbol` defaults to the contract's."""
    if contract.signature is None:
        return judge_program(contract, target, binary)
    return judge_function(contract, target, binary, symbol or contract.signature.name)


def record(built: Built, intent: str) -> Record:
    """The report's record. `intent` is the file's path as the report shows it."""
    verdict = built.verdict
    values: Record = {
        "intent": intent, "symbol": built.contract.name,
        "kind": "function" if built.contract.signature is not None else "program",
        "target": built.target.name, "generator": built.candidate.generator, "evidence": verdict.evidence,
        "longest": verdict.longest, "solvers": list(verdict.solvers),
        "vectors": verdict.vectors, "emulators": list(verdict.emulators), "instructions": verdict.instructions,
        "bytes": verdict.bytes, "rodata": len(built.code.rodata), "stack": stack_bytes(built.code, built.target),
        "seconds": round(built.seconds, 3), "cached": False,
        "notes": [*(note.message for note in built.notes), *verdict.unchecked], "problems": [],
    }
    return {name: values[name] for name in FIELDS}


def _require_target(contract: Contract, target: Target) -> None:
    names = {target.name, *target.aliases}
    if contract.targets is not None and names.isdisjoint(contract.targets):
        raise error("E902", f"`{contract.name}` is not meant for {target.name}", contract.key_spans.get("targets"),
                    f"it names {', '.join(contract.targets)}; add {target.name} to `targets`, or leave `targets` out")


def _nothing_left(contract: Contract, target: Target, refused: list[Refused]) -> IntentError:
    if not refused:
        return error("E903", f"no code was found for `{contract.name}` on {target.name}", contract.span)
    shown = [f"{r.generator}: {problem}" for r in refused for problem in r.problems]
    is_missing = any("is not installed" in line for line in shown)
    more = [f"… and {len(shown) - 20} more"] if len(shown) > 20 else []
    many = "the only candidate was" if len(refused) == 1 else f"all {len(refused)} candidates were"
    return IntentError(Diagnostic(
        "E904", f"no code for `{contract.name}` on {target.name} is good enough: {many} refused\n"
        + "\n".join("  " + line for line in shown[:20] + more), contract.span,
        "`intent-tool doctor` says what is missing, and how to install it" if is_missing else None))
