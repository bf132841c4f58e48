"""As much of Linux around a unicorn engine as static programs need that read, write and exit."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from intent_tool.judge import elf as E
from intent_tool.judge.engine import make_engine
from intent_tool.judge.harness.protocol import TIMED_OUT

_PAGE = 4096
_STACK_TOP, _STACK_BYTES = 0x3f_ffff_0000, 1 << 20
_ANYWHERE = 0x30_0000_0000
"""Where `mmap` without an address starts."""
_ENOSYS, _EBADF, _EFAULT = 38, 9, 14
_CALLS = {
    # number: name; Linux, arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h
    "x86_64": {0: "read", 1: "write", 9: "mmap", 10: "mprotect", 60: "exit", 231: "exit", 13: "ignored",
               131: "ignored", 38: "ignored"},
    "arm64": {63: "read", 64: "write", 222: "mmap", 226: "mprotect", 93: "exit", 94: "exit", 134: "ignored",
              132: "ignored", 103: "ignored"},
    "riscv64": {63: "read", 64: "write", 222: "mmap", 226: "mprotect", 93: "exit", 94: "exit", 134: "ignored",
                132: "ignored", 103: "ignored"},
}
"""`ignored` are those that set up signals and timers, which never come here."""
_REGISTERS = {
    # number, result, arguments
    "x86_64": ("rax", "rax", ("rdi", "rsi", "rdx")),
    "arm64": ("x8", "x0", ("x0", "x1", "x2")),
    "riscv64": ("a7", "a0", ("a0", "a1", "a2")),
}
_SYSTEM_INTERRUPT = {"arm64": 2, "riscv64": 8}
"""unicorn's number for svc and for ecall from user mode."""
_SIGNAL_OF_INTERRUPT = {0: 8, 3: 5, 6: 4, 13: 11, 14: 11}
"""x86-64's exception vectors (SDM volume 3, table 6-1) as Linux reports them."""


class Process:
    """A static executable in memory, ready to run."""

    def __init__(self, isa: str, executable: bytes, arguments: tuple[bytes, ...] = (), stdin: bytes = b"") -> None:
        self.isa, self.stdin = isa, memoryview(stdin)
        self.output = {1: bytearray(), 2: bytearray()}
        self.status: int | None = None
        self.signal = self.fault_address = 0
        self.engine, self.register = make_engine(isa)
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
        number_in, result_in, arguments_in = _REGISTERS[self.isa]
        number = self.engine.reg_read(self.register[number_in])
        arguments = [self.engine.reg_read(self.register[r]) for r in arguments_in]
        result = self._serve(_CALLS[self.isa].get(number, ""), arguments)
        self.engine.reg_write(self.register[result_in], result & (1 << 64) - 1)

    def _serve(self, call: str, arguments: list[int]) -> int:
        import unicorn

        first, second, third = arguments
        try:
            match call:
                case "read":
                    if first != 0:
                        return -_EBADF
                    chunk = bytes(self.stdin[:third])
                    self.engine.mem_write(second, chunk)
                    self.stdin = self.stdin[len(chunk):]
                    return len(chunk)
                case "write":
                    if first not in self.output:
                        return -_EBADF
                    self.output[first] += self.engine.mem_read(second, third)
                    return third
                case "mmap":
                    return self._map(first, second, third)
                case "mprotect":
                    return self._protect(first, second, third)
                case "exit":
                    self.status = first & 0xff
                    self.engine.emu_stop()
                    return 0
                case "ignored":
                    return 0
        except unicorn.UcError:
            return -_EFAULT
        return -_ENOSYS

    def _map(self, address: int, size: int, rights: int) -> int:
        """Linux's PROT_ bits are unicorn's. What may not be accessed stays unmapped, since unicorn 2.1 does not see a
        read that only ends in a page without rights."""
        size += -size % _PAGE
        if not address:
            address = self.next_address
            self.next_address += size + _PAGE
        if rights:
            self.engine.mem_map(address, size, rights)
        return address

    def _protect(self, address: int, size: int, rights: int) -> int:
        size += -size % _PAGE
        if any(start <= address and address + size - 1 <= end for start, end, _ in self.engine.mem_regions()):
            self.engine.mem_protect(address, size, rights)
        else:
            self.engine.mem_map(address, size, rights)
        return 0
