"""The intermediate representation: 32- and 64-bit words in static single assignment form. All of it is on this page.

A value is a number; `Function.width` gives its bits. A 32-bit value stands for a word modulo 2**32: how the rest of
its register looks is the target's business (anything on x86-64 and ARM64, the sign on RISC-V).

=====================  ===============================================================================
op                     meaning (arguments and result of one width unless said)
=====================  ===============================================================================
const                  `imm`
param                  argument `imm` as it arrives: 64 bits, of which only the type's are meaningful
add sub mul and or xor two's complement
not neg                one argument
shl lshr ashr rotl     the second argument is the count (32 bits wide), below the width
umulh smulh            64 bits: the upper half of the product
udiv urem sdiv srem    rounding towards zero; the divisor is not zero and the quotient fits
eq ne ult ule slt sle  32-bit result, 0 or 1
select                 (condition of 32 bits being 0 or 1, then, otherwise)
zext sext trunc        32 to 64 bits, and back
sext8 sext16           sign-extend the low bits within the width
popcount clz ctz bswap bitrev   clz and ctz of 0 give the width
div128                 (high, low, divisor) to (quotient, remainder) of a dividend of two words, where high
                       is below the divisor (targets with the feature only)
add2 sub2              (low, high, low, high) to (low, high): 128 bits
load                   (address[, index]); `imm` is (displacement, bytes, signed, scale); zero- or sign-extended
store                  (value, address[, index]); `imm` is (displacement, bytes, scale)
load_step store_step   like those, of a pointer alone, which is a second result `imm[0]` bytes further on (ARM64)
table                  the 64-bit address of the constant table number `imm`
v_...                  on vectors of 128 or 256 bits: vector_ir.py has the list
=====================  ===============================================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from intent_tool.propose.vector_ir import verify_vector_widths

STORES = ("store", "store_step", "v_store")
COMPARISONS = {"eq": "ne", "ne": "eq", "ult": "uge", "ule": "ugt", "slt": "sge", "sle": "sgt"}
"""Each comparison, with its negation as the backends name conditions."""


@dataclass(slots=True)
class Instruction:
    op: str
    dest: tuple[int, ...]
    args: tuple[int, ...] = ()
    imm: Any = None


@dataclass(slots=True)
class Jump:
    target: Block
    args: tuple[int, ...] = ()


@dataclass(slots=True)
class Branch:
    """To `then` if the 32-bit `condition` (0 or 1) is 1; neither target has parameters."""

    condition: int
    then: Block
    otherwise: Block


@dataclass(slots=True)
class Return:
    values: tuple[int, ...]


Formula = tuple[str, tuple[int, ...]]
"""Text of a note, with ``{0}``, ``{1}`` … for values."""


@dataclass(slots=True)
class LoopNote:
    """What holds whenever control is at a loop's head; `machine.assembly.Note` has the language."""

    round: Formula
    """How many rounds are done."""
    most: Formula
    """The most that it can be there."""
    statements: list[Formula] = field(default_factory=list)
    """Each is left out when one of its values is not kept at the head."""
    elements: int = 1
    """How many elements one round of the loop writes: what `round` and `most` count is that many rounds."""


@dataclass(slots=True, eq=False)
class Block:
    number: int
    depth: int
    """How many loops are around it."""
    params: tuple[int, ...] = ()
    instructions: list[Instruction] = field(default_factory=list)
    end: Jump | Branch | Return | None = None
    note: LoopNote | None = None

    def successors(self) -> tuple[Block, ...]:
        if isinstance(self.end, Jump):
            return (self.end.target,)
        return (self.end.then, self.end.otherwise) if isinstance(self.end, Branch) else ()


@dataclass(slots=True)
class Shape:
    """A loop that is tested at its end: `before` jumps to `head`, `latch` jumps back. `number`, a parameter of the
    head, counts rounds from `first`; `after` is `step` more, as many as the loop's body does, and `last` branches to
    the latch while `again` says that it differs from `limit`."""

    before: Block
    head: Block
    last: Block
    latch: Block
    number: int
    after: int
    again: int
    limit: int
    first: int
    step: int = 1


@dataclass(slots=True)
class Function:
    blocks: list[Block] = field(default_factory=list)
    width: list[int] = field(default_factory=list)
    tables: list[tuple[int, bytes]] = field(default_factory=list)
    """(element size in bytes, content)."""
    loops: list[Shape] = field(default_factory=list)
    """Inner loops before those around them."""

    def value(self, width: int) -> int:
        self.width.append(width)
        return len(self.width) - 1

    def verify(self) -> None:
        """What the backends rely on: one definition a value, defined on every way to its use, widths that agree."""
        defined: dict[int, int] = {}
        for block in self.blocks:
            for value in (*block.params, *(d for i in block.instructions for d in i.dest)):
                assert value not in defined, f"value {value} is defined twice"
                defined[value] = block.number
        dominators = dominators_of(self.blocks)
        for block in self.blocks:
            here = set(block.params)
            for instruction in block.instructions:
                for arg in instruction.args:
                    assert arg in here or (defined.get(arg) in dominators[block.number] - {block.number}), \
                        f"block {block.number}: {instruction} uses {arg}, which is not defined there"
                here.update(instruction.dest)
                self._verify_widths(instruction)
            assert block.end is not None, f"block {block.number} has no end"
            for successor in block.successors():
                given = block.end.args if isinstance(block.end, Jump) else ()
                assert len(given) == len(successor.params), f"block {block.number}: wrong count of arguments"
                assert all(self.width[a] == self.width[p] for a, p in zip(given, successor.params, strict=True))

    def _verify_widths(self, i: Instruction) -> None:
        w = [self.width[v] for v in (*i.dest, *i.args)]
        if i.op.startswith("v_"):
            verify_vector_widths(i.op, i.imm, w)
            return
        if i.op in ("add", "sub", "mul", "and", "or", "xor", "not", "neg", "udiv", "urem", "sdiv", "srem",
                    "sext8", "sext16", "popcount", "clz", "ctz", "bswap", "bitrev"):
            assert len(set(w)) == 1, i
        elif i.op in ("shl", "lshr", "ashr", "rotl"):
            assert w[0] == w[1] and w[2] == 32, i
        elif i.op in COMPARISONS:
            assert w[0] == 32 and w[1] == w[2], i
        elif i.op == "select":
            assert w[1] == 32 and w[0] == w[2] == w[3], i
        elif i.op in ("zext", "sext", "trunc"):
            assert w == ([32, 64] if i.op == "trunc" else [64, 32]), i


def dominators_of(blocks: list[Block]) -> dict[int, set[int]]:
    everything = {b.number for b in blocks}
    result = {b.number: set(everything) for b in blocks}
    result[blocks[0].number] = {blocks[0].number}
    before: dict[int, list[int]] = {b.number: [] for b in blocks}
    for block in blocks:
        for successor in block.successors():
            before[successor.number].append(block.number)
    changed = True
    while changed:
        changed = False
        for block in blocks[1:]:
            ways = [result[p] for p in before[block.number]]
            found = (set.intersection(*ways) if ways else set()) | {block.number}
            if found != result[block.number]:
                result[block.number], changed = found, True
    return result


def drop_unused(function: Function) -> None:
    """Instructions and parameters of blocks that nobody needs."""
    used: set[int] = set()
    work: list[int] = []

    def need(values: Iterable[int]) -> None:
        for v in values:
            if v not in used:
                used.add(v)
                work.append(v)
    made = {d: i for block in function.blocks for i in block.instructions for d in i.dest}
    sources: dict[int, list[int]] = {}
    for block in function.blocks:
        match block.end:
            case Return(values):
                need(values)
            case Jump(target, args):
                for param, arg in zip(target.params, args, strict=True):
                    sources.setdefault(param, []).append(arg)
            case Branch(condition, _, _):
                need([condition])
        need(a for i in block.instructions if i.op in STORES for a in i.args)
    while work:
        value = work.pop()
        need(made[value].args if value in made else sources.get(value, ()))
    for block in function.blocks:
        block.instructions = [i for i in block.instructions if i.op in STORES or used & set(i.dest)]
        if isinstance(block.end, Jump):
            pairs = zip(block.end.target.params, block.end.args, strict=True)
            block.end.args = tuple(a for p, a in pairs if p in used)
    for block in function.blocks:
        block.params = tuple(p for p in block.params if p in used)


def dump(function: Function) -> str:
    """For people."""
    lines = []
    for block in function.blocks:
        lines.append(f"b{block.number}({', '.join(f'v{p}:{function.width[p]}' for p in block.params)}):")
        for i in block.instructions:
            dest = ", ".join(f"v{d}:{function.width[d]}" for d in i.dest)
            args = " ".join(f"v{a}" for a in i.args)
            lines.append(f"    {dest} = {i.op} {args} {'' if i.imm is None else i.imm}".rstrip())
        match block.end:
            case Jump(target, given):
                lines.append(f"    jump b{target.number}({', '.join(f'v{a}' for a in given)})")
            case Branch(condition, then, otherwise):
                lines.append(f"    branch v{condition} b{then.number} b{otherwise.number}")
            case Return(values):
                lines.append(f"    return {' '.join(f'v{v}' for v in values)}")
    return "\n".join(lines)
