"""Ghidra's p-code of one instruction, made a straight line of single assignments to numbered slots.

P-code names bytes: of the registers, of temporaries, of memory. Here every value has a slot of its own, its width
in bits is known, and flags are bits; what is computed for nothing is left out. A forward skip inside an instruction
(`csel`, `udiv`) becomes a choice between values. What p-code leaves open (CALLOTHER, loops, floating point,
registers that are not in the machine's state) is `Unsupported`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from intent_tool.judge.bitvector import Graph, signed

BINARY = ("add", "sub", "mul", "udiv", "urem", "sdiv", "srem", "and_", "or_", "xor", "shl", "lshr", "ashr", "concat",
          "eq", "ne", "ult", "ule", "slt", "sle", "carry", "saddo", "ssubo")
"""Operations on two slots, named as the methods of `Graph`; `carry` is whether the unsigned sum does not fit."""
NEG, NOT, EXTRACT, ZEXT, SEXT, POPCOUNT, CLZ, ITE, BIT, COUNT, LOAD, STORE, LOCATE = range(
    len(BINARY), len(BINARY) + 13)
"""What each does with (out, a, b, c):

NEG NOT of a; EXTRACT bits b..c of a; ZEXT SEXT a to b bits; POPCOUNT CLZ of a, in b bits; ITE a, b, c; BIT is the
0 or 1 that the byte a holds; COUNT is a as a shift count of b bits, the largest one if it does not fit; LOAD b bytes
from a; STORE value b, of c bytes, to a; LOCATE the address that lies b bytes after the instruction's own."""
_INDEX = {name: number for number, name in enumerate(BINARY)}
DIVISIONS = frozenset(_INDEX[name] for name in ("udiv", "urem", "sdiv", "srem"))

Operation = tuple[int, int, int, int, int]
"""kind, out, a, b, c."""


class Unsupported(Exception):
    """The p-code is none that has a meaning here."""


@dataclass(frozen=True, slots=True)
class Program:
    slots: int
    constants: tuple[tuple[int, int, int], ...]
    """Slot, value, width."""
    reads: tuple[tuple[int, str], ...]
    """Slot and register (or flag) that it holds at first."""
    operations: tuple[Operation, ...]
    writes: tuple[tuple[str, int], ...]
    """Registers and flags, each as a whole, and the slots that they hold in the end."""
    condition: int | None = None
    """Slot of a branch's condition, width 1."""
    destination: int | None = None
    """Of a branch or jump, as the distance from the instruction's address."""


@dataclass(frozen=True, eq=False, slots=True)
class Language:
    """What p-code is made for: SLEIGH's language, and where the machine's state is in its register space."""

    name: str
    registers: Mapping[str, int]
    """Width of each register and flag (1) of the state, by its name in our state."""
    spelling: Mapping[str, str]
    """SLEIGH's names, where they differ."""


@functools.cache
def _context(name: str) -> Any:
    import pypcode

    return pypcode.Context(name)


def translate(language: Language, code: bytes, address: int) -> list[Any]:
    """The p-code operations of the one instruction that `code` is.

    Raises `Unsupported` when it is none, or when its length is another: p-code fills up with zeros past the end."""
    import pypcode

    try:
        operations = list(_context(language.name).translate(code, address, max_instructions=1).ops)
    except pypcode.UnimplError as failure:
        raise Unsupported("it has no p-code") from failure
    except (pypcode.BadDataError, pypcode.DecoderError, pypcode.LowlevelError) as failure:
        raise Unsupported("these bytes are no instruction to pypcode") from failure
    marks = [op.inputs[0] for op in operations if op.opcode.name == "IMARK"]
    if len(marks) != 1 or marks[0].offset != address or marks[0].size != len(code):
        raise Unsupported("pypcode finds another length")
    return operations


def compile_program(language: Language, code: bytes, address: int, pc_relative: bool = False) -> Program:
    """The program of one instruction, with what it computes for nothing (see `pruned`). `pc_relative` is whether
    constant addresses are meant from the instruction on. Raises `Unsupported`."""
    return _Compiler(language, code, address, pc_relative).run()


def pruned(program: Program, unwanted: frozenset[str]) -> Program:
    """The program without its writes to the registers and flags in `unwanted`, and what is computed for them."""
    writes = tuple((name, slot) for name, slot in program.writes if name not in unwanted)
    needed = {slot for _, slot in writes}
    if program.condition is not None:
        needed.add(program.condition)
    kept = []
    for operation in reversed(program.operations):
        kind, out, a, b, c = operation
        if kind in (LOAD, STORE) or out in needed:
            kept.append(operation)
            needed.update(_sources(kind, a, b, c))
    constants = tuple(constant for constant in program.constants if constant[0] in needed)
    reads = tuple(read for read in program.reads if read[0] in needed)
    return Program(program.slots, constants, reads, tuple(reversed(kept)), writes, program.condition,
                   program.destination)


_BIT_RESULT = {"INT_EQUAL": "eq", "INT_NOTEQUAL": "ne", "INT_LESS": "ult", "INT_LESSEQUAL": "ule", "INT_SLESS": "slt",
               "INT_SLESSEQUAL": "sle", "INT_CARRY": "carry", "INT_SCARRY": "saddo", "INT_SBORROW": "ssubo"}
_ARITHMETIC = {"INT_ADD": "add", "INT_SUB": "sub", "INT_MULT": "mul", "INT_DIV": "udiv", "INT_REM": "urem",
               "INT_SDIV": "sdiv", "INT_SREM": "srem"}
_BITWISE = {"INT_AND": "and_", "INT_OR": "or_", "INT_XOR": "xor"}
_BOOLEAN = {"BOOL_AND": "and_", "BOOL_OR": "or_", "BOOL_XOR": "xor"}
_SHIFTS = {"INT_LEFT": "shl", "INT_RIGHT": "lshr", "INT_SRIGHT": "ashr"}
_COMMUTATIVE = frozenset({"add", "mul", "and_", "or_", "xor", "eq", "ne", "carry", "saddo"})

Place = tuple[str, int, int]
"""Space, offset, size in bytes."""


class _Compiler:
    def __init__(self, language: Language, code: bytes, address: int, pc_relative: bool) -> None:
        self.address, self.end, self.pc_relative = address, address + len(code), pc_relative
        self.source = translate(language, code, address)
        self.state = _state(language)
        self.widths: list[int] = []
        self.constants: dict[tuple[int, int], int] = {}
        self.values: dict[int, int] = {}
        self.reads: dict[str, int] = {}
        self.operations: list[Operation] = []
        self.known: dict[tuple[int, int, int, int], int] = {}
        self.defined: list[tuple[str, int, int, int]] = []
        self.loaded: dict[tuple[int, int], int] = {}
        self.skipping = False
        self.condition: int | None = None
        self.destination: int | None = None

    def run(self) -> Program:
        self._block(0, len(self.source))
        writes = []
        touched = dict.fromkeys(self.state[byte] for space, offset, size, _ in self.defined if space == "register"
                                for byte in range(offset, offset + size) if byte in self.state)
        for name, offset, size, width in touched:
            slot = self._read("register", offset, size)
            if width == 1:
                slot = self._bit(slot)
            if slot != self.reads.get(name):
                writes.append((name, slot))
        constants = tuple((slot, value, width) for (value, width), slot in self.constants.items())
        reads = tuple((slot, name) for name, slot in self.reads.items())
        return Program(len(self.widths), constants, reads, tuple(self.operations), tuple(writes), self.condition,
                       self.destination)

    # Slots.

    def _slot(self, width: int) -> int:
        self.widths.append(width)
        return len(self.widths) - 1

    def _constant(self, value: int, width: int) -> int:
        value &= (1 << width) - 1
        if (value, width) not in self.constants:
            slot = self.constants[value, width] = self._slot(width)
            self.values[slot] = value
        return self.constants[value, width]

    def _emit(self, kind: int, width: int, a: int, b: int = 0, c: int = 0) -> int:
        key = (kind, a, b, c)
        if key not in self.known:
            folded = self._folded(kind, a, b, c)
            if folded is not None:
                self.known[key] = self._constant(folded, width)
            else:
                self.known[key] = self._slot(width)
                self.operations.append((kind, self.known[key], a, b, c))
        return self.known[key]

    def _folded(self, kind: int, a: int, b: int, c: int) -> int | None:
        """The value of what is constant."""
        if kind in (LOAD, STORE, LOCATE, ITE) or any(slot not in self.values for slot in _sources(kind, a, b, c)):
            return None
        graph = Graph()
        x = graph.const(self.values[a], self.widths[a])
        if kind < len(BINARY):
            y = graph.const(self.values[b], self.widths[b])
            if BINARY[kind] == "carry":
                return int(x.data) + int(y.data) >> x.width
            return int(getattr(graph, BINARY[kind])(x, y).data)
        match kind:
            case _ if kind == NEG:
                return int(graph.neg(x).data)
            case _ if kind == NOT:
                return int(graph.not_(x).data)
            case _ if kind == EXTRACT:
                return int(graph.extract(x, b, c).data)
            case _ if kind == ZEXT:
                return int(graph.zext(x, b).data)
            case _ if kind == SEXT:
                return int(graph.sext(x, b).data)
            case _ if kind == COUNT:
                return min(int(x.data), (1 << b) - 1)
        return None

    def _binary(self, name: str, a: int, b: int, width: int | None = None) -> int:
        if name in _COMMUTATIVE and b < a:
            a, b = b, a
        return self._emit(_INDEX[name], self.widths[a] if width is None else width, a, b)

    def _extract(self, slot: int, high: int, low: int) -> int:
        if (high, low) == (self.widths[slot] - 1, 0):
            return slot
        return self._emit(EXTRACT, high - low + 1, slot, high, low)

    def _bytes(self, slot: int) -> int:
        """A flag as the byte that it is in p-code; anything else as it is."""
        return self._emit(ZEXT, 8, slot, 8) if self.widths[slot] == 1 else slot

    def _bit(self, slot: int) -> int:
        """A byte that is 0 or 1 as a flag."""
        if self.widths[slot] == 1:
            return slot
        if self.widths[slot] != 8:
            raise Unsupported("a truth value of several bytes")
        if slot in self.values:
            if self.values[slot] > 1:
                raise Unsupported("a truth value that is neither 0 nor 1")
            return self._constant(self.values[slot], 1)
        return self._emit(BIT, 1, slot)

    # Places.

    def _define(self, place: Place, slot: int) -> None:
        self.defined.append((*place, slot))

    def _read(self, space: str, offset: int, size: int, before: int | None = None) -> int:
        """The slot of `size` bytes at `offset`, as the first `before` definitions left them."""
        for at in range((len(self.defined) if before is None else before) - 1, -1, -1):
            its_space, start, length, slot = self.defined[at]
            if its_space != space or start >= offset + size or offset >= start + length:
                continue
            if start <= offset and offset + size <= start + length:
                if size == length:
                    return slot
                low = 8 * (offset - start)
                return self._extract(self._bytes(slot), low + 8 * size - 1, low)
            # Newest piece first; what surrounds it is older.
            low, high = max(start, offset), min(start + length, offset + size)
            parts = [(offset, low - offset), (low, high - low), (high, offset + size - high)]
            slots = [self._bytes(self._read(space, o, z, at + 1)) for o, z in parts if z]
            joined = slots[0]
            for upper in slots[1:]:
                joined = self._binary("concat", upper, joined, self.widths[upper] + self.widths[joined])
            return joined
        if space != "register":
            raise Unsupported("a temporary is read before it is written")
        name, start, length, width = self.state.get(offset, ("", 0, 0, 0))
        if offset + size > start + length:
            raise Unsupported("it uses a register that is not accepted")
        if name not in self.reads:
            self.reads[name] = self._slot(width)
        low = 8 * (offset - start)
        return self.reads[name] if width == 1 else self._extract(self.reads[name], low + 8 * size - 1, low)

    def _value(self, varnode: Any) -> int:
        """The slot of an operand: of a flag or truth value the bit."""
        space = varnode.space.name
        if space == "const":
            return self._constant(varnode.offset, 8 * varnode.size)
        if space == "ram":
            return self._load(self._located(varnode.offset), varnode.size)
        return self._read(space, varnode.offset, varnode.size)

    def _located(self, address: int) -> int:
        if not self.pc_relative:
            raise Unsupported("an absolute address")
        return self._emit(LOCATE, 64, 0, self._distance(address))

    def _distance(self, address: int) -> int:
        """Addresses wrap around."""
        return signed(address - self.address & (1 << 64) - 1, 64)

    # Memory.

    def _pointer(self, varnode: Any) -> int:
        if varnode.size != 8:
            raise Unsupported("an address of another width than 64 bits")
        if varnode.space.name == "const":
            return self._located(varnode.offset)
        pointer = self._value(varnode)
        if pointer in self.values:
            raise Unsupported("an absolute address")
        return pointer

    def _load(self, pointer: int, size: int) -> int:
        """What was just stored or loaded at the same address is not loaded again: to the processor it is one
        access, which p-code repeats for each flag."""
        if (pointer, size) not in self.loaded:
            if self.skipping:
                raise Unsupported("a load that may be skipped")
            slot = self.loaded[pointer, size] = self._slot(8 * size)
            self.operations.append((LOAD, slot, pointer, size, 0))
        return self.loaded[pointer, size]

    def _store(self, pointer: int, value: int) -> None:
        if self.skipping:
            raise Unsupported("a store that may be skipped")
        size = self.widths[value] // 8
        self.operations.append((STORE, -1, pointer, value, size))
        self.loaded = {(pointer, size): value}

    # Operations.

    def _block(self, start: int, end: int) -> None:
        at = start
        while at < end:
            op = self.source[at]
            name = op.opcode.name
            if name == "CBRANCH":
                target = self._inner_target(op, at)
                if target is not None and at + 1 < len(self.source):
                    if not at < target <= end:
                        raise Unsupported("a loop inside the instruction")
                    self._skip(self._bit(self._value(op.inputs[1])), at + 1, target)
                    at = target
                    continue
            self._operation(name, op, at + 1 == len(self.source))
            at += 1

    def _inner_target(self, op: Any, at: int) -> int | None:
        """The index of the operation that a branch goes to, when it stays inside the instruction."""
        where = op.inputs[0]
        if where.space.name == "const":
            return int(at + signed(where.offset, 64))
        return len(self.source) if where.offset == self.end else None

    def _skip(self, condition: int, start: int, end: int) -> None:
        """The operations from `start` to `end`, done unless the condition holds."""
        before, outer = len(self.defined), self.skipping
        self.skipping = True
        self._block(start, end)
        self.skipping = outer
        places = {d[:3]: None for d in self.defined[before:]}
        after = {place: self._read(*place) for place in places}
        for place, new in after.items():
            try:
                old = self._read(*place, before)
            except Unsupported:
                # A temporary of the skipped part alone.
                continue
            if self.widths[old] != self.widths[new]:
                self._define(place, self._emit(ITE, 8, condition, self._bytes(old), self._bytes(new)))
            else:
                self._define(place, self._emit(ITE, self.widths[new], condition, old, new))

    def _operation(self, name: str, op: Any, is_last: bool) -> None:
        if name == "IMARK":
            return
        if name in ("CBRANCH", "BRANCH"):
            if not is_last or op.inputs[0].space.name != "ram" or self.skipping:
                raise Unsupported("a branch in the middle of the instruction")
            self.destination = self._distance(op.inputs[0].offset)
            if name == "CBRANCH":
                self.condition = self._bit(self._value(op.inputs[1]))
            return
        if name == "STORE":
            self._store(self._pointer(op.inputs[1]), self._bytes(self._value(op.inputs[2])))
            return
        if op.output is None:
            raise Unsupported(f"the p-code operation {name}")
        if name == "LOAD":
            result = self._load(self._pointer(op.inputs[1]), op.output.size)
        else:
            result = self._result(name, op, 8 * op.output.size)
        if op.output.space.name == "ram":
            self._store(self._located(op.output.offset), self._bytes(result))
        else:
            self._define((op.output.space.name, op.output.offset, op.output.size), result)

    def _result(self, name: str, op: Any, width: int) -> int:
        if name == "SUBPIECE":
            low = 8 * op.inputs[1].offset
            return self._extract(self._bytes(self._value(op.inputs[0])), low + width - 1, low)
        slots = [self._value(v) for v in op.inputs]
        if name == "COPY":
            return slots[0]
        if name in _BOOLEAN:
            a, b = map(self._bit, slots)
            return self._binary(_BOOLEAN[name], a, b)
        if name == "BOOL_NEGATE":
            return self._emit(NOT, 1, self._bit(slots[0]))
        if any(self.widths[s] == 1 for s in slots) and name in (*_BITWISE, "INT_EQUAL", "INT_NOTEQUAL") \
                and all(self.widths[s] == 1 or self.values.get(s, 2) < 2 for s in slots):
            a, b = map(self._bit, slots)
            return self._binary(_BITWISE.get(name) or _BIT_RESULT[name], a, b)
        if name == "INT_ZEXT":
            return self._emit(ZEXT, width, slots[0], width)
        slots = [self._bytes(s) for s in slots]
        a = slots[0]
        if name in _BIT_RESULT:
            return self._binary(_BIT_RESULT[name], a, slots[1], 1)
        if name in _ARITHMETIC or name in _BITWISE:
            return self._binary(_ARITHMETIC.get(name) or _BITWISE[name], a, slots[1])
        if name in _SHIFTS:
            return self._binary(_SHIFTS[name], a, self._count(slots[1], width))
        match name:
            case "INT_SEXT":
                return self._emit(SEXT, width, a, width)
            case "INT_NEGATE":
                return self._emit(NOT, width, a)
            case "INT_2COMP":
                return self._emit(NEG, width, a)
            case "PIECE":
                return self._binary("concat", a, slots[1], width)
            case "POPCOUNT":
                return self._emit(POPCOUNT, width, a, width)
            case "LZCOUNT":
                return self._emit(CLZ, width, a, width)
        raise Unsupported(f"the p-code operation {name}")

    def _count(self, slot: int, width: int) -> int:
        if self.widths[slot] == width:
            return slot
        if self.widths[slot] < width:
            return self._emit(ZEXT, width, slot, width)
        return self._emit(COUNT, width, slot, width)


@functools.cache
def _state(language: Language) -> dict[int, tuple[str, int, int, int]]:
    """For each byte of SLEIGH's register space what is kept there: our name, its first byte, how many bytes, and its
    width in bits."""
    found = {}
    registers = _context(language.name).registers
    for name, width in language.registers.items():
        place = registers[language.spelling.get(name, name)]
        for byte in range(place.offset, place.offset + place.size):
            found[byte] = (name, place.offset, place.size, width)
    return found


def _sources(kind: int, a: int, b: int, c: int) -> tuple[int, ...]:
    """The slots that an operation reads."""
    if kind < len(BINARY) or kind == STORE:
        return a, b
    if kind == ITE:
        return a, b, c
    return () if kind == LOCATE else (a,)


def flags_of(program: Program, flags: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The flags that a program reads, and those that it writes."""
    return (frozenset(name for _, name in program.reads if name in flags),
            frozenset(name for name, _ in program.writes if name in flags))
