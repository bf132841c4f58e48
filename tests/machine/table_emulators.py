"""Run one instruction on a machine state: unicorn in this process, or qemu-user through a small program."""

from __future__ import annotations

import atexit
import functools
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from table_isas import Isa
from table_meaning import State

from intent_tool.machine.instruction import Row
from intent_tool.machine.target import load_targets

CODE = 0x40_0000
"""Instructions stand in the middle of 32 MiB here, so that far branches stay inside."""
CODE_SIZE = 0x200_0000


class Fault(Exception):
    """The instruction did not complete."""


Case = tuple[bytes, State]
"""An instruction, and the state it starts from (`State.pc` is where it stands)."""


def run_all(isa: Isa, row: Row, cases: Sequence[Case]) -> list[State | Fault]:
    """What becomes of each case.

    Instructions of optional features run under qemu-user: unicorn has none of RISC-V's Zb, and its `bzhi`,
    `bextr` and `blsi` are wrong."""
    if not needs_qemu(row):
        return unicorn_for(isa).run_all(cases)
    assert "pc" not in row.meaning, f"{row.form}: the program for qemu-user does not compare it"
    return list(qemu_user(isa, cases))


def needs_qemu(row: Row) -> bool:
    return row.feature not in (None, "m")


class Unicorn:
    """One ISA's machine. A run starts from a whole state, and gives the whole state back."""

    def __init__(self, isa: Isa) -> None:
        import unicorn
        from unicorn import arm64_const, riscv_const, x86_const

        architecture, mode, prefix, module, flags, counter = {
            "x86_64": (unicorn.UC_ARCH_X86, unicorn.UC_MODE_64, "UC_X86_REG_", x86_const, "EFLAGS", "RIP"),
            "arm64": (unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM, "UC_ARM64_REG_", arm64_const, "NZCV", "PC"),
            "riscv64": (unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64, "UC_RISCV_REG_", riscv_const, None, "PC"),
        }[isa.name]
        self.isa = isa
        self.machine = unicorn.Uc(architecture, mode)
        self.registers = [getattr(module, prefix + name.upper()) for name in isa.registers]
        self.flags = getattr(module, prefix + flags) if flags else None
        self.counter = getattr(module, prefix + counter)
        # Of x86-64's vectors the lower halves: there is no AVX.
        self.vectors = {name: getattr(module, prefix + name.upper().replace("YMM", "XMM")) for name in isa.vectors}
        self.machine.mem_map(CODE, CODE_SIZE)
        self.mapped: tuple[int, int] | None = None
        self.system_calls = 0
        # A system call does nothing here but be seen; without a hook unicorn passes over it in silence.
        if isa.name == "x86_64":
            self.machine.hook_add(unicorn.UC_HOOK_INSN, self._system_call, None, 1, 0, x86_const.UC_X86_INS_SYSCALL)
        self.machine.hook_add(unicorn.UC_HOOK_INTR, self._interrupt)
        self.fresh = self.machine.context_save()

    def _system_call(self, *_: Any) -> None:
        self.system_calls += 1

    def _interrupt(self, machine: Any, number: int, *_: Any) -> None:
        # EXCP_SWI of QEMU's target/arm and RISCV_EXCP_U_ECALL of target/riscv; x86-64's #DE is 0.
        if (self.isa.name, number) in (("arm64", 2), ("riscv64", 8)):
            self.system_calls += 1
        else:
            self.faulted = True
            machine.emu_stop()

    def run_all(self, cases: Sequence[Case]) -> list[State | Fault]:
        results: list[State | Fault] = []
        for code, state in cases:
            try:
                results.append(self.run(code, state))
            except Fault as fault:
                results.append(fault)
        return results

    def run(self, code: bytes, state: State) -> State:
        """The state after the one instruction at `state.pc`. Raises Fault."""
        import unicorn

        machine = self.machine
        if self.mapped != (state.base, len(state.memory)):
            if self.mapped:
                machine.mem_unmap(*self.mapped)
            machine.mem_map(state.base, len(state.memory))
            self.mapped = (state.base, len(state.memory))
        machine.mem_write(state.base, state.memory)
        if bytes(machine.mem_read(state.pc, len(code))) != code:
            machine.mem_write(state.pc, code)
            machine.ctl_remove_cache(state.pc, state.pc + len(code))
        values = [(register, state.registers[name])
                  for register, name in zip(self.registers, self.isa.registers, strict=True)]
        if self.flags is not None:
            # Bit 1 of EFLAGS always reads 1.
            word = 2 if self.isa.name == "x86_64" else 0
            values.append((self.flags, word | sum(state.flags[flag] << bit for flag, bit in self.isa.flags.items())))
        machine.reg_write_batch(values)
        for name, value in state.vectors.items():
            machine.reg_write(self.vectors[name], value & (1 << 128) - 1)
        self.faulted = False
        try:
            machine.emu_start(state.pc, CODE + CODE_SIZE, count=1)
        except unicorn.UcError as error:
            raise Fault(str(error)) from error
        if self.faulted:
            # Else the next fault were a double fault, and the third one none at all.
            machine.context_restore(self.fresh)
            raise Fault("interrupt")
        read = machine.reg_read_batch([*self.registers, self.counter, *([self.flags] if self.flags else [])])
        flags = {flag: read[-1] >> bit & 1 for flag, bit in self.isa.flags.items()}
        vectors = {name: value >> 128 << 128 | machine.reg_read(self.vectors[name])
                   for name, value in state.vectors.items()}
        return State(dict(zip(self.isa.registers, read, strict=False)), flags, read[len(self.registers)], state.base,
                     bytes(machine.mem_read(state.base, len(state.memory))), vectors)


@functools.cache
def unicorn_for(isa: Isa) -> Unicorn:
    return Unicorn(isa)


SLOTS_OFFSET, BRANCHED_OFFSET, SLOTS_BYTES, SLOT_BYTES = 4096, 2048, 131072, 64
"""As in table_harness_*.S."""
TAKEN = 32
"""From the start of a slot: where a branch goes that is taken."""
WINDOW_BYTES = 64
"""Memory that an instruction finds at `Harness.window`."""
PROLOGUES = {"x86_64": b"", "arm64": struct.pack("<I", 0xD53BD040),  # mrs x0, tpidr_el0
             "riscv64": struct.pack("<I", 0xE20002D3)}  # fmv.x.d t0, ft0


@dataclass(frozen=True)
class Harness:
    """The program of table_harness_*.S for an ISA, built."""

    isa: Isa
    program: str
    slots: int
    """Address of the first slot."""
    window: int

    @property
    def record(self) -> struct.Struct:
        """Offset of the slot; flags; registers; whether it branched; vectors; memory."""
        vectors = "".join(f"{bits // 8}s" for bits in self.isa.vectors.values())
        return struct.Struct(f"<{3 + len(self.isa.registers)}Q{vectors}{WINDOW_BYTES}s")

    def address(self, slot: int) -> int:
        """Where the instruction of a slot stands."""
        return self.slots + slot * SLOT_BYTES + len(PROLOGUES[self.isa.name])

    def run(self, codes: Sequence[bytes], records: bytes) -> bytes:
        """What becomes of each record under qemu-user, with one instruction in each slot."""
        area = b"".join(self._slot(code, number * SLOT_BYTES) for number, code in enumerate(codes))
        assert len(area) <= SLOTS_BYTES
        runner = load_targets()[self.isa.full_target].runner
        return subprocess.run([*runner, self.program], check=True, capture_output=True,
                              input=area.ljust(SLOTS_BYTES, b"\0") + records).stdout

    def _slot(self, code: bytes, start: int) -> bytes:
        body = PROLOGUES[self.isa.name] + code
        body += _jump(self.isa, -SLOTS_OFFSET - start - len(body))
        assert len(body) <= TAKEN
        taken = _jump(self.isa, -BRANCHED_OFFSET - start - TAKEN)
        return (body.ljust(TAKEN, b"\0") + taken).ljust(SLOT_BYTES, b"\0")


@functools.cache
def harness(isa: Isa) -> Harness:
    """Its files are removed when this process ends."""
    import lief

    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    program = Path(folder, "harness")
    source = Path(__file__).with_name(f"table_harness_{isa.name}.S")
    triple = f"{load_targets()[isa.full_target].triple.partition('-')[0]}-linux-none"
    subprocess.run([sys.executable, "-m", "ziglang", "cc", "-target", triple, "-nostdlib", "-static", "-o",
                    str(program), str(source)], check=True)
    file = lief.parse(str(program))
    assert isinstance(file, lief.ELF.Binary)
    slots, window = (int(file.get_symbol(name).value) for name in ("slots", "window"))
    return Harness(isa, str(program), slots, window)


def _jump(isa: Isa, distance: int) -> bytes:
    if isa.name == "x86_64":
        return b"\xe9" + struct.pack("<i", distance - 5)
    if isa.name == "arm64":
        return struct.pack("<I", 0x14000000 | distance // 4 & 0x3FFFFFF)
    fields = distance & 0x1FFFFF
    return struct.pack("<I", 0x6F | (fields >> 12 & 0xFF) << 12 | (fields >> 11 & 1) << 20
                       | (fields >> 1 & 0x3FF) << 21 | (fields >> 20) << 31)


def qemu_user(isa: Isa, cases: Sequence[Case]) -> list[State]:
    """The states afterwards; the program counter is taken to be as it should. Memory is that at the harness's
    window, or of no matter."""
    program = harness(isa)
    slots: dict[bytes, int] = {}
    records = bytearray()
    layout = program.record
    for code, state in cases:
        slot = slots.setdefault(code, len(slots))
        flags = sum(state.flags[flag] << bit for flag, bit in isa.flags.items())
        vectors = (state.vectors.get(name, 0).to_bytes(bits // 8, "little") for name, bits in isa.vectors.items())
        memory = state.memory if state.base == program.window else bytes(WINDOW_BYTES)
        registers = (state.registers[name] for name in isa.registers)
        records += layout.pack(slot * SLOT_BYTES, flags, *registers, 0, *vectors, memory)
    output = program.run(list(slots), bytes(records))
    results = []
    first = len(isa.registers) + 1
    for (code, state), (_, flags, *values) in zip(cases, layout.iter_unpack(output), strict=True):
        found = {name: int.from_bytes(value, "little")
                 for name, value in zip(isa.vectors, values[first:], strict=False) if name in state.vectors}
        results.append(State(dict(zip(isa.registers, values, strict=False)),
                             {flag: flags >> bit & 1 for flag, bit in isa.flags.items()}, state.pc + len(code),
                             state.base, values[-1] if state.base == program.window else state.memory,
                             found))
    return results
