"""unicorn, the emulator inside this process, on the same jobs as the harness.

As the second opinion nothing of the harness takes part (`run_embedded`, some 5,000 calls a second). A call has
succeeded only when the program counter reached the return address; unicorn itself also comes back without an error
from `hlt` or a spent count. Where there is no user-mode emulator the harness itself runs in unicorn
(`run_harness_embedded`).
"""

from __future__ import annotations

import random
import struct
from collections.abc import Collection, Sequence
from typing import Any

from intent_tool.judge.emulate import harness_path
from intent_tool.judge.encodings_x86_64 import VEX_MNEMONICS
from intent_tool.judge.engine import make_engine
from intent_tool.judge.harness.protocol import (
    ARGUMENT_REGISTERS,
    KEPT,
    PAINTED,
    SENTINEL_BYTES,
    STATE_DONE,
    STATE_FLUSHED,
    STATE_OUTPUT,
    STATUS_DIRECTION,
    STATUS_OUTSIDE,
    STATUS_SENTINEL,
    STATUS_SP,
    TIMED_OUT,
    Job,
    Outcome,
    decode_outcome,
)
from intent_tool.judge.kernel import Process
from intent_tool.judge.refusal import Refused
from intent_tool.machine.target import Target

_MOST_INSTRUCTIONS = 20_000_000
_SLICE_SECONDS = 1.0
_SIGNAL_OF_INTERRUPT = {0: 8, 3: 5, 6: 4, 13: 11, 14: 11}
"""x86-64's exception vectors (SDM volume 3, table 6-1) as Linux reports them."""
_FRESH = 1024
"""Bytes of the function's frame that get new junk for every call."""
_X86_FLAGS = 0x8d5
_DIRECTION_FLAG = 1 << 10
_MISTAKEN = {"x86_64": frozenset({"bzhi"}), "arm64": frozenset[str](), "riscv64": frozenset[str]()}
"""Mnemonics that unicorn 2.1 gets wrong on some operands; other emulators decide about them alone."""
_LACKING = {"x86_64": VEX_MNEMONICS, "arm64": frozenset[str](), "riscv64": frozenset[str]()}
"""Mnemonics that it does not have: AVX."""


def supports(target: Target, mnemonics: Collection[str]) -> str | None:
    """Why unicorn cannot run code with these instructions; None when it can."""
    if target.emulator == "none":
        return f"unicorn lacks the instructions of {target.name}"
    lacking = sorted(_LACKING[target.isa].intersection(mnemonics))
    if lacking:
        return f"unicorn has no `{lacking[0]}`"
    wrong = sorted(_MISTAKEN[target.isa].intersection(mnemonics))
    if wrong:
        return f"unicorn gets `{wrong[0]}` wrong"
    try:
        import unicorn  # noqa: F401
    except ImportError:
        return "unicorn is not installed"
    return None


def run_embedded(target: Target, job: Job, starts: Sequence[int]) -> Outcome:
    """Runs the vectors of `job`; `starts` are their offsets in `job.vectors`, and the end. The first vector that
    does not come back ends the run."""
    import unicorn

    machine = _Machine(target, job)
    results: list[bytes] = []
    depth = 0
    for done, start in enumerate(starts[:-1]):
        try:
            result, depth_here = machine.call(job.vectors[start:starts[done + 1]])
        except unicorn.UcError:
            return Outcome(b"".join(results), done, machine.signal or 11, machine.fault_address, machine.pc(), depth)
        except TimeoutError:
            return Outcome(b"".join(results), done, TIMED_OUT, 0, machine.pc(), depth)
        results.append(result)
        depth = max(depth, depth_here)
    return Outcome(b"".join(results), len(starts) - 1, depth=depth)


def run_harness_embedded(target: Target, job: Job) -> Outcome:
    """Runs the harness itself, with a kernel of our own around it; for want of a user-mode emulator."""
    process = Process(target.isa, harness_path(target.isa).read_bytes(), stdin=job.encode())
    state = next(s.address for s in process.file.sections if s.name == ".bss")

    def word(offset: int) -> int:
        return int.from_bytes(process.engine.mem_read(state + offset, 8), "little")

    process.run(_SLICE_SECONDS, lambda: word(STATE_DONE))
    if process.status == 0:
        outcome = decode_outcome(bytes(process.output[1]))
        if outcome is not None:
            return outcome
    if process.status is not None:
        raise Refused(f"it cannot be run: the harness ends with status {process.status} in unicorn")
    start, end = word(STATE_FLUSHED), word(STATE_OUTPUT)
    results = bytes(process.engine.mem_read(start, end - start)) if end > start else b""
    return Outcome(results, word(STATE_DONE), process.signal, process.fault_address, process.pc())


class _Machine:
    """One unicorn with the job's memory."""

    def __init__(self, target: Target, job: Job) -> None:
        self.target, self.job = target, job
        self.unicorn, self.register = make_engine(target.isa)
        self.signal = self.fault_address = 0
        self.return_address = job.stack_address + (1 << 32)
        self.top = job.stack_address + job.stack_bytes - SENTINEL_BYTES - (job.stack_words * 8 + 15) // 16 * 16
        self.pc_register = self.register["pc"]
        self.stack = bytearray(random.Random(job.fill).randbytes(job.stack_bytes))
        self._map()

    def pc(self) -> int:
        pc: int = self.unicorn.reg_read(self.pc_register)
        return pc

    def _map(self) -> None:
        import unicorn

        job, engine = self.job, self.unicorn
        engine.mem_map(job.image_address, len(job.image), unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        engine.mem_write(job.image_address, job.image)
        data = unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE
        engine.mem_map(job.stack_address, job.stack_bytes, data)
        engine.mem_write(job.stack_address, bytes(self.stack))
        for address, size in job.regions:
            engine.mem_map(address, size, data)
        engine.mem_map(self.return_address, job.page, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        engine.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._invalid)
        engine.hook_add(unicorn.UC_HOOK_INTR, self._interrupt)

    def _invalid(self, _engine: Any, _access: int, address: int, _size: int, _value: int, _data: Any) -> bool:
        self.signal, self.fault_address = 11, address
        return False

    def _interrupt(self, engine: Any, number: int, _data: Any) -> None:
        self.signal = _SIGNAL_OF_INTERRUPT.get(number, 4)
        engine.emu_stop()

    def call(self, vector: bytes) -> tuple[bytes, int]:
        """Runs one vector. The result as the harness writes it, and the bytes of stack used."""
        job, engine = self.job, self.unicorn
        registers = ARGUMENT_REGISTERS[self.target.isa]
        seed, *arguments = struct.unpack_from(f"<{1 + registers}Q", vector)
        rng = random.Random(seed)
        at = 8 * (1 + registers)
        stack_arguments = vector[at:at + 8 * job.stack_words]
        at += 8 * job.stack_words

        stack_pointer = self._lay_stack(stack_arguments, rng)
        regions = []
        for address, size in job.regions:
            window, length = struct.unpack_from("<QQ", vector, at)
            content = bytearray(rng.randbytes(size))
            content[window - address:window - address + length] = vector[at + 16:at + 16 + length]
            engine.mem_write(address, bytes(content))
            regions.append((address, content, window - address, length))
            at += 16 + length

        kept = {name: rng.getrandbits(64) for name in KEPT[self.target.isa]}
        values = {number: rng.getrandbits(64) for number in self.register.values()}
        del values[self.pc_register]
        values |= {self.register[name]: value for name, value in kept.items()}
        values |= {self.register[name]: word for name, word in zip(self.target.abi.arguments, arguments, strict=True)}
        values[self.register[self.target.abi.stack_pointer]] = stack_pointer
        if self.target.abi.link_register is not None:
            values[self.register[self.target.abi.link_register]] = self.return_address
        if "flags" in self.register:
            flags = rng.getrandbits(32)
            values[self.register["flags"]] = (
                flags & _X86_FLAGS | 2 if self.target.isa == "x86_64" else flags & 0xf0000000)
        engine.reg_write_batch(values.items())

        self.signal = self.fault_address = 0
        engine.emu_start(job.entry, self.return_address, count=_MOST_INSTRUCTIONS)
        if self.signal:
            import unicorn
            raise unicorn.UcError(unicorn.UC_ERR_EXCEPTION)
        if self.pc() != self.return_address:
            raise TimeoutError
        return self._after(kept, regions)

    def _lay_stack(self, arguments: bytes, rng: random.Random) -> int:
        """Junk in the frame and above the arguments. The stack pointer at the function's first instruction."""
        start = self.top - self.job.stack_address - _FRESH
        self.stack[start:] = rng.randbytes(len(self.stack) - start)
        offset = self.top - self.job.stack_address
        self.stack[offset:offset + len(arguments)] = arguments
        stack_pointer = self.top
        if self.target.isa == "x86_64":
            stack_pointer -= 8
            self.stack[offset - 8:offset] = self.return_address.to_bytes(8, "little")
        self.unicorn.mem_write(self.job.stack_address + start, bytes(self.stack[start:]))
        return stack_pointer

    def _after(self, kept: dict[str, int],
               regions: list[tuple[int, bytearray, int, int]]) -> tuple[bytes, int]:
        job, engine = self.job, self.unicorn
        status = sum(1 << i for i, (name, value) in enumerate(kept.items())
                     if engine.reg_read(self.register[name]) != value)
        if engine.reg_read(self.register[self.target.abi.stack_pointer]) != self.top:
            status |= STATUS_SP
        if self.target.isa == "x86_64" and engine.reg_read(self.register["flags"]) & _DIRECTION_FLAG:
            status |= STATUS_DIRECTION
        after = engine.mem_read(job.stack_address, job.stack_bytes)
        above = self.top - job.stack_address + 8 * job.stack_words
        if after[above:] != self.stack[above:]:
            status |= STATUS_SENTINEL
        frame = self.top - job.stack_address - (8 if self.target.isa == "x86_64" else 0)
        depth = _depth(self.stack, after, frame)
        self.stack = after
        result = []
        for address, before, window, length in regions:
            now = bytes(engine.mem_read(address, len(before)))
            result.append(now[window:window + length])
            if now[:window] != before[:window] or now[window + length:] != before[window + length:]:
                status |= STATUS_OUTSIDE
        status |= min(depth, PAINTED) << 32
        value = engine.reg_read(self.register[self.target.abi.result])
        return struct.pack("<QQ", value, status) + b"".join(result), depth


def _depth(before: bytearray, after: bytearray, frame: int) -> int:
    """How many bytes below offset `frame` of the stack reach down to the lowest byte that changed."""
    block = 0
    while block < frame and before[block:min(block + 1024, frame)] == after[block:min(block + 1024, frame)]:
        block += 1024
    changed = next((i for i in range(block, frame) if before[i] != after[i]), frame)
    return frame - changed
