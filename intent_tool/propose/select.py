"""Instruction selection: what the three targets have in common.

Each block of the intermediate representation becomes a block of machine instructions over virtual registers. A
comparison is not computed into a register where only branches and selects use it: they repeat it next to them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import ClassVar

from intent_tool.machine.instruction import Row
from intent_tool.machine.target import Target
from intent_tool.propose.allocate import live_at_start
from intent_tool.propose.ir import COMPARISONS, Block, Branch, Function, Instruction, Jump, Return, dominators_of
from intent_tool.propose.machine_ir import Backend, Code, CodeBlock, Register, Slot, Value
from intent_tool.propose.vector_ir import VECTORS


class Selector:
    """Walks a `Function`; the targets add one method for each operator, named ``op_…``."""

    table: dict[str, Row]
    move: str
    """The form of a 64-bit register move."""
    narrow_move: str
    """The form that moves 32 bits, where that is shorter."""
    vector_move: str = ""
    """The form that moves a whole vector."""
    zero: Register | None = None
    """A register that is always 0."""
    opposite: ClassVar[Mapping[str, str]]
    """The conditional branches' forms, each with the one that branches in the other cases."""
    lazy: frozenset[str] = frozenset()
    """Operators that an instruction for their user may take in."""

    def __init__(self, function: Function, target: Target, secret: bool) -> None:
        self.function, self.target, self.secret = function, target, secret
        self.blocks: list[CodeBlock] = []
        self.backend = Backend(self.table, (*target.abi.caller_saved, *target.abi.callee_saved),
                               self.reload, self.save)
        self.place: dict[int, Register] = {}
        self.made: dict[int, Instruction] = {}
        self.uses: dict[int, int] = {}
        self.becomes: dict[int, int] = {}
        """By a value, the parameter of a loop's head that it is given to for the next round."""
        self.needs_value: set[int] = set()
        self.constants: dict[tuple[int, int, int], Register] = {}
        self.deferred: dict[int, Instruction] = {}
        """Instructions with one user in their block: made when that user asks, or taken into it."""
        self.labels = 0
        self.use_vectors()

    # The walk

    def run(self) -> list[CodeBlock]:
        self.order = {b.number: k for k, b in enumerate(self.function.blocks)}
        self.count_uses()
        self.code_blocks = {b.number: CodeBlock(self.label(), b.depth) for b in self.function.blocks}
        self.dominators = dominators_of(self.function.blocks)
        for block in self.function.blocks:
            for param in block.params:
                self.define(param)
                if block.note is not None and param in block.note.round[1]:
                    self.backend.counting.add(self.place[param])
        self.last_block: dict[int, CodeBlock] = {}
        for block in self.function.blocks:
            self.block = self.code_blocks[block.number]
            self.ir_block = block
            self.blocks.append(self.block)
            for instruction in block.instructions:
                self.select(instruction)
            self.last_block[block.number] = self.block
            self.finish(block)
        return self.blocks

    def label(self) -> str:
        self.labels += 1
        return f".L{self.labels}"

    def count_uses(self) -> None:
        for block in self.function.blocks:
            for i in block.instructions:
                for d in i.dest:
                    self.made[d] = i
                for k, a in enumerate(i.args):
                    self.uses[a] = self.uses.get(a, 0) + 1
                    if not (i.op == "select" and k == 0):
                        self.needs_value.add(a)
            match block.end:
                case Branch(condition):
                    self.uses[condition] = self.uses.get(condition, 0) + 1
                case Jump(_, args) | Return(args):
                    if isinstance(block.end, Jump) and self.goes_back(block.end.target, block):
                        self.becomes.update(zip(args, block.end.target.params, strict=True))
                    for a in args:
                        self.uses[a] = self.uses.get(a, 0) + 1
                        self.needs_value.add(a)
                case None:
                    pass

    def goes_back(self, target: Block, block: Block) -> bool:
        return self.order[target.number] <= self.order[block.number]

    def select(self, i: Instruction) -> None:
        if i.op == "const" or (i.op in COMPARISONS and i.dest[0] not in self.needs_value):
            return
        if i.op in self.lazy and self.uses.get(i.dest[0]) == 1:
            self.deferred[i.dest[0]] = i
            return
        self.make(i)

    def make(self, i: Instruction) -> None:
        if i.op == "param":
            self.parameter(i)
        else:
            getattr(self, "op_" + i.op)(i)

    def finish(self, block: Block) -> None:
        if not isinstance(block.end, Branch):
            self.make_deferred()
        match block.end:
            case Jump(target, args):
                self.parallel_copy([(self.place[p], a) for p, a in zip(target.params, args, strict=True)])
                self.to(self.jump(self.code_blocks[target.number].label), self.code_blocks[target.number])
            case Branch(condition, then, otherwise):
                self.branch(condition, self.code_blocks[then.number], self.code_blocks[otherwise.number])
                self.make_deferred()
            case Return(values):
                for v in values:
                    self.copy(self.target.abi.result, self.use(v), self.width(v))
                self.ret(bool(values))

    def make_deferred(self) -> None:
        """What later blocks ask for, or the block's end. The last first, since it may take in earlier ones."""
        while self.deferred:
            self.make(self.deferred.popitem()[1])

    def to(self, code: Code, target: CodeBlock) -> None:
        self.block.end.append(code)
        if target not in self.block.successors:
            self.block.successors.append(target)

    def split(self) -> CodeBlock:
        """End the block here and go on in a new one that follows it."""
        following = CodeBlock(self.label(), self.block.depth)
        # Said by a jump, since the two may not stay neighbours; `layout` drops it where they do.
        self.to(self.jump(following.label), following)
        self.block = following
        self.blocks.append(following)
        return following

    def parallel_copy(self, moves: list[tuple[Register, int]]) -> None:
        """All at once: a source that is overwritten before its turn is saved first."""
        targets = {d for d, _ in moves}
        pending: list[tuple[Register, Register]] = []
        constants: list[tuple[Register, int]] = []
        for d, value in moves:
            if self.constant(value) is not None and self.shared_constant(value) is None:
                constants.append((d, value))
                continue
            source = self.use(value)
            if source != d:
                pending.append((d, source))
        while pending:
            ready = next((m for m in pending if not any(m[0] == s for _, s in pending if (_, s) != m)), None)
            if ready is None:
                d, source = pending[0]
                saved = self.copied(source)
                pending = [(t, saved if s == source else s) for t, s in pending]
                continue
            self.copy(*ready)
            pending.remove(ready)
        for d, value in constants:
            assert d in targets
            self.make_constant(d, self.made[value].imm, self.function.width[value])

    def thread_jumps(self) -> None:
        """A block that only jumps on is left out of the way."""
        while True:
            empty = next((b for b in self.blocks if not b.body and len(b.end) == 1 and len(b.successors) == 1
                          and self.is_jump(b.end[0]) and b.successors[0] is not b and b is not self.blocks[0]), None)
            if empty is None:
                return
            target = empty.successors[0]
            self.blocks.remove(empty)
            for block in self.blocks:
                if empty in block.successors:
                    block.successors = list(dict.fromkeys(target if s is empty else s for s in block.successors))
                    for code in block.end:
                        code.values = [target.label if v == empty.label else v for v in code.values]

    # Helpers

    def emit(self, form: str, **operands: Value) -> Code:
        code = self.code(form, **operands)
        self.block.body.append(code)
        return code

    def code(self, form: str, **operands: Value) -> Code:
        row = self.table[form]
        if row.feature is not None:
            assert self.target.has(row.feature), f"{form} needs {row.feature}"
        assert set(operands) == {o.name for o in row.operands}, (form, operands)
        return Code(row, [operands[o.name] for o in row.operands])

    def copy(self, d: Register, a: Register, width: int = 64) -> None:
        """Of a value of `width` bits; what lies above may get lost."""
        if d != a and (d in self.backend.vectors or a in self.backend.vectors):
            self.emit(self.vector_move, d=d, a=a).copy = True
        elif d != a:
            self.emit(self.narrow_move if width == 32 else self.move, d=d, a=a).copy = True

    def copied(self, a: Register, width: int = 64) -> Register:
        """A fresh register with the content of `a`, for an instruction that overwrites its operand."""
        d = self.backend.new_vector() if a in self.backend.vectors else self.backend.new()
        self.copy(d, a, width)
        return d

    def constant(self, value: int) -> int | None:
        """The value as a signed number of its width, if it is a constant."""
        made = self.made.get(value)
        if made is None or made.op != "const":
            return None
        width = self.function.width[value]
        return int(made.imm) - (1 << width) if made.imm >> width - 1 else int(made.imm)

    def shared_constant(self, value: int) -> Register | None:
        """A register of an enclosing place that already holds the constant."""
        made = self.made[value]
        for number in self.dominators[self.ir_block.number]:
            found = self.constants.get((number, made.imm, self.function.width[value]))
            if found is not None:
                return found
        return None

    def use(self, value: int) -> Register:
        """The register that holds a value; constants are made where they are first used, outside of loops."""
        made = self.made.get(value)
        if made is None or made.op != "const":
            if value in self.deferred:
                self.make(self.deferred.pop(value))
            return self.place[value]
        width = self.function.width[value]
        if made.imm == 0 and self.zero is not None:
            return self.zero
        known = self.shared_constant(value)
        if known is not None:
            return known
        here = self.ir_block
        outer = here
        for number in self.dominators[here.number]:
            block = next(b for b in self.function.blocks if b.number == number)
            if (block.depth, -self.order[number]) < (outer.depth, -self.order[outer.number]):
                outer = block
        register = self.backend.new()
        imm = made.imm
        self.backend.remake[register] = lambda r: self.collect(lambda: self.make_constant(r, imm, width))
        if outer is here:
            self.make_constant(register, imm, width)
        else:
            self.last_block[outer.number].body += self.collect(lambda: self.make_constant(register, imm, width))
        self.constants[outer.number, imm, width] = register
        return register

    def collect(self, make: Callable[[], None]) -> list[Code]:
        block, self.block = self.block, CodeBlock("", 0)
        make()
        codes, self.block = self.block.body, block
        return codes

    def define(self, value: int) -> int:
        register = self.backend.new_vector() if self.width(value) in VECTORS else self.backend.new()
        self.place[value] = register
        return register

    def alias(self, value: int, register: Register) -> None:
        """The value lives in a register that holds it already; values never change, so they may share it."""
        self.place[value] = register

    def width(self, value: int) -> int:
        return self.function.width[value]

    def absorb(self, value: int, *ops: str) -> Instruction | None:
        """The instruction behind `value`, not made yet and with no other user, if it is one of `ops`; it is the
        caller's now."""
        made = self.deferred.get(value)
        if made is None or made.op not in ops:
            return None
        return self.deferred.pop(value)

    def peek(self, value: int, *ops: str) -> Instruction | None:
        """Like `absorb`, but only to look."""
        made = self.deferred.get(value)
        return made if made is not None and made.op in ops else None

    def compare_of(self, condition: int) -> tuple[str, int, int] | None:
        made = self.made.get(condition)
        return (made.op, *made.args) if made is not None and made.op in COMPARISONS else None  # type: ignore[return-value]

    def ret(self, has_result: bool) -> None:
        code = self.code("ret")
        if has_result:
            code.also_reads = (self.target.abi.result,)
        self.block.end.append(code)

    # What each target says

    def use_vectors(self) -> None:
        """Say how vectors are moved, and which registers hold them; nothing where there are none."""

    def reload(self, register: int, slot: Slot) -> Code:
        raise NotImplementedError

    def save(self, register: int, slot: Slot) -> Code:
        raise NotImplementedError

    def make_constant(self, register: Register, value: int, width: int) -> None:
        raise NotImplementedError

    def parameter(self, i: Instruction) -> None:
        raise NotImplementedError

    def jump(self, label: str) -> Code:
        raise NotImplementedError

    def is_jump(self, code: Code) -> bool:
        raise NotImplementedError

    def branch(self, condition: int, then: CodeBlock, otherwise: CodeBlock) -> None:
        raise NotImplementedError


def copy_early(blocks: list[CodeBlock], selector: Selector) -> None:
    """Copies for the next round of a loop go before the test that ends the round, where they do no harm behind the
    loop: then the test jumps straight to the loop's head."""
    order = {id(b): k for k, b in enumerate(blocks)}
    ways = Counter(id(s) for b in blocks for s in b.successors)
    live = live_at_start(blocks)
    for block in blocks:
        for latch in block.successors:
            others = [b for b in block.successors if b is not latch]
            if len(others) != 1 or not latch.body or ways[id(latch)] > 1 or len(latch.end) != 1 \
                    or not selector.is_jump(latch.end[0]) or order[id(latch.successors[0])] > order[id(latch)]:
                continue
            written = {r for c in latch.body for r in c.writes()}
            if any("flags" in c.row.writes for c in latch.body) or written & live[id(others[0])] \
                    or any(written.intersection(c.reads()) for c in block.end):
                continue
            block.body += latch.body
            latch.body = []


def drop_repeated_tests(blocks: list[CodeBlock]) -> None:
    """Of two equal comparisons with nothing between them that they depend on, the second. Registers are known."""
    for block in blocks:
        last: Code | None = None
        for part in (block.body, block.end):
            kept = []
            for code in part:
                same = last is not None and code.row is last.row and code.values == last.values
                if "memory" in code.row.meaning:
                    last = None
                elif "flags" in code.row.writes:
                    if same:
                        continue
                    last = code if not code.writes() else None
                elif last is not None and set(code.writes()) & set(last.reads()):
                    last = None
                kept.append(code)
            part[:] = kept


def layout(blocks: list[CodeBlock], selector: Selector) -> None:
    """Once registers are known: leave out blocks that only jump on, and jumps to the block that follows."""
    selector.thread_jumps()
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if following is not None and len(block.end) > 1 and selector.is_jump(block.end[-1]):
            branch = block.end[-2]
            opposite = selector.opposite.get(branch.row.form)
            if branch.values[-1] == following.label and opposite is not None:
                branch.row, branch.values[-1] = selector.table[opposite], block.end.pop().values[0]
        if following is not None and block.end and selector.is_jump(block.end[-1]) \
                and block.end[-1].values[0] == following.label:
            block.end.pop()


