"""x86-64 lines in Intel syntax, read into a form in which equal instructions are equal.

Both what was written and what the disassembler says of the bytes are read by this, and then compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Union

from intent_tool.machine.layout import Unencodable
from intent_tool.machine.line_syntax import LABEL, number, wrapped
from intent_tool.machine.registers import X86_64

_LEGACY = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")


def _widths() -> dict[str, int]:
    widths = dict.fromkeys(X86_64, 64)
    widths |= dict.fromkeys(_LEGACY, 16) | {f"e{name}": 32 for name in _LEGACY}
    widths |= dict.fromkeys(("al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", "ah", "ch", "dh", "bh"), 8)
    for register in range(8, 16):
        widths |= {f"r{register}d": 32, f"r{register}w": 16, f"r{register}b": 8}
    return widths


WIDTHS = _widths()
"""The width in bits of every general register, by name."""
VECTORS = {f"{kind}{number}": width for kind, width in (("xmm", 128), ("ymm", 256)) for number in range(16)}
"""The same of vector registers."""

_SIZES = {"byte": 8, "word": 16, "dword": 32, "qword": 64, "xmmword": 128, "ymmword": 256}
_CONDITION_NAMES = {"z": "e", "nz": "ne", "c": "b", "nae": "b", "nb": "ae", "nc": "ae", "na": "be", "nbe": "a",
                    "pe": "p", "po": "np", "nge": "l", "nl": "ge", "ng": "le", "nle": "g"}
CONDITIONS = ("o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g")
"""In the order of their encoding (SDM volume 1, appendix B)."""

_SHIFTS = frozenset(("shl", "shr", "sar", "rol", "ror", "rcl", "rcr"))
_EXTENSIONS = frozenset(("movzx", "movsx", "movsxd"))
_IMMEDIATE_BYTE = _SHIFTS | {"shld", "shrd", "rorx", "bt", "bts", "btr", "btc"}
_COMMUTATIVE = frozenset(("test", "xchg"))


@dataclass(frozen=True, slots=True)
class Memory:
    """`size` in bits, None where there is none (lea). With base rip, `symbol` is a table, plus `displacement`."""

    size: int | None
    base: str | None
    index: str | None
    scale: int
    displacement: int
    symbol: str | None = None


Operand = Union[str, int, Memory]
"""A register's name, an immediate, or memory."""


@dataclass(frozen=True, slots=True)
class Line:
    mnemonic: str
    operands: tuple[Operand, ...]


def condition_name(text: str) -> str:
    """The condition as the disassembler names it: ``nz`` is ``ne``."""
    return _CONDITION_NAMES.get(text, text)


def mnemonic_name(text: str) -> str:
    """The mnemonic as the disassembler names it: ``jz`` is ``je``, ``sal`` is ``shl``."""
    for prefix in ("cmov", "set", "j"):
        if text.startswith(prefix) and text.removeprefix(prefix) in _CONDITION_NAMES:
            return prefix + condition_name(text.removeprefix(prefix))
    return "shl" if text == "sal" else text


def parse(text: str) -> Line:
    """A line in lower case but for labels. Raises `Unencodable` for everything that is not one plain instruction."""
    found = re.fullmatch(r"([a-z][a-z0-9]*)(?: (.+))?", text)
    if found is None:
        raise Unencodable("not an instruction")
    operands = () if found[2] is None else tuple(_operand(part.strip()) for part in found[2].split(","))
    return _completed(mnemonic_name(found[1]), operands)


def _operand(text: str) -> Operand:
    if text in WIDTHS or text in VECTORS:
        return text
    found = re.fullmatch(r"(?:(byte|word|dword|qword|xmmword|ymmword) ptr )?\[([^\[\]]+)\]", text)
    if found is not None:
        return _memory(_SIZES[found[1]] if found[1] else None, found[2])
    if re.fullmatch(r"[-0-9].*", text):
        return number(text)
    if LABEL.fullmatch(text):
        raise Unencodable(f"`{text}` cannot stand here; the address of a table is `lea reg, [rip + {text}]`")
    raise Unencodable(f"`{text}` is not a register, a number or memory" if text else "an operand is missing")


def _memory(size: int | None, text: str) -> Memory:
    terms = re.findall(r"\s*([+-]?)\s*(-?[^\s+-]+)\s*", text)
    if "".join(sign + term for sign, term in terms) != re.sub(r"\s", "", text):
        raise Unencodable(f"`[{text}]` is not an address")
    registers: list[tuple[str, int]] = []
    displacement, symbol = 0, None
    for place, (sign, term) in enumerate(terms):
        register, scale = _scaled(term)
        if register is not None and sign != "-":
            registers.append((register, scale))
        elif LABEL.fullmatch(term) and sign != "-" and symbol is None:
            symbol = term
        elif (register is None and not LABEL.fullmatch(term)) and (sign or not place):
            displacement += -number(term) if sign == "-" else number(term)
        else:
            raise Unencodable(f"`[{text}]` is not an address")
    if ("rip", 1) in registers or symbol is not None:
        if registers != [("rip", 1)]:
            raise Unencodable("a table is addressed as [rip + label], without other registers")
        return Memory(size, "rip", None, 1, displacement, symbol)
    return _address(size, registers, displacement, text)


def _scaled(term: str) -> tuple[str | None, int]:
    if term in WIDTHS or term == "rip":
        return term, 1
    found = re.fullmatch(r"(\w+)\*(\w+)", term)
    if found is None:
        return None, 1
    register, scale = (found[1], found[2]) if found[1] in WIDTHS else (found[2], found[1])
    if register not in WIDTHS or scale not in ("1", "2", "4", "8"):
        raise Unencodable(f"`{term}` is not a register times 1, 2, 4 or 8")
    return register, int(scale)


def _address(size: int | None, registers: list[tuple[str, int]], displacement: int, text: str) -> Memory:
    for register, _ in registers:
        if register not in X86_64:
            raise Unencodable(f"an address is made of 64-bit registers; `{register}` is none")
    if len(registers) > 2 or (len(registers) == 2 and registers[0][1] > 1 and registers[1][1] > 1):
        raise Unencodable(f"`[{text}]` has more than a base, an index and a displacement")
    if not registers:
        raise Unencodable(f"`[{text}]` is a fixed address")
    if not -(1 << 31) <= displacement < 1 << 31:
        raise Unencodable(f"the displacement {displacement} does not fit 32 signed bits")
    if len(registers) == 1:
        (register, scale), = registers
        # A lone register times 1 is a base.
        if scale == 1:
            return Memory(size, register, None, 1, displacement)
        return Memory(size, None, register, scale, displacement)
    (base, base_scale), (index, scale) = registers
    if base_scale > 1:
        base, index, scale = index, base, base_scale
    if index == "rsp":
        raise Unencodable("rsp cannot be an index; write it first")
    return Memory(size, base, index, scale, displacement)


def _completed(mnemonic: str, operands: tuple[Operand, ...]) -> Line:
    """With everything that may be left out, and immediates as bits of the operand's width."""
    if mnemonic in _SHIFTS and len(operands) == 1:
        operands = (*operands, 1)
    if mnemonic == "imul" and len(operands) == 2 and isinstance(operands[1], int):
        operands = (operands[0], *operands)
    # capstone's name of the move with a 64-bit immediate; keystone picks by the number.
    if mnemonic == "movabs" and len(operands) == 2 and isinstance(operands[1], int):
        mnemonic = "mov"
    operands = tuple(_sized(mnemonic, o, operands) if isinstance(o, Memory) else o for o in operands)
    width = _width(operands[0]) if operands else 64
    if mnemonic == "push":
        width = 64
    elif mnemonic in _IMMEDIATE_BYTE or any(o in VECTORS for o in operands if isinstance(o, str)):
        width = 8
    return Line(mnemonic, tuple(wrapped(o, width) if isinstance(o, int) else o for o in operands))


def _width(operand: Operand) -> int:
    if isinstance(operand, str):
        return WIDTHS.get(operand) or VECTORS[operand]
    return operand.size or 64 if isinstance(operand, Memory) else 64


def _sized(mnemonic: str, memory: Memory, operands: tuple[Operand, ...]) -> Memory:
    if mnemonic == "lea":
        return Memory(None, memory.base, memory.index, memory.scale, memory.displacement, memory.symbol)
    if memory.size is not None:
        return memory
    widths = [_width(o) for o in operands if isinstance(o, str)]
    if not widths or mnemonic in _EXTENSIONS or mnemonic in _SHIFTS:
        raise Unencodable("the size of the memory operand is missing; write `dword ptr [...]` or the like")
    return Memory(widths[0], memory.base, memory.index, memory.scale, memory.displacement, memory.symbol)


def same(written: Line, made: Line) -> bool:
    """Whether the bytes, read back as `made`, are what was `written`. Symbols are 0 in the bytes."""
    if written.mnemonic != made.mnemonic or len(written.operands) != len(made.operands):
        return False
    pairs = list(zip(written.operands, made.operands, strict=True))
    if all(_same_operand(a, b) for a, b in pairs):
        return True
    return (written.mnemonic in _COMMUTATIVE
            and all(_same_operand(a, b) for a, b in zip(written.operands, reversed(made.operands), strict=True)))


def _same_operand(written: Operand, made: Operand) -> bool:
    if not isinstance(written, Memory) or not isinstance(made, Memory):
        return written == made
    if written.symbol is not None:
        return (made.base, made.displacement, made.size) == ("rip", 0, written.size)
    places = {(written.base, written.index)}
    if written.scale == 1 and written.index is not None:
        places.add((written.index, written.base))
    return ((made.base, made.index) in places
            and (written.size, written.scale, written.displacement) == (made.size, made.scale, made.displacement))
