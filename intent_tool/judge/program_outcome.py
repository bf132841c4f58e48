"""What came of running a program, and whether it is what must."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from intent_tool.judge.program_inputs import Run, given_text
from intent_tool.language.oracle import shown

SIGPIPE = 13
_SIGNALS = {4: "SIGILL", 5: "SIGTRAP", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV", SIGPIPE: "SIGPIPE"}


@dataclass(frozen=True, slots=True)
class Outcome:
    stdout: bytes
    stderr: bytes
    status: int
    """The exit status, or minus the signal."""
    failed: bool | None = False
    """Whether a system call failed for good; None when that is not known, or when the program may do without."""
    errors_before: int = 0
    """How many bytes of standard error are known to be from before that."""
    breach: str | None = None
    """What it tried that no program may."""


def outcome_problems(name: str, run: Run, outcome: Outcome, when: str = "") -> Iterator[str]:
    """What is wrong with what the program called `name` did in the situation that `when` tells.

    After a call that failed for good it may not end with status 0, nor have written what it must not; on standard
    error it may complain."""
    given = given_text(name, run.args, run.stdin) + (f", {when}" if when else "")
    if outcome.breach is not None:
        yield f"{given} {outcome.breach}"
    elif outcome.status < 0:
        signal = _SIGNALS.get(-outcome.status)
        yield f"{given} stops with {signal}" if signal else f"{given} does not end (signal {-outcome.status})"
    elif outcome.failed:
        yield from (f"{given}: {problem}" for problem in _after_failure(run, outcome))
    elif outcome.failed is None:
        if list(_after_failure(run, outcome)):
            yield from (f"{given}: {problem}" for problem in _differences(run, outcome))
    else:
        yield from (f"{given}: {problem}" for problem in _differences(run, outcome))


def _differences(run: Run, outcome: Outcome) -> Iterator[str]:
    for stream, found, must in (("stdout", outcome.stdout, run.stdout), ("stderr", outcome.stderr, run.stderr)):
        if must is not None and found != must:
            yield f"{stream} is {_compared(found, must)}"
    if run.exit is not None and outcome.status != run.exit:
        yield f"exit is {outcome.status}, must be {run.exit}"


def _compared(found: bytes, must: bytes) -> str:
    if shown(found) != shown(must):
        return f"{shown(found)}, must be {shown(must)}"
    same = next((i for i, (a, b) in enumerate(zip(found, must, strict=False)) if a != b), min(len(found), len(must)))
    return (f"of {len(found):,} bytes, must be of {len(must):,}; from byte {same:,} on it is "
            f"{shown(found[same:same + 16])}, must be {shown(must[same:same + 16])}")


def _after_failure(run: Run, outcome: Outcome) -> Iterator[str]:
    if run.stdout is not None and not run.stdout.startswith(outcome.stdout):
        yield f"stdout is {shown(outcome.stdout)}, must be the start of {shown(run.stdout)}"
    if run.stderr is not None and not run.stderr.startswith(outcome.stderr[:outcome.errors_before]):
        yield f"stderr is {shown(outcome.stderr)}, must begin like {shown(run.stderr)}"
    if outcome.status == 0:
        yield "exit is 0, must be another"
