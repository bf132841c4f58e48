"""Instances of table rows, and machine states to run them on: mostly edges, seeded by the row's form."""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from table_emulators import CODE, CODE_SIZE, WINDOW_BYTES, harness, needs_qemu
from table_isas import Isa
from table_meaning import State, environment, evaluate, widths

from intent_tool.machine.instruction import Operand, Row

INSTANCES = 40
"""Choices of operands for a row."""
STATES = 4
"""Machine states for each."""

HERE = CODE + CODE_SIZE // 2
"""Where every instruction stands."""
TABLE_ADDRESS = HERE + 0x12_3456
WINDOW, WINDOW_SIZE = 0x7000_0000, 0x1000
"""The memory that loads and stores are aimed at."""


@dataclass(frozen=True)
class Instance:
    operands: Mapping[str, Any]
    """64-bit registers' names, integers, conditions' names."""
    texts: Mapping[str, str]
    """The operands as they are written."""
    text: str
    code: bytes


@functools.cache
def instances(isa: Isa, form: str) -> list[Instance]:
    """First what encodes shortest, then what encodes longest, then anything."""
    row = isa.table[form]
    rng = random.Random(form)
    found = []
    for number in range(INSTANCES):
        operands: dict[str, Any] = {}
        for operand in row.operands:
            if number < 2:
                operands[operand.name] = _extreme(isa, row, operand, operands, longest=number == 1)
            else:
                operands[operand.name] = _any(isa, row, operand, operands, rng)
        texts = {operand.name: _text(isa, row, operand, operands[operand.name]) for operand in row.operands}
        text = row.text.replace(":lo12:", "").format(**texts)
        found.append(Instance(operands, texts, text, isa.assemble(text, HERE, operands.get("t", 0))))
    return found


def _text(isa: Isa, row: Row, operand: Operand, value: Any) -> str:
    if operand.kind == "table":
        # What the linker would fill in: the distance from the next instruction, the page, or the low bits.
        return {"lea": str(value - HERE - 7), "adrp": hex(value >> 12 << 12), "add": f"#{value & 0xFFF}",
                "auipc": ".Lt"}[row.form.split()[0]]
    if operand.kind == "label":
        return ".Lt"
    if isinstance(value, str) and operand.kind != "cond":
        return isa.register_name(value, operand.kind)
    return str(value)


# Operands

def _extreme(isa: Isa, row: Row, operand: Operand, so_far: Mapping[str, Any], *, longest: bool) -> Any:
    kind = operand.kind
    if kind == "label":
        return HERE + (0x7FC if longest else 0x40)
    if bounds := _range(kind):
        # A shift by 1 has an encoding of its own.
        return bounds[1] if longest else int(row.latency == "shift")
    if not isa.registers_of(kind):
        return _any(isa, row, operand, so_far, random.Random(row.form))
    free = _admitted(isa, row, operand, so_far)
    # x86-64: as a base r12 takes a scaled-index byte more than r15; the others are short for these.
    order = ["r12" if operand.name == "b" else free[-1]] if longest else ["rbx", "rsi", "rdi"]
    if not longest and kind != "r8":
        order = order[len(so_far):] + order
    return next((name for name in order if name in free), free[-1 if longest else 0])


def _any(isa: Isa, row: Row, operand: Operand, so_far: Mapping[str, Any], rng: random.Random) -> Any:
    kind = operand.kind
    if kind == "cond":
        return rng.choice(list(isa.conditions))
    if kind == "label":
        return HERE + 4 * rng.choice([rng.randrange(-0x1FF, -1), rng.randrange(2, 0x1FF)])
    if kind == "table":
        return TABLE_ADDRESS
    if kind in ("lsl", "width", "bitmask"):
        width = next(widths(each.kind) for each in row.operands if each.name in "da")
        if kind == "lsl":
            return rng.randrange(0, width, 16)
        if kind == "width":
            return rng.choice([1, width - so_far["i"], rng.randint(1, width - so_far["i"])])
        return _logical_immediate(width, rng)
    if bounds := _range(kind):
        low, high, scale = bounds[0], bounds[1], int(kind.partition("*")[2] or 1)
        values = [low, low + scale, high, high - scale, 0, scale, max(low, -128), min(high, 127),
                  rng.randint(low, high), rng.randint(max(low, -200), min(high, 200))]
        return max(low, rng.choice(values) // scale * scale)
    admitted = _admitted(isa, row, operand, so_far)
    again = [name for name in so_far.values() if name in admitted]
    return rng.choice(again if again and rng.random() < 0.15 else admitted)


def _range(kind: str) -> tuple[int, int] | None:
    """Of an immediate kind: ``i12``, ``u8``, ``i32u`` (unsigned), ``u12*8`` (multiples), ``shift8`` (1 to 8)."""
    if kind.startswith("shift"):
        return 1, int(kind[5:])
    match = re.fullmatch(r"([iu])(\d+)(u?)(?:\*(\d+))?", kind)
    if not match:
        return None
    bits, scale = int(match[2]), int(match[4] or 1)
    if match[1] == "u" or match[3]:
        return 0, ((1 << bits) - 1) * scale
    return -(1 << bits - 1) * scale, ((1 << bits - 1) - 1) * scale


def _logical_immediate(width: int, rng: random.Random) -> int:
    """Any that DecodeBitMasks gives (Arm ARM, shared pseudocode), made from its fields."""
    size = rng.choice([size for size in (2, 4, 8, 16, 32, 64) if size <= width])
    ones, turn = rng.randrange(1, size), rng.randrange(size)
    element = (1 << ones) - 1
    element = (element >> turn | element << size - turn) & (1 << size) - 1
    return sum(element << start for start in range(0, width, size))


def _admitted(isa: Isa, row: Row, operand: Operand, so_far: Mapping[str, Any]) -> list[str]:
    """Registers but for what the manuals leave unpredictable, and what cannot be aimed at the window."""
    taken = {name for name in so_far.values() if isinstance(name, str)}
    admitted = [name for name in isa.registers_of(operand.kind) if not (operand.name == "x" and name == "rsp")]
    address = address_of(row)
    if address and operand.name in _names(address):
        admitted = [name for name in admitted if name not in ("zero", "xzr")]
        # What is loaded or stored may share the base's register, but not where the base is written back; and
        # an address of twice the same register is not tried.
        if operand.role != "both" and "x" not in _names(address):
            taken = set()
    elif row.form[:3] not in ("ldp", "stp"):
        taken = set()
    return [name for name in admitted if name not in taken]


def address_of(row: Row) -> str | None:
    """The expression of an address, in memory or of a jump that does not go to a label."""
    for text in row.meaning.values():
        if found := re.search(r"(?:load|store)\((u64\(.*?\)|\w+), ", text):
            return found[1]
    if any(operand.kind == "label" for operand in row.operands):
        return None
    return row.meaning.get("pc", "").removesuffix(" & ~1") or None


def _names(expression: str) -> list[str]:
    return [name for name in re.findall(r"\b[a-z]\w*", expression) if name != "u64"]


# States

def states(isa: Isa, row: Row, operands: Mapping[str, Any], rng: random.Random) -> list[State]:
    return [_state(isa, row, operands, rng) for _ in range(STATES)]


def _state(isa: Isa, row: Row, operands: Mapping[str, Any], rng: random.Random) -> State:
    registers = {name: _content(rng) for name in isa.registers}
    if row.traps and rng.random() < 0.7:
        # x86-64's division: mostly without overflow.
        registers["rdx"] = rng.choice([0, 0, 1, (1 << 64) - 1 if registers["rax"] >> 63 else 0])
    flags = {flag: rng.randrange(2) for flag in isa.flags}
    state = State(registers, flags, HERE, WINDOW, rng.randbytes(WINDOW_SIZE))
    if row.uses_vectors:
        # Those that take part, and some that must stay as they were.
        bystanders = list(isa.vectors)[::1 if row.writes else 5]
        names = [name for name in isa.vectors if name in operands.values() or name in bystanders]
        contents = lane_edges(rng, max(isa.vectors.values()), len(names))
        state.vectors = {n: int.from_bytes(c, "little") for n, c in zip(names, contents, strict=True)}
    if address := address_of(row):
        in_memory = any("load(" in text or "store(" in text for text in row.meaning.values())
        target = WINDOW + rng.randrange(64, WINDOW_SIZE - 64) if in_memory else HERE + 4 * rng.randrange(-999, 999)
        if in_memory and needs_qemu(row):
            state.base, state.memory = harness(isa).window, rng.randbytes(WINDOW_BYTES)
            target = state.base + rng.randrange(WINDOW_BYTES // 2)
        _aim(isa, row, operands, state, address=address, target=target)
    if "load(" in row.meaning.get("pc", ""):
        # Wherever the return address is loaded from, it leads into the code.
        state.memory = (HERE + rng.randrange(-999, 999)).to_bytes(8, "little") * (WINDOW_SIZE // 8)
        state.registers["rsp"] &= ~7
    return state


def _aim(isa: Isa, row: Row, operands: Mapping[str, Any], state: State, *, address: str, target: int) -> None:
    """Set the base register so that the expression `address` is `target`."""
    base = _names(address)[0]
    base = operands.get(base, base)
    state.registers[base] = 0
    offset = evaluate(address, environment(row, operands, state, 0, isa.conditions))
    state.registers[base] = target - offset & (1 << 64) - 1
    if base == "sp" and isa.name == "arm64":
        state.registers[base] &= ~15  # Arm ARM, "SP alignment checking"


_EDGES = [0, 1, 2, 3, 7, 8, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF,
          0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000]


def _content(rng: random.Random) -> int:
    """Of a register: any, any of fewer bits, or next to an edge or to its negative."""
    chosen = rng.randrange(4)
    if chosen == 0:
        return rng.getrandbits(64)
    if chosen == 1:
        return rng.getrandbits(rng.randrange(1, 64))
    edge = rng.choice(_EDGES) + rng.randrange(-1, 2)
    return (edge if chosen == 2 else -edge) & (1 << 64) - 1


def lane_edges(rng: random.Random, bits: int, count: int) -> list[bytes]:
    """Vectors of so many bits whose lanes, all of one width, are edges or equal more often than by chance."""
    width = rng.choice((8, 16, 32, 64))
    top = 1 << width - 1
    values = [0, 1, top - 1, top, 2 * top - 1, *(rng.getrandbits(width) for _ in range(4))]
    palette = [v.to_bytes(width // 8, "little") for v in values]
    return [b"".join(rng.choices(palette, k=bits // width)) for _ in range(count)]
