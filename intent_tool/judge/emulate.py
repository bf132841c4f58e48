"""Runs the harness under the target's user-mode emulator."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

from intent_tool.judge.harness.protocol import FLUSH_EACH, Job, Outcome, decode_outcome
from intent_tool.judge.refusal import Refused
from intent_tool.machine.target import Target

_PATIENCE = 600
"""Seconds of real time for a whole run. The harness itself ends a call that takes too much CPU time."""


def runner_path(target: Target) -> str | None:
    """Where the target's user-mode emulator is; None when it is not installed."""
    return shutil.which(target.runner[0]) if target.runner else None


def harness_path(isa: str) -> Path:
    """The assembled harness that is shipped."""
    return Path(__file__).parent / "harness" / f"{isa}.elf"


@cache
def executable_harness(isa: str) -> int:
    """A file descriptor of the harness, to be inherited and opened as ``/proc/self/fd/NUMBER``: the emulator wants
    the file to be executable, and an installed package need not have kept that bit."""
    descriptor = os.memfd_create(f"harness-{isa}")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(harness_path(isa).read_bytes())
    return descriptor


def run_harness(target: Target, runner: str, job: Job) -> Outcome:
    """Runs `job` under the emulator at `runner`. Raises `Refused` when the emulator does not work at all."""
    output, status, _ = _run(target, runner, job)
    outcome = decode_outcome(output) if status == 0 else None
    if outcome is not None:
        return outcome
    # The emulator died with all results in its hands: again, with every result written at once.
    output, status, _ = _run(target, runner, replace(job, flags=job.flags | FLUSH_EACH))
    outcome = decode_outcome(output) if status == 0 else None
    if outcome is not None:
        return outcome
    empty, ended, said = _run(target, runner, replace(job, count=0, vectors=b"", result_bytes=0))
    if ended != 0 or decode_outcome(empty) is None:
        raise Refused(f"it cannot be run: {target.runner[0]} does not work (status {ended}) {said}".rstrip())
    return Outcome(output, -1, signal=-status if status < 0 else status)


def _run(target: Target, runner: str, job: Job) -> tuple[bytes, int, str]:
    """What the harness wrote, the exit status, and what the emulator said."""
    harness = executable_harness(target.isa)
    command = [runner, *target.runner[1:], f"/proc/self/fd/{harness}"]
    # Nothing of the user's environment (QEMU_STRACE, QEMU_CPU, …) may change what the emulator does.
    environment = {"PATH": os.defpath}
    try:
        done = subprocess.run(command, input=job.encode(), capture_output=True, env=environment, pass_fds=[harness],
                              timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired as late:
        return late.stdout or b"", 124, ""
    except OSError as problem:
        raise Refused(f"it cannot be run: {target.runner[0]}: {problem.strerror}") from None
    return done.stdout, done.returncode, done.stderr.decode("utf-8", "replace").strip()
