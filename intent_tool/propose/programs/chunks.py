"""Loops over standard input by groups of bytes, ``for i in range(0, len(stdin), W)``: as loops over one group at a
time.

What a round asks of standard input has to lie in its group, or closely behind it: ``stdin[i + k]``,
``stdin[i:i + W]``, and whether there is so much left, ``i + k < len(stdin)``."""

from __future__ import annotations

from dataclasses import dataclass, replace

from intent_tool.language import tree
from intent_tool.language.tree import Expression
from intent_tool.propose.programs import kinds
from intent_tool.propose.programs.resolve import free_names, rebuilt

WIDEST = 4096
"""Bytes of a group."""
FURTHEST = 16
"""Bytes behind a group."""
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Chunks:
    """`rest` is the comprehension without its first clause's range, over `chunk` and `start`."""

    width: int
    ahead: int
    """Bytes behind the group that are looked at, or asked for whether they are there."""
    start: str
    """The variable that is the group's place in the input."""
    node: tree.Comprehension


class _Other(Exception):
    """It looks at more than its group."""


CHUNK = "chunk"


def chunks(node: Expression) -> Chunks | None:
    if not isinstance(node, tree.Comprehension):
        return None
    first = node.clauses[0]
    source, width = first.sequence, 1
    if not isinstance(source, tree.Call) or source.function != "range" or first.target.name is None:
        return None
    match source.arguments:
        case (tree.Integer(value=0), stop, tree.Integer(value=width)) if is_length(stop):
            pass
        case (stop,) | (tree.Integer(value=0), stop) if is_length(stop):
            pass
        case _:
            return None
    if not 1 <= width <= WIDEST:
        return None
    try:
        relative = _Relative(first.target.name, width)
        inside = relative.comprehension(node)
    except _Other:
        return None
    return Chunks(width, relative.ahead, first.target.name, inside)


def is_length(node: Expression) -> bool:
    """Whether it is ``len(stdin)``."""
    return isinstance(node, tree.Call) and node.function == "len" and isinstance(node.arguments[0], tree.Name) \
        and node.arguments[0].name == "stdin"


class _Relative:
    def __init__(self, start: str, width: int) -> None:
        self.start, self.width, self.ahead = start, width, 0
        self.ranges: dict[str, tuple[int, int]] = {}
        """Of variables over constant ranges."""

    def comprehension(self, node: tree.Comprehension) -> tree.Comprehension:
        clauses = [node.clauses[0]]
        clauses[0] = replace(clauses[0], conditions=tuple(map(self.at, clauses[0].conditions)))
        for clause in node.clauses[1:]:
            clauses.append(self.clause(clause))
        return replace(node, element=self.at(node.element), clauses=tuple(clauses))

    def clause(self, clause: tree.Clause) -> tree.Clause:
        sequence = self.at(clause.sequence)
        if clause.target.name is not None:
            values = kinds.constant_range(sequence)
            if values:
                self.ranges[clause.target.name] = min(values[0], values[-1]), max(values[0], values[-1])
        return replace(clause, sequence=sequence, conditions=tuple(map(self.at, clause.conditions)))

    def at(self, node: Expression) -> Expression:
        if not kinds.mentions(node, "stdin"):
            return node
        match node:
            case tree.Index(sequence=tree.Name(name="stdin")):
                place = self.offset(node.index)
                self.within(place, self.width - 1)
                return tree.Index(node.span, self.chunk(node), place)
            case tree.Slice(sequence=tree.Name(name="stdin")) if node.start is not None and node.stop is not None:
                start, stop = self.offset(node.start), self.offset(node.stop)
                self.within(start, self.width)
                self.within(stop, self.width)
                return tree.Slice(node.span, self.chunk(node), start, stop)
            case tree.Compare(first=first, rest=((op, other),)) if op in _MIRRORED and is_length(other):
                return self.compared(node, first, op)
            case tree.Compare(first=first, rest=((op, other),)) if op in _MIRRORED and is_length(first):
                return self.compared(node, other, _MIRRORED[op])
            case tree.Comprehension():
                clauses = tuple(map(self.clause, node.clauses))
                return replace(node, clauses=clauses, element=self.at(node.element))
            case tree.Lambda():
                return replace(node, body=self.at(node.body))
            case tree.Name():
                raise _Other
            case tree.Call(function="min", arguments=(a, b)):
                for rest, bound in ((a, b), (b, a)):
                    if isinstance(rest, tree.Binary) and rest.op == "-" and isinstance(bound, tree.Integer) \
                            and is_length(rest.left) and self.is_start(rest.right) \
                            and 0 <= bound.value <= self.width:
                        return kinds.call("min", kinds.call("len", self.chunk(node)), bound)
            case tree.Formatted():
                return replace(node, parts=tuple(
                    p if isinstance(p, bytes) else replace(p, value=self.at(p.value)) for p in node.parts))
        return rebuilt(node, self.at)

    def is_start(self, node: Expression) -> bool:
        return isinstance(node, tree.Name) and node.name == self.start

    def chunk(self, node: Expression) -> Expression:
        return tree.Name(node.span, CHUNK)

    def compared(self, node: Expression, place: Expression, op: str) -> Expression:
        """A place in the input and where it ends: the same of the group, whose end may come before."""
        offset = self.offset(place)
        # Whether there is a byte at `offset`, or one before it.
        self.within(offset, self.width - (op in ("<", ">=")))
        return kinds.compare(offset, op, kinds.call("len", self.chunk(node)))

    def offset(self, node: Expression) -> Expression:
        """`node` without the group's place, which it has to be the sum of and something else."""
        if self.is_start(node):
            return kinds.number(node, 0)
        if isinstance(node, tree.Binary) and node.op in "+-":
            if self.start in set(free_names(node.left)) and self.start not in set(free_names(node.right)):
                rest = self.offset(node.left)
                if isinstance(rest, tree.Integer) and rest.value == 0 and node.op == "+":
                    return node.right
                return kinds.binary(node.op, rest, node.right)
            if node.op == "+" and self.start in set(free_names(node.right)) \
                    and self.start not in set(free_names(node.left)):
                rest = self.offset(node.right)
                return node.left if isinstance(rest, tree.Integer) and rest.value == 0 else \
                    kinds.binary("+", node.left, rest)
        raise _Other

    def within(self, node: Expression, hi: int) -> None:
        """Looks so much further ahead that `node`, of which `hi` is in the group, is in what is looked at."""
        found = self.interval(node)
        if found is None or found[0] < 0 or found[1] > hi + FURTHEST:
            raise _Other
        self.ahead = max(self.ahead, found[1] - hi)

    def interval(self, node: Expression) -> tuple[int, int] | None:
        match node:
            case tree.Integer():
                return node.value, node.value
            case tree.Name():
                return self.ranges.get(node.name)
            case tree.Binary(op="+" | "-"):
                a, b = self.interval(node.left), self.interval(node.right)
                if a is None or b is None:
                    return None
                return (a[0] + b[0], a[1] + b[1]) if node.op == "+" else (a[0] - b[1], a[1] - b[0])
        return None
