"""Instruction selection for vectors on ARM64."""

from __future__ import annotations

from intent_tool.propose.ir import Instruction
from intent_tool.propose.machine_ir import Register
from intent_tool.propose.select import Selector

ALL = {8: "v.16b", 16: "v.8h", 32: "v.4s", 64: "v.2d"}
HALF = {8: "v.8b", 16: "v.4h", 32: "v.2s"}
SCALAR = {8: "b", 16: "h", 32: "s", 64: "d"}
BINARY = {"v_add": "add", "v_sub": "sub", "v_mul": "mul", "v_min_u": "umin", "v_max_u": "umax", "v_min_s": "smin",
          "v_max_s": "smax", "v_add_us": "uqadd", "v_sub_us": "uqsub", "v_add_ss": "sqadd", "v_sub_ss": "sqsub",
          "v_avg": "urhadd", "v_eq": "cmeq", "v_gt_s": "cmgt", "v_gt_u": "cmhi", "v_zip_low": "zip1",
          "v_zip_high": "zip2", "v_abd_u": "uabd", "v_abd_s": "sabd"}
WHOLE = {"v_and": "and", "v_or": "orr", "v_xor": "eor"}
SHIFTS = {"v_shl": ("shl", "u{log}"), "v_lshr": ("ushr", "shift{lane}"), "v_ashr": ("sshr", "shift{lane}")}
NARROWED = {"us": "sqxtun", "ss": "sqxtn"}
ACROSS = {"add": "addv", "min_u": "uminv", "max_u": "umaxv", "min_s": "sminv", "max_s": "smaxv"}
FARTHEST = 4095
"""In units of its size, how far from its base an access may be."""


class Arm64Vectors(Selector):
    vector_move = "mov v.16b, v.16b"

    def use_vectors(self) -> None:
        # Of the others the caller wants the lower halves back.
        self.backend.vector_registers = tuple(f"v{n}" for n in (*range(8), *range(16, 32)))

    def op_v_binary(self, i: Instruction) -> None:
        kind = ALL[i.imm] if i.op in BINARY else "v.16b"
        name = BINARY[i.op] if i.op in BINARY else WHOLE[i.op]
        a, b = (self.use(v) for v in i.args)
        self.emit(f"{name} {kind}, {kind}, {kind}", d=self.define(i.dest[0]), a=a, b=b)

    op_v_sub = op_v_mul = op_v_min_u = op_v_max_u = op_v_min_s = op_v_max_s = op_v_add_us = op_v_binary
    op_v_sub_us = op_v_add_ss = op_v_sub_ss = op_v_avg = op_v_eq = op_v_gt_s = op_v_gt_u = op_v_binary
    op_v_zip_low = op_v_zip_high = op_v_and = op_v_or = op_v_xor = op_v_abd_u = op_v_abd_s = op_v_binary

    def op_v_add(self, i: Instruction) -> None:
        """Pairs and products are added at once."""
        for a, b in (i.args, i.args[::-1]):
            made = self.absorb(b, "v_pairs", "v_mul")
            if made is None:
                continue
            d = self.copied(self.use(a))
            self.alias(i.dest[0], d)
            if made.op == "v_mul":
                x, y = (self.use(v) for v in made.args)
                self.emit(f"mla {ALL[i.imm]}, {ALL[i.imm]}, {ALL[i.imm]}", d=d, a=x, b=y)
            else:
                lane, is_signed = made.imm
                x = self.use(made.args[0])
                self.emit(f"{'s' if is_signed else 'u'}adalp {ALL[i.imm]}, {ALL[lane]}", d=d, a=x)
            return
        self.op_v_binary(i)

    def op_v_andn(self, i: Instruction) -> None:
        a, b = (self.use(v) for v in i.args)
        self.emit("bic v.16b, v.16b, v.16b", d=self.define(i.dest[0]), a=b, b=a)

    def op_v_shift(self, i: Instruction) -> None:
        lane, count = i.imm
        name, kind = SHIFTS[i.op]
        a = self.use(i.args[0])
        self.emit(f"{name} {ALL[lane]}, {ALL[lane]}, {kind.format(lane=lane, log=lane.bit_length() - 1)}",
                  d=self.define(i.dest[0]), a=a, i=count)

    op_v_shl = op_v_lshr = op_v_ashr = op_v_shift

    def on_one(self, name: str, kind: str, i: Instruction) -> None:
        a = self.use(i.args[0])
        self.emit(f"{name} {kind}, {kind}", d=self.define(i.dest[0]), a=a)

    def op_v_abs(self, i: Instruction) -> None:
        self.on_one("abs", ALL[i.imm], i)

    def op_v_popcount(self, i: Instruction) -> None:
        self.on_one("cnt", "v.16b", i)

    def op_v_bswap(self, i: Instruction) -> None:
        self.on_one(f"rev{i.imm}", "v.16b", i)

    def op_v_select(self, i: Instruction) -> None:
        mask, a, b = (self.use(v) for v in i.args)
        d = self.copied(mask)
        self.alias(i.dest[0], d)
        self.emit("bsl v.16b, v.16b, v.16b", d=d, a=a, b=b)

    # Between widths

    def op_v_low(self, i: Instruction) -> None:
        lane, is_signed = i.imm
        name, kind = ("shll", HALF[lane]) if i.op == "v_low" else ("shll2", ALL[lane])
        a = self.use(i.args[0])
        self.emit(f"{'s' if is_signed else 'u'}{name} {ALL[2 * lane]}, {kind}, u{lane.bit_length() - 1}",
                  d=self.define(i.dest[0]), a=a, i=0)

    op_v_high = op_v_low

    def op_v_pack(self, i: Instruction) -> None:
        lane, how = i.imm
        a, b = (self.use(v) for v in i.args)
        d = self.define(i.dest[0])
        if how == "trunc":
            self.emit(f"uzp1 {ALL[lane]}, {ALL[lane]}, {ALL[lane]}", d=d, a=a, b=b)
            return
        self.emit(f"{NARROWED[how]} {HALF[lane]}, {ALL[2 * lane]}", d=d, a=a)
        self.emit(f"{NARROWED[how]}2 {ALL[lane]}, {ALL[2 * lane]}", d=d, a=b)

    def op_v_pairs(self, i: Instruction) -> None:
        lane, is_signed = i.imm
        a = self.use(i.args[0])
        self.emit(f"{'s' if is_signed else 'u'}addlp {ALL[2 * lane]}, {ALL[lane]}", d=self.define(i.dest[0]), a=a)

    # Bits and words

    def op_v_zero(self, i: Instruction) -> None:
        self.emit("movi v.2d, 0", d=self.define(i.dest[0]))

    def op_v_ones(self, i: Instruction) -> None:
        self.emit("movi v.16b, u8", d=self.define(i.dest[0]), i=255)

    def op_v_splat(self, i: Instruction) -> None:
        lane, constant = i.imm, self.constant(i.args[0])
        if constant is not None and lane < 64:
            value = constant & (1 << lane) - 1
            for shift in range(0, lane, 8):
                by = f", lsl {shift}" if shift else ""
                for name, byte in (("movi", value), ("mvni", value ^ (1 << lane) - 1)):
                    form = f"{name} {ALL[lane]}, u8{by}"
                    if byte & ~(0xFF << shift) == 0 and form in self.table:
                        self.emit(form, d=self.define(i.dest[0]), i=byte >> shift)
                        return
        a = self.use(i.args[0])
        self.emit(f"dup {ALL[lane]}, {'x' if lane == 64 else 'w'}", d=self.define(i.dest[0]), a=a)

    def op_v_word(self, i: Instruction) -> None:
        a = self.use(i.args[0])
        self.emit("fmov d, x" if i.imm == 64 else "fmov s, w", d=self.define(i.dest[0]), a=a)

    def op_v_first(self, i: Instruction) -> None:
        a = self.use(i.args[0])
        self.emit("fmov x, d" if i.imm == 64 else "fmov w, s", d=self.define(i.dest[0]), a=a)

    def op_v_fold(self, i: Instruction) -> None:
        op, lane = i.imm
        a, across = self.use(i.args[0]), self.backend.new_vector()
        if lane == 64:
            self.emit("addp d, v.2d", d=across, a=a)
        else:
            self.emit(f"{ACROSS[op]} {SCALAR[lane]}, {ALL[lane]}", d=across, a=a)
        # What lies above the lane is zero.
        self.emit("fmov x, d" if lane == 64 else "fmov w, s", d=self.define(i.dest[0]), a=across)

    def op_v_mask(self, i: Instruction) -> None:
        a, narrow = self.use(i.args[0]), self.backend.new_vector()
        self.emit("shrn v.8b, v.8h, shift8", d=narrow, a=a, i=4)
        self.emit("fmov x, d", d=self.define(i.dest[0]), a=narrow)

    # Places

    def op_v_down(self, i: Instruction) -> None:
        a = self.use(i.args[0])
        self.emit("ext v.16b, v.16b, v.16b, u4", d=self.define(i.dest[0]), a=a, b=a, i=i.imm // 8)

    def op_v_reverse(self, i: Instruction) -> None:
        a = self.use(i.args[0])
        if i.imm < 64:
            turned = self.backend.new_vector()
            self.emit(f"rev64 {ALL[i.imm]}, {ALL[i.imm]}", d=turned, a=a)
            a = turned
        self.emit("ext v.16b, v.16b, v.16b, u4", d=self.define(i.dest[0]), a=a, b=a, i=8)

    # Memory

    def vector_place(self, args: tuple[int, ...], displacement: int, size: int
                     ) -> tuple[str, dict[str, Register | int]]:
        """With the letter that the unscaled form has in its name."""
        (base,) = args
        if displacement % size == 0 and 0 <= displacement <= FARTHEST * size:
            return "", {"b": self.use(base), "i": displacement}
        if -256 <= displacement < 256:
            return "u", {"b": self.use(base), "i": displacement}
        moved, offset = self.backend.new(), self.backend.new()
        self.make_constant(offset, displacement & (1 << 64) - 1, 64)
        self.emit("add x, x, x", d=moved, a=self.use(base), b=offset)
        return "", {"b": moved, "i": 0}

    def op_v_load(self, i: Instruction) -> None:
        displacement, size, _ = i.imm
        u, operands = self.vector_place(i.args, displacement, size)
        self.emit(f"ld{u}r {'q' if size == 16 else SCALAR[8 * size]}, [xsp, i]", d=self.define(i.dest[0]), **operands)

    def op_v_store(self, i: Instruction) -> None:
        displacement, size, _ = i.imm
        a = self.use(i.args[0])
        u, operands = self.vector_place(i.args[1:], displacement, size)
        self.emit(f"st{u}r {'q' if size == 16 else SCALAR[8 * size]}, [xsp, i]", a=a, **operands)
