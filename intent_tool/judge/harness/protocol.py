"""What the harness reads and writes. All numbers are little-endian 64-bit words unless said otherwise.

Standard input::

    header   16 words: magic, page size, image address, image bytes, entry address, stack address, stack bytes,
             words of stack arguments, number of regions, number of vectors, bytes of all vectors, bytes of all
             results, flags, fill, tick (CPU microseconds), 0
    regions  for each: address, bytes
    image    image bytes
    vectors  for each: seed of the junk, the argument registers (all that the ABI has), the words of stack
             arguments, and for each region its window: address, bytes, content

The harness maps image, stack and regions with an inaccessible page on either side. All of them are multiples of
the page size, windows multiples of 8. Regions hold a pattern that depends on the address and on `fill`; a window's
content is put there for one call, and the pattern comes back afterwards. The stack below the first 512 bytes of the
function's frame holds `fill`.

Before each call every register that is no argument holds junk made from the vector's seed: word 0 of the seed x is
x·6364136223846793005 + 1442695040888963407, with its bits 29 and up folded onto the lowest by exclusive or (the
sequence itself goes on from the unfolded word).

Standard output::

    results  for each vector: the result register, the status, and for each window its content afterwards
    trailer  8 words: magic, vectors done, signal or 0, fault address, fault pc, depth of the stack in bytes where
             that is more than 512, address of a byte that changed outside the windows or 0, 0

Exit status: 0 when the trailer was written; 100 when the input was cut short; 101 when memory could not be mapped.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = int.from_bytes(b"INTENTH1", "little")
TRAILER_MAGIC = int.from_bytes(b"INTENTT1", "little")
TRAILER = struct.Struct("<8Q")
MAX_REGIONS = 32

FLUSH_EACH = 1
"""Flag: write every result at once, so that those before a crash of the emulator itself are not lost."""
SWEEP_EACH = 2
"""Flag: look for changes outside the windows after every call and not only at the end."""

STATUS_SP = 1 << 16
"""The stack pointer is not what it was."""
STATUS_SENTINEL = 1 << 17
"""Something above the stack arguments was written."""
STATUS_DIRECTION = 1 << 18
"""x86-64's direction flag is set."""
STATUS_OUTSIDE = 1 << 20
"""A region changed outside its window (with SWEEP_EACH)."""
STATUS_FAULTS = (1 << 32) - 1
"""All of the above, and below them one bit for each register of KEPT that changed. The upper half of the status is
how many of the 512 bytes below the stack pointer were used."""

ARGUMENT_REGISTERS = {"x86_64": 6, "arm64": 8, "riscv64": 8}
KEPT = {
    "x86_64": ("rbx", "rbp", "r12", "r13", "r14", "r15"),
    "arm64": ("x18", *(f"x{n}" for n in range(19, 30))),
    "riscv64": ("gp", "tp", *(f"s{n}" for n in range(12))),
}
"""Registers that must hold their old values after the call, in the order of the status bits and of the junk."""
PAINTED = 512
SENTINEL_BYTES = 128

STATE_DONE, STATE_OUTPUT, STATE_FLUSHED = 128, 160, 168
"""Offsets into the harness's state, the start of its .bss: vectors done, where the next result goes, and up to where
the results have been written out."""

SIGNALS = {4: "SIGILL", 5: "SIGTRAP", 7: "SIGBUS", 8: "SIGFPE", 11: "SIGSEGV"}
TIMED_OUT = 26
"""SIGVTALRM: the vector in work used up two ticks of CPU time."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run of the harness."""

    page: int
    image_address: int
    image: bytes
    entry: int
    stack_address: int
    stack_bytes: int
    stack_words: int
    regions: tuple[tuple[int, int], ...]
    count: int
    vectors: bytes
    result_bytes: int
    """Of all vectors."""
    fill: int
    flags: int = 0
    tick: int = 500_000

    def encode(self) -> bytes:
        """What the harness reads."""
        words = [MAGIC, self.page, self.image_address, len(self.image), self.entry, self.stack_address,
                 self.stack_bytes, self.stack_words, len(self.regions), self.count, len(self.vectors),
                 self.result_bytes, self.flags, self.fill, self.tick, 0]
        words += [word for region in self.regions for word in region]
        return struct.pack(f"<{len(words)}Q", *words) + self.image + self.vectors


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of the harness, or of another emulator on the same job, came to."""

    results: bytes
    """Of the vectors that finished, as the harness writes them."""
    done: int
    signal: int = 0
    """What stopped the vector after those, 0 when none did."""
    fault_address: int = 0
    fault_pc: int = 0
    depth: int = 0
    outside: int = 0


def decode_outcome(output: bytes) -> Outcome | None:
    """The outcome that a harness wrote, or None when it did not get so far."""
    if len(output) < TRAILER.size:
        return None
    magic, done, signal, address, pc, depth, outside, _ = TRAILER.unpack(output[-TRAILER.size:])
    if magic != TRAILER_MAGIC:
        return None
    return Outcome(output[:-TRAILER.size], done, signal, address, pc, depth if depth > PAINTED else 0, outside)
