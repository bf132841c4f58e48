"""The `.riscv.attributes` section: which extensions the code uses, for linkers and disassemblers.

Source: RISC-V ELF psABI 1.0, "Attributes"; the format is the ARM ABI's "Build attributes" section.
"""

from __future__ import annotations

import struct

from intent_tool.machine.target import Target

_TAG_FILE, _TAG_STACK_ALIGN, _TAG_ARCH = 1, 4, 5
_VERSIONS = {"m": "2p0", "a": "2p1", "f": "2p2", "d": "2p2", "c": "2p0", "zicsr": "2p0", "zba": "1p0", "zbb": "1p0",
             "zbs": "1p0"}
"""Of the ratified specification 20191213 and after, in the canonical order of an ISA string."""


def architecture(features: frozenset[str]) -> str:
    """The ISA string, ``rv64i2p1_m2p0_…``; f and d imply zicsr."""
    implied = features | ({"zicsr"} if "f" in features else set())
    return "_".join(["rv64i2p1", *(name + version for name, version in _VERSIONS.items() if name in implied)])


def attributes(target: Target) -> bytes:
    """The section's content."""
    tags = bytes([_TAG_STACK_ALIGN, target.abi.stack_alignment, _TAG_ARCH])
    tags += architecture(target.features).encode("ascii") + b"\0"
    file = bytes([_TAG_FILE]) + struct.pack("<I", 5 + len(tags)) + tags
    vendor = b"riscv\0" + file
    return b"A" + struct.pack("<I", 4 + len(vendor)) + vendor
