"""What a proposer says of a loop: text that nobody has to believe.

Statements, separated by ``; ``:

``round EXPR <= EXPR``
    The number of rounds of the contract's fold (or of elements written) that are done whenever control is at the
    loop's head, and the most that it can be there.
``PLACE = fold(N)[I]``, ``PLACE = fold(N)[I] >> BITS``
    The place holds state I of fold number N after so many rounds, shifted, modulo two to the power of its width.
``OPERATOR WIDTH: %REGISTER … = fold(N)[I]``
    All lanes of so many bits of these registers together (`sum` modulo two to the power of the width, `xor`, `and`,
    `or`, `umin`, `umax`, `smin`, `smax`; of a general register its low bits) are the state. For `all` and `any` each
    lane is all ones or all zeros, and the state, which is 0 or 1, says whether all lanes, or any of them, are ones.
``fold(N)[I] == INTEGER``
    That state has this value there: of a search, that nothing was found so far.
``written BUFFER[EXPR : EXPR]``
    These elements have their final content, and so have those of other such statements; all others that of entry.

A PLACE is a register (``%eax``; of RISC-V ``%a0``, and ``%a0.w`` for one that holds 32 bits, extended by their sign)
or a slot of the frame (``%sp[16]``, ``%sp[16].w``), in bytes above the stack pointer. An EXPR is Python over integers
with ``+ - * // & ~ << >>``, parameters (a buffer's name is its address), whole registers, and `round`. Folds are
numbered as `walk.fold_sites` lists them. Where one place of a contract stands for several, since a definition is
called with several arguments, N.K is number K of them in the order in which they are evaluated, N the first.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass

from intent_tool.judge.bitvector import Graph, Term
from intent_tool.judge.gathered import OPERATORS
from intent_tool.judge.memory import INDEX_BITS

LONGEST_NOTE = 4096


class BadNote(Exception):
    """A note that says nothing that can be understood."""


@dataclass(frozen=True, slots=True)
class Place:
    register: str
    """As it is written: its name in the width that counts."""
    slot: int | None
    """Bytes above that register, for a slot of the frame."""
    is_word: bool
    """32 bits of a register or slot of 64."""


@dataclass(frozen=True, slots=True)
class Holds:
    place: Place
    fold: str
    state: int
    shift: int
    """Of a state that takes more than one place: which of its bits is the place's lowest."""


@dataclass(frozen=True, slots=True)
class Gathers:
    operator: str
    width: int
    registers: tuple[str, ...]
    fold: str
    state: int


@dataclass(frozen=True, slots=True)
class Known:
    fold: str
    state: int
    value: int


@dataclass(frozen=True, slots=True)
class Written:
    buffer: str
    low: ast.expr
    high: ast.expr


@dataclass(frozen=True, slots=True)
class LoopNote:
    round: ast.expr
    most: ast.expr
    holds: tuple[Holds, ...]
    gathers: tuple[Gathers, ...]
    known: tuple[Known, ...]
    written: tuple[Written, ...]


_PLACE = r"%([a-z][a-z0-9]*)(?:\[(\d{1,6})\])?(\.w)?"
_FOLD = r"\d{1,4}(?:\.\d{1,4})?"
_HOLDS = re.compile(_PLACE + rf" = fold\(({_FOLD})\)\[(\d{{1,4}})\](?: >> (\d{{1,3}}))?\Z")
_GATHERS = re.compile(rf"({'|'.join(OPERATORS)}) (8|16|32|64): (%[a-z][a-z0-9]*(?: %[a-z][a-z0-9]*){{0,31}})"
                      rf" = fold\(({_FOLD})\)\[(\d{{1,4}})\]\Z")
_KNOWN = re.compile(rf"fold\(({_FOLD})\)\[(\d{{1,4}})\] == (-?\d{{1,40}})\Z")
_WRITTEN = re.compile(r"written ([A-Za-z_]\w*)\[([^:\]]+) : ([^:\]]+)\]\Z")
_ROUND = re.compile(r"round (.+) <= (.+)\Z")


def read_note(text: str) -> LoopNote:
    """Raises BadNote."""
    if len(text) > LONGEST_NOTE:
        raise BadNote("a note of more than 4096 characters")
    rounds: list[tuple[ast.expr, ast.expr]] = []
    holds: list[Holds] = []
    gathers: list[Gathers] = []
    known: list[Known] = []
    written: list[Written] = []
    for statement in text.split("; "):
        if found := _HOLDS.match(statement):
            slot = int(found[2]) if found[2] is not None else None
            holds.append(Holds(Place(found[1], slot, found[3] is not None), found[4], int(found[5]),
                               int(found[6] or 0)))
        elif found := _GATHERS.match(statement):
            registers = tuple(name[1:] for name in found[3].split())
            gathers.append(Gathers(found[1], int(found[2]), registers, found[4], int(found[5])))
        elif found := _KNOWN.match(statement):
            known.append(Known(found[1], int(found[2]), int(found[3])))
        elif found := _WRITTEN.match(statement):
            written.append(Written(found[1], _expression(found[2]), _expression(found[3])))
        elif found := _ROUND.match(statement):
            rounds.append((_expression(found[1]), _expression(found[2])))
        else:
            raise BadNote(f"`{statement[:80]}` in a note")
    if len(rounds) != 1:
        raise BadNote("a note without `round`, or with several")
    return LoopNote(*rounds[0], tuple(holds), tuple(gathers), tuple(known), tuple(written))


def _expression(text: str) -> ast.expr:
    try:
        # A register's name becomes one that no parameter has.
        return ast.parse(re.sub(r"%([a-z][a-z0-9]*)", r"__\1", text), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BadNote(f"`{text[:80]}` in a note") from None


def value_of(graph: Graph, node: ast.expr, names: Mapping[str, Term], registers: Mapping[str, Term]) -> Term:
    """The value as a term of 64 bits. Raises BadNote."""
    match node:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return graph.const(value, INDEX_BITS)
        case ast.Name(id=name) if name.startswith("__"):
            if name[2:] not in registers:
                raise BadNote(f"%{name[2:]} in a note")
            return registers[name[2:]]
        case ast.Name(id=name):
            if name not in names:
                raise BadNote(f"`{name}` in a note")
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return graph.neg(value_of(graph, operand, names, registers))
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            return graph.not_(value_of(graph, operand, names, registers))
        case ast.BinOp(left=left, op=op, right=right):
            return _binary(graph, op, value_of(graph, left, names, registers),
                           value_of(graph, right, names, registers))
    raise BadNote("an expression of another kind in a note")


def _binary(graph: Graph, op: ast.operator, a: Term, b: Term) -> Term:
    match op:
        case ast.Add():
            return graph.add(a, b)
        case ast.Sub():
            return graph.sub(a, b)
        case ast.Mult():
            return graph.mul(a, b)
        case ast.BitAnd():
            return graph.and_(a, b)
        case ast.LShift() if b.is_const and b.data < INDEX_BITS:
            return graph.shl(a, b)
        case ast.RShift() if b.is_const and b.data < INDEX_BITS:
            return graph.lshr(a, b)
        case ast.FloorDiv() if b.is_const and b.data:
            return _divided(graph, a, b.data)
    raise BadNote("an operator of another kind in a note")


def _divided(graph: Graph, a: Term, divisor: int) -> Term:
    """The quotient: of a sum whose parts the divisor divides, part by part."""
    parts, constant = graph.summands(a)
    if all(number % divisor == 0 for number in (constant, *(factor for factor, _ in parts))):
        return graph.linear([(factor // divisor, t) for factor, t in parts], constant // divisor, INDEX_BITS)
    return graph.udiv(a, graph.const(divisor, INDEX_BITS))
