"""The way of one intent, from its file to judged bytes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from intent_tool.contract_check import check
from intent_tool.emit.header import header_text
from intent_tool.emit.listing import parts_json, size_text
from intent_tool.emit.lockfile import Lock, Locked, code_digest, entry_text
from intent_tool.emit.report import FIELDS, Record
from intent_tool.emit.stack import stack_bytes
from intent_tool.judge.digests import contract_digest
from intent_tool.judge.judge import judge_function
from intent_tool.judge.programs import Part, judge_program
from intent_tool.judge.verdict import Verdict
from intent_tool.language.contract import Contract
from intent_tool.language.diagnostics import Diagnostic, IntentError, error
from intent_tool.language.load import load_intent
from intent_tool.machine.assembler import AssemblyError, assemble
from intent_tool.machine.assembly import Assembly, MachineCode
from intent_tool.machine.elf import write_executable, write_object
from intent_tool.machine.target import Target
from intent_tool.propose import candidates, with_parts
from intent_tool.propose.ai.client import Question
from intent_tool.propose.ai.dialog import Dialog
from intent_tool.propose.ai.provider import SETUP
from intent_tool.propose.candidate import Candidate
from intent_tool.propose.cost import cost

EVIDENCE = ("none", "tested", "bounded", "proved")
"""What may be said of a binary, from weak to strong."""
LOCK_HELP = "`scons lock=update` or `intent-tool lock` writes the lockfile"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How an intent is to be built."""

    evidence: str = "tested"
    """The least that is good enough."""
    generator: str = "auto"
    """One of `provider.GENERATORS`."""
    lock: Lock | None = None
    """The code that was locked; None to look at none."""
    name: str = ""
    """The intent's name there."""
    locked: bool = False
    """Code that is not locked is no code."""
    updating: bool = False
    """The lock is about to be written: what is there now need not fit."""
    may_ask: bool = False
    """There is an AI provider."""
    rounds: int = 10
    """Of questions to the provider."""


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
    locked: bool = False
    """The code is the lock's."""
    answered: bool = False
    """An AI provider's last answer keeps the contract, whether it is what was taken or not."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The build goes on with the answer to a question: give it to `build` as ``dialog.answered(text)``, or
    ``dialog.ended(why)`` when there is none."""

    question: Question
    dialog: Dialog


@dataclass(frozen=True, slots=True)
class Refused:
    """A candidate that is not delivered, and why, a line each."""

    generator: str
    problems: tuple[str, ...]


def build(path: Path, target: Target, root: Path | None = None, wishes: Wishes = Wishes(),
          dialog: Dialog | None = None) -> Built | Asked:
    """The binary of the intent in `path` for `target`, judged to have at least the evidence wished for; or a question
    that an AI provider has to answer first, where `wishes` say that there is one.

    `root` is the folder that used intents must lie in. Raises `IntentError`, with the reasons, when the file is
    wrong or no candidate is good enough."""
    start = time.perf_counter()
    contract = load_intent(path, root)
    notes = check(contract)
    _require_target(contract, target)
    work = _Work(contract, target, wishes)
    found = work.locked_code() if dialog is None else None
    is_locked = found is not None
    if found is None and wishes.generator == "ai":
        answer = work.consult(dialog or Dialog())
        if isinstance(answer, Asked):
            return answer
        found = work.better(answer, work.generated())
    elif found is None:
        if dialog is None:
            found = work.generated()
        else:
            work.recall(dialog)
        if found is None and wishes.generator == "auto":
            answer = work.consult(dialog or Dialog())
            if isinstance(answer, Asked):
                return answer
            found = answer
    if found is None:
        raise _nothing_left(work)
    header = header_text(contract) if contract.signature is not None else None
    return Built(contract, target, found.candidate, found.code, found.binary, header, found.verdict,
                 notes, tuple(work.refused), time.perf_counter() - start, is_locked,
                 work.answered)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A candidate that is good enough."""

    candidate: Candidate
    code: MachineCode
    binary: bytes
    verdict: Verdict


@dataclass(slots=True)
class _Work:
    """One intent for one target, under way."""

    contract: Contract
    target: Target
    wishes: Wishes
    refused: list[Refused] = field(default_factory=list)
    failure: IntentError | None = None
    """Why this tool's own generator has no candidate."""
    answered: bool = False

    def judged(self, candidate: Candidate, is_own: bool) -> Accepted | tuple[str, ...]:
        return weighed(self.contract, self.target, candidate, self.wishes.evidence, is_own)

    def generated(self) -> Accepted | None:
        """The first candidate of this tool's own that is proved, or of those that are good enough the first one with
        the strongest evidence: what is slower and proved is worth more than what is faster and may be wrong."""
        best: Accepted | None = None
        try:
            for candidate in candidates(self.contract, self.target):
                found = _undefined(candidate) or self.judged(candidate, True)
                if not isinstance(found, Accepted):
                    self.refused.append(Refused(candidate.generator, found))
                elif best is None or _strength(found) > _strength(best):
                    if best is not None:
                        self._outdone(best)
                    best = found
                else:
                    self._outdone(found)
                if best is not None and best.verdict.evidence == EVIDENCE[-1]:
                    break
        except IntentError as failure:
            self.failure = failure
            self.refused.append(Refused("lowering", tuple(d.message for d in failure.diagnostics)))
        return best if best is None else self.with_proved_parts(best)

    def with_proved_parts(self, found: Accepted) -> Accepted:
        """The program with other code for those of its parts that were not proved, where that is."""
        unproved = {part.symbol for part in found.verdict.parts if part.evidence != EVIDENCE[-1]}
        proved: dict[str, Assembly] = {}
        for symbol, contract in found.candidate.parts:
            if symbol not in unproved:
                continue
            # The one that is easiest to prove: each attempt takes as long as a proof may.
            *_, last = candidates(contract, self.target)
            if isinstance(weighed(contract, self.target, last, EVIDENCE[-1], True), Accepted):
                proved[symbol] = last.assembly
        if not proved:
            return found
        other = self.judged(with_parts(self.contract, self.target, proved), True)
        if not isinstance(other, Accepted):
            self.refused.append(Refused(found.candidate.generator, other))
            return found
        more, less = (sum(p.evidence == EVIDENCE[-1] for p in f.verdict.parts) for f in (other, found))
        best, worse = (other, found) if more > less else (found, other)
        size = size_text(worse.verdict.instructions, worse.verdict.bytes)
        self.refused.append(Refused(worse.candidate.generator, (
            f"{min(more, less)} of {len(worse.verdict.parts)} parts are proved, in {size}",)))
        return best

    def _outdone(self, found: Accepted) -> None:
        """By the evidence for another one."""
        verdict = found.verdict
        self.refused.append(Refused(found.candidate.generator, (
            f"is {verdict.evidence} only, in {size_text(verdict.instructions, verdict.bytes)}", *verdict.unchecked)))

    def recall(self, dialog: Dialog) -> None:
        """What `generated` came to before the first question."""
        self.refused += [Refused(generator, problems) for generator, problems in dialog.others]

    def consult(self, dialog: Dialog) -> Accepted | Asked | None:
        """Judge the last answer; then the next question, or None when no more is asked."""
        if not self.wishes.may_ask or self.contract.signature is None:
            return None
        from intent_tool.propose.ai.prompt import question
        from intent_tool.propose.ai.proposal import Malformed, read_proposal

        if dialog.answer is not None:
            code, number = "", len(dialog.attempts) + 1
            provider, model = dialog.by
            try:
                assembly = read_proposal(dialog.answer, self.target.isa, self.contract.name)
                code = assembly.text()
                found = self.judged(Candidate(assembly, "ai", {"provider": provider, "model": model,
                                                               "attempts": number}), False)
            except Malformed as problem:
                found = (str(problem),)
            if isinstance(found, Accepted):
                self._tried(dialog)
                self.answered = True
                return found
            dialog = dialog.refused(code, found)
        if not dialog.over and len(dialog.attempts) >= self.wishes.rounds:
            dialog = dialog.ended(f"{self.wishes.rounds} rounds were not enough (INTENT_AI_ROUNDS gives more)")
        if dialog.over:
            self._tried(dialog)
            self.refused.append(Refused("ai", (dialog.over,)))
            return None
        last = dialog.attempts[-1] if dialog.attempts else None
        return Asked(question(self.contract, self.target, len(dialog.attempts), last),
                     replace(dialog, others=tuple((r.generator, r.problems) for r in self.refused)))

    def _tried(self, dialog: Dialog) -> None:
        self.refused += [Refused(f"ai, round {k}", attempt.problems) for k, attempt in enumerate(dialog.attempts, 1)]

    def better(self, one: Accepted | None, other: Accepted | None) -> Accepted | None:
        """By the evidence, then by the cost model; `one` where they are as good as each other."""
        if one is None or other is None:
            return one or other
        ranks = [(-EVIDENCE.index(found.verdict.evidence), cost(found.code, self.target, self.contract.optimize))
                 for found in (one, other)]
        winner, loser = (one, other) if ranks[0] <= ranks[1] else (other, one)
        size = size_text(loser.verdict.instructions, loser.verdict.bytes)
        self.refused.append(Refused(loser.candidate.generator, (f"keeps the contract, too, in {size}",)))
        return winner

    def locked_code(self) -> Accepted | None:
        """What the lock holds, judged again; None where it holds nothing for this contract and target. Raises
        `IntentError` when that is not good enough, or when only locked code will do."""
        wishes, lock = self.wishes, self.wishes.lock
        entry = lock.get(wishes.name, self.target.name) if lock is not None else None
        if entry is None or lock is None:
            if wishes.locked:
                raise error("E921", f"no code for `{self.contract.name}` on {self.target.name} is locked",
                            self.contract.span, LOCK_HELP)
            return None
        stale = [what for what, then, now in (
            ("the contract", entry.contract, contract_digest(self.contract)),
            ("the target's record", entry.record, self.target.digest),
            ("the symbol", entry.symbol, self.contract.name)) if then != now]
        if stale:
            if wishes.locked:
                raise error("E921", f"the code for `{self.contract.name}` on {self.target.name} was locked before "
                            f"{' and '.join(stale)} changed", self.contract.span, LOCK_HELP)
            return None
        own = self._generated(entry.assembly)
        found = self.judged(Candidate(entry.assembly, entry.generator, entry.origin, own.parts if own else ()),
                            own is not None)
        if isinstance(found, Accepted):
            if wishes.updating or code_digest(found.code) == entry.code_digest:
                return found
            found = ("it does not assemble to the bytes that were locked",)
        if wishes.updating:
            self.refused.append(Refused("the lock", found))
            return None
        raise IntentError(Diagnostic(
            "E922", f"the code for `{self.contract.name}` on {self.target.name} in {lock.path.name} is refused\n"
            + "\n".join(f"  {line}" for line in found), self.contract.span,
            f"{lock.path.name} was changed by somebody, or by a merge; take it back, or {LOCK_HELP}"))

    def _generated(self, assembly: Assembly) -> Candidate | None:
        """The candidate of this tool's own with the same code."""
        with contextlib.suppress(IntentError):
            return next((c for c in candidates(self.contract, self.target) if c.assembly == assembly), None)
        return None


def _strength(found: Accepted) -> tuple[int, int]:
    verdict = found.verdict
    return EVIDENCE.index(verdict.evidence), verdict.longest or 0


def _undefined(candidate: Candidate) -> tuple[str, ...]:
    """What in a program's parts has no value for some input, a line each."""
    found = []
    for symbol, contract in candidate.parts:
        try:
            check(contract)
        except IntentError as problem:
            found += [f"part {symbol}: {d.message}" for d in problem.diagnostics]
    return tuple(found)


def weighed(contract: Contract, target: Target, candidate: Candidate, evidence: str, is_own: bool
            ) -> Accepted | tuple[str, ...]:
    """The candidate as a binary, judged to have the `evidence`, or why it is not good enough, a line each.

    Tests are enough only for what this tool generates, which has no reason to behave on tests and misbehave beyond;
    what comes from anywhere else has to be proved, as far as its buffers' lengths allow."""
    try:
        code = assemble(candidate.assembly, target)
    except AssemblyError as failure:
        return (f"`{failure.text}`: {failure.reason}" if failure.text else failure.reason,)
    binary = write_binary(contract, target, code)
    verdict = judge(contract, target, binary, parts=tuple(Part(*part) for part in candidate.parts))
    if not verdict.accepted:
        return verdict.problems
    if EVIDENCE.index(verdict.evidence) < EVIDENCE.index(evidence):
        return (f"is {verdict.evidence}, must be {evidence}", *verdict.unchecked)
    if verdict.evidence == "tested" and not is_own:
        return ("is tested only, and code that this tool did not generate has to be proved", *verdict.unchecked)
    return Accepted(candidate, code, binary, verdict)


def write_binary(contract: Contract, target: Target, code: MachineCode) -> bytes:
    """What is delivered and judged: an object file for a function, an executable for a program."""
    if contract.signature is None:
        return write_executable(target, code)
    return write_object(target, contract.signature.name, code)


def judge(contract: Contract, target: Target, binary: bytes, symbol: str | None = None,
          parts: Sequence[Part] = ()) -> Verdict:
    """What the judge says of any `binary`, whoever made it. `symbol` defaults to the contract's; `parts` are
    functions inside of a program."""
    if contract.signature is None:
        return judge_program(contract, target, binary, parts)
    return judge_function(contract, target, binary, symbol or contract.signature.name)


def record(built: Built, intent: str) -> Record:
    """The report's record. `intent` is the file's path as the report shows it."""
    verdict = built.verdict
    values: Record = {
        "intent": intent, "symbol": built.contract.name,
        "kind": "function" if built.contract.signature is not None else "program",
        "target": built.target.name, "generator": built.candidate.generator,
        **{name: built.candidate.origin.get(name) for name in ("provider", "model", "attempts")},
        "locked": built.locked, "evidence": verdict.evidence,
        "longest": verdict.longest, "solvers": list(verdict.solvers), "parts": parts_json(verdict),
        "vectors": verdict.vectors, "emulators": list(verdict.emulators), "instructions": verdict.instructions,
        "bytes": verdict.bytes, "rodata": len(built.code.rodata), "stack": stack_bytes(built.code, built.target),
        "seconds": round(built.seconds, 3), "cached": False,
        "notes": [*(note.message for note in built.notes), *verdict.unchecked], "problems": [],
    }
    return {name: values[name] for name in FIELDS}


def lock_entry(built: Built, intent: str) -> str:
    """The lockfile's text for what was built."""
    return entry_text(Locked(
        intent, built.target.name, built.contract.name, built.candidate.generator, built.candidate.origin,
        contract_digest(built.contract), built.target.digest, code_digest(built.code), built.candidate.assembly))


def _require_target(contract: Contract, target: Target) -> None:
    names = {target.name, *target.aliases}
    if contract.targets is not None and names.isdisjoint(contract.targets):
        raise error("E902", f"`{contract.name}` is not meant for {target.name}", contract.key_spans.get("targets"),
                    f"it names {', '.join(contract.targets)}; add {target.name} to `targets`, or leave `targets` out")


def _nothing_left(work: _Work) -> IntentError:
    contract, target, refused = work.contract, work.target, work.refused
    # Several candidates may be refused for the same reason.
    shown = [*dict.fromkeys(f"{r.generator}: {problem}" for r in refused for problem in r.problems)]
    help = None
    if any("is not installed" in line for line in shown):
        help = "`intent-tool doctor` says what is missing, and how to install it"
    elif not work.wishes.may_ask and work.wishes.generator != "local" and contract.signature is not None:
        help = "an AI provider can be asked where this tool finds no code: " + SETUP
    if work.failure is not None and len(refused) == 1:
        first, *more = work.failure.diagnostics
        return IntentError(replace(first, help="; or ".join(filter(None, [first.help, help]))), *more)
    if not refused:
        return error("E903", f"no code was found for `{contract.name}` on {target.name}", contract.span, help)
    left = [f"… and {len(shown) - 20} more"] if len(shown) > 20 else []
    many = "the only candidate was" if len(refused) == 1 else f"all {len(refused)} candidates were"
    return IntentError(Diagnostic(
        "E904", f"no code for `{contract.name}` on {target.name} is good enough: {many} refused\n"
        + "\n".join("  " + line for line in shown[:20] + left), contract.span, help))
