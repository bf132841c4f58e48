"""Time that a proof may take, in processor time: a verdict must not depend on what else the machine is doing."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

SECONDS = 6.0
"""What a proof may take unless the variable says something else."""
SECONDS_VARIABLE = "INTENT_PROOF_SECONDS"
STALLED = 12
"""How many times longer than its processor time something may take by the clock before it is given up."""


def proof_seconds() -> float:
    """What each proof, of a contract and of a function, may take: the environment's word, else `SECONDS`."""
    try:
        return max(0.0, float(os.environ.get(SECONDS_VARIABLE, "")))
    except ValueError:
        return SECONDS


@dataclass
class Budget:
    """`seconds` for this process's own work and for its solvers, of which those that race count once."""

    seconds: float
    used: float = 0.0
    """By solvers."""
    started: float = field(default_factory=time.process_time)
    began: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Seconds; 0 or less when the budget is spent."""
        if time.monotonic() - self.began > STALLED * self.seconds:
            return 0.0
        return self.seconds - self.used - (time.process_time() - self.started)


_TICK = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """What a child has used so far (proc(5), /proc/PID/stat: utime and stime); 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK
