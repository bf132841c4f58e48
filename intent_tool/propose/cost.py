"""The cost model: which of two pieces of code that both keep the contract is better.

Code is compared as it stands, without counting how often a loop runs: latencies in the rough proportions that Agner
Fog's instruction tables and the Arm and SiFive optimisation guides give for current cores, summed up; ties go to the
smaller code."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from intent_tool.machine.assembly import MachineCode
from intent_tool.machine.target import Target

CYCLES = {"move": 1, "alu": 1, "shift": 1, "branch": 2, "store": 1, "load": 4, "mul": 3, "mulh": 4, "div": 20}


def cost(code: MachineCode, target: Target, optimize: str) -> tuple[int, int]:
    """Smaller is better: estimated cycles and bytes for ``speed``, bytes and cycles for ``size``."""
    latencies = _latencies(target.isa)
    cycles = sum(CYCLES[latencies.get(i.text.split()[0], "alu")] for i in code.instructions)
    size = len(code.code) + len(code.rodata)
    return (size, cycles) if optimize == "size" else (cycles, size)


@cache
def _latencies(isa: str) -> dict[str, str]:
    """By mnemonic; of several rows the slowest, as a text may not tell them apart."""
    table: Any = import_module(f"intent_tool.machine.{isa}").TABLE
    found: dict[str, str] = {}
    for row in table.values():
        name = row.text.split()[0]
        if CYCLES[row.latency] >= CYCLES[found.get(name, row.latency)]:
            found[name] = row.latency
    return found
