"""Instruction selection for vectors on x86-64: SSE2 in 128 bits, or AVX2 in 256."""

from __future__ import annotations

from intent_tool.propose.ir import Instruction
from intent_tool.propose.machine_ir import Register
from intent_tool.propose.select import Selector

SUFFIX = {8: "b", 16: "w", 32: "d", 64: "q"}
ZIPPED = {8: "bw", 16: "wd", 32: "dq", 64: "qdq"}
BINARY = {"v_add": "padd", "v_sub": "psub", "v_mul": "pmull", "v_min_u": "pminu", "v_max_u": "pmaxu",
          "v_min_s": "pmins", "v_max_s": "pmaxs", "v_add_us": "paddus", "v_sub_us": "psubus", "v_add_ss": "padds",
          "v_sub_ss": "psubs", "v_avg": "pavg", "v_eq": "pcmpeq", "v_gt_s": "pcmpgt", "v_mulhi_u": "pmulhu",
          "v_mulhi_s": "pmulh", "v_zip_low": "punpckl", "v_zip_high": "punpckh"}
WHOLE = {"v_and": "pand", "v_or": "por", "v_xor": "pxor", "v_andn": "pandn", "v_sad": "psadbw", "v_madd": "pmaddwd",
         "v_lookup": "pshufb"}
COMMUTE = frozenset({"v_add", "v_mul", "v_min_u", "v_max_u", "v_min_s", "v_max_s", "v_add_us", "v_add_ss", "v_avg",
                     "v_eq", "v_mulhi_u", "v_mulhi_s", "v_and", "v_or", "v_xor", "v_sad", "v_madd"})
SHIFTS = {"v_shl": "psll", "v_lshr": "psrl", "v_ashr": "psra"}
PACKED = {(8, "us"): "packuswb", (8, "ss"): "packsswb", (16, "us"): "packusdw", (16, "ss"): "packssdw"}


class X86Vectors(Selector):
    def use_vectors(self) -> None:
        """The target is known."""
        self.is_vex = self.target.has("avx2")
        self.v, self.r = ("v", "ymm") if self.is_vex else ("", "xmm")
        self.vector_move = f"{self.v}movdqa {self.r}, {self.r}"
        self.backend.vector_registers = tuple(f"ymm{n}" for n in range(16))

    # By the form of the instruction

    def two(self, name: str, a: Register, b: Register) -> Register:
        """A new register with ``name(a, b)``."""
        if self.is_vex:
            d = self.backend.new_vector()
            self.emit(f"v{name} {self.r}, {self.r}, {self.r}", d=d, a=a, b=b)
            return d
        copy = self.copied(a)
        self.emit(f"{name} xmm, xmm", d=copy, a=b)
        return copy

    def counted(self, name: str, a: Register, count: int) -> Register:
        if self.is_vex:
            d = self.backend.new_vector()
            self.emit(f"v{name} {self.r}, {self.r}, u8", d=d, a=a, i=count)
            return d
        copy = self.copied(a)
        self.emit(f"{name} xmm, u8", d=copy, i=count)
        return copy

    def shuffled(self, name: str, a: Register, order: int) -> Register:
        d = self.backend.new_vector()
        self.emit(f"{self.v}{name} {self.r}, {self.r}, u8", d=d, a=a, i=order)
        return d

    def anew(self, name: str) -> Register:
        """An instruction that gives the same for any operand, as long as it is one register."""
        d = self.backend.new_vector()
        if self.is_vex:
            self.emit(f"v{name} {self.r}, {self.r}, {self.r}", d=d, a=d, b=d).starts_anew = True
        else:
            self.emit(f"{name} xmm, xmm", d=d, a=d).starts_anew = True
        return d

    def op_v_binary(self, i: Instruction) -> None:
        a, b = i.args
        if i.op in COMMUTE and self.uses[a] > 1 and self.uses[b] == 1:
            a, b = b, a
        if i.op in WHOLE:
            name = WHOLE[i.op]
        elif i.op.startswith("v_zip"):
            name = BINARY[i.op] + ZIPPED[i.imm]
        else:
            name = BINARY[i.op] + SUFFIX[i.imm]
        x, y = self.use(a), self.use(b)
        if name == "pmulld" and not self.is_vex:
            self.alias(i.dest[0], self.product(x, y))
        else:
            self.alias(i.dest[0], self.two(name, x, y))

    op_v_add = op_v_sub = op_v_mul = op_v_min_u = op_v_max_u = op_v_min_s = op_v_max_s = op_v_binary
    op_v_add_us = op_v_sub_us = op_v_add_ss = op_v_sub_ss = op_v_avg = op_v_eq = op_v_gt_s = op_v_binary
    op_v_mulhi_u = op_v_mulhi_s = op_v_zip_low = op_v_zip_high = op_v_and = op_v_or = op_v_xor = op_v_binary
    op_v_andn = op_v_sad = op_v_madd = op_v_lookup = op_v_binary

    def product(self, a: Register, b: Register) -> Register:
        """Of 32-bit lanes: those of even and of odd places by themselves."""
        even = self.two("pmuludq", a, b)
        odd = self.two("pmuludq", self.counted("psrlq", a, 32), self.counted("psrlq", b, 32))
        return self.two("punpckldq", self.shuffled("pshufd", even, 0x08), self.shuffled("pshufd", odd, 0x08))

    def op_v_shift(self, i: Instruction) -> None:
        lane, count = i.imm
        self.alias(i.dest[0], self.counted(SHIFTS[i.op] + SUFFIX[lane], self.use(i.args[0]), count))

    op_v_shl = op_v_lshr = op_v_ashr = op_v_shift

    def op_v_abs(self, i: Instruction) -> None:
        a = self.use(i.args[0])
        self.emit(f"vpabs{SUFFIX[i.imm]} {self.r}, {self.r}", d=self.define(i.dest[0]), a=a)

    def op_v_select(self, i: Instruction) -> None:
        mask, a, b = (self.use(v) for v in i.args)
        if self.is_vex:
            self.emit("vpblendvb " + ", ".join([self.r] * 4), d=self.define(i.dest[0]), a=b, b=a, c=mask)
            return
        chosen, other = self.two("pand", a, mask), self.two("pandn", mask, b)
        self.alias(i.dest[0], self.two("por", chosen, other))

    def op_v_pack(self, i: Instruction) -> None:
        a, b = (self.use(v) for v in i.args)
        if i.imm in PACKED:
            self.alias(i.dest[0], self.two(PACKED[i.imm], a, b))
            return
        assert i.imm == (32, "trunc")
        self.alias(i.dest[0], self.two("punpcklqdq", self.shuffled("pshufd", a, 0x08),
                                       self.shuffled("pshufd", b, 0x08)))

    # Bits and words

    def op_v_zero(self, i: Instruction) -> None:
        self.alias(i.dest[0], self.anew("pxor"))

    def op_v_ones(self, i: Instruction) -> None:
        self.alias(i.dest[0], self.anew("pcmpeqd"))

    def op_v_word(self, i: Instruction) -> None:
        r, name = ("r64", "movq") if i.imm == 64 else ("r32", "movd")
        a = self.use(i.args[0])
        self.emit(f"{self.v}{name} xmm, {r}", d=self.define(i.dest[0]), a=a)

    def op_v_splat(self, i: Instruction) -> None:
        lane, constant = i.imm, self.constant(i.args[0])
        word: Register
        if constant is not None and lane < 32 and not self.is_vex:
            word = self.backend.new()
            low = constant & (1 << lane) - 1
            self.make_constant(word, sum(low << at for at in range(0, 32, lane)), 32)
            lane = 32
        else:
            word = self.use(i.args[0])
        d: Register = self.backend.new_vector()
        self.emit(f"{self.v}movq xmm, r64" if lane == 64 else f"{self.v}movd xmm, r32", d=d, a=word)
        if self.is_vex:
            self.emit(f"vpbroadcast{SUFFIX[lane]} ymm, xmm", d=self.define(i.dest[0]), a=d)
            return
        if lane == 8:
            d = self.two("punpcklbw", d, d)
        if lane <= 16:
            d = self.shuffled("pshuflw", d, 0)
        self.alias(i.dest[0], self.shuffled("pshufd", d, 0x44 if lane == 64 else 0))

    def op_v_first(self, i: Instruction) -> None:
        r, name = ("r64", "movq") if i.imm == 64 else ("r32", "movd")
        a = self.use(i.args[0])
        self.emit(f"{self.v}{name} {r}, xmm", d=self.define(i.dest[0]), a=a)

    def op_v_mask(self, i: Instruction) -> None:
        a = self.use(i.args[0])
        self.emit(f"{self.v}pmovmskb r32, {self.r}", d=self.define(i.dest[0]), a=a)

    # Places

    def op_v_down(self, i: Instruction) -> None:
        a = self.use(i.args[0])
        self.alias(i.dest[0], self.shuffled("pshufd", a, 0x4E if i.imm == 64 else 0xB1) if i.imm >= 32 else
                   self.counted("psrld" if i.imm == 16 else "psrlw", a, i.imm))

    def op_v_swap(self, i: Instruction) -> None:
        a = self.use(i.args[0])
        self.emit("vpermq ymm, ymm, u8", d=self.define(i.dest[0]), a=a, i=0x4E)

    def op_v_order(self, i: Instruction) -> None:
        a = self.use(i.args[0])
        self.emit("vpermq ymm, ymm, u8", d=self.define(i.dest[0]), a=a, i=0xD8)

    def op_v_extend(self, i: Instruction) -> None:
        have, lane, is_signed = i.imm
        a = self.use(i.args[0])
        name = f"vpmov{'s' if is_signed else 'z'}x{SUFFIX[have]}{SUFFIX[lane]}"
        self.emit(f"{name} ymm, xmm", d=self.define(i.dest[0]), a=a)

    def words_shuffled(self, a: Register, order: int) -> Register:
        """The 16-bit words of each 64 bits."""
        return self.shuffled("pshufhw", self.shuffled("pshuflw", a, order), order)

    def bytes_swapped(self, a: Register) -> Register:
        return self.two("por", self.counted("psllw", a, 8), self.counted("psrlw", a, 8))

    def op_v_bswap(self, i: Instruction) -> None:
        a = self.use(i.args[0])
        if i.imm > 16:
            a = self.words_shuffled(a, 0xB1 if i.imm == 32 else 0x1B)
        self.alias(i.dest[0], self.bytes_swapped(a))

    def op_v_reverse(self, i: Instruction) -> None:
        a = self.shuffled("pshufd", self.use(i.args[0]), 0x1B if i.imm == 32 else 0x4E)
        if i.imm <= 16:
            a = self.words_shuffled(a, 0x1B)
        self.alias(i.dest[0], self.bytes_swapped(a) if i.imm == 8 else a)

    # Memory

    def vector_place(self, args: tuple[int, ...], displacement: int, scale: int
                     ) -> tuple[str, dict[str, Register | int]]:
        base = self.use(args[0])
        if len(args) == 1:
            return "[r64 + i32]", {"b": base, "i": displacement}
        return f"[r64 + r64*{scale} + i32]", {"b": base, "x": self.use(args[1]), "i": displacement}

    def op_v_load(self, i: Instruction) -> None:
        displacement, size, scale = i.imm
        where, operands = self.vector_place(i.args, displacement, scale)
        form = {32: "movdqu ymm", 16: "movdqu xmm", 8: "movq xmm", 4: "movd xmm"}[size]
        self.emit(f"{self.v}{form}, {where}", d=self.define(i.dest[0]), **operands)

    def op_v_store(self, i: Instruction) -> None:
        displacement, size, scale = i.imm
        a = self.use(i.args[0])
        where, operands = self.vector_place(i.args[1:], displacement, scale)
        name, r = {32: ("movdqu", "ymm"), 16: ("movdqu", "xmm"), 8: ("movq", "xmm"), 4: ("movd", "xmm")}[size]
        self.emit(f"{self.v}{name} {where}, {r}", a=a, **operands)
