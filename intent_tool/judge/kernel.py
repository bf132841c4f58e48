"""As much of Linux around a unicorn engine as static programs need that read, write, get memory and exit.

What the kernel may answer besides the usual (a part of what was asked for, an interruption, an error) is decided by
a `Situation`, call by call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

from intent_tool.judge import elf as E
from intent_tool.judge.engine import make_engine
from intent_tool.judge.harness.protocol import TIMED_OUT
from intent_tool.judge.system_calls import PROT_EXEC, SYSTEM_CALLS

_PAGE = 4096
_STACK_TOP, _STACK_BYTES = 0x3f_ffff_0000, 1 << 20
_ANYWHERE = 0x30_0000_0000
"""Where `mmap` without an address starts."""
EINTR, EIO, ENOMEM, ENOSPC, EPIPE = 4, 5, 12, 28, 32
_EBADF, _EFAULT, _EINVAL, _ENOSYS = 9, 14, 22, 38
_MREMAP_MAYMOVE = 1
_MOST_MEMORY = 1 << 30
"""Bytes that a program may map in all."""
_MOST_IDLE = 1000
"""Calls in a row that transfer nothing, after which a program is taken not to end."""
_HARNESS_CALLS: Mapping[str, Mapping[int, str]] = {
    "x86_64": {10: "mprotect", 13: "ignored", 131: "ignored", 38: "ignored"},
    "arm64": {226: "mprotect", 134: "ignored", 132: "ignored", 103: "ignored"},
    "riscv64": {226: "mprotect", 134: "ignored", 132: "ignored", 103: "ignored"},
}
"""What the harness calls besides: it makes code of what it maps, and sets up signals and timers, which never come
here. Linux, as in `SYSTEM_CALLS`."""
_REGISTERS = {
    # number, result, arguments
    "x86_64": ("rax", "rax", ("rdi", "rsi", "rdx", "r10")),
    "arm64": ("x8", "x0", ("x0", "x1", "x2", "x3")),
    "riscv64": ("a7", "a0", ("a0", "a1", "a2", "a3")),
}
_SYSTEM_INTERRUPT = {"arm64": 2, "riscv64": 8}
"""unicorn's number for svc and for ecall from user mode."""
_SIGNAL_OF_INTERRUPT = {0: 8, 3: 5, 6: 4, 13: 11, 14: 11}
"""x86-64's exception vectors (SDM volume 3, table 6-1) as Linux reports them."""

ALL = 1 << 62
"""As much as there is."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The answers to the calls of one kind: those in `first` one by one, then `then` for ever. A number above 0
    transfers as many bytes at most, one below 0 fails with that error."""

    first: tuple[int, ...] = ()
    then: int = ALL

    def answers(self) -> Iterator[int]:
        return chain(self.first, repeat(self.then))


@dataclass(frozen=True, slots=True)
class Situation:
    """What the kernel does. Standard input comes in pieces as it does from a pipe: a read gets no more than is left
    of a piece, and what it leaves is for the next. `memory` is of mmap and mremap."""

    reads: Schedule = Schedule()
    writes: Schedule = Schedule()
    memory: Schedule = Schedule()


USUAL = Situation()

class Process:
    """A static executable in memory, ready to run.

    `admitted` has the address of each system call that it may make, and its number; None trusts the executable,
    and lets it make code of what it maps."""

    def __init__(self, isa: str, executable: bytes, arguments: tuple[bytes, ...] = (), stdin: bytes = b"",
                 admitted: Mapping[int, int] | None = None, situation: Situation = USUAL) -> None:
        self.isa, self.stdin = isa, memoryview(stdin)
        self.admitted = admitted
        self.names = SYSTEM_CALLS[isa] if admitted is not None else {**SYSTEM_CALLS[isa], **_HARNESS_CALLS[isa]}
        self.reads, self.writes, self.memory = (
            s.answers() for s in (situation.reads, situation.writes, situation.memory))
        self.piece = 0
        """Bytes of standard input that have come and not been read."""
        self.mapped = self.idle = self.calls = 0
        self.used: set[str] = set()
        """The names of those."""
        self.most_read = 0
        """The most bytes that a read asked for."""
        self.failed: str | None = None
        """The first call that the situation made fail for good."""
        self.errors_before = 0
        """Bytes on standard error before that."""
        self.most_output: int | None = None
        """Bytes to one descriptor, after which it is stopped."""
        self.breach: str | None = None
        """What it tried that it may not; it is stopped then."""
        self.output = {1: bytearray(), 2: bytearray()}
        self.status: int | None = None
        self.signal = self.fault_address = 0
        self.engine, self.register = make_engine(isa)
        number, result, arguments_in = _REGISTERS[isa]
        self.call_registers = [self.register[name] for name in ("pc", number, *arguments_in)]
        self.result_register = self.register[result]
        self.next_address = _ANYWHERE
        self.file = E.read_elf(executable)
        self._load()
        self._lay_stack(arguments)
        self._hook()

    def _load(self) -> None:
        import unicorn

        for segment in self.file.segments:
            if segment.type != E.PT_LOAD or not segment.memory_bytes:
                continue
            start = segment.address & -_PAGE
            end = segment.address + segment.memory_bytes + -(segment.address + segment.memory_bytes) % _PAGE
            rights = ((unicorn.UC_PROT_READ if segment.flags & E.PF_R else 0)
                      | (unicorn.UC_PROT_WRITE if segment.flags & E.PF_W else 0)
                      | (unicorn.UC_PROT_EXEC if segment.flags & E.PF_X else 0))
            self.engine.mem_map(start, end - start, rights)
            self.engine.mem_write(segment.address, segment.data)

    def _lay_stack(self, arguments: tuple[bytes, ...]) -> None:
        """What the kernel puts at the stack pointer: argc, argv, an empty environment, an empty auxiliary vector."""
        import unicorn

        self.engine.mem_map(_STACK_TOP - _STACK_BYTES, _STACK_BYTES, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
        strings = b"".join(a + b"\0" for a in arguments)
        at = (_STACK_TOP - len(strings)) & -16
        self.engine.mem_write(at, strings)
        pointers, place = [], at
        for argument in arguments:
            pointers.append(place)
            place += len(argument) + 1
        words = [len(arguments), *pointers, 0, 0, 0, 0]
        pointer = (at - 8 * len(words)) & -16
        self.engine.mem_write(pointer, b"".join(w.to_bytes(8, "little") for w in words))
        self.engine.reg_write(self.register["rsp" if self.isa == "x86_64" else "sp"], pointer)

    def _hook(self) -> None:
        import unicorn

        self.engine.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._invalid)
        self.engine.hook_add(unicorn.UC_HOOK_INTR, self._interrupt)
        if self.isa == "x86_64":
            from unicorn import x86_const as x86
            self.engine.hook_add(unicorn.UC_HOOK_INSN, lambda _engine, _data: self._call(), None, 1, 0,
                                 x86.UC_X86_INS_SYSCALL)

    def _invalid(self, _engine: Any, _access: int, address: int, _size: int, _value: int, _data: Any) -> bool:
        self.signal, self.fault_address = 11, address
        return False

    def _interrupt(self, engine: Any, number: int, _data: Any) -> None:
        if number == _SYSTEM_INTERRUPT.get(self.isa):
            self._call()
            return
        self.signal = _SIGNAL_OF_INTERRUPT.get(number, 4) if self.isa == "x86_64" else 4
        engine.emu_stop()

    def pc(self) -> int:
        found: int = self.engine.reg_read(self.register["pc"])
        return found

    def run(self, slice_seconds: float, progress: Callable[[], int]) -> None:
        """Runs until the process exits or fails: then `status` or `signal` is set. When `progress()` did not change
        for as much CPU time as a slice has, `signal` is TIMED_OUT: on a busy machine that may be many slices."""
        import unicorn

        pc, stalled, last = self.file.entry, 0.0, -1
        while self.status is None and not self.signal:
            before = time.thread_time()
            try:
                self.engine.emu_start(pc, (1 << 64) - 1, timeout=int(slice_seconds * 1_000_000))
            except unicorn.UcError as problem:
                self.signal = self.signal or (4 if problem.errno == unicorn.UC_ERR_INSN_INVALID else 11)
                return
            pc = self.pc()
            now = progress()
            stalled = stalled + time.thread_time() - before if now == last else 0.0
            last = now
            if stalled >= slice_seconds and self.status is None and not self.signal:
                self.signal = TIMED_OUT

    def _call(self) -> None:
        pc, number, *arguments = self.engine.reg_read_batch(self.call_registers)
        name = self.names.get(number, "")
        if self.admitted is not None and self.admitted.get(self._place(pc)) != number:
            self._stop(f"makes system call {number}, which is not at that place in its code")
            return
        self.calls += 1
        self.used.add(name)
        result = self._serve(name, arguments)
        self.idle = 0 if name in ("read", "write") and result > 0 else self.idle + 1
        if self.admitted is not None and self.idle > _MOST_IDLE:
            self.signal = TIMED_OUT
            self.engine.emu_stop()
        self.engine.reg_write(self.result_register, result & (1 << 64) - 1)
        if self.isa == "x86_64":
            # The instruction itself changes these two (SDM volume 2, SYSCALL).
            self.engine.reg_write(self.register["rcx"], pc + 2)
            self.engine.reg_write(self.register["r11"], self.engine.reg_read(self.register["flags"]))

    def _place(self, pc: int) -> int:
        """The address of the instruction that makes the system call. unicorn stands on it on x86-64 and behind it
        on the others."""
        return pc if self.isa == "x86_64" else pc - 4

    def _stop(self, breach: str) -> None:
        self.breach, self.signal = self.breach or breach, self.signal or TIMED_OUT
        self.engine.emu_stop()

    def _serve(self, call: str, arguments: list[int]) -> int:
        import unicorn

        first, second, third, fourth = arguments
        try:
            match call:
                case "read":
                    return self._read(first, second, third)
                case "write":
                    return self._write(first, second, third)
                case "mmap":
                    return self._refused(call) or self._map(first, second, third)
                case "mremap":
                    return self._refused(call) or self._remap(first, second, third, fourth)
                case "munmap":
                    return self._unmap(first, second)
                case "mprotect":
                    return self._protect(first, second, third)
                case "exit" | "exit_group":
                    self.status = first & 0xff
                    self.engine.emu_stop()
                    return 0
                case "ignored":
                    return 0
        except unicorn.UcError:
            return -_EFAULT
        return -_ENOSYS

    def _read(self, descriptor: int, address: int, size: int) -> int:
        if descriptor != 0:
            return -_EBADF
        if size >> 63:
            return -_EINVAL
        self.most_read = max(self.most_read, size)
        if not self.piece:
            self.piece = next(self.reads)
        if self.piece < 0:
            error, self.piece = self.piece, 0
            return self._fails("read", error)
        chunk = bytes(self.stdin[:min(size, self.piece)])
        self.engine.mem_write(address, chunk)
        self.stdin = self.stdin[len(chunk):]
        self.piece -= len(chunk)
        return len(chunk)

    def _write(self, descriptor: int, address: int, size: int) -> int:
        if descriptor not in self.output:
            return -_EBADF
        if size >> 63:
            return -_EINVAL
        answer = next(self.writes)
        if answer < 0:
            return self._fails("write", answer)
        size = min(size, answer)
        if size > _MOST_MEMORY:
            return -_EFAULT
        self.output[descriptor] += self.engine.mem_read(address, size)
        if self.most_output is not None and len(self.output[descriptor]) > self.most_output:
            self._stop(f"writes more than {self.most_output:,} bytes")
        return size

    def _refused(self, call: str) -> int:
        """The error that the situation has for a call for memory, or 0."""
        answer = next(self.memory)
        return self._fails(call, answer) if answer < 0 else 0

    def _fails(self, call: str, error: int) -> int:
        if error != -EINTR and self.failed is None:
            self.failed, self.errors_before = call, len(self.output[2])
        return error

    def _map(self, address: int, size: int, rights: int) -> int:
        """Linux's PROT_ bits are unicorn's. What may not be accessed stays unmapped, since unicorn 2.1 does not see a
        read that only ends in a page without rights."""
        if self.admitted is not None and rights & PROT_EXEC:
            self._stop("asks for executable memory")
            return -_EINVAL
        if not size:
            return -_EINVAL
        size += -size % _PAGE
        if self.mapped + size > _MOST_MEMORY:
            return -ENOMEM
        if self.admitted is not None or not address:
            address = self._new_place(size)
        if rights:
            self.engine.mem_map(address, size, rights)
            self.mapped += size
        return address

    def _new_place(self, size: int) -> int:
        """An address with nothing mapped on either side."""
        address = self.next_address
        self.next_address += size + _PAGE
        return address

    def _remap(self, address: int, size: int, new_size: int, flags: int) -> int:
        """Always moves what grows, as it may."""
        import unicorn

        if flags != _MREMAP_MAYMOVE or address % _PAGE or not size or not new_size:
            return -_EINVAL
        size, new_size = size + -size % _PAGE, new_size + -new_size % _PAGE
        if new_size <= size:
            return self._unmap(address + new_size, size - new_size) if new_size < size else address
        if self.mapped + new_size > _MOST_MEMORY:
            return -ENOMEM
        content = self.engine.mem_read(address, size)
        place = self._new_place(new_size)
        self.engine.mem_map(place, new_size, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
        self.engine.mem_write(place, bytes(content))
        self.engine.mem_unmap(address, size)
        self.mapped += new_size - size
        return place

    def _unmap(self, address: int, size: int) -> int:
        if address % _PAGE or not size:
            return -_EINVAL
        size += -size % _PAGE
        self.engine.mem_unmap(address, size)
        self.mapped -= size
        return 0

    def _protect(self, address: int, size: int, rights: int) -> int:
        size += -size % _PAGE
        if any(start <= address and address + size - 1 <= end for start, end, _ in self.engine.mem_regions()):
            self.engine.mem_protect(address, size, rights)
        else:
            self.engine.mem_map(address, size, rights)
        return 0
