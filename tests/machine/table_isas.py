"""What the table tests need to know of each ISA: registers, how a line becomes bytes, which emulator runs it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from intent_tool.machine import arm64, riscv64, riscv_encoder, vector_arm64, vector_x86_64, x86_64
from intent_tool.machine.instruction import Row


@dataclass(frozen=True, eq=False)
class Isa:
    name: str
    table: Mapping[str, Row]
    registers: tuple[str, ...]
    """The state: 64-bit names, without a zero register."""
    vectors: Mapping[str, int]
    """Width in bits of each vector register."""
    flags: Mapping[str, int]
    """Each flag's bit in the flags register."""
    conditions: Mapping[str, str]
    assemble: Callable[[str, int, int], bytes]
    """One line, as it stands at an address, with what ``.Lt`` in it is. Raises when it is not one instruction."""
    mnemonic: Callable[[Row, bytes], str]
    """Of an instance of a row, as the target records name it."""
    register_name: Callable[[str, str], str]
    registers_of: Callable[[str], tuple[str, ...]]
    """64-bit names (the zero register's too) that an operand of this kind may be; none when it is no register."""
    full_target: str
    """The target record with every feature of the table."""


@functools.cache
def _keystone(name: str) -> Any:
    import keystone

    return {"x86_64": lambda: keystone.Ks(keystone.KS_ARCH_X86, keystone.KS_MODE_64),
            "arm64": lambda: keystone.Ks(keystone.KS_ARCH_ARM64, keystone.KS_MODE_LITTLE_ENDIAN)}[name]()


@functools.cache
def _capstone(name: str) -> Any:
    import capstone

    return {"x86_64": lambda: capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64),
            "arm64": lambda: capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)}[name]()


def _assemble(name: str) -> Callable[[str, int, int], bytes]:
    def assemble(line: str, address: int, target: int) -> bytes:
        code, count = _keystone(name).asm(line.replace(".Lt", str(target)), address)
        assert count == 1, f"{line}: {count} statements"
        return bytes(code)
    return assemble


def _mnemonic(name: str) -> Callable[[Row, bytes], str]:
    def mnemonic(row: Row, code: bytes) -> str:
        found = list(_capstone(name).disasm_lite(code, 0x10000))
        assert [size for _, size, _, _ in found] == [len(code)], f"{code.hex()} is not one instruction"
        return str(found[0][2])
    return mnemonic


def _riscv64_assemble(line: str, address: int, target: int) -> bytes:
    """The encoder's piece, its branch chosen by distance, and the upper part of a table's address filled in."""
    piece, _ = riscv_encoder.encode_line(line, 0, frozenset({"m", "c", "zba", "zbb", "zbs"}))
    distance = target - address
    if piece.variants:
        variant = next(each for each in piece.variants if each.low <= distance <= each.high)
        (code, _), = variant.encode(distance)
        return code
    if [fixup.kind for fixup in piece.fixups] == ["R_RISCV_PCREL_HI20"]:
        word = int.from_bytes(piece.code, "little") + (distance + 0x800 >> 12 << 12)
        return word.to_bytes(4, "little")
    return piece.code


def _riscv64_mnemonic(row: Row, code: bytes) -> str:
    """Of the base instruction: that is how records name a pseudo-instruction and a compressed one."""
    return (riscv64.ENCODINGS[row.form].expansion or row.text).split()[0]


def _x86_64_registers_of(kind: str) -> tuple[str, ...]:
    if kind in ("xmm", "ymm"):
        return vector_x86_64.REGISTERS
    return x86_64.REGISTERS if kind[0] == "r" else ()


def _arm64_registers_of(kind: str) -> tuple[str, ...]:
    if kind in ("b", "h", "s", "d", "q") or kind.startswith("v."):
        return vector_arm64.REGISTERS
    if kind not in ("w", "x", "wsp", "xsp"):
        return ()
    return (*arm64.REGISTERS[:31], "sp" if kind.endswith("sp") else "xzr")


X86_64 = Isa("x86_64", x86_64.TABLE, x86_64.REGISTERS, {f"ymm{n}": 256 for n in range(16)},
             {"cf": 0, "pf": 2, "zf": 6, "sf": 7, "of": 11}, x86_64.CONDITIONS, _assemble("x86_64"),
             _mnemonic("x86_64"), x86_64.register_name, _x86_64_registers_of, "x86_64_v3")
ARM64 = Isa("arm64", arm64.TABLE, arm64.REGISTERS, {f"v{n}": 128 for n in range(32)},
            {"n": 31, "z": 30, "c": 29, "v": 28}, arm64.CONDITIONS, _assemble("arm64"), _mnemonic("arm64"),
            arm64.register_name, _arm64_registers_of, "arm64")
RISCV64 = Isa("riscv64", riscv64.TABLE, riscv64.REGISTERS[1:], {}, {}, {}, _riscv64_assemble, _riscv64_mnemonic,
              riscv64.register_name, lambda kind: riscv64.REGISTERS if kind == "x" else (), "riscv64_zb")
ISAS = (X86_64, ARM64, RISCV64)
