"""Instruction selection for ARM64."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from intent_tool.machine import arm64
from intent_tool.propose.ir import Instruction
from intent_tool.propose.machine_ir import Code, CodeBlock, Register, Slot, StackArgument, Value
from intent_tool.propose.select import Selector

CONDITION = {"eq": "eq", "ne": "ne", "ult": "lo", "ule": "ls", "slt": "lt", "sle": "le"}
SWAPPED = {"eq": "eq", "ne": "ne", "lo": "hi", "ls": "hs", "lt": "gt", "le": "ge"}
NEGATED = {"eq": "ne", "ne": "eq", "lo": "hs", "hs": "lo", "ls": "hi", "hi": "ls",
           "lt": "ge", "ge": "lt", "le": "gt", "gt": "le"}


class Arm64Selector(Selector):
    table = arm64.TABLE
    move = narrow_move = "mov x, x"
    zero = "xzr"
    opposite: ClassVar[Mapping[str, str]] = {f"b.{a} label": f"b.{b} label" for a, b in NEGATED.items()} | {
        f"{a} {r}, label": f"{b} {r}, label" for a, b in (("cbz", "cbnz"), ("cbnz", "cbz")) for r in "wx"}
    lazy = frozenset({"shl", "lshr", "ashr", "and", "not", "mul", "neg", "add", "trunc", "zext", "sext"})

    def reload(self, register: int, slot: Slot) -> Code:
        return self.code("ldr x, [xsp, i]", d=register, b="sp", i=slot)

    def save(self, register: int, slot: Slot) -> Code:
        return self.code("str x, [xsp, i]", a=register, b="sp", i=slot)

    def code(self, form: str, **operands: Value) -> Code:
        """Where number 31 would be the stack pointer, a zero has to be made in a register of its own."""
        for operand in self.table[form].operands:
            if operand.kind in ("wsp", "xsp") and operands.get(operand.name) == "xzr":
                operands[operand.name] = register = self.backend.new()
                self.make_constant(register, 0, 64)
        return super().code(form, **operands)

    def size(self, value: int) -> str:
        return "x" if self.width(value) == 64 else "w"

    def make_constant(self, register: Register, value: int, width: int) -> None:
        r = "x" if width == 64 else "w"
        parts = [(value >> at & 0xFFFF, at) for at in range(0, width, 16)]
        if arm64.is_logical_immediate(value, width) and sum(p != 0 for p, _ in parts) > 1 \
                and sum(p != 0xFFFF for p, _ in parts) > 1:
            self.emit(f"mov {r}, bitmask", d=register, i=value)
            return
        inverted = sum(p == 0xFFFF for p, _ in parts) > sum(p == 0 for p, _ in parts)
        fill = 0xFFFF if inverted else 0
        rest = [(p, at) for p, at in parts if p != fill] or [parts[0]]
        first, at = rest[0]
        self.emit(f"{'movn' if inverted else 'movz'} {r}, u16, lsl", d=register,
                  i=first ^ 0xFFFF if inverted else first, s=at)
        for part, at in rest[1:]:
            self.emit(f"movk {r}, u16, lsl", d=register, i=part, s=at)

    def parameter(self, i: Instruction) -> None:
        number, _ = i.imm
        arguments = self.target.abi.arguments
        d = self.define(i.dest[0])
        if number < len(arguments):
            self.copy(d, arguments[number])
        else:
            self.emit("ldr x, [xsp, i]", d=d, b="sp", i=StackArgument(number - len(arguments)))

    def jump(self, label: str) -> Code:
        return self.code("b label", t=label)

    def is_jump(self, code: Code) -> bool:
        return code.row.form == "b label"

    def branch(self, condition: int, then: CodeBlock, otherwise: CodeBlock) -> None:
        compare = self.compare_of(condition)
        if compare is not None and compare[0] in ("eq", "ne") and self.constant(compare[2]) == 0 \
                and not self.peek(compare[1], "and"):
            r, a = self.size(compare[1]), self.use(compare[1])
            self.to(self.code(f"{'cbz' if compare[0] == 'eq' else 'cbnz'} {r}, label", a=a, t=then.label), then)
        elif compare is None:
            a = self.use(condition)
            self.to(self.code("cbnz w, label", a=a, t=then.label), then)
        else:
            flags = self.flags(condition)
            self.block.end.append(self.block.body.pop())
            self.to(self.code(f"b.{flags} label", t=then.label), then)
        self.to(self.jump(otherwise.label), otherwise)

    # Conditions

    def flags(self, condition: int) -> str:
        """Emit one comparison, as the last instruction so far, and say which condition to test."""
        compare = self.compare_of(condition)
        if compare is None:
            mask = self.absorb(condition, "and")
            if mask is not None:
                self.test(mask)
            else:
                a = self.use(condition)
                self.emit("cmp w, u12", a=a, i=0)
            return "ne"
        op, x, y = compare
        code = CONDITION[op]
        if self.constant(x) is not None and self.constant(y) is None:
            x, y, code = y, x, SWAPPED[code]
        r, constant = self.size(x), self.constant(y)
        if constant == 0 and op in ("eq", "ne") and self.uses.get(condition) == 1:
            mask = self.absorb(x, "and")
            if mask is not None:
                self.test(mask)
                return code
        if constant is not None and 0 <= constant < 4096:
            self.emit(f"cmp {r}, u12", a=self.use(x), i=constant)
        elif constant is not None and 0 < -constant < 4096:
            self.emit(f"cmn {r}, u12", a=self.use(x), i=-constant)
        else:
            left, right = self.use(x), self.use(y)
            self.emit(f"cmp {r}, {r}", a=left, b=right)
        return code

    def test(self, mask: Instruction) -> None:
        """The flags of an `and` whose result nobody else wants."""
        a, bits = mask.args[0], self.constant(mask.args[1])
        r, w = self.size(a), self.width(a)
        if bits is not None and arm64.is_logical_immediate(bits & ((1 << w) - 1), w):
            self.emit(f"tst {r}, bitmask", a=self.use(a), i=bits & ((1 << w) - 1))
        else:
            left, right = self.use(a), self.use(mask.args[1])
            self.emit(f"tst {r}, {r}", a=left, b=right)

    def op_compare(self, i: Instruction) -> None:
        code = self.flags(i.dest[0])
        self.emit("cset w, CC", d=self.define(i.dest[0]), k=code)

    op_eq = op_ne = op_ult = op_ule = op_slt = op_sle = op_compare

    def op_select(self, i: Instruction) -> None:
        condition, x, y = i.args
        r = self.size(x)
        negated = self.peek(x, "neg")
        if negated is not None and negated.args[0] == y:
            self.absorb(x, "neg")
            source = self.use(y)
            code = self.flags(condition)
            self.emit(f"cneg {r}, {r}, CC", d=self.define(i.dest[0]), a=source, k=code)
            return
        then, otherwise = self.use(x), self.use(y)
        code = self.flags(condition)
        self.emit(f"csel {r}, {r}, {r}, CC", d=self.define(i.dest[0]), a=then, b=otherwise, k=code)

    # Arithmetic

    def immediate(self, op: str, i: Instruction, constant: int) -> bool:
        """add and sub with an unsigned immediate of 12 bits, or of 12 bits further up."""
        if constant < 0:
            op, constant = {"add": "sub", "sub": "add"}[op], -constant
        r = self.size(i.dest[0])
        if constant < 4096:
            a = self.use(i.args[0])
            self.emit(f"{op} {r}, {r}, u12", d=self.define(i.dest[0]), a=a, i=constant)
        elif constant & 4095 == 0 and constant >> 12 < 4096:
            a = self.use(i.args[0])
            self.emit(f"{op} {r}, {r}, u12, lsl 12", d=self.define(i.dest[0]), a=a, i=constant >> 12)
        else:
            return False
        return True

    def shifted(self, op: str, i: Instruction, pairs: tuple[tuple[int, int], ...]) -> bool:
        """The second operand shifted by a constant, in one instruction."""
        r = self.size(i.dest[0])
        for a, b in pairs:
            made = self.peek(b, "shl", "lshr", "ashr")
            if made is None or self.constant(made.args[1]) is None or self.constant(a) is not None:
                continue
            self.absorb(b, made.op)
            shift = {"shl": "lsl", "lshr": "lsr", "ashr": "asr"}[made.op]
            count = self.constant(made.args[1])
            assert count is not None
            left, right = self.use(a), self.use(made.args[0])
            self.emit(f"{op} {r}, {r}, {r}, {shift} u{6 if r == 'x' else 5}", d=self.define(i.dest[0]), a=left,
                      b=right, s=count)
            return True
        return False

    def three(self, form: str, i: Instruction) -> None:
        r = self.size(i.dest[0])
        a, b = self.use(i.args[0]), self.use(i.args[1])
        self.emit(f"{form} {r}, {r}, {r}", d=self.define(i.dest[0]), a=a, b=b)

    def op_add(self, i: Instruction) -> None:
        a, b = i.args
        constant = self.constant(b)
        if constant is not None and self.immediate("add", i, constant):
            return
        r = self.size(a)
        for x, y in ((a, b), (b, a)):
            product = self.absorb(y, "mul")
            if product is not None:
                left, right, addend = self.use(product.args[0]), self.use(product.args[1]), self.use(x)
                self.emit(f"madd {r}, {r}, {r}, {r}", d=self.define(i.dest[0]), a=left, b=right, c=addend)
                return
            wide = self.peek(y, "zext", "sext")
            if wide is not None and self.constant(x) is None:
                self.absorb(y, wide.op)
                base, word = self.use(x), self.use(wide.args[0])
                self.emit(f"add x, x, w, {'uxtw' if wide.op == 'zext' else 'sxtw'}", d=self.define(i.dest[0]),
                          a=base, b=word)
                return
        if not self.shifted("add", i, ((a, b), (b, a))):
            self.three("add", i)

    def op_sub(self, i: Instruction) -> None:
        a, b = i.args
        constant = self.constant(b)
        if constant is not None and self.immediate("sub", i, constant):
            return
        r = self.size(a)
        product = self.absorb(b, "mul")
        if product is not None:
            left, right, minuend = self.use(product.args[0]), self.use(product.args[1]), self.use(a)
            self.emit(f"msub {r}, {r}, {r}, {r}", d=self.define(i.dest[0]), a=left, b=right, c=minuend)
        elif not self.shifted("sub", i, ((a, b),)):
            self.three("sub", i)

    def op_and(self, i: Instruction) -> None:
        a, b = i.args
        op = {"and": "and", "or": "orr", "xor": "eor"}[i.op]
        r, w, constant = self.size(a), self.width(a), self.constant(b)
        if constant is not None and arm64.is_logical_immediate(constant & ((1 << w) - 1), w):
            made = self.peek(a, "lshr") if op == "and" else None
            count = None if made is None else self.constant(made.args[1])
            if made is not None and count is not None and constant > 0 and constant & (constant + 1) == 0:
                self.absorb(a, "lshr")
                x = self.use(made.args[0])
                n = "u6" if w == 64 else "u5"
                self.emit(f"ubfx {r}, {r}, {n}, {n}", d=self.define(i.dest[0]), a=x, i=count,
                          s=min(constant.bit_length(), w - count))
                return
            x = self.use(a)
            self.emit(f"{op} {r}, {r}, bitmask", d=self.define(i.dest[0]), a=x, i=constant & ((1 << w) - 1))
            return
        for x, y in ((a, b), (b, a)):
            inverted = self.absorb(y, "not")
            if inverted is not None:
                left, right = self.use(x), self.use(inverted.args[0])
                form = {"and": "bic", "orr": "orn", "eor": "eon"}[op]
                self.emit(f"{form} {r}, {r}, {r}", d=self.define(i.dest[0]), a=left, b=right)
                return
        if not self.shifted(op, i, ((a, b), (b, a))):
            self.three(op, i)

    op_or = op_xor = op_and

    def one(self, form: str, i: Instruction) -> None:
        r = self.size(i.dest[0])
        a = self.use(i.args[0])
        self.emit(f"{form} {r}, {r}", d=self.define(i.dest[0]), a=a)

    def op_not(self, i: Instruction) -> None:
        self.one("mvn", i)

    def op_neg(self, i: Instruction) -> None:
        self.one("neg", i)

    def op_mul(self, i: Instruction) -> None:
        self.three("mul", i)

    def op_umulh(self, i: Instruction) -> None:
        self.three(i.op, i)

    op_smulh = op_udiv = op_sdiv = op_umulh

    def op_urem(self, i: Instruction) -> None:
        r = self.size(i.dest[0])
        n, m = self.use(i.args[0]), self.use(i.args[1])
        quotient = self.backend.new()
        self.emit(f"{'u' if i.op == 'urem' else 's'}div {r}, {r}, {r}", d=quotient, a=n, b=m)
        self.emit(f"msub {r}, {r}, {r}, {r}", d=self.define(i.dest[0]), a=quotient, b=m, c=n)

    op_srem = op_urem

    def op_shl(self, i: Instruction) -> None:
        op = {"shl": "lsl", "lshr": "lsr", "ashr": "asr"}[i.op]
        r, constant = self.size(i.args[0]), self.constant(i.args[1])
        if constant is not None:
            a = self.use(i.args[0])
            self.emit(f"{op} {r}, {r}, u{6 if r == 'x' else 5}", d=self.define(i.dest[0]), a=a, i=constant)
        else:
            self.three(op, i)

    op_lshr = op_ashr = op_shl

    def op_rotl(self, i: Instruction) -> None:
        r, w, constant = self.size(i.args[0]), self.width(i.args[0]), self.constant(i.args[1])
        a = self.use(i.args[0])
        if constant is not None:
            self.emit(f"ror {r}, {r}, u{6 if r == 'x' else 5}", d=self.define(i.dest[0]), a=a, i=-constant % w)
            return
        count, back = self.use(i.args[1]), self.backend.new()
        self.emit("neg w, w", d=back, a=count)
        self.emit(f"ror {r}, {r}, {r}", d=self.define(i.dest[0]), a=a, b=back)

    # Widths

    def op_zext(self, i: Instruction) -> None:
        """Every write of a w register clears the upper half; only an alias of a 64-bit value does not."""
        source = self.use(i.args[0])
        made = self.made.get(i.args[0])
        if made is None or made.op == "trunc":
            self.emit("mov w, w", d=self.define(i.dest[0]), a=source)
        else:
            self.alias(i.dest[0], source)

    def op_sext(self, i: Instruction) -> None:
        source = self.use(i.args[0])
        self.emit("sxtw x, w", d=self.define(i.dest[0]), a=source)

    def op_trunc(self, i: Instruction) -> None:
        self.alias(i.dest[0], self.use(i.args[0]))

    def op_sext8(self, i: Instruction) -> None:
        source = self.use(i.args[0])
        self.emit(f"sxt{'b' if i.op == 'sext8' else 'h'} {self.size(i.dest[0])}, w", d=self.define(i.dest[0]),
                  a=source)

    op_sext16 = op_sext8

    # Bits

    def op_clz(self, i: Instruction) -> None:
        self.one("clz", i)

    def op_ctz(self, i: Instruction) -> None:
        r = self.size(i.dest[0])
        a, turned = self.use(i.args[0]), self.backend.new()
        self.emit(f"rbit {r}, {r}", d=turned, a=a)
        self.emit(f"clz {r}, {r}", d=self.define(i.dest[0]), a=turned)

    def op_bswap(self, i: Instruction) -> None:
        self.one("rev", i)

    def op_bitrev(self, i: Instruction) -> None:
        self.one("rbit", i)

    # Two words

    def op_add2(self, i: Instruction) -> None:
        first, second = ("adds", "adc") if i.op == "add2" else ("subs", "sbc")
        a0, a1, b0, b1 = (self.use(v) for v in i.args)
        self.emit(f"{first} x, x, x", d=self.define(i.dest[0]), a=a0, b=b0)
        self.emit(f"{second} x, x, x", d=self.define(i.dest[1]), a=a1, b=b1)

    op_sub2 = op_add2

    # Memory

    def where(self, args: tuple[int, ...], displacement: int, size: int, scale: int
              ) -> tuple[str, dict[str, Register | int]]:
        base = self.use(args[0])
        if len(args) == 2:
            if displacement:
                moved = self.backend.new()
                self.emit("add x, x, u12", d=moved, a=base, i=displacement)
                base = moved
            assert scale == size
            return ("[xsp, x]" if size == 1 else f"[xsp, x, lsl {size.bit_length() - 1}]",
                    {"b": base, "x": self.use(args[1])})
        if displacement % size or displacement // size >= 4096:
            moved = self.backend.new()
            offset = self.backend.new()
            self.make_constant(offset, displacement, 64)
            self.emit("add x, x, x", d=moved, a=base, b=offset)
            return "[xsp, i]", {"b": moved, "i": 0}
        return "[xsp, i]", {"b": base, "i": displacement}

    def op_load(self, i: Instruction) -> None:
        displacement, size, signed, scale = i.imm
        where, operands = self.where(i.args, displacement, size, scale)
        self.load(i, size, signed, where, operands)

    def op_load_step(self, i: Instruction) -> None:
        step, size, signed, _ = i.imm
        moving = self.copied(self.use(i.args[0]))
        self.alias(i.dest[1], moving)
        self.load(i, size, signed, "[xsp], i", {"b": moving, "i": step})

    def load(self, i: Instruction, size: int, signed: bool, where: str, operands: dict[str, Register | int]) -> None:
        r = self.size(i.dest[0])
        d = self.define(i.dest[0])
        if size == 8 or (size == 4 and not (signed and r == "x")):
            name, r = "ldr", "x" if size == 8 else "w"
        elif size == 4:
            name = "ldrsw"
        else:
            name = f"ldr{'s' if signed else ''}{'b' if size == 1 else 'h'}"
            r = r if signed else "w"
        self.emit(f"{name} {r}, {where}", d=d, **operands)

    def op_store(self, i: Instruction) -> None:
        displacement, size, scale = i.imm
        source = self.use(i.args[0])
        where, operands = self.where(i.args[1:], displacement, size, scale)
        name = {1: "strb w", 2: "strh w", 4: "str w", 8: "str x"}[size]
        self.emit(f"{name}, {where}", a=source, **operands)

    def op_store_step(self, i: Instruction) -> None:
        step, size, _ = i.imm
        source = self.use(i.args[0])
        moving = self.copied(self.use(i.args[1]))
        self.alias(i.dest[0], moving)
        name = {1: "strb w", 2: "strh w", 4: "str w", 8: "str x"}[size]
        self.emit(f"{name}, [xsp], i", a=source, b=moving, i=step)

    def op_table(self, i: Instruction) -> None:
        page = self.backend.new()
        self.emit("adrp x, table", d=page, t=f".Ltable{i.imm}")
        self.emit("add x, x, table", d=self.define(i.dest[0]), a=page, t=f".Ltable{i.imm}")
