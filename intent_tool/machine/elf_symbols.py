"""The symbols of what is written: functions, and marks that disassemblers want."""

from __future__ import annotations

from intent_tool.machine import elf_format as gabi
from intent_tool.machine.elf_link import Linked
from intent_tool.machine.target import Target


def function_symbols(linked: Linked, section: int, address: int = 0) -> list[gabi.Symbol]:
    """The functions, global and sized; `section` is the number of `.text`, which starts at `address`."""
    return [gabi.Symbol(f.symbol, gabi.STB_GLOBAL, gabi.STT_FUNC, section, address + f.offset, f.size)
            for f in linked.functions]


def mapping_symbol(target: Target, name: str, section: int, address: int = 0) -> list[gabi.Symbol]:
    """``$x`` or ``$d`` at the start of code or data, where the ABI has such symbols.

    AAELF64, "Mapping symbols"; RISC-V ELF psABI, "Mapping Symbol"."""
    if target.isa == "x86_64":
        return []
    return [gabi.Symbol(name, gabi.STB_LOCAL, gabi.STT_NOTYPE, section, address)]
