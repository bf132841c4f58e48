"""What glue needs of an ISA: small operations on named registers, each an instruction or a few.

Names: ``a0`` to ``a7`` (arguments of calls and of system calls; the fourth of the latter is ``s3``), ``t0`` and
``t1`` (nobody keeps them), ``result`` (of a system call), and those that calls keep: ``frame``, ``out``, ``limit``,
``in``, ``end``; ``k0`` and ``k1`` are the last two where input is not read in blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, MREMAP_MAYMOVE = 3, 0x22, 1
OUTGOING = 64
"""Bytes of stack for arguments of parts."""


class Machine(ABC):
    registers: Mapping[str, str]
    calls: Mapping[str, int]
    """Numbers of system calls."""
    arguments = 8
    """Registers for arguments; further ones are on the stack."""
    link: str | None = None
    """The register that holds the return address, where one does."""
    unaligned = True
    """Whether words may be loaded from anywhere at no cost."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.stored = "", 0, 0
        """Register, offset in the frame, and the number of lines then."""

    def put(self, *lines: str) -> None:
        self.lines += lines

    def r(self, name: str) -> str:
        return self.registers[name]

    def label(self, name: str) -> None:
        self.put(f"{name}:")

    @abstractmethod
    def stack_pointer(self, register: str) -> None: ...

    @abstractmethod
    def enter(self, size: int) -> None:
        """Takes `size` bytes of stack, above which ``frame`` starts at OUTGOING bytes from the stack pointer."""

    @abstractmethod
    def store_argument(self, register: str, offset: int) -> None:
        """A word of 64 bits at the stack pointer plus `offset` bytes."""

    @abstractmethod
    def constant(self, register: str, value: int) -> None: ...

    @abstractmethod
    def move(self, to: str, source: str) -> None: ...

    @abstractmethod
    def add(self, to: str, a: str, b: str) -> None: ...

    @abstractmethod
    def subtract(self, to: str, a: str, b: str) -> None: ...

    @abstractmethod
    def add_constant(self, register: str, value: int) -> None: ...

    @abstractmethod
    def frame_address(self, register: str, offset: int) -> None: ...

    @abstractmethod
    def load_at(self, register: str, address: str, offset: int) -> None:
        """64 bits."""

    @abstractmethod
    def store_at(self, register: str, address: str, offset: int) -> None: ...

    def load(self, register: str, offset: int) -> None:
        # What has just been stored is still there.
        if self.stored != (self.r(register), offset, len(self.lines)):
            self.load_at(register, "frame", offset)

    def store(self, register: str, offset: int) -> None:
        self.store_at(register, "frame", offset)
        self.stored = self.r(register), offset, len(self.lines)

    @abstractmethod
    def store_result(self, offset: int) -> None: ...

    @abstractmethod
    def load_byte(self, register: str, address: str) -> None: ...

    @abstractmethod
    def store_byte(self, register: str, address: str) -> None: ...

    @abstractmethod
    def branch(self, op: str, a: str, b: str, label: str, signed: bool) -> None: ...

    @abstractmethod
    def branch_constant(self, op: str, a: str, b: int, label: str, signed: bool) -> None: ...

    @abstractmethod
    def jump(self, label: str) -> None: ...

    @abstractmethod
    def call(self, symbol: str) -> None: ...

    def ret(self) -> None:
        self.put("ret")

    @abstractmethod
    def system(self, name: str) -> None: ...

    @abstractmethod
    def table_address(self, register: str, label: str) -> None: ...

    def map_memory(self, size: str) -> None:
        """``result`` is the address of `size` fresh bytes, or an error."""
        self.constant("a0", 0)
        self.move("a1", size)
        self.constant("a2", PROT_READ_WRITE)
        self.constant("s3", MAP_PRIVATE_ANONYMOUS)
        self.constant("a4", -1)
        self.constant("a5", 0)
        self.system("mmap")

    def grow_memory(self, address: str, size: str) -> None:
        """``result`` is where the mapping of `size` bytes is now, twice as long, or an error."""
        self.move("a0", address)
        self.move("a1", size)
        self.add("a2", size, size)
        self.constant("s3", MREMAP_MAYMOVE)
        self.system("mremap")

    def branch_mapping_failed(self, register: str, label: str) -> None:
        """No address that a process gets has its highest bit set."""
        self.branch_constant("<", register, 0, label, True)
