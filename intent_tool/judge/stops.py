"""Why a call did not come back, in the user's terms."""

from __future__ import annotations

from intent_tool.judge.calls import Batch, shown_bytes
from intent_tool.judge.harness.protocol import SIGNALS, TIMED_OUT, Job, Outcome
from intent_tool.language.contract import Contract
from intent_tool.language.oracle import shown_call

_WIDEST = 64
"""Bytes of one access, at most."""


def stop_problem(contract: Contract, batch: Batch, job: Job, outcome: Outcome, index: int) -> str:
    """What to say of the call with input `index`, which did not come back. Begins with the call."""
    assert contract.signature is not None
    call = shown_call(contract.signature.name, batch.inputs[index])
    if outcome.signal == TIMED_OUT:
        return f"{call} does not return"
    if outcome.done < 0:
        return f"{call} brings the emulator down (status {outcome.signal})"
    name = SIGNALS.get(outcome.signal, f"signal {outcome.signal}")
    if name in ("SIGSEGV", "SIGBUS"):
        return f"{call} {_access_problem(contract, batch, job, outcome, index)}"
    return f"{call} stops with {name} at offset {outcome.fault_pc - job.entry:#x}"


def _access_problem(contract: Contract, batch: Batch, job: Job, outcome: Outcome, index: int) -> str:
    assert contract.signature is not None
    address = outcome.fault_address
    if not job.image_address <= outcome.fault_pc < job.image_address + len(job.image):
        return "leaves the function: it returns to a wrong place"
    at = f"at offset {outcome.fault_pc - job.entry:#x}"
    for region, window in zip(batch.regions, batch.windows[index], strict=True):
        names = " and ".join(contract.signature.parameters[p].name for p in region.parameters)
        start = window.address + window.buffer
        if region.address - job.page <= address < start:
            return f"reads or writes {shown_bytes(start - address)} before {names} {at}"
        end = region.address + region.size
        # The emulator may name the start of an access of which only the end is not allowed.
        if start + window.length <= address < end + job.page or max(start, end - _WIDEST) < address < end:
            return f"reads or writes past the end of {names} {at}"
    if job.stack_address - job.page <= address < job.stack_address:
        return f"needs more than {job.stack_bytes // 1024} KiB of stack {at}"
    if job.image_address <= address < job.image_address + len(job.image):
        return f"writes to its own code or constants {at}"
    if address == job.image_address + len(job.image):
        return f"reads past the end of its constants {at}"
    if not address and batch.regions:
        # So x86-64 reports operands that are less aligned than their instruction wants (SDM volume 3, #GP).
        return f"reads or writes memory that is not its own, or not aligned as the instruction wants it, {at}"
    return f"reads or writes memory that is not its own {at}"
