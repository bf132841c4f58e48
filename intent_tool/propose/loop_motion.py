"""Loops made cheaper: what is the same in every round goes before them, and addresses go on by addition.

After Allen, Cocke and Kennedy, Reduction of Operator Strength (in Program Flow Analysis, 1981)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from intent_tool.machine.target import Target
from intent_tool.propose.builder import Builder
from intent_tool.propose.ir import (
    Block,
    Formula,
    Function,
    Instruction,
    Jump,
    Return,
    Shape,
    dominators_of,
    drop_unused,
)

FIXED = frozenset({"load", "store", "load_step", "store_step", "v_load", "v_store", "param", "udiv", "urem", "sdiv",
                   "srem", "div128"})
"""What may trap, or depends on its place."""
FAR = 2000
"""The displacement that every target has room for (a multiple of any element's size)."""


def improve_loops(b: Builder, target: Target, names: Mapping[int, str]) -> None:
    """`names` has the values that a note can name: parameters."""
    function = b.function
    if not function.loops:
        return
    dominators = dominators_of(function.blocks)
    for shape in function.loops:
        hoist(function, shape, dominators)
    for shape in function.loops:
        _Addresses(b, target, shape, names).run(dominators)
    drop_unused(function)


def blocks_of(function: Function, shape: Shape) -> list[Block]:
    """The loop's blocks, in order."""
    before: dict[int, list[Block]] = {}
    for block in function.blocks:
        for successor in block.successors():
            before.setdefault(successor.number, []).append(block)
    found = {shape.head.number}
    work = [shape.latch]
    while work:
        block = work.pop()
        if block.number not in found:
            found.add(block.number)
            work += before.get(block.number, ())
    return [block for block in function.blocks if block.number in found]


def hoist(function: Function, shape: Shape, dominators: Mapping[int, set[int]]) -> None:
    """Move what depends on nothing in the loop before it: of what is not done in every round only what is free."""
    blocks = blocks_of(function, shape)
    changing = {v for block in blocks for v in (*block.params, *(d for i in block.instructions for d in i.dest))}
    for block in blocks:
        always = block.number in dominators[shape.last.number]
        kept = []
        for i in block.instructions:
            if i.op in FIXED or changing.intersection(i.args) or not (always or i.op in ("const", "table")):
                kept.append(i)
                continue
            shape.before.instructions.append(i)
            changing.difference_update(i.dest)
        block.instructions = kept


@dataclass(frozen=True, slots=True)
class _Sum:
    """``times * number of the round + parts + constant``, modulo 2**64."""

    times: int = 0
    parts: tuple[tuple[int, int], ...] = ()
    """(value, factor), sorted."""
    constant: int = 0

    def plus(self, other: _Sum, factor: int = 1) -> _Sum:
        parts = dict(self.parts)
        for value, times in other.parts:
            parts[value] = parts.get(value, 0) + times * factor
        return _Sum(self.times + other.times * factor, tuple(sorted((v, t) for v, t in parts.items() if t)),
                    self.constant + other.constant * factor)


@dataclass(slots=True)
class _Pointer:
    value: int
    start: _Sum
    first: int
    """What it is before the loop, as a value."""
    following: int


@dataclass
class _Addresses:
    b: Builder
    target: Target
    shape: Shape
    names: Mapping[int, str]
    pointers: dict[tuple[int, tuple[tuple[int, int], ...], int], _Pointer] = field(default_factory=dict)

    def run(self, dominators: Mapping[int, set[int]]) -> None:
        self.blocks = blocks_of(self.b.function, self.shape)
        self.here = {v for block in self.blocks
                     for v in (*block.params, *(d for i in block.instructions for d in i.dest))}
        self.steps = self.target.isa == "riscv64" or \
            (self.target.isa == "arm64" and (self.shape.step > 1 or self.ends_once()))
        for block in self.blocks:
            for i in block.instructions:
                if i.op in ("load", "store"):
                    self.address(i)
        if self.target.isa == "arm64":
            self.step_along(dominators)
        drop_unused(self.b.function)
        self.without_counter()
        self.count_last()

    def ends_once(self) -> bool:
        """Whether the loop is left where it is tested only, and only addresses want the number of the round."""
        inside = {block.number for block in self.blocks}
        leaves = any(block is not self.shape.last and any(s.number not in inside for s in block.successors())
                     for block in self.blocks)
        return not leaves and self.only_addresses(self.shape.number)

    def only_addresses(self, value: int) -> bool:
        for block in self.b.function.blocks:
            for i in block.instructions:
                if value not in i.args or i.dest == (self.shape.after,):
                    continue
                if i.op in ("load", "store"):
                    first = 1 if i.op == "store" else 0
                    if i.args[first + 1:] != (value,) or i.args.count(value) != 1 or i.args[first] in self.here:
                        return False
                elif self.sum_of(i.dest[0]) is None or i.dest[0] == value or not self.only_addresses(i.dest[0]):
                    return False
            if _ends_with(block, value):
                return False
        return True

    def step_along(self, dominators: Mapping[int, set[int]]) -> None:
        """The last access through a pointer moves it on."""
        for pointer in self.pointers.values():
            users = [(block, i) for block in self.blocks for i in block.instructions
                     if pointer.value in i.args and pointer.following not in i.dest]
            step = pointer.start.times * self.shape.step
            if not users or not -256 <= step < 256:
                continue
            if all(i.op in ("load", "store") for _, i in users) and len({i.imm[0] for _, i in users}) == 1:
                self.move(pointer, [i for _, i in users])
            block, last = users[-1]
            if last.op not in ("load", "store") or last.args[-1] != pointer.value or last.imm[0] != 0 \
                    or last.args.count(pointer.value) != 1 or block.depth != self.shape.head.depth \
                    or block.number not in dominators[self.shape.last.number]:
                continue
            made = self.b.defined[pointer.following]
            self.shape.last.instructions.remove(made)
            last.op += "_step"
            last.dest = (*last.dest, pointer.following)
            last.imm = (step, *last.imm[1:])
            self.b.defined[pointer.following] = last

    def move(self, pointer: _Pointer, users: list[Instruction]) -> None:
        """Let it point to where it is used."""
        ahead = users[0].imm[0]
        if not ahead:
            return
        pointer.start = pointer.start.plus(_Sum(constant=ahead))
        pointer.first = self.at_first(pointer.start)
        way = self.shape.before.end
        assert isinstance(way, Jump)
        way.args = tuple(pointer.first if p == pointer.value else a
                         for p, a in zip(self.shape.head.params, way.args, strict=True))
        for i in users:
            i.imm = (0, *i.imm[1:])

    # Addresses

    def sum_of(self, value: int) -> _Sum | None:
        """None for what changes in another way."""
        if value == self.shape.number:
            return _Sum(times=1)
        constant = self.b.constant_of(value)
        if constant is not None:
            return _Sum(constant=constant - (1 << 64) if constant >> 63 else constant)
        made = self.b.defined.get(value)
        if made is not None and self.b.width(value) == 64 and len(made.args) == 2:
            factor = self.b.constant_of(made.args[1])
            if made.op in ("add", "sub"):
                left, right = self.sum_of(made.args[0]), self.sum_of(made.args[1])
                if left is not None and right is not None:
                    return left.plus(right, 1 if made.op == "add" else -1)
            elif made.op in ("shl", "mul") and factor is not None and factor < 1 << 16:
                left = self.sum_of(made.args[0])
                if left is not None:
                    return _Sum().plus(left, factor if made.op == "mul" else 1 << factor)
        return None if value in self.here else _Sum(parts=((value, 1),))

    def address(self, i: Instruction) -> None:
        first = 1 if i.op == "store" else 0
        if len(i.args) != first + 2 or i.args[first] in self.here:
            return
        index = self.sum_of(i.args[first + 1])
        base = self.sum_of(i.args[first])
        if index is None or base is None or index.times == 0:
            return
        displacement, *rest = i.imm
        scale = rest[-1]
        whole = _Sum(constant=displacement).plus(base).plus(index, scale)
        far = whole.constant if -FAR <= whole.constant <= FAR else 0
        if index.times == 1 and not self.steps:
            if index == _Sum(times=1):
                return
            if self.target.isa != "x86_64":
                far = 0
            start = _Sum(parts=whole.parts, constant=whole.constant - far)
            i.args = (*i.args[:first], self.before(start), self.shape.number)
            i.imm = (far, *rest)
            return
        pointer = self.pointer(_Sum(whole.times, whole.parts, whole.constant - far))
        i.args = (*i.args[:first], pointer.value)
        i.imm = (far, *rest[:-1], 1)

    def at_first(self, total: _Sum) -> int:
        """The sum in the first round."""
        if self.b.constant_of(self.shape.first) == 0:
            return self.before(total)
        return self.before(total.plus(_Sum(parts=((self.shape.first, total.times),))))

    def before(self, total: _Sum) -> int:
        """The sum without what changes, computed before the loop."""
        b = self.b
        at, scopes = b.block, b.scopes
        b.block, b.scopes = self.shape.before, [{}]
        result: int | None = None
        # What is added first, so that nothing has to be negated.
        for value, factor in sorted(total.parts, key=lambda part: part[1] < 0):
            size = b.op("mul", value, b.const(abs(factor), 64))
            result = size if result is None and factor > 0 else \
                b.op("add" if factor > 0 else "sub", b.const(0, 64) if result is None else result, size)
        if result is None or total.constant:
            result = b.op("add", b.const(0, 64) if result is None else result, b.const(total.constant, 64))
        b.block, b.scopes = at, scopes
        return result

    def pointer(self, start: _Sum) -> _Pointer:
        key = (start.times, start.parts, start.constant)
        if key not in self.pointers:
            b, shape = self.b, self.shape
            first, value = self.at_first(start), b.function.value(64)
            at, scopes = b.block, b.scopes
            b.block, b.scopes = shape.last, [{}]
            following = b.op("add", value, b.const(start.times * shape.step, 64))
            b.block, b.scopes = at, scopes
            self.carry(value, first, following)
            self.here.update((value, following))
            self.pointers[key] = _Pointer(value, start, first, following)
        return self.pointers[key]

    def carry(self, value: int, first: int, following: int) -> None:
        """One more parameter of the head."""
        shape = self.shape
        shape.head.params += (value,)
        for block, arg in ((shape.before, first), (shape.latch, following)):
            assert isinstance(block.end, Jump)
            block.end.args += (arg,)

    # The counter

    def without_counter(self) -> None:
        """Let a pointer count rounds, where nothing in the loop wants their number."""
        shape = self.shape
        numbers = {block.number for block in self.blocks}
        if self.wanted(shape.number, shape.after, numbers) or self.wanted(shape.after, shape.again):
            return
        told = ((p, self.text(p.start)) for p in self.pointers.values())
        chosen = next(((p, text) for p, text in told if text is not None), None)
        if chosen is None:
            return
        pointer, text = chosen
        times = pointer.start.times
        if self.wanted(shape.number, shape.after):
            if abs(times) & abs(times) - 1:
                return
            self.count_by(pointer, numbers)
        end = self.before(pointer.start.plus(_Sum(parts=((shape.limit, times),))))
        at = next(k for k, i in enumerate(shape.last.instructions) if shape.again in i.dest)
        test = shape.last.instructions.pop(at)
        test.args = (pointer.following, end)
        shape.last.instructions.append(test)
        # Its parameter and its count have no user any more.
        note = shape.head.note
        if note is not None:
            note.round = self.rounds(pointer.value, text, times)
            if note.most[1]:
                done, values = self.rounds(end, text, times)
                note.most = f"{done} - {shape.step}", values

    def count_by(self, pointer: _Pointer, inside: set[int]) -> None:
        """Behind the loop, where its number is wanted, take it from how far the pointer is."""
        b, number = self.b, self.shape.number
        at, scopes = b.block, b.scopes
        for block in b.function.blocks:
            users = [i for i in block.instructions if number in i.args]
            if block.number in inside or not (users or _ends_with(block, number)):
                continue
            rest, block.instructions = block.instructions, []
            b.block, b.scopes = block, [{}]
            times = pointer.start.times
            origin = pointer.first if b.constant_of(self.shape.first) == 0 else self.before(pointer.start)
            way = b.op("sub", *((pointer.value, origin) if times > 0 else (origin, pointer.value)))
            count = b.shift("lshr", way, abs(times).bit_length() - 1)
            block.instructions += rest
            for i in users:
                i.args = tuple(count if a == number else a for a in i.args)
            if isinstance(block.end, Jump):
                block.end.args = tuple(count if a == number else a for a in block.end.args)
            elif isinstance(block.end, Return):
                block.end.values = tuple(count if a == number else a for a in block.end.values)
        b.block, b.scopes = at, scopes

    def count_last(self) -> None:
        """Leave the number of the round alone as long as it is wanted, so that one register can hold both."""
        shape = self.shape
        if self.wanted(shape.after, shape.again):
            return
        for value in (shape.after, shape.again):
            made = self.b.defined[value]
            for block in self.blocks:
                if made in block.instructions:
                    block.instructions.remove(made)
                    shape.last.instructions.append(made)

    def rounds(self, value: int, text: str, times: int) -> Formula:
        distance = f"({{0}} - {text})" if times > 0 else f"({text} - {{0}})"
        return distance + (f" // {abs(times)}" if abs(times) != 1 else ""), (value,)

    def text(self, start: _Sum) -> str | None:
        parts = []
        for value, factor in sorted(start.parts, key=lambda part: part[1] < 0):
            name = self.names.get(value)
            if name is None:
                return None
            sign = "+" if factor > 0 else "-"
            parts.append(f"{sign} {abs(factor)} * {name}" if abs(factor) != 1 else f"{sign} {name}")
        if start.constant:
            parts.append(f"{'+' if start.constant > 0 else '-'} {abs(start.constant)}")
        text = " ".join(parts)
        if not text.startswith("+ "):
            return None
        return text[2:] if len(parts) == 1 and "*" not in text else f"({text[2:]})"

    def wanted(self, value: int, by: int, inside: set[int] | None = None) -> bool:
        """Whether anything but `by`, and its own way around the loop, uses the value: in the blocks `inside`."""
        for block in self.b.function.blocks:
            if inside is not None and block.number not in inside:
                continue
            if any(value in i.args and by not in i.dest for i in block.instructions):
                return True
            match block.end:
                case Jump(target, args):
                    if any(a == value and p != self.shape.number for p, a in zip(target.params, args, strict=True)):
                        return True
                case Return(values):
                    if value in values:
                        return True
                case _:
                    pass
        return False


def _ends_with(block: Block, value: int) -> bool:
    match block.end:
        case Jump(_, args):
            return value in args
        case Return(values):
            return value in values
    return False
