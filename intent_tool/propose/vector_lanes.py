"""Operations on all lanes of a vector, from those that the target has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from intent_tool.language.terms import Term
from intent_tool.propose.lower_values import Values
from intent_tool.propose.vector_target import VectorTarget


class Unfit(Exception):
    """A loop that cannot be done in vectors, or not to advantage."""


class Lanes:
    """Emits into the block that the builder is at; what does not change goes before the loop, whose scope is the last
    of `values` when this is made."""

    def __init__(self, values: Values, machine: VectorTarget) -> None:
        self.values, self.b, self.machine = values, values.b, machine
        self.bits = machine.bits
        self.level = len(values.scopes) - 1
        self.splats: dict[tuple[int, int], int] = {}

    @contextmanager
    def before(self) -> Iterator[None]:
        """Emit before the loop."""
        b, scope = self.b, self.values.scopes[self.level]
        at, scopes = b.block, b.scopes
        assert scope.block is not None
        b.block, b.scopes = scope.block, scopes[:self.level]
        yield
        scope.block = b.block
        b.block, b.scopes = at, scopes

    def emit(self, op: str, *args: int, imm: object = None) -> int:
        return self.b.emit(op, self.bits, args, imm)[0]

    # What is the same in all lanes

    def const(self, value: int, lane: int) -> int:
        """In every lane."""
        value &= (1 << lane) - 1
        with self.before():
            if value in (0, (1 << lane) - 1):
                return self.emit("v_ones" if value else "v_zero")
            return self.splat(self.b.const(value, 64 if lane == 64 else 32), lane)

    def splat(self, word: int, lane: int) -> int:
        return self.emit("v_splat", word, imm=lane)

    def invariant(self, term: Term, lane: int) -> int:
        """A term that no variable of the loop is part of."""
        key = term.id, lane
        if key not in self.splats:
            if self.values.level(term) >= self.level:
                raise Unfit
            bits = 64 if lane == 64 else 32
            word = self.values.word(term, bits)
            with self.before():
                self.splats[key] = self.splat(word, lane)
        return self.splats[key]

    def is_const(self, vector: int, value: int, lane: int) -> bool:
        made = self.b.defined.get(vector)
        ones = (1 << lane) - 1
        if made is None:
            return False
        if made.op in ("v_zero", "v_ones"):
            return value & ones == (ones if made.op == "v_ones" else 0)
        return made.op == "v_splat" and made.imm == lane and self.b.constant_of(made.args[0]) == value & ones

    # Arithmetic

    def has(self, op: str, lane: int) -> bool:
        return self.machine.has(op, lane)

    def add(self, a: int, b: int, lane: int) -> int:
        if self.is_const(b, 0, lane):
            return a
        return b if self.is_const(a, 0, lane) else self.emit("v_add", a, b, imm=lane)

    def sub(self, a: int, b: int, lane: int) -> int:
        return a if self.is_const(b, 0, lane) else self.emit("v_sub", a, b, imm=lane)

    def bitwise(self, op: str, a: int, b: int) -> int:
        """`and`, `or`, `xor`."""
        for x, y in ((a, b), (b, a)):
            if self.is_const(y, 0, 64):
                return y if op == "and" else x
            if self.is_const(y, -1, 64) and op != "xor":
                return x if op == "and" else y
        return self.emit(f"v_{op}", *sorted((a, b)))

    def andn(self, a: int, b: int) -> int:
        """``~a & b``."""
        return b if self.is_const(a, 0, 64) else self.emit("v_andn", a, b)

    def inv(self, a: int) -> int:
        return self.bitwise("xor", a, self.const(-1, 64))

    def mul(self, a: int, b: int, lane: int) -> int:
        if not self.has("v_mul", lane):
            raise Unfit
        return self.emit("v_mul", a, b, imm=lane)

    def shift(self, op: str, a: int, count: int, lane: int) -> int:
        """`shl`, `lshr`, `ashr` by a constant."""
        if count == 0:
            return a
        if count >= lane:
            if op != "ashr":
                return self.const(0, lane)
            count = lane - 1
        if self.has(f"v_{op}", lane):
            return self.emit(f"v_{op}", a, imm=(lane, count))
        if op == "ashr" and count == lane - 1 and self.has("v_gt_s", lane):
            return self.emit_gt(True, self.const(0, lane), a, lane)
        if op == "ashr" or lane != 8:
            raise Unfit
        if op == "shl" and count == 1:
            return self.add(a, a, lane)
        # Over pairs of bytes, without what comes from the neighbour.
        moved = self.emit(f"v_{op}", a, imm=(16, count))
        return self.bitwise("and", moved, self.const(0xFF << count if op == "shl" else 0xFF >> count, 8))

    def extreme(self, op: str, a: int, b: int, lane: int) -> int:
        """`min_u`, `max_u`, `min_s`, `max_s`."""
        if self.has(f"v_{op}", lane):
            return self.emit(f"v_{op}", a, b, imm=lane)
        if op.endswith("u") and self.has("v_sub_us", lane):
            beyond = self.emit("v_sub_us", a, b, imm=lane)
            return self.sub(a, beyond, lane) if op == "min_u" else self.add(beyond, b, lane)
        a_is_greater, is_inverted = self.greater(op.endswith("s"), a, b, lane)
        if op.startswith("min") != is_inverted:
            a, b = b, a
        return self.select(a_is_greater, a, b)

    def abs(self, a: int, lane: int) -> int:
        """Of signed lanes."""
        if self.has("v_abs", lane):
            return self.emit("v_abs", a, imm=lane)
        if lane in (8, 16):
            return self.extreme("min_u" if lane == 8 else "max_s", a, self.sub(self.const(0, lane), a, lane), lane)
        sign = self.shift("ashr", a, lane - 1, lane)
        return self.sub(self.bitwise("xor", a, sign), sign, lane)

    def popcount(self, a: int) -> int:
        """Of each byte."""
        if self.has("v_popcount", 8):
            return self.emit("v_popcount", a, imm=8)
        if self.has("v_lookup", 8):
            counts = bytes(k.bit_count() for k in range(16)) * (self.bits // 128)
            with self.before():
                table = self.constant(counts)
            low = self.bitwise("and", a, self.const(15, 8))
            high = self.shift("lshr", a, 4, 8)
            return self.add(self.emit("v_lookup", table, low), self.emit("v_lookup", table, high), 8)
        # Warren, Hacker's Delight, 5-1.
        pairs = self.bitwise("and", self.emit("v_lshr", a, imm=(16, 1)), self.const(0x55, 8))
        a = self.sub(a, pairs, 8)
        fours = self.const(0x33, 8)
        a = self.add(self.bitwise("and", a, fours),
                     self.bitwise("and", self.emit("v_lshr", a, imm=(16, 2)), fours), 8)
        return self.bitwise("and", self.add(a, self.emit("v_lshr", a, imm=(16, 4)), 8), self.const(15, 8))

    def constant(self, content: bytes) -> int:
        """A vector from memory."""
        return self.emit("v_load", self.b.table(16, content), imm=(0, len(content), 1))

    # Comparisons: ones where they hold, and whether that is to be turned round

    def emit_gt(self, is_signed: bool, a: int, b: int, lane: int) -> int:
        return self.emit("v_gt_s" if is_signed else "v_gt_u", a, b, imm=lane)

    def equal(self, a: int, b: int, lane: int) -> int:
        if not self.has("v_eq", lane):
            raise Unfit
        return self.emit("v_eq", a, b, imm=lane)

    def greater(self, is_signed: bool, a: int, b: int, lane: int) -> tuple[int, bool]:
        """Where ``a > b``."""
        if self.has("v_gt_s" if is_signed else "v_gt_u", lane):
            return self.emit_gt(is_signed, a, b, lane), False
        if is_signed:
            raise Unfit
        if self.has("v_max_u", lane):
            return self.equal(self.emit("v_max_u", a, b, imm=lane), b, lane), True
        if self.has("v_sub_us", lane):
            return self.equal(self.emit("v_sub_us", a, b, imm=lane), self.const(0, lane), lane), True
        top = self.const(1 << lane - 1, lane)
        return self.greater(True, self.bitwise("xor", a, top), self.bitwise("xor", b, top), lane)

    def select(self, mask: int, a: int, b: int) -> int:
        if a == b:
            return a
        if self.is_const(b, 0, 64):
            return self.bitwise("and", mask, a)
        if self.is_const(a, 0, 64):
            return self.andn(mask, b)
        if self.is_const(a, -1, 64):
            return self.bitwise("or", mask, b)
        return self.emit("v_select", mask, a, b)

    # Places

    def bswap(self, a: int, lane: int) -> int:
        return self.by_table(a, [k ^ lane // 8 - 1 for k in range(16)]) if self.has("v_lookup", 8) else \
            self.emit("v_bswap", a, imm=lane)

    def reverse(self, a: int, lane: int) -> int:
        if not self.has("v_lookup", 8):
            return self.emit("v_reverse", a, imm=lane)
        turned = self.by_table(a, [15 - k ^ lane // 8 - 1 for k in range(16)])
        return self.emit("v_swap", turned) if self.bits == 256 else turned

    def by_table(self, a: int, places: list[int]) -> int:
        """Of each 128 bits the bytes at these places."""
        with self.before():
            control = self.constant(bytes(places) * (self.bits // 128))
        return self.emit("v_lookup", a, control)

    def folded(self, op: str, a: int, lane: int) -> int:
        """All lanes by `add`, `min_u`, … , `xor` to a word, of which the lowest `lane` bits count."""
        width = 64 if lane == 64 else 32
        if self.has("v_fold", lane) and (op == "add" or (lane < 64 and op not in ("and", "or", "xor"))):
            return self.b.emit("v_fold", width, (a,), (op, lane))[0]
        bits = self.bits // 2
        while bits >= lane:
            other = self.emit("v_swap", a) if bits == 128 else self.emit("v_down", a, imm=bits)
            a = self.combined(op, a, other, lane)
            bits //= 2
        return self.b.emit("v_first", width, (a,), lane)[0]

    def combined(self, op: str, a: int, b: int, lane: int) -> int:
        if op == "add":
            return self.add(a, b, lane)
        return self.bitwise(op, a, b) if op in ("and", "or", "xor") else self.extreme(op, a, b, lane)

    # Between widths

    def ordered(self, a: int, natural: bool) -> int:
        return self.emit("v_order", a) if natural and self.bits == 256 else a

    def widened(self, a: int, lane: int, is_signed: bool, natural: bool) -> tuple[int, int]:
        if self.has("v_low", lane):
            return self.emit("v_low", a, imm=(lane, is_signed)), self.emit("v_high", a, imm=(lane, is_signed))
        if not is_signed:
            return self.zipped(a, self.const(0, lane), lane, natural)
        if not self.has("v_ashr", 2 * lane):
            a = self.ordered(a, natural)
            return self.zipped(a, self.emit_gt(True, self.const(0, lane), a, lane), lane, False)
        low, high = self.zipped(a, a, lane, natural)
        return self.shift("ashr", low, lane, 2 * lane), self.shift("ashr", high, lane, 2 * lane)

    def zipped(self, a: int, b: int, lane: int, natural: bool) -> tuple[int, int]:
        """Lanes twice as wide, with those of `a` as their lower halves."""
        first = self.ordered(a, natural)
        second = first if a == b else b if self.is_const(b, 0, 64) else self.ordered(b, natural)
        return self.emit("v_zip_low", first, second, imm=lane), self.emit("v_zip_high", first, second, imm=lane)

    def packed(self, a: int, b: int, lane: int, how: str, natural: bool) -> int:
        """To lanes of `lane` bits, twice as many."""
        if how == "trunc" and not self.has("v_pack_trunc", lane):
            if self.has("v_pack_us", lane):
                ones = self.const((1 << lane) - 1, 2 * lane)
                a, b, how = self.bitwise("and", a, ones), self.bitwise("and", b, ones), "us"
            else:
                a, b = (self.shift("ashr", self.shift("shl", x, lane, 2 * lane), lane, 2 * lane) for x in (a, b))
                how = "ss"
        return self.ordered(self.emit("v_pack", a, b, imm=(lane, how)), natural)
