"""What the judge's proof says of each mutant of a function, and whether that may stand."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from equivalence import OriginalWrong, differences
from mutants import Mutant, Original, make_mutants

from intent_tool.judge.calls import Arguments

REFUSED, REFUTED, EQUIVALENT, UNDECIDED, SURVIVOR, FAULT = (
    "refused", "refuted", "equivalent", "undecided", "survivor", "fault")
OUTCOMES = (REFUSED, REFUTED, EQUIVALENT, UNDECIDED, SURVIVOR, FAULT)
"""Not admitted; a counterexample; proved, and equal to the original wherever both were run; nobody knows; proved,
and different from the original; the judge itself went wrong."""
PROVED = ("proved", "bounded")
_STATUSES = {"refused": REFUSED, "refuted": REFUTED, "unknown": UNDECIDED}


@dataclass(frozen=True)
class Judged:
    """One mutant."""

    intent: str
    target: str
    kind: str
    what: str
    outcome: str
    detail: str
    """The judge's first problem, what a survivor does differently, or a fault's traceback."""
    seconds: float
    listing: str = ""
    """For what somebody has to look into."""


@dataclass(frozen=True)
class Campaign:
    """All mutants of one function on one target."""

    intent: str
    target: str
    original: str
    """What the proof says of the original, as far as it was asked."""
    original_detail: str = ""
    judged: tuple[Judged, ...] = ()
    not_assembled: int = 0
    same_bytes: int = 0
    vectors: int = 0
    """Inputs that each equivalent mutant was compared on; 0 when there is none."""


def no_note(_what: str) -> None:
    """For those who do not want to know what is being worked on."""


def original_status(original: Original, seconds: float) -> tuple[str, str]:
    """What the proof says of a function before anything is changed, and the first problem."""
    status, detail, _, _ = _asked(original, original.binary, seconds)
    return status, detail


def run_campaign(intent: str, original: Original, count: int, seed: int, seconds: float,
                 inputs: Callable[[], Sequence[Arguments]], note: Callable[[str], None] = no_note,
                 status: tuple[str, str] = ("", "")) -> Campaign:
    """Asks the proof about `count` mutants of the function, and runs those that are proved on the `inputs`. `note` is
    told what is about to be done; `status` is what `original_status` said."""
    made = make_mutants(original, count, seed)
    judged: list[Judged] = []
    proved: list[_Proved] = []
    for mutant in made.mutants:
        note(f"{mutant.kind}, {mutant.what}")
        found, why, took, longest = _asked(original, mutant.binary, seconds)
        if found in PROVED:
            proved.append(_Proved(mutant, took, longest))
            continue
        outcome = _STATUSES.get(found, FAULT)
        judged.append(_judged(intent, original, mutant, outcome, why, took))
    note("the runs of those that are proved")
    ran = len(inputs()) if proved else 0
    judged += _compared(intent, original, proved, inputs)
    return Campaign(intent, original.target.name, *status, tuple(judged), made.not_assembled, made.same_bytes, ran)


@dataclass(frozen=True)
class _Proved:
    mutant: Mutant
    seconds: float
    longest: int | None
    """Elements of the longest buffers that the proof covers; None for all."""

    def covers(self, arguments: Arguments) -> bool:
        return self.longest is None or all(isinstance(a, int) or len(a) <= self.longest for a in arguments)


def _asked(original: Original, binary: bytes, seconds: float) -> tuple[str, str, float, int | None]:
    """Status, first problem, seconds, and the longest buffers that a bounded proof covers; the status is ``fault``
    when the judge raised something."""
    from intent_tool.judge.prove import prove_function

    start = time.perf_counter()
    try:
        proof = prove_function(original.contract, original.target, binary, original.contract.name, seconds)
    except Exception:  # whatever it is, it is a fault of the judge
        return FAULT, traceback.format_exc(), time.perf_counter() - start, None
    longest = proof.longest if proof.status == "bounded" else None
    return proof.status, (proof.problems or ("",))[0], time.perf_counter() - start, longest


def _compared(intent: str, original: Original, proved: list[_Proved],
              inputs: Callable[[], Sequence[Arguments]]) -> list[Judged]:
    """Those that were proved, run beside the original on what their proofs cover."""
    judged = []
    for longest in dict.fromkeys(p.longest for p in proved):
        some = [p for p in proved if p.longest == longest]
        covered = [arguments for arguments in inputs() if some[0].covers(arguments)]
        try:
            found = differences(original, [p.mutant for p in some], covered)
        except OriginalWrong as wrong:
            judged += [_judged(intent, original, p.mutant, FAULT, f"the original is wrong: {wrong}", p.seconds)
                       for p in some]
            continue
        judged += [_judged(intent, original, p.mutant, EQUIVALENT if difference is None else SURVIVOR,
                           difference or "", p.seconds) for p, difference in zip(some, found, strict=True)]
    return judged


def _judged(intent: str, original: Original, mutant: Mutant, outcome: str, detail: str, seconds: float) -> Judged:
    listing = mutant.listing if outcome in (SURVIVOR, FAULT) else ""
    return Judged(intent, original.target.name, mutant.kind, mutant.what, outcome, detail, seconds, listing)
