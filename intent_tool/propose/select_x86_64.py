"""Instruction selection for x86-64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from intent_tool.machine import x86_64
from intent_tool.propose.ir import Instruction
from intent_tool.propose.machine_ir import Code, CodeBlock, Register, Slot, StackArgument
from intent_tool.propose.select_vectors_x86_64 import X86Vectors

CONDITION = {"eq": "e", "ne": "ne", "ult": "b", "ule": "be", "slt": "l", "sle": "le"}
SWAPPED = {"e": "e", "ne": "ne", "b": "a", "be": "ae", "l": "g", "le": "ge",
           "a": "b", "ae": "be", "g": "l", "ge": "le"}
NEGATED = {"e": "ne", "ne": "e", "b": "ae", "ae": "b", "be": "a", "a": "be",
           "l": "ge", "ge": "l", "le": "g", "g": "le", "s": "ns", "ns": "s"}


def fits_i32(value: int) -> bool:
    return -(1 << 31) <= value < 1 << 31


class X86Selector(X86Vectors):
    table = x86_64.TABLE
    move = "mov r64, r64"
    narrow_move = "mov r32, r32"
    opposite: ClassVar[Mapping[str, str]] = {f"j{a} label": f"j{b} label" for a, b in NEGATED.items()}
    lazy = frozenset({"shl", "and", "not", "mul", "add", "trunc", "load"})

    def reload(self, register: int, slot: Slot) -> Code:
        return self.code("mov r64, [r64 + i32]", d=register, b="rsp", i=slot)

    def save(self, register: int, slot: Slot) -> Code:
        return self.code("mov [r64 + i32], r64", a=register, b="rsp", i=slot)

    def make_constant(self, register: Register, value: int, width: int) -> None:
        if value < 1 << 32:
            self.emit("mov r32, i32u", d=register, i=value)
        elif fits_i32(value - (1 << 64)):
            self.emit("mov r64, i32", d=register, i=value - (1 << 64))
        else:
            self.emit("movabs r64, i64", d=register, i=value)

    def parameter(self, i: Instruction) -> None:
        number, _ = i.imm
        arguments = self.target.abi.arguments
        d = self.define(i.dest[0])
        if number < len(arguments):
            self.copy(d, arguments[number])
        else:
            self.emit("mov r64, [r64 + i32]", d=d, b="rsp", i=StackArgument(number - len(arguments)))

    def jump(self, label: str) -> Code:
        return self.code("jmp label", t=label)

    def is_jump(self, code: Code) -> bool:
        return code.row.form == "jmp label"

    def branch(self, condition: int, then: CodeBlock, otherwise: CodeBlock) -> None:
        flags = self.flags(condition)
        # The comparison goes to the end of the block, behind whatever is still put into its body.
        self.block.end.append(self.block.body.pop())
        self.to(self.code(f"j{flags} label", t=then.label), then)
        self.to(self.jump(otherwise.label), otherwise)

    # Conditions

    def flags(self, condition: int) -> str:
        """Emit one comparison, as the last instruction so far, and say which condition code to test."""
        compare = self.compare_of(condition)
        if compare is None:
            mask = self.absorb(condition, "and")
            if mask is not None:
                self.test(mask)
            else:
                a = self.use(condition)
                self.emit("test r32, r32", a=a, b=a)
            return "ne"
        op, x, y = compare
        r = f"r{self.width(x)}"
        code = CONDITION[op]
        if self.constant(x) is not None and self.constant(y) is None:
            x, y, code = y, x, SWAPPED[code]
        constant = self.constant(y)
        if constant == 0:
            mask = self.absorb(x, "and") if self.uses.get(condition) == 1 else None
            if mask is not None:
                self.test(mask)
                return code
            a = self.use(x)
            self.emit(f"test {r}, {r}", a=a, b=a)
        elif constant is not None and fits_i32(constant):
            self.emit(f"cmp {r}, i32", a=self.use(x), i=constant)
        else:
            if self.from_memory(x) is not None and self.from_memory(y) is None:
                x, y, code = y, x, SWAPPED[code]
            left = self.use(x)
            # Where the comparison is repeated, its operand has to be in a register.
            memory = self.taken_from_memory(y) if self.uses.get(condition) == 1 else None
            if memory is not None:
                self.emit(f"cmp {r}, {memory[0]}", a=left, **memory[1])
            else:
                self.emit(f"cmp {r}, {r}", a=left, b=self.use(y))
        return code

    def test(self, mask: Instruction) -> None:
        """The flags of an `and` whose result nobody else wants."""
        a, constant = mask.args[0], self.constant(mask.args[1])
        r = f"r{self.width(a)}"
        if constant is not None and fits_i32(constant):
            self.emit(f"test {r}, i32", a=self.use(a), i=constant)
        else:
            left, right = self.use(a), self.use(mask.args[1])
            self.emit(f"test {r}, {r}", a=left, b=right)

    def op_compare(self, i: Instruction) -> None:
        # Zeroed first: setcc writes a byte only, and a move does not disturb the flags.
        d = self.define(i.dest[0])
        code = self.flags(i.dest[0])
        compare = self.block.body.pop()
        self.emit("mov r32, i32u", d=d, i=0)
        self.block.body.append(compare)
        self.emit(f"set{code} r8", d=d)

    op_eq = op_ne = op_ult = op_ule = op_slt = op_sle = op_compare

    def op_select(self, i: Instruction) -> None:
        condition, x, y = i.args
        r = f"r{self.width(x)}"
        then, otherwise = self.use(x), self.use(y)
        d = self.define(i.dest[0])
        code = self.flags(condition)
        compare = self.block.body.pop()
        # Overwrite the operand that nobody needs any more.
        going_on = self.becomes.get(i.dest[0])
        dies = (self.uses[y] > 1 and self.uses[x] == 1) or self.constant(y) is not None
        if going_on == x or (going_on != y and dies and self.constant(x) is None):
            then, otherwise, code = otherwise, then, NEGATED[code]
        self.copy(d, otherwise, self.width(x))
        # The copy stands for the operand in the comparison, too, so that the operand need not outlive it.
        compare.values = [d if v == otherwise and isinstance(v, int) and o.kind in ("r32", r) else v
                          for o, v in zip(compare.row.operands, compare.values, strict=True)]
        self.block.body.append(compare)
        self.emit(f"cmov{code} {r}, {r}", d=d, a=then)

    def from_memory(self, value: int) -> Instruction | None:
        """The load of a whole register that makes the value, where its only user may take it in."""
        made = self.peek(value, "load")
        return made if made is not None and 8 * made.imm[1] == self.width(value) else None

    def taken_from_memory(self, value: int) -> tuple[str, dict[str, Register | int]] | None:
        made = self.from_memory(value)
        if made is None:
            return None
        self.absorb(value, "load")
        return self.place_of(made.args, made.imm[0], made.imm[3])

    # Arithmetic

    def two_address(self, op: str, i: Instruction, commutes: bool = False) -> None:
        a, b = i.args
        r = f"r{self.width(a)}"
        constant = self.constant(b)
        if constant is not None and fits_i32(constant):
            source = self.use(a)
            d = self.define(i.dest[0])
            self.copy(d, source, self.width(a))
            self.emit(f"{op} {r}, i32", d=d, i=constant)
            return
        if commutes and constant is None and self.from_memory(b) is None and (
                self.from_memory(a) is not None or (self.uses[a] > 1 and self.uses[b] == 1)):
            a, b = b, a
        left = self.use(a)
        memory = self.taken_from_memory(b) if op != "imul" else None
        right = self.use(b) if memory is None else left
        d = self.define(i.dest[0])
        self.copy(d, left, self.width(i.args[0]))
        if memory is not None:
            self.emit(f"{op} {r}, {memory[0]}", d=d, **memory[1])
            return
        self.emit(f"{op} {r}, {r}", d=d, a=right)

    def op_add(self, i: Instruction) -> None:
        a, b = i.args
        r = f"r{self.width(a)}"
        constant = self.constant(b)
        if constant is not None and fits_i32(constant):
            inner = self.absorb(a, "add")
            if inner is not None and self.constant(inner.args[1]) is None:
                left, right = self.use(inner.args[0]), self.use(inner.args[1])
                self.emit(f"lea {r}, [r64 + r64*1 + i32]", d=self.define(i.dest[0]), b=left, x=right, i=constant)
                return
            if inner is not None:
                self.make(inner)
            scaled = self.peek(a, "shl")
            count = None if scaled is None else self.constant(scaled.args[1])
            if scaled is not None and count in (1, 2, 3):
                self.absorb(a, "shl")
                x = self.use(scaled.args[0])
                self.emit(f"lea {r}, [r64*{1 << count} + i32]", d=self.define(i.dest[0]), x=x, i=constant)
            elif self.uses[a] > 1:
                base = self.use(a)
                self.emit(f"lea {r}, [r64 + i32]", d=self.define(i.dest[0]), b=base, i=constant)
            else:
                self.two_address("add", i)
            return
        for x, y in ((a, b), (b, a)):
            scaled = self.peek(y, "shl")
            count = None if scaled is None else self.constant(scaled.args[1])
            if scaled is not None and count in (1, 2, 3) and self.constant(x) is None:
                self.absorb(y, "shl")
                base, index = self.use(x), self.use(scaled.args[0])
                self.emit(f"lea {r}, [r64 + r64*{1 << count} + i32]", d=self.define(i.dest[0]), b=base, x=index, i=0)
                return
        if self.uses[a] > 1 and self.uses[b] > 1 and constant is None:
            base, index = self.use(a), self.use(b)
            self.emit(f"lea {r}, [r64 + r64*1 + i32]", d=self.define(i.dest[0]), b=base, x=index, i=0)
            return
        self.two_address("add", i, True)

    def op_sub(self, i: Instruction) -> None:
        a, b = i.args
        constant = self.constant(b)
        if constant is not None and fits_i32(-constant) and self.uses[a] > 1:
            base = self.use(a)
            self.emit(f"lea r{self.width(a)}, [r64 + i32]", d=self.define(i.dest[0]), b=base, i=-constant)
            return
        self.two_address("sub", i)

    def op_and(self, i: Instruction) -> None:
        a, b = i.args
        constant = self.constant(b)
        d_width = self.width(a)
        if constant in (0xFF, 0xFFFF):
            source = self.use(a)
            self.emit(f"movzx r32, r{8 if constant == 0xFF else 16}", d=self.define(i.dest[0]), a=source)
            return
        if d_width == 64 and constant == 0xFFFFFFFF:
            source = self.use(a)
            self.emit("mov r32, r32", d=self.define(i.dest[0]), a=source)
            return
        if d_width == 64 and constant is not None and 0 <= constant < 1 << 32:
            # The upper half becomes zero either way.
            source = self.use(a)
            d = self.define(i.dest[0])
            self.copy(d, source, 32)
            self.emit("and r32, i32", d=d, i=constant - (1 << 32) if constant >> 31 else constant)
            return
        if constant is None and self.target.has("bmi1"):
            r = f"r{d_width}"
            for x, y in ((a, b), (b, a)):
                inverted = self.absorb(y, "not")
                if inverted is not None:
                    left, right = self.use(inverted.args[0]), self.use(x)
                    self.emit(f"andn {r}, {r}, {r}", d=self.define(i.dest[0]), a=left, b=right)
                    return
        self.two_address("and", i, True)

    def op_or(self, i: Instruction) -> None:
        self.two_address("or", i, True)

    def op_xor(self, i: Instruction) -> None:
        self.two_address("xor", i, True)

    def op_not(self, i: Instruction) -> None:
        d = self.copied(self.use(i.args[0]), self.width(i.args[0]))
        self.alias(i.dest[0], d)
        self.emit(f"{i.op} r{self.width(i.dest[0])}", d=d)

    op_neg = op_not

    def op_mul(self, i: Instruction) -> None:
        a, b = i.args
        r = f"r{self.width(a)}"
        constant = self.constant(b)
        if constant in (3, 5, 9):
            x = self.use(a)
            self.emit(f"lea {r}, [r64 + r64*{constant - 1} + i32]", d=self.define(i.dest[0]), b=x, x=x, i=0)
        elif constant is not None and fits_i32(constant):
            x = self.use(a)
            self.emit(f"imul {r}, {r}, i32", d=self.define(i.dest[0]), a=x, i=constant)
        else:
            self.two_address("imul", i, True)

    def op_umulh(self, i: Instruction) -> None:
        a, b = self.use(i.args[0]), self.use(i.args[1])
        self.copy("rax", a)
        self.emit(f"{'mul' if i.op == 'umulh' else 'imul'} r64", a=b)
        self.copy(self.define(i.dest[0]), "rdx")

    op_smulh = op_umulh

    def op_udiv(self, i: Instruction) -> None:
        w = self.width(i.args[0])
        n, m = self.use(i.args[0]), self.use(i.args[1])
        self.copy("rax", n)
        if i.op.startswith("u"):
            self.emit("mov r32, i32u", d="rdx", i=0)
            self.emit(f"div r{w}", a=m)
        else:
            self.emit("cdq" if w == 32 else "cqo")
            self.emit(f"idiv r{w}", a=m)
        self.copy(self.define(i.dest[0]), "rax" if i.op.endswith("div") else "rdx")

    def op_div128(self, i: Instruction) -> None:
        high, low, divisor = (self.use(v) for v in i.args)
        self.copy("rdx", high)
        self.copy("rax", low)
        self.emit("div r64", a=divisor)
        self.copy(self.define(i.dest[0]), "rax")
        self.copy(self.define(i.dest[1]), "rdx")

    op_urem = op_sdiv = op_srem = op_udiv

    def op_shl(self, i: Instruction) -> None:
        op = {"shl": "shl", "lshr": "shr", "ashr": "sar", "rotl": "rol"}[i.op]
        a, b = i.args
        r = f"r{self.width(a)}"
        constant = self.constant(b)
        if constant is not None:
            if op == "shl" and constant == 1 and self.uses[a] > 1:
                x = self.use(a)
                self.emit(f"lea {r}, [r64 + r64*1 + i32]", d=self.define(i.dest[0]), b=x, x=x, i=0)
                return
            d = self.copied(self.use(a), self.width(a))
            self.alias(i.dest[0], d)
            self.emit(f"{op} {r}, u8", d=d, i=constant)
            return
        value, count = self.use(a), self.use(b)
        if op != "rol" and self.target.has("bmi2"):
            self.emit(f"{op}x {r}, {r}, {r}", d=self.define(i.dest[0]), a=value, b=count)
            return
        d = self.copied(value, self.width(a))
        self.alias(i.dest[0], d)
        self.copy("rcx", count, 32)
        self.emit(f"{op} {r}, cl", d=d)

    op_lshr = op_ashr = op_rotl = op_shl

    # Widths

    def op_zext(self, i: Instruction) -> None:
        """Every instruction on 32-bit registers clears the upper half; only an alias of a 64-bit value does not."""
        source = self.use(i.args[0])
        made = self.made.get(i.args[0])
        if made is None or made.op == "trunc":
            self.emit("mov r32, r32", d=self.define(i.dest[0]), a=source)
        else:
            self.alias(i.dest[0], source)

    def op_sext(self, i: Instruction) -> None:
        source = self.use(i.args[0])
        self.emit("movsxd r64, r32", d=self.define(i.dest[0]), a=source)

    def op_trunc(self, i: Instruction) -> None:
        self.alias(i.dest[0], self.use(i.args[0]))

    def op_sext8(self, i: Instruction) -> None:
        source = self.use(i.args[0])
        self.emit(f"movsx r{self.width(i.dest[0])}, r{i.op[4:]}", d=self.define(i.dest[0]), a=source)

    op_sext16 = op_sext8

    # Bits

    def op_popcount(self, i: Instruction) -> None:
        r = f"r{self.width(i.dest[0])}"
        source = self.use(i.args[0])
        self.emit(f"popcnt {r}, {r}", d=self.define(i.dest[0]), a=source)

    def op_clz(self, i: Instruction) -> None:
        w = self.width(i.dest[0])
        r = f"r{w}"
        source = self.use(i.args[0])
        d = self.define(i.dest[0])
        if self.target.has("lzcnt"):
            self.emit(f"lzcnt {r}, {r}", d=d, a=source)
            return
        # bsr leaves its destination alone when the source is 0 (AMD64 APM volume 3, and every Intel processor):
        # 2w-1 ^ w-1 is w.
        self.emit("mov r32, i32u", d=d, i=2 * w - 1)
        self.emit(f"bsr {r}, {r}", d=d, a=source)
        self.emit("xor r32, i32", d=d, i=w - 1)

    def op_ctz(self, i: Instruction) -> None:
        w = self.width(i.dest[0])
        r = f"r{w}"
        source = self.use(i.args[0])
        d = self.define(i.dest[0])
        if self.target.has("bmi1"):
            self.emit(f"tzcnt {r}, {r}", d=d, a=source)
            return
        self.emit("mov r32, i32u", d=d, i=w)
        self.emit(f"bsf {r}, {r}", d=d, a=source)

    def op_bswap(self, i: Instruction) -> None:
        d = self.copied(self.use(i.args[0]), self.width(i.args[0]))
        self.alias(i.dest[0], d)
        self.emit(f"bswap r{self.width(i.dest[0])}", d=d)

    # Two words

    def op_add2(self, i: Instruction) -> None:
        first, second = ("add", "adc") if i.op == "add2" else ("sub", "sbb")
        a = [self.use(v) for v in i.args[:2]]
        constants = [self.constant(v) for v in i.args[2:]]
        b = [None if c is not None and fits_i32(c) else self.use(v)
             for c, v in zip(constants, i.args[2:], strict=True)]
        low, high = self.copied(a[0]), self.copied(a[1])
        for op, d, source, constant in ((first, low, b[0], constants[0]), (second, high, b[1], constants[1])):
            if source is None:
                assert constant is not None
                self.emit(f"{op} r64, i32", d=d, i=constant)
            else:
                self.emit(f"{op} r64, r64", d=d, a=source)
        self.alias(i.dest[0], low)
        self.alias(i.dest[1], high)

    op_sub2 = op_add2

    # Memory

    def place_of(self, args: tuple[int, ...], displacement: int, scale: int) -> tuple[str, dict[str, Register | int]]:
        base = self.use(args[0])
        if len(args) == 1:
            return "[r64 + i32]", {"b": base, "i": displacement}
        return f"[r64 + r64*{scale} + i32]", {"b": base, "x": self.use(args[1]), "i": displacement}

    def op_load(self, i: Instruction) -> None:
        displacement, size, signed, scale = i.imm
        w = self.width(i.dest[0])
        where, operands = self.place_of(i.args, displacement, scale)
        d = self.define(i.dest[0])
        if size == 8 or (size == 4 and (w == 32 or not signed)):
            self.emit(f"mov r{8 * size}, {where}", d=d, **operands)
        elif size == 4:
            self.emit(f"movsxd r64, dword {where}", d=d, **operands)
        else:
            name = "byte" if size == 1 else "word"
            self.emit(f"movsx r{w}, {name} {where}" if signed else f"movzx r32, {name} {where}", d=d, **operands)

    def op_store(self, i: Instruction) -> None:
        displacement, size, scale = i.imm
        source = self.use(i.args[0])
        # Nothing is loaded later that this may overwrite.
        for value in [v for v, made in self.deferred.items() if made.op == "load"]:
            self.make(self.deferred.pop(value))
        where, operands = self.place_of(i.args[1:], displacement, scale)
        name = {1: "byte ", 2: "word "}.get(size, "")
        self.emit(f"mov {name}{where}, r{8 * size}", a=source, **operands)

    def op_table(self, i: Instruction) -> None:
        self.emit("lea r64, [table]", d=self.define(i.dest[0]), t=f".Ltable{i.imm}")
