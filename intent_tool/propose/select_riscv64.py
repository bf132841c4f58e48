"""Instruction selection for RISC-V (RV64). A 32-bit value is kept sign-extended in its register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from intent_tool.machine import riscv64
from intent_tool.propose.ir import Instruction
from intent_tool.propose.machine_ir import Code, CodeBlock, Register, Slot, StackArgument
from intent_tool.propose.select import Selector

BRANCH = {"eq": "beq", "ne": "bne", "ult": "bltu", "ule": "bgeu", "slt": "blt", "sle": "bge"}
"""With the operands exchanged for ``ule`` and ``sle``: x <= y is y >= x."""


NEGATED = {"beq": "bne", "bne": "beq", "bltu": "bgeu", "bgeu": "bltu", "blt": "bge", "bge": "blt"}


def fits_i12(value: int) -> bool:
    return -2048 <= value < 2048


def constant_steps(value: int) -> list[tuple[str, int]]:
    """How to make a signed 64-bit constant: ``li``, ``lui``, then ``addi``, ``addiw``, ``slli``, ``srli``."""
    if fits_i12(value):
        return [("li", value)]
    if -(1 << 31) <= value < 1 << 31:
        low = (value + 0x800 & 0xFFF) - 0x800
        steps = [("lui", value - low >> 12 & 0xFFFFF)]
        return [*steps, ("addiw", low)] if low else steps
    low = (value + 0x800 & 0xFFF) - 0x800
    high = value - low
    zeros = (high & -high).bit_length() - 1
    high = _signed64(high) >> zeros
    best = [*constant_steps(high), ("slli", zeros), *([("addi", low)] if low else [])]
    if value > 0:
        # A number with leading zeros: make it with ones below, or with its zeros, at the top, then shift it down.
        lead = 64 - value.bit_length()
        for filled in (value << lead, value << lead | (1 << lead) - 1):
            other = _signed64(filled)
            if (fits_i12(other) or -(1 << 31) <= other < 1 << 31) or (other & 0xFFF == 0 and len(best) > 4):
                steps = [*constant_steps(other), ("srli", lead)]
                best = min(best, steps, key=len)
    return best


def _signed64(value: int) -> int:
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


class RiscvSelector(Selector):
    table = riscv64.TABLE
    move = narrow_move = "mv x, x"
    zero = "zero"
    opposite: ClassVar[Mapping[str, str]] = {f"{a} x, x, label": f"{b} x, x, label" for a, b in NEGATED.items()} | {
        "beqz x, label": "bnez x, label", "bnez x, label": "beqz x, label"}
    lazy = frozenset({"shl", "and", "not", "xor", "zext"})

    def reload(self, register: int, slot: Slot) -> Code:
        return self.code("ld x, i12(x)", d=register, a="sp", i=slot)

    def save(self, register: int, slot: Slot) -> Code:
        return self.code("sd x, i12(x)", a=register, b="sp", i=slot)

    def make_constant(self, register: Register, value: int, width: int) -> None:
        if value >> width - 1:
            value -= 1 << width
        for op, amount in constant_steps(value):
            if op == "li":
                self.emit("li x, i12", d=register, i=amount)
            elif op == "lui":
                self.emit("lui x, u20", d=register, i=amount)
            else:
                form = f"{op} x, x, {'i12' if op.startswith('addi') else 'u6'}"
                self.emit(form, d=register, a=register, i=amount)

    def parameter(self, i: Instruction) -> None:
        number, _ = i.imm
        arguments = self.target.abi.arguments
        d = self.define(i.dest[0])
        if number < len(arguments):
            self.copy(d, arguments[number])
        else:
            self.emit("ld x, i12(x)", d=d, a="sp", i=StackArgument(number - len(arguments)))

    def jump(self, label: str) -> Code:
        return self.code("j label", t=label)

    def is_jump(self, code: Code) -> bool:
        return code.row.form == "j label"

    def branch(self, condition: int, then: CodeBlock, otherwise: CodeBlock) -> None:
        self.to(self.branch_code(condition, then.label), then)
        self.to(self.jump(otherwise.label), otherwise)

    def branch_code(self, condition: int, label: str, negated: bool = False) -> Code:
        compare = self.compare_of(condition)
        if compare is None:
            return self.code("beqz x, label" if negated else "bnez x, label", a=self.use(condition), t=label)
        op, x, y = compare
        left, right = self.use(x), self.use(y)
        name = BRANCH[op]
        if op in ("ule", "sle"):
            left, right = right, left
        if negated:
            name = NEGATED[name]
        return self.code(f"{name} x, x, label", a=left, b=right, t=label)

    # Conditions

    def op_eq(self, i: Instruction) -> None:
        x, y = i.args
        constant = self.constant(y)
        name = "seqz" if i.op == "eq" else "snez"
        if constant == 0:
            a = self.use(x)
        else:
            a = self.backend.new()
            # Words of 32 bits are canonical, so that equal words are equal registers.
            if constant is not None and fits_i12(-constant):
                source = self.use(x)
                self.emit("addi x, x, i12", d=a, a=source, i=-constant)
            else:
                left, right = self.use(x), self.use(y)
                self.emit("xor x, x, x", d=a, a=left, b=right)
        self.emit(f"{name} x, x", d=self.define(i.dest[0]), a=a)

    op_ne = op_eq

    def op_ult(self, i: Instruction) -> None:
        x, y = i.args
        swap = i.op in ("ule", "sle")
        name = "sltu" if i.op.startswith("u") else "slt"
        constant = self.constant(y)
        if constant is not None:
            # x <= c is x < c + 1, where that does not wrap.
            bound = constant + swap
            if fits_i12(bound) and not (swap and name == "sltu" and constant == -1):
                a = self.use(x)
                self.emit(f"slti{'u' if name == 'sltu' else ''} x, x, i12", d=self.define(i.dest[0]), a=a, i=bound)
                return
        left, right = self.use(x), self.use(y)
        if not swap:
            self.emit(f"{name} x, x, x", d=self.define(i.dest[0]), a=left, b=right)
            return
        greater = self.backend.new()
        self.emit(f"{name} x, x, x", d=greater, a=right, b=left)
        self.emit("xori x, x, i12", d=self.define(i.dest[0]), a=greater, i=1)

    op_ule = op_slt = op_sle = op_ult

    def op_select(self, i: Instruction) -> None:
        condition, x, y = i.args
        if self.extremum(i):
            return
        if 0 in (self.constant(x), self.constant(y)):
            # -condition is a mask of ones, condition - 1 one of zeros.
            bit, mask = self.use_condition(condition), self.backend.new()
            value = self.use(x if self.constant(y) == 0 else y)
            if self.constant(y) == 0:
                self.emit("neg x, x", d=mask, a=bit)
            else:
                self.emit("addi x, x, i12", d=mask, a=bit, i=-1)
            self.emit("and x, x, x", d=self.define(i.dest[0]), a=value, b=mask)
            return
        if not self.secret:
            then, otherwise = self.use(x), self.use(y)
            compare = self.compare_of(condition)
            compared = compare[1:] if compare is not None else ()
            # The copy that is there from the start can stand for the value in the comparison too, which then
            # need not outlive it.
            first = x if (x in compared or self.uses[x] == 1) and y not in compared else y
            going_on = self.becomes.get(i.dest[0])
            if going_on in (x, y):
                first = x if going_on == x else y
            skip = self.branch_code(condition, "", negated=first == y)
            d = self.define(i.dest[0])
            start, other = (then, otherwise) if first == x else (otherwise, then)
            self.copy(d, start)
            skip.values = [d if v == start and o.kind == "x" and isinstance(start, int) else v
                           for o, v in zip(skip.row.operands, skip.values, strict=True)]
            before = self.block
            before.end.append(skip)
            self.split()
            self.copy(d, other)
            join = self.split()
            skip.values[-1] = join.label
            before.successors.append(join)
            return
        # Without a branch: otherwise ^ ((then ^ otherwise) & -condition).
        bit = self.use_condition(condition)
        mask, differ = self.backend.new(), self.backend.new()
        then, otherwise = self.use(x), self.use(y)
        self.emit("neg x, x", d=mask, a=bit)
        self.emit("xor x, x, x", d=differ, a=then, b=otherwise)
        masked = self.backend.new()
        self.emit("and x, x, x", d=masked, a=differ, b=mask)
        self.emit("xor x, x, x", d=self.define(i.dest[0]), a=otherwise, b=masked)

    def use_condition(self, condition: int) -> Register:
        """The condition as 0 or 1 in a register."""
        if condition in self.place:
            return self.use(condition)
        self.make(self.made[condition])
        # Made for this place only: another user may be in a block that this one does not dominate.
        return self.place.pop(condition)

    def extremum(self, i: Instruction) -> bool:
        """select(a < b, a, b) and its kin, with Zbb."""
        compare = self.compare_of(i.args[0])
        if compare is None or not self.target.has("zbb") or compare[0] in ("eq", "ne"):
            return False
        op, a, b = compare
        if {a, b} != set(i.args[1:]):
            return False
        name = ("min" if i.args[1] == a else "max") + ("u" if op.startswith("u") else "")
        left, right = self.use(a), self.use(b)
        self.emit(f"{name} x, x, x", d=self.define(i.dest[0]), a=left, b=right)
        return True

    # Arithmetic

    def three(self, form: str, i: Instruction) -> None:
        a, b = self.use(i.args[0]), self.use(i.args[1])
        self.emit(f"{form} x, x, x", d=self.define(i.dest[0]), a=a, b=b)

    def word(self, i: Instruction) -> str:
        return "w" if self.width(i.dest[0]) == 32 else ""

    def op_add(self, i: Instruction) -> None:
        a, b = i.args
        w, constant = self.word(i), self.constant(b)
        if constant is not None and fits_i12(constant):
            source = self.use(a)
            self.emit(f"addi{w} x, x, i12", d=self.define(i.dest[0]), a=source, i=constant)
            return
        if not w and self.target.has("zba"):
            for x, y in ((a, b), (b, a)):
                scaled = self.peek(y, "shl")
                count = None if scaled is None else self.constant(scaled.args[1])
                if scaled is not None and count in (1, 2, 3):
                    self.absorb(y, "shl")
                    index, base = self.use(scaled.args[0]), self.use(x)
                    self.emit(f"sh{count}add x, x, x", d=self.define(i.dest[0]), a=index, b=base)
                    return
                wide = self.absorb(y, "zext")
                if wide is not None:
                    index, base = self.use(wide.args[0]), self.use(x)
                    self.emit("add.uw x, x, x", d=self.define(i.dest[0]), a=index, b=base)
                    return
        self.three("add" + w, i)

    def op_sub(self, i: Instruction) -> None:
        constant = self.constant(i.args[1])
        if constant is not None and fits_i12(-constant):
            source = self.use(i.args[0])
            self.emit(f"addi{self.word(i)} x, x, i12", d=self.define(i.dest[0]), a=source, i=-constant)
        else:
            self.three("sub" + self.word(i), i)

    def op_and(self, i: Instruction) -> None:
        a, b = i.args
        constant = self.constant(b)
        if constant is not None and fits_i12(constant):
            source = self.use(a)
            self.emit(f"{i.op}i x, x, i12", d=self.define(i.dest[0]), a=source, i=constant)
            return
        if i.op == "and" and constant == 0xFFFF:
            source = self.use(a)
            if self.target.has("zbb"):
                self.emit("zext.h x, x", d=self.define(i.dest[0]), a=source)
            else:
                self.cut(i.dest[0], source, 48, "srli")
            return
        if i.op == "and" and constant is not None and constant > 0xFFFF and constant & (constant + 1) == 0:
            source = self.use(a)
            self.cut(i.dest[0], source, 64 - constant.bit_length(), "srli")
            return
        if self.target.has("zbb"):
            for x, y in ((a, b), (b, a)):
                inverted = self.absorb(y, "not")
                if inverted is not None:
                    left, right = self.use(x), self.use(inverted.args[0])
                    form = {"and": "andn", "or": "orn", "xor": "xnor"}[i.op]
                    self.emit(f"{form} x, x, x", d=self.define(i.dest[0]), a=left, b=right)
                    return
        self.three(i.op, i)

    op_or = op_xor = op_and

    def cut(self, value: int, source: Register, count: int, back: str) -> None:
        """Left and right again by `count`: keeps the low 64 - count bits, extended."""
        moved = self.backend.new()
        self.emit("slli x, x, u6", d=moved, a=source, i=count)
        self.emit(f"{back} x, x, u6", d=self.define(value), a=moved, i=count)

    def op_not(self, i: Instruction) -> None:
        source = self.use(i.args[0])
        self.emit("not x, x", d=self.define(i.dest[0]), a=source)

    def op_neg(self, i: Instruction) -> None:
        source = self.use(i.args[0])
        self.emit(f"neg{self.word(i)} x, x", d=self.define(i.dest[0]), a=source)

    def op_mul(self, i: Instruction) -> None:
        self.three("mul" + self.word(i), i)

    def op_umulh(self, i: Instruction) -> None:
        self.three("mulhu" if i.op == "umulh" else "mulh", i)

    op_smulh = op_umulh

    def op_udiv(self, i: Instruction) -> None:
        name = {"udiv": "divu", "urem": "remu", "sdiv": "div", "srem": "rem"}[i.op]
        self.three(name + self.word(i), i)

    op_urem = op_sdiv = op_srem = op_udiv

    def op_shl(self, i: Instruction) -> None:
        op = {"shl": "sll", "lshr": "srl", "ashr": "sra"}[i.op]
        w, constant = self.word(i), self.constant(i.args[1])
        if constant is None:
            self.three(op + w, i)
            return
        if op == "sll" and not w and self.target.has("zba"):
            wide = self.absorb(i.args[0], "zext")
            if wide is not None:
                source = self.use(wide.args[0])
                self.emit("slli.uw x, x, u6", d=self.define(i.dest[0]), a=source, i=constant)
                return
        source = self.use(i.args[0])
        self.emit(f"{op}i{w} x, x, u{5 if w else 6}", d=self.define(i.dest[0]), a=source, i=constant)

    op_lshr = op_ashr = op_shl

    def op_rotl(self, i: Instruction) -> None:
        w, constant = self.word(i), self.constant(i.args[1])
        if constant is None:
            self.three("rol" + w, i)
            return
        source = self.use(i.args[0])
        self.emit(f"rori{w} x, x, u{5 if w else 6}", d=self.define(i.dest[0]), a=source,
                  i=-constant % self.width(i.dest[0]))

    # Widths

    def op_zext(self, i: Instruction) -> None:
        source = self.use(i.args[0])
        if self.target.has("zba"):
            self.emit("zext.w x, x", d=self.define(i.dest[0]), a=source)
        else:
            self.cut(i.dest[0], source, 32, "srli")

    def op_sext(self, i: Instruction) -> None:
        self.alias(i.dest[0], self.use(i.args[0]))

    def op_trunc(self, i: Instruction) -> None:
        source = self.use(i.args[0])
        if self.is_canonical(i.args[0]):
            self.alias(i.dest[0], source)
        else:
            self.emit("sext.w x, x", d=self.define(i.dest[0]), a=source)

    def is_canonical(self, value: int) -> bool:
        """Whether a 64-bit value surely is a sign-extended word already."""
        made = self.made.get(value)
        if made is None:
            return False
        if made.op == "param":
            return bool(made.imm[1] <= 32)
        if made.op in ("lshr", "ashr"):
            count = self.constant(made.args[1])
            return count is not None and count >= (33 if made.op == "lshr" else 32)
        if made.op == "and":
            mask = self.constant(made.args[1])
            return mask is not None and 0 <= mask < 1 << 31
        if made.op == "load":
            return bool(made.imm[1] < 4 or (made.imm[1] == 4 and made.imm[2]))
        return made.op in ("sext", "popcount", "clz", "ctz")

    def op_sext8(self, i: Instruction) -> None:
        source = self.use(i.args[0])
        if self.target.has("zbb"):
            self.emit(f"sext.{'b' if i.op == 'sext8' else 'h'} x, x", d=self.define(i.dest[0]), a=source)
        else:
            self.cut(i.dest[0], source, 56 if i.op == "sext8" else 48, "srai")

    op_sext16 = op_sext8

    # Bits

    def one(self, form: str, i: Instruction) -> None:
        source = self.use(i.args[0])
        self.emit(f"{form} x, x", d=self.define(i.dest[0]), a=source)

    def op_popcount(self, i: Instruction) -> None:
        self.one("cpop" + self.word(i), i)

    def op_clz(self, i: Instruction) -> None:
        self.one(i.op + self.word(i), i)

    def op_ctz(self, i: Instruction) -> None:
        if self.width(i.dest[0]) == 64 or not self.target.has("zbs"):
            self.one("ctz" + self.word(i), i)
            return
        # Not ctzw: QEMU before 8.0 goes on to the upper half when the word is 0. A bit above it ends the count.
        source, stopped = self.use(i.args[0]), self.backend.new()
        self.emit("bseti x, x, u6", d=stopped, a=source, i=32)
        self.emit("ctz x, x", d=self.define(i.dest[0]), a=stopped)

    def op_bswap(self, i: Instruction) -> None:
        if self.width(i.dest[0]) == 64:
            self.one("rev8", i)
            return
        source, turned = self.use(i.args[0]), self.backend.new()
        self.emit("rev8 x, x", d=turned, a=source)
        # The word is in the upper half now; an arithmetic shift brings it down sign-extended.
        self.emit("srai x, x, u6", d=self.define(i.dest[0]), a=turned, i=32)

    # Two words

    def op_add2(self, i: Instruction) -> None:
        a0, a1, b0, b1 = (self.use(v) for v in i.args)
        low = self.define(i.dest[0])
        self.emit("add x, x, x", d=low, a=a0, b=b0)
        if a1 == b1 == "zero":
            self.emit("sltu x, x, x", d=self.define(i.dest[1]), a=low, b=b0)
            return
        carry = self.backend.new()
        self.emit("sltu x, x, x", d=carry, a=low, b=b0)
        high = a1 if b1 == "zero" else b1 if a1 == "zero" else self.backend.new()
        if high not in (a1, b1):
            self.emit("add x, x, x", d=high, a=a1, b=b1)
        self.emit("add x, x, x", d=self.define(i.dest[1]), a=high, b=carry)

    def op_sub2(self, i: Instruction) -> None:
        a0, a1, b0, b1 = (self.use(v) for v in i.args)
        if self.constant(i.args[1]) == 0 and self.constant(i.args[3]) == 0:
            borrow = self.backend.new()
            self.emit("sltu x, x, x", d=borrow, a=a0, b=b0)
            self.emit("sub x, x, x", d=self.define(i.dest[0]), a=a0, b=b0)
            self.emit("neg x, x", d=self.define(i.dest[1]), a=borrow)
            return
        borrow, high = self.backend.new(), self.backend.new()
        self.emit("sltu x, x, x", d=borrow, a=a0, b=b0)
        self.emit("sub x, x, x", d=self.define(i.dest[0]), a=a0, b=b0)
        self.emit("sub x, x, x", d=high, a=a1, b=b1)
        self.emit("sub x, x, x", d=self.define(i.dest[1]), a=high, b=borrow)

    # Memory

    def where(self, args: tuple[int, ...], displacement: int, scale: int) -> tuple[Register, int]:
        base = self.use(args[0])
        if len(args) == 2:
            index = self.use(args[1])
            moved = self.backend.new()
            if scale > 1 and self.target.has("zba"):
                self.emit(f"sh{scale.bit_length() - 1}add x, x, x", d=moved, a=index, b=base)
            else:
                if scale > 1:
                    scaled = self.backend.new()
                    self.emit("slli x, x, u6", d=scaled, a=index, i=scale.bit_length() - 1)
                    index = scaled
                self.emit("add x, x, x", d=moved, a=base, b=index)
            base = moved
        if not fits_i12(displacement):
            offset, moved = self.backend.new(), self.backend.new()
            self.make_constant(offset, displacement, 64)
            self.emit("add x, x, x", d=moved, a=base, b=offset)
            return moved, 0
        return base, displacement

    def op_load(self, i: Instruction) -> None:
        displacement, size, signed, scale = i.imm
        base, offset = self.where(i.args, displacement, scale)
        # As a 32-bit value a word is sign-extended whatever its type.
        signed = signed or size == 8 or (size == 4 and self.width(i.dest[0]) == 32)
        name = "l" + {1: "b", 2: "h", 4: "w", 8: "d"}[size] + ("" if signed else "u")
        self.emit(f"{name} x, i12(x)", d=self.define(i.dest[0]), a=base, i=offset)

    def op_store(self, i: Instruction) -> None:
        displacement, size, scale = i.imm
        source = self.use(i.args[0])
        base, offset = self.where(i.args[1:], displacement, scale)
        name = {1: "sb", 2: "sh", 4: "sw", 8: "sd"}[size]
        self.emit(f"{name} x, i12(x)", a=source, b=base, i=offset)

    def op_table(self, i: Instruction) -> None:
        page, here = self.backend.new(), self.label()
        self.emit("auipc x, table", d=page, t=f".Ltable{i.imm}").label = here
        self.emit("addi x, x, table", d=self.define(i.dest[0]), a=page, l=here)
