"""Target records: what a target is, read from `targets/*.yaml`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ElfIdentity:
    """What goes into the ELF header (gABI, and the psABI of each machine)."""

    machine: int
    """e_machine: EM_X86_64 62, EM_AARCH64 183, EM_RISCV 243."""
    flags: int
    """e_flags (RISC-V: EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE = 5)."""
    text_alignment: int
    """Bytes; alignment of `.text` in objects."""
    page_size: int
    """Bytes; the largest page size in use, segments of executables are aligned to it."""


@dataclass(frozen=True, slots=True)
class Abi:
    """The calling convention, for integer and pointer values only. Registers by their 64-bit names."""

    arguments: tuple[str, ...]
    result: str
    caller_saved: tuple[str, ...]
    """May be written freely; includes the argument registers; in the order that allocation prefers."""
    callee_saved: tuple[str, ...]
    """Must hold their entry values on return; without the stack pointer."""
    stack_pointer: str
    link_register: str | None
    """None where the return address is on the stack (x86-64)."""
    stack_alignment: int
    """Bytes, at a call."""
    narrow_values: str
    """``undefined``: bits above a narrow argument or result are anything;
    ``sign-extended``: 32-bit values are sign-extended to 64 bits whatever their type, narrower ones are
    extended by their own sign to 32 bits first (RISC-V psABI, Integer Calling Convention)."""


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    aliases: tuple[str, ...]
    summary: str
    isa: str
    """Which instruction table and ELF conventions: ``x86_64``, ``arm64`` or ``riscv64``."""
    triple: str
    features: frozenset[str]
    elf: ElfIdentity
    abi: Abi
    disassembler: str
    lifter: str
    emulator: str
    """unicorn's architecture and mode, or ``none`` when it lacks the features."""
    runner: tuple[str, ...]
    """The user-mode emulator and its arguments, e.g. ``("qemu-x86_64", "-cpu", "max")``."""
    instructions: frozenset[str]
    """Mnemonics that a binary may use, as the judge's disassembler names them."""
    digest: str
    """SHA-256 of everything above, hexadecimal."""

    def has(self, feature: str) -> bool:
        return feature in self.features
