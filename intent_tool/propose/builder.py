"""Builds the intermediate representation: folds constants, shares what is equal, replaces what a target lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from intent_tool.machine.target import Target
from intent_tool.propose.ir import COMPARISONS, Block, Branch, Function, Instruction, Jump

COMMUTATIVE = frozenset({"add", "mul", "and", "or", "xor", "eq", "ne", "umulh", "smulh"})


MOST_VALUES = 40_000
"""Words that one function may compute."""


class TooLarge(Exception):
    """The function would have more than MOST_VALUES instructions."""


class Builder:
    """Emits into `block`. Equal instructions are shared along the scopes that dominate the place."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.function = Function()
        self.block = self.new_block(0)
        self.scopes: list[dict[tuple[Any, ...], tuple[int, ...]]] = [{}]
        self.defined: dict[int, Instruction] = {}

    def new_block(self, depth: int) -> Block:
        block = Block(len(self.function.blocks), depth)
        self.function.blocks.append(block)
        return block

    def start(self, block: Block) -> None:
        """Go on in `block`, which takes its place in the order of the code."""
        self.function.blocks.remove(block)
        self.function.blocks.append(block)
        self.block = block

    @contextmanager
    def scope(self) -> Iterator[None]:
        self.scopes.append({})
        try:
            yield
        finally:
            self.scopes.pop()

    def width(self, value: int) -> int:
        return self.function.width[value]

    def constant_of(self, value: int) -> int | None:
        """The value as an unsigned word, if it is a constant."""
        made = self.defined.get(value)
        return int(made.imm) if made is not None and made.op == "const" else None

    def emit(self, op: str, width: int | tuple[int, ...], args: tuple[int, ...] = (), imm: Any = None,
             share: bool = True) -> tuple[int, ...]:
        widths = width if isinstance(width, tuple) else (width,)
        key = (op, widths, args, imm)
        if share:
            for scope in reversed(self.scopes):
                known: tuple[int, ...] | None = scope.get(key)
                if known is not None:
                    return known
        if len(self.function.width) > MOST_VALUES:
            raise TooLarge
        dest = tuple(self.function.value(w) for w in widths)
        made = Instruction(op, dest, args, imm)
        self.block.instructions.append(made)
        for d in dest:
            self.defined[d] = made
        if share:
            self.scopes[-1][key] = dest
        return dest

    def const(self, value: int, width: int) -> int:
        return self.emit("const", width, (), value & ((1 << width) - 1))[0]

    def op(self, op: str, *args: int) -> int:
        """Any operator with one result; arguments fix the width."""
        width = 32 if op in COMPARISONS else self.width(args[1 if op == "select" else 0])
        if op == "select":
            return self._select(*args)
        if len(args) == 2:
            a, b = args
            if op in COMMUTATIVE and (self.constant_of(a) is not None or
                                      (self.constant_of(b) is None and b < a)):
                a, b = b, a
            x, y = self.constant_of(a), self.constant_of(b)
            if x is not None and y is not None and op in _FOLD:
                return self.const(_FOLD[op](x, y, self.width(a)), width)
            simpler = self._simplify(op, a, b, y, width)
            if simpler is not None:
                return simpler
            args = (a, b)
        else:
            x = self.constant_of(args[0])
            if x is not None and op in ("not", "neg"):
                return self.const(~x if op == "not" else -x, width)
        return self.emit(op, width, args)[0]

    def _simplify(self, op: str, a: int, b: int, y: int | None, width: int) -> int | None:
        ones = (1 << width) - 1
        if y == 0 and op in ("add", "sub", "or", "xor", "shl", "lshr", "ashr", "rotl"):
            return a
        if y == 0 and op in ("and", "mul", "umulh", "smulh"):
            return b
        if op == "add" and y is not None:
            made = self.defined.get(a)
            inner = self.constant_of(made.args[1]) if made is not None and made.op == "add" else None
            if made is not None and inner is not None:
                # So the number of a round and one is that of the next.
                return self.op("add", made.args[0], self.const(inner + y, width))
        if op == "umulh" and y is not None and y & (y - 1) == 0:
            shift = y.bit_length() - 1
            return self.op("lshr", a, self.const(width - shift, 32)) if shift else self.const(0, width)
        if op == "and" and y == ones:
            return a
        if op == "xor" and y == ones:
            return self.op("not", a)
        if op == "mul" and y is not None:
            if y == 1:
                return a
            if y == ones:
                return self.op("neg", a)
            if y & (y - 1) == 0:
                return self.op("shl", a, self.const(y.bit_length() - 1, 32))
        if op == "sub" and self.constant_of(a) == 0:
            return self.op("neg", b)
        if a == b and op in ("and", "or"):
            return a
        if op == "xor" and y == 1 and width == 32:
            negated = self._negated(a)
            if negated is not None:
                return negated
        if op == "and" and y is not None:
            made = self.defined.get(a)
            if made is not None and made.op == "lshr":
                count = self.constant_of(made.args[1])
                if count is not None and y == ones >> count:
                    return a
        return None

    def _negated(self, condition: int) -> int | None:
        made = self.defined.get(condition)
        if made is None or made.op not in COMPARISONS:
            return None
        a, b = made.args
        if made.op in ("eq", "ne"):
            return self.op("ne" if made.op == "eq" else "eq", a, b)
        return self.op({"ult": "ule", "ule": "ult", "slt": "sle", "sle": "slt"}[made.op], b, a)

    def _select(self, condition: int, then: int, otherwise: int) -> int:
        known = self.constant_of(condition)
        if known is not None:
            return then if known else otherwise
        if then == otherwise:
            return then
        made = self.defined.get(condition)
        if made is not None and made.op == "xor" and self.constant_of(made.args[1]) == 1:
            return self._select(made.args[0], otherwise, then)
        width = self.width(then)
        if (self.constant_of(then), self.constant_of(otherwise)) in ((1, 0), (0, 1)):
            bit = condition if self.constant_of(then) == 1 else self.op("xor", condition, self.const(1, 32))
            return bit if width == 32 else self.extend(bit, False, True)
        return self.emit("select", width, (condition, then, otherwise))[0]

    def extend(self, value: int, signed: bool, either: bool = False) -> int:
        """32 to 64 bits. `either`: the upper bit is known to be 0, so that both ways agree."""
        known = self.constant_of(value)
        if known is not None:
            return self.const(known - (1 << 32) if signed and known >> 31 else known, 64)
        if either:
            # RISC-V keeps words sign-extended, the others zero-extended: there the extension is free.
            signed = self.target.isa == "riscv64"
        return self.emit("sext" if signed else "zext", 64, (value,))[0]

    def trunc(self, value: int) -> int:
        known = self.constant_of(value)
        if known is not None:
            return self.const(known, 32)
        made = self.defined.get(value)
        if made is not None and made.op in ("zext", "sext"):
            return made.args[0]
        return self.emit("trunc", 32, (value,))[0]

    def shift(self, op: str, value: int, count: int) -> int:
        """By a constant; a count of the width or more gives 0, or the sign."""
        width = self.width(value)
        if count >= width:
            if op != "ashr":
                return self.const(0, width)
            count = width - 1
        return self.op(op, value, self.const(count, 32))

    def jump(self, target: Block, *args: int) -> None:
        self.block.end = Jump(target, args)

    def branch(self, condition: int, then: Block, otherwise: Block) -> None:
        made = self.defined.get(condition)
        if made is not None and made.op == "xor" and self.constant_of(made.args[1]) == 1:
            condition, then, otherwise = made.args[0], otherwise, then
        self.block.end = Branch(condition, then, otherwise)

    def table(self, element_bytes: int, data: bytes) -> int:
        """The address of constant data."""
        entry = (element_bytes, data)
        if entry not in self.function.tables:
            self.function.tables.append(entry)
        return self.emit("table", 64, (), self.function.tables.index(entry))[0]

    # Bit operations, native or from shifts and masks (Warren, Hacker's Delight, chapters 5 and 7)

    def popcount(self, x: int) -> int:
        w = self.width(x)
        if self.target.has("popcnt") or self.target.has("zbb"):
            return self.op("popcount", x)
        x = self.op("sub", x, self._masked(self.shift("lshr", x, 1), 0x55))
        x = self.op("add", self._masked(x, 0x33), self._masked(self.shift("lshr", x, 2), 0x33))
        x = self._masked(self.op("add", x, self.shift("lshr", x, 4)), 0x0F)
        return self.shift("lshr", self.op("mul", x, self._repeated(0x01, w)), w - 8)

    def parity(self, x: int) -> int:
        w = self.width(x)
        if self.target.has("popcnt") or self.target.has("zbb"):
            return self.op("and", self.op("popcount", x), self.const(1, w))
        while w > 4:
            w //= 2
            x = self.op("xor", x, self.shift("lshr", x, w))
        # Each bit of 0x6996 is the parity of its position.
        nibble = self.op("and", x, self.const(15, self.width(x)))
        count = nibble if self.width(x) == 32 else self.trunc(nibble)
        bit = self.op("and", self.op("lshr", self.const(0x6996, 32), count), self.const(1, 32))
        return bit if self.width(x) == 32 else self.extend(bit, False, True)

    def clz(self, x: int) -> int:
        if self.target.isa != "riscv64" or self.target.has("zbb"):
            return self.op("clz", x)
        for count in (1, 2, 4, 8, 16, 32)[:5 + (self.width(x) == 64)]:
            x = self.op("or", x, self.shift("lshr", x, count))
        return self.popcount(self.op("not", x))

    def ctz(self, x: int) -> int:
        if self.target.isa != "riscv64" or self.target.has("zbb"):
            return self.op("ctz", x)
        below = self.op("and", self.op("not", x), self.op("sub", x, self.const(1, self.width(x))))
        return self.popcount(below)

    def bswap(self, x: int) -> int:
        w = self.width(x)
        if self.target.isa != "riscv64" or self.target.has("zbb"):
            return self.op("bswap", x)
        if w == 64:
            x = self._exchange(x, 8, self.const(0x00FF00FF00FF00FF, 64))
            x = self._exchange(x, 16, self.const(0x0000FFFF0000FFFF, 64))
            return self.op("or", self.shift("lshr", x, 32), self.shift("shl", x, 32))
        x = self._exchange(x, 8, self.const(0x00FF00FF, 32))
        return self.op("or", self.shift("lshr", x, 16), self.shift("shl", x, 16))

    def bitrev(self, x: int) -> int:
        if self.target.isa == "arm64":
            return self.op("bitrev", x)
        w = self.width(x)
        for count, mask in ((1, 0x55), (2, 0x33), (4, 0x0F)):
            x = self._exchange(x, count, self._repeated(mask, w))
        return self.bswap(x)

    def rotl(self, x: int, count: int) -> int:
        """`count` is a 32-bit value taken modulo the width."""
        if self.target.isa != "riscv64" or self.target.has("zbb"):
            return self.op("rotl", x, count)
        w = self.width(x)
        known = self.constant_of(count)
        if known is not None:
            known %= w
            return self.op("or", self.shift("shl", x, known), self.shift("lshr", x, w - known)) if known else x
        mask = self.const(w - 1, 32)
        left = self.op("and", count, mask)
        right = self.op("and", self.op("neg", count), mask)
        return self.op("or", self.op("shl", x, left), self.op("lshr", x, right))

    def _repeated(self, byte: int, width: int) -> int:
        return self.const(int.from_bytes(bytes([byte]) * (width // 8), "little"), width)

    def _masked(self, x: int, byte: int) -> int:
        return self.op("and", x, self._repeated(byte, self.width(x)))

    def _exchange(self, x: int, count: int, mask: int) -> int:
        return self.op("or", self.op("and", self.shift("lshr", x, count), mask),
                       self.shift("shl", self.op("and", x, mask), count))


def _signed(x: int, w: int) -> int:
    return x - (1 << w) if x >> w - 1 else x


_FOLD: dict[str, Callable[[int, int, int], int]] = {
    "add": lambda x, y, w: x + y, "sub": lambda x, y, w: x - y, "mul": lambda x, y, w: x * y,
    "and": lambda x, y, w: x & y, "or": lambda x, y, w: x | y, "xor": lambda x, y, w: x ^ y,
    "shl": lambda x, y, w: x << y, "lshr": lambda x, y, w: x >> y,
    "ashr": lambda x, y, w: _signed(x, w) >> y,
    "eq": lambda x, y, w: int(x == y), "ne": lambda x, y, w: int(x != y),
    "ult": lambda x, y, w: int(x < y), "ule": lambda x, y, w: int(x <= y),
    "slt": lambda x, y, w: int(_signed(x, w) < _signed(y, w)),
    "sle": lambda x, y, w: int(_signed(x, w) <= _signed(y, w)),
}
